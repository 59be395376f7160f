"""A user's own lists on Last.fm, kept as rows: what they love, and the spellings they scrobble.

Reading stops as soon as the rows known add up to what Last.fm counts, so that a quiet list costs
one call of 1,000 rows; a list that shrank is read whole, and only then rows are dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from enum import Enum
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from connectors.errors import TemporaryError
from connectors.lastfm import LastfmConnector, Page
from connectors.lastfm_answers import ShortPage
from connectors.records import LibraryPage, LovedPage, LovedTrack, ScrobbledTrack
from likes.keys import list_listed_keys
from likes.leases import checkpoint_of
from likes.models import Checkpoint, ListedTrack, ListedTrackKey
from likes.questions import find_most
from matching import name_key

T = TypeVar("T")
LIBRARY_KEPT = timedelta(days=1)
Listing = ListedTrack.Listing


def store_listed(
    user: User, listing: Listing, items: Sequence[LovedTrack | ScrobbledTrack], reading: int
) -> int:
    """Store rows of a list, and that this reading showed them; return how many are new."""
    rows = {name_key(item.artist, item.title): item for item in items}
    known = {
        row.key: row
        for row in ListedTrack.objects.filter(user=user, listing=listing, key__in=list(rows))
    }
    fresh, changed, unchanged = [], [], []
    for key, item in rows.items():
        row = ListedTrack(
            user=user, listing=listing, key=key, artist=item.artist, title=item.title, seen=reading
        )
        if isinstance(item, LovedTrack):
            row.loved_at = item.loved_at
        else:
            row.playcount, row.duration_ms = item.playcount, item.duration_ms
        if key not in known:
            fresh.append(row)
            continue
        row.pk = known[key].pk
        same = _facts(row) == _facts(known[key])
        (unchanged if same else changed).append(row)
    ListedTrack.objects.bulk_create(fresh)
    ListedTrackKey.objects.bulk_create(
        ListedTrackKey(listed=row, user=user, key=key)
        for row in fresh
        for key in list_listed_keys(row)
    )
    ListedTrack.objects.bulk_update(
        changed, ["artist", "title", "loved_at", "playcount", "duration_ms", "seen"]
    )
    ListedTrack.objects.filter(pk__in=[row.pk for row in unchanged]).update(seen=reading)
    return len(fresh)


def _facts(row: ListedTrack) -> tuple[object, ...]:
    return row.artist, row.title, row.loved_at, row.playcount, row.duration_ms


class Reading(Enum):
    """What a reading of the loved list came to, and so what a row that it does not show means."""

    WHOLE = "it is not loved"
    LACKING = "it may be one that Last.fm counts and never shows"
    MOVED = "nothing, as the list moved while it was read"


def read_loved(
    user: User, connector: LastfmConnector, set_aside: Callable[[Sequence[str]], None]
) -> Reading:
    """Bring the stored loved list up to date.

    ``set_aside`` is told why rows cannot be read. They count as lacking: what is not shown may be
    one of them. Where Last.fm shows a few rows less than it counts, ShortPage is raised, as for any
    answer that cannot be right; from the next run on that many are known to be lacking.
    """
    checkpoint = checkpoint_of(user, Checkpoint.Listing.LOVED)
    reading = checkpoint.reading + 1
    totals: set[int] = set()
    lacking = 0
    page_number, total_pages = 1, 1
    before: LovedPage | None = None
    while page_number <= total_pages:
        page = _get_loved_page(connector, page_number, checkpoint)
        check_not_repeated(page, before)
        set_aside(page.unreadable)
        totals.add(page.total)
        lacking += page.lacking + len(page.unreadable)
        total_pages, before = page.total_pages, page
        with transaction.atomic():
            store_listed(user, Listing.LOVED, page.items, reading)
            Checkpoint.objects.filter(pk=checkpoint.pk).update(
                reading=reading, total=page.total, read_at=timezone.now()
            )
        known = _count(user, Listing.LOVED) + checkpoint.unexplained
        if checkpoint.complete and page_number < total_pages and known == page.total:
            return Reading.LACKING if checkpoint.lacking or lacking else Reading.WHOLE
        page_number += 1
    if not _finish_reading(user, Listing.LOVED, checkpoint, reading, totals):
        return Reading.MOVED
    # A later reading may stop before it comes to them.
    kept = max(checkpoint.lacking, lacking) if lacking else 0
    Checkpoint.objects.filter(pk=checkpoint.pk).update(lacking=kept)
    return Reading.LACKING if lacking else Reading.WHOLE


def check_not_repeated(page: Page, before: Page | None) -> None:
    """Raise TemporaryError for a page that shows the rows of the one before: it has no end."""
    if before is not None and page.items and page.items == before.items:
        raise TemporaryError(
            f"Last.fm's pages do not fit together: page {page.page} repeats the one before.",
            service="lastfm",
        )


def _get_loved_page(connector: LastfmConnector, number: int, checkpoint: Checkpoint) -> LovedPage:
    try:
        return connector.get_loved_page(number, lacking=checkpoint.lacking)
    except ShortPage as short:
        # A great many are a fault of the service, however often it is met.
        if short.lacking <= find_most(checkpoint.total or 0):
            Checkpoint.objects.filter(pk=checkpoint.pk).update(lacking=short.lacking)
        raise


def _count(user: User, listing: Listing) -> int:
    return ListedTrack.objects.filter(user=user, listing=listing).count()


def _finish_reading(
    user: User, listing: Listing, checkpoint: Checkpoint, reading: int, totals: set[int]
) -> bool:
    """After the last page: drop what the whole reading did not show, if the list stood still."""
    stood_still = len(totals) == 1
    with transaction.atomic():
        if stood_still:
            ListedTrack.objects.filter(user=user, listing=listing).exclude(seen=reading).delete()
        known = _count(user, listing)
        Checkpoint.objects.filter(pk=checkpoint.pk).update(
            complete=stood_still or checkpoint.complete,
            unexplained=max(totals, default=0) - known if stood_still else checkpoint.unexplained,
        )
    return stood_still


def read_library(
    user: User,
    connector: LastfmConnector,
    count_unsettled: Callable[[], int],
    set_aside: Callable[[Sequence[str]], None],
) -> None:
    """Read the spellings the user scrobbles, most played first, while the pages that are left
    cost fewer calls than looking up what is still unsettled; what was read is kept for a day.

    ``count_unsettled`` settles what the rows stored so far can, and says how much is left;
    ``set_aside`` is told why rows cannot be read. A list that is empty of a sudden is not believed.
    """
    unsettled = count_unsettled()
    checkpoint = checkpoint_of(user, Checkpoint.Listing.LIBRARY)
    now = timezone.now()
    fresh = checkpoint.read_at is not None and now - checkpoint.read_at < LIBRARY_KEPT
    if fresh and checkpoint.complete:
        return
    page_number = checkpoint.position + 1 if fresh else 1
    reading = checkpoint.reading if fresh else checkpoint.reading + 1
    total_pages = -(-(checkpoint.total or 1) // 1000)
    before: LibraryPage | None = None
    while page_number <= total_pages and total_pages - page_number < unsettled:
        page = connector.get_library_page(page_number)
        check_not_repeated(page, before)
        set_aside(page.unreadable)
        if not page.total and _count(user, Listing.LIBRARY):
            return
        total_pages, before = page.total_pages, page
        done = page_number >= total_pages
        with transaction.atomic():
            store_listed(user, Listing.LIBRARY, page.items, reading)
            Checkpoint.objects.filter(pk=checkpoint.pk).update(
                reading=reading,
                total=page.total,
                position=page_number,
                complete=done,
                read_at=now,
            )
            if done:
                ListedTrack.objects.filter(user=user, listing=Listing.LIBRARY).exclude(
                    seen=reading
                ).delete()
        page_number += 1
        unsettled = count_unsettled()


def candidates_for(
    user: User, listing: Listing, keys_by_track: dict[int, set[str]]
) -> dict[int, list[ListedTrack]]:
    """Return for each track id the listed rows that share a blocking key, most played first."""
    wanted: dict[str, list[int]] = {}
    for track_id, keys in keys_by_track.items():
        for key in keys:
            wanted.setdefault(key, []).append(track_id)
    found: dict[int, dict[int, ListedTrack]] = {}
    for chunk in chunked(list(wanted), 500):
        rows = ListedTrackKey.objects.filter(
            user=user, key__in=chunk, listed__listing=listing
        ).select_related("listed")
        for row in rows:
            for track_id in wanted[row.key]:
                found.setdefault(track_id, {})[row.listed_id] = row.listed
    return {
        track_id: sorted(rows.values(), key=lambda row: (-row.playcount, row.pk))
        for track_id, rows in found.items()
    }


def chunked(items: Sequence[T], size: int) -> Iterable[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
