"""A slice's time, as a test wants it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count


def after(batches: int) -> Callable[[], bool]:
    """Return a ``time_is_up`` that ends a slice after so many pages or batches."""
    asked = count(1)
    return lambda: next(asked) >= batches
