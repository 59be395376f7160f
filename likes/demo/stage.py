"""The demo: Narada's real commands, each a process of its own, against a sandbox of its own.

Everything it makes lies in one folder. The commands get an environment in which that folder, a
SQLite file in it and the sandbox's addresses stand for all that the real installation has set, so
that neither its database nor its credentials can be met.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

from likes.management.processes import tie_to_this_process

#: How long a process may take to end when it is asked to.
PATIENCE_SECONDS = 5.0


class StepFailed(Exception):
    """A command of the demo did not end well; it has said why itself. The text names it."""


class Interruptions:
    """Ctrl-C, SIGTERM and SIGHUP as KeyboardInterrupt, and never while that is held off."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._held_off = self._came = False
        self._former: dict[signal.Signals, Any] = {}

    def take(self) -> None:
        """Handle the signals from now on."""
        self._former = {word: signal.signal(word, self._handle) for word in self.SIGNALS}

    def give_back(self) -> None:
        """Let the signals do what they did before."""
        for word, handler in self._former.items():
            signal.signal(word, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        if not self._held_off:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def hold_off(self) -> Iterator[None]:
        """Let an interruption wait for the end of the block."""
        self._came, self._held_off = False, True
        try:
            yield
        finally:
            self._held_off = False
        if self._came:
            raise KeyboardInterrupt


class Stage:
    """Runs commands in the demo's environment, and ends every one that still runs on leaving.

    ``say`` is told each command before it runs, as a person would type it.
    """

    def __init__(self, environment: dict[str, str], say: Callable[[str], None]) -> None:
        self._environment = environment
        self._say = say
        self._running: list[subprocess.Popen[str]] = []
        self._interruptions = Interruptions()

    def __enter__(self) -> Stage:
        self._interruptions.take()
        return self

    def __exit__(self, *_: object) -> None:
        # One more Ctrl-C is no reason to leave a process behind.
        with contextlib.suppress(KeyboardInterrupt), self._interruptions.hold_off():
            end(self._running)
        self._interruptions.give_back()

    def start(
        self, *arguments: str, output: int | None = None, errors: int | None = None
    ) -> subprocess.Popen[str]:
        """Start ``python -m ARGUMENTS``; its streams are ours, or as ``subprocess`` names them.

        In a group of its own, so that Ctrl-C reaches the demo alone, which ends the others in
        their order.
        """
        # A process that has been started is known, whatever comes in between.
        with self._interruptions.hold_off():
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                text=True,
                process_group=0,
                preexec_fn=tie_to_this_process(),
            )
            self._running.append(process)
        return process

    def run(self, *arguments: str, quiet: bool = False) -> None:
        """Run one of Narada's commands to its end. Raises StepFailed when it does not end well."""
        if not quiet:
            self._announce(arguments)
        self._finish(self.start("django", *arguments), arguments[0])

    def connect(self, command: str, person: str) -> None:
        """Run a ``connect_*`` command and answer its consent page as a person in a browser would.

        Raises StepFailed.
        """
        arguments = [command, "-u", person, "--no-browser", "--timeout", "30"]
        if command == "connect_spotify":
            arguments += ["--port", "0"]
        self._announce(arguments)
        process = self.start("django", *arguments, output=subprocess.PIPE)
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Open: "):
                address = line.removeprefix("Open: ").strip()
                self._say(f"(the page it opens is answered as {person}: Allow)")
                allow(address, person)
        self._finish(process, command)

    def _announce(self, arguments: Sequence[str]) -> None:
        name, *rest = arguments
        self._say(f"$ narada {' '.join([name.replace('_', '-'), *rest])}")

    def _finish(self, process: subprocess.Popen[str], name: str) -> None:
        code = process.wait()
        self._running.remove(process)
        if process.stdout is not None:
            process.stdout.close()
        if code:
            raise StepFailed(f"{name.replace('_', '-')} ended with exit code {code}")


def allow(address: str, person: str) -> None:
    """Submit the form of the sandbox's consent page. Raises StepFailed."""
    form = urllib.parse.urlencode({"user": person, "answer": "allow"}).encode()
    # Loopback is never reached through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, form, timeout=30):
            pass
    except (urllib.error.URLError, OSError) as error:
        raise StepFailed(f"the sandbox's consent page did not answer ({error})") from error


def end(processes: Sequence[subprocess.Popen[str]]) -> None:
    """End processes with all they started: asked to first, killed when they take too long."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    for process in processes:
        _signal_group(process, signal.SIGTERM)
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0, give_up_at - time.monotonic()))
        _signal_group(process, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _signal_group(process: subprocess.Popen[str], word: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, word)
