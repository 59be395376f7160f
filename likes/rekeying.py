"""Keys made anew where the rules or the names that made them have changed since.

A Checkpoint says by which rules (``keyed_by``) the keys were made that are written under its lease:
that of Spotify's liked songs says it of the tracks, that of Last.fm's loved tracks of the pages.
Cut off halfway, it says of none, and the next run begins again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from django.db import transaction
from django.db.models import CharField, Model, QuerySet
from django.db.models.functions import Cast

from likes.keys import fingerprint, list_listed_keys, list_track_keys, page_key
from likes.leases import hold_lease, save_checkpoint
from likes.models import (
    Checkpoint,
    ListedTrack,
    ListedTrackKey,
    Service,
    ServiceMapping,
    Track,
    TrackKey,
)

logger = logging.getLogger(__name__)

Progress = Callable[[int, int | None, str], None]
R = TypeVar("R", bound=Model)
Listing = Checkpoint.Listing

#: How many rows are given their keys in one transaction.
CHUNK = 500


def renew_keys(checkpoint: Checkpoint, progress: Progress) -> None:
    """Make the keys anew that a run under this lease goes by, if other rules than those of this
    process made them.

    An export looks for pages by the keys of the tracks as well: where those are to be made anew,
    it takes the lease of an import for as long, and raises Busy while one is at work.
    """
    rules = fingerprint()
    if checkpoint.listing == Listing.LOVED and _has_stale_tracks(checkpoint.user_id, rules):
        with hold_lease(checkpoint.user, Listing.SAVED) as saved:
            renew_keys(saved, progress)
    if checkpoint.keyed_by == rules:
        return
    if checkpoint.listing == Listing.SAVED:
        _renew_tracks(checkpoint, progress)
    else:
        _renew_pages(checkpoint)
        _renew_listed(checkpoint, progress)
    save_checkpoint(checkpoint, keyed_by=rules)


def _has_stale_tracks(user_id: int, rules: str) -> bool:
    saved = Checkpoint.objects.filter(user=user_id, listing=Listing.SAVED, keyed_by=rules)
    return not saved.exists() and Track.objects.filter(user=user_id).exists()


def _renew_tracks(checkpoint: Checkpoint, progress: Progress) -> None:
    tracks = Track.objects.filter(user=checkpoint.user_id)
    done, total = 0, tracks.count()
    for chunk in _walk(tracks):
        wanted = {track.pk: list_track_keys(track) for track in chunk}
        with transaction.atomic():
            _doubt(checkpoint)
            _store_keys(TrackKey, "track", checkpoint.user_id, wanted)
        done += len(chunk)
        progress(done, total, "tracks given their keys anew")
    _log(checkpoint, done, "tracks")


def _renew_listed(checkpoint: Checkpoint, progress: Progress) -> None:
    """Drop a row whose page has another key now: the list is counted, and so is read again."""
    rows = ListedTrack.objects.filter(user=checkpoint.user_id)
    done, total = 0, rows.count()
    for chunk in _walk(rows):
        moved = {row.pk for row in chunk if row.key != page_key(row)}
        wanted = {row.pk: list_listed_keys(row) for row in chunk if row.pk not in moved}
        with transaction.atomic():
            _doubt(checkpoint)
            ListedTrack.objects.filter(pk__in=moved).delete()
            _store_keys(ListedTrackKey, "listed", checkpoint.user_id, wanted)
        done += len(chunk)
        progress(done, total, "listed pages given their keys anew")
    _log(checkpoint, done, "listed pages")


def _renew_pages(checkpoint: Checkpoint) -> None:
    """Bring what is known of tracks' pages, a person's decisions too, to the pages' keys of now."""
    pages = ServiceMapping.objects.filter(user=checkpoint.user_id, service=Service.LASTFM)
    for chunk in _walk(pages):
        moved = {page.track_id for page in chunk if page.key != page_key(page)}
        if moved:
            with transaction.atomic():
                _doubt(checkpoint)
                # A person may be deciding on these meanwhile (likes.review).
                list(Track.objects.select_for_update().filter(pk__in=moved).order_by("pk"))
                _move_pages(list(pages.filter(track__in=moved)))
            _log(checkpoint, len(moved), "tracks' pages")


def _move_pages(pages: Sequence[ServiceMapping]) -> None:
    """Give the pages of some tracks the keys of now. Of two of a track that are one page now, the
    accepted one stays, on which a love stands, or else the one that a person decided on."""
    accepted, person = ServiceMapping.Decision.ACCEPTED, ServiceMapping.DecidedBy.PERSON
    best_first = sorted(
        pages, key=lambda one: (one.decision != accepted, one.decided_by != person, one.pk)
    )
    staying: dict[tuple[int, str], ServiceMapping] = {}
    for page in best_first:
        staying.setdefault((page.track_id, page_key(page)), page)
    kept = {page.pk for page in staying.values()}
    rows = ServiceMapping.objects.all()
    rows.filter(pk__in=[page.pk for page in pages if page.pk not in kept]).delete()
    moved = [page for page in staying.values() if page.key != page_key(page)]
    for page in moved:
        page.key = page_key(page)
    # Out of each other's way first: a key may be the one that another page had until now.
    rows.filter(pk__in=[page.pk for page in moved]).update(key=Cast("pk", CharField()))
    rows.bulk_update(moved, ["key"])


def _walk(rows: QuerySet[R]) -> Iterator[list[R]]:
    """Yield all rows, some at a time, in the order in which they were stored."""
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk")[:CHUNK]):
        yield chunk
        last = chunk[-1].pk


def _doubt(checkpoint: Checkpoint) -> None:
    """Say that the keys may differ, and that the lease is still ours: first in each transaction,
    so that a purge, which drops the checkpoint first, waits for its end or ends it."""
    save_checkpoint(checkpoint, keyed_by="")


def _store_keys(
    model: type[TrackKey | ListedTrackKey],
    owner: str,
    user_id: int,
    wanted: Mapping[int, Sequence[str]],
) -> None:
    """Bring the keys of some owners to what is wanted of each. What has none, as a local file that
    names no song, gets none."""
    stored: dict[int, dict[str, int]] = defaultdict(dict)
    rows = model.objects.filter(**{f"{owner}__in": list(wanted)})
    for pk, owner_id, key in rows.values_list("pk", f"{owner}_id", "key"):
        stored[owner_id][key] = pk
    gone = [
        pk
        for owner_id, keys in stored.items()
        for key, pk in keys.items()
        if key not in wanted[owner_id]
    ]
    model.objects.filter(pk__in=gone).delete()
    model.objects.bulk_create(
        model(user_id=user_id, key=key, **{f"{owner}_id": owner_id})
        for owner_id, keys in stored.items()
        for key in wanted[owner_id]
        if key not in keys
    )


def _log(checkpoint: Checkpoint, count: int, what: str) -> None:
    if count:
        logger.info("user %s: keys of %s %s made anew", checkpoint.user_id, count, what)
