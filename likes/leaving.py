"""Delete a user while syncs may be at work for them."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction

TRIES = 3


def delete_user(user_id: int) -> None:
    """Delete a user and every row that belongs to them.

    The row of the user is locked first: a run at work adds nothing between finding and deleting
    the rows, and then ends. If the database ends a deadlock at our cost, try again.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                User.objects.select_for_update().get(pk=user_id).delete()
            return
        except (IntegrityError, OperationalError):
            if not left:
                raise


def is_deleted(user_id: int) -> bool:
    """Tell whether a user is gone; wait for a deletion that is under way."""
    with transaction.atomic():
        rows = User.objects.select_for_update(no_key=True).filter(pk=user_id)
        return rows.values_list("pk", flat=True).first() is None
