"""Exports over HTTP: what is loved, in which order, how often, and what becomes of the rest."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from slices import after
from waiting import PATIENCE
from world import World

from connectors.errors import TemporaryError
from connectors.lastfm import LastfmConnector
from likes import review
from likes.accounts import holds, user_clients
from likes.exporting.export import Export
from likes.exporting.in_flight import IN_FLIGHT
from likes.exporting.loving import Loving
from likes.like_operations import TO_SEND
from likes.like_sync import export_likes, import_likes, verify_likes
from likes.models import (
    Checkpoint,
    Connection,
    Like,
    Run,
    Service,
    ServiceHold,
    ServiceMapping,
    SyncSettings,
)
from likes.runs.summaries import ExportSummary

MakeWorld = Callable[..., World]
State = Like.State


def check_sum(summary: ExportSummary) -> None:
    assert summary.candidates == summary.settled + summary.remaining
    assert min(value for value in summary.counts.values()) >= 0


def make_pages(world: World, count: int, user: str = "alice") -> list[str]:
    """Like songs with a page each, a second apart; return their titles, oldest like first."""
    titles = [f"Song {chr(65 + number)}" for number in range(count)]
    for number, title in enumerate(titles):
        world.like(title, user=user, added_at=f"2024-05-01T10:00:{number:02}+00:00")
    return titles


class Cut(BaseException):
    """Stands for a kill: nothing catches it."""


def test_export_loves_oldest_like_first_and_confirms(world: World) -> None:
    user = world.join()
    titles = make_pages(world, 25)
    import_likes(user)
    summary = export_likes(user, batch_size=4)
    check_sum(summary)
    assert (summary.loved, summary.confirmed, summary.exit_code) == (25, 25, 0)
    assert not world.twice()
    assert {title for _, title in world.loves()} == set(titles)
    # Without a limit six are in flight at once, and one may overtake those, but no others.
    for place, (_, title) in enumerate(world.sent()):
        assert abs(place - titles.index(title)) < IN_FLIGHT


def test_several_loves_are_in_flight_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    user = world.join()
    make_pages(world, IN_FLIGHT)
    import_likes(user)
    # Nobody passes before all have come.
    gate = threading.Barrier(IN_FLIGHT)
    real = LastfmConnector.love_track

    def love(self: LastfmConnector, artist: str, title: str) -> None:
        gate.wait(PATIENCE)
        real(self, artist, title)

    monkeypatch.setattr(LastfmConnector, "love_track", love)
    assert export_likes(user).loved == IN_FLIGHT


@pytest.mark.slow
def test_likes_of_one_second_are_loved_oldest_first(world: World, settings: Any) -> None:
    settings.LASTFM_REQUESTS_PER_SECOND = 5
    user = world.join()
    titles = [f"Song {letter}" for letter in "ABCDEF"]
    for title in titles:
        world.like(title, added_at="2024-05-01T10:00:00+00:00")
    import_likes(user, batch_size=4)
    export_likes(user, batch_size=1)
    assert [title for _, title in world.sent()] == titles


def test_what_is_loved_already_is_adopted_without_a_call(world: World) -> None:
    user = world.join()
    make_pages(world, 5)
    for title in ("Song A", "song b"):
        world.order("love", user="alice", artist="ada", title=title)
    world.order("love", user="alice", artist="Somebody", title="Else")
    import_likes(user)
    summary = export_likes(user)
    check_sum(summary)
    assert (summary.already_loved, summary.loved, summary.confirmed) == (2, 3, 5)
    assert {title for _, title in world.sent()} == {"Song C", "Song D", "Song E"}
    adopted = Like.objects.on(Service.LASTFM).filter(sent_at=None)
    assert {like.track.title for like in adopted} == {"Song A", "Song B"}


@pytest.mark.parametrize("limit", [1, 5, 7, 10])
@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_limit_is_exact_and_the_rest_is_loved_later(
    world: World, limit: int, batch_size: int
) -> None:
    user = world.join()
    titles = make_pages(world, 12)
    import_likes(user)
    first = export_likes(user, limit=limit, batch_size=batch_size)
    check_sum(first)
    assert (first.candidates, first.loved, first.remaining) == (12, limit, 12 - limit)
    assert {title for _, title in world.sent()} == set(titles[:limit])
    rest = export_likes(user, batch_size=batch_size)
    check_sum(rest)
    assert (rest.candidates, rest.loved, rest.remaining) == (12 - limit, 12 - limit, 0)
    assert not world.twice()
    world.box.clear_calls()
    quiet = export_likes(user)
    assert (quiet.candidates, quiet.loved, world.count()) == (0, 0, 1)


def test_slices_love_all_once(world: World) -> None:
    user = world.join()
    make_pages(world, 11)
    import_likes(user)
    loved = []
    while True:
        summary = export_likes(user, batch_size=2, time_is_up=after(2))
        check_sum(summary)
        loved.append(summary.loved)
        if not summary.more:
            break
    assert loved == [4, 4, 3]
    assert not world.twice()


def test_the_spelling_that_the_user_scrobbles_is_loved(world: World) -> None:
    user = world.join()
    world.like("Song - 2011 Remaster", relation="ghost", lastfm_title="Song")
    world.order("scrobble", user="alice", artist="Ada", title="Song", playcount=9)
    import_likes(user)
    assert export_likes(user).loved == 1
    assert world.loves() == [("Ada", "Song")]
    assert world.count("track.getInfo") == 0


def test_a_stored_library_serves_the_likes_of_the_same_day(world: World) -> None:
    user = world.join()
    for title in ("Song", "Later"):
        world.order("scrobble", user="alice", artist="Ada", title=title)
    world.like("Song")
    import_likes(user)
    export_likes(user)
    world.like("Later")
    import_likes(user)
    world.box.clear_calls()
    assert export_likes(user).loved == 1
    assert (world.count("getTopTracks"), world.count("getInfo")) == (0, 0)


def test_a_ghost_page_is_never_loved(world: World) -> None:
    user = world.join()
    world.like("Song - 2011 Remaster", relation="ghost", lastfm_title="Song")
    world.like("Nobody Knows", relation="nowhere")
    world.like("Typo", relation="corrects", lastfm_title="Tipo", lastfm_artist="Ada")
    import_likes(user)
    summary = export_likes(user)
    check_sum(summary)
    assert world.loves() == [("Ada", "Song")]
    assert (summary.loved, summary.not_found, summary.needs_review) == (1, 1, 1)
    assert summary.exit_code == 0
    world.box.clear_calls()
    assert export_likes(user).candidates == 0


def test_two_tracks_on_one_page_love_it_once(world: World) -> None:
    """A wrong ISRC aside nothing says that they are one recording; Last.fm has one page."""
    user = world.join()
    world.like("Song", album="One", duration_ms=100_000, isrc="")
    world.like("Song", album="Other", duration_ms=400_000, isrc="")
    world.like("Song", album="Third", duration_ms=700_000, isrc="")
    assert import_likes(user).imported == 3
    summary = export_likes(user, batch_size=2)
    check_sum(summary)
    assert summary.loved + summary.already_loved == 3
    assert world.sent() == [("Ada", "Song")]
    assert summary.confirmed == 3
    assert world.states(user) == {"present": 3}


def test_a_shared_page_is_unloved_with_the_last_of_its_likes(world: World) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    ids = [
        world.like("Song", album=str(length), duration_ms=length, isrc="")
        for length in (100_000, 400_000)
    ]
    import_likes(user)
    export_likes(user, batch_size=1)
    for service_id, loves in zip(ids, (1, 0), strict=True):
        world.order("unlike", user="alice", service_id=service_id)
        import_likes(user)
        export_likes(user)
        assert len(world.loves()) == loves
    assert world.states(user) == {"removed": 2}


def test_a_page_adopted_from_the_list_is_narada_s_where_narada_loved_it(world: World) -> None:
    """So the last of two likes on it takes the love along, in whichever order they end."""
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    ids = []
    for length in (100_000, 400_000):
        ids.append(world.like("Song", album=str(length), duration_ms=length, isrc=""))
        import_likes(user)
        export_likes(user)
    for service_id in ids:
        assert world.loves() == [("Ada", "Song")]
        world.order("unlike", user="alice", service_id=service_id)
        import_likes(user)
        export_likes(user)
    assert world.loves() == []


def test_follow_unloves_only_what_narada_loved(world: World) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    make_pages(world, 3)
    world.order("love", user="alice", artist="Ada", title="Song A")
    import_likes(user)
    export_likes(user)
    world.order("unlike", user="alice", all=True)
    import_likes(user)
    assert world.states(user) == {"present": 1, "removing": 2}
    summary = export_likes(user)
    check_sum(summary)
    assert world.loves() == [("Ada", "Song A")]
    assert world.states(user) == {"present": 1, "removed": 2}
    assert world.states(user, Service.NARADA) == {"removed": 3}


def test_keep_leaves_the_love(world: World) -> None:
    user = world.join()
    make_pages(world, 2)
    import_likes(user)
    export_likes(user)
    world.order("unlike", user="alice", all=True)
    import_likes(user)
    export_likes(user)
    assert len(world.loves()) == 2
    assert world.states(user, Service.NARADA) == {"present": 2}
    assert not world.sent("track.unlove")


def test_a_love_removed_by_the_user_is_not_sent_again(world: World) -> None:
    user = world.join()
    make_pages(world, 3)
    import_likes(user)
    export_likes(user)
    world.order("unlove", user="alice", artist="Ada", title="Song B")
    world.box.clear_calls()
    for _ in range(2):
        import_likes(user)
        summary = export_likes(user)
        assert (summary.exit_code, summary.candidates) == (0, 0)
    assert world.count("track.love") == 0
    like = Like.objects.on(Service.LASTFM).get(track__title="Song B")
    assert (like.state, bool(like.removed_at)) == ("removed", True)
    assert "No longer loved" in like.last_error
    assert world.state_of(user, "Song B", Service.NARADA) == "present"


def test_a_love_that_the_user_gives_again_is_adopted(world: World) -> None:
    user = world.join()
    make_pages(world, 2)
    import_likes(user)
    export_likes(user)
    for order, state in (("unlove", "removed"), ("love", "present"), ("unlove", "removed")):
        world.order(order, user="alice", artist="Ada", title="Song B")
        world.box.clear_calls()
        check_sum(export_likes(user))
        assert (world.state_of(user, "Song B"), world.count()) == (state, 1)
    assert Like.objects.on(Service.LASTFM).get(track__title="Song B").sent_at is None


@pytest.mark.parametrize(("order", "sent"), [("love", []), ("scrobble", [("Ada", "Nobody Knows")])])
def test_what_was_not_found_is_settled_by_what_the_user_does_there(
    world: World, order: str, sent: list[tuple[str, str]]
) -> None:
    user = world.join()
    world.like("Nobody Knows", relation="nowhere")
    import_likes(user)
    assert export_likes(user).not_found == 1
    world.order(order, user="alice", artist="Ada", title="Nobody Knows")
    Checkpoint.objects.filter(listing="library").update(read_at=None)
    world.like("Other")
    import_likes(user)
    world.box.clear_calls()
    summary = export_likes(user)
    check_sum(summary)
    assert summary.not_found == 0
    assert world.states(user) == {"present": 2}
    assert [name for name in world.sent() if name[1] != "Other"] == sent


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lastfm_error", "code": 8, "status": 200},
        {"kind": "lastfm_error", "code": 11},
        {"kind": "lastfm_error", "code": 16},
        {"kind": "html_502"},
        {"kind": "status", "status": 503},
        {"kind": "reset_before"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('code', '')}",
)
def test_a_service_that_fails_leaves_likes_pending(world: World, fault: dict[str, Any]) -> None:
    user = world.join()
    make_pages(world, 9)
    import_likes(user)
    world.box.add_faults({**fault, "service": "lastfm", "match": "track.love", "after": 4})
    first = export_likes(user, batch_size=3)
    check_sum(first)
    assert first.exit_code == 75
    assert (first.not_found, first.failed, first.needs_review) == (0, 0, 0)
    assert set(world.states(user)) <= {"present", "pending", "sending"}
    assert Run.objects.latest("pk").state == Run.State.LATER
    world.box.clear_faults()
    second = export_likes(user)
    check_sum(second)
    assert (second.exit_code, len(world.loves())) == (0, 9)
    assert world.states(user) == {"present": 9}


def test_look_ups_that_fail_leave_likes_pending(world: World) -> None:
    user = world.join()
    make_pages(world, 4)
    import_likes(user)
    world.box.add_faults({"kind": "html_502", "match": "track.getInfo"})
    summary = export_likes(user, batch_size=4)
    check_sum(summary)
    assert (summary.exit_code, summary.remaining) == (75, 4)
    world.box.clear_faults()
    assert export_likes(user).loved == 4


def test_a_love_whose_answer_is_lost_is_not_sent_for_good_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    make_pages(world, 3)
    import_likes(user)
    world.box.add_faults({"kind": "reset_after", "match": "track.love"})
    first = export_likes(user)
    check_sum(first)
    assert (first.exit_code, first.remaining) == (75, 3)
    assert "sending" in world.states(user)
    world.box.clear_faults()
    second = export_likes(user)
    check_sum(second)
    assert (second.exit_code, len(world.loves())) == (0, 3)
    effects = [call for call in world.box.calls(kind="track.love") if call["effect"]]
    assert len(effects) == 3


def test_a_run_cut_off_in_flight_is_settled_by_the_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    make_pages(world, 8)
    import_likes(user)
    real = LastfmConnector.love_track
    seen = []

    def love(self: LastfmConnector, artist: str, title: str) -> None:
        seen.append(title)
        if len(seen) > 6:
            raise Cut
        real(self, artist, title)

    with monkeypatch.context() as patch:
        patch.setattr(LastfmConnector, "love_track", love)
        with pytest.raises(Cut):
            export_likes(user, batch_size=4)
    assert world.states(user) == {"sending": 8}
    assert len(world.loves()) == 6
    summary = export_likes(user)
    check_sum(summary)
    assert world.states(user) == {"present": 8}
    assert not world.twice()
    assert Like.objects.on(Service.LASTFM).filter(sent_at=None).count() == 0


@pytest.mark.parametrize(("delay", "ours"), [(0, True), (-3600, False)])
def test_a_love_that_arrives_after_the_list_was_read_is_narada_s(
    world: World, monkeypatch: pytest.MonkeyPatch, delay: int, ours: bool
) -> None:
    """One that is dated to another time is the user's own."""
    user = world.join()
    [title] = make_pages(world, 1)
    import_likes(user)

    def cut(*args: object) -> None:
        raise Cut

    for owner, method in ((LastfmConnector, "love_track"), (Export, "_love_all")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, method, cut)
            with pytest.raises(Cut):
                export_likes(user)
    assert (world.states(user), world.loves()) == ({"pending": 1}, [])
    world.order("love", user="alice", artist="Ada", title=title, uts=int(time.time()) + delay)
    assert export_likes(user).already_loved == 1
    assert world.states(user) == {"present": 1}
    assert (Like.objects.on(Service.LASTFM).get().sent_at is not None) == ours


