"""Run several programs side by side: restart what dies, and leave none behind.

Each program has a session and a process group of its own, so that Ctrl-C and the end of a terminal
reach only this process, which then ends the programs in order. Where this process is killed, Linux
kills them (``PR_SET_PDEATHSIG``).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from types import FrameType

from django.conf import settings
from gunicorn.util import parse_address

from likes.management.base import Error

#: A program that ends this often within the time (seconds) does not come up by trying again.
MOST_DEATHS, WITHIN = 4, 120.0
#: Seconds before a program that died is started again: doubled with each death within the time.
FIRST_PAUSE = 1.0
#: Seconds that a program has to end by itself. Docker kills a container after ten.
PATIENCE = 8.0
LOOK_EVERY = 0.1

STOPPING = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "a closed terminal"}
PR_SET_PDEATHSIG = 1
Say = Callable[[str], None]


def list_programs() -> dict[str, list[str]]:
    """Return the three programs of the Procfile, each as a command of this Python."""
    celery = [sys.executable, "-P", "-m", "celery", "-A", "narada_site"]
    return {
        "web": [
            *(sys.executable, "-P", "-m", "gunicorn", "narada_site.wsgi"),
            *("--bind", settings.WEB_BIND),
            *("--workers", "2", "--threads", "4", "--no-control-socket"),
        ],
        "worker": [
            *(*celery, "worker", "--pool=threads", "--concurrency=2", "--loglevel=INFO"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ],
        "beat": [*celery, "beat", "--loglevel=INFO"],
    }


def tie_to_this_process() -> Callable[[], None]:
    """Return what a child does before its program starts, to be killed when this process dies."""
    parent, libc = os.getpid(), ctypes.CDLL(None)

    def tie() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # It died in between.
                os._exit(1)

    return tie


class Terminal:
    """The terminal of this process, if it has one.

    If the leader of a terminal's session catches SIGHUP, as make does, nobody else is told that the
    terminal is gone.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        for number in (0, 1, 2):
            if os.isatty(number):
                self._poll.register(number, 0)

    def is_gone_after(self, seconds: float) -> bool:
        """Wait; return True, at once, when the terminal is gone and that matters (no nohup)."""
        events = self._poll.poll(seconds * 1000)
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN or not any(
            event & select.POLLHUP for _, event in events
        ):
            if events:  # They told nothing, and so ended the wait.
                time.sleep(seconds)
            return False
        return True


class Program:
    """A program that is started, watched and ended."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: list[float] = []
        self.start_at = 0.0

    def start(self) -> None:
        paths = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=tie_to_this_process(),
        )

    def send(self, number: signal.Signals) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def note_death(self) -> str:
        """Return how it ended, end what it left behind, and plan the next start."""
        assert self.process is not None
        self.send(signal.SIGKILL)
        code = self.process.returncode
        self.process = None
        now = time.monotonic()
        self.deaths = [*(time for time in self.deaths if now - time < WITHIN), now]
        self.start_at = now + FIRST_PAUSE * 2 ** (len(self.deaths) - 1)
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class Supervisor:
    """Keeps programs running until a signal asks it to stop, or one of them cannot be kept."""

    def __init__(self, programs: dict[str, list[str]], say: Say) -> None:
        self.programs = [Program(name, command) for name, command in programs.items()]
        self.say = say
        self.signals: list[signal.Signals] = []
        self.terminal = Terminal()

    def run(self, on_ready: Callable[[], bool] = lambda: True) -> None:
        """Start all programs and watch them; return when asked to stop.

        ``on_ready`` is called again and again until it returns True. Raises Error, when all
        have ended, if a program died too often.
        """
        before = {number: signal.getsignal(number) for number in STOPPING}
        for number, handler in before.items():
            if number != signal.SIGHUP or handler != signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._note_signal)
        ready = False
        try:
            while not self.signals:
                for program in self.programs:
                    self._keep(program)
                ready = ready or on_ready()
                if self.terminal.is_gone_after(LOOK_EVERY):
                    self.signals.append(signal.SIGHUP)
            self.say(f"Stopping, because of {STOPPING[self.signals[0]]} ...")
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(signal.Signals(number))

    def _keep(self, program: Program) -> None:
        if program.process is not None and program.has_ended():
            how = program.note_death()
            times = len(program.deaths)
            if times >= MOST_DEATHS:
                raise Error(
                    f"{program.name} ended {times} times within {WITHIN / 60:g} minutes, at last "
                    f"with {how}, so all was stopped. Its last lines above say why."
                )
            self.say(f"{program.name} ended ({how}); it is started again.")
        if program.process is None and time.monotonic() >= program.start_at:
            program.start()

    def _stop(self) -> None:
        asked = self.signals.count(signal.SIGINT)
        for program in self.programs:
            program.send(signal.SIGTERM)
        until = time.monotonic() + PATIENCE
        while not all(program.has_ended() for program in self.programs):
            # A second Ctrl-C is impatience; SIGHUP may well come twice.
            if time.monotonic() > until or self.signals.count(signal.SIGINT) > asked:
                break
            time.sleep(LOOK_EVERY)
        for program in self.programs:
            if not program.has_ended():
                self.say(f"{program.name} did not end in time and was killed; nothing is lost.")
            program.send(signal.SIGKILL)
        for program in self.programs:
            if program.process is not None:
                program.process.wait()


def check_bind(bind: str) -> None:
    """Raise Error if the web pages cannot be served at this address."""
    try:
        address = parse_address(bind)
        if not isinstance(address, tuple):  # a socket in the file system, or an open file
            return
        if not 0 <= address[1] < 65536:
            raise ValueError(f"{address[1]} is not a port")
        family, kind, _, _, where = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except (OSError, OverflowError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Error(
            f"The web pages cannot be served at {bind}: {reason}. "
            "Set WEB_BIND to another address, for example WEB_BIND=127.0.0.1:8001"
        ) from error


def answers(bind: str) -> bool:
    """Return whether something listens at this address."""
    address = parse_address(bind)
    if not isinstance(address, tuple):
        return True
    host, port = address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    try:
        with closing(socket.create_connection((host, port), timeout=1)):
            return True
    except OSError:
        return False
