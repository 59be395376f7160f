"""The states of a like in named sets, and the write that every operation ends in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Q
from django.utils import timezone

from likes.models import Like, LikeQuerySet
from likes.models.batches import chunked

State = Like.State

#: Liked in Narada. An unavailable row stands for a song that Spotify does not name.
LIKED = (State.PRESENT, State.UNAVAILABLE)
#: To be loved on Last.fm. The outcome of a call that is under way is not known yet.
TO_SEND = (State.PENDING, State.SENDING)
#: Only a person can settle these.
OPEN = (State.REVIEW, State.NOT_FOUND, State.FAILED)
#: Not loved yet, and no call is under way.
UNSENT = (State.PENDING, *OPEN)
#: Not known to be loved.
UNSETTLED = (*TO_SEND, *OPEN)
#: Loved, or about to be: under another name that love has to be taken back.
SENT = (State.PRESENT, State.SENDING)
#: The page of such a like is loved, or will be.
STANDING = (*SENT, State.PENDING)
#: No longer loved, or soon no longer.
TAKEN_BACK = (State.REMOVING, State.REMOVED)
#: Not to be loved now. It stays so when a page is ruled out.
CLOSED = (*TAKEN_BACK, State.EXCLUDED)
#: A call to Last.fm is due.
WAITING = (*TO_SEND, State.REMOVING)
#: Last.fm's loved list may change these: all but those a person excluded, and those whose love is
#: being taken back.
COMPARED = (*UNSETTLED, State.PRESENT, State.REMOVED)
#: Loved on Last.fm by Narada itself. A love in flight may arrive, and is then Narada's.
OURS = Q(state=State.PRESENT, sent_at__isnull=False) | Q(state=State.SENDING)

#: No call has been tried yet.
UNTRIED = {"attempts": 0, "failing_since": None, "next_attempt_at": None}


def write(likes: LikeQuerySet, **fields: object) -> int:
    """Write fields of likes and the time of the change; return how many likes there are."""
    return likes.update(**fields, updated_at=timezone.now())


def select(likes: Iterable[Like], *states: State) -> Iterator[LikeQuerySet]:
    """Yield the likes that were read in one of the states and still are, 500 at a time."""
    ids = [like.pk for like in likes if like.state in states]
    for chunk in chunked(ids, 500):
        yield Like.objects.filter(pk__in=chunk, state__in=states)
