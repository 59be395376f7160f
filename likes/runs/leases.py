"""One run a user and direction at a time, by a lease in the Checkpoint row.

The holder renews its lease while it works. Where the holder can be seen to have died, its lease is
anybody's at once; else, as on another machine, it runs out within a minute. The clock is that of
the machine: of several machines, all must keep time.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from likes.models import Checkpoint

logger = logging.getLogger(__name__)

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
        listing, user_id = checkpoint.get_listing_display(), checkpoint.user_id
        raise Busy(
            f"The lease on {listing} of user {user_id} was lost to another run; this one ends."
        )


@contextmanager
def hold_lease(
    user: User, listing: Checkpoint.Listing, refusal: str = "this one does nothing"
) -> Iterator[Checkpoint]:
    """Hold the user's lease on a listing while the block runs; raise Busy if another has it."""
    checkpoint = checkpoint_of(user, listing)
    holder = name_holder()
    mine = Checkpoint.objects.filter(pk=checkpoint.pk, lease_holder=holder)
    if not _take_lease(checkpoint, holder):
        raise Busy(
            f"Another run is at work on {checkpoint.get_listing_display()} of {user}; "
            f"{refusal}. It may be tried again when that has ended."
        )
    checkpoint.refresh_from_db()
    stop = threading.Event()

    def renew() -> None:
        while not stop.wait(LEASE.total_seconds() / 3):
            try:
                mine.update(lease_until=timezone.now() + LEASE)
            except DatabaseError as error:
                # The run itself meets what is wrong with the database, and says so.
                logger.info("lease not renewed: %s", error)
            finally:
                connection.close()

    renewer = threading.Thread(target=renew, name="lease", daemon=True)
    renewer.start()
    try:
        yield checkpoint
    finally:
        stop.set()
        renewer.join()
        with suppress(DatabaseError):  # then it runs out
            mine.update(lease_holder="", lease_until=None)


def is_held(checkpoint: Checkpoint) -> bool:
    """Tell whether a run holds the lease that is not known to have died."""
    holder, until = checkpoint.lease_holder, checkpoint.lease_until
    return bool(holder and until and until > timezone.now() and not is_dead(holder))


def is_working(user: AbstractBaseUser) -> bool:
    """Tell whether a run of this user holds a lease."""
    leases = Checkpoint.objects.filter(user=user).only("lease_holder", "lease_until")
    return any(is_held(checkpoint) for checkpoint in leases)


def _take_lease(checkpoint: Checkpoint, holder: str) -> bool:
    now = timezone.now()
    free = Q(lease_holder="") | Q(lease_until=None) | Q(lease_until__lt=now)
    other = Checkpoint.objects.values_list("lease_holder", flat=True).get(pk=checkpoint.pk)
    if is_dead(other):
        free |= Q(lease_holder=other)
    rows = Checkpoint.objects.filter(free, pk=checkpoint.pk)
    return bool(rows.update(lease_holder=holder, lease_until=now + LEASE))


def name_holder() -> str:
    """Return a new name for a holder, by which others may find that this process has died."""
    return f"{_name_machine()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"


def _name_machine() -> str:
    """Return what tells apart the places in which a process id means one process: on Linux the
    namespace of process ids as well, which every container has of its own."""
    try:
        namespace = re.sub(r"\D", "", os.readlink("/proc/self/ns/pid"))
    except OSError:
        namespace = ""
    return f"{socket.gethostname()[:20]}/{namespace}"


def is_dead(holder: str) -> bool:
    """Tell whether a holder was a process of this machine that is no more."""
    machine, _, rest = holder.partition(":")
    pid = rest.partition(":")[0]
    if os.name != "posix" or machine != _name_machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
