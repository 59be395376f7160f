"""Walks of Spotify's liked songs: a list that moves while it is read.

New likes come in at its head and push the rest down, unlikes pull it up. So no offset is trusted:
where a walk goes on, the last row known before (the anchor) has to be found again, and in the end
the rows known must add up to the total that Spotify gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from connectors.records import LikedPage
from connectors.spotify import SpotifyConnector
from likes.leases import save_checkpoint
from likes.models import (
    Checkpoint,
    MappingQuerySet,
    Run,
    Service,
    ServiceMapping,
    Source,
    SyncSettings,
)
from likes.questions import close_question, find_most, may_remove
from likes.removals import Inconclusive, find_missing
from likes.summaries import NEEDS_A_PERSON, ImportSummary
from likes.track_sync import item_key, store_likes
from likes.unlikes import mark_removed_on_spotify, unlist

Progress = Callable[[int, int | None, str], None]

#: Slices that follow each other sooner than this are one walk.
SLICE_PAUSE = timedelta(minutes=2)


class SliceDone(Exception):
    """The pages that this slice may read are read; the next slice goes on."""


@dataclass
class Walk:
    """One import of a user's liked songs while it runs."""

    user: User
    connector: SpotifyConnector
    checkpoint: Checkpoint
    summary: ImportSummary
    run: Run | None = None
    page_size: int = 50
    limit: int | None = None
    max_pages: int | None = None
    accept_removals: bool = False
    progress: Progress = lambda done, total, text: None
    whole: bool = False
    seen_keys: set[str] = field(default_factory=set)
    seen_nameless: set[datetime | None] = field(default_factory=set)
    totals: set[int] = field(default_factory=set)
    pages_read: int = 0

    def read(self, offset: int) -> Iterator[LikedPage]:
        """Yield the pages from ``offset`` on, cut to the limit, until the slice is done."""
        for page in self.connector.get_liked_pages(offset, self.page_size):
            self.pages_read += 1
            self.totals.add(page.total)
            if self.limit is not None and _end_of(page) >= self.limit:
                items = page.items[: max(0, self.limit - page.offset)]
                last = page.last and len(items) == len(page.items)
                yield replace(page, items=items, last=last)
                return
            yield page
            if page.last:
                return
            if self.max_pages is not None and self.pages_read >= self.max_pages:
                raise SliceDone

    def read_from_anchor(self, position: int, anchor: str) -> Iterator[LikedPage]:
        """Yield the pages from the one that shows the anchor, which should be just before
        ``position``; without it (it was unliked) from the head: reading all again loses nothing.
        """
        start = max(0, position - 1)
        while True:
            pages = self.read(start)
            first = next(pages)
            if start == 0 or anchor in _keys(first):
                yield first
                yield from pages
                return
            start = max(0, start - self.page_size)

    def store(self, page: LikedPage, advance: Callable[[list[bool]], dict[str, object]]) -> None:
        """Store a page and how far the walk now is in one transaction.

        ``advance`` is given a flag for each row, whether it was known before, and returns the
        checkpoint's new fields.
        """
        with transaction.atomic():
            stored = store_likes(self.user, page.items, Source.API, self.run)
            save_checkpoint(
                self.checkpoint,
                total=page.total,
                read_at=timezone.now(),
                **advance(stored.known_rows),
            )
        self.seen_keys.update(_keys(page))
        self.seen_nameless.update(item.liked_at for item in page.items if item.track is None)
        summary = self.summary
        summary.seen += len(page.items)
        summary.imported += stored.imported
        summary.already_known += stored.already_known
        summary.unavailable += stored.unavailable
        summary.merged += stored.merged
        summary.total_on_spotify = page.total
        self.progress(_end_of(page), self.limit or page.total, "likes read")


def walk_saved_tracks(walk: Walk, full: bool = False) -> None:
    """Bring what Narada knows of the list up to date, from wherever the last run stood."""
    checkpoint = walk.checkpoint
    if full and walk.limit is None:
        _read_whole(walk)
    elif checkpoint.position == 0:
        _read_on(walk, walk.read(0))
        walk.whole = checkpoint.complete
    else:
        # The slices of one walk look at the head once, in the last of them.
        goes_on = _goes_on(walk)
        if not goes_on:
            _take_new(walk)
        if not checkpoint.complete and not _reaches_limit(walk, checkpoint.position):
            _read_on(walk, walk.read_from_anchor(checkpoint.position, checkpoint.anchor))
        if goes_on and checkpoint.complete:
            _take_new(walk)
    if walk.limit is None and checkpoint.complete:
        _reconcile(walk)