def test_an_unlike_of_what_is_in_flight_is_followed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    make_pages(world, 1)
    import_likes(user)
    real = LastfmConnector.love_track

    def love(self: LastfmConnector, artist: str, title: str) -> None:
        real(self, artist, title)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(LastfmConnector, "love_track", love)
        with pytest.raises(Cut):
            export_likes(user)
    assert (world.states(user), len(world.loves())) == ({"sending": 1}, 1)
    world.order("unlike", user="alice", all=True)
    import_likes(user)
    export_likes(user)
    assert (world.states(user), world.loves()) == ({"removed": 1}, [])


def test_a_wrong_answer_of_the_loved_list_concludes_nothing(world: World) -> None:
    user = world.join()
    make_pages(world, 5)
    import_likes(user)
    export_likes(user)
    for kind in ("other_user", "cut_json", "object_for_list", "missing_date"):
        world.box.add_faults({"kind": kind, "match": "user.getLovedTracks"})
        export_likes(user)
        world.box.clear_faults()
        assert world.states(user) == {"present": 5}, kind


def test_a_page_that_a_person_refused_is_not_chosen_again(world: World) -> None:
    user = world.join()
    make_pages(world, 1)
    import_likes(user)
    export_likes(user)
    mapping = ServiceMapping.objects.on(Service.LASTFM).accepted().get()
    review.reject(mapping, user)
    summary = export_likes(user)
    assert world.loves() == []
    assert world.state_of(user, "Song A") == "not_found"
    review.reopen(Like.objects.on(Service.LASTFM).get(), user)
    summary = export_likes(user)
    check_sum(summary)
    assert (summary.not_found, summary.loved, world.loves()) == (1, 0, [])


