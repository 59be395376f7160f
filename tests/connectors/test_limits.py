"""The shared budget: never over the limit in any second, by threads, processes and Redis alike."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from filelock import FileLock
from programs import need_program
from pyrate_limiter import SQLiteBucket
from redis_server import start_redis

from connectors import limits
from connectors.errors import RateLimited, TemporaryError
from connectors.limits import Budget, make_rates


def count_busiest_second(times: list[float]) -> int:
    """Return the largest number of moments in any window of a second.

    Less 150 ms: a busy machine may stop a thread between its turn and its look at the clock.
    """
    return max(sum(start <= moment < start + 0.85 for moment in times) for start in times)


def take(budget: Budget, count: int) -> list[float]:
    times = []
    for _ in range(count):
        budget.acquire()
        times.append(time.time())
    return times


def take_in_process(directory: str, redis_url: str, count: int) -> list[float]:
    budget = Budget(
        "lastfm", 20, directory=Path(directory) if directory else None, redis_url=redis_url
    )
    return take(budget, count)


@pytest.mark.parametrize(
    ("per_second", "rates"),
    [
        (4, [(1, 208), (4, 1040)]),
        (2, [(1, 416), (2, 1040)]),
        (1, [(1, 1040)]),
        (0.5, [(1, 2080)]),
        (2.5, [(1, 416), (2, 1040)]),
        (5000, [(5000, 1040)]),
    ],
)
def test_make_rates_rounds_down_and_spreads(
    per_second: float, rates: list[tuple[int, int]]
) -> None:
    assert [(rate.limit, rate.interval) for rate in make_rates(per_second)] == rates


def test_budget_holds_its_rate_in_one_thread() -> None:
    times = take(Budget("lastfm", 10), 15)
    assert count_busiest_second(times) <= 10


def test_budget_without_limit_never_waits(tmp_path: Path) -> None:
    started = time.monotonic()
    take(Budget("lastfm", 0, directory=tmp_path), 1000)
    assert time.monotonic() - started < 30
    assert list(tmp_path.iterdir()) == []


def test_budget_is_shared_by_two_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        times = pool.starmap(take_in_process, [(str(tmp_path), "", 20)] * 2)
    together = sorted(times[0] + times[1])
    assert len(together) == 40
    assert count_busiest_second(together) <= 20
    assert together[-1] - together[0] >= 1.0


def test_budget_is_shared_by_threads_and_instances(tmp_path: Path) -> None:
    budgets = [Budget("lastfm", 20, directory=tmp_path) for _ in range(2)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda n: take(budgets[n % 2], 5), range(6)))
    times = sorted(moment for result in results for moment in result)
    assert len(times) == 30
    assert count_busiest_second(times) <= 20


def test_budget_serves_threads_in_the_order_they_came(tmp_path: Path) -> None:
    budget = Budget("lastfm", 20, directory=tmp_path)
    order: list[int] = []

    def come(number: int) -> None:
        budget.acquire()
        order.append(number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert order == list(range(12))


def test_budget_of_another_service_is_its_own(tmp_path: Path) -> None:
    take(Budget("lastfm", 0.02, directory=tmp_path), 1)
    started = time.monotonic()
    take(Budget("spotify", 0.02, directory=tmp_path), 1)
    assert time.monotonic() - started < 30


def test_budget_refuses_while_held() -> None:
    until = datetime.now(UTC) + timedelta(hours=20)
    budget = Budget("spotify", 0, held_until=lambda: until)
    with pytest.raises(RateLimited) as refused:
        budget.acquire()
    assert (refused.value.retry_at, refused.value.service) == (until, "spotify")


def test_budget_passes_when_the_hold_is_over() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    Budget("spotify", 0, held_until=lambda: past).acquire()


def test_budget_asks_for_a_hold_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    clock = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
    budget = Budget("spotify", 0, held_until=lambda: asked.append(clock[0]))
    for _ in range(30):
        budget.acquire()
        clock[0] += 0.1
    assert len(asked) in (3, 4)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(asked))


def test_budget_hold_stops_this_process_until_the_next_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
    budget = Budget("spotify", 0, held_until=lambda: None)
    budget.acquire()
    budget.hold(datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(RateLimited):
        budget.acquire()
    clock[0] += 1.1
    budget.acquire()


def test_budget_hold_ends_every_wait_that_is_under_way(tmp_path: Path) -> None:
    holds: list[datetime] = []
    budget = Budget(
        "lastfm", 0.2, directory=tmp_path, held_until=lambda: holds[0] if holds else None
    )
    budget.acquire()

    def is_refused(_: int) -> bool:
        with pytest.raises(RateLimited):
            budget.acquire()
        return True

    threading.Timer(0.2, lambda: holds.append(datetime.now(UTC) + timedelta(hours=1))).start()
    started = time.monotonic()
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(is_refused, range(5))) == [True] * 5
    assert time.monotonic() - started < 30


def test_budget_never_sleeps_longer_than_a_minute() -> None:
    budget = Budget("lastfm", 0.01)
    budget.acquire()
    started = time.monotonic()
    with pytest.raises(RateLimited) as refused:
        budget.acquire()
    assert time.monotonic() - started < 30
    wait = refused.value.retry_at - datetime.now(UTC)
    assert timedelta(seconds=95) < wait < timedelta(seconds=105)


def test_budget_survives_a_clock_that_is_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time_ns
    monkeypatch.setattr("pyrate_limiter.buckets.sqlite_bucket.time_ns", lambda: real() + 10**13)
    take(Budget("lastfm", 1, directory=tmp_path), 1)
    monkeypatch.undo()
    started = time.monotonic()
    take(Budget("lastfm", 1, directory=tmp_path), 1)
    assert time.monotonic() - started < 30


def test_budget_forgets_what_is_long_past(tmp_path: Path) -> None:
    take(Budget("lastfm", 200, directory=tmp_path), 100)
    time.sleep(1.1)
    budget = Budget("lastfm", 200, directory=tmp_path)
    take(budget, 1)
    assert budget._bucket is not None
    assert budget._bucket.count() == 1


def test_budget_that_cannot_be_kept_is_a_temporary_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(TemporaryError, match="count of requests cannot be kept"):
        Budget("lastfm", 4, directory=blocked / "below").acquire()


def test_budget_does_not_wait_for_ever_for_a_stopped_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget("lastfm", 20, directory=tmp_path)
    budget.acquire()
    assert isinstance(budget._bucket, SQLiteBucket)
    lock = budget._bucket.limiter_lock()
    assert isinstance(lock, FileLock)
    assert lock.timeout == 10
    lock.timeout = 0.1
    with FileLock(lock.lock_file), pytest.raises(TemporaryError, match="cannot be kept"):
        budget.acquire()
    budget.acquire()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_budget_works_after_a_fork(tmp_path: Path) -> None:
    budget = Budget("lastfm", 20, directory=tmp_path)
    budget.acquire()
    child = multiprocessing.get_context("fork").Process(target=take, args=(budget, 3))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    budget.acquire()


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    need_program("redis-server")
    server, address = start_redis(tmp_path)
    yield address
    server.terminate()
    server.wait(10)


def test_budget_is_shared_over_redis(redis_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: take_in_process("", redis_url, 20), range(2)))
    times = sorted(results[0] + results[1])
    assert count_busiest_second(times) <= 20
    assert times[-1] - times[0] >= 1.0


def test_budget_recovers_when_redis_forgot_its_scripts(redis_url: str) -> None:
    import redis

    budget = Budget("lastfm", 20, redis_url=redis_url)
    budget.acquire()
    redis.Redis.from_url(redis_url).script_flush()
    with pytest.raises(TemporaryError):
        budget.acquire()
    budget.acquire()


def test_budget_without_its_redis_is_a_temporary_error() -> None:
    with pytest.raises(TemporaryError):
        Budget("lastfm", 4, redis_url="redis://127.0.0.1:1/0").acquire()
