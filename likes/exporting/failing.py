"""A call that the service fails each time: tried again later and later, then left to a person.

It is made for a like, or for a page whose love is to be taken back. While the service is down for
everybody nothing is said of either; ``in_flight.Stopping`` tells the two apart. The tries and the
time of the first are columns of the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from connectors.errors import ConnectorError
from connectors.text import count_nouns
from likes.exporting.in_flight import Outcome, Sent
from likes.like_operations import WAITING, forgive, give_up, give_up_pages, note_failure
from likes.models import STUCK_AFTER, Like, LikeQuerySet, MappingQuerySet, ServiceMapping

State = Like.State
Row = Like | ServiceMapping

#: A row is left to a person after so many tries, the first of them so long ago.
MOST_TRIES, LONGEST_TRIED = 4, timedelta(days=3)


@dataclass
class Failing:
    """The rows on which the service failed in one run; ``unproved`` are those after which no call
    of the same kind succeeded, so that it may have been the service."""

    errors: dict[Row, ConnectorError | None] = field(default_factory=dict)
    unproved: dict[str, set[Row]] = field(default_factory=dict)
    left: list[Row] = field(default_factory=list)

    def is_known(self, row: Row) -> bool:
        """Tell whether a row has failed often while others succeeded: that it fails again says
        nothing of the service."""
        if row.attempts < STUCK_AFTER or row.failing_since is None:
            return False
        loved_since = Like.objects.filter(
            user=row.user_id, service=row.service, sent_at__gt=row.failing_since
        )
        return loved_since.exists()

    def is_unproved(self, kind: str) -> bool:
        """Tell whether calls of a kind failed, and none has succeeded since."""
        return bool(self.unproved.get(kind))

    def note_answers(self, kind: str, answers: Iterable[tuple[Row, Sent]], counted: bool) -> None:
        """Note what became of calls of one kind, in their order, as ``note`` writes it."""
        failed = []
        for row, one in answers:
            if one.is_own_failure:
                failed.append((row, one.error))
                self.unproved.setdefault(kind, set()).add(row)
            elif one.outcome in (Outcome.DONE, Outcome.REFUSED):
                self.unproved.pop(kind, None)
        self.note(failed, counted)

    def note(self, failed: Iterable[tuple[Row, ConnectorError | None]], counted: bool) -> None:
        """Write that calls for rows failed; ``counted`` says that their tries are counted already.

        They are not due again in this run. Call it in the transaction that writes the outcomes.
        """
        for row, error in failed:
            self.errors[row] = error
            note_failure(row, str(error or ""), counted=counted)

    def forgive(self, rows: Collection[Row] | None = None) -> None:
        """The service was down: the rows, all by default, are due at once."""
        forgive(self._likes(rows))
        forgive(self._pages(rows))

    def judge(self) -> None:
        """After a run that nothing stopped: raise the error if nothing shows whose fault it is.

        That is where no other call succeeded since, and the rows have not failed often before.
        """
        unproved = set().union(*self.unproved.values())
        doubtful = (*self._likes(unproved), *self._pages(unproved))
        if not any(row.attempts < STUCK_AFTER for row in doubtful):
            return
        self.forgive(unproved)
        error = next(self.errors[row] for row in self.errors if row in unproved)
        self.errors.clear()  # that they failed stands, and counts for the next run
        if error is not None:
            raise error

    def give_up(self) -> int:
        """Leave to a person what was tried often and long enough; return how many likes wait."""
        long_ago = timezone.now() - LONGEST_TRIED
        tried = {"attempts__gte": MOST_TRIES, "failing_since__lte": long_ago}
        likes = list(self._likes().filter(**tried).select_related("track"))
        pages = list(self._pages().filter(**tried))
        give_up({like: _tell_tries(like) for like in likes})
        give_up_pages({page: _tell_tries(page) for page in pages})
        self.left += [*likes, *pages]
        return sum(like.state == State.FAILED for like in likes)

    def tell(self) -> str:
        """Say what is left to a person, and how many are tried again later."""
        told = [
            f"Last.fm fails on “{name}” each time, so it waits for you: {row.last_error}"
            for row in self.left
            for name in [row.track if isinstance(row, Like) else name_page(row)]
        ]
        later = {"next_attempt_at__gt": timezone.now()}
        count = self._likes().filter(**later).count() + self._pages().filter(**later).count()
        if count:
            likes = count_nouns(count, "like")
            told.append(f"Last.fm failed on {likes}, and on no others; tried again later.")
        return " ".join(told)

    def _likes(self, rows: Collection[Row] | None = None) -> LikeQuerySet:
        noted = self.errors if rows is None else rows
        ids = [row.pk for row in noted if isinstance(row, Like)]
        return Like.objects.filter(pk__in=ids, state__in=WAITING)

    def _pages(self, rows: Collection[Row] | None = None) -> MappingQuerySet:
        noted = self.errors if rows is None else rows
        ids = [row.pk for row in noted if isinstance(row, ServiceMapping)]
        return ServiceMapping.objects.filter(pk__in=ids, withdraw=True)


def _tell_tries(row: Row) -> str:
    since = f"{row.failing_since:%Y-%m-%d}"
    told = f"Failed each of {row.attempts} times since {since}: {row.last_error}"
    if isinstance(row, ServiceMapping) or row.state == State.REMOVING:
        return f"It may still be loved on Last.fm. {told}"
    return told


def name_page(page: ServiceMapping) -> str:
    return f"{page.artists[0]} – {page.title}"
