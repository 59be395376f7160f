"""Last.fm's JSON, parsed at the door.

The JSON is made from XML by rule: numbers are strings, a list of one is often a bare object, an
empty list a missing key, and attributes are under "@attr". A row whose names cannot be read is set
aside; what is wrong with its length, count, date or id costs only that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

from connectors.http import UnexpectedAnswer
from connectors.records import (
    LibraryPage,
    LovedPage,
    LovedTrack,
    ScrobbledTrack,
    ServiceUser,
    TrackPage,
)
from connectors.text import MOST_ROWS, keep_plausible_number, keep_plausible_time, keep_storable

Row = TypeVar("Row")

# user.getTopTracks gives lengths in seconds, track.getInfo in milliseconds; no document says so
# for both. No track lasts under 10 s and is also named in ms, none lasts 10,000 s.
SECONDS_BELOW = 10_000
#: Last.fm's own names have some 250 characters at most, and it takes longer ones for a love; a row
#: with a name beyond this is set aside.
LONGEST_NAME = 5_000


def parse_user(answer: dict[str, Any]) -> ServiceUser:
    """Return the user; Last.fm has no id, and names do not differ by case alone."""
    name = _read_text(_read_object(answer, "user", "user"), "name", "user.name", needed=True)
    if not name:
        raise wrong("user.name", "a text that is not empty")
    return ServiceUser(name.lower(), name)


class ShortPage(UnexpectedAnswer):
    """A page has ``lacking`` rows fewer than its place in the total says."""

    lacking = 0


def parse_loved_page(
    answer: dict[str, Any], user: str, page: int, limit: int, lacking: int = 0
) -> LovedPage:
    """Return a page of user.getLovedTracks that is this user's, this page, and whole.

    Raises ShortPage for one that lacks more rows than ``lacking``; those set aside are there.
    """
    rows, attributes = _open_listing(answer, "lovedtracks", user, page)
    items, unreadable = _parse_rows(rows, _parse_loved)
    total = _read_total(attributes, rows)
    size = _read_count(attributes, "perPage", limit) or limit
    due = min(size, max(0, total - (page - 1) * size))
    lacks = max(0, due - len(rows))
    if lacks > lacking:
        wanted = f"{due} rows on page {page} of {total} in all, not {len(rows)}"
        short = ShortPage(str(wrong("track", wanted)), service="lastfm", maybe_done=True)
        short.lacking = lacks
        raise short
    pages = _read_count(attributes, "totalPages")
    if pages * size < total:
        raise wrong("@attr.totalPages", f"enough for {total} rows, {size} a page, not {pages}")
    return LovedPage(items, page, min(pages, -(-total // size)), total, lacks, unreadable)


def parse_library_page(answer: dict[str, Any], user: str, page: int) -> LibraryPage:
    """Return a page of user.getTopTracks that is this user's and not empty before the last."""
    rows, attributes = _open_listing(answer, "toptracks", user, page)
    items, unreadable = _parse_rows(rows, _parse_scrobbled)
    total, pages = _read_total(attributes, rows), _read_count(attributes, "totalPages")
    if not rows and page <= pages:
        raise wrong("track", f"not empty on page {page} of {pages}")
    return LibraryPage(items, page, pages, total, unreadable)


