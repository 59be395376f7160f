"""One love is one like's: that two tracks are one song is never said by a rule alone."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from world import World

from likes import review
from likes.like_sync import export_likes, import_likes, verify_likes
from likes.models import Like, Service, ServiceMapping
from likes.runs.undo import undo_run

FLESH, FLESH_Q = "In the Flesh", "In the Flesh?"


def like_of(world: World, title: str) -> Like:
    likes = Like.objects.of(world.users["alice"]).on(Service.LASTFM)
    return likes.get(track__title=title)


def correct(world: World, wrong: tuple[str, str], right: tuple[str, str]) -> None:
    world.order("correction", **{"from": wrong, "to": right})


@pytest.fixture
def two(world: World) -> World:
    """Alice, who likes two songs of one album that a rule takes for one, in either order."""
    world.join()
    correct(world, ("Pink Floyd", FLESH_Q), ("Pink Floyd", FLESH))
    world.like(FLESH_Q, "Pink Floyd", lastfm_title=FLESH)
    world.like(FLESH, "Pink Floyd")
    import_likes(world.users["alice"])
    return world


def test_two_tracks_on_one_page_are_a_question(two: World) -> None:
    user = two.users["alice"]
    for source in ("looked up", "loved"):
        summary = export_likes(user)
        if source == "looked up":
            assert (summary.loved, summary.needs_review) == (1, 1)
        assert two.loves() == [("Pink Floyd", FLESH)]
        assert two.states(user) == {"present": 1, "review": 1}
    like = like_of(two, FLESH_Q)
    assert f"loved for “Pink Floyd – {FLESH}”" in like.last_error
    (page,) = review.candidates(like.track_id)
    proof = verify_likes(user)
    assert (proof.loved, proof.likes, proof.agree) == (1, 2, False)
    # A person says that they are one song.
    review.accept(page, user)
    summary = export_likes(user)
    assert (summary.loved, summary.already_loved) == (0, 1)
    proof = verify_likes(user)
    assert (proof.loved, proof.shared, proof.agree, proof.exit_code) == (1, 1, True, 0)
    assert "1 more shares a love" in proof.message


def test_tracks_of_the_very_same_name_share_its_page_and_one_love(world: World) -> None:
    """Last.fm has no other page for them, so there is nothing to ask."""
    user = world.join()
    for length in (100_000, 400_000):
        world.like("Song", album=str(length), duration_ms=length, isrc="")
    import_likes(user)
    export_likes(user)
    proof = verify_likes(user)
    assert (proof.loved, proof.shared, proof.agree) == (1, 1, True)


def test_the_track_of_that_name_has_its_page_before_one_that_is_only_like_it(world: World) -> None:
    """The lists of the user settle both at once; the question is the other's."""
    user = world.join()
    correct(world, ("Pink Floyd", FLESH_Q), ("Pink Floyd", FLESH))
    world.order("love", user="alice", artist="Pink Floyd", title=FLESH)
    world.like(FLESH_Q, "Pink Floyd", lastfm_title=FLESH)
    world.like(FLESH, "Pink Floyd")
    import_likes(user)
    export_likes(user)
    assert like_of(world, FLESH).state == "present"
    assert like_of(world, FLESH_Q).state == "review"


def test_loves_that_a_rule_once_shared_are_counted_once(two: World) -> None:
    user = two.users["alice"]
    export_likes(user)
    ServiceMapping.objects.filter(track__title=FLESH_Q, service="lastfm").update(
        decision="accepted"
    )
    Like.objects.filter(pk=like_of(two, FLESH_Q).pk).update(state="present")
    proof = verify_likes(user)
    assert (proof.loved, proof.agree, proof.exit_code) == (1, False, 1)
    (exception,) = proof.exceptions
    assert "shares the love of “Pink Floyd – In the Flesh" in exception["reason"]


def test_pages_that_rules_once_shared_become_questions(two: World) -> None:
    """The love stays the one track's; what a person decided stays decided."""
    user = two.users["alice"]
    export_likes(user)
    mappings = ServiceMapping.objects.on(Service.LASTFM).filter(track__title=FLESH_Q)
    likes = Like.objects.filter(pk=like_of(two, FLESH_Q).pk)
    migration = importlib.import_module("likes.migrations.0016_shared_pages")
    for by, state in (("person", "present"), ("rule", "review")):
        mappings.update(decision="accepted", decided_by=by)
        likes.update(state="present", last_error="")
        migration.ask_where_shared(apps, None)
        assert (like_of(two, FLESH).state, like_of(two, FLESH_Q).state) == ("present", state)
    assert f"loved for “Pink Floyd – {FLESH}”" in like_of(two, FLESH_Q).last_error
    export_likes(user)
    assert two.states(user) == {"present": 1, "review": 1}


def test_a_page_is_free_when_its_like_has_ended(two: World) -> None:
    user = two.users["alice"]
    run = export_likes(user).run
    assert run is not None
    undo_run(user, run)
    export_likes(user)
    assert two.states(user) == {"removed": 1, "review": 1}
    review.reopen(like_of(two, FLESH_Q), user)
    assert export_likes(user).loved == 1


def test_the_artists_spelling_that_is_scrobbled_counts_for_their_other_songs(world: World) -> None:
    """Last.fm corrects STAYC to Stay-C, and this user scrobbles STAYC: no call more is made."""
    user = world.join()
    world.order("scrobble", user="alice", artist="STAYC", title="Bubble", playcount=9)
    for title in ("ASAP", "Teddy Bear"):
        correct(world, ("STAYC", title), ("Stay-C", title))
        world.like(title, "STAYC", lastfm_artist="Stay-C")
    import_likes(user)
    world.box.clear_calls()
    assert export_likes(user).loved == 2
    assert sorted(world.loves()) == [("STAYC", "ASAP"), ("STAYC", "Teddy Bear")]
    assert world.count("track.getInfo") == 2


def test_an_artist_who_is_not_scrobbled_is_spelled_as_last_fm_has_it(world: World) -> None:
    user = world.join()
    world.order("scrobble", user="alice", artist="Ada", title="Bubble", playcount=9)
    correct(world, ("STAYC", "ASAP"), ("Stay-C", "ASAP"))
    world.like("ASAP", "STAYC", lastfm_artist="Stay-C")
    import_likes(user)
    assert export_likes(user).loved == 1
    assert world.loves() == [("Stay-C", "ASAP")]
