"""Each step of a sync ends when its slice has had its time; the next slice goes on from there."""

from __future__ import annotations

from functools import partialmethod

import pytest
from slices import after
from sync_world import World

from connectors.lastfm import LastfmConnector
from likes import lastfm_listing
from likes.in_flight import IN_FLIGHT
from likes.like_sync import export_likes, import_likes
from likes.models import Like, ListedTrack, SyncSettings


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Last.fm's lists have ten rows a page."""
    for name in ("get_loved_page", "get_library_page"):
        page_of_ten = partialmethod(getattr(LastfmConnector, name), limit=10)
        monkeypatch.setattr(LastfmConnector, name, page_of_ten)
    monkeypatch.setattr(lastfm_listing, "PAGE", 10)


def export_by_slices(world: World, most: int) -> list[int]:
    """Export slice by slice, each as short as can be; return how many calls each made."""
    calls = []
    for _ in range(most):
        world.box.clear_calls()
        summary = export_likes(world.users["alice"], time_is_up=after(1))
        assert summary.exit_code == 0, summary.message
        calls.append(world.count())
        if not summary.more:
            break
    else:
        raise AssertionError("it did not end")
    return calls


def test_a_first_loved_list_is_read_by_slices(world: World, short_pages: None) -> None:
    user = world.join()
    for number in range(45):
        world.order("love", user="alice", artist="Ada", title=f"Song {number:02}")
    world.like("Song 07")
    import_likes(user)
    assert export_by_slices(world, 10) == [1] * 5
    assert ListedTrack.objects.filter(listing="loved").count() == 45
    assert world.state_of(user, "Song 07") == "present"
    assert export_by_slices(world, 1) == [1]


def test_a_loved_list_that_moves_between_slices_ends_no_love(
    world: World, short_pages: None
) -> None:
    user = world.join()
    for number in range(30):
        title = f"Song {number:02}"
        world.order("love", user="alice", artist="Ada", title=title)
        world.like(title)
    import_likes(user)
    export_likes(user)
    # Read whole again, as one is gone; between two slices another goes that was read.
    world.order("unlove", user="alice", artist="Ada", title="Song 05")
    assert export_likes(user, time_is_up=after(1)).more
    world.order("unlove", user="alice", artist="Ada", title="Song 29")
    export_by_slices(world, 10)
    export_by_slices(world, 10)
    assert world.states(user) == {"present": 28, "removed": 2}
    left = Like.objects.filter(service="lastfm", state="removed")
    assert {like.track.title for like in left} == {"Song 05", "Song 29"}


def test_scrobbles_are_read_by_slices(world: World, short_pages: None) -> None:
    user = world.join()
    for number in range(30):
        world.order("scrobble", user="alice", artist="Ada", title=f"Song {number:02}")
        world.like(f"Song {number:02}")
    import_likes(user)
    assert export_likes(user, time_is_up=after(1)).more
    assert world.count("user.getTopTracks") == 1
    while export_likes(user, time_is_up=after(1)).more:
        pass
    assert world.count("user.getTopTracks") == 3
    assert world.states(user) == {"present": 30}


def test_loves_are_taken_back_by_slices(world: World) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike=SyncSettings.Unlike.FOLLOW)
    for number in range(20):
        world.like(f"Song {number:02}")
    import_likes(user)
    assert export_likes(user).loved == 20
    world.order("unlike", user="alice", n=19)
    import_likes(user)
    world.box.clear_calls()
    assert export_likes(user, time_is_up=after(1)).more
    assert 0 < world.count("track.unlove") <= 2 * IN_FLIGHT
    assert not export_likes(user, time_is_up=after(1)).more
    assert (len(world.sent("track.unlove")), world.twice("track.unlove")) == (19, [])
    assert world.states(user) == {"present": 1, "removed": 19}
