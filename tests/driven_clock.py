"""Clocks that the test drives."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, tzinfo

import pytest
from django.utils import timezone

from connectors import error_table, http, limits, spotify


class DrivenClock:
    """Takes the place of the module ``time`` where a program waits: it stands still but for those
    who sleep."""

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


def stop_dates(patch: pytest.MonkeyPatch) -> datetime:
    """Have the date and time stand still, for whoever asks what time it is; return them."""
    stopped = datetime.now(UTC)

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return stopped.astimezone(tz)

    for module in (error_table, http, limits, spotify):
        patch.setattr(module, "datetime", Stopped)
    patch.setattr(timezone, "now", lambda: stopped)
    return stopped
