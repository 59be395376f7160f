"""Persistence of many rows at once: what a listing showed becomes tracks, mappings and likes.

The steps here take records, never a connector, and neither open nor close a transaction: the
caller stores a batch and its checkpoint in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from connectors.files.trust import names_agree
from connectors.records import LikedTrack, ServiceTrack
from likes.importing.merging import Candidates
from likes.importing.rows import item_key
from likes.like_operations import like_again, make_likes, return_unavailable
from likes.models import Like, Run, RunChange, Service, ServiceMapping, Source, Track, TrackKey
from matching import TrackDescription, Verdict, compare

Rule = ServiceMapping.Rule


@dataclass
class Stored:
    """What became of a batch; ``known_rows`` has a flag for each item: listed there before, since
    the same time. One that was unliked and liked again moves to the head, and those below it may
    well be new."""

    imported: int = 0
    already_known: int = 0
    unavailable: int = 0
    merged: int = 0
    known_rows: list[bool] = field(default_factory=list)


def drop_ids_of_others(user: User, items: Iterable[LikedTrack]) -> tuple[list[LikedTrack], int]:
    """Return rows of a file without the ids under which Narada knows clearly different songs, and
    how many those are: an id is trusted only as far as the names agree."""
    items = list(items)
    ids = {item.track.service_id for item in items if item.track and item.track.service_id}
    mappings = ServiceMapping.objects.of(user).on(Service.SPOTIFY).keyed(ids)
    known = {mapping.key: mapping for mapping in mappings}
    kept = []
    for item in items:
        mapping = known.get(item.track.service_id) if item.track else None
        if item.track and mapping and mapping.artists and _is_another(item.track, mapping):
            item = replace(item, track=replace(item.track, service_id=""))
        kept.append(item)
    return kept, sum(new is not old for new, old in zip(kept, items, strict=True))


def _is_another(track: ServiceTrack, mapping: ServiceMapping) -> bool:
    if names_agree((track.title, track.artists), (mapping.title, tuple(mapping.artists))):
        return False
    known = TrackDescription(
        mapping.title, tuple(mapping.artists), mapping.album, mapping.duration_ms, mapping.isrc
    )
    found = TrackDescription(track.title, track.artists, track.album, track.duration_ms, track.isrc)
    return compare(known, found).verdict == Verdict.DIFFERENT


def store_likes(
    user: User, items: Sequence[LikedTrack], source: Source, run: Run | None = None
) -> Stored:
    """Store a batch of rows of Spotify's liked songs, or of a file, and say what became of each.

    Storing a row again changes nothing. A row that is the same recording as a track the user
    already has is merged into it; when in doubt it stays a track of its own. What is new in
    Narada is noted of the ``run``.
    """
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
        stored.known_rows.append(
            mapping is not None and mapping.listed and mapping.liked_at == item.liked_at
        )
        if item.track is None:
            stored.unavailable += 1
        elif mapping is not None or key in fresh:
            stored.already_known += 1
        if mapping is None:
            fresh.setdefault(key, item)
        else:
            met_again[key] = item
    if met_again:
        _refresh_known(user, met_again, known, source, run)
    if fresh:
        _add_fresh(user, fresh, source, stored, run)
    return stored


def _refresh_known(
    user: User,
    met_again: dict[str, LikedTrack],
    known: dict[str, ServiceMapping],
    source: Source,
    run: Run | None,
) -> None:
    """Bring known rows up to date: listed again, named anew, given by a file as well."""
    listed = source == Source.API
    changed: list[ServiceMapping] = []
    liked_again: list[ServiceMapping] = []
    nameless_again: list[int] = []
    for key, item in met_again.items():
        mapping = known[key]
        if listed and item.track is not None and _is_liked_anew(mapping, item):
            liked_again.append(mapping)
        elif listed and not mapping.listed:
            nameless_again.append(mapping.track_id)
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
        Like.objects.filter(track__in=tracks).exclude(source=Source.FILE).update(source=Source.FILE)
    like_again(user, liked_again, source, run)
    if nameless_again:
        return_unavailable(nameless_again, run)


def _is_liked_anew(mapping: ServiceMapping, item: LikedTrack) -> bool:
    """Whether it is listed again, or since a later time: unliked and liked between two readings."""
    if not mapping.listed:
        return True
    dates = mapping.liked_at, item.liked_at
    return dates[0] is not None and dates[1] is not None and dates[0] < dates[1]


def _facts(mapping: ServiceMapping) -> tuple[object, ...]:
    return (
        mapping.title, mapping.artists, mapping.album, mapping.duration_ms, mapping.isrc,
        mapping.listed, mapping.liked_at, mapping.source,
    )  # fmt: skip


def _describe_mapping(mapping: ServiceMapping, track: ServiceTrack) -> None:
    mapping.title, mapping.artists, mapping.album = track.title, list(track.artists), track.album
    mapping.duration_ms, mapping.isrc = track.duration_ms, track.isrc


def _add_fresh(
    user: User,
    fresh: dict[str, LikedTrack],
    source: Source,
    stored: Stored,
    run: Run | None,
) -> None:
    listed = source == Source.API
    new_tracks: list[tuple[Track, LikedTrack]] = []
    keys: list[list[str]] = []
    mappings: list[ServiceMapping] = []
    merged: list[ServiceMapping] = []
    given_ids: list[ServiceMapping] = []
    candidates = Candidates(user, fresh.values())
    for key, item in fresh.items():
        match = candidates.find(item.track) if item.track else None
        if match is not None and match.nameless is not None and item.track is not None:
            stored.already_known += 1
            given_ids.append(_give_id(match.nameless, key, item.track, item.liked_at, listed))
            continue
        track = match.track if match else _new_track(user, item)
        mapping = _new_mapping(user, track, key, item, source, listed)
        mappings.append(mapping)
        if match is None:
            new_tracks.append((track, item))
            keys.append(candidates.add(track) if item.track else [])
            stored.imported += item.track is not None
            continue
        stored.already_known += match.same_row
        stored.merged += not match.same_row
        mapping.rule, mapping.score, mapping.evidence = Rule.MERGED, match.score, match.evidence
        merged.append(mapping)
    _create_tracks(user, new_tracks, keys)
    ServiceMapping.objects.bulk_create(mappings)
    _create_likes(user, new_tracks, source, run)
    ServiceMapping.objects.bulk_update(
        given_ids,
        ["key", "service_id", "listed", "liked_at", "title", "artists", "album", "duration_ms",
         "isrc", "updated_at"],
    )  # fmt: skip
    if listed:
        like_again(user, [*given_ids, *merged], source, run)
    _date_merged_likes(merged)


def _create_tracks(
    user: User, new_tracks: Sequence[tuple[Track, LikedTrack]], keys: Sequence[list[str]]
) -> None:
    Track.objects.bulk_create(track for track, _ in new_tracks)
    TrackKey.objects.bulk_create(
        TrackKey(track=track, user=user, key=key)
        for (track, _), track_keys in zip(new_tracks, keys, strict=True)
        for key in track_keys
    )


def _create_likes(
    user: User,
    new_tracks: Sequence[tuple[Track, LikedTrack]],
    source: Source,
    run: Run | None,
) -> None:
    likes = Like.objects.bulk_create(
        like
        for track, item in new_tracks
        for like in make_likes(
            user,
            track,
            source,
            item.liked_at,
            is_named=item.track is not None,
            is_listed=source == Source.API,
            why=item.unavailable,
        )
    )
    in_narada = [(like.pk, "") for like in likes if like.service == Service.NARADA]
    RunChange.objects.record(run, RunChange.What.ADDED, in_narada)


def _give_id(
    mapping: ServiceMapping,
    key: str,
    track: ServiceTrack,
    liked_at: datetime | None,
    listed: bool,
) -> ServiceMapping:
    """The same row, met earlier in a file that had no ids: now it has one."""
    mapping.key, mapping.service_id, mapping.listed = key, track.service_id, listed
    mapping.liked_at = liked_at or mapping.liked_at
    mapping.updated_at = timezone.now()
    _describe_mapping(mapping, track)
    return mapping


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


def _date_merged_likes(merged: list[ServiceMapping]) -> None:
    """A track with several ids counts as liked since the earliest of them."""
    earliest: dict[int, datetime] = {}
    for mapping in merged:
        if mapping.liked_at is not None:
            known = earliest.get(mapping.track_id, mapping.liked_at)
            earliest[mapping.track_id] = min(mapping.liked_at, known)
    later = [
        like
        for like in Like.objects.filter(track__in=earliest)
        if like.liked_at is None or like.liked_at > earliest[like.track_id]
    ]
    for like in later:
        like.liked_at = earliest[like.track_id]
    Like.objects.bulk_update(later, ["liked_at"])
