"""Celery tasks: whoever has waited longest gets a slice of work, and goes to the end of the line.

A slice ends after seconds, so nobody waits behind another's first import. What is done is in rows
and a lease keeps runs apart (``like_sync``): a task that is lost, killed or delivered twice costs
nothing but time. Who waits is in rows too (``line``), so a message names nobody and only wakes a
worker. "Not before" is ``SyncSettings.next_sync_at``, and beat dispatches whoever is due, by a
queue of its own: a worker serves the two queues in turn.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event
from typing import Any, ParamSpec

from celery import shared_task
from celery.signals import worker_shutting_down
from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from kombu.exceptions import OperationalError

from likes import like_sync
from likes.accounts import holds, leaving, purge
from likes.models import Connection, Service, SyncSettings
from likes.models.database_failures import name_failure
from likes.runs import clock as clock_times
from likes.runs import line

logger = logging.getLogger(__name__)

P = ParamSpec("P")
Step = SyncSettings.Step

#: How long (s) a slice takes new work. Each begins with a call or two of its own.
SLICE_SECONDS = 10.0
#: How long (s) it then goes on with what it has lined up. Where many slices share the rate limit,
#: what is left by then waits for the next slice.
LAST_SECONDS = 5.0
#: Loves a batch, so that a slice is soon at the end of one: some seconds, if all are looked up.
EXPORT_BATCH = 10
#: The clock of slices, which never jumps.
clock: Callable[[], float] = time.monotonic
#: Set once this worker is asked to end: its slices then end with the batch they are at.
ending = Event()
#: How often beat looks for who is due.
DISPATCH_EVERY = timedelta(minutes=1)
#: Messages that beat sends at once for those who wait; each worker passes its own on.
MOST_CALLED = 16


@worker_shutting_down.connect
def end_slices(**_: Any) -> None:
    """End the slices under way soon; the message of the next one waits in the queue."""
    ending.set()


def tell_failures(work: Callable[P, None]) -> Callable[P, None]:
    """Have a task say in one line that the database or the queue failed, as on a full disk.

    Nothing is lost with it: who waits is in rows, and beat wakes a worker within a minute.
    """

    @functools.wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            failure = name_failure(error)
            if not failure:
                raise
            logger.error("The database failed: %s (%s). It is tried again soon.", failure, error)
        except OperationalError as error:
            logger.error("The queue failed: %s. It is tried again soon.", error)

    return run


@shared_task
@tell_failures
def sync_next() -> None:
    """Do a slice for whoever has waited longest; then wake a worker while anybody waits."""
    row = line.take_next()
    if row is None:
        return
    try:
        _do_slice(row)
    finally:
        if line.list_waiting().exists():
            sync_next.delay()


def _do_slice(row: SyncSettings) -> None:
    user, usable = find_user(row.user_id), find_usable_services(row.user_id)
    step, ends_at = Step(row.step), clock() + SLICE_SECONDS
    if step == Step.IMPORT and Service.SPOTIFY not in usable:
        step = Step.EXPORT
    if user is None or (step == Step.EXPORT and Service.LASTFM not in usable):
        line.leave(row.user_id)
        return

    def time_is_up() -> bool:
        line.keep(row)
        return ending.is_set() or clock() >= ends_at

    def must_end() -> bool:
        return ending.is_set() or clock() >= ends_at + LAST_SECONDS

    more, goes_on, by = True, True, row.asked_by
    if step == Step.IMPORT:
        if not like_sync.import_likes(user, time_is_up=time_is_up, started_by=by).more:
            step, more = Step.EXPORT, Service.LASTFM in usable
        # A sync with little to do waits in the line once.
        goes_on = not time_is_up()
    if step == Step.EXPORT and more and goes_on:
        more = like_sync.export_likes(
            user,
            batch_size=EXPORT_BATCH,
            time_is_up=time_is_up,
            must_end=must_end,
            started_by=by,
        ).more
    if more:
        line.wait_again(row, step)
    else:
        line.leave(row.user_id, next_sync_at=get_next_time(timezone.now()))


def ask_for_sync(user_id: int, asked_by: str) -> bool:
    """Let a user's sync wait for a worker; return False if it waits or runs already.

    If no worker can be called, the sync does not wait and the broker's error is raised.
    """
    if not line.join(user_id, asked_by):
        return False
    try:
        sync_user.delay(user_id, asked_by)
    except (OperationalError, OSError):
        line.leave(user_id)
        raise
    return True


@shared_task
@tell_failures
def sync_user(user_id: int, started_by: str = "schedule") -> None:
    """Let a user's sync wait its turn, if it does not yet, and do the next slice of all."""
    if find_user(user_id) is not None:
        line.join(user_id, started_by)
    sync_next()


