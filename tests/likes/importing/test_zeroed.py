"""A service that says of a full library that it is empty is not believed, and it is told."""

from __future__ import annotations

import pytest
from world import World

from likes.like_sync import export_likes, import_likes, verify_likes
from likes.management.sync_command import in_words
from likes.models import ListedTrack, Service
from likes.runs.removal_questions import find_most, list_questions

NO_LIKES = {"kind": "edit", "match": "/me/tracks", "set": {"items": [], "total": 0, "next": None}}
NO_LOVES = {
    "kind": "edit",
    "match": "user.getLovedTracks",
    "at": "lovedtracks",
    "set": {"track": [], "@attr": {"user": "alice", "page": "1", "perPage": "1000",
                                   "total": "0", "totalPages": "0"}},
}  # fmt: skip
LIKES = 8


@pytest.fixture
def full(world: World) -> World:
    """Alice, whose eight likes are known and loved."""
    user = world.join()
    for number in range(LIKES):
        world.like(f"Song {number}")
    assert import_likes(user).exit_code == 0
    assert export_likes(user).loved == LIKES
    world.box.clear_calls()
    return world


def test_an_empty_library_of_spotify_needs_a_person_and_removes_nothing(full: World) -> None:
    """Also where Spotify says of each that it is liked: then nothing was ever said of it."""
    user = full.users["alice"]
    full.box.add_faults(NO_LIKES)
    for options in ({}, {"full": True}, {"limit": 3}):
        summary = import_likes(user, **options)  # type: ignore[arg-type]
        assert (summary.exit_code, summary.removed_on_spotify) == (1, 0)
        assert (
            "Spotify says that you have no liked songs, although Narada knows 8" in summary.message
        )
    assert len(full.listed(user)) == LIKES
    assert full.count("/me/library/contains") == 0
    proof = verify_likes(user)
    assert (proof.exit_code, proof.agree, "no liked songs" in proof.message) == (1, False, True)
    full.box.clear_faults()
    assert (import_likes(user).exit_code, len(full.listed(user))) == (0, LIKES)


def test_whoever_did_empty_the_library_says_so(full: World) -> None:
    user = full.users["alice"]
    full.order("unlike", user="alice", n=LIKES)
    assert import_likes(user).exit_code == 1
    summary = import_likes(user, accept_removals=True)
    assert (summary.exit_code, summary.removed_on_spotify) == (0, LIKES)


def test_a_list_that_hides_what_is_liked_is_not_believed(full: World) -> None:
    """Not even where a person said that removals are meant: Spotify itself says otherwise."""
    user = full.users["alice"]
    full.box.add_faults(NO_LIKES)
    summary = import_likes(user, accept_removals=True)
    assert (summary.exit_code, "although Spotify says that they are liked" in summary.message) == (
        1,
        True,
    )
    assert len(full.listed(user)) == LIKES


def test_an_empty_loved_list_needs_a_person_and_removes_nothing(full: World) -> None:
    user = full.users["alice"]
    assert export_likes(user).exit_code == 0
    full.box.add_faults(NO_LOVES)
    summary = export_likes(user)
    assert (summary.exit_code, "no longer shows 8 loves" in summary.message) == (1, True)
    assert full.states(user) == {"present": LIKES}
    assert verify_likes(user).exit_code == 1
    full.box.clear_faults()
    assert export_likes(user).exit_code == 0
    assert full.states(user) == {"present": LIKES}
    assert full.count("track.love") == 0


def test_scrobbles_that_are_gone_of_a_sudden_are_kept(full: World) -> None:
    user = full.users["alice"]
    ListedTrack.objects.create(
        user=user, listing="library", key="k", artist="Ada", title="Song 0", playcount=3
    )
    full.like("Song of today")
    import_likes(user)
    assert export_likes(user).loved == 1
    assert ListedTrack.objects.filter(user=user, listing="library").count() == 1
    assert full.states(user, Service.LASTFM) == {"present": LIKES + 1}


@pytest.mark.parametrize(
    ("known", "most"), [(3, 20), (5, 20), (6, 5), (15, 14), (157, 20), (1000, 50)]
)
def test_all_of_more_than_a_few_are_asked_about(known: int, most: int) -> None:
    assert find_most(known) == most


def test_an_empty_library_is_told_by_a_plan_and_not_as_success(full: World) -> None:
    user = full.users["alice"]
    full.box.add_faults(NO_LIKES)
    plan = import_likes(user, dry_run=True)
    assert (plan.exit_code, plan.complete) == (1, False)
    assert "Spotify says that you have no liked songs, although Narada knows 8" in plan.message
    assert not list_questions(user)
    assert import_likes(user, dry_run=True, accept_removals=True).exit_code == 0
    words = in_words(import_likes(user), dry_run=False)
    assert "Spotify says: 0 liked songs." in words
    assert "all known" not in words


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (0, ""),
        (1, "1 liked song that Narada knows is no longer on Spotify"),
        (2, "2 liked songs that Narada knows are no longer on Spotify"),
    ],
)
def test_a_plan_tells_of_likes_that_are_gone(full: World, gone: int, told: str) -> None:
    full.order("unlike", user="alice", n=gone)
    full.like("New")
    message = import_likes(full.users["alice"], dry_run=True).message
    assert told in message
    assert ("no longer" in message) == bool(gone)
