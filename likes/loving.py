"""Sending loves: the intent is written first, then the call is made, then its outcome is written.

After a crash at most what was in flight is uncertain; those rows stay "being sent" until the next
reading of the loved list says whether Last.fm has them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from connectors.errors import ConnectorError, RequestRejected, TemporaryError
from connectors.lastfm import LastfmConnector
from likes.models import Like, LikeQuerySet, ListedTrack, Service, ServiceMapping

#: Requests under way at once, so that the rate limit and not the latency is the ceiling: at
#: 4 a second these hide a second and a half of latency.
IN_FLIGHT = 6
#: Last.fm may show a love a little late; one that is older than this and not shown was lost.
SHOWN_WITHIN = timedelta(minutes=15)
MOST_ATTEMPTS = 3

State = Like.State
Item = TypeVar("Item")


class Outcome(Enum):
    DONE = "done"
    REFUSED = "refused"
    UNSENT = "unsent"
    UNCERTAIN = "uncertain"


@dataclass
class Sent:
    """What became of one call; ``value`` is what it returned."""

    outcome: Outcome
    error: ConnectorError | None = None
    value: Any = None


def send_each(call: Callable[[Item], object], items: Sequence[Item]) -> list[Sent]:
    """Call for each item, in order, several at once; one error that is not the item's own stops
    those that have not been begun.
    """
    stopping = threading.Event()

    def send(item: Item) -> Sent:
        if stopping.is_set():
            return Sent(Outcome.UNSENT)
        try:
            value = call(item)
        except RequestRejected as error:
            return Sent(Outcome.REFUSED, error)
        except ConnectorError as error:
            stopping.set()
            uncertain = isinstance(error, TemporaryError) and error.maybe_done
            return Sent(Outcome.UNCERTAIN if uncertain else Outcome.UNSENT, error)
        except BaseException:
            stopping.set()
            raise
        finally:
            # The budget may have asked the database whether the service holds us back, and this
            # thread has a connection of its own.
            connection.close()
        return Sent(Outcome.DONE, value=value)

    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="lastfm") as pool:
        return list(pool.map(send, items))


def first_stop(sent: Iterable[Sent]) -> ConnectorError | None:
    """Return the error that stopped a batch, if one did."""
    for one in sent:
        if one.error is not None and one.outcome != Outcome.REFUSED:
            return one.error
    return None


def love_batch(
    connector: LastfmConnector, batch: Sequence[tuple[Like, ServiceMapping]]
) -> tuple[list[Sent], ConnectorError | None]:
    """Love a batch, oldest first; write what became of each; return that, and what stopped it."""
    now = timezone.now()
    Like.objects.filter(pk__in=[like.pk for like, _ in batch]).update(
        state=State.SENDING, attempts=F("attempts") + 1, updated_at=now
    )
    # Two tracks may share a page: it is loved once, for both.
    pages = {mapping.key: mapping for _, mapping in batch}
    answers = dict(
        zip(
            pages,
            send_each(lambda m: connector.love_track(m.artists[0], m.title), list(pages.values())),
            strict=True,
        )
    )
    sent = [answers[mapping.key] for _, mapping in batch]
    with transaction.atomic():
        _write_outcomes([like for like, _ in batch], sent)
    return sent, first_stop(sent)


def _write_outcomes(likes: Sequence[Like], sent: Sequence[Sent]) -> None:
    now = timezone.now()

    def rows(outcome: Outcome) -> LikeQuerySet:
        ids = [like.pk for like, one in zip(likes, sent, strict=True) if one.outcome == outcome]
        # What a person, or an unlike, decided of a like while it was in flight stands.
        return Like.objects.filter(pk__in=ids, state=State.SENDING)

    rows(Outcome.DONE).update(
        state=State.PRESENT, sent_at=now, confirmed_at=None, last_error="", updated_at=now
    )
    reason = str(first_stop(sent) or "")
    rows(Outcome.UNSENT).update(
        state=State.PENDING, last_error=reason, attempts=F("attempts") - 1, updated_at=now
    )
    for like, one in zip(likes, sent, strict=True):
        if one.outcome == Outcome.REFUSED:
            Like.objects.filter(pk=like.pk, state=State.SENDING).update(
                state=State.FAILED, last_error=str(one.error), updated_at=now
            )


def take_back(connector: LastfmConnector, user: User) -> ConnectorError | None:
    """Un-love what is to be taken back: likes removed by the user's wish, and wrong pages."""
    likes = Like.objects.of(user).on(Service.LASTFM)
    removing = set(likes.filter(state=State.REMOVING).values_list("track_id", flat=True))
    ours = ServiceMapping.objects.of(user).on(Service.LASTFM)
    mappings = [*ours.filter(withdraw=True), *ours.accepted().filter(track__in=removing)]
    # A page that another like of this user stands on stays loved.
    needed = set(
        ours.accepted()
        .keyed({mapping.key for mapping in mappings})
        .filter(track__likes__service=Service.LASTFM, track__likes__state=State.PRESENT)
        .values_list("key", flat=True)
    )
    pages = {mapping.key: mapping for mapping in mappings if mapping.key not in needed}
    sent = send_each(lambda m: connector.unlove_track(m.artists[0], m.title), list(pages.values()))
    stop = first_stop(sent)
    done = {
        key
        for key, one in zip(pages, sent, strict=True)
        if one.outcome in (Outcome.DONE, Outcome.REFUSED)
    }
    settled = [mapping for mapping in mappings if mapping.key in done | needed]
    left = {mapping.track_id for mapping in mappings if mapping.key not in done | needed}
    now = timezone.now()
    with transaction.atomic():
        ServiceMapping.objects.filter(pk__in=[m.pk for m in settled]).update(withdraw=False)
        likes.filter(state=State.REMOVING, track__in=removing - left).update(
            state=State.REMOVED, removed_at=now, sent_at=None, updated_at=now
        )
        # The stored list must not show any longer what is no longer loved.
        listed = ListedTrack.objects.filter(user=user, listing=ListedTrack.Listing.LOVED)
        listed.filter(key__in=done).delete()
    return stop


