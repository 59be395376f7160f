"""Delete a user, or tracks of one, while syncs may be at work: however many rows that is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, router, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from likes.models import (
    Checkpoint,
    Like,
    ListedTrack,
    ListedTrackKey,
    Run,
    RunChange,
    ServiceMapping,
    SyncSettings,
    Track,
    TrackKey,
)

logger = logging.getLogger(__name__)

TRIES = 3
BATCH = 5_000

#: The rows of a user of which there may be many, each kind before the rows that it points at.
ROWS: tuple[tuple[type[Model], str], ...] = (
    (RunChange, "run__user"),
    (RunChange, "like__user"),
    (TrackKey, "user"),
    (ServiceMapping, "user"),
    (Like, "user"),
    (Track, "user"),
    (ListedTrackKey, "user"),
    (ListedTrack, "user"),
    (Run, "user"),
)


def delete_user(user_id: int) -> None:
    """Delete a user and every row that belongs to them.

    Their many rows go first, in batches, each a transaction. The last transaction locks the row of
    the user, so that a run at work adds nothing any more and then ends, and deletes the rest. A
    deletion that is cut off is finished by ``finish_deletions``.
    """
    _retry(partial(_begin, user_id))
    for _ in range(TRIES):
        # A run that is still at work may add a row that points at one whose turn it is.
        with suppress(IntegrityError):
            for rows in _list_rows(user_id):
                while _retry(partial(delete_batch, rows)) == BATCH:
                    pass
            break
    _retry(partial(_end, user_id))


def finish_deletions() -> int:
    """Delete the users whose deletion was cut off; return how many."""
    left = SyncSettings.objects.filter(leaving_since__isnull=False).values_list("user", flat=True)
    users = list(left)
    for user_id in users:
        delete_user(user_id)
        logger.info("user %s: the deletion that was cut off is finished", user_id)
    return len(users)


def delete_batch(rows: QuerySet) -> int:
    """Delete at most ``BATCH`` of the rows in one statement; return how many.

    Rows that point at them are not looked for.
    """
    manager = rows.model._base_manager
    some = manager.filter(pk__in=rows.order_by().values("pk")[:BATCH])
    return some._raw_delete(router.db_for_write(rows.model)) or 0


def delete_all(rows: QuerySet) -> None:
    """Delete rows in batches, in a transaction of the caller's; see ``delete_batch``."""
    while delete_batch(rows) == BATCH:
        pass


def delete_tracks(tracks: Collection[int]) -> None:
    """Delete some tracks with all that is known of them, in a transaction of the caller's."""
    for rows in (
        RunChange.objects.filter(like__track__in=tracks),
        TrackKey.objects.filter(track__in=tracks),
        ServiceMapping.objects.filter(track__in=tracks),
        Like.objects.filter(track__in=tracks),
        Track.objects.filter(pk__in=tracks),
    ):
        delete_all(rows)


def is_leaving(user_id: int) -> bool:
    """Tell whether a user is deleted, or a deletion of them has begun."""
    with transaction.atomic():
        users = User.objects.select_for_update(no_key=True, of=("self",))
        staying = users.filter(pk=user_id, sync_settings__leaving_since=None)
        return staying.values_list("pk", flat=True).first() is None


def _begin(user_id: int) -> None:
    """Let nobody sign in as the user or sync for them, and note that the rest is to follow."""
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        return
    User.objects.filter(pk=user_id).update(is_active=False)
    SyncSettings.objects.update_or_create(
        user=user,
        defaults={
            "enabled": False,
            "step": SyncSettings.Step.IDLE,
            "leaving_since": timezone.now(),
        },
    )
    # Without them a run that is at work can store nothing more (leases.save_checkpoint).
    Checkpoint.objects.filter(user=user_id).delete()
    SocialAccount.objects.filter(user=user_id).delete()


def _list_rows(user_id: int) -> list[QuerySet]:
    return [model._base_manager.filter(**{owner: user_id}) for model, owner in ROWS]


def _end(user_id: int) -> None:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        return  # another deletion of theirs was quicker
    for rows in _list_rows(user_id):
        delete_all(rows)
    user.delete()


def _retry(step: Callable[[], int | None]) -> int | None:
    """Do a step in a transaction. If the database ends a deadlock at our cost, try again."""
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                return step()
        except (IntegrityError, OperationalError):
            if not left:
                raise
    return None
