from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from likes.management.base import NaradaCommand
from likes.runs.summaries import DONE, NEEDS_A_PERSON, TRY_LATER
from likes.status.advice import is_down
from likes.status.collect import collect_status
from likes.status.text import show_status


class Command(NaradaCommand):
    help = (
        "Show how things stand: database, credentials, connections (each service is really called "
        "once), likes, what blocks and what is next. Ends with 1 when something needs a person, "
        "with 75 when a service is down. With --json one object: user, user_exists, database, "
        "credentials, connections, services, tracks, merged, likes, review, unavailable, "
        "checkpoints, settings, runs, blockers, next; what cannot be known yet is null."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_user_argument(parser)
        self.add_json_argument(parser)
        parser.add_argument("--offline", action="store_true", help="call no service")

    def handle(self, **options: Any) -> None:
        status = collect_status(options["user"], offline=options["offline"])
        if options["as_json"]:
            self.stdout.write(json.dumps(status))
        else:
            show_status(status, self.stdout._out)  # type: ignore[arg-type]
        code = NEEDS_A_PERSON if status["blockers"] else TRY_LATER if is_down(status) else DONE
        if code != DONE:
            sys.exit(code)
