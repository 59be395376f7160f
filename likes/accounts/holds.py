"""Holding back: what one process learned of a service, every process of the deployment obeys.

A row says until when nobody is to call a service, or that nobody gets through until an operator
has acted (a bad key, a suspended key). It lives in the database, so that no process has to sleep
and a restart forgets nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from connectors.errors import RateLimited, ServiceClosed
from likes.models import Service, ServiceHold

logger = logging.getLogger(__name__)

# Last.fm's error 29 names no time; who comes back at once is refused for longer.
FIRST_HOLD = timedelta(seconds=60)
LONGEST_HOLD = timedelta(hours=1)


class StillClosed(ServiceClosed):
    """The service was closed before; it has said nothing new."""


def list_standing() -> list[ServiceHold]:
    """Return what holds everybody back from a service now."""
    return list(ServiceHold.objects.filter(Q(closed=True) | Q(held_until__gt=timezone.now())))


def find_standing(service: str) -> ServiceHold | None:
    """Return what holds everybody back from this service now."""
    return next((hold for hold in list_standing() if hold.service == service), None)


def held_until(service: str) -> datetime | None:
    """Return until when (UTC) nobody is to call the service; None when it is free."""
    held = ServiceHold.objects.filter(service=service, held_until__gt=timezone.now())
    return held.values_list("held_until", flat=True).first()


def hold_back(service: str, until: datetime, reason: str) -> datetime:
    """Let nobody call the service until then; return until when it really is held.

    Never shortens a hold. For Last.fm's error 29 each hold that follows another without an answer
    in between lasts at least twice as long, from a minute to an hour. Several requests that are
    refused at the same moment count as one.
    """
    now = timezone.now()
    with transaction.atomic():
        row = _lock(service)
        if row.held_until and row.held_until > now:
            until = max(until, row.held_until)
        else:
            row.times = min(row.times + 1, 30)
            if reason == "29":
                until = max(until, now + min(FIRST_HOLD * 2 ** (row.times - 1), LONGEST_HOLD))
        row.held_until = until
        if not row.closed:
            row.reason = reason
        row.save()
    logger.info("%s holds us back until %s (%s)", service, until, reason)
    return until


def close_service(service: str, reason: str) -> None:
    """Let nobody call the service until ``reopen``: an operator has to act."""
    with transaction.atomic():
        row = _lock(service)
        row.closed = True
        row.reason = reason
        row.save()
    logger.error("%s is closed to everybody: %s", service, reason)


def check_open(service: str) -> None:
    """Raise StillClosed (a ServiceClosed) or RateLimited while nobody is to call the service."""
    row = ServiceHold.objects.filter(service=service).first()
    if row is None:
        return
    name = Service(service).label
    if row.closed:
        raise StillClosed(
            f"{name} refuses everybody until an operator has acted: {row.reason}", service=service
        )
    if row.held_until and row.held_until > timezone.now():
        raise RateLimited(
            f"Requests to {name} are held back until {row.held_until:%Y-%m-%d %H:%M} UTC "
            f"({row.told_reason}).",
            service=service,
            retry_at=row.held_until,
        )


def note_success(service: str) -> None:
    """The service has answered: it is open, and the next hold is a first one again.

    Reads, and seldom writes. A hold that still stands stays: the answer may belong to a request
    from before it.
    """
    over = ServiceHold.objects.filter(service=service).filter(
        Q(held_until=None) | Q(held_until__lte=timezone.now())
    )
    if over.exists():
        over.delete()


def reopen(service: str) -> bool:
    """Lift any hold, as an operator's word; False when there was none."""
    deleted, _ = ServiceHold.objects.filter(service=service).delete()
    return deleted > 0


def _lock(service: str) -> ServiceHold:
    """Return the row of a service, made where there is none, locked until the transaction ends."""
    row, _ = ServiceHold.objects.select_for_update().get_or_create(service=service)
    return row
