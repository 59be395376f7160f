"""Loves in flight: the oldest goes first, outcomes are kept.

How much of the rate limit they use is measured by benchmarks/export_rate.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from driven_clock import DrivenClock
from waiting import PATIENCE, wait_for
from world import World

from connectors.errors import RequestRejected, TemporaryError
from connectors.lastfm import LastfmConnector
from likes.exporting.in_flight import FEWEST_IN_FLIGHT, IN_FLIGHT, Flight, Line, Outcome
from likes.like_sync import export_likes, import_likes
from likes.models import Checkpoint, Like, RunChange, Service

MakeWorld = Callable[..., World]


def fly(flight: Flight[int], count: int) -> list[tuple[int, Outcome]]:
    for number in range(count):
        flight.add(number)
    # A clock that a test drives runs fast.
    return [(number, one.outcome) for number, one in flight.take(count, 600_000)]


def test_a_slow_call_is_overtaken_by_few() -> None:
    gate = threading.Event()
    begun: list[int] = []
    kept_back: list[int] = []

    class Watched(Flight[int]):
        def _may_begin(self, number: int) -> bool:
            may = super()._may_begin(number)
            if not may and self._unanswered == {3}:
                kept_back.append(number)
            return may

    def call(number: int) -> None:
        begun.append(number)
        if number == 3:
            gate.wait(PATIENCE)

    flight = Watched(call, per_second=50)
    for number in range(10):
        flight.add(number)
    assert [number for number, _ in flight.take(3, PATIENCE)] == [0, 1, 2]
    # All others that were begun are answered, and the next is still kept back.
    wait_for(lambda: kept_back)
    assert begun == list(range(3 + FEWEST_IN_FLIGHT))
    gate.set()
    assert [number for number, _ in flight.take(10, PATIENCE)] == list(range(3, 10))
    assert begun == list(range(10))
    flight.stop()


def test_more_are_in_flight_when_the_service_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DrivenClock()
    monkeypatch.setattr("likes.exporting.in_flight.time", clock)
    # Nobody passes before four have come.
    four, come = threading.Event(), []

    def call(number: int) -> None:
        clock.sleep(0.2)
        if number >= 9:
            come.append(number)
            if len(come) == 4:
                four.set()
            assert four.wait(PATIENCE)

    flight = Flight(call, per_second=20)
    assert fly(flight, 29) == [(number, Outcome.DONE) for number in range(29)]
    flight.stop()


def test_failures_in_a_row_stop_those_not_begun_and_a_single_one_does_not() -> None:
    def call(number: int) -> None:
        if number == 1:
            raise RequestRejected("No.", service="lastfm")
        if number == 2 or number >= 4:
            raise TemporaryError("Lost.", service="lastfm", maybe_done=True)

    flight = Flight(call, per_second=50)
    outcomes = dict(fly(flight, 16))
    assert [outcomes[number] for number in range(4)] == [
        Outcome.DONE,
        Outcome.REFUSED,
        Outcome.UNCERTAIN,
        Outcome.DONE,
    ]
    assert outcomes[4] == Outcome.UNCERTAIN
    assert [outcomes[number] for number in range(12, 16)] == [Outcome.UNSENT] * 4
    flight.stop()


def test_a_fault_of_ours_is_raised_and_begins_no_more() -> None:
    begun: list[int] = []

    def call(number: int) -> None:
        begun.append(number)
        raise ZeroDivisionError

    flight = Flight(call, per_second=50)
    with pytest.raises(ZeroDivisionError):
        fly(flight, 8)
    flight.stop()
    assert len(begun) < 8


def make_songs(world: World, name: str, count: int) -> None:
    """Like songs of one's own; nine in ten are scrobbled, the others have to be looked up."""
    for number in range(count):
        title = f"Song {number:02}"
        world.like(title, user=name, added_at=f"2024-05-01T10:{number:02}:00+00:00")
        if number % 10:
            world.order("scrobble", user=name, artist="Ada", title=title)


def test_a_page_in_flight_is_loved_once_for_the_next_batch_too(world: World) -> None:
    user = world.join()
    world.like("Shared", isrc="", duration_ms=100_000)
    world.like("Shared", isrc="", duration_ms=500_000)
    import_likes(user)
    assert Like.objects.on(Service.LASTFM).count() == 2
    world.box.add_faults({"kind": "latency", "ms": 300, "match": "track.love"})
    summary = export_likes(user, batch_size=1)
    assert (summary.loved, world.sent()) == (2, [("Ada", "Shared")])
    assert world.states(user) == {"present": 2}


