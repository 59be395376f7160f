"""Sending loves: the intent is written first, then the call is made, then its outcome is written.

After a crash at most what was in flight is uncertain; those rows stay "being sent" until the next
reading of the loved list says whether Last.fm has them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Self

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from connectors.errors import ConnectorError
from connectors.lastfm import LastfmConnector
from likes.in_flight import Flight, Outcome, Sent, first_stop, send_each
from likes.lastfm_listing import chunked
from likes.models import (
    Like,
    LikeQuerySet,
    ListedTrack,
    RunChange,
    Service,
    ServiceMapping,
)

#: Outcomes that come within this (s) are written together.
WRITTEN_WITHIN = 1.0
#: Last.fm may show a love a little late; one that is older than this and not shown was lost.
SHOWN_WITHIN = timedelta(minutes=15)
#: Last.fm dates loves to the second, with the rest cut off.
ONE_SECOND = timedelta(seconds=1)
MOST_ATTEMPTS = 3

State = Like.State
#: What the loved list has a say on: all but what a person ruled out, and what is being taken back.
_COMPARED = (State.PENDING, State.SENDING, State.PRESENT, State.REMOVED, *Like.OPEN_STATES)


class Loving:
    """The loves of one run that are under way.

    A batch is begun while those before it are still in flight, so that the rate limit never waits
    for the database; outcomes are written as they come, about once a second. Use it in a ``with``
    block: when that ends early no more are begun, and what became of the others is written.
    ``note`` is given the likes and what became of them in the transaction that writes it.
    """

    def __init__(
        self,
        connector: LastfmConnector,
        note: Callable[[Sequence[tuple[Like, Sent]]], None],
        per_second: float = 0.0,
    ) -> None:
        self._note = note
        self._flight: Flight[ServiceMapping] = Flight(
            lambda page: connector.love_track(page.artists[0], page.title), per_second
        )
        self._likes: dict[str, list[Like]] = {}
        self._stop: ConnectorError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._flight.stop()
        # After anything else, as when the lease is lost, the next reading of the list settles
        # what is left.
        if isinstance(error, ConnectorError | KeyboardInterrupt):
            self._write_all()

    def __len__(self) -> int:
        """How many likes are under way."""
        return sum(len(likes) for likes in self._likes.values())

    def begin(self, batch: Sequence[tuple[Like, ServiceMapping]]) -> None:
        """Write the intent to love a batch, oldest first, and line its calls up."""
        intended = Like.objects.filter(pk__in=[like.pk for like, _ in batch])
        intended.filter(state=State.PENDING).update(
            state=State.SENDING, attempts=F("attempts") + 1, updated_at=timezone.now()
        )
        # What a person, or an unlike, decided of a like since it was read stands: it is not sent.
        still = set(intended.filter(state=State.SENDING).values_list("pk", flat=True))
        for like, page in batch:
            if like.pk not in still:
                continue
            # Two tracks may share a page: it is loved once, for both.
            if page.key not in self._likes:
                self._likes[page.key] = []
                self._flight.add(page)
            self._likes[page.key].append(like)

    def settle(self, most: int = 0) -> None:
        """Write outcomes until at most ``most`` likes are under way; raise what stopped them."""
        while len(self) > most and self._stop is None:
            self._write(self._flight.take(len(self) - most, WRITTEN_WITHIN))
        if self._stop is not None:
            raise self._stop

    def _write_all(self) -> None:
        while self._flight:
            self._write(self._flight.take(len(self._flight), WRITTEN_WITHIN))

    def _write(self, answers: Sequence[tuple[ServiceMapping, Sent]]) -> None:
        # What was not begun is younger than what stopped it, so the reason is known by then.
        self._stop = self._stop or first_stop(one for _, one in answers)
        sent = [(like, one) for page, one in answers for like in self._likes.pop(page.key)]
        with transaction.atomic():
            _write_outcomes(sent, str(self._stop or ""))
            self._note(sent)


def _write_outcomes(sent: Sequence[tuple[Like, Sent]], reason: str) -> None:
    """Write what became of likes; ``reason`` is why some were not sent."""
    now = timezone.now()

    def rows(outcome: Outcome) -> LikeQuerySet:
        ids = [like.pk for like, one in sent if one.outcome == outcome]
        # What a person, or an unlike, decided of a like while it was in flight stands.
        return Like.objects.filter(pk__in=ids, state=State.SENDING)

    rows(Outcome.DONE).update(
        state=State.PRESENT, sent_at=now, confirmed_at=None, last_error="", updated_at=now
    )
    stumbled = [like.pk for like, one in sent if one.is_own_failure]
    unsent = rows(Outcome.UNSENT)
    unsent.exclude(pk__in=stumbled).update(attempts=F("attempts") - 1)
    unsent.update(state=State.PENDING, last_error=reason, updated_at=now)
    for like, one in sent:
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


def settle_by_loved_list(
    user: User,
    may_remove: Callable[[int, int], bool] | None,
    tracks: Collection[int] | None = None,
) -> int:
    """Hold Narada's rows, or those of some ``tracks``, against the loved list as last read.

    Only a list that is known to be whole says anything about what it does not show: then
    ``may_remove`` is asked, with how many are gone of how many, whether that is believed; for
    another list it is None. The rows are compared here and not in a join: fresh tables have no
    statistics, and without those PostgreSQL took seconds for a thousand likes (15, 2026-11).

    Return how many rows were adopted as loved.
    """
    pages = ServiceMapping.objects.of(user).on(Service.LASTFM).accepted()
    loved = ListedTrack.objects.filter(user=user, listing=ListedTrack.Listing.LOVED)
    likes = Like.objects.of(user).on(Service.LASTFM).filter(state__in=_COMPARED)
    if tracks is not None:
        pages, likes = pages.filter(track__in=tracks), likes.filter(track__in=tracks)
        loved = loved.filter(key__in=list(pages.values_list("key", flat=True)))
    loved_at = dict(loved.values_list("key", "loved_at"))
    key_of = dict(pages.values_list("track_id", "key"))
    rows = list(likes.only("track_id", "state", "sent_at", "confirmed_at", "attempts"))
    with transaction.atomic():
        shown = [like for like in rows if key_of.get(like.track_id) in loved_at]
        dates = {like.pk: loved_at[key_of[like.track_id]] for like in shown}
        adopted = _settle_shown(shown, dates)
        if may_remove is not None:
            present = sum(like.state == State.PRESENT for like in rows)
            missing = [like for like in rows if key_of.get(like.track_id) not in loved_at]
            _settle_unshown(missing)
            gone = [like for like in missing if _was_shown(like)]
            if may_remove(len(gone), present):
                _note_taken_back(gone)
    return adopted


def _change(likes: Iterable[Like], was: State, **fields: object) -> int:
    """Write fields of those likes that still are in a state; return how many."""
    ids = [like.pk for like in likes if like.state == was]
    now = timezone.now()
    return sum(
        Like.objects.filter(pk__in=chunk, state=was).update(**fields, updated_at=now)
        for chunk in chunked(ids, 500)
    )


def _settle_shown(likes: Sequence[Like], loved_at: dict[int, datetime | None]) -> int:
    """``loved_at`` says, by the id of a like, since when its page is loved."""
    now = timezone.now()
    there = {"state": State.PRESENT, "confirmed_at": now, "last_error": ""}
    adopted = _change(likes, State.SENDING, **there, sent_at=now)
    adopted += _change(_find_late(likes, loved_at), State.PENDING, **there, sent_at=now)
    for state in (State.PENDING, *Like.OPEN_STATES):
        adopted += _change(likes, state, **there)
    # The user loved it again. What they no longer like in Narada stays as it ended there.
    removed = [like for like in likes if like.state == State.REMOVED]
    liked = Like.objects.on(Service.NARADA).filter(
        track__in=[like.track_id for like in removed], state=State.PRESENT
    )
    again = set(liked.values_list("track_id", flat=True)) if removed else set()
    back = [like for like in removed if like.track_id in again]
    adopted += _change(back, State.REMOVED, **there, removed_at=None, sent_at=None)
    new = [like for like in likes if like.confirmed_at is None]
    _change(new, State.PRESENT, confirmed_at=now)
    return adopted


def _find_late(likes: Sequence[Like], loved_at: dict[int, datetime | None]) -> list[Like]:
    """Return the pending ones that are loved since a love was sent whose outcome nobody learnt.

    It reached Last.fm after the list had been read without it; who loves the page is Narada.
    """
    tried = {like.pk: like for like in likes if like.state == State.PENDING and like.attempts}
    sent = RunChange.objects.filter(like__in=list(tried), what=RunChange.What.LOVED)
    late = {
        pk
        for pk, sent_at in sent.values_list("like", "at")
        if (at := loved_at[pk]) and sent_at - ONE_SECOND < at < sent_at + SHOWN_WITHIN
    }
    return [tried[pk] for pk in late]


def _was_shown(like: Like) -> bool:
    return like.state == State.PRESENT and like.confirmed_at is not None


def _settle_unshown(likes: Iterable[Like]) -> None:
    """Of loves that a whole list does not show, and never did: they did not arrive."""
    _change(likes, State.SENDING, state=State.PENDING)
    long_ago = timezone.now() - SHOWN_WITHIN
    lost = [
        like
        for like in likes
        if like.confirmed_at is None and like.sent_at and like.sent_at < long_ago
    ]
    _change(
        [like for like in lost if like.attempts >= MOST_ATTEMPTS],
        State.PRESENT,
        state=State.REVIEW,
        last_error="Last.fm took the love more than once, but does not show it.",
    )
    again = [like for like in lost if like.attempts < MOST_ATTEMPTS]
    _change(again, State.PRESENT, state=State.PENDING)


def _note_taken_back(likes: Iterable[Like]) -> None:
    """Of loves that a whole list showed before, and shows no longer."""
    _change(
        likes,
        State.PRESENT,
        state=State.REMOVED,
        removed_at=timezone.now(),
        last_error="No longer loved on Last.fm; Narada does not love it again unless asked.",
    )
