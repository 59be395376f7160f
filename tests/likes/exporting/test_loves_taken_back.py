"""A love that the user takes back on Last.fm: noticed, shown, and never given again unasked."""

from __future__ import annotations

import json

import pytest
from django.core.management import execute_from_command_line
from django.test import Client
from django.urls import reverse
from slices import after
from world import World

from likes import review
from likes.like_sync import export_likes, import_likes, verify_likes
from likes.models import Like, Run, Service, SyncSettings

REASON = "No longer loved on Last.fm; Narada does not love it again unless asked."
TITLES = ["Song A", "Song B", "Song C"]


@pytest.fixture
def loved(world: World) -> World:
    """Alice, whose three likes are loved, one of them by herself."""
    user = world.join()
    world.order("love", user="alice", artist="Ada", title=TITLES[0])
    for title in TITLES:
        world.like(title)
    import_likes(user)
    assert export_likes(user).confirmed == 3
    world.box.clear_calls()
    return world


def unlove(world: World, *titles: str) -> None:
    for title in titles:
        world.order("unlove", user="alice", artist="Ada", title=title)


@pytest.mark.parametrize("title", TITLES[:2])
def test_a_love_taken_back_is_noticed_at_the_next_reading(loved: World, title: str) -> None:
    """Also one that the user gave, and Narada only found there."""
    unlove(loved, title)
    summary = export_likes(loved.users["alice"])
    assert (summary.exit_code, summary.candidates) == (0, 0)
    like = Like.objects.on(Service.LASTFM).get(track__title=title)
    assert (like.state, like.last_error) == ("removed", REASON)
    assert like.removed_at is not None
    assert loved.states(loved.users["alice"]) == {"present": 2, "removed": 1}
    assert loved.count() == loved.count("user.getLovedTracks") == 1


@pytest.mark.parametrize("how", ["import", "full", "export", "slices", "limit", "new like"])
def test_a_love_taken_back_is_given_again_by_no_kind_of_run(loved: World, how: str) -> None:
    user = loved.users["alice"]
    unlove(loved, "Song B")
    export_likes(user)
    for number in range(3):
        if how == "new like":
            loved.like(f"New {number}")
        import_likes(user, full=how == "full")
        if how == "slices":
            export_likes(user, batch_size=1, time_is_up=after(1))
        export_likes(user, limit=1 if how == "limit" else None)
    assert ("Ada", "Song B") not in loved.sent()
    assert ("Ada", "Song B") not in loved.loves()
    assert loved.state_of(user, "Song B") == "removed"
    assert loved.state_of(user, "Song B", Service.NARADA) == "present"


def test_a_love_taken_back_while_spotifys_like_ends_and_returns_stays_so(loved: World) -> None:
    """With ``keep`` the like never ended in Narada, so nobody has asked."""
    user = loved.users["alice"]
    unlove(loved, "Song B")
    export_likes(user)
    service_id = next(row["service_id"] for row in loved.likes() if row["title"] == "Song B")
    for order in ("unlike", "like"):
        loved.order(order, user="alice", service_id=service_id)
        import_likes(user)
        export_likes(user)
        assert loved.state_of(user, "Song B") == "removed"
    assert not loved.sent()


def test_a_love_taken_back_is_given_again_when_the_user_asks(loved: World) -> None:
    user = loved.users["alice"]
    unlove(loved, "Song B")
    export_likes(user)
    review.reopen(Like.objects.on(Service.LASTFM).get(track__title="Song B"), user)
    assert export_likes(user).loved == 1
    assert loved.sent() == [("Ada", "Song B")]
    assert loved.state_of(user, "Song B") == "present"
    unlove(loved, "Song B")
    export_likes(user)
    assert loved.state_of(user, "Song B") == "removed"
    assert len(loved.sent()) == 1


def test_a_love_taken_back_is_not_unloved_again(loved: World) -> None:
    user = loved.users["alice"]
    SyncSettings.objects.create(user=user, on_unlike="follow")
    unlove(loved, "Song B")
    export_likes(user)
    loved.order("unlike", user="alice", all=True)
    import_likes(user)
    export_likes(user)
    # What the user loved stays, what they took back is left alone.
    assert loved.sent("track.unlove") == [("Ada", "Song C")]
    assert loved.loves() == [("Ada", "Song A")]


def test_a_page_of_two_tracks_taken_back_ends_for_both(world: World) -> None:
    user = world.join()
    for length in (100_000, 400_000):
        world.like("Song", album=str(length), duration_ms=length, isrc="")
    import_likes(user)
    export_likes(user)
    unlove(world, "Song")
    for _ in range(2):
        export_likes(user)
        assert world.states(user) == {"removed": 2}
    assert world.sent() == [("Ada", "Song")]


