"""Reading a library file: every value is checked before anything is stored.

The first thing that is wrong ends it, with the place: ``tracks[3].likes[0].state``.
"""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import models

from connectors.files import FileRejected
from likes.library.writing import FIELDS, VERSION
from likes.models import Like, Run, Service, ServiceMapping, SyncSettings, Track

M = TypeVar("M", bound=models.Model)

LARGEST_NUMBER = {
    models.PositiveIntegerField: 2_147_483_647,
    models.PositiveSmallIntegerField: 32_767,
}


#: What a library of a million tracks may need, and what a machine can hold in memory.
LARGEST_FILE = 1_000_000_000
DEEPEST = 50
#: What happened before computers kept time, or will happen after all of us, is a mistake.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class WrongPlace(ValueError):
    """Something in a file is wrong; the text names the place and what was expected there."""


@dataclass
class FileTrack:
    """A track of a file, with its rows, none of them stored yet."""

    track: Track
    likes: list[Like] = field(default_factory=list)
    mappings: list[ServiceMapping] = field(default_factory=list)


@dataclass
class Library:
    """What a file holds."""

    tracks: list[FileTrack] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    settings: SyncSettings | None = None


def read_text(path: str) -> str:
    """Return the text of a file, or of standard input for "-". Raises FileRejected."""
    try:
        if path == "-":
            raw = sys.stdin.buffer.read(LARGEST_FILE + 1)
        elif "\0" in path or not _is_file_or_folder(path):
            raise FileRejected(f"{path} is not a file. To read from another program, pipe it to -")
        else:
            with open(path, "rb") as file:
                raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise FileRejected(f"{path} cannot be read: {error.strerror}.") from error
    if len(raw) > LARGEST_FILE:
        raise FileRejected(f"{path} is larger than {LARGEST_FILE // 1_000_000} MB.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRejected(f"{path} is not text in UTF-8 (byte {error.start:,}).") from error


def _is_file_or_folder(path: str) -> bool:
    mode = os.stat(path).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def parse_library(text: str) -> Library:
    """Read the JSON form. Raises WrongPlace."""
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise WrongPlace(f"is no library file of Narada: {error}") from error
    except ValueError as error:
        raise WrongPlace("a number has more than 4,300 digits") from error
    except RecursionError as error:
        raise WrongPlace("is no library file of Narada: nested too deeply") from error
    if not isinstance(whole, dict) or "narada" not in whole:
        raise WrongPlace(
            'is no library file of Narada: it is to be an object with "narada": 1. Likes from '
            "other programs come in with: narada import-spotify-likes --from-file PATH"
        )
    if whole["narada"] != VERSION:
        version = repr(whole["narada"])[:20]
        raise WrongPlace(f"narada: version {version} is not known here, only {VERSION}")
    _check_names(whole, {"narada", "exported_at", "user", "settings", "tracks", "runs"}, "")
    library = Library()
    if "settings" in whole:
        library.settings = read_row(SyncSettings, whole["settings"], "settings")
    for place, one in _each(whole, "tracks", ""):
        library.tracks.append(_read_track(one, place))
    for place, one in _each(whole, "runs", ""):
        library.runs.append(read_row(Run, one, place))
    check_library(library)
    return library


def _read_track(value: object, place: str) -> FileTrack:
    if not isinstance(value, dict):
        raise WrongPlace(f"{place} is no object")
    facts = {name: one for name, one in value.items() if name not in ("likes", "mappings")}
    return FileTrack(
        read_row(Track, facts, place),
        [read_row(Like, one, where) for where, one in _each(value, "likes", f"{place}.")],
        [
            read_row(ServiceMapping, one, where)
            for where, one in _each(value, "mappings", f"{place}.")
        ],
    )


def _each(parent: dict[str, Any], name: str, before: str) -> list[tuple[str, object]]:
    values = parent.get(name, [])
    if not isinstance(values, list):
        raise WrongPlace(f"{before}{name} is no list")
    return [(f"{before}{name}[{number}]", value) for number, value in enumerate(values)]


def _check_names(value: dict[str, Any], known: set[str], place: str) -> None:
    for name in value:
        if name not in known:
            raise WrongPlace(f"{place}{name[:40]} is no field that is known here")


def read_row(model: type[M], value: object, place: str) -> M:
    """Return an unsaved row of the model; what is left out is as usual. Raises WrongPlace."""
    if not isinstance(value, dict):
        raise WrongPlace(f"{place} is no object")
    _check_names(value, set(FIELDS[model]), f"{place}.")
    row = model()
    for name in FIELDS[model]:
        column = model._meta.get_field(name)
        assert isinstance(column, models.Field)
        if name in value:
            setattr(row, name, read_value(column, value[name], f"{place}.{name}"))
        elif column.choices and not column.has_default():
            raise WrongPlace(f"{place}.{name} is missing")
    return row


def read_value(column: models.Field[Any, Any], value: object, place: str) -> object:
    """Return a value as the column takes it. Raises WrongPlace."""
    if value is None and column.null:
        return None
    if isinstance(column, models.JSONField):
        return _read_json(column, value, place)
    if isinstance(column, models.DateTimeField):
        return _read_time(value, place)
    if isinstance(column, models.BooleanField):
        if isinstance(value, bool):
            return value
        raise WrongPlace(f"{place} is neither true nor false")
    if isinstance(column, models.FloatField) or type(column) in LARGEST_NUMBER:
        return _read_number(column, value, place)
    return _read_text(column, value, place)


def _read_text(column: models.Field[Any, Any], value: object, place: str) -> str:
    text = _check_text(value, place)
    if column.choices and text not in dict(column.flatchoices):
        known = ", ".join(str(key) for key, _ in column.flatchoices)
        raise WrongPlace(f"{place}: {text[:40]!r} is none of {known}")
    if column.max_length is not None and len(text) > column.max_length:
        raise WrongPlace(f"{place} is longer than {column.max_length} characters")
    return text


def _check_text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise WrongPlace(f"{place} is no text")
    # PostgreSQL stores no NUL, and no database half of a surrogate pair.
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise WrongPlace(f"{place} holds a character that cannot be stored")
    return value


def _read_json(column: models.Field[Any, Any], value: object, place: str) -> object:
    wanted = type(column.get_default())
    if not isinstance(value, wanted):
        raise WrongPlace(f"{place} is no {'list' if wanted is list else 'object'}")
    if column.name == "artists":
        return [_check_text(one, f"{place}[{n}]") for n, one in enumerate(value)]
    _check_json(value, place, DEEPEST)
    return value


def _check_json(value: object, place: str, depth: int) -> None:
    """Raise WrongPlace for what no database keeps: NaN, numbers without end, deep nesting."""
    if depth == 0:
        raise WrongPlace(f"{place} is nested too deeply")
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, float | int) and not isinstance(value, bool):
        _check_finite(value, place)
    elif isinstance(value, list | dict):
        parts = [*value, *value.values()] if isinstance(value, dict) else value
        for part in parts:
            _check_json(part, place, depth - 1)


