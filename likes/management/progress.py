"""Progress of a long command: a bar on a terminal, a plain line now and then without one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from connectors.text import keep_showable

Report = Callable[[int, int | None, str], None]

SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def show_progress(stream: IO[str]) -> Iterator[Report]:
    """Yield a function that is told (done, total or None, what), and shows it on ``stream``."""
    if not getattr(stream, "isatty", lambda: False)():
        yield _plain_lines(stream)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as bars:
        task = bars.add_task("working", total=None, rate="")
        started = time.monotonic()

        def report(done: int, total: int | None, text: str) -> None:
            rate = f"{done / max(time.monotonic() - started, 0.1):.1f}/s"
            bars.update(
                task, completed=done, total=total, description=keep_showable(text), rate=rate
            )

        yield report


def _plain_lines(stream: IO[str]) -> Report:
    started = last = time.monotonic()

    def report(done: int, total: int | None, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < SECONDS_BETWEEN_LINES:
            return
        last = now
        of = f" of {total:,}" if total is not None else ""
        rate = done / (now - started)
        left = f", about {(total - done) / rate:.0f} s left" if total and rate else ""
        stream.write(f"{done:,}{of} {keep_showable(text)}, {rate:.1f}/s{left}\n")

    return report
