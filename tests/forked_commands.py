"""A process that has Narada loaded and forks for each order, so that a command starts at once.

Reads orders from standard input, a JSON list a line: "command" with the arguments of manage.py,
"worker", or "enqueue" with the id of a user to sync, each answered with the process id of a child;
and "wait" with such an id, answered when that child has ended with its exit code, negative for the
signal that killed it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The arguments of the Procfile's worker, but for the level of its log.
WORKER = ("worker --pool=threads --concurrency=2 --loglevel=ERROR --without-gossip "
          "--without-mingle --without-heartbeat")  # fmt: skip


class Nursery:
    """The client's side. What the children print is in ``log``."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        self.log = log
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            env={**environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._read_number()  # it is ready

    def start(self, *order: str | int) -> int:
        """Start a child; return its process id."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read_number()

    def wait(self, pid: int) -> int:
        """Return the exit code of a child, once it has ended and is no zombie either."""
        return self.start("wait", pid)

    def kill(self, pid: int) -> bool:
        """Kill a child; return whether that, and not its own end, was what ended it."""
        os.kill(pid, signal.SIGKILL)  # a zombie at least is there until it is waited for
        return self.wait(pid) == -signal.SIGKILL

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._log.close()

    def _read_number(self) -> int:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the nursery has died; see {self.log}"
        return int(line)


def obey(what: str, *arguments: str) -> None:
    from django.core.management import execute_from_command_line

    from likes.tasks import sync_user
    from narada_site.celery import app

    if what == "command":
        execute_from_command_line(["manage.py", *arguments])
    elif what == "worker":
        app.worker_main(WORKER.split())
    else:
        sync_user.delay(int(arguments[0]))


def bear(order: list[str]) -> None:
    """What the child does: obey, with its output in the log, and end."""
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        obey(*order)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "narada_site.settings")
    import django

    django.setup()
    # All that a command would import, but nothing that opens a connection.
    from django.core import checks
    from django.core.management import get_commands, load_command_class

    import likes.tasks  # noqa: F401
    import narada_site.urls  # noqa: F401

    for name in ("import_spotify_likes", "export_likes_to_lastfm", "verify_likes"):
        load_command_class(get_commands()[name], name)
    checks.run_checks()
    say(0)
    for line in sys.stdin:
        order = json.loads(line)
        if order[0] == "wait":
            say(os.waitstatus_to_exitcode(os.waitpid(order[1], 0)[1]))
        elif pid := os.fork():
            say(pid)
        else:
            bear(order)


if __name__ == "__main__":
    main()
