"""The line of users whose sync waits for a worker: rows of SyncSettings, not messages.

A user stands in the line once, however often a sync is asked for. A worker takes whoever has
waited longest, does a slice for them, and sends them to the end of the line while there is more.
A message only wakes a worker: if one is lost, beat sends others within a minute. If a worker is
known to be dead, its user is free at once; otherwise (for example on another machine) soon after.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from likes.models import SyncSettings
from likes.runs.leases import is_dead, name_holder

Step = SyncSettings.Step

#: A worker that says nothing for so long is believed dead. It speaks after each batch.
TAKEN_FOR = timedelta(seconds=90)
#: Users who were never synced come before those who are due since later than this.
NEWCOMERS_DUE_FOR = timedelta(hours=1)

FREE = {"taken_by": "", "taken_until": None}


def join(user_id: int, asked_by: str) -> bool:
    """Put a user at the end of the line; return False if they stand in it, or a worker has them."""
    if not User.objects.filter(pk=user_id, sync_settings__isnull=False).exists():
        try:
            with transaction.atomic():
                SyncSettings.objects.get_or_create(user_id=user_id)
        except IntegrityError:
            return False  # the user was deleted
    idle = SyncSettings.objects.filter(user=user_id, step=Step.IDLE)
    now = timezone.now()
    return bool(idle.update(step=Step.IMPORT, asked_by=asked_by, waits_since=now, **FREE))


def join_due(due: QuerySet[SyncSettings], now: datetime, next_sync_at: datetime) -> int:
    """Put all who are due into the line, in one statement; return how many."""
    return due.filter(step=Step.IDLE).update(
        step=Step.IMPORT,
        asked_by="schedule",
        waits_since=Coalesce(F("next_sync_at"), Value(now - NEWCOMERS_DUE_FOR)),
        next_sync_at=next_sync_at,
        **FREE,
    )


def take_next() -> SyncSettings | None:
    """Take the user who has waited longest; return None if nobody waits."""
    waiting = list_waiting()
    for row in waiting.order_by("waits_since", "pk")[:50]:
        row_as_read = waiting.filter(pk=row.pk, step=row.step, taken_by=row.taken_by)
        row.taken_by = name_holder()
        # Several workers may read the same row: whoever changes it has the user.
        if row_as_read.update(taken_by=row.taken_by, taken_until=timezone.now() + TAKEN_FOR):
            return row
    return None


def keep(row: SyncSettings) -> None:
    """Say that the worker that took a user is still at work."""
    mine = SyncSettings.objects.filter(pk=row.pk, taken_by=row.taken_by)
    mine.update(taken_until=timezone.now() + TAKEN_FOR)


def wait_again(row: SyncSettings, step: SyncSettings.Step) -> None:
    """Send a user whose slice is done to the end of the line, for the next slice."""
    mine = SyncSettings.objects.filter(pk=row.pk, taken_by=row.taken_by)
    mine.update(step=step, waits_since=timezone.now(), **FREE)


def leave(user_id: int, **fields: object) -> None:
    """Take a user out of the line: their sync is done, or nobody can do it."""
    row = SyncSettings.objects.filter(user=user_id)
    row.update(step=Step.IDLE, waits_since=None, **FREE, **fields)


def list_waiting() -> QuerySet[SyncSettings]:
    """Return the users in the line whom no worker has, or only one that has died."""
    now = timezone.now()
    in_line = SyncSettings.objects.exclude(step=Step.IDLE)
    holders = in_line.exclude(taken_by="").values_list("taken_by", flat=True)
    dead = [holder for holder in holders if is_dead(holder)]
    unheard_of = Q(taken_until__lte=now) | Q(taken_until__gt=now + TAKEN_FOR)
    return in_line.filter(Q(taken_by="") | Q(taken_by__in=dead) | unheard_of)