def _goes_on(walk: Walk) -> bool:
    """Tell whether this is the next slice of a walk that was at work a moment ago."""
    checkpoint = walk.checkpoint
    if walk.max_pages is None or checkpoint.complete or checkpoint.head:
        return False
    return checkpoint.read_at is not None and timezone.now() - checkpoint.read_at < SLICE_PAUSE


def _take_new(walk: Walk) -> None:
    _read_head(walk)
    if walk.checkpoint.head and not _reaches_limit(walk, walk.checkpoint.head):
        _join_head(walk)


def _reaches_limit(walk: Walk, position: int) -> bool:
    return walk.limit is not None and position >= walk.limit


def _end_of(page: LikedPage) -> int:
    return page.offset + len(page.items)


def _keys(page: LikedPage) -> list[str]:
    return [item_key(item) for item in page.items]


def _known_from(known: list[bool]) -> int:
    """Return where the known rows begin that reach to the end of a page; its length if none do."""
    start = len(known)
    while start and known[start - 1]:
        start -= 1
    return start


def _read_on(walk: Walk, pages: Iterable[LikedPage]) -> None:
    """Read on to the end, where all that lies before these pages is known."""
    for page in pages:
        fields = _walked_to(page, walk.checkpoint)
        walk.store(page, lambda known, fields=fields: fields)


def _walked_to(page: LikedPage, checkpoint: Checkpoint) -> dict[str, object]:
    """All is known from the head to the end of this page."""
    keys = _keys(page)
    return {
        "position": _end_of(page),
        "anchor": keys[-1] if keys else checkpoint.anchor,
        "head": 0,
        "head_anchor": "",
        "complete": page.last,
    }


def _read_head(walk: Walk) -> None:
    """Take what is new at the head, down to the rows known from before."""
    checkpoint = walk.checkpoint
    position, earlier_head, reached = checkpoint.position, checkpoint.head, False
    for page in walk.read(0):

        def advance(known: list[bool], page: LikedPage = page) -> dict[str, object]:
            nonlocal reached
            reached = not known or known[-1]
            new = page.offset + _known_from(known)
            if reached and earlier_head:
                return {"head": earlier_head + new}
            if reached:
                return {"position": position + new, "head": 0, "head_anchor": ""}
            if page.last or earlier_head:
                # Either all is new, or so much that it does not reach the head that an earlier
                # run left unjoined: rather than keep a third region, all is read from here on.
                return _walked_to(page, checkpoint)
            return {"head": _end_of(page), "head_anchor": _keys(page)[-1]}

        walk.store(page, advance)
        if reached or earlier_head:
            return


def _join_head(walk: Walk) -> None:
    """Read from a head that an earlier run left unjoined down to the rows known before that."""
    checkpoint = walk.checkpoint
    position, anchor, reached = checkpoint.position, checkpoint.head_anchor, False
    for page in walk.read_from_anchor(checkpoint.head, anchor):

        def advance(known: list[bool], page: LikedPage = page) -> dict[str, object]:
            nonlocal reached
            keys = _keys(page)
            past_anchor = keys.index(anchor) + 1 if anchor in keys else 0
            begin = max(_known_from(known), past_anchor)
            reached = begin < len(known)
            if reached:
                begin += page.offset
                return {"position": begin + position, "head": 0, "head_anchor": ""}
            if page.last:
                return _walked_to(page, checkpoint)
            return {"head": _end_of(page), "head_anchor": keys[-1]}

        walk.store(page, advance)
        if reached:
            return


def _read_whole(walk: Walk) -> None:
    """Read the whole list once more; what is known of it stays as it was until the end."""
    walk.seen_keys.clear()
    walk.seen_nameless.clear()
    walk.totals.clear()
    for page in walk.read(0):
        fields = _walked_to(page, walk.checkpoint) if page.last else {}
        walk.store(page, lambda known, fields=fields: fields)
    walk.whole = True


def _listed(walk: Walk) -> MappingQuerySet:
    return ServiceMapping.objects.of(walk.user).on(Service.SPOTIFY).filter(listed=True)


def _count_listed(walk: Walk) -> int:
    return _listed(walk).count()


def _adds_up(walk: Walk) -> bool:
    checkpoint = walk.checkpoint
    return _count_listed(walk) + checkpoint.unexplained == checkpoint.total


def _reconcile(walk: Walk) -> None:
    """See that what Narada knows is what Spotify counts; where it is not, find out what differs.

    A total alone never removes or adds anything: it only says that the list has to be read again.
    """
    checkpoint = walk.checkpoint
    stood_still = len(walk.totals) == 1
    if _adds_up(walk) and (not walk.whole or stood_still):
        if checkpoint.unexplained >= 0:
            close_question(checkpoint)
            return
        # Only removals that a person was asked about leave more rows known than are listed.
        if not walk.whole and _refuse_removals(walk, -checkpoint.unexplained):
            return
    missing = None if walk.whole else _bisect(walk)
    if missing is None and not walk.whole:
        # Reading whole is no slice's work to leave half done: what was seen is kept in memory.
        walk.max_pages = None
        _read_whole(walk)
    if missing is None:
        missing = set(_listed(walk).values_list("key", flat=True)) - walk.seen_keys
    stood_still = len(walk.totals) == 1
    gone, hidden = _ask_for_missing(walk, missing, stood_still)
    refused = _refuse_removals(walk, len(gone))
    settings = SyncSettings.objects.filter(user=walk.user)
    follow = settings.filter(on_unlike=SyncSettings.Unlike.FOLLOW).exists()
    with transaction.atomic():
        if not refused:
            count = mark_removed_on_spotify(walk.user, gone, follow, walk.run)
            walk.summary.removed_on_spotify += count
            close_question(checkpoint)
        if stood_still:
            unlist(walk.user, hidden)
            total = checkpoint.total or 0
            save_checkpoint(checkpoint, unexplained=total - _count_listed(walk))


def _bisect(walk: Walk) -> set[str] | None:
    """Return the keys that the list no longer shows, found with few calls; None where only a
    whole reading tells, or costs less.
    """
    checkpoint = walk.checkpoint
    total = checkpoint.total or 0
    if checkpoint.unexplained or len(walk.totals) != 1 or _count_listed(walk) <= total:
        return None
    known = list(_listed(walk).order_by("-liked_at", "pk").values_list("key", flat=True))

    def read(offset: int) -> list[str]:
        page = walk.connector.get_liked_page(offset, walk.page_size)
        walk.pages_read += 1
        if page.total != total:
            raise Inconclusive
        return _keys(page)

    try:
        return find_missing(known, total, read, walk.page_size, total // walk.page_size // 2)
    except Inconclusive:
        return None


def _ask_for_missing(
    walk: Walk, missing: set[str], stood_still: bool
) -> tuple[list[str], list[str]]:
    """Return the keys of the rows that a reading did not show: first those that Spotify says are
    gone, then those that are liked all the same.

    Rows without an id cannot be asked for; they count as gone when the list stood still. A track
    that Spotify took down may leave a row without a name in its place; that is no unlike.
    """
    rows = [
        row for row in _listed(walk).values_list("key", "service_id", "liked_at")
        if row[0] in missing
    ]  # fmt: skip
    liked = walk.connector.contains([service_id for _, service_id, _ in rows if service_id])
    gone: list[str] = []
    hidden: list[str] = []
    for key, service_id, liked_at in rows:
        if not service_id:
            (gone if stood_still else hidden).append(key)
        elif liked[service_id] or (liked_at is not None and liked_at in walk.seen_nameless):
            hidden.append(key)
        else:
            gone.append(key)
    return gone, hidden


def _refuse_removals(walk: Walk, count: int) -> bool:
    """Many removals at once are more likely a fault than a wish: a person is asked first."""
    known = _count_listed(walk)
    if may_remove(walk.checkpoint, count, known, accept=walk.accept_removals):
        return False
    walk.summary.exit_code = NEEDS_A_PERSON
    walk.summary.message = (
        f"Spotify no longer has {count:,} of the likes that Narada knows, more than "
        f"{find_most(known):,} at once. Nothing was removed. If that is right, say so on the "
        f"first page, or run: narada import-spotify-likes -u {walk.user} --accept-removals"
    )
    return True
