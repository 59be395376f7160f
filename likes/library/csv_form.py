"""Reading the CSV form of a library: one row a like, with the page a person or a rule chose."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from connectors.records import LikedTrack, ServiceTrack
from connectors.text import drop_guard
from likes.importing.rows import item_key
from likes.library.reading import FileTrack, Library, WrongPlace, check_library, read_row
from likes.library.writing import COLUMNS, SPOTIFY_URI
from likes.models import Like, Service, ServiceMapping, Source, Track
from matching import name_key

_COMMA = re.compile(r"(?<!\\), ")
_FLAGS = {"true": True, "false": False, "": None}


def is_library_csv(text: str) -> bool:
    """Whether a text is the CSV form of a library; only its header is looked at."""
    try:
        first_row = next(csv.reader([text.lstrip().partition("\n")[0]]), [])
    except csv.Error:  # a line of more than 131,072 characters
        return False
    return {"Track Name", "Narada", "Last.fm", "Decided By"} <= set(first_row)


def parse_csv(text: str) -> Library:
    """Read the CSV form; columns may stand in any order. Raises WrongPlace."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))  # what was written can be read
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    library = Library()
    number = 0
    try:
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise WrongPlace(f"row 1: the column {missing[0]!r} is missing")
        number = 1
        for number, cells in enumerate(reader, start=2):
            if None in cells or None in cells.values():
                raise WrongPlace(f"row {number} has not as many cells as the header")
            bare = {name: drop_guard(cell) for name, cell in cells.items()}
            library.tracks.append(_read_cells(bare, f"row {number}"))
    except csv.Error as error:
        raise WrongPlace(f"row {number + 1}: {error}") from error
    check_library(library)
    return library


def _read_cells(cells: dict[str, str], place: str) -> FileTrack:
    track = read_row(Track, _read_facts(cells, place), place)
    source = cells["Source"] or Source.FILE
    liked_at = cells["Added At"] or None
    likes = [
        read_row(
            Like,
            {"service": service.value, "state": cells[service.label], "source": source,
             "liked_at": liked_at, "last_error": cells["Note"] if is_noted else ""},
            f"{place}, column {service.label}",
        )
        for service, is_noted in (
            (Service.NARADA, cells["Narada"] != Like.State.PRESENT),
            (Service.SPOTIFY, False),
            (Service.LASTFM, True),
        )
        if cells[service.label]
    ]  # fmt: skip
    if not cells["Narada"]:
        raise WrongPlace(f"{place}, column Narada is empty")
    mappings = [
        _make_spotify_mapping(track, likes[0], uri, place)
        for uri in [cells["Track URI"], *cells["Also As"].split()]
    ]
    if cells["Last.fm Title"]:
        mappings.append(_make_page(cells, place))
    return FileTrack(track, likes, mappings)


def _read_facts(cells: dict[str, str], place: str) -> dict[str, Any]:
    credit = [one.replace("\\,", ",") for one in _COMMA.split(cells["Artist Name(s)"])]
    duration, explicit = cells["Track Duration (ms)"], cells["Explicit"].lower()
    if duration and not re.fullmatch(r"[0-9]{1,15}", duration):
        raise WrongPlace(f"{place}, column Track Duration (ms): {duration[:20]!r} is no number")
    if explicit not in _FLAGS:
        raise WrongPlace(f"{place}, column Explicit: {explicit[:20]!r} is neither true nor false")
    return {
        "title": cells["Track Name"],
        "artists": [one for one in credit if one],
        "album": cells["Album Name"],
        "duration_ms": int(duration) if duration else None,
        "isrc": cells["ISRC"],
        "explicit": _FLAGS[explicit],
    }


def _make_spotify_mapping(track: Track, liked: Like, uri: str, place: str) -> ServiceMapping:
    """Return the mapping to a Spotify id, or to a row without one under the key of its names."""
    service_id = uri.removeprefix(SPOTIFY_URI)
    key = service_id
    if not key:
        facts = ServiceTrack(track.title, tuple(track.artists), track.album)
        is_there = liked.state != Like.State.UNAVAILABLE
        item = LikedTrack(facts if is_there else None, liked.liked_at, label=track.title)
        key = item_key(item)
    return read_row(
        ServiceMapping,
        {"service": "spotify", "key": key, "service_id": service_id, "title": track.title,
         "artists": track.artists, "album": track.album, "duration_ms": track.duration_ms,
         "isrc": track.isrc, "source": liked.source, "decision": "accepted", "rule": "listed",
         "liked_at": liked.liked_at.isoformat() if liked.liked_at else None},
        f"{place}, column Track URI",
    )  # fmt: skip


def _make_page(cells: dict[str, str], place: str) -> ServiceMapping:
    artist, title = cells["Last.fm Artist"], cells["Last.fm Title"]
    if not artist:
        raise WrongPlace(f"{place}, column Last.fm Artist is empty")
    by_person = cells["Decided By"] == ServiceMapping.DecidedBy.PERSON
    return read_row(
        ServiceMapping,
        {"service": "lastfm", "key": name_key(artist, title), "title": title, "artists": [artist],
         "source": cells["Source"] or Source.FILE, "decision": "accepted",
         "decided_by": cells["Decided By"] or "rule",
         "rule": "person" if by_person else "same_name"},
        f"{place}, column Last.fm Title",
    )  # fmt: skip
