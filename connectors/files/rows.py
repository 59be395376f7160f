"""A row's cells as one like: the same rules for a CSV row and for a flat JSON object."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from connectors.files.values import clean_detail, clean_name, find_track_id, read_track_id
from connectors.records import LikedTrack, ServiceTrack

LONGEST_LABEL = 300
LONGEST_NAME = 2_000
"""Characters of a title or of an artist; what is longer is a broken file's."""
NO_TRACK = re.compile(r"spotify(?::|\.com/)(?:album|artist|playlist|show)\b")
NO_TRACK_REASON = "not a track"


@dataclass(slots=True)
class Row:
    """What a row says, not yet judged. ``where`` names its place, as in "row 17"."""

    where: str
    title: str = ""
    artists: tuple[str, ...] = ()
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    explicit: bool | None = None
    ids: list[str] = field(default_factory=list)
    liked_at: datetime | None = None


def make_like(row: Row) -> LikedTrack:
    """The like of a row; one that names no track keeps its place with the reason.

    Its label is what tells it from others: the track's URI, or for what is no track its names,
    as for rows that Spotify's API lists.
    """
    title, ids = clean_name(row.title), [cell for cell in map(clean_detail, row.ids) if cell]
    track_id = _choose_id(ids)
    names = " - ".join(part for part in (", ".join(row.artists), title) if part)
    uri = f"spotify:track:{track_id}" if track_id else ids[0] if ids else ""
    strange = "" if track_id else _find_other_kind(ids)
    if strange:
        return LikedTrack(None, row.liked_at, strange, _shorten(names or uri))
    if max(map(len, (title, *row.artists))) > LONGEST_NAME:
        reason = f"{row.where} has a name of more than {LONGEST_NAME:,} characters"
        return LikedTrack(None, row.liked_at, reason, _shorten(uri or names))
    missing = [name for name, value in (("title", title), ("artist", row.artists)) if not value]
    if missing:
        reason = f"{row.where} has no {' and no '.join(missing)}"
        label = uri or names or clean_detail(row.album) or row.isrc or row.where
        return LikedTrack(None, row.liked_at, reason, _shorten(label))
    track = ServiceTrack(
        title=title,
        artists=row.artists,
        album=clean_detail(row.album),
        duration_ms=row.duration_ms,
        isrc=row.isrc,
        explicit=row.explicit,
        service_id=track_id,
    )
    return LikedTrack(track, row.liked_at)


def make_broken(
    where: str, problem: str, text: str, liked_at: datetime | None = None
) -> LikedTrack:
    """A row that cannot be read at all; ``text`` is what is there."""
    return LikedTrack(None, liked_at, f"{where} {problem}", _shorten(text))


def _choose_id(ids: list[str]) -> str:
    links = (find_track_id(cell) for cell in ids)
    return next((link for link in links if link), "") or next(
        (bare for bare in map(read_track_id, ids) if bare), ""
    )


def _find_other_kind(ids: list[str]) -> str:
    """What ids without a track's among them stand for, if that can be told."""
    if any("spotify:local:" in cell for cell in ids):
        return "local file"
    if any("spotify:episode:" in cell or "/episode/" in cell for cell in ids):
        return "podcast episode"
    return NO_TRACK_REASON if any(NO_TRACK.search(cell) for cell in ids) else ""


def _shorten(text: str) -> str:
    text = clean_detail(text)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"
