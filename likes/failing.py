"""A like on which the service fails each time: tried again later and later, then left to a person.

While the service is down for everybody nothing is said of a like; ``in_flight.Stopping`` tells the
two apart. The tries and the time of the first are columns of the Like.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from connectors.errors import ConnectorError
from likes.in_flight import Outcome, Sent
from likes.models import STUCK_AFTER, Like, LikeQuerySet

State = Like.State

#: A like is left to a person after so many tries, the first of them so long ago.
MOST_TRIES, LONGEST_TRIED = 4, timedelta(days=3)


@dataclass
class Failing:
    """The likes on which the service failed in one run; ``unproved`` are those after which no call
    of the same kind succeeded, so that it may have been the service."""

    errors: dict[int, ConnectorError | None] = field(default_factory=dict)
    unproved: dict[str, set[int]] = field(default_factory=dict)
    left: list[Like] = field(default_factory=list)

    def is_known(self, like: Like) -> bool:
        """Tell whether a like has failed often while others succeeded: that it fails again says
        nothing of the service."""
        if like.attempts < STUCK_AFTER or like.failing_since is None:
            return False
        loved_since = Like.objects.filter(
            user=like.user_id, service=like.service, sent_at__gt=like.failing_since
        )
        return loved_since.exists()

    def note_answers(self, kind: str, answers: Iterable[tuple[Like, Sent]], counted: bool) -> None:
        """Note what became of calls of one kind, in their order, as ``note`` writes it."""
        failed = []
        for like, one in answers:
            if one.is_own_failure:
                failed.append((like, one.error))
                self.unproved.setdefault(kind, set()).add(like.pk)
            elif one.outcome in (Outcome.DONE, Outcome.REFUSED):
                self.unproved.pop(kind, None)
        self.note(failed, counted)

    def note(self, failed: Iterable[tuple[Like, ConnectorError | None]], counted: bool) -> None:
        """Write that calls for likes failed; ``counted`` says that their tries are counted already.

        They are not due again in this run. Call it in the transaction that writes the outcomes.
        """
        now = timezone.now()
        for like, error in failed:
            self.errors[like.pk] = error
            Like.objects.filter(pk=like.pk).update(
                attempts=F("attempts") if counted else F("attempts") + 1,
                failing_since=Coalesce("failing_since", now) if like.attempts else now,
                next_attempt_at=now + timedelta(hours=min(3**like.attempts, 24)),
                last_error=str(error or ""),
                updated_at=now,
            )

    def forgive(self) -> None:
        """The service was down: the likes are due at once."""
        self._find().update(next_attempt_at=None)

    def judge(self) -> None:
        """After a run that nothing stopped: raise the error if nothing shows whose fault it is.

        That is where no other call succeeded since, and the likes have not failed often before.
        """
        unproved = set().union(*self.unproved.values())
        doubtful = self._find().filter(pk__in=unproved)
        if not doubtful.filter(attempts__lt=STUCK_AFTER).exists():
            return
        doubtful.update(next_attempt_at=None)
        error = self.errors[min(unproved)]
        self.errors.clear()  # that they failed stands, and counts for the next run
        if error is not None:
            raise error

    def give_up(self) -> int:
        """Leave to a person what was tried often and long enough; return how many wait for one."""
        now = timezone.now()
        tried = self._find().filter(
            attempts__gte=MOST_TRIES, failing_since__lte=now - LONGEST_TRIED
        )
        for like in tried.select_related("track"):
            since = f"{like.failing_since:%Y-%m-%d}"
            like.last_error = (
                f"Failed each of {like.attempts} times since {since}: {like.last_error}"
            )
            if like.state == State.REMOVING:
                like.state, like.removed_at = State.REMOVED, now
                like.last_error = f"It may still be loved on Last.fm. {like.last_error}"
            else:
                like.state = State.FAILED
            like.next_attempt_at, like.updated_at = None, now
            self.left.append(like)
        Like.objects.bulk_update(
            self.left, ["state", "removed_at", "last_error", "next_attempt_at", "updated_at"]
        )
        return sum(like.state == State.FAILED for like in self.left)

    def tell(self) -> str:
        """Say what is left to a person, and how many likes are tried again later."""
        told = [
            f"Last.fm fails on “{like.track}” each time, so it waits for you: {like.last_error}"
            for like in self.left
        ]
        if later := self._find().filter(next_attempt_at__gt=timezone.now()).count():
            likes = "1 like" if later == 1 else f"{later:,} likes"
            told.append(f"Last.fm failed on {likes}, and on no others; tried again later.")
        return " ".join(told)

    def _find(self) -> LikeQuerySet:
        waiting = [State.PENDING, State.SENDING, State.REMOVING]
        return Like.objects.filter(pk__in=list(self.errors), state__in=waiting)
