"""Undo: what a run changed is listed and taken back, and nothing that was done since.

Each change is taken back for itself, if its like is still as the run left it. What is taken back
stays so: a like does not return because Spotify still lists it, but when it is liked there anew;
a love is not sent again unless a person asks. An undo is a run too, so undoing it brings back what
it took back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from likes.history import list_slices
from likes.lastfm_listing import chunked
from likes.leases import Busy, hold_lease
from likes.models import Checkpoint, Like, Run, RunChange, Service, ServiceMapping, Source
from likes.unlikes import LOVED_AGAIN, OURS, end_likes, stop_loving

logger = logging.getLogger(__name__)

State = Like.State
What = RunChange.What

CHUNK = 500
_LIKED = (State.PRESENT, State.UNAVAILABLE)
_TAKEN_BACK = (State.REMOVING, State.REMOVED)

#: What the run did, and what taking it back would do.
MEANING = {
    What.ADDED: "added to Narada; taken back, they end there",
    What.REMOVED: "removed in Narada; taken back, they return",
    What.LOVED: "loved on Last.fm; taken back, they are un-loved",
    What.UNLOVED: "no longer to be loved on Last.fm; taken back, they are loved again",
}


class UnknownRun(Exception):
    """The user has no run of that number."""


@dataclass
class Undo:
    """What an undo takes back, by kind, and how many changes it leaves as they are, and why.

    ``run`` is the run that is undone, with all the ``slices`` in which a worker did it;
    ``undone_by`` is the undo itself, where it changed something; ``unloves`` counts the loves
    that the next export takes back on Last.fm.
    """

    run: Run
    slices: list[Run]
    changes: dict[str, list[RunChange]] = field(
        default_factory=lambda: {what: [] for what in What.values}
    )
    skipped: Counter[str] = field(default_factory=Counter)
    unloves: int = 0
    undone_by: Run | None = None

    @property
    def count(self) -> int:
        """How many changes are taken back."""
        return sum(len(changes) for changes in self.changes.values())


def undo_run(
    user: User, number: int, *, dry_run: bool = False, started_by: str = "command"
) -> Undo:
    """Take back what the user's run of that number changed, as far as nothing came after it.

    It is one transaction, under both leases. Doing it again finds nothing left to do. Raises
    UnknownRun, and Busy while a run of this user is at work.
    """
    run = Run.objects.filter(user=user, pk=number).first()
    if run is None:
        raise UnknownRun(f"{user} has no run {number}. The last ones: narada status -u {user}")
    if dry_run:
        leases = Checkpoint.objects.filter(user=user, lease_until__gt=timezone.now())
        if run.state == Run.State.RUNNING and leases.exclude(lease_holder="").exists():
            raise Busy(f"Run {number} is still at work; it can be undone when it has ended.")
        return _plan(run)
    with (
        hold_lease(user, Checkpoint.Listing.SAVED),
        hold_lease(user, Checkpoint.Listing.LOVED),
        transaction.atomic(),
    ):
        # A person may be deciding in the pages meanwhile.
        changes = RunChange.objects.filter(run__in=list_slices(run))
        touched = Like.objects.filter(pk__in=changes.values("like"))
        list(touched.select_for_update().values_list("pk", flat=True))
        undo = _plan(run)
        if undo.count:
            _carry_out(undo, started_by)
    return undo


def _plan(run: Run) -> Undo:
    slices = list_slices(run)
    undo, since = Undo(run, slices), _Since(slices)
    # What is to be loved again has to be liked again first.
    order = [What.REMOVED, What.ADDED, What.LOVED, What.UNLOVED]
    for change in sorted(_list_net_changes(slices), key=lambda change: order.index(change.what)):
        obstacle = since.find_obstacle(change)
        if obstacle:
            undo.skipped[obstacle] += 1
            continue
        undo.changes[change.what].append(change)
        if change.what == What.REMOVED:
            since.liked.add(change.like.track_id)
    _leave_shared_pages(undo)
    undo.unloves = _count_unloves(undo)
    return undo


def _list_net_changes(slices: Sequence[Run]) -> list[RunChange]:
    """Return one change for each like; none for what the run itself undid again."""
    first: dict[int, RunChange] = {}
    last: dict[int, str] = {}
    changes = RunChange.objects.filter(run__in=slices)
    for change in changes.select_related("like__track").order_by("pk"):
        first.setdefault(change.like_id, change)
        last[change.like_id] = change.what
    return [change for like_id, change in first.items() if change.what == last[like_id]]


class _Since:
    """What was done since a run to the likes that it changed."""

    def __init__(self, slices: Sequence[Run]) -> None:
        likes = Like.objects.filter(track__likes__changes__run__in=slices)
        in_narada = likes.on(Service.NARADA).filter(state__in=_LIKED)
        self.liked = set(in_narada.values_list("track_id", flat=True))
        changes = RunChange.objects.filter(like__changes__run__in=slices)
        changes = changes.exclude(run__in=slices).order_by("pk")
        self._later = {
            like_id: (pk, by) for like_id, pk, by in changes.values_list("like", "pk", "run")
        }
        mappings = ServiceMapping.objects.filter(track__likes__changes__run__in=slices)
        decided = mappings.on(Service.LASTFM).filter(decided_by=ServiceMapping.DecidedBy.PERSON)
        excluded = likes.on(Service.LASTFM).filter(state=State.EXCLUDED)
        self._decided = _find_latest(
            [
                *decided.values_list("track", "updated_at"),
                *excluded.values_list("track", "updated_at"),
            ]
        )
        # Imports of one user never overlap: what one noted after this run's end is another's.
        ended = slices[-1].ended_at or timezone.now()
        shown = likes.on(Service.SPOTIFY).filter(state=State.PRESENT, confirmed_at__gt=ended)
        merged = mappings.on(Service.SPOTIFY).filter(created_at__gt=ended)
        self._found = {
            *shown.values_list("track", flat=True),
            *merged.values_list("track", flat=True),
        }
        self._from_api = slices[0].kind == Run.Kind.IMPORT

    def find_obstacle(self, change: RunChange) -> str:
        """Say why a change is not to be taken back; "" if it is."""
        like = change.like
        pk, by = self._later.get(like.pk, (0, 0))
        if pk > change.pk:
            return f"run {by} has changed it since"
        decided_at = self._decided.get(like.track_id)
        if decided_at is not None and decided_at > change.at:
            return "a person has decided on it since"
        if change.what == What.ADDED:
            return self._why_not_remove(change)
        if change.what == What.REMOVED:
            return "" if like.state == State.REMOVED else "it is in Narada again"
        if change.what == What.LOVED:
            return "" if _is_ours(change) else "it is not loved by Narada now"
        if like.track_id not in self.liked:
            return "it is no longer liked in Narada"
        return "" if like.state in _TAKEN_BACK else "it is loved again, or waiting to be"

    def _why_not_remove(self, change: RunChange) -> str:
        like = change.like
        if like.state not in _LIKED:
            return "it is no longer in Narada"
        given = self._from_api and not change.was and like.source == Source.FILE
        if given or like.track_id in self._found:
            return "another import has found it since"
        return ""


def _find_latest(rows: Iterable[tuple[int, datetime]]) -> dict[int, datetime]:
    latest: dict[int, datetime] = {}
    for track_id, at in rows:
        latest[track_id] = max(at, latest.get(track_id, at))
    return latest


def _is_ours(change: RunChange) -> bool:
    """Whether a love stands that Narada sent, is sending, or was asked to send again."""
    like = change.like
    if like.state == State.PENDING:
        return change.was in _TAKEN_BACK
    return like.state == State.SENDING or (like.state == State.PRESENT and like.sent_at is not None)


def _leave_shared_pages(undo: Undo) -> None:
    """Leave the loves of pages on which another like stands: those pages stay loved."""
    planned = {change.like.track_id for change in undo.changes[What.LOVED]}
    pages = ServiceMapping.objects.of(undo.run.user).on(Service.LASTFM).accepted()
    left: set[int] = set()
    for chunk in chunked(sorted(planned), CHUNK):
        key_of = dict(pages.filter(track__in=chunk).values_list("track_id", "key"))
        standing = pages.keyed(key_of.values()).filter(
            track__likes__service=Service.LASTFM, track__likes__state=State.PRESENT
        )
        shared = {
            key for key, track_id in standing.values_list("key", "track_id")
            if track_id not in planned
        }  # fmt: skip
        left |= {track_id for track_id, key in key_of.items() if key in shared}
    kept = [change for change in undo.changes[What.LOVED] if change.like.track_id not in left]
    if left:
        undo.skipped["another like stands on its page"] += len(left)
    undo.changes[What.LOVED] = kept


def _count_unloves(undo: Undo) -> int:
    """Count what Narada has loved, or is loving, of what is taken back."""
    tracks = _list_tracks([*undo.changes[What.ADDED], *undo.changes[What.LOVED]])
    ours = Like.objects.of(undo.run.user).on(Service.LASTFM).filter(OURS)
    return sum(ours.filter(track__in=chunk).count() for chunk in chunked(tracks, CHUNK))


def _list_tracks(changes: Collection[RunChange]) -> list[int]:
    return sorted({change.like.track_id for change in changes})


def _carry_out(undo: Undo, started_by: str) -> None:
    """Write the undo as a run of its own, with its changes."""
    run = undo.run
    by = Run.objects.create(
        user=run.user, kind=Run.Kind.UNDO, state=Run.State.DONE, started_by=started_by
    )
    why = f"Taken back with run {run.pk}; Narada does not love it again unless asked."
    for chunk in chunked(undo.changes[What.REMOVED], CHUNK):
        _return_likes(chunk, by)
    for chunk in chunked(undo.changes[What.UNLOVED], CHUNK):
        _love_again(chunk, by)
    for chunk in chunked(undo.changes[What.LOVED], CHUNK):
        stop_loving(Like.objects.filter(pk__in=[change.like_id for change in chunk]), by, why)
    for chunk in chunked(_list_tracks(undo.changes[What.ADDED]), CHUNK):
        end_likes(chunk, by, why)
    by.counts = {"run": run.pk, "taken_back": undo.count, "skipped": undo.skipped.total()}
    by.message = f"Took back run {run.pk}, {run}."
    by.ended_at = timezone.now()
    by.save(update_fields=["counts", "message", "ended_at"])
    undo.undone_by = by
    logger.info("user %s: run %s undone by run %s", run.user_id, run.pk, by.pk)


def _return_likes(changes: Sequence[RunChange], by: Run) -> None:
    for was in {change.was for change in changes}:
        ids = [change.like_id for change in changes if change.was == was]
        likes = Like.objects.filter(pk__in=ids)
        RunChange.objects.record(by, What.ADDED, likes.values_list("pk", "state"))
        likes.update(state=was, removed_at=None, updated_at=timezone.now())


def _love_again(changes: Sequence[RunChange], by: Run) -> None:
    ids = [change.like_id for change in changes]
    for state, again in LOVED_AGAIN.items():
        likes = Like.objects.filter(pk__in=ids, state=state)
        RunChange.objects.record(by, What.LOVED, likes.values_list("pk", "state"))
        likes.update(
            state=again,
            removed_at=None,
            attempts=0,
            next_attempt_at=None,
            last_error="",
            updated_at=timezone.now(),
        )
