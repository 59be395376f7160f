"""Undo: what a run changed is listed and taken back, and nothing that was done since.

Each change is taken back for itself, if its like is still as the run left it. What is taken back
stays so: a like does not return because Spotify still lists it, but when it is liked there anew;
a love is not sent again unless a person asks. An undo is a run too, so undoing it brings back what
it took back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from likes.like_operations import (
    LIKED,
    OURS,
    TAKEN_BACK,
    end_likes,
    love_again,
    return_likes,
    stop_loving,
)
from likes.models import (
    Checkpoint,
    Like,
    MappingQuerySet,
    Run,
    RunChange,
    Service,
    ServiceMapping,
    Source,
    Track,
)
from likes.models.batches import chunked
from likes.runs.history import list_slices
from likes.runs.leases import Busy, hold_lease, is_working

logger = logging.getLogger(__name__)

State = Like.State
What = RunChange.What

CHUNK = 500

#: What the run did, and what taking it back would do.
MEANING = {
    What.ADDED: "added to Narada; taken back, they end there",
    What.REMOVED: "removed in Narada; taken back, they return",
    What.LOVED: "loved on Last.fm; taken back, they are un-loved",
    What.UNLOVED: "no longer to be loved on Last.fm; taken back, they are loved again",
}


class UnknownRun(Exception):
    """The user has no run of that number."""


class Reversal(NamedTuple):
    """A change that is taken back: its number, its like and track, and the state before it."""

    pk: int
    like_id: int
    track_id: int
    was: str


@dataclass
class Undo:
    """What an undo takes back, by kind, and how many changes it leaves as they are, and why.

    ``run`` is the run that is undone, with all the ``slices`` in which a worker did it;
    ``undone_by`` is the undo itself, where it changed something; ``unloves`` counts the loves
    that the next export takes back on Last.fm.
    """

    run: Run
    slices: list[Run]
    changes: dict[str, list[Reversal]] = field(
        default_factory=lambda: {what: [] for what in What.values}
    )
    skipped: Counter[str] = field(default_factory=Counter)
    unloves: int = 0
    undone_by: Run | None = None

    @property
    def count(self) -> int:
        """How many changes are taken back."""
        return sum(len(changes) for changes in self.changes.values())

    def read_names(self, what: str, most: int | None = None) -> Iterator[str]:
        """Yield the names of the tracks of one kind, at most so many, read some at a time."""
        for chunk in chunked([change.track_id for change in self.changes[what][:most]], CHUNK):
            tracks = Track.objects.in_bulk(chunk)
            yield from (str(tracks[pk]) for pk in chunk)


def undo_run(
    user: User, number: int, *, dry_run: bool = False, started_by: str = "command"
) -> Undo:
    """Take back what the user's run of that number changed, as far as nothing came after it.

    It is one transaction, under both leases. Doing it again finds nothing left to do. Raises
    UnknownRun, and Busy while a run of this user is at work.
    """
    run = find_run(user, number)
    if dry_run:
        return _plan(run)
    with (
        hold_lease(user, Checkpoint.Listing.SAVED),
        hold_lease(user, Checkpoint.Listing.LOVED),
        transaction.atomic(),
    ):
        # A person may be deciding in the pages meanwhile.
        changes = RunChange.objects.filter(run__in=list_slices(run))
        touched = Like.objects.filter(pk__in=changes.values("like")).select_for_update()
        for _ in touched.values_list("pk", flat=True).iterator():
            pass
        undo = _plan(run)
        if undo.count:
            _carry_out(undo, started_by)
    return undo


def find_run(user: User, number: int) -> Run:
    """Return the user's run of that number. Raises UnknownRun, and Busy while it is at work."""
    run = Run.objects.filter(user=user, pk=number).first()
    if run is None:
        raise UnknownRun(f"{user} has no run {number}. The last ones: narada status -u {user}")
    if run.state == Run.State.RUNNING and is_working(user):
        raise Busy(f"Run {number} is still at work; it can be undone when it has ended.")
    return run


def plan_tracks(run: Run, slices: list[Run], tracks: Collection[int]) -> Undo:
    """Return what an undo of the run would take back of these tracks, reading no others than
    those and the ones that share their pages on Last.fm."""
    undo, others = Undo(run, slices), Undo(run, slices)
    _judge(undo, tracks)
    keys = _list_pages(run).filter(track__in=tracks).values_list("key", flat=True)
    sharing = _list_pages(run).keyed(keys).exclude(track__in=tracks)
    _judge(others, list(sharing.values_list("track_id", flat=True)[:CHUNK]))
    _leave_shared_pages(undo, {change.track_id for change in others.changes[What.LOVED]})
    undo.unloves = _count_unloves(undo)
    return undo


def _plan(run: Run) -> Undo:
    """Plan the undo of a whole run. Some tracks at a time are judged: at once, all that is known
    of them would not fit into memory."""
    undo = Undo(run, list_slices(run))
    changes = RunChange.objects.filter(run__in=undo.slices).order_by("pk")
    tracks = dict.fromkeys(changes.values_list("like__track", flat=True).iterator())
    for chunk in chunked(list(tracks), CHUNK):
        _judge(undo, chunk)
    for reversals in undo.changes.values():
        reversals.sort()
    _leave_shared_pages(undo)
    undo.unloves = _count_unloves(undo)
    return undo