def test_names_are_looked_up_while_the_batch_before_is_being_loved(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    for number in range(30):
        world.like(f"Song {number:02}", added_at=f"2024-05-01T10:{number:02}:00+00:00")
    import_likes(user)
    looked_up, overlapping = threading.Event(), []
    real_get, real_love = LastfmConnector.get_track, LastfmConnector.love_track

    def get(self: LastfmConnector, artist: str, title: str) -> Any:
        if title == "Song 25":
            looked_up.set()
        return real_get(self, artist, title)

    def love(self: LastfmConnector, artist: str, title: str) -> None:
        if title == "Song 00":
            overlapping.append(looked_up.wait(PATIENCE))
        real_love(self, artist, title)

    monkeypatch.setattr(LastfmConnector, "get_track", get)
    monkeypatch.setattr(LastfmConnector, "love_track", love)
    assert export_likes(user, batch_size=20).loved == 30
    assert overlapping == [True]


def test_a_run_that_is_interrupted_writes_what_it_did(world: World) -> None:
    user = world.join()
    make_songs(world, "alice", 30)
    import_likes(user)
    world.box.add_faults({"kind": "latency", "ms": 50, "match": "track.love"})

    def interrupt(done: int, total: int | None, text: str) -> None:
        if done >= 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_likes(user, batch_size=5, progress=interrupt)
    states = world.states(user)
    assert states == {"pending": 30 - len(world.loves()), "present": len(world.loves())}
    assert 5 <= len(world.loves()) < 30
    assert export_likes(user).loved == states["pending"]
    assert not world.twice()


def test_a_run_that_loses_its_lease_begins_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    make_songs(world, "alice", 30)
    import_likes(user)
    mine = Checkpoint.objects.filter(user=user, listing=Checkpoint.Listing.LOVED)
    real = LastfmConnector.love_track

    def love(self: LastfmConnector, artist: str, title: str) -> None:
        if title == "Song 04":
            mine.update(lease_holder="elsewhere/1:1:abc")
        time.sleep(0.05)
        real(self, artist, title)

    with monkeypatch.context() as patch:
        patch.setattr(LastfmConnector, "love_track", love)
        summary = export_likes(user, batch_size=5)
    assert (summary.exit_code, "lost to another run" in summary.message) == (75, True)
    assert len(world.loves()) < 30
    mine.update(lease_holder="")
    assert export_likes(user).exit_code == 0
    assert world.states(user) == {"present": 30}
    assert not world.twice()


@pytest.mark.parametrize("kind", ["love_track", "unlove_track"])
def test_a_slice_that_must_end_leaves_what_was_not_begun_to_the_next(
    kind: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    make_songs(world, "alice", 20)
    import_likes(user)
    if kind == "unlove_track":
        export_likes(user)
        Like.objects.of(user).on(Service.LASTFM).update(state="removing")
    calls, stopped = count(1), threading.Event()
    real, real_stop = getattr(LastfmConnector, kind), Line.stop

    def call(self: LastfmConnector, artist: str, title: str) -> None:
        if next(calls) > 3:
            stopped.wait(PATIENCE)
        real(self, artist, title)

    def stop(self: Line[Any]) -> None:
        self._stopping.set()
        if isinstance(self, Flight) or kind == "unlove_track":
            stopped.set()
        real_stop(self)

    monkeypatch.setattr(LastfmConnector, kind, call)
    monkeypatch.setattr(Line, "stop", stop)
    ended = {"love_track": "present", "unlove_track": "removed"}[kind]
    summary = export_likes(user, time_is_up=lambda: True, must_end=lambda: True)
    assert (summary.more, summary.exit_code) == (True, 0)
    done = world.states(user)[ended]
    assert 1 <= done <= 3 + IN_FLIGHT
    assert len(world.loves()) == {"present": done, "removed": 20 - done}[ended]
    assert sum(world.states(user).values()) == 20
    assert set(world.states(user)) <= {ended, "pending", "removing"}
    assert RunChange.objects.filter(what="loved").count() == (done if ended == "present" else 20)
    assert export_likes(user).exit_code == 0
    assert world.states(user) == {ended: 20}
    assert not world.twice()


def test_a_limit_is_exact_with_much_in_flight(world: World) -> None:
    user = world.join()
    make_songs(world, "alice", 30)
    import_likes(user)
    world.box.add_faults({"kind": "latency", "ms": 100, "match": "track.love"})
    # What is refused does not count: another takes its place.
    refusal: dict[str, Any] = {"kind": "lastfm_error", "code": 6, "match": "track.love"}
    world.box.add_faults({**refusal, "after": 2, "times": 1})
    summary = export_likes(user, batch_size=4, limit=10)
    assert (summary.loved, summary.failed, len(world.loves())) == (10, 1, 10)
    assert summary.remaining == 19