def _parse_rows(
    rows: Sequence[Any], parse: Callable[[Any, str], Row]
) -> tuple[tuple[Row, ...], tuple[str, ...]]:
    """Return the rows, and why others cannot be read; raises where most cannot."""
    items: list[Row] = []
    unreadable: list[UnexpectedAnswer] = []
    for number, row in enumerate(rows):
        try:
            items.append(parse(row, f"track[{number}]"))
        except UnexpectedAnswer as error:
            unreadable.append(error)
    if len(unreadable) > max(1, len(rows) // 2):
        raise unreadable[0]
    return tuple(items), tuple(str(error) for error in unreadable)


def parse_track(answer: dict[str, Any]) -> TrackPage:
    """Return what track.getInfo says; a listener count or length it does not say is 0 or None.

    Whether the page is real hangs on the listeners: a number that cannot be read is an error.
    """
    track = _read_object(answer, "track", "track")
    album = track.get("album")
    listeners = _read_number(track, "listeners", "track.listeners", 0)
    if listeners < 0:
        raise wrong("track.listeners", "0 or more")
    return TrackPage(
        artist=_read_artist(track, "track.artist"),
        title=_read_name(track, "name", "track.name"),
        listeners=listeners,
        user_playcount=_read_playcount(track, "userplaycount"),
        user_loved=_read_playcount(track, "userloved") == 1,
        duration_ms=_read_duration(track),
        album=_read_ornament(album, "title") if isinstance(album, dict) else "",
        mbid=_read_ornament(track, "mbid"),
    )


def wrong(where: str, wanted: str) -> UnexpectedAnswer:
    """Return the error for a field that has not the shape Last.fm's documents show."""
    return UnexpectedAnswer(
        f"Last.fm's answer has not the expected shape: {where} should be {wanted}.",
        service="lastfm",
        maybe_done=True,
    )


def _open_listing(
    answer: dict[str, Any], root: str, user: str, page: int
) -> tuple[list[Any], dict[str, Any]]:
    listing = _read_object(answer, root, root)
    attributes = _read_object(listing, "@attr", f"{root}.@attr")
    whose = _read_text(attributes, "user", "@attr.user", needed=True)
    if whose.casefold() != user.casefold():
        # Answers for another user have been seen (lastfm-docs, docs/bugs.md, "Random results").
        raise wrong("@attr.user", "the user who was asked for")
    if _read_count(attributes, "page", page) != page:
        raise wrong("@attr.page", f"{page}, as asked for")
    rows = listing.get("track", [])
    return (rows if isinstance(rows, list) else [rows]), attributes


def _parse_loved(row: Any, where: str) -> LovedTrack:
    return LovedTrack(
        artist=_read_artist(row, f"{where}.artist"),
        title=_read_name(row, "name", f"{where}.name"),
        loved_at=_read_time(row.get("date")),
        mbid=_read_ornament(row, "mbid"),
    )


def _parse_scrobbled(row: Any, where: str) -> ScrobbledTrack:
    return ScrobbledTrack(
        artist=_read_artist(row, f"{where}.artist"),
        title=_read_name(row, "name", f"{where}.name"),
        playcount=_read_playcount(row, "playcount"),
        duration_ms=_read_duration(row),
        mbid=_read_ornament(row, "mbid"),
    )


def _read_artist(row: Any, where: str) -> str:
    """Return the artist's name: an object today, a text in old answers ("#text")."""
    if not isinstance(row, dict):
        raise wrong(where.rpartition(".")[0], "an object")
    artist = row.get("artist")
    if isinstance(artist, dict):
        return _read_name(artist, "name" if "name" in artist else "#text", where)
    return _read_name(row, "artist", where)


def _read_name(parent: dict[str, Any], key: str, where: str) -> str:
    name = _read_text(parent, key, where, needed=True)
    if len(name) > LONGEST_NAME:
        raise wrong(where, f"at most {LONGEST_NAME:,} characters")
    return name


def _read_ornament(parent: dict[str, Any], key: str) -> str:
    value = parent.get(key)
    return keep_storable(value) if isinstance(value, str) else ""


def _read_time(date: Any) -> datetime | None:
    with suppress(UnexpectedAnswer, ValueError, OverflowError, OSError):
        if isinstance(date, dict) and (seconds := _read_number(date, "uts", "date.uts", 0)):
            return keep_plausible_time(datetime.fromtimestamp(seconds, UTC))
    return None


def _read_playcount(row: dict[str, Any], key: str) -> int:
    with suppress(UnexpectedAnswer):
        return keep_plausible_number(_read_number(row, key, key, 0)) or 0
    return 0


def _read_duration(row: dict[str, Any]) -> int | None:
    length = _read_playcount(row, "duration")
    return keep_plausible_number(length * 1000 if length < SECONDS_BELOW else length) or None


def _read_count(attributes: dict[str, Any], key: str, otherwise: int | None = None) -> int:
    number = _read_number(attributes, key, f"@attr.{key}", otherwise)
    if not 0 <= number <= MOST_ROWS:
        raise wrong(f"@attr.{key}", f"a number from 0 to {MOST_ROWS:,}")
    return number


def _read_total(attributes: dict[str, Any], rows: Sequence[Any]) -> int:
    total = _read_count(attributes, "total")
    if rows and not total:
        raise wrong("@attr.total", f"the number of rows, of which {len(rows)} are shown, not 0")
    return total


def _read_object(parent: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise wrong(where, "an object")
    return value


def _read_text(parent: dict[str, Any], key: str, where: str, *, needed: bool = False) -> str:
    value = parent.get(key)
    if not isinstance(value, str) and (needed or value is not None):
        raise wrong(where, "a text")
    return keep_storable(value or "")


def _read_number(parent: dict[str, Any], key: str, where: str, otherwise: int | None = None) -> int:
    """Return a number that comes as text; ``otherwise`` where it is missing or empty."""
    value = parent.get(key)
    if value in (None, "") and otherwise is not None:
        return otherwise
    try:
        return int(str(value))
    except ValueError as error:
        raise wrong(where, "a number") from error
