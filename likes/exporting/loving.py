"""Sending loves: the intent is written first, then the call is made, then its outcome is written.

After a crash at most what was in flight is uncertain; those rows stay "being sent" until the next
reading of the loved list says whether Last.fm has them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from django.contrib.auth.models import User
from django.db import transaction

from connectors.errors import ConnectorError
from connectors.lastfm import LastfmConnector
from likes.exporting.failing import Failing, Row
from likes.exporting.in_flight import IN_FLIGHT, Flight, Line, Outcome, Sent, first_stop
from likes.exporting.own_lists import News, drop_listed
from likes.like_operations import (
    begin_sending,
    mark_refused,
    mark_sent,
    mark_taken_back,
    mark_unsent,
    mark_withdrawn,
)
from likes.models import Like, LikeQuerySet, ListedTrack, Service, ServiceMapping
from likes.models.batches import chunked
from likes.runs.summaries import SliceDone, TimeIsUp

#: How many rows are named in one statement.
CHUNK = 500
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
        if isinstance(error, ConnectorError | KeyboardInterrupt | SliceDone):
            self._write_all()

    def __len__(self) -> int:
        """How many likes are under way."""
        return sum(len(likes) for likes in self._likes.values())

    def begin(self, batch: Sequence[tuple[Like, ServiceMapping]]) -> None:
        """Write the intent to love a batch, oldest first, and line its calls up."""
        intended = Like.objects.filter(pk__in=[like.pk for like, _ in batch])
        begin_sending(intended)
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

    def settle(self, most: int = 0, is_late: TimeIsUp = lambda: False) -> None:
        """Write outcomes until at most ``most`` likes are under way, or it is late; raise what
        stopped them."""
        while len(self) > most and self._stop is None and not is_late():
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

    def rows(outcome: Outcome) -> LikeQuerySet:
        return Like.objects.filter(pk__in=[like.pk for like, one in sent if one.outcome == outcome])

    mark_sent(rows(Outcome.DONE))
    failed = [like.pk for like, one in sent if one.is_own_failure]
    mark_unsent(rows(Outcome.UNSENT), reason, failed)
    for like, one in sent:
        if one.outcome == Outcome.REFUSED:
            mark_refused(Like.objects.filter(pk=like.pk), str(one.error))


def take_back(
    connector: LastfmConnector,
    user: User,
    failing: Failing,
    news: News | None = None,
    time_is_up: TimeIsUp = lambda: False,
    must_end: TimeIsUp = lambda: False,
) -> ConnectorError | None:
    """Un-love what is to be taken back: likes removed by the user's wish, and wrong pages.

    Return the error that stopped it, if one did. Raise SliceDone if time is up before the end.
    """
    rows, pages = _list_unwanted(user)
    # A page that another like of this user stands on stays loved.
    needed = set(
        ServiceMapping.objects.of(user).pages()
        .keyed(rows)
        .whose_like_is(State.PRESENT)
        .values_list("key", flat=True)
    )  # fmt: skip
    removing = Like.objects.of(user).on(Service.LASTFM).filter(state=State.REMOVING)
    with transaction.atomic():
        _end([*removing.without_page(), *(row for key in needed for row in rows[key])])
    unwanted = deque(page for key, page in pages.items() if key not in needed)
    stop: ConnectorError | None = None
    over = False
    with Line[ServiceMapping](
        lambda page: connector.unlove_track(page.artists[0], page.title),
        lambda page: all(failing.is_known(row) for row in rows[page.key]),
    ) as line:
        while unwanted or line:
            while unwanted and len(line) < 2 * IN_FLIGHT:
                line.add(unwanted.popleft())
            answers = line.take(IN_FLIGHT, WRITTEN_WITHIN)
            with transaction.atomic():
                _write_unloved(user, answers, rows, failing, news)
            stop = stop or first_stop(one for _, one in answers)
            over = over or bool(unwanted and time_is_up())
            if stop is not None or over:
                unwanted.clear()
            if over and must_end():
                line.stop()
    if over and stop is None:
        raise SliceDone
    return stop


def _list_unwanted(user: User) -> tuple[dict[str, list[Row]], dict[str, ServiceMapping]]:
    """Return by key the rows whose page is to be un-loved now, and the pages."""
    likes = Like.objects.of(user).on(Service.LASTFM).filter(state=State.REMOVING).due()
    removing = {like.track_id: like for like in likes}
    ours = ServiceMapping.objects.of(user).on(Service.LASTFM)
    rows: dict[str, list[Row]] = {}
    pages: dict[str, ServiceMapping] = {}
    for page in ours.filter(withdraw=True).due():
        rows.setdefault(page.key, []).append(page)
        pages[page.key] = page
    for chunk in chunked(list(removing), CHUNK):
        for page in ServiceMapping.objects.pages_of(chunk):
            rows.setdefault(page.key, []).append(removing[page.track_id])
            pages[page.key] = page
    return rows, pages


def _write_unloved(
    user: User,
    answers: Sequence[tuple[ServiceMapping, Sent]],
    rows: dict[str, list[Row]],
    failing: Failing,
    news: News | None,
) -> None:
    failing.note_answers(
        "love", [(row, one) for page, one in answers for row in rows[page.key]], counted=False
    )
    ended = (Outcome.DONE, Outcome.REFUSED)
    done = [page.key for page, one in answers if one.outcome in ended]
    _end([row for key in done for row in rows[key]])
    # The stored list must not show any longer what is no longer loved.
    loved = ListedTrack.Listing.LOVED
    drop_listed(
        user, loved, ListedTrack.objects.filter(user=user, listing=loved, key__in=done), news
    )


def _end(rows: Iterable[Row]) -> None:
    """Write that nothing is left to be taken back of these."""
    rows = list(rows)
    for chunk in chunked([row.pk for row in rows if isinstance(row, Like)], CHUNK):
        mark_taken_back(Like.objects.filter(pk__in=chunk))
    for chunk in chunked([row.pk for row in rows if isinstance(row, ServiceMapping)], CHUNK):
        mark_withdrawn(ServiceMapping.objects.filter(pk__in=chunk))
