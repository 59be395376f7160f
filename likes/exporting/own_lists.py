"""A user's own lists on Last.fm, kept as rows: what they love, and the spellings they scrobble.

Reading stops as soon as the rows known add up to what Last.fm counts, so that a quiet list costs
one call of 1,000 rows; a list that shrank is read whole, and only then rows are dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from itertools import chain
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from connectors.errors import TemporaryError
from connectors.lastfm import LastfmConnector, Page
from connectors.lastfm_parsing import ShortPage
from connectors.records import LibraryPage, LovedPage, LovedTrack, ScrobbledTrack
from connectors.text import count_nouns
from likes.blocking_keys import list_listed_keys
from likes.models import Checkpoint, ListedTrack, ListedTrackKey
from likes.models.batches import chunked
from likes.models.listings import note_change
from likes.runs.leases import checkpoint_of
from likes.runs.removal_questions import find_most
from likes.runs.summaries import SliceDone, TimeIsUp
from matching import name_key

LIBRARY_KEPT = timedelta(days=1)
#: Rows a page, as the connector asks for.
PAGE = 1000
#: A reading of the loved list that was cut off goes on within this, else it begins again.
GOES_ON_WITHIN = timedelta(hours=1)
Listing = ListedTrack.Listing


@dataclass
class News:
    """What readings found new in a user's lists.

    ``pages`` are the keys of loved pages that came, changed or went; ``keys`` are the blocking keys
    of rows of either list that came or went, under which tracks are found that may be those;
    ``unreadable`` says why rows were set aside.
    """

    pages: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def tell_unreadable(self) -> str:
        """Return a sentence for the user; "" where all could be read."""
        if not self.unreadable:
            return ""
        many = len(self.unreadable) > 1
        rows = count_nouns(len(self.unreadable), "row")
        why = min(self.unreadable).rpartition(": ")[2]
        return (
            f"{rows} of Last.fm's lists could not be read and {'were' if many else 'was'} left out "
            f"({why})"
        )


def store_listed(
    user: User,
    listing: Listing,
    items: Sequence[LovedTrack | ScrobbledTrack],
    reading: int,
    news: News | None = None,
) -> int:
    """Store rows of a list, and that this reading showed them; return how many are new.

    What changed is noted, and added to ``news``.
    """
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
    keys = {row.key: list_listed_keys(row) for row in fresh}
    ListedTrackKey.objects.bulk_create(
        ListedTrackKey(listed=row, user=user, key=key) for row in fresh for key in keys[row.key]
    )
    loved = [row for row in changed if row.loved_at != known[row.key].loved_at]
    renamed = [row for row in changed if _names(row) != _names(known[row.key])]
    keys |= {row.key: list_listed_keys(row) for row in renamed}
    if keys or loved:
        note_change(user.pk, listing)
        _add_news(news, listing, [*keys, *(row.key for row in loved)], chain(*keys.values()))
    ListedTrack.objects.bulk_update(
        changed, ["artist", "title", "loved_at", "playcount", "duration_ms", "seen"]
    )
    ListedTrack.objects.filter(pk__in=[row.pk for row in unchanged]).update(seen=reading)
    return len(fresh)


def _add_news(
    news: News | None, listing: Listing, pages: Iterable[str], keys: Iterable[str]
) -> None:
    if news is not None:
        news.keys.update(keys)
        if listing == Listing.LOVED:
            news.pages.update(pages)


def _drop_unseen(user: User, listing: Listing, reading: int, news: News | None) -> None:
    """Drop the rows that a whole reading did not show."""
    rows = ListedTrack.objects.filter(user=user, listing=listing)
    drop_listed(user, listing, rows.exclude(seen=reading), news)


def drop_listed(
    user: User, listing: Listing, rows: QuerySet[ListedTrack], news: News | None = None
) -> None:
    """Drop rows of a list; that they went is noted, and added to ``news``."""
    gone = dict(rows.values_list("pk", "key"))
    if not gone:
        return
    note_change(user.pk, listing)
    for chunk in chunked(list(gone), 500):
        keys = ListedTrackKey.objects.filter(listed__in=chunk).values_list("key", flat=True)
        _add_news(news, listing, [gone[pk] for pk in chunk], keys)
        ListedTrack.objects.filter(pk__in=chunk).delete()


def _names(row: ListedTrack) -> tuple[str, str]:
    return row.artist, row.title


def _facts(row: ListedTrack) -> tuple[object, ...]:
    return row.artist, row.title, row.loved_at, row.playcount, row.duration_ms


class Reading(Enum):
    """What a reading of the loved list came to, and so what a row that it does not show means."""

    WHOLE = "it is not loved"
    LACKING = "it may be one that Last.fm counts and never shows"
    MOVED = "nothing, as the list moved while it was read"


def read_loved(
    user: User, connector: LastfmConnector, news: News, time_is_up: TimeIsUp = lambda: False
) -> Reading:
    """Bring the stored loved list up to date.

    Rows that cannot be read count as lacking: what is not shown may be one of them. Where Last.fm
    shows a few rows less than it counts, ShortPage is raised, as for any answer that cannot be
    right; from the next run on that many are known to be lacking.

    Raise SliceDone when time is up before the end; a reading soon after goes on from there. As a
    love enters the list at its head, a list of one total all along hides no row from that.
    """
    checkpoint = checkpoint_of(user, Checkpoint.Listing.LOVED)
    so_far = _take_unfinished(checkpoint)
    reading = checkpoint.reading + (not so_far)
    totals: set[int] = set(so_far.get("totals", ()))
    lacking: int = so_far.get("lacking", 0)
    page_number: int = so_far.get("pages", 0) + 1
    known = ListedTrack.objects.filter(user=user, listing=Listing.LOVED).count()
    total_pages = page_number
    before: LovedPage | None = None
    while page_number <= total_pages:
        if before is not None and time_is_up():
            raise SliceDone
        page = _get_loved_page(connector, page_number, checkpoint)
        check_not_repeated(page, before)
        news.unreadable.update(page.unreadable)
        totals.add(page.total)
        lacking += page.lacking + len(page.unreadable)
        total_pages, before = page.total_pages, page
        so_far = {"pages": page_number, "totals": sorted(totals), "lacking": lacking}
        with transaction.atomic():
            known += store_listed(user, Listing.LOVED, page.items, reading, news)
            adds_up = known + checkpoint.unexplained == page.total
            enough = checkpoint.complete and page_number < total_pages and adds_up
            Checkpoint.objects.filter(pk=checkpoint.pk).update(
                reading=reading,
                total=page.total,
                read_at=timezone.now(),
                unfinished=None if enough or page_number >= total_pages else so_far,
            )
        if enough:
            return Reading.LACKING if checkpoint.lacking or lacking else Reading.WHOLE
        page_number += 1
    if not _finish_reading(user, checkpoint, reading, totals, news):
        return Reading.MOVED
    # A later reading may stop before it comes to them.
    kept = max(checkpoint.lacking, lacking) if lacking else 0
    Checkpoint.objects.filter(pk=checkpoint.pk).update(lacking=kept)
    return Reading.LACKING if lacking else Reading.WHOLE


def _take_unfinished(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a reading of a short while ago left; it is stored again when a page was read, so
    a page that cannot be read is not asked for in each run."""
    read_at, so_far = checkpoint.read_at, checkpoint.unfinished
    Checkpoint.objects.filter(pk=checkpoint.pk, unfinished__isnull=False).update(unfinished=None)
    recent = read_at is not None and timezone.now() - read_at < GOES_ON_WITHIN
    return so_far if recent and isinstance(so_far, dict) else {}


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


