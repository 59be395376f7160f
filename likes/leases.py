"""One run a user and direction at a time, by a lease in the Checkpoint row.

The holder renews its lease while it works; one whose holder died runs out within a minute and is
then anybody's. The clock is that of the machine: of several machines, all must keep time.
"""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from likes.models import Checkpoint

LEASE = timedelta(seconds=45)


class Busy(Exception):
    """Another run holds the lease; the text says which."""


def checkpoint_of(user: User, listing: Checkpoint.Listing) -> Checkpoint:
    """Return the stored row, made on first need."""
    with transaction.atomic():
        return Checkpoint.objects.get_or_create(user=user, listing=listing)[0]


def save_checkpoint(checkpoint: Checkpoint, **fields: object) -> None:
    """Write fields of a checkpoint whose lease this process holds.

    Raise Busy if it was lost, as to a process that was asleep for longer than the lease: called
    in the transaction that stores a batch, it takes the batch back as well.
    """
    for name, value in fields.items():
        setattr(checkpoint, name, value)
    held = Checkpoint.objects.filter(pk=checkpoint.pk, lease_holder=checkpoint.lease_holder)
    if not held.update(**fields):
        raise Busy(f"The lease on {checkpoint} was lost to another run; this one ends.")


@contextmanager
def hold_lease(user: User, listing: Checkpoint.Listing) -> Iterator[Checkpoint]:
    """Hold the user's lease on a listing while the block runs; raise Busy if another has it."""
    checkpoint = checkpoint_of(user, listing)
    holder = f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    mine = Checkpoint.objects.filter(pk=checkpoint.pk, lease_holder=holder)
    now = timezone.now()
    taken = (
        Checkpoint.objects.filter(pk=checkpoint.pk)
        .filter(Q(lease_holder="") | Q(lease_until=None) | Q(lease_until__lt=now))
        .update(lease_holder=holder, lease_until=now + LEASE)
    )
    if not taken:
        raise Busy(
            f"Another run is at work on {checkpoint.get_listing_display()} of {user}; "
            "this one does nothing. It may be tried again when that has ended."
        )
    checkpoint.refresh_from_db()
    stop = threading.Event()

    def renew() -> None:
        try:
            while not stop.wait(LEASE.total_seconds() / 3):
                mine.update(lease_until=timezone.now() + LEASE)
        finally:
            connection.close()

    renewer = threading.Thread(target=renew, name="lease", daemon=True)
    renewer.start()
    try:
        yield checkpoint
    finally:
        stop.set()
        renewer.join()
        mine.update(lease_holder="", lease_until=None)
