"""Storing a library file: what is new is added, what is known is kept, nothing is deleted.

A track is known by its Spotify ids, or, without any, by all that is said of it. What a person
decided in the file outranks what a rule decided here; what a person decided here stays.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import transaction

from likes import review
from likes.blocking_keys import fingerprint, list_track_keys
from likes.library.reading import FileTrack, Library, is_accepted_page
from likes.library.writing import CHUNK, FIELDS
from likes.models import (
    Checkpoint,
    Like,
    Run,
    Service,
    ServiceMapping,
    Source,
    SyncSettings,
    Track,
    TrackKey,
)
from likes.models.listings import note_change
from likes.runs.leases import Busy, is_held

State = Like.State
Decision = ServiceMapping.Decision
PERSON = ServiceMapping.DecidedBy.PERSON
RULE = ServiceMapping.DecidedBy.RULE
Facts = tuple[object, ...]
Decide = Callable[[Any, User], object]
R = TypeVar("R", Like, ServiceMapping)


@dataclass
class LibrarySummary:
    """``seen = imported + updated + already_known``, all tracks of the file."""

    seen: int = 0
    imported: int = 0
    updated: int = 0
    already_known: int = 0
    likes_added: int = 0
    mappings_added: int = 0
    decisions_taken_over: int = 0
    runs_added: int = 0
    seconds: float = 0.0


def import_library(user: User, library: Library, *, dry_run: bool = False) -> LibrarySummary:
    """Bring a library into that of a user, all or nothing; with ``dry_run`` nothing, only counts.

    Raises Busy while an import or export of this user runs.
    """
    started = time.monotonic()
    summary = LibrarySummary(seen=len(library.tracks))
    with transaction.atomic():
        _keep_runs_out(user)
        _note_rules(user)
        _store_settings(user, library)
        without_id = _Unnamed(user, library.tracks)
        for start in range(0, len(library.tracks), CHUNK):
            _store_chunk(user, library.tracks[start : start + CHUNK], without_id, summary)
        _store_runs(user, library.runs, summary)
        note_change(user.pk)
        transaction.set_rollback(dry_run)
    summary.already_known = summary.seen - summary.imported - summary.updated
    summary.seconds = round(time.monotonic() - started, 2)
    return summary


def _keep_runs_out(user: User) -> None:
    """Lock the checkpoints until the end: no run of this user can begin. Raises Busy."""
    for listing in (Checkpoint.Listing.SAVED, Checkpoint.Listing.LOVED):
        rows = Checkpoint.objects.select_for_update()
        row, _ = rows.get_or_create(user=user, listing=listing)
        if is_held(row):
            raise Busy(f"A run is at work on {row}; try again when it has ended.")


def _note_rules(user: User) -> None:
    """Say by which rules the tracks will be keyed: today's alone where there are none yet, else
    perhaps several, so that the next run makes the keys anew."""
    rules, is_first = fingerprint(), not Track.objects.filter(user=user).exists()
    saved = Checkpoint.objects.filter(user=user, listing=Checkpoint.Listing.SAVED)
    saved.exclude(keyed_by=rules).update(keyed_by=rules if is_first else "")


def _store_settings(user: User, library: Library) -> None:
    """Take the file's settings over for a user who has no library yet, and so no wishes."""
    if library.settings is None or Track.objects.filter(user=user).exists():
        return
    wishes = {name: getattr(library.settings, name) for name in FIELDS[SyncSettings]}
    SyncSettings.objects.update_or_create(user=user, defaults=wishes)


def _store_runs(user: User, runs: Sequence[Run], summary: LibrarySummary) -> None:
    known = set(Run.objects.filter(user=user).values_list("kind", "started_at", "started_by"))
    fresh = []
    for run in runs:
        key = (run.kind, run.started_at, run.started_by)
        if key not in known:
            known.add(key)
            run.user = user
            fresh.append(run)
    Run.objects.bulk_create(fresh, CHUNK)
    summary.runs_added = len(fresh)