def test_a_wrong_page_is_withdrawn_and_the_right_one_loved(world: World) -> None:
    user = world.join()
    make_pages(world, 2)
    world.order("page", artist="Ada", title="Right Song")
    import_likes(user)
    export_likes(user)
    like = Like.objects.on(Service.LASTFM).get(track__title="Song A")
    review.choose_name(like, "Ada", "Right Song", user)
    world.box.clear_calls()
    summary = export_likes(user)
    check_sum(summary)
    assert sorted(world.loves()) == [("Ada", "Right Song"), ("Ada", "Song B")]
    assert world.sent("track.unlove") == [("Ada", "Song A")]
    assert world.sent() == [("Ada", "Right Song")]
    world.box.clear_calls()
    export_likes(user)
    assert world.count() == 1


def test_an_excluded_like_is_unloved_and_left_alone(world: World) -> None:
    user = world.join()
    make_pages(world, 2)
    import_likes(user)
    export_likes(user)
    review.exclude(Like.objects.on(Service.LASTFM).get(track__title="Song A"), user)
    for _ in range(2):
        export_likes(user)
    assert world.loves() == [("Ada", "Song B")]
    assert verify_likes(user).excluded == 1


def test_a_like_refused_by_the_service_is_marked_and_the_rest_goes_on(world: World) -> None:
    user = world.join()
    make_pages(world, 5)
    import_likes(user)
    rule = {"kind": "lastfm_error", "code": 6, "match": "track.love", "after": 2, "times": 1}
    world.box.add_faults(rule)
    summary = export_likes(user, batch_size=1)
    check_sum(summary)
    assert (summary.loved, summary.failed, summary.exit_code) == (4, 1, 0)
    assert Like.objects.get(state=State.FAILED).last_error