def _finish_reading(
    user: User, checkpoint: Checkpoint, reading: int, totals: set[int], news: News | None
) -> bool:
    """After the last page: drop what the whole reading did not show, if the list stood still."""
    stood_still = len(totals) == 1
    with transaction.atomic():
        if stood_still:
            _drop_unseen(user, Listing.LOVED, reading, news)
        known = ListedTrack.objects.filter(user=user, listing=Listing.LOVED).count()
        Checkpoint.objects.filter(pk=checkpoint.pk).update(
            complete=stood_still or checkpoint.complete,
            unexplained=max(totals, default=0) - known if stood_still else checkpoint.unexplained,
        )
    return stood_still


def is_library_due(user: User) -> bool:
    """Whether the spellings the user scrobbles are to be read, as they are not kept of today."""
    checkpoint = checkpoint_of(user, Checkpoint.Listing.LIBRARY)
    return not (checkpoint.complete and _is_of_today(checkpoint))


def has_library_begun(user: User) -> bool:
    """Whether a slice of today began to read those spellings, and this one goes on."""
    checkpoint = checkpoint_of(user, Checkpoint.Listing.LIBRARY)
    return checkpoint.unfinished is not None and _is_of_today(checkpoint)


def _is_of_today(checkpoint: Checkpoint) -> bool:
    return checkpoint.read_at is not None and timezone.now() - checkpoint.read_at < LIBRARY_KEPT


