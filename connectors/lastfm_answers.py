"""Last.fm's JSON, parsed at the door.

The JSON is made from XML by rule: numbers are strings, a list of one is often a bare object, an
empty list a missing key, and attributes are under "@attr".
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.http import UnexpectedAnswer
from connectors.records import (
    LibraryPage,
    LovedPage,
    LovedTrack,
    ScrobbledTrack,
    ServiceUser,
    TrackPage,
)
from connectors.text import keep_storable

# user.getTopTracks gives lengths in seconds, track.getInfo in milliseconds; no document says so
# for both. No track lasts under 10 s and is also named in ms, none lasts 10,000 s.
SECONDS_BELOW = 10_000


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

    Raises ShortPage for one that lacks more rows than ``lacking``.
    """
    rows, attributes = _open_listing(answer, "lovedtracks", user, page)
    items = tuple(_parse_loved(row, f"track[{i}]") for i, row in enumerate(rows))
    total = _read_number(attributes, "total", "@attr.total")
    size = _read_number(attributes, "perPage", "@attr.perPage", limit) or limit
    due = min(size, max(0, total - (page - 1) * size))
    lacks = max(0, due - len(items))
    if lacks > lacking:
        wanted = f"{due} rows on page {page} of {total} in all, not {len(items)}"
        short = ShortPage(str(wrong("track", wanted)), service="lastfm", maybe_done=True)
        short.lacking = lacks
        raise short
    pages = _read_number(attributes, "totalPages", "@attr.totalPages")
    if pages * size < total:
        raise wrong("@attr.totalPages", f"enough for {total} rows, {size} a page, not {pages}")
    return LovedPage(items, page, pages, total, lacks)


def parse_library_page(answer: dict[str, Any], user: str, page: int) -> LibraryPage:
    """Return a page of user.getTopTracks that is this user's and not empty before the last."""
    rows, attributes = _open_listing(answer, "toptracks", user, page)
    items = tuple(_parse_scrobbled(row, f"track[{i}]") for i, row in enumerate(rows))
    pages = _read_number(attributes, "totalPages", "@attr.totalPages")
    if not items and page <= pages:
        raise wrong("track", f"not empty on page {page} of {pages}")
    return LibraryPage(items, page, pages, _read_number(attributes, "total", "@attr.total"))


def parse_track(answer: dict[str, Any]) -> TrackPage:
    """Return what track.getInfo says; a listener count or length it does not say is 0 or None."""
    track = _read_object(answer, "track", "track")
    album = track.get("album")
    return TrackPage(
        artist=_read_artist(track, "track.artist"),
        title=_read_text(track, "name", "track.name", needed=True),
        listeners=_read_number(track, "listeners", "track.listeners", 0),
        user_playcount=_read_number(track, "userplaycount", "track.userplaycount", 0),
        user_loved=_read_number(track, "userloved", "track.userloved", 0) == 1,
        duration_ms=_read_duration(track, "track.duration"),
        album=_read_text(album, "title", "track.album.title") if isinstance(album, dict) else "",
        mbid=_read_text(track, "mbid", "track.mbid"),
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
    if _read_number(attributes, "page", "@attr.page", page) != page:
        raise wrong("@attr.page", f"{page}, as asked for")
    rows = listing.get("track", [])
    return (rows if isinstance(rows, list) else [rows]), attributes


def _parse_loved(row: Any, where: str) -> LovedTrack:
    date = row.get("date") if isinstance(row, dict) else None
    return LovedTrack(
        artist=_read_artist(row, f"{where}.artist"),
        title=_read_text(row, "name", f"{where}.name", needed=True),
        loved_at=_read_time(date, f"{where}.date.uts") if isinstance(date, dict) else None,
        mbid=_read_text(row, "mbid", f"{where}.mbid"),
    )


def _parse_scrobbled(row: Any, where: str) -> ScrobbledTrack:
    return ScrobbledTrack(
        artist=_read_artist(row, f"{where}.artist"),
        title=_read_text(row, "name", f"{where}.name", needed=True),
        playcount=_read_number(row, "playcount", f"{where}.playcount", 0),
        duration_ms=_read_duration(row, f"{where}.duration"),
        mbid=_read_text(row, "mbid", f"{where}.mbid"),
    )


def _read_artist(row: Any, where: str) -> str:
    """Return the artist's name: an object today, a text in old answers ("#text")."""
    if not isinstance(row, dict):
        raise wrong(where.rpartition(".")[0], "an object")
    artist = row.get("artist")
    if isinstance(artist, dict):
        return _read_text(artist, "name" if "name" in artist else "#text", where, needed=True)
    return _read_text(row, "artist", where, needed=True)


def _read_time(date: dict[str, Any], where: str) -> datetime | None:
    seconds = _read_number(date, "uts", where, 0)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (ValueError, OverflowError, OSError) as error:
        raise wrong(where, "a time") from error


def _read_duration(row: dict[str, Any], where: str) -> int | None:
    length = _read_number(row, "duration", where, 0)
    if length <= 0:
        return None
    return length * 1000 if length < SECONDS_BELOW else length


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
