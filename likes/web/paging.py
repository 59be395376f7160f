"""Pages of a long list, cheap however far one goes: each begins after the last row of another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_datetime

#: Rows that are read first to look for those that meet a search, and how many times as many next.
PART, GROWTH = 200, 10
#: If fewer than one in so many rows meet a search, an index finds them with less work.
RARELY = 150
FAIR_TRIAL = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TooRare(Exception):
    """Too few rows of a list meet a condition to find a page of them by reading the list."""


@dataclass(frozen=True)
class _Mark:
    """The row that was shown last."""

    date: datetime | None
    pk: int


@dataclass(frozen=True)
class Search:
    """The likes of these tracks that meet a condition."""

    tracks: QuerySet
    condition: Q


@dataclass
class KeysetPage:
    """Some rows, and the mark after which the next page begins ("" at the end)."""

    rows: list[Any]
    next_mark: str
    is_first: bool


def get_page(
    lists: Iterable[QuerySet], mark: str, size: int, search: Search | None = None
) -> KeysetPage:
    """Return a page of likes, newest first, undated ones last.

    Among likes of one second the row stored first is the newest, as Spotify lists it. Each of the
    lists is of one user, service and state: an index holds it in this order, so that no more rows
    are read than are shown, however many there are. A mark that cannot be read begins at the head.

    With a ``search`` the lists are read in this order until enough of their likes meet it.
    Raises ``TooRare`` if too few do.
    """
    after, lists = _read_mark(mark), list(lists)
    rows: list[Any] = []
    if after is None or after.date is not None:
        dated = [
            likes.filter(liked_at__isnull=False).order_by("-liked_at", "pk") for likes in lists
        ]
        rows += _take(dated, after, size + 1, search)
    if len(rows) <= size:
        undated = [likes.filter(liked_at=None).order_by("pk") for likes in lists]
        last = after if after is not None and after.date is None else None
        rows += _take(undated, last, size + 1 - len(rows), search)
    return _cut_page(rows, size, after)


def _go_on_after(rows: QuerySet, last: _Mark | None) -> QuerySet:
    """Keep the rows after the last one, in a list of dated rows or in one of undated rows."""
    if last is None:
        return rows
    if last.date is None:
        return rows.filter(pk__gt=last.pk)
    # The first of the two is what an index is entered with.
    return rows.filter(liked_at__lte=last.date).exclude(liked_at=last.date, pk__lte=last.pk)


def _take(
    lists: list[QuerySet], after: _Mark | None, count: int, search: Search | None
) -> list[Any]:
    """Return the first likes after a mark; with a search, the first that meet it."""
    if search is None:
        rows: list[Any] = []
        for likes in lists:
            part = _go_on_after(likes, after)
            if len(rows) == count and rows[-1].liked_at is not None:
                part = part.filter(liked_at__gte=rows[-1].liked_at)
            rows = sorted([*rows, *part[:count]], key=_newest_first)[:count]
        return rows
    walks = [_find_in_parts(likes, after, count, search) for likes in lists]
    return list(islice(merge(*walks, key=_newest_first), count))


def _find_in_parts(
    likes: QuerySet, last: _Mark | None, count: int, search: Search
) -> Iterator[Any]:
    """Yield the first ``count`` likes that meet a search, reading few more than needed."""
    read = met = 0
    size = PART
    while True:
        part = _go_on_after(likes, last)
        # An index holds the tracks of the part, so only the likes of those found are read. In one
        # statement PostgreSQL would not see how few rows a part has.
        tracks = search.tracks.filter(pk__in=part.values("track")[:size])
        found = likes.filter(search.condition, track__in=[*tracks.values_list("pk", flat=True)])
        for like in found[: count - met]:
            met += 1
            yield like
        if met == count:
            return
        read += size
        if read >= FAIR_TRIAL and met * RARELY < read:
            raise TooRare
        ends = list(part.values_list("liked_at", "pk")[size - 1 : size])
        if not ends:
            return
        last = _Mark(*ends[0])
        # So many as should hold what lacks, and a quarter more.
        expected = (count - met) * read * 5 // (4 * met) if met else size * GROWTH
        size = max(PART, min(expected, size * GROWTH))


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
    return like.liked_at is None, -(like.liked_at or EPOCH).timestamp(), like.id


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
