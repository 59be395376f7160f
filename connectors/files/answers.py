"""Saved answers of services that are no lists of likes: top tracks, playlists, albums, searches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard
from urllib.parse import urlsplit

from connectors.files.columns import make_key, name_columns
from connectors.files.histories import LISTS, REFUSAL
from connectors.files.judgements import says_yes
from connectors.files.outcome import FileRejected

#: What an address of a service lists; the first that fits counts. Empty: likes.
ENDPOINTS = (
    (re.compile(r"/me/tracks\b|/user/[^/]+/tracks\b|/me/library\b"), ""),
    (re.compile(r"recently-played|/me/recent|/history\b"), "history"),
    (re.compile(r"/me/top/|/top-tracks\b|/top\b"), "top tracks"),
    (re.compile(r"/playlists?\b"), "a playlist"),
    (re.compile(r"/albums?\b"), "an album"),
    (re.compile(r"/search\b"), "a search"),
    (re.compile(r"/recommendations\b|/radio\b|/flow\b"), "recommendations"),
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
    "bannedtracks": "banned tracks",
    "taggings": "tagged tracks",
    "progress_ms": "the song that plays",
    "snapshot_id": "a playlist",
    "collaborative": "a playlist",
    "album_type": "an album",
}
ROW_KEYS = {
    "primary_color": "a playlist",
    "video_thumbnail": "a playlist",
    "cut": "a playlist",
    "pinned_until": "pinned recordings",
    "@attr": "top tracks",
    "listeners": "a chart",
}
RANKS = frozenset({"rank", "ranking", "position", "pos", "place", "rang", "platz", "posicion"})
PLAYS = re.compile(
    r"plays$|playcount|streams$|streamcount|scrobbles$|listens$|listencount|timesplayed"
    r"|(?<!duration)minutes(?:played)?$|ecoutes$|wiedergaben$|reproduc"
)
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
    if value.keys() == {"album"}:
        raise FileRejected(_explain("an album"))
    for what in (*_read_addresses(value), *_read_shape(value)):
        raise FileRejected(REFUSAL if what == "history" else _explain(what))


def refuse_top(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Raise FileRejected for top tracks: rows that name a range of time, or are sorted by plays."""
    for place in range(len(names)):
        cells = {make_key(row[place]) for row in rows[:200] if place < len(row)} - {""}
        if cells and cells <= RANGES:
            raise FileRejected(_explain("top tracks"))
    keys = [make_key(name) for name in names]
    is_ranked = any(
        key in RANKS and _read_numbers(rows, place) == [*range(1, len(rows) + 1)]
        for place, key in enumerate(keys)
    )
    is_undated = name_columns(names).added is None and not says_yes(names, rows)
    if len(rows) < (2 if is_ranked else 3) or not (is_ranked or is_undated):
        return
    for place, key in enumerate(keys):
        plays = _read_numbers(rows, place) if PLAYS.search(key) else []
        if plays and plays[0] > plays[-1] and plays == sorted(plays, reverse=True):
            raise FileRejected(_explain("top tracks"))


def _read_numbers(rows: Sequence[Sequence[str]], place: int) -> list[int]:
    """The whole numbers of a column, or nothing if it holds anything else."""
    cells = [row[place].strip() if place < len(row) else "" for row in rows]
    is_sound = all(cell.isascii() and cell.isdigit() and len(cell) < 16 for cell in cells)
    return [int(cell) for cell in cells] if is_sound else []


def refuse_rows(rows: Sequence[object]) -> None:
    """Raise FileRejected for rows as only a playlist or an album has them."""
    objects = [row for row in rows if isinstance(row, dict)]
    for key, what in ROW_KEYS.items():
        if objects and 2 * sum(key in row for row in objects) > len(objects):
            raise FileRejected(_explain(what))
    if objects and 2 * sum(_has_adder(row) for row in objects) > len(objects):
        raise FileRejected(_explain("a playlist"))
    in_album = sum(
        "track_number" in row and "artists" in row and name_columns(list(row)).album is None
        for row in objects
    )
    if objects and 2 * in_album > len(objects):
        raise FileRejected(_explain("an album"))


def _has_adder(row: dict[str, object]) -> bool:
    """Whether a row says who put it there, as Spotify says of a playlist's."""
    adder = row.get("added_by")
    return isinstance(adder, dict) and bool(adder.get("id"))


def _explain(what: str) -> str:
    return (
        f"is a service's answer that lists {what}, not likes; Spotify's likes are the answer of "
        "GET /me/tracks"
    )


def _find_pages(value: object) -> Iterator[dict[str, object]]:
    """The objects that wrap lists: the whole, each of several pages, and one level inside."""
    for page in value if isinstance(value, list) else [value]:
        if not isinstance(page, dict) or isinstance(page.get("track"), dict):
            continue
        inner = [entry for entry in page.values() if is_page(entry)]
        if page is value or is_page(page) or inner:
            yield page
            yield from inner


def is_page(value: object) -> TypeGuard[dict[str, object]]:
    """Whether an object wraps a list of songs, as a page of an answer does."""
    return isinstance(value, dict) and any(
        isinstance(value.get(name), list) for name in ("items", "tracks", "track", "data")
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
        try:
            path = urlsplit(address).path
        except ValueError:  # brackets that are no IPv6 address
            continue
        kind = next((kind for test, kind in ENDPOINTS if test.search(path)), None)
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
