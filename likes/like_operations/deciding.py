"""Changes that a person's word makes: a decision on the review page, an undo, a purge.

A decision on a like is given the row as it was locked, and holds from every state.
"""

from __future__ import annotations

from django.utils import timezone

from likes.like_operations.states import UNTRIED, State, write
from likes.models import Like, LikeQuerySet, Run, RunChange, Service

#: What was sent or shown before says nothing about what comes now.
_UNKNOWN = {"sent_at": None, "confirmed_at": None, **UNTRIED}


def mark_excluded(like: Like) -> None:
    """any state → excluded: the track is not on Last.fm, or not wanted there."""
    _decide(like, State.EXCLUDED)


def ask_to_love(like: Like, *, still_ours: bool) -> None:
    """any state → pending: to be loved by the page that stands, or by a new search.

    A love of Narada's that was to be taken back may be ``still_ours``: → sending, as the next
    reading of Last.fm's list tells whether it stands.
    """
    _decide(like, State.SENDING if still_ours else State.PENDING)


def ask_person(like: Like, state: State, why: str) -> None:
    """any state → review or not_found, as the page is ruled out; or the state before a decision
    that is taken back."""
    _decide(like, state, why)


def _decide(like: Like, state: State, why: str = "") -> None:
    fields = {"state": state, "last_error": why, "removed_at": None, **_UNKNOWN}
    for name, value in fields.items():
        setattr(like, name, value)
    like.save(update_fields=[*fields, "updated_at"])


def add_on_lastfm(liked: Like) -> Like:
    """no row → pending: to be loved too, since the same day; ``liked`` is the row of Narada."""
    return Like.objects.create(
        user_id=liked.user_id,
        track_id=liked.track_id,
        service=Service.LASTFM,
        state=State.PENDING,
        source=liked.source,
        liked_at=liked.liked_at,
    )


def return_likes(in_narada: LikeQuerySet, was: str, run: Run) -> None:
    """removed → the state before, ``was``: an undo brings likes back into Narada."""
    removed = in_narada.filter(state=State.REMOVED)
    RunChange.objects.record(run, RunChange.What.ADDED, removed.values_list("pk", "state"))
    write(removed, state=was, removed_at=None)


def forget(on_lastfm: LikeQuerySet) -> None:
    """removing → removed, excluded and removed stay, all else → pending: after a disconnect Narada
    forgets what became of its loves, and sends them again to the next account."""
    forgotten = {"last_error": "", **_UNKNOWN}
    removing = on_lastfm.filter(state=State.REMOVING)
    write(removing, state=State.REMOVED, removed_at=timezone.now(), **forgotten)
    settled = (State.EXCLUDED, State.REMOVED, State.UNAVAILABLE)
    write(on_lastfm.exclude(state__in=settled), state=State.PENDING, **forgotten)
