"""What Spotify's Web API answers, as records; what does not parse raises with the field's name.

Reference: https://developer.spotify.com/documentation/web-api.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connectors.http import UnexpectedAnswer
from connectors.records import GONE, LikedPage, LikedTrack, ServiceTrack, ServiceUser
from connectors.text import (
    MOST_ROWS,
    keep_plausible_number,
    keep_plausible_time,
    keep_storable,
    normalize_isrc,
)

T = TypeVar("T")

#: Rows of a page that may be unreadable; with more of them it is Spotify's API that has changed.
MOST_UNREADABLE = 3
#: An access token that is said to live for longer is replaced all the same (s).
LONGEST_LIFE = 86_400.0


def parse_liked_item(item: object, where: str, forgiving: bool = False) -> LikedTrack:
    """Return one row of ``GET /me/tracks``; ``where`` is its place for errors, as "items[3]".

    A null track, a local file, an episode and a track without name or artist are unavailable.
    Raises UnexpectedAnswer, a TemporaryError, naming the field that has not Spotify's shape; with
    ``forgiving`` only where the row cannot be used without it.
    """
    if not isinstance(item, dict):
        raise describe_misfit(where, "an object")
    liked_at = _spare(lambda: _read_time(item, "added_at", f"{where}.added_at"), None, forgiving)
    if "track" not in item:
        raise describe_misfit(f"{where}.track", "an object or null")
    track = item["track"]
    if track is None:
        return LikedTrack(None, liked_at, GONE)
    if not isinstance(track, dict):
        raise describe_misfit(f"{where}.track", "an object or null")
    where = f"{where}.track"
    uri = read_text(track, "uri", f"{where}.uri")
    title = read_text(track, "name", f"{where}.name")
    artists = _read_artists(track, f"{where}.artists")
    label = " - ".join(part for part in (", ".join(artists), title) if part) or uri
    kind = read_text(track, "type", f"{where}.type") or "track"
    if track.get("is_local") is True or uri.startswith("spotify:local:"):
        return LikedTrack(None, liked_at, "local file", label)
    if kind != "track":
        return LikedTrack(None, liked_at, f"not a track ({kind})", label)
    service_id = _read_saved_id(track, where)
    if not service_id or not title or not artists:
        # Taken-down tracks stay in the list with empty names.
        return LikedTrack(None, liked_at, GONE, uri or label)
    return LikedTrack(_parse_track(track, where, service_id, title, artists, forgiving), liked_at)


def _spare(read: Callable[[], T], otherwise: T, forgiving: bool) -> T:
    """Return what a field says; with ``forgiving`` a row is used without one that is odd."""
    try:
        return read()
    except UnexpectedAnswer:
        if not forgiving:
            raise
        return otherwise


def _parse_rows(items: Sequence[object], forgiving: bool) -> tuple[LikedTrack, ...]:
    """Return the rows; with ``forgiving`` a few that cannot be read are unavailable."""
    rows: list[LikedTrack] = []
    unreadable = 0
    for number, item in enumerate(items):
        try:
            rows.append(parse_liked_item(item, f"items[{number}]", forgiving))
        except UnexpectedAnswer as error:
            unreadable += 1
            if not forgiving or unreadable > MOST_UNREADABLE:
                raise
            rows.append(_keep_unreadable(item, str(error)))
    return tuple(rows)


def _keep_unreadable(item: object, reason: str) -> LikedTrack:
    row = item if isinstance(item, dict) else {}
    track = row.get("track")
    uri = track.get("uri") if isinstance(track, dict) else None
    liked_at = _spare(lambda: _read_time(row, "added_at", ""), None, True)
    return LikedTrack(None, liked_at, reason, keep_storable(uri) if isinstance(uri, str) else "")


def _parse_track(
    track: dict[str, Any],
    where: str,
    service_id: str,
    title: str,
    artists: tuple[str, ...],
    forgiving: bool,
) -> ServiceTrack:
    explicit = track.get("explicit")
    return ServiceTrack(
        title=title,
        artists=artists,
        album=_spare(lambda: _read_inner(track, "album", "name", where), "", forgiving),
        duration_ms=_spare(lambda: _read_duration(track, where), None, forgiving),
        isrc=normalize_isrc(
            _spare(lambda: _read_inner(track, "external_ids", "isrc", where), "", forgiving)
        ),
        explicit=explicit if isinstance(explicit, bool) else None,
        service_id=service_id,
    )


def _read_inner(track: dict[str, Any], key: str, inner: str, where: str) -> str:
    where = f"{where}.{key}"
    return read_text(_read_object(track, key, where), inner, f"{where}.{inner}")


def _read_duration(track: dict[str, Any], where: str) -> int | None:
    duration = track.get("duration_ms")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int)):
        raise describe_misfit(f"{where}.duration_ms", "a whole number")
    return keep_plausible_number(duration) or None


def parse_user(answer: Any) -> ServiceUser:
    """Return whose profile ``GET /me`` answered with."""
    uid = read_text(answer, "account_id", "account_id")
    uid = uid or read_text(answer, "id", "id", needed=True)
    return ServiceUser(uid, read_text(answer, "display_name", "display_name") or uid)


def parse_liked_page(answer: Any, offset: int, forgiving: bool) -> LikedPage:
    """Return a page of ``GET /me/tracks``; ``forgiving`` marks a few unreadable rows as such."""
    items, total, start = answer.get("items"), answer.get("total"), answer.get("offset", offset)
    if not isinstance(items, list):
        raise describe_misfit("items", "a list")
    if isinstance(total, bool) or not isinstance(total, int) or not 0 <= total <= MOST_ROWS:
        raise describe_misfit("total", f"a number from 0 to {MOST_ROWS:,}")
    if start != offset:
        raise describe_misfit("offset", f"{offset}, as asked for")
    if not items and offset < total:
        raise describe_misfit("items", f"not empty before {total}, the total")
    rows = _parse_rows(items, forgiving)
    # "next" alone is not believed: it has to be null, and the rows have to reach the total.
    last = answer.get("next") is None and offset + len(rows) >= total
    return LikedPage(rows, offset, total, last or not rows)


def _read_saved_id(track: dict[str, Any], where: str) -> str:
    """Return the id that was saved: a relinked track names it under ``linked_from``."""
    linked = _read_object(track, "linked_from", f"{where}.linked_from")
    saved = read_text(linked, "id", f"{where}.linked_from.id")
    return saved or read_text(track, "id", f"{where}.id")


def _read_artists(track: dict[str, Any], where: str) -> tuple[str, ...]:
    artists = track.get("artists") or []
    if not isinstance(artists, list):
        raise describe_misfit(where, "a list")
    names = []
    for index, artist in enumerate(artists):
        if not isinstance(artist, dict):
            raise describe_misfit(f"{where}[{index}]", "an object")
        names.append(read_text(artist, "name", f"{where}[{index}].name"))
    return tuple(name for name in names if name)


def _read_object(parent: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise describe_misfit(where, "an object")
    return value


def read_text(parent: dict[str, Any], key: str, where: str, *, needed: bool = False) -> str:
    value = parent.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise describe_misfit(where, "a text")
    return keep_storable(value).strip()


def _read_time(parent: dict[str, Any], key: str, where: str) -> datetime | None:
    text = read_text(parent, key, where)
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise describe_misfit(where, "a time") from error
    return keep_plausible_time(time)


def read_lifetime(answer: dict[str, Any]) -> float:
    """Return an access token's life in seconds; 3,600 where unsaid, as documented."""
    seconds = answer.get("expires_in", 3600)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise describe_misfit("expires_in", "a number")
    # One that has no end, or ends before it began, is replaced when it is next needed.
    return min(max(float(seconds), 0.0), LONGEST_LIFE) if seconds == seconds else 0.0


def describe_misfit(where: str, wanted: str) -> UnexpectedAnswer:
    """Return the error that says which field is not as Spotify documents it."""
    return UnexpectedAnswer(
        f"Spotify's answer has not the expected shape: {where} should be {wanted}.",
        service="spotify",
        maybe_done=True,
    )