@dataclass
class Settled:
    """What a reading of the loved list told: rows adopted, and rows it should have shown."""

    adopted: int = 0
    gone: int = 0
    too_many_gone: bool = False


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
        ServiceMapping.objects.of(user).on(Service.LASTFM).accepted().keyed(keys)
        .filter(track__likes__service=Service.LASTFM, track__likes__state=State.PRESENT)
        .values_list("key", "track__likes__sent_at", "track__likes__confirmed_at")
    )  # fmt: skip
    loved = {key: (sent_at, confirmed_at) for key, sent_at, confirmed_at in standing}
    adopted = []
    for like in batch:
        page = pages.get(like.track_id)
        if page is not None and page.key in loved:
            like.state, like.last_error, like.updated_at = State.PRESENT, "", timezone.now()
            like.sent_at, like.confirmed_at = loved[page.key]
            adopted.append(like)
    Like.objects.bulk_update(
        adopted, ["state", "last_error", "sent_at", "confirmed_at", "updated_at"]
    )
    return [like.pk for like in adopted]


def settle_by_loved_list(user: User, whole: bool) -> Settled:
    """Hold Narada's rows against the loved list as just read.

    Only a list that is known to be whole says anything about what it does not show.
    """
    now = timezone.now()
    shown = _shown_tracks(user)
    ours = Like.objects.of(user).on(Service.LASTFM)
    settled = Settled()
    with transaction.atomic():
        in_list = ours.filter(track__in=shown)
        settled.adopted += in_list.filter(state=State.SENDING).update(
            state=State.PRESENT, sent_at=now, last_error="", updated_at=now
        )
        settled.adopted += in_list.filter(state=State.PENDING).update(
            state=State.PRESENT, last_error="", updated_at=now
        )
        in_list.filter(state=State.PRESENT, confirmed_at=None).update(
            confirmed_at=now, updated_at=now
        )
        if whole:
            _settle_missing(ours, ours.exclude(track__in=shown), settled)
    return settled


def _shown_tracks(user: User) -> QuerySet[ServiceMapping]:
    """The ids of the tracks whose page the loved list shows."""
    loved = ListedTrack.objects.filter(user=user, listing=ListedTrack.Listing.LOVED)
    ours = ServiceMapping.objects.of(user).on(Service.LASTFM).accepted()
    return ours.filter(key__in=loved.values("key")).values("track_id")


def _settle_missing(ours: LikeQuerySet, missing: LikeQuerySet, settled: Settled) -> None:
    """What the whole list does not show: never arrived, or taken back by the user since."""
    now = timezone.now()
    missing.filter(state=State.SENDING).update(state=State.PENDING, updated_at=now)
    lost = missing.filter(state=State.PRESENT, confirmed_at=None, sent_at__lt=now - SHOWN_WITHIN)
    lost.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=State.REVIEW,
        last_error="Last.fm took the love more than once, but does not show it.",
        updated_at=now,
    )
    lost.update(state=State.PENDING, updated_at=now)
    taken_back = missing.filter(state=State.PRESENT, confirmed_at__isnull=False)
    settled.gone = taken_back.count()
    # So many at once are more likely a fault of the service than the user's wish.
    settled.too_many_gone = settled.gone > max(20, ours.filter(state=State.PRESENT).count() // 20)
    if not settled.too_many_gone:
        taken_back.update(
            state=State.REMOVED,
            removed_at=now,
            last_error="No longer loved on Last.fm; Narada does not love it again unless asked.",
            updated_at=now,
        )