def _list_facts(track: Track) -> Facts:
    return tuple(
        tuple(value) if isinstance(value := getattr(track, name), list) else value
        for name in FIELDS[Track]
    )


class _Unnamed:
    """The user's tracks without any Spotify id, by all that is said of them; each found once."""

    def __init__(self, user: User, tracks: Iterable[FileTrack]) -> None:
        self._ids: dict[Facts, list[int]] = {}
        if all(list_spotify_keys(one) for one in tracks):
            return
        mine = Track.objects.filter(user=user).exclude(mappings__service=Service.SPOTIFY)
        for track in mine.order_by("-pk"):
            self._ids.setdefault(_list_facts(track), []).append(track.pk)

    def take(self, track: Track) -> int | None:
        ids = self._ids.get(_list_facts(track))
        return ids.pop() if ids else None


def list_spotify_keys(one: FileTrack) -> list[str]:
    """Return the keys by which a track of a file is known."""
    return [mapping.key for mapping in one.mappings if mapping.service == Service.SPOTIFY]


def _store_chunk(
    user: User, chunk: Sequence[FileTrack], without_id: _Unnamed, summary: LibrarySummary
) -> None:
    keys = [key for one in chunk for key in list_spotify_keys(one)]
    by_key = dict(
        ServiceMapping.objects.of(user)
        .on(Service.SPOTIFY)
        .keyed(keys)
        .values_list("key", "track_id")
    )
    fresh: list[FileTrack] = []
    known: list[tuple[int, FileTrack]] = []
    for one in chunk:
        own_keys = list_spotify_keys(one)
        found = next((by_key[key] for key in own_keys if key in by_key), None)
        if found is None and not own_keys:
            found = without_id.take(one.track)
        if found is None:
            fresh.append(one)
        else:
            known.append((found, one))
    _add_tracks(user, fresh, summary)
    _Merge(user, known, set(by_key), summary).run()


def _add_tracks(user: User, fresh: Sequence[FileTrack], summary: LibrarySummary) -> None:
    for one in fresh:
        one.track.user = user
    Track.objects.bulk_create([one.track for one in fresh])
    TrackKey.objects.bulk_create(
        TrackKey(track=one.track, user=user, key=key)
        for one in fresh
        if not any(like.state == State.UNAVAILABLE for like in one.likes)
        for key in list_track_keys(one.track)
    )
    likes = [_give(like, user, one.track.pk) for one in fresh for like in one.likes]
    mappings = [_give(row, user, one.track.pk) for one in fresh for row in one.mappings]
    Like.objects.bulk_create(likes)
    ServiceMapping.objects.bulk_create(mappings)
    summary.imported += len(fresh)
    summary.likes_added += len(likes)
    summary.mappings_added += len(mappings)


def _give(row: R, user: User, track_id: int) -> R:
    row.user, row.track_id = user, track_id
    return row


