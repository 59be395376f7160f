from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from filelock import FileLock, Timeout

from likes.management.base import Error, NaradaCommand
from likes.management.processes import Supervisor, answers, check_bind, list_programs
from likes.runs.summaries import TRY_LATER


class Command(NaradaCommand):
    help = (
        "Run web, worker and beat together, until Ctrl-C. Sets up the database first, restarts "
        "what dies, and ends all of them when one cannot be kept running."
    )

    def handle(self, **options: Any) -> None:
        check_bind(settings.WEB_BIND)
        try:
            with FileLock(settings.VAR_DIR / "run.lock", timeout=0):
                call_command("init_db")
                connections.close_all()
                Supervisor(list_programs(), self.say).run(self.announce)
        except Timeout as error:
            raise Error(
                f"Narada is running already, with its data in {settings.VAR_DIR}.", TRY_LATER
            ) from error

    def announce(self) -> bool:
        """Say where the web pages are, once they answer."""
        if not answers(settings.WEB_BIND):
            return False
        self.say(f"Narada runs at http://{settings.WEB_BIND}/ (Ctrl-C stops it).")
        return True

    def say(self, text: str) -> None:
        with suppress(OSError):  # The terminal may be gone.
            self.stdout.write(text)
            sys.stdout.flush()
