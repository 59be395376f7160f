"""Commands killed with SIGKILL while something is in flight, and run again."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import pytest
from sync_world import World

from likes.export import AHEAD
from likes.in_flight import IN_FLIGHT
from likes.like_sync import export_likes, import_likes
from likes.models import Checkpoint, Like, Run, ServiceMapping, Track

MakeWorld = Callable[..., World]


def kill_after(world: World, process: subprocess.Popen[str], kind: str, calls: int) -> None:
    """Kill a command as soon as the sandbox has answered so many calls of a kind."""
    deadline = time.monotonic() + 60
    while world.count(kind) < calls:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_import_goes_on_and_loses_nothing(make_world: MakeWorld) -> None:
    world = make_world(likes=240)
    user = world.join()
    world.box.add_faults({"kind": "latency", "ms": 60, "match": "/me/tracks"})
    for kill in range(1, 4):
        process = world.start("import_spotify_likes", "-u", "alice", "-b", "10")
        kill_after(world, process, "/me/tracks", world.count("/me/tracks") + 3 + kill)
        known = len(world.listed(user))
        # A batch and its checkpoint are one: what is there is there whole.
        assert Checkpoint.objects.get(user=user, listing="saved").position == known
        assert Track.objects.count() == ServiceMapping.objects.count() == known
        assert Like.objects.count() == 3 * known
    world.like("Meanwhile")
    world.box.clear_faults()
    world.box.clear_calls()
    summary = import_likes(user, batch_size=10)
    assert (summary.exit_code, summary.complete) == (0, True)
    assert world.listed(user) == world.liked_ids()
    ends = Run.objects.order_by("started_at").values_list("state", "message")
    assert list(ends) == [("failed", "Cut off before its end.")] * 3 + [("done", "")]
    # What was read before is not read again, but for the head and one page.
    assert world.count() <= 2 + (241 - known) // 10 + 1


@pytest.mark.parametrize("batch_size", ["5", "20"])
def test_a_killed_export_sends_again_only_what_was_in_flight(
    make_world: MakeWorld, batch_size: str
) -> None:
    world = make_world(likes=60, scrobble_share=1.0)
    user = world.join()
    import_likes(user)
    world.box.add_faults({"kind": "latency", "ms": 120, "match": "track.love"})
    kills = 2
    for _ in range(kills):
        process = world.start("export_likes_to_lastfm", "-u", "alice", "-b", batch_size)
        kill_after(world, process, "track.love", world.count("track.love") + 9)
        states = world.states(user)
        assert states.get("sending", 0) <= int(batch_size) + AHEAD
        assert "not_found" not in states
    world.box.clear_faults()
    time.sleep(0.3)  # what was in flight arrives
    summary = export_likes(user)
    assert (summary.exit_code, summary.remaining) == (0, 0)
    assert len(world.loves()) == 60
    assert world.states(user) == {"present": 60}
    assert len(world.twice()) <= kills * IN_FLIGHT
    calls = world.box.calls(kind="track.love")
    assert sum(call["effect"] for call in calls) == 60
    assert len(calls) - 60 <= kills * IN_FLIGHT


def test_two_at_once_one_works_and_the_other_says_so(make_world: MakeWorld) -> None:
    world = make_world(likes=30)
    user = world.join()
    world.box.add_faults({"kind": "latency", "ms": 400, "match": "/me/tracks"})
    commands = [world.start("import_spotify_likes", "-u", "alice", "-b", "5") for _ in range(3)]
    ends = []
    for process in commands:
        _, err = process.communicate(timeout=60)
        ends.append((process.returncode, err))
    assert sorted(code for code, _ in ends) == [0, 75, 75]
    for code, err in ends:
        assert "Traceback" not in err
        if code:
            assert "Another run is at work" in err
            assert len(err.strip().splitlines()) == 1
    assert world.listed(user) == world.liked_ids()
