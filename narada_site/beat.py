"""Beat's scheduler, made safe against a clock that was ahead.

A task is due an interval after its last start. If that lies a year ahead, it is not due for a year.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from celery.beat import SchedulingError
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

logger = logging.getLogger(__name__)

TOLERANCE = timedelta(minutes=5)


class Scheduler(DatabaseScheduler):
    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Start a task; say in one line if the queue cannot take it, as on a full disk."""
        logger.info("Sending due task %s (%s)", entry.name, entry.task)
        try:
            self.apply_async(entry, producer=producer, advance=False)
        except SchedulingError as error:
            logger.error("%s. It is sent again when it is due next.", error)

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """Start what is due. Before, take back last starts that lie in the future."""
        now = timezone.now()
        for name, entry in self.schedule.items():
            if entry.last_run_at > now + TOLERANCE:
                logger.warning(
                    "The clock was ahead: %r was last started at %s. It goes on now.",
                    name, entry.last_run_at,
                )  # fmt: skip
                entry.last_run_at = entry.model.last_run_at = now
                self._dirty.add(name)
                # Its times were those of the other clock.
                self._heap = None
        return super().tick(*args, **kwargs)
