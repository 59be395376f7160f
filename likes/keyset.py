"""Pages of a long list, cheap however far one goes: each begins after the last row of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

R = TypeVar("R", bound=Model)


@dataclass
class KeysetPage:
    """Some rows, and the mark after which the next page begins ("" at the end)."""

    rows: list[Any]
    next_mark: str
    is_first: bool


def get_page(likes: QuerySet, mark: str, size: int) -> KeysetPage:
    """Return a page of likes, newest first, undated ones last.

    Among likes of one second the row stored first is the newest, as Spotify lists it. A mark that
    cannot be read begins at the head.
    """
    ordered = likes.order_by(F("liked_at").desc(nulls_last=True), "pk")
    after = _read_mark(mark)
    rows = list((ordered.filter(after) if after is not None else ordered)[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    return KeysetPage(rows, _write_mark(rows[-1]) if more else "", after is None)


def walk_by_pk(rows: QuerySet[R], size: int) -> Iterator[list[R]]:
    """Yield all rows, ``size`` at a time, in the order in which they were stored."""
    last, is_more = 0, True
    while is_more and (chunk := list(rows.filter(pk__gt=last).order_by("pk")[:size])):
        last, is_more = chunk[-1].pk, len(chunk) == size
        yield chunk


def _write_mark(like: Any) -> str:
    return f"{like.liked_at.isoformat() if like.liked_at else ''}~{like.pk}"


def _read_mark(mark: str) -> Q | None:
    date_text, _, pk_text = mark.partition("~")
    if not pk_text.isdecimal() or len(pk_text) > 18:
        return None
    pk = int(pk_text)
    if not date_text:
        return Q(liked_at=None, pk__gt=pk)
    date = _read_date(date_text)
    if date is None:
        return None
    return Q(liked_at__lt=date) | Q(liked_at=date, pk__gt=pk) | Q(liked_at=None)


def _read_date(text: str) -> datetime | None:
    try:
        date = parse_datetime(text)
        # A year that only exists in another zone cannot be asked for.
        return date.astimezone(UTC) if date is not None and date.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
