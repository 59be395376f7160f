"""Which tracks of a user are the same recording as a new one, for certain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from connectors.records import LikedTrack, ServiceTrack
from likes.blocking_keys import describe, list_merge_keys, list_track_keys, name_plainly
from likes.models import Service, ServiceMapping, Track, TrackKey
from matching import Verdict, blocking_keys, choose, name_key

#: How far apart the lengths of two masterings of one recording are, at most, to be merged.
MERGE_WITHIN_MS = 3000


@dataclass
class Match:
    """The track that a row is for certain.

    ``same_row``: the names say that it is not another id of the recording but the very row,
    known from a file that gave no ids, or met again in one. ``nameless`` is that file's row where
    this one has an id to give it.
    """

    track: Track
    score: float | None = None
    evidence: list[dict[str, object]] = field(default_factory=list)
    same_row: bool = False
    nameless: ServiceMapping | None = None


class Candidates:
    """The tracks of a user that may be the same recording as one of a batch, the batch included."""

    def __init__(self, user: User, items: Iterable[LikedTrack]) -> None:
        wanted_tracks = [item.track for item in items if item.track]
        wanted = {key for track in wanted_tracks for key in list_merge_keys(track)}
        nameless = ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(service_id="")
        # Counted: PostgreSQL takes them for frequent, and seeks a first one in the whole table.
        if (
            not all(track.service_id for track in wanted_tracks)
            or nameless.exclude(artists=[]).count()
        ):
            # A row without an id names one artist only, so the merge keys do not find it.
            wanted |= {key for track in wanted_tracks for key in blocking_keys(describe(track))}
        self._by_key: dict[str, list[Track]] = {}
        rows = TrackKey.objects.filter(user=user, key__in=wanted).select_related("track")
        for row in rows.order_by("track_id"):
            self._by_key.setdefault(row.key, []).append(row.track)
        tracks = {track.pk for found in self._by_key.values() for track in found}
        rows_of = ServiceMapping.objects.on(Service.SPOTIFY).filter(track__in=tracks)
        #: The rows known of these tracks, by what a row without an id tells of itself.
        self._rows: dict[tuple[str, str], list[ServiceMapping]] = {}
        for mapping in rows_of.exclude(artists=[]).select_related("track"):
            self._rows.setdefault(_name_row(mapping), []).append(mapping)

    def add(self, track: Track) -> list[str]:
        """Make a track of this batch findable for the rest of it; return its keys."""
        keys = list_track_keys(track)
        for key in keys:
            self._by_key.setdefault(key, []).append(track)
        return keys

    def find(self, wanted: ServiceTrack) -> Match | None:
        """Return the one track that this is for certain, if there is one."""
        found = {
            id(track) if track.pk is None else track.pk: track
            for key in list_merge_keys(wanted)
            for track in self._by_key.get(key, ())
        }
        same_row = self._find_same_row(wanted)
        if same_row is not None:
            return same_row
        tracks = [track for track in found.values() if _may_be_merged(track, wanted)]
        choice = choose(describe(wanted), [describe(track) for track in tracks])
        if choice.verdict != Verdict.MATCH or choice.best is None:
            return None
        comparison = choice.comparisons[choice.best]
        evidence = [piece.as_json() for piece in comparison.evidence]
        return Match(tracks[choice.best], comparison.score, evidence)

    def _find_same_row(self, wanted: ServiceTrack) -> Match | None:
        """Of a row with an id and one without, the names alone say that they are one row."""
        for row in self._rows.get(_name_row(wanted), ()):
            if wanted.service_id and not row.service_id:
                # The next id with these names is another one of the same recording.
                self._rows[_name_row(wanted)].remove(row)
                return Match(row.track, same_row=True, nameless=row)
            if row.service_id and not wanted.service_id:
                return Match(row.track, same_row=True)
        return None


def _name_row(row: ServiceTrack | ServiceMapping) -> tuple[str, str]:
    """What Spotify's account data tells of a row: title, album and one artist, who comes first."""
    artist = row.artists[0] if row.artists else ""
    return name_key(artist, row.title), name_key(artist, row.album)


def _may_be_merged(track: Track, wanted: ServiceTrack) -> bool:
    """Of two that share a merge key: the length must be the same too, or else the ISRC.

    Where nobody tells the lengths, as in Spotify's account data, the album must be the same: that
    of a concert or a new recording has the same titles.
    """
    if track.isrc and track.isrc == wanted.isrc:
        return True
    if track.duration_ms and wanted.duration_ms:
        return abs(track.duration_ms - wanted.duration_ms) <= MERGE_WITHIN_MS
    return _may_be_one_release(track, wanted)


def _may_be_one_release(a: Track | ServiceTrack, b: Track | ServiceTrack) -> bool:
    """Whether the albums are one but for their edition, or unknown; a single bears its title."""
    if not a.album or not b.album:
        return True
    albums = [name_plainly(one.album) for one in (a, b)]
    return bool(albums[0] & albums[1]) or any(
        album & name_plainly(one.title) for album in albums for one in (a, b)
    )