def test_a_reading_that_failed_takes_nothing_for_taken_back(loved: World) -> None:
    user = loved.users["alice"]
    unlove(loved, "Song B")
    loved.box.add_faults({"kind": "other_user", "match": "user.getLovedTracks"})
    assert export_likes(user).exit_code == 75
    assert loved.states(user) == {"present": 3}
    loved.box.clear_faults()
    export_likes(user)
    assert loved.states(user) == {"present": 2, "removed": 1}


def test_a_love_taken_back_is_shown_in_the_pages(loved: World) -> None:
    user = loved.users["alice"]
    unlove(loved, "Song B")
    export_likes(user)
    client = Client()
    client.force_login(user)
    listed = client.get(reverse("likes"), {"state": "removed"}).content.decode()
    assert [title in listed for title in TITLES] == [False, True, False]
    track = Like.objects.on(Service.LASTFM).get(track__title="Song B").track
    shown = client.get(reverse("track", args=[track.pk])).content.decode()
    assert REASON in shown
    assert "Found to be gone on Last.fm" in shown
    assert reverse("decide_on_track", args=[track.pk, "reopen"]) in shown
    client.post(reverse("decide_on_track", args=[track.pk, "reopen"]))
    assert export_likes(user).loved == 1
    assert ("Ada", "Song B") in loved.loves()


def test_a_love_taken_back_is_shown_by_verify(
    loved: World, capsys: pytest.CaptureFixture[str]
) -> None:
    unlove(loved, "Song B")
    export_likes(loved.users["alice"])
    capsys.readouterr()
    execute_from_command_line(["manage.py", "verify_likes", "-u", "alice", "--json"])
    out, err = capsys.readouterr()
    proof = json.loads(out)
    assert (proof["likes"], proof["loved"], proof["complete"]) == (3, 2, True)
    assert proof["exceptions"] == [{"track": "Ada – Song B", "state": "removed", "reason": REASON}]
    assert err.strip() == "2 of 3 likes are loved."
    assert Run.objects.latest("pk").state == Run.State.DONE


def test_verify_does_not_say_that_narada_sent_what_the_user_loved(loved: World) -> None:
    unlove(loved, *TITLES[:2])
    reasons = [one["reason"] for one in verify_likes(loved.users["alice"]).exceptions]
    told = "Last.fm showed it before and no longer does; the next export takes note"
    assert reasons == [told, told]


def like_twice(world: World) -> None:
    """Like two recordings that are one page on Last.fm."""
    for length in (100_000, 400_000):
        world.like("Song", album=str(length), duration_ms=length, isrc="")


def test_a_love_taken_back_is_not_given_again_for_another_like_that_waits(world: World) -> None:
    user = world.join()
    like_twice(world)
    import_likes(user)
    export_likes(user, limit=1)
    world.order("unlove", user="alice", artist="Ada", title="Song")
    for _ in range(2):
        summary = export_likes(user)
        assert (summary.exit_code, summary.loved, summary.remaining) == (0, 0, 0)
    assert (world.states(user), len(world.sent())) == ({"removed": 2}, 1)
    waiting = Like.objects.on(Service.LASTFM).order_by("removed_at").last()
    assert waiting is not None
    assert waiting.last_error == REASON
    review.reopen(waiting, user)
    assert export_likes(user).loved == 1
    assert world.loves() == [("Ada", "Song")]


def test_a_love_taken_back_is_given_for_a_like_that_is_newer(world: World) -> None:
    """Who likes the song anew, as another recording or again, asks for it."""
    user = world.join()
    song = world.like("Song", duration_ms=100_000, isrc="")
    SyncSettings.objects.create(user=user, on_unlike="follow")
    import_likes(user)
    export_likes(user)
    world.order("unlove", user="alice", artist="Ada", title="Song")
    export_likes(user)
    world.like("Song", album="Another", duration_ms=400_000, isrc="")
    import_likes(user)
    assert export_likes(user).loved == 1
    world.order("unlove", user="alice", artist="Ada", title="Song")
    export_likes(user)
    for order in ("unlike", "like"):
        world.order(order, user="alice", service_id=song)
        import_likes(user)
    assert export_likes(user).loved == 1
    again = Like.objects.on(Service.LASTFM).get(state="present", sent_at__isnull=False)
    assert again.last_error == ""
