"""What Last.fm's loved list, once read, says of the likes: arrived, lost, taken back by the user.

Nothing is called here; ``likes.exporting.own_lists`` has read the list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from likes.like_operations import (
    COMPARED,
    OURS,
    UNSETTLED,
    confirm,
    mark_lost,
    mark_loved,
    mark_loved_again,
    mark_not_arrived,
    mark_unloved,
    share_end,
    share_love,
)
from likes.models import Like, ListedTrack, RunChange, Service, ServiceMapping
from likes.models.batches import chunked

#: Last.fm may show a love a little late; one that is older than this and not shown was lost.
SHOWN_WITHIN = timedelta(minutes=15)
#: A love that Last.fm dates further than this from when it was sent is another one. The clocks
#: may differ, a batch takes its time, and what was loved before was found before.
DATED_WITHIN = timedelta(minutes=15)

State = Like.State
_READ = ("track_id", "state", "sent_at", "confirmed_at", "attempts")


def adopt_loved_pages(
    user: User, batch: Iterable[Like], pages: dict[int, ServiceMapping]
) -> list[int]:
    """Settle those of a batch whose page another like of this user stands on already.

    ``pages`` has the accepted page of each track. A page is loved once, however many tracks share
    it; return the ids of the likes that this settles.
    """
    batch = list(batch)
    keys = {pages[like.track_id].key for like in batch if like.track_id in pages}
    standing = (
        ServiceMapping.objects.of(user).pages().keyed(keys)
        .whose_like_is(State.PRESENT)
        .values_list("key", "track__likes__sent_at", "track__likes__confirmed_at")
    )  # fmt: skip
    loved = {key: (sent_at, confirmed_at) for key, sent_at, confirmed_at in standing}
    adopted = {}
    for like in batch:
        page = pages.get(like.track_id)
        if page is not None and page.key in loved:
            adopted[like] = loved[page.key]
    share_love(adopted)
    return [like.pk for like in adopted]


def leave_taken_back(user: User, batch: Iterable[Like], pages: dict[int, ServiceMapping]) -> None:
    """End those of a batch whose page was un-loved, for another like of this user, since they
    wait: it is not loved again unasked.

    A like that is newer, or that a person let in again since, asks for it.
    """
    batch = [like for like in batch if like.track_id in pages]
    liked = Like.objects.on(Service.NARADA).filter(track=OuterRef("track"), state=State.PRESENT)
    ended = (
        ServiceMapping.objects.of(user).pages()
        .keyed({pages[like.track_id].key for like in batch})
        .whose_like_is(State.REMOVED)
        .filter(Exists(liked))
        .values_list("key", "track__likes__removed_at", "track__likes__last_error")
    )  # fmt: skip
    reasons = {key: (removed_at, reason) for key, removed_at, reason in ended if removed_at}
    left = {}
    for like in batch:
        removed_at, reason = reasons.get(pages[like.track_id].key, (None, ""))
        if removed_at is not None and like.updated_at < removed_at:
            left[like] = reason
    share_end(left)


def find_touched(user: User, pages: Collection[str]) -> list[int]:
    """Return the tracks that a reading says something new of: those on ``pages`` that it changed,
    and those whose love it may show for the first time, or never will."""
    on_lastfm = Like.objects.of(user).on(Service.LASTFM)
    unseen = on_lastfm.filter(state=State.PRESENT, confirmed_at=None)
    touched = set(unseen.values_list("track_id", flat=True))
    touched |= set(on_lastfm.filter(state=State.SENDING).values_list("track_id", flat=True))
    accepted = ServiceMapping.objects.of(user).pages()
    for chunk in chunked(list(pages), 500):
        touched.update(accepted.keyed(chunk).values_list("track_id", flat=True))
    return sorted(touched)


def settle_by_loved_list(
    user: User,
    may_remove: Callable[[int, int], bool] | None,
    tracks: Collection[int] | None = None,
) -> tuple[int, bool]:
    """Hold Narada's rows, or those of some ``tracks``, against the loved list as last read.

    Only a list that is known to be whole says anything about what it does not show: then
    ``may_remove`` is asked, with how many are gone of how many, whether that is believed; for
    another list it is None. The rows are compared here and not in a join: fresh tables have no
    statistics, and without those PostgreSQL took seconds for a thousand likes (15, 2026-11).

    Return how many rows were adopted as loved, and whether some that are gone were left.
    """
    left = False
    pages = ServiceMapping.objects.of(user).pages()
    loved = ListedTrack.objects.filter(user=user, listing=ListedTrack.Listing.LOVED)
    likes = Like.objects.of(user).on(Service.LASTFM)
    compared = likes.filter(state__in=COMPARED).only(*_READ)
    if tracks is None:
        key_of = dict(pages.values_list("track_id", "key"))
        loved_at = dict(loved.values_list("key", "loved_at"))
        rows = list(compared)
    else:
        key_of, loved_at, rows = {}, {}, []
        for chunk in chunked(list(tracks), 500):
            some = dict(ServiceMapping.objects.pages_of(chunk).values_list("track_id", "key"))
            key_of |= some
            loved_at |= dict(
                loved.filter(key__in=set(some.values())).values_list("key", "loved_at")
            )
            on_lastfm = Like.objects.on(Service.LASTFM).filter(track__in=chunk)
            rows += on_lastfm.filter(state__in=COMPARED).only(*_READ)
    with transaction.atomic():
        shown = [like for like in rows if key_of.get(like.track_id) in loved_at]
        adopted = _settle_shown(user, shown, key_of, loved_at)
        if may_remove is not None:
            missing = [like for like in rows if key_of.get(like.track_id) not in loved_at]
            _settle_unshown(missing)
            gone = [like for like in missing if _was_shown(like)]
            present = likes.filter(state=State.PRESENT).count() if gone else 0
            if may_remove(len(gone), present):
                mark_unloved(gone)
            else:
                left = bool(gone)
    return adopted, left


def _settle_shown(
    user: User,
    likes: Sequence[Like],
    key_of: dict[int, str],
    loved_at: dict[str, datetime | None],
) -> int:
    """Settle likes whose page is loved: by ``key_of`` their track, since ``loved_at`` by page."""
    ours = _find_ours(user, likes, key_of, loved_at)
    adopted = mark_loved([like for like in likes if like.pk in ours], by_narada=True)
    adopted += mark_loved([like for like in likes if like.pk not in ours], by_narada=False)
    # The user loved it again. What they no longer like in Narada stays as it ended there.
    removed = [like for like in likes if like.state == State.REMOVED]
    liked = Like.objects.on(Service.NARADA).filter(
        track__in=[like.track_id for like in removed], state=State.PRESENT
    )
    again = set(liked.values_list("track_id", flat=True)) if removed else set()
    adopted += mark_loved_again(like for like in removed if like.track_id in again)
    confirm(like for like in likes if like.confirmed_at is None)
    return adopted


def _find_ours(
    user: User,
    likes: Sequence[Like],
    key_of: dict[int, str],
    loved_at: dict[str, datetime | None],
) -> set[int]:
    """Return the ids of those, of likes found loved, whose love is Narada's and not the user's own.

    That is what Narada sent without learning the outcome, unless Last.fm dates the love to another
    time; also where it reached Last.fm only after the list had been read without it. And what is
    on a page that Narada loved for another like.
    """
    found = [like for like in likes if like.state in UNSETTLED]
    sent_at: dict[int, datetime] = {}
    tried = [like.pk for like in found if like.attempts or like.state == State.SENDING]
    for ids in chunked(tried, 500):
        noted = RunChange.objects.filter(like__in=ids, what=RunChange.What.LOVED)
        sent_at.update(noted.order_by("pk").values_list("like", "at"))
    shared: set[str] = set()
    ours = Like.objects.on(Service.LASTFM).filter(
        OURS, state=State.PRESENT, track=OuterRef("track")
    )
    pages = ServiceMapping.objects.of(user).pages()
    for keys in chunked(list({key_of[like.track_id] for like in found}), 500):
        standing = pages.keyed(keys).filter(Exists(ours))
        shared.update(standing.values_list("key", flat=True))
    return {
        like.pk
        for like in found
        if key_of[like.track_id] in shared
        or _is_dated_as_sent(like, sent_at.get(like.pk), loved_at[key_of[like.track_id]])
    }


def _is_dated_as_sent(like: Like, sent_at: datetime | None, loved_at: datetime | None) -> bool:
    if like.state == State.SENDING:
        return sent_at is None or loved_at is None or loved_at < sent_at + DATED_WITHIN
    if sent_at is None or loved_at is None:
        return False
    return abs(loved_at - sent_at) < DATED_WITHIN


def _was_shown(like: Like) -> bool:
    return like.state == State.PRESENT and like.confirmed_at is not None


def _settle_unshown(likes: Sequence[Like]) -> None:
    """Of loves that a whole list does not show, and never did: they did not arrive."""
    mark_not_arrived(likes)
    long_ago = timezone.now() - SHOWN_WITHIN
    mark_lost(
        like
        for like in likes
        if like.confirmed_at is None and like.sent_at and like.sent_at < long_ago
    )
