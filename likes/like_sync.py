"""The high-level operations: import, export, verify. Each writes its Run and returns a Summary.

They take a user, are asked for by commands, tasks and pages alike, and never raise what a service
or another run did: the summary says how it ended, and everything not done is still pending.
"""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from connectors.files import read_likes
from likes.accounts import user_clients
from likes.accounts.credentials import CredentialsMissing, NotConnected
from likes.exporting.export import Export
from likes.exporting.plan import plan_export
from likes.importing.from_file import explain_unavailable, store_file, tell_others_ids
from likes.importing.plan import plan_import
from likes.importing.reconciliation import reconcile
from likes.importing.spotify_walk import Walk, walk_saved_tracks
from likes.like_operations import TO_SEND
from likes.models import Checkpoint, Like, Run, Service
from likes.runs.frame import counting_calls, hold_run_lease, keep_run
from likes.runs.summaries import (
    ExportSummary,
    ImportSummary,
    Progress,
    SliceDone,
    TimeIsUp,
    VerifySummary,
    estimate_minutes,
    silent,
)
from likes.verification import verify


def _never() -> bool:
    """Say that a run which is no slice may take its time."""
    return False


def import_likes(
    user: User,
    *,
    limit: int | None = None,
    batch_size: int = 50,
    full: bool = False,
    dry_run: bool = False,
    accept_removals: bool = False,
    started_by: str = "command",
    progress: Progress | None = None,
    time_is_up: TimeIsUp | None = None,
) -> ImportSummary:
    """Bring the user's liked songs on Spotify into Narada, each time only what is new.

    ``limit`` takes exactly the most recent ones; ``full`` reads the whole list again;
    ``time_is_up`` is asked after each page: True ends the slice, with ``more`` set.
    """
    summary = ImportSummary()
    with keep_run(user, Run.Kind.IMPORT, summary, started_by, dry_run) as run:
        connector = user_clients.spotify_connector(user)
        with counting_calls(summary, connector):
            if dry_run:
                plan_import(user, connector, summary, limit, batch_size, accept_removals)
                return summary
            with hold_run_lease(run, Checkpoint.Listing.SAVED, progress or silent) as checkpoint:
                walk = Walk(
                    user=user,
                    connector=connector,
                    checkpoint=checkpoint,
                    summary=summary,
                    run=run,
                    page_size=min(batch_size, limit or batch_size),
                    limit=limit,
                    time_is_up=time_is_up,
                    accept_removals=accept_removals,
                    progress=progress or silent,
                )
                # Once it may be the service; what the last run met, too, may be one song.
                met = checkpoint.last_error or walk.list_unreadable().exists()
                connector.reads_around = bool(met)
                try:
                    walk_saved_tracks(walk, full)
                    reconcile(walk)
                except SliceDone:
                    summary.more = True
                else:
                    told = [summary.message, walk.tell_unreadable()]
                    summary.message = " ".join(filter(None, told))
                summary.complete = checkpoint.complete and checkpoint.head == 0
        user_clients.note_answer(user, Service.SPOTIFY)
    return summary


def import_file(
    user: User,
    path: Path,
    *,
    limit: int | None = None,
    dry_run: bool = False,
    started_by: str = "command",
    progress: Progress | None = None,
) -> ImportSummary:
    """Import the likes that a file holds; every row is accounted for.

    Raises FileRejected, with nothing written, for a file that is of no known kind or broken.
    """
    likes = read_likes(path)
    items = list(likes.items)
    if limit is not None:
        if all(item.liked_at for item in items):
            items.sort(key=lambda item: item.liked_at, reverse=True)  # type: ignore[arg-type, return-value]
        items = items[:limit]
    summary = ImportSummary()
    with keep_run(user, Run.Kind.FILE, summary, started_by, dry_run) as run:
        if dry_run:
            with transaction.atomic():
                others = store_file(user, items, summary, progress or silent, None)
                transaction.set_rollback(True)
        else:
            with hold_run_lease(run, Checkpoint.Listing.SAVED, progress or silent):
                others = store_file(user, items, summary, progress or silent, run)
        summary.complete = True
        told = [likes.note, explain_unavailable(items), tell_others_ids(others)]
        summary.message = "; ".join(filter(None, told))
    return summary


def export_likes(
    user: User,
    *,
    limit: int | None = None,
    batch_size: int = 20,
    dry_run: bool = False,
    accept_removals: bool = False,
    started_by: str = "command",
    progress: Progress | None = None,
    time_is_up: TimeIsUp | None = None,
    must_end: TimeIsUp | None = None,
) -> ExportSummary:
    """Love on Last.fm what is liked in Narada and not loved there yet, oldest like first.

    ``limit`` sends at most so many loves; ``time_is_up`` is asked after each batch: True ends the
    slice, with ``more`` set, once the batches under way are loved. ``must_end`` is asked after each
    love: True leaves those that were not sent to the next slice. What is already loved is adopted
    without a call of its own.
    """
    pending = Like.objects.of(user).on(Service.LASTFM).filter(state__in=TO_SEND).count()
    summary = ExportSummary(candidates=pending, remaining=pending)
    with keep_run(user, Run.Kind.EXPORT, summary, started_by, dry_run) as run:
        connector = user_clients.lastfm_connector(user)
        with (
            counting_calls(summary, connector),
            hold_run_lease(run, Checkpoint.Listing.LOVED, progress or silent) as checkpoint,
        ):
            if dry_run:
                plan_export(
                    user,
                    connector,
                    summary,
                    limit,
                    lambda calls: estimate_minutes(calls, Service.LASTFM),
                )
            else:
                Export(
                    user=user,
                    connector=connector,
                    checkpoint=checkpoint,
                    summary=summary,
                    noted_as=run,
                    batch_size=batch_size,
                    limit=limit,
                    accept_removals=accept_removals,
                    time_is_up=time_is_up or _never,
                    must_end=must_end or _never,
                    progress=progress or silent,
                ).run()
        user_clients.note_answer(user, Service.LASTFM)
    return summary


def verify_likes(
    user: User, *, started_by: str = "command", progress: Progress | None = None
) -> VerifySummary:
    """Read both services whole and say whether they hold what Narada believes. Changes no like."""
    summary = VerifySummary()
    with keep_run(user, Run.Kind.VERIFY, summary, started_by, False) as run:
        lastfm = user_clients.lastfm_connector(user)
        try:
            spotify = user_clients.spotify_connector(user)
        except (NotConnected, CredentialsMissing):
            spotify = None  # likes from files alone can be verified all the same
        with (
            counting_calls(summary, lastfm),
            counting_calls(summary, spotify),
            hold_run_lease(run, Checkpoint.Listing.LOVED, progress or silent),
        ):
            verify(user, spotify, lastfm, summary, progress or silent)
    return summary
