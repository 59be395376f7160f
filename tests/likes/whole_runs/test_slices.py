"""Each step of a sync ends when its slice has had its time; the next slice goes on from there."""

from __future__ import annotations

from functools import partialmethod

import pytest
from slices import after
from world import World

from connectors.lastfm import LastfmConnector
from likes.exporting import own_lists
from likes.exporting.in_flight import IN_FLIGHT
from likes.like_sync import export_likes, import_likes
from likes.models import Checkpoint, Like, ListedTrack, SyncSettings


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Last.fm's lists have ten rows a page."""
    for name in ("get_loved_page", "get_library_page"):
        page_of_ten = partialmethod(getattr(LastfmConnector, name), limit=10)
        monkeypatch.setattr(LastfmConnector, name, page_of_ten)
    monkeypatch.setattr(own_lists, "PAGE", 10)


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


def test_unlikes_are_searched_for_by_slices(world: World) -> None:
    """A bisection asks for no page twice, however many slices it takes."""
    user = world.join()
    world.order("like", user="alice", n=400)
    import_likes(user, batch_size=5)
    for place in (90, 200, 310):
        world.order("unlike", user="alice", service_id=world.likes()[place]["service_id"])
    world.box.clear_calls()
    slices = 1
    while import_likes(user, batch_size=5, time_is_up=after(1)).more:
        slices += 1
    assert world.listed(user) == world.liked_ids()
    offsets = [
        call["params"]["offset"]
        for call in world.box.calls(kind="/me/tracks")
        if call["params"]["offset"] != "0"
    ]
    assert len(offsets) == len(set(offsets)) > 5
    assert slices > len(offsets)
    assert Checkpoint.objects.get(listing="saved").unfinished is None


def test_likes_between_the_slices_of_a_search_are_taken_and_mislead_none(world: World) -> None:
    user = world.join()
    world.order("like", user="alice", n=400)
    import_likes(user, batch_size=5)
    world.order("unlike", user="alice", service_id=world.likes()[200]["service_id"])
    assert import_likes(user, batch_size=5, time_is_up=after(1)).more
    world.like("New")
    world.order("unlike", user="alice", service_id=world.likes()[50]["service_id"])
    while import_likes(user, batch_size=5, time_is_up=after(1)).more:
        pass
    assert world.listed(user) == world.liked_ids()


def test_what_a_whole_reading_missed_is_asked_for_by_slices(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likes.importing.reconciliation.MOST_URIS", 2)
    user = world.join()
    world.order("like", user="alice", n=60)
    import_likes(user)
    world.order("unlike", user="alice", n=10)
    world.like("New")
    world.box.clear_calls()
    while import_likes(user, full=True, time_is_up=after(1)).more:
        if world.count("/me/tracks") >= 2:
            break
    while import_likes(user, time_is_up=after(1)).more:
        pass
    assert world.listed(user) == world.liked_ids()
    assert world.count("contains") == 5