def read_library(
    user: User,
    connector: LastfmConnector,
    names: Counter[str],
    limit: int | None,
    news: News,
    time_is_up: TimeIsUp = lambda: False,
) -> None:
    """Read the spellings the user scrobbles, most played first, while the pages that are left
    cost fewer calls than looking up the ``names`` that are not among them; kept for a day.

    ``names`` are page keys of tracks, each with how many tracks have it; of ``limit`` at most the
    page is asked for. Only what is there to the letter counts as found: an exact name on a later
    page outranks what is nearly it on an earlier one. A list that is empty of a sudden is not
    believed. Raise SliceDone when time is up before the end; the next reading goes on from there.
    """
    checkpoint = checkpoint_of(user, Checkpoint.Listing.LIBRARY)
    now = timezone.now()
    fresh = _is_of_today(checkpoint)
    page_number = checkpoint.position + 1 if fresh else 1
    reading = checkpoint.reading if fresh else checkpoint.reading + 1
    total_pages = -(-(checkpoint.total or 1) // PAGE)
    before: LibraryPage | None = None
    wanted = Counter(names)
    rows = ListedTrack.objects.filter(user=user, listing=Listing.LIBRARY)
    for chunk in chunked(list(wanted), 500):
        for key in rows.filter(key__in=chunk).values_list("key", flat=True):
            del wanted[key]

    def count_wanted() -> int:
        return wanted.total() if limit is None else min(wanted.total(), limit)

    while page_number <= total_pages and total_pages - page_number < count_wanted():
        if before is not None and time_is_up():
            Checkpoint.objects.filter(pk=checkpoint.pk).update(
                unfinished={"pages": page_number - 1}
            )
            raise SliceDone
        page = connector.get_library_page(page_number)
        check_not_repeated(page, before)
        news.unreadable.update(page.unreadable)
        if (
            not page.total
            and ListedTrack.objects.filter(user=user, listing=Listing.LIBRARY).exists()
        ):
            return
        total_pages, before = page.total_pages, page
        done = page_number >= total_pages
        with transaction.atomic():
            store_listed(user, Listing.LIBRARY, page.items, reading, news)
            Checkpoint.objects.filter(pk=checkpoint.pk).update(
                reading=reading,
                total=page.total,
                position=page_number,
                complete=done,
                unfinished=None,
                read_at=now,
            )
            if done:
                _drop_unseen(user, Listing.LIBRARY, reading, news)
        for item in page.items:
            del wanted[name_key(item.artist, item.title)]
        page_number += 1


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
