"""The rows of a JSON file: where they are, and which of them can be songs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from connectors.files.answers import is_page
from connectors.files.columns import Columns, name_columns
from connectors.files.outcome import FileRejected
from connectors.files.rows import NO_TRACK
from connectors.files.values import read_track_id, words

OTHER_TYPES = words(
    "album artist playlist show episode user audiobook chapter genre audio_features"
)
#: Under these a row of other programs and services holds its song.
INNER_NAMES = ("track", "track_metadata", "song", "recording", "attributes", "item")
#: When such a row was made: the time of the like.
MADE_NAMES = ("created", "created_at", "createdAt")
_BLANK = re.compile(r"[\s,]*")
UNKNOWN = (
    "is JSON, but no list of likes that Narada knows (YourLibrary.json, answers of GET /me/tracks)"
)


def load_json(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise FileRejected(f"{UNKNOWN}: it is nested too deeply") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" in text.strip():
            return _load_several(text) or _load_lines(text)
        raise FileRejected(
            f"is no sound JSON: line {error.lineno}, column {error.colno}: {error.msg}; "
            "it may be cut off, export it again"
        ) from error
    except ValueError as error:
        raise FileRejected("is no sound JSON: a number has more than 4,300 digits") from error


def _load_several(text: str) -> list[object]:
    """Values one after the other, as pages put together in one file; empty if any is broken."""
    values: list[object] = []
    place = 0
    while place < len(text):
        try:
            value, place = json.JSONDecoder().raw_decode(text, place)
        except (ValueError, RecursionError):
            return []
        values.append(value)
        place = _BLANK.match(text, place).end()  # type: ignore[union-attr]
    return values


def _load_lines(text: str) -> list[object]:
    """JSON lines; a broken one is its own text, unless there are too many for a file of such."""
    values: list[object] = []
    broken = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            values.append(line)
            broken.append(number)
    if 3 * len(broken) > len(values):
        raise FileRejected(f"is no sound JSON: line {broken[0]} is no JSON value")
    return values


def make_rows(value: object) -> object:
    """A table that is written by columns or under ids, as a list of rows; others as they are."""
    if isinstance(value, list):
        if value and all(isinstance(row, list) for row in value):
            return _zip_rows(value[0], value[1:]) or value
        return value
    if not isinstance(value, dict):
        return value
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list):
        return _zip_rows(columns, data) or value
    parts = list(value.values())
    if len(parts) > 1 and all(isinstance(part, dict) and is_like(_flatten(part)) for part in parts):
        return [{"id": key, **part} if read_track_id(key) else part for key, part in value.items()]
    named = name_keys(tuple(value))
    title = parts[named.title] if named.title is not None and named.artist is not None else None
    cells = [list(part.values()) if isinstance(part, dict) else part for part in parts]
    sizes = {len(part) if isinstance(part, list) else -1 for part in cells}
    if isinstance(title, list | dict) and len(sizes) == 1:
        return _zip_rows(list(value), list(zip(*cells, strict=True)))
    return value


def _zip_rows(names: object, rows: Sequence[object]) -> list[object]:
    """Rows of plain values as objects; empty where the names are none of a table of songs."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    if not name_keys(tuple(names)).are_enough:
        return []
    return [
        dict(zip(names, row, strict=False)) if isinstance(row, list | tuple) else row
        for row in rows
    ]


def find_rows(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Each row with its path: of a list, a page (``{"items": [...]}``), or a list of these."""
    if isinstance(value, list):
        for i, entry in enumerate(value):
            if isinstance(entry, list) or _wraps_list(entry):
                yield from find_rows(entry, f"{path}[{i}]")
            elif isinstance(entry, str) and read_track_id(entry):
                yield f"{path}[{i}]", {"uri": entry}
            else:
                yield f"{path}[{i}]", _flatten(entry)
    elif isinstance(value, dict):
        row = _flatten(value)
        lists = [name for name, entry in value.items() if isinstance(entry, list)]
        inner = [name for name, entry in value.items() if isinstance(entry, dict)]
        name = next((known for known in ("items", "tracks", "track") if known in lists), None)
        if name is None and len(lists) > 1:
            lists = [name for name in lists if any(isinstance(one, dict) for one in value[name])]
        if name is None and len(lists) == 1:
            name = lists[0]
        if name is None and not lists and len(inner) == 1:
            name = inner[0]
        if is_like(row):
            yield path or "the object", row
        elif name is None or not (value[name] or name in ("items", "tracks")):
            raise FileRejected(f"{UNKNOWN}: {path or 'the top'} has no list of items")
        else:
            yield from find_rows(value[name], f"{path}.{name}".removeprefix("."))
    else:
        raise FileRejected(f"{UNKNOWN}: {path or 'the top'} is no list and no object")


def _flatten(entry: object) -> object:
    """A row whose ``track`` is no track object of Spotify's, as one object with all its names."""
    if not isinstance(entry, dict):
        return entry
    date = entry.get("date")
    if isinstance(date, dict) and "uts" in date:  # of Last.fm
        artist = entry.get("artist")
        is_play = bool({"album", "loved"} & entry.keys()) or (
            isinstance(artist, dict) and "#text" in artist
        )
        entry = {**entry, "uts" if is_play else "added_at": date["uts"]}
    for inner in INNER_NAMES:
        track = entry.get(inner)
        if isinstance(track, dict) and not (
            inner == "track" and {"artists", "name"} <= track.keys()
        ):
            rest = {name: value for name, value in entry.items() if name != inner}
            made = next((entry[name] for name in MADE_NAMES if name in entry), None)
            if made and "added_at" not in rest:
                rest["added_at"] = made
            return {**track, **rest}
    return entry


def _wraps_list(entry: object) -> bool:
    """Whether an entry of a list is no song but a page of songs, or an object with such a page."""
    if not isinstance(entry, dict) or is_like(entry):
        return False
    return is_page(entry) or (len(entry) == 1 and is_page(next(iter(entry.values()))))


def is_like(row: object) -> bool:
    if not isinstance(row, dict):
        return False
    if read_plainly(row.get("type")) in OTHER_TYPES or isinstance(row.get("tracks"), list | dict):
        return False
    if "track" in row and (row["track"] is None or isinstance(row["track"], dict)):
        return True
    names = tuple(row)
    columns = name_keys(names)
    ids = [read_plainly(row[names[place]]) for place in columns.spotify]
    if not any(map(read_track_id, ids)) and any(map(NO_TRACK.search, ids)):
        return False
    return columns.are_enough or any(map(read_track_id, ids))


@lru_cache(maxsize=256)
def name_keys(names: tuple[str, ...]) -> Columns:
    return name_columns(names)


def read_plainly(value: object) -> str:
    """A value as text: a string, a number, or the name of an object."""
    if isinstance(value, dict):
        value = value.get("name", value.get("title"))
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e15 else ""
    return value if isinstance(value, str) else ""
