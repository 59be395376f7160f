"""Times that a clock which was ahead has left behind: noticed, told, and set right.

Each stored time that decides something can mean a moment only so far ahead. A later one, for
example after the machine's clock stood a year ahead for an hour, would hold things up silently
until then. ``set_right`` says what it found and mends it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db.models import Max, Model
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from likes.models import (
    BulkAcceptance,
    Checkpoint,
    Connection,
    Like,
    Run,
    RunChange,
    ServiceHold,
    ServiceMapping,
    SyncSettings,
)

logger = logging.getLogger(__name__)

#: How far the clocks of several machines may differ.
TOLERANCE = timedelta(minutes=5)
#: The longest that a service was ever seen to ask us to stay away is a day.
LONGEST_HOLD = timedelta(days=2)


@dataclass(frozen=True)
class Meaning:
    """How far ahead a stored time can be meant, what it is for, and what one beyond that becomes:
    nothing (the thing is due or free at once), or the latest time that can be meant."""

    model: type[Model]
    field: str
    what: str
    ahead: Callable[[], timedelta] = timedelta
    becomes_empty: bool = False


def _sync_every() -> timedelta:
    """An operator may put a user off for a day."""
    return timedelta(minutes=settings.SYNC_EVERY_MINUTES) + timedelta(days=1)


def _purge_after() -> timedelta:
    return timedelta(days=max(0, settings.PURGE_AFTER_DAYS))


#: Rows of which there are few for each user: looked at each time.
LOOKED_AT = (
    Meaning(ServiceHold, "held_until", "a service held back", lambda: LONGEST_HOLD, True),
    Meaning(ServiceHold, "updated_at", "a service held back"),
    Meaning(SyncSettings, "next_sync_at", "a user's next sync", _sync_every, True),
    Meaning(SyncSettings, "waits_since", "a place in the line for a worker"),
    Meaning(SyncSettings, "taken_until", "a worker's hold on a user", timedelta, True),
    Meaning(Checkpoint, "lease_until", "a run's hold on a list", timedelta, True),
    Meaning(Checkpoint, "read_at", "the last reading of a list", timedelta, True),
    Meaning(Checkpoint, "whole_read_at", "the last whole reading of a list", timedelta, True),
    Meaning(Checkpoint, "reading_since", "the beginning of a reading"),
    Meaning(Checkpoint, "last_success_at", "a last success"),
    Meaning(Connection, "refreshing_until", "the renewal of a token", timedelta, True),
    Meaning(Connection, "refused_at", "a refusal", timedelta, True),
    Meaning(Connection, "authorized_at", "a consent"),
    Meaning(Connection, "purge_at", "a purge after a disconnect", _purge_after),
    Meaning(PeriodicTask, "last_run_at", "beat's last start of a task"),
    Meaning(PeriodicTasks, "last_update", "beat's last change"),
)
#: Rows of which there are many: looked at where one of the others was wrong.
THEN_LOOKED_AT = (
    Meaning(Like, "failing_since", "a like's first failure"),
    Meaning(Like, "next_attempt_at", "a like's next try", lambda: timedelta(days=31), True),
    Meaning(ServiceMapping, "failing_since", "a page's first failure"),
    Meaning(
        ServiceMapping, "next_attempt_at", "a page's next try", lambda: timedelta(days=31), True
    ),
    *(
        Meaning(Like, field, "a like")
        for field in ("sent_at", "confirmed_at", "removed_at", "created_at", "updated_at")
    ),
    Meaning(Run, "started_at", "a run"),
    Meaning(Run, "ended_at", "a run"),
    Meaning(RunChange, "at", "a run's change"),
    Meaning(BulkAcceptance, "at", "an acceptance in bulk"),
)


def set_right(now: datetime) -> list[str]:
    """Mend stored times that lie too far ahead; return a sentence for each kind of them.

    A hold keeps its length, counted from now.
    """
    ahead = ServiceHold.objects.filter(updated_at__gt=now + TOLERANCE, held_until__isnull=False)
    for hold in ahead:
        if hold.held_until is not None:
            length = max(timedelta(0), min(hold.held_until - hold.updated_at, LONGEST_HOLD))
            ahead.filter(pk=hold.pk).update(held_until=now + length)
    found = list(_mend(LOOKED_AT, now))
    if found:
        found += _mend(THEN_LOOKED_AT, now)
        for sentence in found:
            logger.warning("%s", sentence)
    return found


def _mend(meanings: Sequence[Meaning], now: datetime) -> Iterator[str]:
    for model, of_model in groupby(meanings, lambda meaning: meaning.model):
        fields = list(of_model)
        furthest = model._default_manager.aggregate(**{one.field: Max(one.field) for one in fields})
        for one in fields:
            latest, found = now + one.ahead(), furthest[one.field]
            if found is None or found <= latest + TOLERANCE:
                continue
            rows = model._default_manager.filter(**{f"{one.field}__gt": latest + TOLERANCE})
            count = rows.update(**{one.field: None if one.becomes_empty else latest})
            more = f" and {count - 1:,} more" if count > 1 else ""
            yield (
                f"The clock was ahead: {one.what} was stored for {found:%Y-%m-%d %H:%M} UTC{more}. "
                "Set right."
            )
