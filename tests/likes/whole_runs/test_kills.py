"""Commands killed with SIGKILL while something is in flight, and run again."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from forked_commands import Nursery
from waiting import is_alive, wait_for
from world import World, kill_in_flight

from likes.exporting.export import AHEAD
from likes.exporting.in_flight import IN_FLIGHT
from likes.like_sync import export_likes, import_likes, verify_likes
from likes.models import Checkpoint, Like, Run, ServiceMapping, Track

MakeWorld = Callable[..., World]

#: Of each of the three commands.
KILLS_EACH = 35
#: Likes that arrive before each import, so that none finds nothing to do.
NEW_LIKES = 8
#: A command is killed when the services have answered up to so many of its calls, and up to so
#: many seconds later.
MOST_CALLS, LONGEST_REST = 6, 0.1


@pytest.mark.slow
def test_a_killed_import_goes_on_and_loses_nothing(make_world: MakeWorld) -> None:
    world = make_world(likes=240)
    user = world.join()
    for kill in range(1, 4):
        words = "import_spotify_likes", "-u", "alice", "-b", "10"
        kill_in_flight(world, "/me/tracks", 3 + kill, *words)
        known = len(world.listed(user))
        # A batch and its checkpoint are one: what is there is there whole.
        assert Checkpoint.objects.get(user=user, listing="saved").position == known
        assert Track.objects.count() == ServiceMapping.objects.count() == known
        assert Like.objects.count() == 3 * known
    world.like("Meanwhile")
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
    kills = 2
    for _ in range(kills):
        words = "export_likes_to_lastfm", "-u", "alice", "-b", batch_size
        kill_in_flight(world, "track.love", 9, *words)
        states = world.states(user)
        assert states.get("sending", 0) <= int(batch_size) + AHEAD
        assert "not_found" not in states
    summary = export_likes(user)
    assert (summary.exit_code, summary.remaining) == (0, 0)
    assert len(world.loves()) == 60
    assert world.states(user) == {"present": 60}
    assert len(world.twice()) <= kills * IN_FLIGHT
    calls = world.box.calls(kind="track.love")
    assert sum(call["effect"] for call in calls) == 60
    assert len(calls) - 60 <= kills * IN_FLIGHT


def describe_rows(world: World, name: str) -> dict[str, tuple[Any, ...]]:
    """All that Narada holds of a user's songs, by their Spotify ids."""
    user = world.users[name]
    states: dict[int, dict[str, Any]] = {}
    for like in Like.objects.of(user):
        facts = like.state, like.liked_at, like.sent_at is None, like.confirmed_at is None
        states.setdefault(like.track_id, {})[like.service] = facts
    pages = {
        mapping.track_id: (mapping.key, mapping.decision, mapping.rule)
        for mapping in ServiceMapping.objects.of(user).on("lastfm")
    }
    songs = ServiceMapping.objects.of(user).on("spotify").select_related("track")
    return {
        song.key: (song.track.title, song.track.artists, song.listed, states[song.track_id],
                   pages.get(song.track_id))
        for song in songs
    }  # fmt: skip


def make_twin(world: World) -> None:
    """Sync, undisturbed, another user who likes the same songs since the same times."""
    world.order("users", name="twin")
    for row in reversed(world.likes()):
        world.order("like", user="twin", service_id=row["service_id"], added_at=row["added_at"])
    for row in world.box.order("scrobbles/alice", http="GET")["scrobbles"]:
        order = {"artist": row["artist"], "title": row["title"], "playcount": row["playcount"]}
        world.order("scrobble", user="twin", **order)
    twin = world.join("twin")
    assert (import_likes(twin).exit_code, export_likes(twin).exit_code) == (0, 0)


def finish_and_compare(world: World, kills: int) -> None:
    """Sync undisturbed; nothing may be lost, nor be sent twice but what was in flight at a kill."""
    user = world.users["alice"]
    world.box.clear_faults()
    wait_for(lambda: not world.box._server._connections)  # what was in flight has arrived
    imported, exported = import_likes(user), export_likes(user)
    assert (imported.exit_code, imported.complete, exported.exit_code) == (0, True, 0)
    proof = verify_likes(user)
    assert (proof.agree, proof.loved) == (True, len(world.liked_ids())), proof.message
    assert world.listed(user) == world.liked_ids()
    calls = world.box.calls(kind="track.love", user="alice")
    assert sum(not call["effect"] for call in calls) <= kills * IN_FLIGHT
    make_twin(world)
    assert sorted(world.loves("alice")) == sorted(world.loves("twin"))
    assert describe_rows(world, "alice") == describe_rows(world, "twin")


@pytest.mark.slow
def test_a_hundred_kills_at_random_moments_lose_nothing(
    make_world: MakeWorld, nurture: Callable[..., Nursery]
) -> None:
    world = make_world(likes=60, scrobble_share=0.9)
    world.join()
    nursery = nurture(world)
    chance = random.Random(2026)
    # Long enough for several requests to be under way at a kill, and for loves to arrive after it.
    world.box.add_faults({"kind": "latency", "ms": 20})
    world.box.add_faults({"kind": "latency", "ms": 150, "probability": 0.5, "match": "track.love"})
    commands = [
        ("import_spotify_likes", "-b", "5"),
        ("export_likes_to_lastfm", "-b", "5"),
        ("verify_likes",),
    ]
    kills: Counter[str] = Counter()
    while min(kills[name] for name, *_ in commands) < KILLS_EACH:
        for name, *options in chance.sample(commands, 3):
            if name.startswith("import"):
                world.order("like", user="alice", n=NEW_LIKES)
            before = describe_rows(world, "alice")
            answered = world.count() + chance.randint(0, MOST_CALLS)
            pid = nursery.start("command", name, *options, "-u", "alice")
            wait_for(lambda: world.count() >= answered or not is_alive(pid))  # noqa: B023
            time.sleep(chance.uniform(0.0, LONGEST_REST))
            kills[name] += nursery.kill(pid)
            if name == "verify_likes":
                assert describe_rows(world, "alice") == before
    assert kills.total() >= 100
    finish_and_compare(world, kills.total())
    cut_off = Run.objects.filter(message="Cut off before its end.").count()
    assert cut_off > kills.total() // 2  # most were at work when they were killed


@pytest.mark.slow
def test_workers_that_are_killed_at_random_moments_lose_nothing(
    make_world: MakeWorld, nurture: Callable[..., Nursery], settings: Any
) -> None:
    world = make_world(likes=100, scrobble_share=0.9)
    user = world.join()
    nursery = nurture(world, REDIS_URL=settings.REDIS_URL)
    chance = random.Random(2026)
    world.box.add_faults({"kind": "latency", "ms": 20})
    kills = 0
    while kills < 12:
        world.order("like", user="alice", n=25)
        assert nursery.wait(nursery.start("enqueue", user.pk)) == 0
        seen = world.count()
        pid = nursery.start("worker")
        wait_for(lambda: world.count() > seen)  # noqa: B023
        time.sleep(chance.uniform(0.0, 1.2))
        kills += nursery.kill(pid)
    assert set(Run.objects.values_list("started_by", flat=True)) == {"schedule"}
    finish_and_compare(world, kills)