def test_a_title_of_three_thousand_characters_goes_through(world: World) -> None:
    user = world.join()
    world.like("Very " * 600 + "Long")
    assert import_likes(user).imported == 1
    summary = export_likes(user)
    check_sum(summary)
    assert (summary.loved, summary.confirmed) == (1, 1)
    world.box.clear_calls()
    export_likes(user)
    assert world.count() == 1


def test_a_love_that_last_fm_never_shows_is_tried_again_and_then_shown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    make_pages(world, 1)
    import_likes(user)
    for attempt in range(3):
        summary = export_likes(user)
        check_sum(summary)
        assert (summary.loved, world.state_of(user, "Song A")) == (1, "present"), attempt
        world.order("unlove", user="alice", artist="Ada", title="Song A")
        Like.objects.on(Service.LASTFM).update(
            confirmed_at=None, sent_at=timezone.now() - timedelta(hours=1)
        )
    export_likes(user)
    assert world.state_of(user, "Song A") == "review"


def test_users_export_their_own_likes_alone(world: World) -> None:
    alice, bob = world.join("alice"), world.join("bob")
    make_pages(world, 4)
    world.like("Bob's", user="bob")
    import_likes(alice)
    import_likes(bob)
    before = list(Like.objects.of(bob).values())
    export_likes(alice)
    assert list(Like.objects.of(bob).values()) == before
    assert world.loves("bob") == []
    export_likes(bob)
    assert world.loves("bob") == [("Ada", "Bob's")]
    assert len(world.loves("alice")) == 4


