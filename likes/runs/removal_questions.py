"""So many removals at once that a person is asked first: the question and the answer are stored.

They are more likely a fault of the service than the user's wish. The question is a number in the
Checkpoint of the listing; a person agrees to that many, by a command or in the pages, and the
next run takes note of no more than those.
"""

from __future__ import annotations

import math

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import F, QuerySet

from connectors.text import count_nouns
from likes.models import Checkpoint
from likes.runs.leases import save_checkpoint

#: Removals at once that nobody is asked about: so many, or this share of what is known.
FEWEST_ASKED_ABOUT, SHARE_ASKED_ABOUT = 20, 0.05
#: Of so many or fewer all may go at once; of more, a list that is empty is asked about.
FEW = 5


def may_remove(checkpoint: Checkpoint, count: int, known: int, *, accept: bool) -> bool:
    """Return whether ``count`` of ``known`` rows may go; where not, keep the question.

    ``accept`` is the answer of whoever started this run. The lease must be held.
    """
    agreed = accept or count <= checkpoint.removals_agreed
    allowed = agreed or count <= find_most(known)
    asked = 0 if allowed else count
    if checkpoint.removals_asked != asked:
        save_checkpoint(checkpoint, removals_asked=asked)
    return allowed


def find_most(known: int) -> int:
    most = max(FEWEST_ASKED_ABOUT, math.ceil(known * SHARE_ASKED_ABOUT))
    return most if known <= FEW else min(most, known - 1)


def close_question(checkpoint: Checkpoint) -> None:
    """The list was held against the rows and nothing is left to ask: an answer is used up."""
    if checkpoint.removals_asked or checkpoint.removals_agreed:
        save_checkpoint(checkpoint, removals_asked=0, removals_agreed=0)


def list_questions(user: AbstractBaseUser) -> QuerySet[Checkpoint]:
    """Return the listings of which a person is to say whether so much is gone from them."""
    return Checkpoint.objects.filter(user=user, removals_asked__gt=F("removals_agreed"))


def agree(user: AbstractBaseUser, listing: str) -> bool:
    """Let the next run remove as many as it asked about; return whether it had asked."""
    asked = list_questions(user).filter(listing=listing)
    return bool(asked.update(removals_agreed=F("removals_asked")))


def ask_about_loves(user: AbstractBaseUser, gone: int) -> str:
    return (
        f"Last.fm no longer shows {count_nouns(gone, 'love')} that it showed before. "
        "Narada changed nothing of them. If they were taken back indeed, say so on the first page, "
        "or run: "
        f"narada export-likes-to-lastfm -u {user} --accept-removals"
    )