def _judge(undo: Undo, tracks: Collection[int]) -> None:
    """Add to an undo what the run did to these tracks and what of it is left, and why."""
    since = _Since(undo.slices, tracks)
    # What is to be loved again has to be liked again first.
    order = [What.REMOVED, What.ADDED, What.LOVED, What.UNLOVED]
    for change in sorted(since.net_changes, key=lambda change: order.index(change.what)):
        obstacle = since.find_obstacle(change)
        if obstacle:
            undo.skipped[obstacle] += 1
            continue
        track_id = change.like.track_id
        undo.changes[change.what].append(Reversal(change.pk, change.like_id, track_id, change.was))
        if change.what == What.REMOVED:
            since.liked.add(track_id)


class _Since:
    """What a run did to some tracks, and what was done to them since.

    ``net_changes`` holds one change for each like; none for what the run itself undid again.
    """

    def __init__(self, slices: Sequence[Run], tracks: Collection[int]) -> None:
        numbers = {run.pk for run in slices}
        likes = Like.objects.filter(track__in=tracks).in_bulk()
        self.liked = {
            like.track_id
            for like in likes.values()
            if like.service == Service.NARADA and like.state in LIKED
        }
        self._later: dict[int, tuple[int, int]] = {}
        first: dict[int, RunChange] = {}
        last: dict[int, str] = {}
        # Not narrowed to runs: a database would read all changes of one instead of these likes'.
        changes = RunChange.objects.filter(like__in=likes)
        for change in sorted(changes, key=lambda change: change.pk):
            change.like = likes[change.like_id]
            if change.run_id in numbers:
                first.setdefault(change.like_id, change)
                last[change.like_id] = change.what
            else:
                self._later[change.like_id] = (change.pk, change.run_id)
        self.net_changes = [change for pk, change in first.items() if change.what == last[pk]]

        mappings = ServiceMapping.objects.filter(track__in=tracks)
        decided = mappings.on(Service.LASTFM).filter(decided_by=ServiceMapping.DecidedBy.PERSON)
        excluded = [
            (like.track_id, like.updated_at)
            for like in likes.values()
            if like.service == Service.LASTFM and like.state == State.EXCLUDED
        ]
        self._decided = _find_latest([*decided.values_list("track", "updated_at"), *excluded])
        # Imports of one user never overlap: what one noted after this run's end is another's.
        ended = slices[-1].ended_at or timezone.now()
        merged = mappings.on(Service.SPOTIFY).filter(created_at__gt=ended)
        self._found = {
            like.track_id
            for like in likes.values()
            if like.service == Service.SPOTIFY
            and like.state == State.PRESENT
            and like.confirmed_at is not None
            and like.confirmed_at > ended
        } | set(merged.values_list("track", flat=True))
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
        return "" if like.state in TAKEN_BACK else "it is loved again, or waiting to be"

    def _why_not_remove(self, change: RunChange) -> str:
        like = change.like
        if like.state not in LIKED:
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
        return change.was in TAKEN_BACK
    return like.state == State.SENDING or (like.state == State.PRESENT and like.sent_at is not None)


def _leave_shared_pages(undo: Undo, others: Collection[int] = ()) -> None:
    """Leave the loves of pages on which another like stands: those pages stay loved.

    ``others`` are tracks whose loves are taken back too, besides those of ``undo``.
    """
    planned = {change.track_id for change in undo.changes[What.LOVED]}
    pages = _list_pages(undo.run)
    left: set[int] = set()
    for chunk in chunked(sorted(planned), CHUNK):
        key_of = dict(pages.filter(track__in=chunk).values_list("track_id", "key"))
        standing = pages.keyed(key_of.values()).whose_like_is(State.PRESENT)
        shared = {
            key for key, track_id in standing.values_list("key", "track_id")
            if track_id not in planned and track_id not in others
        }  # fmt: skip
        left |= {track_id for track_id, key in key_of.items() if key in shared}
    kept = [change for change in undo.changes[What.LOVED] if change.track_id not in left]
    if left:
        undo.skipped["another like stands on its page"] += len(left)
    undo.changes[What.LOVED] = kept


def _list_pages(run: Run) -> MappingQuerySet:
    return ServiceMapping.objects.of(run.user).pages()


def _count_unloves(undo: Undo) -> int:
    """Count what Narada has loved, or is loving, of what is taken back."""
    tracks = _list_tracks([*undo.changes[What.ADDED], *undo.changes[What.LOVED]])
    ours = Like.objects.of(undo.run.user).on(Service.LASTFM).filter(OURS)
    return sum(ours.filter(track__in=chunk).count() for chunk in chunked(tracks, CHUNK))


def _list_tracks(changes: Collection[Reversal]) -> list[int]:
    return sorted({change.track_id for change in changes})


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
        love_again(Like.objects.filter(pk__in=[change.like_id for change in chunk]), by)
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


def _return_likes(changes: Sequence[Reversal], by: Run) -> None:
    for was in {change.was for change in changes}:
        ids = [change.like_id for change in changes if change.was == was]
        return_likes(Like.objects.filter(pk__in=ids), was, by)
