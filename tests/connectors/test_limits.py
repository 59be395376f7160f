"""The shared budget: never over the limit in any second, by threads, processes and Redis alike."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from driven_clock import DrivenClock
from filelock import FileLock
from pyrate_limiter import InMemoryBucket, SQLiteBucket
from waiting import PATIENCE

from connectors import limits
from connectors.errors import RateLimited, TemporaryError
from connectors.limits import Budget, make_rates


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> DrivenClock:
    """The clock of all budgets, wherever their count is kept."""
    clock = DrivenClock()
    monkeypatch.setattr(limits, "time", clock)
    for bucket in (InMemoryBucket, SQLiteBucket, limits._SharedBucket):
        monkeypatch.setattr(bucket, "now", lambda _: round(clock.now * 1000))
    return clock


def count_busiest_second(times: list[float]) -> int:
    """Return the largest number of moments in any window of a second."""
    return max(sum(start <= moment < start + 1 for moment in times) for start in times)


def take(budget: Budget, count: int) -> list[float]:
    """Return the moments at which requests were let out."""
    times = []
    for _ in range(count):
        budget.acquire()
        times.append(limits.time.monotonic())
    return times


def try_to_take(directory: str, redis_url: str, count: int) -> int:
    """Return how many of ``count`` requests a budget of one in 17 minutes lets out."""
    budget = Budget(
        "lastfm", 0.001, directory=Path(directory) if directory else None, redis_url=redis_url
    )
    passed = 0
    for _ in range(count):
        with contextlib.suppress(RateLimited):
            budget.acquire()
            passed += 1
    return passed


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


@pytest.mark.parametrize("per_second", [1, 4, 10])
def test_budget_keeps_and_uses_its_rate(clock: DrivenClock, per_second: int) -> None:
    times = take(Budget("lastfm", per_second), 3 * per_second)
    assert count_busiest_second(times) <= per_second
    assert times[-1] - times[0] <= 3 * 1.05  # a window is 4 % longer than a second


def test_budget_without_limit_never_waits(clock: DrivenClock, tmp_path: Path) -> None:
    take(Budget("lastfm", 0, directory=tmp_path), 1000)
    assert clock.slept == []
    assert list(tmp_path.iterdir()) == []


def test_budget_is_shared_by_two_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        passed = pool.starmap(try_to_take, [(str(tmp_path), "", 20)] * 2)
    assert sum(passed) == 1


def test_budget_is_shared_by_threads_and_instances(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        passed = list(pool.map(lambda _: try_to_take(str(tmp_path), "", 5), range(6)))
    assert sum(passed) == 1


def test_budgets_that_share_a_count_keep_one_rate(clock: DrivenClock, tmp_path: Path) -> None:
    budgets = [Budget("lastfm", 20, directory=tmp_path) for _ in range(2)]
    times = [moment for number in range(60) for moment in take(budgets[number % 2], 1)]
    assert count_busiest_second(times) == 20


def test_budget_serves_threads_in_the_order_they_came(tmp_path: Path) -> None:
    budget = Budget("lastfm", 20, directory=tmp_path)
    order: list[int] = []

    def come(number: int) -> None:
        budget.acquire()
        order.append(number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(12)]
    with budget._line.wait_turn():
        for number, thread in enumerate(threads, 2):
            thread.start()
            while len(budget._line._waiting) < number:
                assert thread.is_alive()
    for thread in threads:
        thread.join()
    assert order == list(range(12))


def test_budget_of_another_service_is_its_own(clock: DrivenClock, tmp_path: Path) -> None:
    take(Budget("lastfm", 0.02, directory=tmp_path), 1)
    take(Budget("spotify", 0.02, directory=tmp_path), 1)
    assert clock.slept == []


def test_budget_refuses_while_held() -> None:
    until = datetime.now(UTC) + timedelta(hours=20)
    budget = Budget("spotify", 0, held_until=lambda: until)
    with pytest.raises(RateLimited) as refused:
        budget.acquire()
    assert (refused.value.retry_at, refused.value.service) == (until, "spotify")


def test_budget_passes_when_the_hold_is_over() -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    Budget("spotify", 0, held_until=lambda: past).acquire()


def test_budget_asks_for_a_hold_once_a_second(clock: DrivenClock) -> None:
    asked: list[float] = []
    budget = Budget("spotify", 0, held_until=lambda: asked.append(clock.now))
    for _ in range(30):
        budget.acquire()
        clock.now += 0.1
    assert len(asked) in (3, 4)
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(asked))


def test_budget_hold_stops_this_process_until_the_next_question(clock: DrivenClock) -> None:
    budget = Budget("spotify", 0, held_until=lambda: None)
    budget.acquire()
    budget.hold(datetime.now(UTC) + timedelta(hours=1))
    with pytest.raises(RateLimited):
        budget.acquire()
    clock.now += 1.1
    budget.acquire()


def test_budget_hold_ends_every_wait_that_is_under_way(clock: DrivenClock, tmp_path: Path) -> None:
    """Somebody is told to stay away when the first of five has waited for half its time."""
    began = clock.now

    def held_until() -> datetime | None:
        return datetime.now(UTC) + timedelta(hours=1) if clock.now > began + 2.5 else None

    budget = Budget("lastfm", 0.2, directory=tmp_path, held_until=held_until)
    budget.acquire()

    def is_refused(_: int) -> bool:
        with pytest.raises(RateLimited):
            budget.acquire()
        return True

    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(is_refused, range(5))) == [True] * 5
    assert clock.now < began + 5


def test_budget_refuses_a_wait_of_more_than_a_minute(clock: DrivenClock, now: datetime) -> None:
    budget = Budget("lastfm", 0.01)
    budget.acquire()
    with pytest.raises(RateLimited) as refused:
        budget.acquire()
    assert clock.slept == []
    window = timedelta(seconds=104)
    assert now + window <= refused.value.retry_at <= now + window * 1.01


def test_budget_survives_a_clock_that_is_set_back(clock: DrivenClock, tmp_path: Path) -> None:
    take(Budget("lastfm", 1, directory=tmp_path), 1)
    clock.now -= 500
    take(Budget("lastfm", 1, directory=tmp_path), 1)
    assert sum(clock.slept) < 1


def test_budget_forgets_what_is_long_past(clock: DrivenClock, tmp_path: Path) -> None:
    take(Budget("lastfm", 200, directory=tmp_path), 100)
    clock.now += 1.1
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
    child.join(PATIENCE)
    assert child.exitcode == 0
    budget.acquire()


def test_budget_is_shared_over_redis(redis_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(lambda _: try_to_take("", redis_url, 20), range(2)))
    assert sum(passed) == 1


def test_machines_whose_clocks_differ_keep_one_rate_over_redis(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast, slow = (Budget("lastfm", 0.001, redis_url=redis_url) for _ in range(2))
    fast.acquire()
    an_hour_ago = time.time_ns() - 3600 * 10**9
    monkeypatch.setattr("pyrate_limiter.buckets.redis_bucket.time_ns", lambda: an_hour_ago)
    with pytest.raises(RateLimited):
        slow.acquire()


def test_budget_keeps_its_rate_over_redis(clock: DrivenClock, redis_url: str) -> None:
    times = take(Budget("lastfm", 20, redis_url=redis_url), 60)
    assert count_busiest_second(times) == 20


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
