"""Saved answers of services that are no lists of likes: top tracks, playlists, albums, searches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard
from urllib.parse import urlsplit

from connectors.files.columns import make_key
from connectors.files.histories import LISTS, REFUSAL
from connectors.files.outcome import FileRejected

#: What an address of a service lists; the first that fits counts. Empty: likes.
ENDPOINTS = (
    (re.compile(r"/me/tracks\b|/user/[^/]+/tracks\b|/me/library\b"), ""),
    (re.compile(r"recently-played|/me/recent|/history\b"), "history"),
    (re.compile(r"/me/top/|/top-tracks\b|/top\b"), "top tracks"),
    (re.compile(r"/playlists?\b"), "a playlist"),
    (re.compile(r"/albums?\b"), "an album"),
    (re.compile(r"/search\b"), "a search"),
    (re.compile(r"/recommendations\b|/radio\b"), "recommendations"),
    (re.compile(r"/artists?\b"), "an artist's tracks"),
    (re.compile(r"/charts?\b|/browse\b"), "a chart"),
    (re.compile(r"/player/queue\b"), "the queue of a player"),
    (re.compile(r"/shows?\b|/episodes?\b|/audiobooks?\b"), "podcasts"),
)
ADDRESSES = ("href", "next", "previous", "prev", "first", "last", "url", "uri")
PAGING = frozenset({"href", "limit", "offset", "next", "previous"})
#: Keys that only answers of one kind have.
KEYS = {
    "seeds": "recommendations",
    "currently_playing": "the queue of a player",
    "toptracks": "top tracks",
    "similartracks": "similar tracks",
    "weeklytrackchart": "a chart",
    "snapshot_id": "a playlist",
    "collaborative": "a playlist",
    "album_type": "an album",
}
ROW_KEYS = {"primary_color": "a playlist", "video_thumbnail": "a playlist"}
RANGES = frozenset({"shortterm", "mediumterm", "longterm"})


def refuse_answer(value: object) -> None:
    """Raise FileRejected for an answer that lists anything but likes."""
    for page in _find_pages(value):
        if any(make_key(name) in LISTS and isinstance(page[name], list | dict) for name in page):
            raise FileRejected(REFUSAL)
        refuse_object(page)


def refuse_object(value: object) -> None:
    """Raise FileRejected for a playlist, an album or another page of an answer."""
    if not isinstance(value, dict):
        return
    for what in (*_read_addresses(value), *_read_shape(value)):
        raise FileRejected(REFUSAL if what == "history" else _explain(what))


def refuse_ranges(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise FileRejected for a table of top tracks: each row names the time they are taken from."""
    for place in range(len(names)):
        cells = {make_key(row[place]) for row in rows[:200] if place < len(row)} - {""}
        if cells and cells <= RANGES:
            raise FileRejected(_explain("top tracks"))


def refuse_rows(rows: Sequence[object]) -> None:
    """Raise FileRejected for rows as only a playlist or an album has them."""
    objects = [row for row in rows if isinstance(row, dict)]
    for key, what in ROW_KEYS.items():
        if objects and 2 * sum(key in row for row in objects) > len(objects):
            raise FileRejected(_explain(what))
    in_album = sum(
        "track_number" in row and "artists" in row and "album" not in row for row in objects
    )
    if objects and 2 * in_album > len(objects):
        raise FileRejected(_explain("an album"))


def _explain(what: str) -> str:
    return (
        f"is a service's answer that lists {what}, not likes; Spotify's likes are the answer of "
        "GET /me/tracks"
    )


def _find_pages(value: object) -> Iterator[dict[str, object]]:
    """The objects that wrap lists: the whole, each of several pages, and one level inside."""
    pages = [entry for entry in value if _is_page(entry)] if isinstance(value, list) else [value]
    for page in pages:
        if not isinstance(page, dict) or "track" in page:
            continue
        yield page
        yield from filter(_is_page, page.values())


def _is_page(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict) and any(
        isinstance(value.get(name), list) for name in ("items", "tracks", "data")
    )


def _read_addresses(page: dict[str, object]) -> list[str]:
    """What the addresses of a page list; a song's own address is none of a page."""
    if not any(isinstance(entry, list | dict) for entry in page.values()):
        return []
    found = []
    for name in ADDRESSES:
        address = page.get(name)
        if not isinstance(address, str) or "/" not in address:
            continue
        parts = urlsplit(address) if address.count("[") == 0 else None
        kind = next((k for test, k in ENDPOINTS if parts and test.search(parts.path)), None)
        if kind == "":
            return []
        if kind and not (name in ("url", "uri") and "items" not in page):
            found.append(kind)
    return found


def _read_shape(page: dict[str, object]) -> list[str]:
    kinds = [what for key, what in KEYS.items() if key in page]
    if page.get("type") in ("playlist", "album"):
        kinds.append("a playlist" if page["type"] == "playlist" else "an album")
    rows = page.get("items")
    if isinstance(rows, list) and rows and len(PAGING & page.keys()) >= 2:
        bare = sum(
            isinstance(row, dict) and "artists" in row and "track" not in row for row in rows
        )
        if 2 * bare > len(rows):
            kinds.append("top tracks, or an album")
    return kinds