def _check_finite(number: float, place: str) -> float:
    try:
        if math.isfinite(number):
            return float(number)
    except OverflowError:
        pass
    raise WrongPlace(f"{place} must be a number that can be stored")


def _read_time(value: object, place: str) -> datetime:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        time = time.astimezone(UTC) if time is not None and time.tzinfo is not None else None
    except (ValueError, OverflowError):
        time = None
    if time is None:
        raise WrongPlace(f"{place} is no time such as 2026-03-01T12:00:00+00:00")
    if not EARLIEST <= time < LATEST:
        raise WrongPlace(f"{place} must be between {EARLIEST.year} and {LATEST.year}")
    return time


def _read_number(column: models.Field[Any, Any], value: object, place: str) -> int | float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(column, models.FloatField):
        if is_number:
            return _check_finite(value, place)  # type: ignore[arg-type]
        raise WrongPlace(f"{place} is no number")
    most = LARGEST_NUMBER[type(column)]  # type: ignore[index]
    if isinstance(value, int) and is_number and 0 <= value <= most:
        return value
    raise WrongPlace(f"{place} is no whole number from 0 to {most}")


def check_library(library: Library) -> None:
    """Raise WrongPlace where rows of a file cannot stand beside each other."""
    ids: dict[str, str] = {}
    for number, one in enumerate(library.tracks):
        place = f"tracks[{number}]"
        _check_once([like.service for like in one.likes], f"{place}.likes", "service")
        keys = [f"{mapping.service} {mapping.key}" for mapping in one.mappings]
        _check_once(keys, f"{place}.mappings", "key")
        pages = [m for m in one.mappings if is_accepted_page(m)]
        if len(pages) > 1:
            raise WrongPlace(f"{place}.mappings: more than one accepted page on Last.fm")
        for index, mapping in enumerate(one.mappings):
            where = f"{place}.mappings[{index}].key"
            if not mapping.key:
                raise WrongPlace(f"{where} is empty")
            is_nameless = not mapping.artists or (
                is_accepted_page(mapping) and not mapping.artists[0]
            )
            if mapping.service == Service.LASTFM and is_nameless:
                raise WrongPlace(f"{place}.mappings[{index}].artists is empty")
            if mapping.service == Service.SPOTIFY and ids.setdefault(mapping.key, where) != where:
                raise WrongPlace(f"{where} is the same as {ids[mapping.key]}")


def _check_once(values: list[str], place: str, name: str) -> None:
    seen: set[str] = set()
    for number, value in enumerate(values):
        if value in seen:
            raise WrongPlace(f"{place}[{number}].{name}: {value[:80]!r} is there twice")
        seen.add(value)


def is_accepted_page(mapping: ServiceMapping) -> bool:
    """Whether this is the Last.fm page that its track is loved on."""
    accepted = mapping.decision == ServiceMapping.Decision.ACCEPTED
    return mapping.service == Service.LASTFM and accepted
