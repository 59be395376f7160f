"""Changes that Last.fm's loved list makes, once it is read: arrived, lost, un-loved by the user.

The likes that are given were read before, and were held against the list as they were then. A like
that has left that state since is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils import timezone

from likes.like_operations.states import UNSETTLED, State, select, write
from likes.models import Like

#: A love that was sent this often and never shown is up to a person.
MOST_ATTEMPTS = 3


def mark_loved(likes: Iterable[Like], *, by_narada: bool) -> int:
    """pending, sending, review, not_found, failed → present: the list shows the love.

    ``by_narada`` tells whose love it is: only Narada's own can be taken back. Return how many.
    """
    now = timezone.now()
    fields = {"confirmed_at": now, "sent_at": now if by_narada else None, "last_error": ""}
    return sum(write(rows, state=State.PRESENT, **fields) for rows in select(likes, *UNSETTLED))


def mark_loved_again(likes: Iterable[Like]) -> int:
    """removed → present: the user loved it again on Last.fm. Return how many."""
    fields = {"confirmed_at": timezone.now(), "sent_at": None, "removed_at": None, "last_error": ""}
    return sum(write(rows, state=State.PRESENT, **fields) for rows in select(likes, State.REMOVED))


def confirm(likes: Iterable[Like]) -> None:
    """present → present: the list shows a love that Last.fm took."""
    for rows in select(likes, State.PRESENT):
        write(rows, confirmed_at=timezone.now())


def mark_not_arrived(likes: Iterable[Like]) -> None:
    """sending → pending: a whole list does not show a love whose outcome nobody knew."""
    for rows in select(likes, State.SENDING):
        write(rows, state=State.PENDING)


def mark_lost(likes: Iterable[Like]) -> None:
    """present → pending, or review after ``MOST_ATTEMPTS``: Last.fm took the love, and a whole list
    never showed it."""
    likes = list(likes)
    for rows in select((one for one in likes if one.attempts >= MOST_ATTEMPTS), State.PRESENT):
        why = "Last.fm took the love more than once, but does not show it."
        write(rows, state=State.REVIEW, last_error=why)
    for rows in select((one for one in likes if one.attempts < MOST_ATTEMPTS), State.PRESENT):
        write(rows, state=State.PENDING)


def mark_unloved(likes: Iterable[Like]) -> None:
    """present → removed: a whole list no longer shows the love, so the user took it back."""
    why = "No longer loved on Last.fm; Narada does not love it again unless asked."
    for rows in select(likes, State.PRESENT):
        write(rows, state=State.REMOVED, removed_at=timezone.now(), last_error=why)


def share_love(loved: Mapping[Like, tuple[datetime | None, datetime | None]]) -> None:
    """pending → present: another like stands on the page, with these times sent and confirmed."""
    for like, (sent_at, confirmed_at) in loved.items():
        like.state, like.last_error, like.updated_at = State.PRESENT, "", timezone.now()
        like.sent_at, like.confirmed_at = sent_at, confirmed_at
    Like.objects.filter(state=State.PENDING).bulk_update(
        loved, ["state", "last_error", "sent_at", "confirmed_at", "updated_at"]
    )


def share_end(reasons: Mapping[Like, str]) -> None:
    """pending → removed: the love of another like on the page was taken back, for this reason."""
    for like, why in reasons.items():
        like.state, like.last_error = State.REMOVED, why
        like.removed_at = like.updated_at = timezone.now()
    Like.objects.filter(state=State.PENDING).bulk_update(
        reasons, ["state", "last_error", "removed_at", "updated_at"]
    )