def test_a_day_of_retry_after_holds_everybody_and_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = world.join("alice"), world.join("bob")
    make_pages(world, 6)
    import_likes(alice)
    day = {"kind": "rate_limited", "retry_after": 86_236, "match": "track.love", "after": 2}
    world.box.add_faults({**day, "service": "lastfm"})
    summary = export_likes(alice, batch_size=2)
    check_sum(summary)
    assert (summary.exit_code, summary.loved, summary.remaining) == (75, 2, 4)
    hold = ServiceHold.objects.get(service="lastfm")
    assert hold.held_until is not None
    assert f"{hold.held_until:%Y-%m-%d %H:%M}" in summary.message
    assert hold.held_until - timezone.now() > timedelta(hours=23)
    assert world.states(alice) == {"pending": 4, "present": 2}
    world.box.clear_faults()
    world.box.clear_calls()
    assert export_likes(bob).exit_code == 75
    assert world.count() == 0
    holds.reopen("lastfm")
    # A second later: so often each process asks whether it is still held back.
    monkeypatch.setattr("connectors.limits._ASK_EVERY", 0.0)
    assert export_likes(alice).loved == 4


def test_a_revoked_key_asks_to_reconnect_and_others_go_on(world: World) -> None:
    alice, bob = world.join("alice"), world.join("bob")
    make_pages(world, 3)
    world.like("Bob's", user="bob")
    import_likes(alice)
    import_likes(bob)
    world.order("revoke", user="alice", service="lastfm")
    summary = export_likes(alice)
    check_sum(summary)
    assert (summary.exit_code, summary.remaining) == (1, 3)
    connection = Connection.objects.get(user=alice, service="lastfm")
    assert connection.state == Connection.State.RECONNECT
    assert export_likes(bob).loved == 1


