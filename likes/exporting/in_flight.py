"""Calls to a service, made in order and several at once, and what became of each."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from statistics import median
from threading import Condition, Event, Lock
from typing import Any, Generic, Self, TypeVar

from django.db import connection

from connectors.errors import ConnectorError, RateLimited, RequestRejected, TemporaryError

#: Requests under way at once, at most: at 4 a second these hide a second and a half of latency.
IN_FLIGHT = 6
#: At least one is on its way while the next waits for its turn, so that no turn is missed.
FEWEST_IN_FLIGHT = 2
#: Calls that do not wait for one another are begun so far apart (s), lest they overtake.
SHORTEST_DISTANCE = 0.005
#: So many calls that fail in a row mean that the service is down; fewer, that it fails on these.
DOWN_AFTER = 4

Item = TypeVar("Item")


class Outcome(Enum):
    DONE = "done"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNCERTAIN = "uncertain"


@dataclass
class Sent:
    """What became of one call: ``value`` is what it returned; no more are begun if it ``stops``."""

    outcome: Outcome
    error: ConnectorError | None = None
    value: Any = None
    stops: bool = False

    @property
    def is_own_failure(self) -> bool:
        return is_own_failure(self.error)


def is_own_failure(error: ConnectorError | None) -> bool:
    """Whether the service stumbled over this very call, be it for its sake or for any."""
    return isinstance(error, TemporaryError) and not isinstance(error, RateLimited)


class Stopping(Event):
    """Set when no more calls are to be begun: after an error that is not an item's own, or after
    several failures in a row, which tell of the service and not of the items."""

    def __init__(self) -> None:
        super().__init__()
        self._counting = Lock()
        self.failed_in_a_row = 0

    def note_answer(self) -> None:
        with self._counting:
            self.failed_in_a_row = 0

    def note_failure(self) -> bool:
        """Return whether the service is down."""
        with self._counting:
            self.failed_in_a_row += 1
            return self.failed_in_a_row >= DOWN_AFTER


def send(
    call: Callable[[Item], object], item: Item, stopping: Stopping, is_known: bool = False
) -> Sent:
    """Call for one item, unless ``stopping``; an error that is not the item's own sets that.

    That an item fails which ``is_known`` for it says nothing of the service.
    """
    if stopping.is_set():
        return Sent(Outcome.UNSENT)
    try:
        value = call(item)
    except RequestRejected as error:
        stopping.note_answer()
        return Sent(Outcome.REFUSED, error)
    except ConnectorError as error:
        uncertain = isinstance(error, TemporaryError) and error.maybe_done
        sent = Sent(Outcome.UNCERTAIN if uncertain else Outcome.UNSENT, error)
        sent.stops = not sent.is_own_failure or (not is_known and stopping.note_failure())
        if sent.stops:
            stopping.set()
        return sent
    except BaseException:
        stopping.set()
        raise
    finally:
        # The budget may have asked the database whether the service holds us back, and this
        # thread has a connection of its own.
        connection.close()
    stopping.note_answer()
    return Sent(Outcome.DONE, value=value)


def first_stop(sent: Iterable[Sent]) -> ConnectorError | None:
    """Return the error that stopped a batch, if one did."""
    for one in sent:
        if one.stops:
            return one.error
    return None


class Line(Generic[Item]):
    """Items in the order of ``add``, of which some wait for what their call returns.

    Several calls are under way at once; what they return is taken in the order of the items. Use
    it in a ``with`` block: when that ends no more calls are begun.
    """

    def __init__(
        self,
        call: Callable[[Item], object],
        is_known: Callable[[Item], bool] = lambda item: False,
    ) -> None:
        self._call = call
        self._is_known = is_known
        self._pool = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="lastfm")
        self._lined_up: deque[tuple[Item, Future[Sent]]] = deque()
        self._stopping = Stopping()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __len__(self) -> int:
        """How many were added and not taken."""
        return len(self._lined_up)

    def __iter__(self) -> Iterator[Item]:
        return (item for item, _ in self._lined_up)

    def add(self, item: Item) -> None:
        """Line up a call; it is begun by itself when its turn comes."""
        self._lined_up.append((item, self._submit(item)))

    def add_without_call(self, item: Item) -> None:
        """Line up an item that waits for nothing but those before it."""
        nothing: Future[Sent] = Future()
        nothing.set_result(Sent(Outcome.DONE))
        self._lined_up.append((item, nothing))

    def take(self, most: int, seconds: float) -> list[tuple[Item, Sent]]:
        """Return what became of the oldest calls, in their order.

        That is of one at least, where there are any, and of those up to ``most`` that are
        answered within ``seconds``. Raises what a call raised that is no ConnectorError.
        """
        until = time.monotonic() + seconds
        taken: list[tuple[Item, Sent]] = []
        while self._lined_up and len(taken) < most:
            item, answer = self._lined_up[0]
            if taken and not wait([answer], max(0.0, until - time.monotonic())).done:
                break
            taken.append((item, answer.result()))
            self._lined_up.popleft()
        return taken

    def stop(self) -> None:
        """Begin no more, and return when all that was begun has ended."""
        self._stopping.set()
        self._pool.shutdown()

    def _submit(self, item: Item) -> Future[Sent]:
        return self._pool.submit(self._send, item)

    def _send(self, item: Item) -> Sent:
        return send(self._call, item, self._stopping, self._is_known(item))


class Flight(Line[Item]):
    """Calls that are begun in the order of ``add``, while others are still under way.

    Last.fm dates a love when it arrives, so a slow one must not be overtaken by many: no call is
    begun while one that is ``width`` places older is unanswered. The width is as small as the
    rate allows: with 200 ms of latency and 5 calls a second two are enough, and it grows, up to
    IN_FLIGHT, when the service takes longer. ``per_second`` is the rate; 0 for no limit.
    """

    def __init__(
        self,
        call: Callable[[Item], object],
        per_second: float,
        is_known: Callable[[Item], bool] = lambda item: False,
    ) -> None:
        super().__init__(call, is_known)
        self._per_second = per_second
        # Half of the even distance: each has its place in the line for the budget before the
        # next one comes, and none comes too late for its turn.
        even = 1 / per_second if per_second > 0 else 0.0
        self._distance = max(SHORTEST_DISTANCE, even / 2)
        self._changed = Condition()
        self._added = self._begun = 0
        self._unanswered: set[int] = set()
        self._not_before = 0.0
        self._seconds: deque[float] = deque(maxlen=9)

    def stop(self) -> None:
        """Begin no more, and return when all that was begun has ended."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        super().stop()

    def _submit(self, item: Item) -> Future[Sent]:
        self._added += 1
        return self._pool.submit(self._run, self._added - 1, item)

    def _run(self, number: int, item: Item) -> Sent:
        self._wait_turn(number)
        begun_at = time.monotonic()
        try:
            return self._send(item)
        finally:
            with self._changed:
                self._seconds.append(time.monotonic() - begun_at)
                self._unanswered.remove(number)
                self._changed.notify_all()

    def _wait_turn(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: number == self._begun and self._may_begin(number))
        # Nobody else comes here before this one is counted as begun.
        if not self._stopping.is_set():
            time.sleep(max(0.0, self._not_before - time.monotonic()))
        with self._changed:
            self._begun += 1
            self._unanswered.add(number)
            self._not_before = time.monotonic() + self._distance
            self._changed.notify_all()

    def _may_begin(self, number: int) -> bool:
        oldest = min(self._unanswered, default=number)
        # While the last to answer failed, the others that are under way are heard first.
        width = 1 if self._stopping.failed_in_a_row else self._find_width()
        return self._stopping.is_set() or number - oldest < width

    def _find_width(self) -> int:
        if self._per_second <= 0:
            return IN_FLIGHT
        if not self._seconds:
            return FEWEST_IN_FLIGHT
        # While the rate is what holds calls back, a call takes ``width`` turns, the wait for its
        # own included; when it takes more, the latency is.
        needed = math.ceil(median(self._seconds) * self._per_second * 0.9)
        return min(max(needed, FEWEST_IN_FLIGHT), IN_FLIGHT)
