"""Changes that calls to Last.fm make: to love a page, and to take a love back.

A row in another state than an operation starts from is left alone: a person, or an unlike, may
decide while a call is under way, and that stands. A page on which Narada's love is to be taken
back (``withdraw``) counts its tries as a like does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone

from likes.like_operations.states import OPEN, UNTRIED, WAITING, State, write
from likes.models import Like, LikeQuerySet, MappingQuerySet, ServiceMapping


def begin_sending(likes: LikeQuerySet) -> None:
    """pending → sending: the intent is written before the call, and counts as a try."""
    write(likes.filter(state=State.PENDING), state=State.SENDING, attempts=F("attempts") + 1)


def mark_sent(likes: LikeQuerySet) -> None:
    """sending → present: Last.fm took the love. Its list has yet to confirm it."""
    write(
        likes.filter(state=State.SENDING),
        state=State.PRESENT,
        sent_at=timezone.now(),
        confirmed_at=None,
        failing_since=None,
        last_error="",
    )


def mark_unsent(likes: LikeQuerySet, why: str, failed: Collection[int]) -> None:
    """sending → pending: Last.fm did not take the love. It counts as a try for those whose own call
    ``failed`` (ids), and not for those whose call was never made."""
    sending = likes.filter(state=State.SENDING)
    sending.exclude(pk__in=failed).update(attempts=F("attempts") - 1)
    write(sending, state=State.PENDING, last_error=why)


def mark_refused(likes: LikeQuerySet, why: str) -> None:
    """sending → failed: Last.fm refused this love, so a person decides."""
    write(likes.filter(state=State.SENDING), state=State.FAILED, last_error=why)


def leave_open(likes: LikeQuerySet, state: State, why: str) -> None:
    """pending → review, not_found or failed: no page was found that is certain.

    Raises ValueError for another state.
    """
    if state not in OPEN:
        raise ValueError(f"{state} does not wait for a person")
    write(likes.filter(state=State.PENDING), state=state, last_error=why)


def look_again(likes: LikeQuerySet) -> None:
    """review, not_found, failed → pending: a page was found since."""
    write(likes.filter(state__in=OPEN), state=State.PENDING, last_error="")


def mark_taken_back(likes: LikeQuerySet) -> None:
    """removing → removed: nothing of the love is left on Last.fm. The reason stays."""
    write(
        likes.filter(state=State.REMOVING),
        state=State.REMOVED,
        removed_at=timezone.now(),
        sent_at=None,
        **UNTRIED,
    )


def mark_withdrawn(pages: MappingQuerySet) -> None:
    """Narada's love on these pages is taken back."""
    pages.update(withdraw=False, last_error="", **UNTRIED)


def note_failure(row: Like | ServiceMapping, why: str, *, counted: bool) -> None:
    """pending, sending, removing: the call for a row failed; the next is later with each failure.

    ``counted``: the try was counted when the call began.
    """
    now = timezone.now()
    fields = {
        "attempts": F("attempts") if counted else F("attempts") + 1,
        "failing_since": Coalesce("failing_since", now) if row.attempts else now,
        "next_attempt_at": now + timedelta(hours=min(3**row.attempts, 24)),
        "last_error": why,
    }
    if isinstance(row, Like):
        write(Like.objects.filter(pk=row.pk, state__in=WAITING), **fields)
    else:  # the time of a page's last change is that of a person's decision
        ServiceMapping.objects.filter(pk=row.pk, withdraw=True).update(**fields)


def forgive(rows: LikeQuerySet | MappingQuerySet) -> None:
    """The service was down for everybody: the rows are due at once."""
    rows.update(next_attempt_at=None)


def give_up(reasons: Mapping[Like, str]) -> None:
    """pending, sending → failed; removing → removed: each call failed, so a person decides."""
    now = timezone.now()
    likes = [like for like in reasons if like.state in WAITING]
    for like in likes:
        like.last_error, like.next_attempt_at, like.updated_at = reasons[like], None, now
        if like.state == State.REMOVING:
            like.state, like.removed_at = State.REMOVED, now
        else:
            like.state = State.FAILED
    Like.objects.filter(state__in=WAITING).bulk_update(
        likes, ["state", "removed_at", "last_error", "next_attempt_at", "updated_at"]
    )


def give_up_pages(reasons: Mapping[ServiceMapping, str]) -> None:
    """Each call to take back the love on these pages failed: it is not tried again."""
    for page, why in reasons.items():
        page.withdraw, page.last_error, page.next_attempt_at = False, why, None
    ServiceMapping.objects.bulk_update(reasons, ["withdraw", "last_error", "next_attempt_at"])
