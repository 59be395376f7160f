"""What an import would take, found without storing anything."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from connectors.spotify import SpotifyConnector
from connectors.text import count_nouns
from likes.importing.reconciliation import foretell_removals
from likes.importing.track_sync import store_likes
from likes.models import Checkpoint, Service, Source
from likes.runs.summaries import ImportSummary, estimate_minutes


def plan_import(
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
        f"{count_nouns(calls, 'call')}, {estimate_minutes(calls, Service.SPOTIFY)}. "
        "Nothing was stored."
    )
    new = stored.known_rows.count(False)
    if told := foretell_removals(checkpoint, page.total, new, summary, accept_removals):
        summary.message += f" {told}"
