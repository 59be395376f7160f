"""A row of Spotify's list on which Spotify always fails costs itself, and nothing else."""

from __future__ import annotations

import pytest
from world import World

from likes.like_sync import import_likes
from likes.models import Service


@pytest.fixture
def full(world: World) -> World:
    world.join()
    for number in range(60):
        world.like(f"Song {number:02}")
    return world


def fail_on(world: World, row: int) -> None:
    world.box.add_faults({"kind": "status", "status": 502, "match": "/me/tracks", "row": row})


@pytest.mark.parametrize("row", [0, 7, 49, 50, 59])
def test_a_row_that_always_fails_is_told_and_the_rest_is_read(full: World, row: int) -> None:
    user = full.users["alice"]
    fail_on(full, row)
    # The first time it may be the service.
    assert import_likes(user).exit_code == 75
    summary = import_likes(user)
    assert (summary.exit_code, summary.unavailable, summary.complete) == (0, 1, True)
    assert f"fails on 1 liked song whenever it should show it (number {row + 1}, " in (
        summary.message
    )
    listed = [liked["service_id"] for liked in full.likes()]
    assert full.listed(user) == set(listed) - {listed[row]}
    # Where it fails no longer, a whole reading brings the song, and forgets the row.
    full.box.clear_faults()
    summary = import_likes(user, full=True)
    assert (summary.imported, summary.message) == (1, "")
    assert full.listed(user) == set(listed)
    assert full.states(user, Service.NARADA) == {"present": 60, "removed": 1}
    full.box.clear_calls()
    assert import_likes(user).exit_code == 0
    assert full.count() == 1


@pytest.mark.parametrize("kind", ["track", "local"])
def test_what_such_a_row_hides_is_not_taken_for_unliked(full: World, kind: str) -> None:
    user = full.users["alice"]
    if kind == "local":
        full.order("like", user="alice", kind="local")
    import_likes(user)
    known = full.states(user, Service.NARADA)
    fail_on(full, 0)
    assert import_likes(user, full=True).exit_code == 75
    for options in ({"full": True}, {}):  # type: dict[str, Any]
        summary = import_likes(user, **options)
        assert (summary.exit_code, summary.removed_on_spotify) == (0, 0)
    told = full.states(user, Service.NARADA)
    assert (told["present"], "removed" in told) == (known["present"], False)


def test_an_offset_that_always_fails_is_read_from_the_row_before(full: World) -> None:
    user = full.users["alice"]
    rule = {"kind": "status", "status": 500, "match": "/me/tracks", "about": "50"}
    full.box.add_faults(rule)
    assert import_likes(user, batch_size=25).exit_code == 75
    summary = import_likes(user, batch_size=25)
    assert (summary.exit_code, summary.complete, summary.message) == (0, True, "")
    assert full.listed(user) == full.liked_ids()


def test_a_service_that_is_down_is_not_searched_for_rows(full: World) -> None:
    full.box.add_faults({"kind": "status", "status": 503, "match": "/me/tracks"})
    for most in (4, 8):
        full.box.clear_calls()
        assert import_likes(full.users["alice"]).exit_code == 75
        assert full.count("/me/tracks") == most
