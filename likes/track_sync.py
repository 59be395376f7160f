"""Persistence of many rows at once: what a listing showed becomes tracks, mappings and likes.

The steps here take records, never a connector, and neither open nor close a transaction: the
caller stores a batch and its checkpoint in one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from connectors.records import LikedTrack, ServiceTrack
from likes.models import Like, Service, ServiceMapping, Source, Track, TrackKey
from matching import (
    TrackDescription,
    Verdict,
    blocking_keys,
    choose,
    name_key,
    simplify_titles,
)

#: How far apart the lengths of two masterings of one recording are, at most, to be merged.
MERGE_WITHIN_MS = 3000

State = Like.State
Rule = ServiceMapping.Rule


@dataclass
class Stored:
    """What became of a batch; ``known_rows`` has a flag for each item: listed there before."""

    imported: int = 0
    already_known: int = 0
    unavailable: int = 0
    merged: int = 0
    known_rows: list[bool] = field(default_factory=list)


def describe(track: Track | ServiceTrack | ServiceMapping) -> TrackDescription:
    return TrackDescription(
        title=track.title,
        artists=tuple(track.artists),
        album=track.album,
        duration_ms=track.duration_ms,
        isrc=track.isrc,
    )


def item_key(item: LikedTrack) -> str:
    """Return what tells this row of a listing from all others: its id, or else what it says."""
    if item.track and item.track.service_id:
        return item.track.service_id
    if item.track:
        parts: tuple[str, ...] = ("name", item.track.title, item.track.album, *item.track.artists)
    else:
        parts = ("none", item.label, item.liked_at.isoformat() if item.liked_at else "")
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{parts[0]}:{digest[:48]}"


def store_likes(user: User, items: Sequence[LikedTrack], source: Source) -> Stored:
    """Store a batch of rows of Spotify's liked songs, or of a file, and say what became of each.

    Storing a row again changes nothing. A row that is the same recording as a track the user
    already has is merged into it; when in doubt it stays a track of its own.
    """
    listed = source == Source.API
    stored = Stored()
    keyed = [(item_key(item), item) for item in items]
    known = {
        mapping.key: mapping
        for mapping in ServiceMapping.objects.of(user)
        .on(Service.SPOTIFY)
        .keyed({key for key, _ in keyed})
        .select_related("track")
    }
    fresh: dict[str, LikedTrack] = {}
    met_again: dict[str, LikedTrack] = {}
    for key, item in keyed:
        mapping = known.get(key)
        stored.known_rows.append(mapping is not None and mapping.listed)
        if item.track is None:
            stored.unavailable += 1
        elif mapping is not None or key in fresh:
            stored.already_known += 1
        if mapping is None:
            fresh.setdefault(key, item)
        else:
            met_again[key] = item
    if met_again:
        _refresh_known(user, met_again, known, source, listed)
    if fresh:
        _add_fresh(user, fresh, source, listed, stored)
    return stored


def _refresh_known(
    user: User,
    met_again: dict[str, LikedTrack],
    known: dict[str, ServiceMapping],
    source: Source,
    listed: bool,
) -> None:
    """Bring known rows up to date: listed again, named anew, given by a file as well."""
    changed: list[ServiceMapping] = []
    liked_again: list[ServiceMapping] = []
    for key, item in met_again.items():
        mapping = known[key]
        if listed and not mapping.listed:
            liked_again.append(mapping)
        before = _facts(mapping)
        if item.track is not None and listed:
            _describe_mapping(mapping, item.track)
        if listed:
            mapping.listed = True
            mapping.liked_at = item.liked_at or mapping.liked_at
        if source == Source.FILE:
            mapping.source = Source.FILE
        if _facts(mapping) != before:
            mapping.updated_at = timezone.now()
            changed.append(mapping)
    ServiceMapping.objects.bulk_update(
        changed,
        ["title", "artists", "album", "duration_ms", "isrc", "listed", "liked_at", "source",
         "updated_at"],
    )  # fmt: skip
    if source == Source.FILE:
        tracks = [mapping.track_id for mapping in changed]
        Like.objects.of(user).filter(track__in=tracks).exclude(source=Source.FILE).update(
            source=Source.FILE
        )
    if liked_again:
        _like_again(user, liked_again, source)


def _facts(mapping: ServiceMapping) -> tuple[object, ...]:
    return (
        mapping.title, mapping.artists, mapping.album, mapping.duration_ms, mapping.isrc,
        mapping.listed, mapping.liked_at, mapping.source,
    )  # fmt: skip


def _describe_mapping(mapping: ServiceMapping, track: ServiceTrack) -> None:
    mapping.title, mapping.artists, mapping.album = track.title, list(track.artists), track.album
    mapping.duration_ms, mapping.isrc = track.duration_ms, track.isrc


def _like_again(user: User, mappings: list[ServiceMapping], source: Source) -> None:
    """The listing shows them again: liked on Spotify, and in Narada if that had ended there."""
    tracks = [mapping.track_id for mapping in mappings]
    likes = Like.objects.of(user).filter(track__in=tracks)
    on_spotify = set(likes.on(Service.SPOTIFY).values_list("track_id", flat=True))
    likes.on(Service.SPOTIFY).exclude(state=State.UNAVAILABLE).update(
        state=State.PRESENT, removed_at=None, confirmed_at=timezone.now()
    )
    Like.objects.bulk_create(
        Like(user=user, track_id=mapping.track_id, service=Service.SPOTIFY, state=State.PRESENT,
             source=source, liked_at=mapping.liked_at, confirmed_at=timezone.now())
        for mapping in {m.track_id: m for m in mappings}.values()
        if mapping.track_id not in on_spotify
    )  # fmt: skip
    returned = set(
        likes.on(Service.NARADA).filter(state=State.REMOVED).values_list("track_id", flat=True)
    )
    if returned:
        likes.filter(track__in=returned).on(Service.NARADA).update(
            state=State.PRESENT, removed_at=None
        )
        likes.filter(
            track__in=returned, service=Service.LASTFM, state__in=[State.REMOVING, State.REMOVED]
        ).update(state=State.PENDING, removed_at=None, attempts=0, next_attempt_at=None)
    # A date that only the service knows replaces one that a file left out.
    undated = {m.track_id: m.liked_at for m in mappings if m.liked_at}
    for like in likes.filter(liked_at=None, track__in=undated):
        like.liked_at = undated[like.track_id]
        like.save(update_fields=["liked_at", "updated_at"])


def _add_fresh(
    user: User, fresh: dict[str, LikedTrack], source: Source, listed: bool, stored: Stored
) -> None:
    tracks: list[Track] = []
    keys: list[list[str]] = []
    mappings: list[ServiceMapping] = []
    merged: list[tuple[ServiceMapping, Track]] = []
    new_tracks: list[tuple[Track, LikedTrack]] = []
    candidates = _Candidates(user, fresh.values())
    for key, item in fresh.items():
        match = candidates.find(item.track) if item.track else None
        if match is not None and match.renamed_from is not None and item.track is not None:
            # The same row, met earlier in a file that had no ids: now it has one.
            stored.already_known += 1
            _give_id(match.renamed_from, key, item.track, item.liked_at, listed)
            _like_again(user, [match.renamed_from], source)
            continue
        if match is not None:
            stored.merged += 1
            track = match.track
        else:
            track = _new_track(user, item)
            tracks.append(track)
            keys.append(candidates.add(track) if item.track else [])
            new_tracks.append((track, item))
            stored.imported += item.track is not None
        mapping = _new_mapping(user, track, key, item, source, listed)
        if match is not None:
            mapping.rule, mapping.score, mapping.evidence = Rule.MERGED, match.score, match.evidence
            merged.append((mapping, track))
        mappings.append(mapping)
    Track.objects.bulk_create(tracks)
    TrackKey.objects.bulk_create(
        TrackKey(track=track, user=user, key=key)
        for track, track_keys in zip(tracks, keys, strict=True)
        for key in track_keys
    )
    ServiceMapping.objects.bulk_create(mappings)
    Like.objects.bulk_create(
        like for track, item in new_tracks for like in _new_likes(user, track, item, source, listed)
    )
    _merge_likes(user, [pair for pair in merged if pair[1] not in tracks], source, listed)


@dataclass
class _Match:
    track: Track
    score: float
    evidence: list[dict[str, object]]
    renamed_from: ServiceMapping | None = None


class _Candidates:
    """The tracks of a user that may be the same recording as one of a batch, the batch included."""

    def __init__(self, user: User, items: Iterable[LikedTrack]) -> None:
        wanted = {
            key for item in items if item.track for key in blocking_keys(describe(item.track))
        }
        self._by_key: dict[str, list[Track]] = {}
        rows = TrackKey.objects.filter(user=user, key__in=wanted).select_related("track")
        for row in rows.order_by("track_id"):
            self._by_key.setdefault(row.key, []).append(row.track)

    def add(self, track: Track) -> list[str]:
        """Make a track of this batch findable for the rest of it; return its blocking keys."""
        keys = list(dict.fromkeys(blocking_keys(describe(track))))
        for key in keys:
            self._by_key.setdefault(key, []).append(track)
        return keys

    def find(self, wanted: ServiceTrack) -> _Match | None:
        """Return the one track that this is for certain, if there is one."""
        found = {
            id(track) if track.pk is None else track.pk: track
            for key in blocking_keys(describe(wanted))
            for track in self._by_key.get(key, ())
        }
        tracks = [track for track in found.values() if _may_be_merged(track, wanted)]
        choice = choose(describe(wanted), [describe(track) for track in tracks])
        if choice.verdict != Verdict.MATCH or choice.best is None:
            return None
        comparison = choice.comparisons[choice.best]
        track = tracks[choice.best]
        return _Match(
            track,
            comparison.score,
            [piece.as_json() for piece in comparison.evidence],
            self._without_id(track, wanted) if wanted.service_id else None,
        )

    def _without_id(self, track: Track, wanted: ServiceTrack) -> ServiceMapping | None:
        if track.pk is None or (track.title, tuple(track.artists[:1])) != (
            wanted.title,
            wanted.artists[:1],
        ):
            return None
        return ServiceMapping.objects.on(Service.SPOTIFY).filter(track=track, service_id="").first()


def _may_be_merged(track: Track, wanted: ServiceTrack) -> bool:
    """Merging asks for more than a match: a wrong one hides a like, and a missed one costs nothing,
    as two tracks with one Last.fm page are loved once.

    Either the ISRC is the same, or the credited artists, the title but for harmless notes, and the
    length, where both are known.
    """
    if track.isrc and track.isrc == wanted.isrc:
        return True
    lengths = (track.duration_ms or 0, wanted.duration_ms or 0)
    if all(lengths) and abs(lengths[0] - lengths[1]) > MERGE_WITHIN_MS:
        return False
    artists = {name_key(artist, "") for artist in track.artists}
    if artists != {name_key(artist, "") for artist in wanted.artists}:
        return False
    return bool(_plain_titles(track.title) & _plain_titles(wanted.title))


def _plain_titles(title: str) -> set[str]:
    return {name_key("", plain) for plain in [title, *simplify_titles(title)]}


def _give_id(
    mapping: ServiceMapping,
    key: str,
    track: ServiceTrack,
    liked_at: datetime | None,
    listed: bool,
) -> None:
    mapping.key, mapping.service_id, mapping.listed = key, track.service_id, listed
    mapping.liked_at = liked_at or mapping.liked_at
    _describe_mapping(mapping, track)
    mapping.save()


def _new_track(user: User, item: LikedTrack) -> Track:
    if item.track is None:
        return Track(user=user, title=item.label)
    facts = item.track
    return Track(
        user=user,
        title=facts.title,
        artists=list(facts.artists),
        album=facts.album,
        duration_ms=facts.duration_ms,
        isrc=facts.isrc,
        explicit=facts.explicit,
    )


def _new_mapping(
    user: User, track: Track, key: str, item: LikedTrack, source: Source, listed: bool
) -> ServiceMapping:
    mapping = ServiceMapping(
        user=user,
        track=track,
        service=Service.SPOTIFY,
        key=key,
        service_id=item.track.service_id if item.track else "",
        title=item.label,
        source=source,
        decision=ServiceMapping.Decision.ACCEPTED,
        rule=Rule.LISTED,
        liked_at=item.liked_at,
        listed=listed,
    )
    if item.track:
        _describe_mapping(mapping, item.track)
    return mapping


def _new_likes(
    user: User, track: Track, item: LikedTrack, source: Source, listed: bool
) -> list[Like]:
    """One row a service: the truth, what Spotify shows, and what is to be sent to Last.fm."""
    now = timezone.now()

    def row(service: Service, state: State, confirmed_at: datetime | None = None) -> Like:
        return Like(
            user=user,
            track=track,
            service=service,
            state=state,
            source=source,
            liked_at=item.liked_at,
            confirmed_at=confirmed_at,
            last_error=item.unavailable,
        )

    if item.track is None:
        return [row(Service.NARADA, State.UNAVAILABLE)]
    likes = [row(Service.NARADA, State.PRESENT), row(Service.LASTFM, State.PENDING)]
    if listed:
        likes.append(row(Service.SPOTIFY, State.PRESENT, now))
    return likes


def _merge_likes(
    user: User, merged: list[tuple[ServiceMapping, Track]], source: Source, listed: bool
) -> None:
    """A second id of a track that the user has: it counts as liked since the earlier of both."""
    if not merged:
        return
    if listed:
        _like_again(user, [mapping for mapping, _ in merged], source)
    earliest: dict[int, datetime] = {}
    for mapping, track in merged:
        if mapping.liked_at is not None:
            earliest[track.pk] = min(mapping.liked_at, earliest.get(track.pk, mapping.liked_at))
    later = [
        like
        for like in Like.objects.of(user).filter(track__in=earliest, liked_at__isnull=False)
        if like.liked_at > earliest[like.track_id]
    ]
    for like in later:
        like.liked_at = earliest[like.track_id]
    Like.objects.bulk_update(later, ["liked_at"])


def mark_removed_on_spotify(user: User, keys: Sequence[str], follow: bool) -> int:
    """Mark rows that Spotify no longer has; return how many.

    With ``follow`` the like ends in Narada too, and what Narada itself loved is to be un-loved.
    """
    now = timezone.now()
    mappings = ServiceMapping.objects.of(user).on(Service.SPOTIFY).keyed(keys).filter(listed=True)
    tracks = set(mappings.values_list("track_id", flat=True))
    count = mappings.update(listed=False, updated_at=now)
    still = (
        ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(track__in=tracks, listed=True)
    )
    gone = tracks - set(still.values_list("track_id", flat=True))
    likes = Like.objects.of(user).filter(track__in=gone)
    likes.on(Service.SPOTIFY).update(state=State.REMOVED, removed_at=now, updated_at=now)
    if follow:
        likes.on(Service.NARADA).update(state=State.REMOVED, removed_at=now, updated_at=now)
        on_lastfm = likes.on(Service.LASTFM)
        on_lastfm.filter(state=State.PRESENT, sent_at__isnull=False).update(
            state=State.REMOVING, attempts=0, next_attempt_at=None, updated_at=now
        )
        on_lastfm.filter(state__in=[State.PENDING, *Like.OPEN_STATES]).update(
            state=State.REMOVED, removed_at=now, updated_at=now
        )
    return count