@pytest.mark.parametrize("code", [10, 13, 26])
def test_a_closed_service_stops_everybody(world: World, code: int) -> None:
    user = world.join()
    make_pages(world, 3)
    import_likes(user)
    world.box.add_faults({"kind": "lastfm_error", "code": code, "match": "track.love"})
    summary = export_likes(user)
    check_sum(summary)
    assert (summary.exit_code, summary.remaining, summary.failed) == (1, 3, 0)
    assert ServiceHold.objects.get(service="lastfm").closed
    world.box.clear_calls()
    again = export_likes(user)
    assert (again.exit_code, world.count()) == (1, 0)


def test_a_dry_run_changes_no_like(world: World) -> None:
    user = world.join()
    make_pages(world, 5)
    world.order("love", user="alice", artist="Ada", title="Song A")
    import_likes(user)
    before = [list(model.objects.values()) for model in (Like, ServiceMapping, Run)]
    summary = export_likes(user, dry_run=True)
    check_sum(summary)
    assert (summary.already_loved, summary.remaining) == (1, 4)
    assert "Would love 4 tracks" in summary.message
    assert [list(model.objects.values()) for model in (Like, ServiceMapping, Run)] == before
    assert not world.sent()


def test_an_import_during_an_export_keeps_the_sum(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    make_pages(world, 3)
    import_likes(user)
    real = LastfmConnector.love_track
    late = iter(["Late"])

    def love(self: LastfmConnector, artist: str, title: str) -> None:
        for name in late:
            world.like(name)
        real(self, artist, title)

    monkeypatch.setattr(LastfmConnector, "love_track", love)
    summary = export_likes(user, batch_size=1, progress=lambda *_: import_likes(user) and None)
    check_sum(summary)
    assert summary.loved == 4


def test_a_like_that_a_person_excludes_at_the_last_moment_is_not_sent(world: World) -> None:
    alice = world.join("alice")
    world.like("Wanted")
    world.like("Unwanted")
    import_likes(alice)
    excluded = Like.objects.get(track__title="Unwanted", service=Service.LASTFM)
    batch = [
        (like, ServiceMapping(title=like.track.title, artists=["Ada"], key=like.track.title))
        for like in Like.objects.of(alice).on(Service.LASTFM).select_related("track")
    ]
    review.exclude(excluded, alice)

    noted: list[Like] = []
    with Loving(
        user_clients.lastfm_connector(alice), lambda sent: noted.extend(like for like, _ in sent)
    ) as loving:
        loving.begin(batch)
        loving.settle()

    assert [like.track.title for like in noted] == ["Wanted"]
    assert world.sent() == [("Ada", "Wanted")]
    assert world.state_of(alice, "Unwanted") == "excluded"


def test_one_like_that_last_fm_always_stumbles_over_does_not_keep_the_rest_from_being_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = world.join("alice")
    for number in range(120):
        world.like(f"Song {number:03}")
    import_likes(alice)
    oldest = Like.objects.of(alice).on("lastfm").filter(state__in=TO_SEND).oldest_first().first()
    title = oldest.track.title
    love_track = LastfmConnector.love_track

    def stumble(connector: LastfmConnector, artist: str, name: str) -> None:
        if name == title:
            raise TemporaryError("Last.fm: operation failed (error 8).", service="lastfm", code="8")
        love_track(connector, artist, name)

    monkeypatch.setattr(LastfmConnector, "love_track", stumble)
    codes = [export_likes(alice).exit_code for _ in range(5)]

    assert codes == [0] * 5
    assert world.state_of(alice, title) == "pending"
    assert world.states(alice)["present"] == 119
    monkeypatch.undo()
    Like.objects.update(next_attempt_at=None)  # an hour later
    assert export_likes(alice).remaining == 0
    assert world.twice() == []
