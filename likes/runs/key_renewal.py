"""Keys made anew where the rules or the names that made them have changed since.

A Checkpoint says by which rules (``keyed_by``) the keys were made that are written under its lease:
that of Spotify's liked songs says it of the tracks, that of Last.fm's loved tracks of the user's
lists there. Cut off halfway, it says of none, and the next run begins again. A page's own key
(``matching.name_key``) is none of these: it never changes.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from likes.blocking_keys import fingerprint, list_listed_keys, list_track_keys
from likes.models import Checkpoint, ListedTrack, ListedTrackKey, Track, TrackKey
from likes.models.batches import walk_by_pk
from likes.models.listings import note_change
from likes.runs.leases import hold_lease, save_checkpoint
from likes.runs.summaries import Progress

logger = logging.getLogger(__name__)

Listing = Checkpoint.Listing

#: How many rows are given their keys in one transaction.
CHUNK = 500


@dataclass(frozen=True)
class _Keyed:
    """Rows that have keys, and where those are stored."""

    rows: type[Any]
    list_keys: Callable[[Any], list[str]]
    keys: type[TrackKey | ListedTrackKey]
    owner: str
    name: str


_KEYED = {
    Listing.SAVED.value: _Keyed(Track, list_track_keys, TrackKey, "track", "tracks"),
    Listing.LOVED.value: _Keyed(
        ListedTrack, list_listed_keys, ListedTrackKey, "listed", "listed pages"
    ),
}


def renew_keys(checkpoint: Checkpoint, progress: Progress) -> None:
    """Make the keys anew that a run under this lease goes by, if other rules than those of this
    process made them.

    An export looks for pages by the keys of the tracks as well: where those are to be made anew,
    it takes the lease of an import for as long, and raises Busy while one is at work.
    """
    rules = fingerprint()
    if checkpoint.listing == Listing.LOVED and _has_stale_tracks(checkpoint.user_id, rules):
        refusal = "the keys of the tracks are to be made anew first"
        with hold_lease(checkpoint.user, Listing.SAVED, refusal) as saved:
            _renew(saved, rules, progress)
    _renew(checkpoint, rules, progress)


def _has_stale_tracks(user_id: int, rules: str) -> bool:
    saved = Checkpoint.objects.filter(user=user_id, listing=Listing.SAVED, keyed_by=rules)
    return not saved.exists() and Track.objects.filter(user=user_id).exists()


def _renew(checkpoint: Checkpoint, rules: str, progress: Progress) -> None:
    if checkpoint.keyed_by == rules:
        return
    keyed = _KEYED[checkpoint.listing]
    rows = keyed.rows.objects.filter(user=checkpoint.user_id)
    done, total = 0, rows.count()
    # Likes and pages that did not find each other by the former rules may do so now.
    note_change(checkpoint.user_id)
    for chunk in walk_by_pk(rows, CHUNK):
        with transaction.atomic():
            # First of all: a purge, which drops the checkpoint first, waits for us or ends us.
            save_checkpoint(checkpoint, keyed_by="")
            _store_keys(keyed, checkpoint.user_id, {row.pk: keyed.list_keys(row) for row in chunk})
        done += len(chunk)
        progress(done, total, f"{keyed.name} given their keys anew")
    if done:
        logger.info("user %s: keys of %s %s made anew", checkpoint.user_id, done, keyed.name)
    save_checkpoint(checkpoint, keyed_by=rules)


def _store_keys(keyed: _Keyed, user_id: int, wanted: Mapping[int, Sequence[str]]) -> None:
    """Bring the keys of some owners to what is wanted of each. What has none, as a local file that
    names no song, gets none."""
    stored: dict[int, dict[str, int]] = defaultdict(dict)
    rows = keyed.keys.objects.filter(**{f"{keyed.owner}__in": list(wanted)})
    for pk, owner_id, key in rows.values_list("pk", f"{keyed.owner}_id", "key"):
        stored[owner_id][key] = pk
    gone = [
        pk
        for owner_id, keys in stored.items()
        for key, pk in keys.items()
        if key not in wanted[owner_id]
    ]
    keyed.keys.objects.filter(pk__in=gone).delete()
    keyed.keys.objects.bulk_create(
        keyed.keys(user_id=user_id, key=key, **{f"{keyed.owner}_id": owner_id})
        for owner_id, keys in stored.items()
        for key in wanted[owner_id]
        if key not in keys
    )
