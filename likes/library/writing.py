"""The whole of a user's data as a file: what is in it, and how it is written.

The JSON form is one object:

    {"narada": 1, "exported_at": "...", "user": "ada", "settings": {...},
     "tracks": [{"title": "...", "artists": [...], "likes": [...], "mappings": [...]}, ...],
     "runs": [{"kind": "import", ...}, ...]}

A field that is empty is left out; times are ISO 8601 in UTC, durations milliseconds. Tokens are
not in it, nor what a service shows again when it is asked: the lists as last read, and how far.
The CSV form has one row a like, for people and spreadsheets; it is also read by --from-file. A cell
that a spreadsheet would take for a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from connectors.text import guard_formula
from likes.models import Like, Run, Service, ServiceMapping, SyncSettings, Track
from likes.models.batches import walk_by_pk

TrackRows = tuple[Track, list[Like], list[ServiceMapping]]

VERSION = 1
CHUNK = 500

#: What is written of each row, and read back.
FIELDS: dict[type[models.Model], tuple[str, ...]] = {
    SyncSettings: ("enabled", "on_unlike", "on_unknown"),
    Track: ("title", "artists", "album", "duration_ms", "isrc", "explicit"),
    Like: (
        "service", "state", "source", "liked_at", "sent_at", "confirmed_at", "removed_at",
        "attempts", "next_attempt_at", "last_error",
    ),
    ServiceMapping: (
        "service", "key", "service_id", "title", "artists", "album", "duration_ms", "isrc",
        "source", "decision", "decided_by", "rule", "score", "evidence", "liked_at", "listed",
        "withdraw",
    ),
    Run: ("kind", "state", "started_by", "started_at", "ended_at", "counts", "message"),
}  # fmt: skip
#: Written even where they are as usual: they say where a row came from and how it stands.
ALWAYS = frozenset({"enabled", "on_unlike", "state", "source", "decided_by"})

COLUMNS = (
    "Track URI", "Track Name", "Artist Name(s)", "Album Name", "Track Duration (ms)", "ISRC",
    "Explicit", "Added At", "Also As", "Narada", "Spotify", "Last.fm", "Last.fm Artist",
    "Last.fm Title", "Decided By", "Source", "Note",
)  # fmt: skip
SPOTIFY_URI = "spotify:track:"


def get_default(model: type[models.Model], name: str) -> Any:
    return model._meta.get_field(name).get_default()  # type: ignore[union-attr]


def write_row(row: models.Model) -> dict[str, Any]:
    """Return a row's fields as JSON has them, without those that are as usual."""
    model = type(row)
    written = {}
    for name in FIELDS[model]:
        value = getattr(row, name)
        if name in ALWAYS or value != get_default(model, name):
            written[name] = value.isoformat() if isinstance(value, datetime) else value
    return written


def export_library(user: User) -> Iterator[str]:
    """Yield the JSON form in pieces; of a large library only a few hundred tracks are in memory."""
    settings = SyncSettings.objects.filter(user=user).first() or SyncSettings(user=user)
    head = {
        "narada": VERSION,
        "exported_at": timezone.now().isoformat(timespec="seconds"),
        "user": user.get_username(),
        "settings": write_row(settings),
    }
    yield to_json(head).removesuffix("}") + ', "tracks": ['
    yield from _separate(to_json(write_track(*rows)) for rows in read_tracks(user))
    yield '\n], "runs": ['
    runs = Run.objects.filter(user=user).order_by("started_at", "pk")
    yield from _separate(to_json(write_row(run)) for run in runs.iterator(CHUNK))
    yield "\n]}\n"


def to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _separate(pieces: Iterator[str]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        yield f"{',' if number else ''}\n{piece}"


def read_tracks(user: User) -> Iterator[TrackRows]:
    """Yield the user's tracks in the order they were stored, with their likes and mappings."""
    for tracks in walk_by_pk(Track.objects.filter(user=user), CHUNK):
        ids = [track.pk for track in tracks]
        # Grouped here and not by prefetch_related, whose rows know each other: such circles stay
        # in memory until the garbage collector comes round.
        likes, mappings = defaultdict(list), defaultdict(list)
        for like in Like.objects.filter(track__in=ids).order_by("pk"):
            likes[like.track_id].append(like)
        for mapping in ServiceMapping.objects.filter(track__in=ids).order_by("pk"):
            mappings[mapping.track_id].append(mapping)
        for track in tracks:
            yield track, likes[track.pk], mappings[track.pk]


def write_track(track: Track, likes: list[Like], mappings: list[ServiceMapping]) -> dict[str, Any]:
    return {
        **write_row(track),
        "likes": [write_row(like) for like in likes],
        "mappings": [write_row(mapping) for mapping in mappings],
    }


# CSV


def export_csv(user: User) -> Iterator[str]:
    """Yield the CSV form, a line a like, with a byte-order mark for spreadsheets' sake."""
    yield "\ufeff" + _write_line(COLUMNS)
    for track, rows, mappings in read_tracks(user):
        likes = {like.service: like for like in rows}
        if Service.NARADA in likes:
            yield _write_line(_make_cells(track, likes, mappings))


def _write_line(cells: tuple[object, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(guard_formula(str(cell)) for cell in cells)
    return line.getvalue()


def _make_cells(
    track: Track, likes: dict[str, Like], mappings: list[ServiceMapping]
) -> tuple[object, ...]:
    liked = likes[Service.NARADA]
    ids = [one.service_id for one in mappings if one.service_id]
    page = next((one for one in mappings if _is_page(one)), None)
    on_lastfm = likes.get(Service.LASTFM)
    return (
        SPOTIFY_URI + ids[0] if ids else "",
        track.title,
        # As Exportify writes it: a comma inside a name has a backslash before it.
        ", ".join(artist.replace(",", "\\,") for artist in track.artists),
        track.album,
        "" if track.duration_ms is None else track.duration_ms,
        track.isrc,
        {True: "true", False: "false", None: ""}[track.explicit],
        liked.liked_at.isoformat().replace("+00:00", "Z") if liked.liked_at else "",
        " ".join(SPOTIFY_URI + one for one in ids[1:]),
        liked.state,
        likes[Service.SPOTIFY].state if Service.SPOTIFY in likes else "",
        on_lastfm.state if on_lastfm else "",
        page.artists[0] if page and page.artists else "",
        page.title if page else "",
        page.decided_by if page else "",
        liked.source,
        (on_lastfm.last_error if on_lastfm else "") or liked.last_error,
    )


def _is_page(mapping: ServiceMapping) -> bool:
    accepted = mapping.decision == ServiceMapping.Decision.ACCEPTED
    return mapping.service == Service.LASTFM and accepted
