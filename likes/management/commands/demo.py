from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser
from filelock import FileLock, Timeout
from rich.console import Console

from likes.demo.report import show_report
from likes.demo.script import (
    ADMIN,
    MARK,
    PERSON,
    make_environment,
    open_sandbox,
    serve_pages,
    set_the_stage,
    start_over,
)
from likes.demo.stage import Stage, StepFailed
from likes.management.base import Error, NaradaCommand, whole_number
from likes.runs.summaries import TRY_LATER

PASSWORD = "NARADA_DEMO_PASSWORD"


class Command(NaradaCommand):
    help = (
        "Show what Narada does, without any account: fills a stand-in for Spotify and Last.fm on "
        "this machine with likes, imports them, loves them, and shows what became of each. Keeps "
        "to a database and a folder of its own; a second run finds nothing new."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--likes",
            type=whole_number(1, 20_000),
            metavar="N",
            help="how many likes there are (default: 200); another number than that of the last "
            "demo starts over",
        )
        parser.add_argument(
            "--fresh", action="store_true", help="forget the last demo and start over"
        )
        parser.add_argument(
            "--serve",
            action="store_true",
            help="then serve the web pages and the admin, until Ctrl-C",
        )
        parser.add_argument(
            "--port",
            type=whole_number(1, 65535),
            default=8000,
            help="where --serve serves (default: %(default)s)",
        )
        # What the demo itself runs at its end, within its own database.
        parser.add_argument("--report", action="store_true", help="(used by the demo itself)")

    def handle(self, **options: Any) -> None:
        if options["report"]:
            self.report()
            return
        folder = settings.VAR_DIR.absolute() / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        if options["serve"]:
            check_port(options["port"])
        try:
            with FileLock(folder / "lock", timeout=0):
                self.play(folder, options)
        except Timeout as error:
            raise Error(f"Another demo is running in {folder}.", TRY_LATER) from error
        except StepFailed as error:
            raise Error(
                f"The demo has stopped: {error}. To start over: narada demo --fresh"
            ) from error

    def play(self, folder: Path, options: dict[str, Any]) -> None:
        if options["fresh"]:
            start_over(folder)
        password = secrets.token_hex(4) if options["serve"] else ""
        with open_sandbox(folder, options["likes"]) as box:
            self.say(f"The stand-in for Spotify and Last.fm serves at {box.url}")
            environment = make_environment(folder, box.environ()) | {PASSWORD: password}
            with Stage(environment, self.say) as stage:
                set_the_stage(stage, folder)
                stage.run("demo", "--report", quiet=True)
                if not options["serve"]:
                    self.say(
                        "\nTo see it in the web pages and the admin: narada demo --serve "
                        "(or: make demo-web)"
                    )
                    return
                self.say(self.describe_pages(options["port"], box.url, password))
                try:
                    serve_pages(stage, options["port"], folder / "pages.log")
                except KeyboardInterrupt:
                    self.say("\nThe demo has stopped; what it made is kept for the next one.")

    def describe_pages(self, port: int, sandbox: str, password: str) -> str:
        pages = f"http://127.0.0.1:{port}/"
        return (
            f"\nThe web pages:  {pages}        user {PERSON}, password {password}\n"
            f"The admin:      {pages}admin/  user {ADMIN}, password {password}\n"
            f"The stand-in:   {sandbox}/\n"
            "A new like arrives by itself within a minute or two. Stop it all with Ctrl-C."
        )

    def say(self, text: str) -> None:
        """Print a line of the demo's own, told apart from what its commands print."""
        console = Console(file=self.stdout._out, highlight=False, soft_wrap=True)  # type: ignore[arg-type]
        console.print(text, style="bold", markup=False)
        self.stdout.flush()

    def report(self) -> None:
        """Show the tables and, where the pages are to be served, let two users sign in."""
        if not os.environ.get(MARK):
            raise Error("--report is for the demo itself. Run: narada demo")
        users = get_user_model().objects
        if password := os.environ.get(PASSWORD):
            person = users.get(username=PERSON)
            admin, _ = users.get_or_create(
                username=ADMIN, defaults={"is_staff": True, "is_superuser": True}
            )
            for user in (person, admin):
                user.set_password(password)
                user.save(update_fields=["password"])
        show_report(users.get(username=PERSON), self.stdout._out)  # type: ignore[arg-type]


def check_port(port: int) -> None:
    """Raise Error when the web pages cannot be served there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Error(
                f"The pages cannot be served at port {port}: {error.strerror}. "
                "Choose another with --port."
            ) from error
