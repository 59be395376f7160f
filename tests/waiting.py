"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

#: A backstop (s) that ends a test which hangs. Far from what anything takes on a busy machine ten
#: times slower than usual, so it decides nothing else.
PATIENCE = 600


def wait_for(check: Callable[[], object], every: float = 0.01) -> None:
    """Wait until something holds; look at it every so many seconds."""
    end = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(every)


def is_alive(number: int) -> bool:
    """Whether a process is there and no mere entry of the dead."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended before, or while it was read
        return False
