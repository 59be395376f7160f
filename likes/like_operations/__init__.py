"""Every change of a like's state: named operations, the only code that writes it.

Each says from which states it starts and where it leads; a row in another state is left alone. With
the state it writes the fields beside it: when a love was sent, shown and removed, its failed tries
and the reason. ``states`` has the sets of states; ``liking`` what likes on Spotify do, ``sending``
what calls to Last.fm do.
"""

from likes.like_operations.liking import (
    LOVED_AGAIN,
    end_likes,
    like_again,
    mark_removed_on_spotify,
    stop_loving,
    unlist,
)
from likes.like_operations.sending import (
    begin_sending,
    forgive,
    give_up,
    give_up_pages,
    leave_open,
    look_again,
    mark_refused,
    mark_sent,
    mark_taken_back,
    mark_unsent,
    mark_withdrawn,
    note_failure,
)
from likes.like_operations.states import (
    CLOSED,
    COMPARED,
    LIKED,
    OPEN,
    OURS,
    SENT,
    STANDING,
    TAKEN_BACK,
    TO_SEND,
    UNSENT,
    UNSETTLED,
    WAITING,
)

__all__ = [
    "CLOSED",
    "COMPARED",
    "LIKED",
    "LOVED_AGAIN",
    "OPEN",
    "OURS",
    "SENT",
    "STANDING",
    "TAKEN_BACK",
    "TO_SEND",
    "UNSENT",
    "UNSETTLED",
    "WAITING",
    "begin_sending",
    "end_likes",
    "forgive",
    "give_up",
    "give_up_pages",
    "leave_open",
    "like_again",
    "look_again",
    "mark_refused",
    "mark_removed_on_spotify",
    "mark_sent",
    "mark_taken_back",
    "mark_unsent",
    "mark_withdrawn",
    "note_failure",
    "stop_loving",
    "unlist",
]
