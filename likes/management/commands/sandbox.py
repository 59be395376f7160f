from __future__ import annotations

import signal
import sqlite3
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from likes.management.base import BAD_USAGE, Error, NaradaCommand, whole_number
from narada_sandbox.server import NotLoopback, serve


class Command(NaradaCommand):
    help = (
        "Serve a stand-in for Spotify and Last.fm on this machine, with invented users and their "
        "likes: for trying Narada without accounts. Prints the settings to use, one NAME=value a "
        "line; stop it with Ctrl-C."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=whole_number(0, 65535),
            default=8900,
            help="the port to serve at; 0 takes any free one (default: %(default)s)",
        )
        parser.add_argument(
            "--host", default="127.0.0.1", help="a loopback address (default: %(default)s)"
        )
        parser.add_argument(
            "--state",
            type=Path,
            metavar="PATH",
            help="keep users, likes and tokens in this file, for the next start",
        )
        parser.add_argument(
            "--likes",
            type=whole_number(0),
            default=200,
            metavar="N",
            help="how many likes alice and bob have each (default: %(default)s)",
        )
        parser.add_argument(
            "--seed",
            type=whole_number(0),
            default=1,
            metavar="N",
            help="another seed, other likes (default: %(default)s)",
        )

    def handle(self, **options: Any) -> None:
        host, port, state = options["host"], options["port"], options["state"]
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            serve(
                host,
                port,
                state_path=state,
                likes=options["likes"],
                seed=options["seed"],
                on_ready=self.announce,
            )
        except KeyboardInterrupt:
            self.stderr.write("The sandbox has stopped.")
        except NotLoopback as error:
            raise Error(
                f"{error}: the sandbox serves this machine and nobody else. Use --host 127.0.0.1.",
                BAD_USAGE,
            ) from error
        except sqlite3.Error as error:
            raise Error(f"The state cannot be kept in {state}: {error}.") from error
        except OSError as error:
            if error.filename is not None:
                raise Error(f"The state cannot be kept in {state}: {error.strerror}.") from error
            raise Error(
                f"The sandbox cannot serve at {host}, port {port}: {error.strerror or error}. "
                "Choose another with --port; --port 0 takes any free one."
            ) from error

    def announce(self, url: str, settings: dict[str, str]) -> None:
        self.stderr.write(f"The sandbox serves at {url} (stop it with Ctrl-C). Settings to use:")
        self.stdout.write("\n".join(f"{name}={value}" for name, value in settings.items()))
        self.stdout.flush()
