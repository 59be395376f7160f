"""The high-level operations: import, export, verify. Each writes its Run and returns a Summary.

They take a user, are asked for by commands, tasks and pages alike, and never raise what a service
or another run did: the summary says how it ended, and everything not done is still pending.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from connectors.account_export import read_likes
from connectors.records import LikedTrack
from connectors.spotify import SpotifyConnector
from connectors.text import count_nouns
from likes.accounts import user_clients
from likes.accounts.app_clients import CredentialsMissing, NotConnected
from likes.exporting.export import Export
from likes.exporting.plan import plan_export
from likes.importing.reconciliation import foretell_removals, reconcile
from likes.importing.spotify_walk import Walk, walk_saved_tracks
from likes.importing.track_sync import drop_ids_of_others, store_likes
from likes.models import Checkpoint, Like, Run, Service, Source
from likes.runs.frame import hold_run_lease, keep_run
from likes.runs.summaries import (
    ExportSummary,
    ImportSummary,
    Progress,
    SliceDone,
    Summary,
    TimeIsUp,
    VerifySummary,
)
from likes.verification import verify

S = TypeVar("S", bound=Summary)

#: A file is read whole before anything is stored; its rows are stored this many at a time.
FILE_BATCH = 500


def _silent(done: int, total: int | None, text: str) -> None:
    """Report progress to nobody."""


def _never() -> bool:
    """Say that a run which is no slice may take its time."""
    return False


class Counting(Protocol):
    @property
    def calls(self) -> int: ...


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
        with _counting_calls(summary, connector):
            if dry_run:
                _plan_import(user, connector, summary, limit, batch_size, accept_removals)
                return summary
            with hold_run_lease(run, Checkpoint.Listing.SAVED, progress or _silent) as checkpoint:
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
                    progress=progress or _silent,
                )
                try:
                    walk_saved_tracks(walk, full)
                    reconcile(walk)
                except SliceDone:
                    summary.more = True
                summary.complete = checkpoint.complete and checkpoint.head == 0
        user_clients.note_answer(user, Service.SPOTIFY)
    return summary


def _plan_import(
    user: User,
    connector: SpotifyConnector,
    summary: ImportSummary,
    limit: int | None,
    batch_size: int,
    accept_removals: bool,
) -> None:
    """Read one page and say what an import would take; nothing is stored."""
    listing = Checkpoint.Listing.SAVED
    checkpoint = Checkpoint.objects.filter(user=user, listing=listing).first()
    checkpoint = checkpoint or Checkpoint(user=user, listing=listing)
    page = connector.get_liked_page(0, min(batch_size, limit or batch_size))
    with transaction.atomic():
        stored = store_likes(user, page.items, Source.API)
        transaction.set_rollback(True)
    summary.seen = len(page.items)
    summary.imported, summary.merged = stored.imported, stored.merged
    summary.already_known, summary.unavailable = stored.already_known, stored.unavailable
    summary.total_on_spotify = page.total
    wanted = page.total if limit is None else min(limit, page.total)
    known_below = 0 if not checkpoint.position else checkpoint.position
    reached = bool(stored.known_rows) and stored.known_rows[-1]
    left = 0 if reached and checkpoint.complete else max(0, wanted - known_below - len(page.items))
    calls = 1 + -(-left // batch_size)
    summary.complete = reached and checkpoint.complete
    summary.message = (
        f"Would read {len(page.items) + left:,} of {count_nouns(page.total, 'liked song')} in "
        f"{count_nouns(calls, 'call')}, {_minutes(calls, Service.SPOTIFY)}. Nothing was stored."
    )
    new = stored.known_rows.count(False)
    if told := foretell_removals(checkpoint, page.total, new, summary, accept_removals):
        summary.message += f" {told}"


def _minutes(calls: int, service: Service) -> str:
    rates = {
        Service.SPOTIFY: settings.SPOTIFY_REQUESTS_PER_SECOND,
        Service.LASTFM: settings.LASTFM_REQUESTS_PER_SECOND,
    }
    minutes = calls / rates[service] / 60 if rates[service] > 0 else 0
    return "less than a minute" if minutes < 1 else f"about {minutes:,.0f} min"


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
                others = _store_file(user, items, summary, progress or _silent, None)
                transaction.set_rollback(True)
        else:
            with hold_run_lease(run, Checkpoint.Listing.SAVED, progress or _silent):
                others = _store_file(user, items, summary, progress or _silent, run)
        summary.complete = True
        told = [likes.note, _why_unavailable(items), _tell_others_ids(others)]
        summary.message = "; ".join(filter(None, told))
    return summary


def _store_file(
    user: User,
    items: Sequence[LikedTrack],
    summary: ImportSummary,
    progress: Progress,
    run: Run | None,
) -> int:
    """Store the rows of a file; return how many have an id under which another song is known."""
    others = 0
    for start in range(0, len(items), FILE_BATCH):
        with transaction.atomic():
            batch, dropped = drop_ids_of_others(user, items[start : start + FILE_BATCH])
            stored = store_likes(user, batch, Source.FILE, run)
        others += dropped
        summary.seen += len(stored.known_rows)
        summary.imported += stored.imported
        summary.already_known += stored.already_known
        summary.unavailable += stored.unavailable
        summary.merged += stored.merged
        progress(summary.seen, len(items), "rows stored")
    return others


def _tell_others_ids(count: int) -> str:
    if not count:
        return ""
    rows = count_nouns(count, "row")
    return f"{rows} read without Spotify ids, under which Narada knows other songs"


def _why_unavailable(items: Sequence[LikedTrack]) -> str:
    """Say in a few words why rows name no track; "" where all do."""
    reasons = Counter(
        # "row 17 has no title": the rows differ, the reason does not.
        re.sub(r"^row [\d,]+:? ", "", item.unavailable)
        for item in items
        if item.track is None
    )
    said = ", ".join(f"{count:,}: {reason}" for reason, count in reasons.most_common(3))
    return f"unavailable: {said}" if said else ""


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
) -> ExportSummary:
    """Love on Last.fm what is liked in Narada and not loved there yet, oldest like first.

    ``limit`` sends at most so many loves; ``time_is_up`` is asked after each batch: True ends the
    slice, with ``more`` set. What is already loved is adopted without a call of its own.
    """
    pending = Like.objects.of(user).pending_on(Service.LASTFM).count()
    summary = ExportSummary(candidates=pending, remaining=pending)
    with keep_run(user, Run.Kind.EXPORT, summary, started_by, dry_run) as run:
        connector = user_clients.lastfm_connector(user)
        with (
            _counting_calls(summary, connector),
            hold_run_lease(run, Checkpoint.Listing.LOVED, progress or _silent) as checkpoint,
        ):
            if dry_run:
                plan_export(
                    user, connector, summary, limit, lambda calls: _minutes(calls, Service.LASTFM)
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
                    progress=progress or _silent,
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
            _counting_calls(summary, lastfm),
            _counting_calls(summary, spotify),
            hold_run_lease(run, Checkpoint.Listing.LOVED, progress or _silent),
        ):
            verify(user, spotify, lastfm, summary, progress or _silent)
    return summary


@contextmanager
def _counting_calls(
    summary: ImportSummary | ExportSummary | VerifySummary, connector: Counting | None
) -> Iterator[None]:
    try:
        yield
    finally:
        summary.api_calls += connector.calls if connector else 0