@shared_task
@tell_failures
def dispatch_due() -> None:
    """Put whoever is due into the line, and wake workers for those who wait.

    Those whose two services are not both connected are passed over. While both services are held
    back nobody is dispatched: all stay due.
    """
    now = timezone.now()
    clock_times.set_right(now)
    give_settings_to_newcomers()
    if set(_find_held_services()) != {Service.SPOTIFY, Service.LASTFM}:
        line.join_due(find_due(now), now, get_next_time(now))
    for _ in range(min(line.list_waiting().count(), MOST_CALLED)):
        # One that waits for longer than until the next is sent would only be one too many.
        sync_next.apply_async(expires=DISPATCH_EVERY.total_seconds())


@shared_task
@tell_failures
def purge_due() -> None:
    """Delete what came from services that were disconnected days ago, and users who left."""
    leaving.finish_deletions()
    purged = purge.purge_due(timezone.now())
    if purged:
        logger.info("%s connections purged", purged)


def find_user(user_id: int) -> User | None:
    """Return the user, or None for one who left, or was shut out, while the message waited."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def find_usable_services(user_id: int) -> set[str]:
    """Return the services that the user has connected and that do not hold us back now."""
    connections = Connection.objects.usable().filter(user=user_id, user__is_active=True)
    held = _find_held_services()
    return set(connections.values_list("service", flat=True)) - set(held)


def find_due(now: datetime) -> QuerySet[SyncSettings]:
    """Return the settings of the users to be synced by now."""
    connected = Connection.objects.usable().filter(user=OuterRef("user"))
    return SyncSettings.objects.filter(
        Q(next_sync_at=None) | Q(next_sync_at__lte=now),
        Exists(connected.filter(service=Service.SPOTIFY)),
        Exists(connected.filter(service=Service.LASTFM)),
        enabled=True,
        user__is_active=True,
    )


def get_next_time(now: datetime) -> datetime:
    """Return when a user dispatched now is due again: soon after a hold ends, or as usual."""
    ends = [end for end in _find_held_services().values() if end is not None]
    return min([now + timedelta(minutes=settings.SYNC_EVERY_MINUTES), *ends])


def give_settings_to_newcomers() -> None:
    """Make the settings of users who connected a service and never opened a page."""
    newcomers = Connection.objects.filter(user__sync_settings=None).values_list("user", flat=True)
    SyncSettings.objects.bulk_create(
        [SyncSettings(user_id=pk) for pk in set(newcomers)], ignore_conflicts=True
    )


def ensure_periodic_tasks() -> None:
    """Create what beat starts. Repeating it changes nothing, nor what an operator switched off."""
    for name, function, every, unit, expires in (
        ("Sync whoever is due", dispatch_due, 1, IntervalSchedule.MINUTES, 600),
        ("Purge what was disconnected", purge_due, 1, IntervalSchedule.HOURS, 3600),
    ):
        interval = IntervalSchedule.objects.filter(every=every, period=unit).first()
        if interval is None:
            interval = IntervalSchedule.objects.create(every=every, period=unit)
        PeriodicTask.objects.get_or_create(
            name=name,
            # What waited while no worker ran is worth a few runs, not one for each minute.
            defaults={"task": function.name, "interval": interval, "expire_seconds": expires},
        )
        # As it was made before: too soon for a worker that is busy.
        PeriodicTask.objects.filter(name=name, expire_seconds=55).update(expire_seconds=expires)


def _find_held_services() -> dict[str, datetime | None]:
    """Return the services held back now, with the end; None where only an operator can end it."""
    standing = holds.list_standing()
    return {hold.service: None if hold.closed else hold.held_until for hold in standing}
