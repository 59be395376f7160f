"""Pages of a long list, cheap however far one goes: each begins after the last row of another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Mark:
    """The row that was shown last."""

    date: datetime | None
    pk: int


@dataclass
class KeysetPage:
    """Some rows, and the mark after which the next page begins ("" at the end)."""

    rows: list[Any]
    next_mark: str
    is_first: bool


def get_page(lists: Iterable[QuerySet], mark: str, size: int) -> KeysetPage:
    """Return a page of likes, newest first, undated ones last.

    Among likes of one second the row stored first is the newest, as Spotify lists it. Each of the
    lists is of one user, service and state: an index holds it in this order, so that no more rows
    are read than are shown, however many there are. A mark that cannot be read begins at the head.
    """
    after, lists = _read_mark(mark), list(lists)
    rows: list[Any] = []
    if after is None or after.date is not None:
        for likes in lists:
            dated = likes.filter(liked_at__isnull=False).order_by("-liked_at", "pk")
            if after is not None:
                # The first of the two is what an index is entered with.
                dated = dated.filter(liked_at__lte=after.date)
                dated = dated.exclude(liked_at=after.date, pk__lte=after.pk)
            rows += dated[: size + 1]
    if len(rows) <= size:
        for likes in lists:
            undated = likes.filter(liked_at=None).order_by("pk")
            if after is not None and after.date is None:
                undated = undated.filter(pk__gt=after.pk)
            rows += undated[: size + 1]
    rows.sort(key=_newest_first)
    return _cut_page(rows, size, after)


def get_page_of_few(likes: QuerySet, mark: str, size: int) -> KeysetPage:
    """Return the same of so few likes that one statement can sort them all."""
    after = _read_mark(mark)
    likes = likes.order_by(F("liked_at").desc(nulls_last=True), "pk")
    if after is not None and after.date is None:
        likes = likes.filter(liked_at=None, pk__gt=after.pk)
    elif after is not None:
        same_second = Q(liked_at=after.date, pk__gt=after.pk)
        likes = likes.filter(Q(liked_at__lt=after.date) | same_second | Q(liked_at=None))
    return _cut_page([*likes[: size + 1]], size, after)


def _cut_page(rows: list[Any], size: int, after: _Mark | None) -> KeysetPage:
    more = len(rows) > size
    rows = rows[:size]
    return KeysetPage(rows, _write_mark(rows[-1]) if more else "", after is None)


def _newest_first(like: Any) -> tuple[bool, float, int]:
    return like.liked_at is None, -(like.liked_at or EPOCH).timestamp(), like.pk


def _write_mark(like: Any) -> str:
    return f"{like.liked_at.isoformat() if like.liked_at else ''}~{like.pk}"


def _read_mark(mark: str) -> _Mark | None:
    date_text, _, pk_text = mark.partition("~")
    if not pk_text.isdecimal() or len(pk_text) > 18:
        return None
    date = _read_date(date_text) if date_text else None
    return None if date_text and date is None else _Mark(date, int(pk_text))


def _read_date(text: str) -> datetime | None:
    try:
        date = parse_datetime(text)
        # A year that only exists in another zone cannot be asked for.
        return date.astimezone(UTC) if date is not None and date.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