class _Merge:
    """Tracks of a file that are known, brought together with what is known of them."""

    def __init__(
        self,
        user: User,
        known: Sequence[tuple[int, FileTrack]],
        taken_keys: set[str],
        summary: LibrarySummary,
    ) -> None:
        self._user, self._known, self._taken_keys = user, known, taken_keys
        self._summary = summary
        ids = [track_id for track_id, _ in known]
        self._likes: dict[int, dict[str, Like]] = {pk: {} for pk in ids}
        for like in Like.objects.of(user).filter(track__in=ids):
            self._likes[like.track_id][like.service] = like
        self._mappings: dict[int, dict[tuple[str, str], ServiceMapping]] = {pk: {} for pk in ids}
        for row in ServiceMapping.objects.of(user).filter(track__in=ids):
            self._mappings[row.track_id][row.service, row.key] = row
        self._new_likes: list[Like] = []
        self._new_mappings: list[ServiceMapping] = []
        self._changed_likes: dict[int, Like] = {}
        self._decisions: list[tuple[int, Decide, Like | ServiceMapping]] = []
        self._updated: set[int] = set()

    def run(self) -> None:
        for number, (track_id, one) in enumerate(self._known):
            before = self._count_changes()
            exclude = self._is_excluded(track_id, one)
            self._merge_likes(track_id, one.likes)
            self._merge_mappings(number, track_id, one.mappings)
            if exclude:
                self._decide(number, review.exclude, self._likes[track_id][Service.LASTFM])
            if self._count_changes() != before:
                self._updated.add(number)
        Like.objects.bulk_create(self._new_likes)
        ServiceMapping.objects.bulk_create(self._new_mappings)
        Like.objects.bulk_update(self._changed_likes.values(), ["liked_at", "source"])
        self._take_decisions_over()
        self._summary.likes_added += len(self._new_likes)
        self._summary.mappings_added += len(self._new_mappings)
        self._summary.updated += len(self._updated)

    def _count_changes(self) -> int:
        return len(self._new_likes) + len(self._new_mappings) + len(self._changed_likes)

    def _decide(self, number: int, decide: Decide, row: Like | ServiceMapping) -> None:
        self._decisions.append((number, decide, row))

    def _take_decisions_over(self) -> None:
        for number, decide, row in self._decisions:
            # What makes no sense here any more, as for a like that has ended, is left alone.
            with contextlib.suppress(review.NotPossible):
                decide(row, self._user)
                self._summary.decisions_taken_over += 1
                self._updated.add(number)

    def _merge_likes(self, track_id: int, likes: Iterable[Like]) -> None:
        """Add what is missing; the earlier day of liking stands, and what a file gave stays."""
        here = self._likes[track_id]
        for like in likes:
            standing = here.get(like.service)
            if standing is None:
                here[like.service] = _give(like, self._user, track_id)
                self._new_likes.append(like)
                continue
            earlier = like.liked_at is not None and (
                standing.liked_at is None or like.liked_at < standing.liked_at
            )
            given = standing.source == Source.API and like.source != Source.API
            if earlier:
                standing.liked_at = like.liked_at
            if given:
                standing.source = like.source
            if (earlier or given) and standing.pk is not None:
                self._changed_likes[standing.pk] = standing

    def _merge_mappings(
        self, number: int, track_id: int, mappings: Iterable[ServiceMapping]
    ) -> None:
        here = self._mappings[track_id]
        for mapping in mappings:
            page = next(filter(is_accepted_page, here.values()), None)
            settled = page is not None and page.decided_by == PERSON
            standing = here.get((mapping.service, mapping.key))
            by_person = mapping.service == Service.LASTFM and mapping.decided_by == PERSON
            decision = mapping.decision
            if standing is None:
                if mapping.service == Service.SPOTIFY and mapping.key in self._taken_keys:
                    continue  # here it is another track
                if is_accepted_page(mapping) and (by_person or page is not None):
                    mapping.decision, mapping.decided_by = Decision.CANDIDATE, RULE
                here[mapping.service, mapping.key] = _give(mapping, self._user, track_id)
                self._new_mappings.append(mapping)
                standing = mapping
            if not by_person or standing.decided_by == PERSON:
                continue
            if decision == Decision.ACCEPTED and not settled:
                self._decide(number, review.accept, standing)
            elif decision == Decision.REJECTED:
                self._decide(number, review.reject, standing)

    def _is_excluded(self, track_id: int, one: FileTrack) -> bool:
        """Whether the file says "not wanted on Last.fm" of what only a rule has settled here."""
        standing = self._likes[track_id].get(Service.LASTFM)
        pages = filter(is_accepted_page, self._mappings[track_id].values())
        return (
            any(x.service == Service.LASTFM and x.state == State.EXCLUDED for x in one.likes)
            and standing is not None
            and standing.state != State.EXCLUDED
            and all(page.decided_by != PERSON for page in pages)
        )
