"""A clock that the test drives: it stands still but for those who sleep."""

from __future__ import annotations

import threading


class DrivenClock:
    """Takes the place of the module ``time`` where a program waits."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        return self.now

    time = monotonic

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds
