"""Walks of Spotify's liked songs: a list that moves while it is read.

New likes come in at its head and push the rest down, unlikes pull it up. So no offset is trusted:
where a walk goes on, rows that it has seen have to be found again, and in the end the rows known
must add up to the total that Spotify gives. A reading of the whole list has a number, and each row
notes the last reading that showed it: so a reading may take many slices, or go on after a kill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from connectors.records import UNREADABLE, LikedPage, LikedTrack
from connectors.spotify import SpotifyConnector
from connectors.text import count_nouns
from likes.importing.rows import count_repeats, item_key, list_keys, number_repeats
from likes.importing.track_sync import store_likes
from likes.models import Checkpoint, Like, LikeQuerySet, Run, Service, ServiceMapping, Source
from likes.runs.leases import save_checkpoint
from likes.runs.summaries import ImportSummary, Progress, SliceDone, TimeIsUp

#: Slices that follow each other sooner than this are one walk.
SLICE_PAUSE = timedelta(minutes=2)


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
    time_is_up: TimeIsUp | None = None
    accept_removals: bool = False
    progress: Progress = lambda done, total, text: None
    whole: bool = False
    counted: set[str] = field(default_factory=set)
    #: Rows without an id that were stored after the last one from which a later slice can go on.
    unmarked: list[str] = field(default_factory=list)
    is_stuck: bool = False
    new_nameless: Counter[datetime | None] = field(default_factory=Counter)
    totals: set[int] = field(default_factory=set)
    pages_read: int = 0
    #: Where rows stand on which Spotify fails.
    unreadable: list[str] = field(default_factory=list)

    @property
    def stood_still(self) -> bool:
        """Whether the list showed no change while it was read, as far as its totals tell."""
        return self.checkpoint.stood_still if self.whole else len(self.totals) == 1

    def read(self, offset: int, after_seen: bool = False) -> Iterator[LikedPage]:
        """Yield the pages from ``offset`` on, cut to the limit, until the slice is done.

        ``after_seen`` leaves out the rows of the first page that this reading has seen, and yields
        nothing if it has seen none of them.
        """
        reading = self.checkpoint.reading
        repeats = count_repeats(self.user, reading) if after_seen else Counter()
        for page in self.connector.get_liked_pages(offset, self.page_size):
            self.pages_read += 1
            self.totals.add(page.total)
            if after_seen:
                seen = self._count_seen(page)
                if not seen:
                    return
                page = replace(page, items=page.items[seen:], offset=page.offset + seen)
                after_seen = False
            page = replace(page, items=tuple(number_repeats(page.items, repeats)))
            if self.limit is not None and _end_of(page) >= self.limit:
                items = page.items[: max(0, self.limit - page.offset)]
                last = page.last and len(items) == len(page.items)
                yield replace(page, items=items, last=last)
                return
            yield page
            if page.last:
                return
            self._end_slice()

    def _end_slice(self) -> None:
        if self.time_is_up is not None and self.time_is_up() and not self.is_stuck:
            raise SliceDone

    def read_on(self) -> Iterator[LikedPage]:
        """Yield the pages after the rows that this reading has seen, wherever those are now.

        They should end just before the checkpoint's position. Where they do not (rows were
        unliked), the search goes up the list; the head at last shows all of it.
        """
        start = max(0, self.checkpoint.position - 1)
        while start:
            pages = self.read(start, after_seen=True)
            first = next(pages, None)
            if first is not None:
                yield first
                yield from pages
                return
            start = max(0, start - self.page_size)
            # What is saved is a hint, so a slice may end in the middle of the search.
            save_checkpoint(self.checkpoint, position=max(1, start))
            self._end_slice()
        yield from self.read(0)

    def _count_seen(self, page: LikedPage) -> int:
        """Return how many rows there are up to the last one that this reading has seen."""
        keys = [item_key(item) if _has_id(item) else "" for item in page.items]
        seen = {self.checkpoint.anchor} - {""}
        if self.checkpoint.reading:
            rows = ServiceMapping.objects.of(self.user).on(Service.SPOTIFY).keyed(keys)
            rows = rows.filter(listed=True, seen=self.checkpoint.reading)
            seen.update(rows.values_list("key", flat=True))
        return max((index for index, key in enumerate(keys, 1) if key in seen), default=0)

    def read_from_anchor(self, position: int, anchor: str) -> Iterator[LikedPage]:
        """Yield the pages from the one that shows the anchor, which should be just before
        ``position``; without it (it was unliked) from the head: reading all again loses nothing.
        """
        start = max(0, position - 1)
        while True:
            pages = self.read(start)
            first = next(pages)
            if start == 0 or anchor in list_keys(first):
                yield first
                yield from pages
                return
            start = max(0, start - self.page_size)

    def store(
        self,
        page: LikedPage,
        advance: Callable[[list[bool]], dict[str, object]],
        seen: Sequence[str] | None = None,
    ) -> None:
        """Store a page and how far the walk now is in one transaction.

        ``advance`` is given a flag for each row, whether it was known before, and returns the
        checkpoint's new fields. ``seen`` are the keys of the rows that are marked as seen.
        """
        keys = list_keys(page)
        with transaction.atomic():
            stored = store_likes(self.user, page.items, Source.API, self.run)
            fields = advance(stored.known_rows)
            if "reading" not in fields and page.total != self.checkpoint.total:
                fields["stood_still"] = False
            save_checkpoint(self.checkpoint, total=page.total, read_at=timezone.now(), **fields)
            rows = ServiceMapping.objects.of(self.user).on(Service.SPOTIFY)
            rows = rows.keyed(keys if seen is None else seen)
            rows.exclude(seen=self.checkpoint.reading).update(seen=self.checkpoint.reading)
        self.unreadable += _place_unreadable(page)
        again = [item for key, item in zip(keys, page.items, strict=True) if key in self.counted]
        nameless_again = sum(item.track is None for item in again)
        self.counted.update(keys)
        self.new_nameless.update(
            item.liked_at
            for item, known in zip(page.items, stored.known_rows, strict=True)
            if item.track is None and not known
        )
        summary = self.summary
        # A row that is read twice in one run is seen once.
        summary.seen += len(page.items) - len(again)
        summary.imported += stored.imported
        summary.already_known += stored.already_known - (len(again) - nameless_again)
        summary.unavailable += stored.unavailable - nameless_again
        summary.merged += stored.merged
        summary.total_on_spotify = page.total
        self.progress(_end_of(page), self.limit or page.total, "likes read")

    def list_unreadable(self) -> LikeQuerySet:
        """Return the likes behind the rows on which Spotify failed in this reading."""
        mappings = ServiceMapping.objects.of(self.user).on(Service.SPOTIFY)
        mappings = mappings.filter(listed=True, seen=self.checkpoint.reading)
        likes = Like.objects.of(self.user).on(Service.NARADA).filter(last_error=UNREADABLE)
        return likes.filter(state=Like.State.UNAVAILABLE, track__in=mappings.values("track"))

    def tell_unreadable(self) -> str:
        """Say on how many songs Spotify fails, and where they stand, after they were met."""
        count = self.list_unreadable().count() if self.whole or self.unreadable else 0
        if not count:
            return ""
        places = f" ({'; '.join(self.unreadable)})" if self.unreadable else ""
        return (
            f"Spotify fails on {count_nouns(count, 'liked song')} whenever it should show "
            f"{'it' if count == 1 else 'them'}{places}. All others were read, and nothing that "
            "was not shown counts as unliked. The next whole reading (--full) tries again."
        )


def _place_unreadable(page: LikedPage) -> list[str]:
    """Say where the rows stand on which Spotify fails, by those beside them."""
    places = []
    for index, item in enumerate(page.items):
        if item.unavailable != UNREADABLE:
            continue
        place = f"number {page.offset + index + 1:,}"
        above, below = page.items[:index][-1:], page.items[index + 1 :][:1]
        for word, beside in (("below", above), ("above", below)):
            for one in beside:
                if one.track is not None:
                    place += f", {word} “{', '.join(one.track.artists)} – {one.track.title}”"
        places.append(place)
    return places


def walk_saved_tracks(walk: Walk, full: bool = False) -> None:
    """Read what is new, and what an earlier run left unread, from wherever that stood."""
    checkpoint = walk.checkpoint
    if (full and walk.limit is None) or checkpoint.position == 0:
        read_whole(walk)
    else:
        # The slices of one walk look at the head once, in the last of them.
        goes_on = _goes_on(walk)
        if not goes_on:
            _take_new(walk)
        if not checkpoint.complete and not _reaches_limit(walk, checkpoint.position):
            _read_on(walk, walk.read_on())
        if goes_on and checkpoint.complete:
            _take_new(walk)


def _goes_on(walk: Walk) -> bool:
    """Tell whether this is the next slice of a walk that was at work a moment ago."""
    checkpoint = walk.checkpoint
    if walk.time_is_up is None or checkpoint.complete or checkpoint.head:
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


def _known_from(known: list[bool]) -> int:
    """Return where the known rows begin that reach to the end of a page; its length if none do."""
    start = len(known)
    while start and known[start - 1]:
        start -= 1
    return start


def _has_id(item: LikedTrack) -> bool:
    return item.track is not None and bool(item.track.service_id)


def _read_on(
    walk: Walk, pages: Iterable[LikedPage], begin: dict[str, object] | None = None
) -> None:
    """Read on to the end, where all that lies before these pages is known.

    ``begin`` are the checkpoint's fields with which a new reading begins.
    """
    for page in pages:
        rest = _find_rest(page)
        fields = {**(begin or {}), **_walked_to(page, walk.checkpoint)}
        keys = list_keys(page)
        walk.store(page, lambda known, fields=fields: fields, [*walk.unmarked, *keys[:rest]])
        walk.unmarked = keys[rest:] if rest else [*walk.unmarked, *keys]
        walk.is_stuck, begin = not rest, None
    walk.whole = walk.checkpoint.complete and walk.checkpoint.reading_since is not None


def _find_rest(page: LikedPage) -> int:
    """Return how many rows of a page there are up to the last one that can be found again."""
    if page.last:
        return len(page.items)
    return max((index for index, item in enumerate(page.items, 1) if _has_id(item)), default=0)


def _walked_to(page: LikedPage, checkpoint: Checkpoint) -> dict[str, object]:
    """All is known from the head to the end of this page, up to the last row that can be found."""
    rest = _find_rest(page)
    fields: dict[str, object] = {
        "head": 0,
        "head_anchor": "",
        "complete": page.last,
        "whole_read_at": timezone.now() if page.last else checkpoint.whole_read_at,
    }
    if rest:
        anchor = list_keys(page)[rest - 1]
        fields |= {"position": page.offset + rest, "anchor": anchor}
    elif page.last:
        fields |= {"position": page.offset}
    return fields


def _read_head(walk: Walk) -> None:
    """Take what is new at the head, down to the rows known from before."""
    checkpoint = walk.checkpoint
    position, earlier_head, reached = checkpoint.position, checkpoint.head, False
    for page in walk.read(0):

        def advance(known: list[bool], page: LikedPage = page) -> dict[str, object]:
            nonlocal reached
            reached = not known or known[-1]
            new = page.offset + _known_from(known)
            # New rows at the head are a change since the reading of the rest began.
            moved: dict[str, object] = {} if all(known) else {"stood_still": False}
            if reached and earlier_head:
                return {"head": earlier_head + new, **moved}
            if reached:
                return {"position": position + new, "head": 0, "head_anchor": "", **moved}
            if page.last or earlier_head:
                # Either all is new, or so much that it does not reach the head that an earlier
                # run left unjoined: rather than keep a third region, all is read from here on. What
                # was seen further down lies beyond a gap, and is not where a later run goes on.
                broken = {"reading": checkpoint.reading + 1, "reading_since": None}
                return _walked_to(page, checkpoint) | broken
            return {"head": _end_of(page), "head_anchor": list_keys(page)[-1]}

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
            keys = list_keys(page)
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


def read_whole(walk: Walk) -> None:
    """Read the whole list from its head; where a slice or a kill cuts that off, the next run goes
    on. What is known stays as it was until the end."""
    walk.totals.clear()
    reading = walk.checkpoint.reading + 1
    begin = {"reading": reading, "reading_since": timezone.now(), "stood_still": True}
    _read_on(walk, walk.read(0), begin | {"position": 0, "anchor": ""})
