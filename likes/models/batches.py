"""Rows a batch at a time, and counted no further than needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from django.db.models import Model, QuerySet

T = TypeVar("T")
R = TypeVar("R", bound=Model)


def chunked(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def count_up_to(rows: QuerySet, most: int) -> int:
    """Count rows; return ``most + 1`` for more than ``most``, and read no more of them."""
    return rows.order_by()[: most + 1].count()


def walk_by_pk(rows: QuerySet[R], size: int) -> Iterator[list[R]]:
    """Yield all rows, ``size`` at a time, in the order in which they were stored."""
    last, is_more = 0, True
    while is_more and (chunk := list(rows.filter(pk__gt=last).order_by("pk")[:size])):
        last, is_more = chunk[-1].pk, len(chunk) == size
        yield chunk
