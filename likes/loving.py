"""Sending loves: the intent is written first, then the call is made, then its outcome is written.

After a crash at most what was in flight is uncertain; those rows stay "being sent" until the next
reading of the loved list says whether Last.fm has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from connectors.errors import ConnectorError
from connectors.lastfm import LastfmConnector
from likes.failing import Failing
from likes.in_flight import Flight, Outcome, Sent, first_stop, send_each
from likes.lastfm_listing import News, drop_listed
from likes.models import (
    Like,
    LikeQuerySet,
    ListedTrack,
    Service,
    ServiceMapping,
)

#: Outcomes that come within this (s) are written together.
WRITTEN_WITHIN = 1.0

State = Like.State


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
        is_known: Callable[[Like], bool] = lambda like: False,
    ) -> None:
        self._note = note
        self._flight: Flight[ServiceMapping] = Flight(
            lambda page: connector.love_track(page.artists[0], page.title),
            per_second,
            lambda page: all(is_known(like) for like in self._likes[page.key]),
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
            if page.key in self._likes:
                self._likes[page.key].append(like)
            else:
                self._likes[page.key] = [like]
                self._flight.add(page)

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
        state=State.PRESENT,
        sent_at=now,
        confirmed_at=None,
        failing_since=None,
        last_error="",
        updated_at=now,
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


def take_back(
    connector: LastfmConnector, user: User, failing: Failing, news: News | None = None
) -> ConnectorError | None:
    """Un-love what is to be taken back: likes removed by the user's wish, and wrong pages."""
    likes = Like.objects.of(user).on(Service.LASTFM)
    removing = {like.track_id: like for like in likes.filter(state=State.REMOVING).due()}
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

    def is_known(page: ServiceMapping) -> bool:
        like = removing.get(page.track_id)
        return like is not None and failing.is_known(like)

    sent = send_each(
        lambda page: connector.unlove_track(page.artists[0], page.title),
        list(pages.values()),
        is_known,
    )
    stop = first_stop(sent)
    outcome = dict(zip(pages, sent, strict=True))
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
        failing.note_answers(
            "love",
            [
                (removing[page.track_id], outcome[page.key])
                for page in mappings
                if page.key in outcome and page.track_id in removing
            ],
            counted=False,
        )
        likes.filter(state=State.REMOVING, track__in=removing.keys() - left).update(
            state=State.REMOVED, removed_at=now, sent_at=None, updated_at=now
        )
        # The stored list must not show any longer what is no longer loved.
        loved = ListedTrack.Listing.LOVED
        listed = ListedTrack.objects.filter(user=user, listing=loved, key__in=done)
        drop_listed(user, loved, listed, news)
    return stop
