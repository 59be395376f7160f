"""The budget of requests that every process of the deployment shares.

A service counts requests by IP address or by developer account, not by process, so the count is
kept where all processes see it: in a small SQLite file on one machine, in Redis on many.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import cast

import redis
from filelock import FileLock
from pyrate_limiter import InMemoryBucket, Rate, RateItem, RedisBucket, SQLiteBucket

from connectors.error_table import NAMES
from connectors.errors import RateLimited, TemporaryError

# A request reaches the service a little after its turn came, and not always equally late. Windows
# 4 % longer than a second keep the late first and the prompt last of a window apart there too.
_MARGIN = 1.04
# Part of the even distance that is kept between two requests: without it a second's requests
# leave in one burst and may arrive in another order; with all of it no lateness is made good.
_SPACING = 0.8
_LONGEST_WAIT = 60.0
_ASK_EVERY = 1.0
_LEAK_EVERY = 64

# A holder of the count's lock needs about a millisecond; one that was stopped must not stop others.
_LONGEST_HOLD = 10.0
_POLL_EVERY = 0.01


class _SharedBucket(RedisBucket):
    """A bucket in Redis that many machines share, by Redis's clock.

    A request whose time is earlier than one that is counted already would not see that one. So
    the time is read and the request put in under one lock, as in the file of one machine.
    """

    def now(self) -> int:
        """Return the time (ms since 1970) of the one clock that all machines see."""
        seconds, microseconds = cast(redis.Redis, self.redis).time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def limiter_lock(self) -> AbstractContextManager[object]:
        client = cast(redis.Redis, self.redis)
        lock: AbstractContextManager[object] = client.lock(
            f"{self.bucket_key}:lock",
            timeout=_LONGEST_HOLD, blocking_timeout=_LONGEST_HOLD, sleep=_POLL_EVERY,
        )  # fmt: skip
        return lock


Bucket = InMemoryBucket | _SharedBucket | SQLiteBucket


def make_rates(per_second: float) -> list[Rate]:
    """Return pyrate-limiter's rates (ms) for ``per_second`` > 0, rounded down to whole requests.

    >>> make_rates(4)
    [limit=1/208, limit=4/1040]
    """
    limit = max(1, int(per_second))
    window = int(max(1000.0, 1000.0 / per_second) * _MARGIN)
    rates = [Rate(limit, window)]
    spacing = int(window / limit * _SPACING)
    if limit > 1 and spacing >= 1:
        rates.insert(0, Rate(1, spacing))
    return rates


class _Line:
    """A queue of threads, first come first served; a plain Lock wakes whom it likes.

    Likes are sent oldest first and Last.fm dates them on arrival, so the order of asking counts.
    """

    def __init__(self) -> None:
        self._mutex = Lock()
        self._waiting: deque[Lock] = deque()

    @contextmanager
    def wait_turn(self) -> Iterator[None]:
        mine = Lock()
        mine.acquire()
        with self._mutex:
            self._waiting.append(mine)
            if self._waiting[0] is mine:
                mine.release()
        try:
            with mine:
                yield
        finally:
            with self._mutex:
                was_first = self._waiting[0] is mine
                self._waiting.remove(mine)
                if was_first and self._waiting:
                    self._waiting[0].release()


class Budget:
    """At most ``per_second`` requests to ``service`` in any second, over all processes.

    The count is kept in Redis when ``redis_url`` is given, else in a file under ``directory``,
    else in this object alone. ``per_second`` <= 0 sets no limit. ``held_until`` is asked, at most
    once a second, whether the service has told the deployment to stay away until a time (UTC).
    Safe for threads, which are served in the order they came, and after a fork.
    """

    def __init__(
        self,
        service: str,
        per_second: float,
        *,
        directory: Path | None = None,
        redis_url: str = "",
        held_until: Callable[[], datetime | None] | None = None,
    ) -> None:
        self.service = service
        self._rates = make_rates(per_second) if per_second > 0 else []
        self._directory = directory
        self._redis_url = redis_url
        self._ask_held_until = held_until
        self._held: datetime | None = None
        self._start_afresh()

    def acquire(self) -> None:
        """Block until a request may go out.

        Raises RateLimited, at once, while the service holds us back, or when the wait would be
        longer than a minute; TemporaryError when the shared count cannot be read or written.
        """
        if self._pid != os.getpid():
            # After a fork neither the locks nor the open file of the parent may be used.
            self._start_afresh()
        self._refuse_while_held()
        if not self._rates:
            return
        deadline = time.monotonic() + _LONGEST_WAIT
        with self._line.wait_turn():
            while (wait := self._take()) > 0:
                if time.monotonic() + wait > deadline:
                    self._refuse(datetime.now(UTC) + timedelta(seconds=wait))
                self._refuse_while_held()
                time.sleep(min(wait, _ASK_EVERY))
                self._refuse_while_held()

    def hold(self, until: datetime) -> None:
        """Let nothing out until then; where ``held_until`` is given, until it is asked again.

        So the threads of this process stop at once, and a hold that a person lifts in the
        database ends within a second.
        """
        with self._mutex:
            self._held = until
            self._asked_at = time.monotonic()

    def _start_afresh(self) -> None:
        self._pid = os.getpid()
        self._line = _Line()
        self._mutex = Lock()
        self._asked_at = float("-inf")
        self._bucket: Bucket | None = None
        self._taken = 0

    def _refuse_while_held(self) -> None:
        with self._mutex:
            now = time.monotonic()
            ask = self._ask_held_until is not None and now - self._asked_at >= _ASK_EVERY
            if ask:
                self._asked_at = now
        if ask and self._ask_held_until is not None:
            # Outside the lock: it may well be a query.
            self._held = self._ask_held_until()
        held = self._held
        if held is not None and held > datetime.now(UTC):
            self._refuse(held)

    def _refuse(self, retry_at: datetime) -> None:
        raise RateLimited(
            f"{NAMES.get(self.service, self.service)} holds us back until "
            f"{retry_at:%Y-%m-%d %H:%M:%S} UTC.",
            service=self.service,
            retry_at=retry_at,
        )

    def _take(self) -> float:
        """Take one request from the budget; return 0, or the seconds until it is worth asking."""
        try:
            if self._bucket is None:
                self._bucket = self._open_bucket()
            return self._take_from(self._bucket)
        except (OSError, sqlite3.Error, redis.RedisError) as error:
            self._bucket = None
            raise TemporaryError(
                f"The shared count of requests cannot be kept ({type(error).__name__}: {error}).",
                service=self.service,
            ) from error

    def _take_from(self, bucket: Bucket) -> float:
        with cast(AbstractContextManager[object], bucket.limiter_lock() or nullcontext()):
            # The time is read under the lock: one read before waiting for it would be too old.
            item = RateItem(self.service, bucket.now())
            if bucket.put(item):
                if self._taken % _LEAK_EVERY == 0:
                    bucket.leak(item.timestamp)
                self._taken += 1
                return 0.0
            wait = bucket.waiting(item)
            assert isinstance(wait, int)
            if wait > self._rates[-1].interval + 1000:
                # Only an entry from the future makes one wait longer: the clock was set back.
                bucket.flush()
                wait = 0
        return (wait + 1) / 1000

    def _open_bucket(self) -> Bucket:
        if self._redis_url:
            client = redis.Redis.from_url(
                self._redis_url, socket_timeout=5, socket_connect_timeout=5
            )
            bucket = _SharedBucket.init(self._rates, client, f"narada:budget:{self.service}")
            assert isinstance(bucket, _SharedBucket)
            return bucket
        if self._directory is not None:
            self._directory.mkdir(parents=True, exist_ok=True)
            path = self._directory / f"budget-{self.service}.sqlite"
            shared = SQLiteBucket.init_from_file(self._rates, db_path=str(path), use_file_lock=True)
            lock = shared.limiter_lock()  # type: ignore[no-untyped-call]
            assert isinstance(lock, FileLock)
            lock.timeout, lock.poll_interval = _LONGEST_HOLD, _POLL_EVERY
            return shared
        return InMemoryBucket(self._rates)
