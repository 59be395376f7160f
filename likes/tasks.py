"""Celery tasks: an id comes in, a slice of work is done, the next slice is queued.

A slice is a few batches, so nobody waits behind another's first import. What is done is in rows
and a lease keeps runs apart (``like_sync``): a task that is lost, killed or delivered twice costs
nothing but time. Nothing waits in a queue: "not before" is ``SyncSettings.next_sync_at``, and
beat dispatches whoever is due.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from likes import accounts, like_sync
from likes.models import Connection, Service, ServiceHold, SyncSettings

logger = logging.getLogger(__name__)

#: Pages of 50 likes a slice: at 2 calls a second some ten seconds. Each slice reads the head of
#: the list again, so short ones would cost many calls.
IMPORT_BATCHES = 20
#: Batches of 20 loves a slice: 100 at 4 a second take half a minute.
EXPORT_BATCHES = 5
#: When the message of a next slice is lost, as with a worker that is killed, the user is due
#: again after this.
LOST_AFTER = timedelta(minutes=5)
#: Users dispatched at once; the others are due in the next minute.
MOST_DISPATCHED = 500
#: A connection that was refused once is tried once more, when the user is next due: Spotify's
#: outages have produced false refusals (metabrainz/listenbrainz-server, pull request 1921).
TRIES_AFTER_REFUSAL = 1


@shared_task
def import_slice(user_id: int, started_by: str = "schedule") -> None:
    """Import some pages; then queue the rest, or the export."""
    user = find_user(user_id)
    if user is None:
        return
    summary = like_sync.import_likes(user, max_batches=IMPORT_BATCHES, started_by=started_by)
    if summary.more:
        _expect_next_slice(user_id)
        import_slice.delay(user_id, started_by)
    elif Service.LASTFM in find_usable_services(user_id):
        export_slice.delay(user_id, started_by)
    else:
        _expect_next_sync(user_id)


@shared_task
def export_slice(user_id: int, started_by: str = "schedule") -> None:
    """Love some batches; then queue the rest."""
    user = find_user(user_id)
    if user is None:
        return
    summary = like_sync.export_likes(user, max_batches=EXPORT_BATCHES, started_by=started_by)
    if summary.more:
        _expect_next_slice(user_id)
        export_slice.delay(user_id, started_by)
    else:
        _expect_next_sync(user_id)


@shared_task
def sync_user(user_id: int, started_by: str = "schedule") -> None:
    """Import, then export; what is not connected or held back is left out."""
    usable = find_usable_services(user_id)
    if Service.SPOTIFY in usable:
        import_slice.delay(user_id, started_by)
    elif Service.LASTFM in usable:
        export_slice.delay(user_id, started_by)


@shared_task
def dispatch_due() -> None:
    """Queue a sync for whoever is due, once each, and set when they are due next.

    Those whose two services are not both connected are passed over. While both services are held
    back nobody is dispatched: all stay due.
    """
    now = timezone.now()
    give_settings_to_newcomers()
    if set(_find_held_services(now)) == {Service.SPOTIFY, Service.LASTFM}:
        return
    for row in find_due(now):
        # Two of these may run at once: who changes the row dispatches the user.
        mine = SyncSettings.objects.filter(pk=row.pk, next_sync_at=row.next_sync_at)
        if mine.update(next_sync_at=get_next_time(now)):
            # A message that is met later than the next one would be is not worth its work.
            sync_user.apply_async([row.user_id], expires=settings.SYNC_EVERY_MINUTES * 60)


@shared_task
def purge_due() -> None:
    """Delete what came from services that were disconnected days ago."""
    purged = accounts.purge_due(timezone.now())
    if purged:
        logger.info("%s connections purged", purged)


def find_user(user_id: int) -> User | None:
    """Return the user, or None for one who left, or was shut out, while the message waited."""
    return User.objects.filter(pk=user_id, is_active=True).first()


def find_usable_services(user_id: int) -> set[str]:
    """Return the services that the user has connected and that do not hold us back now."""
    connections = Connection.objects.filter(_usable(), user=user_id, user__is_active=True)
    held = _find_held_services(timezone.now())
    return set(connections.values_list("service", flat=True)) - set(held)


def find_due(now: datetime) -> list[SyncSettings]:
    """Return the settings of the users to be synced by now, the longest due first: so many as
    are dispatched at once."""
    connected = Connection.objects.filter(_usable(), user=OuterRef("user"))
    return list(
        SyncSettings.objects.filter(
            Q(next_sync_at=None) | Q(next_sync_at__lte=now),
            Exists(connected.filter(service=Service.SPOTIFY)),
            Exists(connected.filter(service=Service.LASTFM)),
            enabled=True,
            user__is_active=True,
        ).order_by(F("next_sync_at").asc(nulls_first=True), "pk")[:MOST_DISPATCHED]
    )


def get_next_time(now: datetime) -> datetime:
    """Return when a user dispatched now is due again: soon after a hold ends, or as usual."""
    ends = [end for end in _find_held_services(now).values() if end is not None]
    return min([now + timedelta(minutes=settings.SYNC_EVERY_MINUTES), *ends])


def give_settings_to_newcomers() -> None:
    """Make the settings of users who connected a service and never opened a page."""
    newcomers = Connection.objects.filter(user__sync_settings=None).values_list("user", flat=True)
    SyncSettings.objects.bulk_create(
        [SyncSettings(user_id=pk) for pk in set(newcomers)], ignore_conflicts=True
    )


def ensure_periodic_tasks() -> None:
    """Create what beat starts. Repeating it changes nothing, nor what an operator switched off."""
    for name, function, every, unit in (
        ("Sync whoever is due", dispatch_due, 1, IntervalSchedule.MINUTES),
        ("Purge what was disconnected", purge_due, 1, IntervalSchedule.HOURS),
    ):
        interval = IntervalSchedule.objects.filter(every=every, period=unit).first()
        if interval is None:
            interval = IntervalSchedule.objects.create(every=every, period=unit)
        PeriodicTask.objects.get_or_create(
            name=name,
            # What waited while no worker ran is worth one run, not one for each minute.
            defaults={"task": function.name, "interval": interval, "expire_seconds": 55},
        )


def _usable() -> Q:
    tried_once = Q(state=Connection.State.RECONNECT, refusals__lte=TRIES_AFTER_REFUSAL)
    return Q(state=Connection.State.CONNECTED) | tried_once


def _find_held_services(now: datetime) -> dict[str, datetime | None]:
    """Return the services held back now, with the end; None where only an operator can end it."""
    held = ServiceHold.objects.filter(Q(closed=True) | Q(held_until__gt=now))
    return {hold.service: None if hold.closed else hold.held_until for hold in held}


def _expect_next_slice(user_id: int) -> None:
    soon = timezone.now() + LOST_AFTER
    SyncSettings.objects.filter(user=user_id).update(next_sync_at=soon)


def _expect_next_sync(user_id: int) -> None:
    """The last slice is done: the user is due as usual."""
    usual = get_next_time(timezone.now())
    SyncSettings.objects.filter(user=user_id).update(next_sync_at=usual)
