"""What each like of a sync costs in CPU time, by how many there are.

Run as ``python -m benchmarks.cost_per_like [LIKES ...]``, by default 1000, 5000 and 20000, on the
database of DATABASE_URL, else on a SQLite file of its own. Prints a Markdown table. The user
scrobbles nine in ten of what they like, under Last.fm's spellings; no rate limit is set. Each run
is a process of its own, whose CPU time it is without that of its start; the sandbox is in another.
That of the PostgreSQL process that serves it counts too, if PostgreSQL runs on this machine.
"first" are the slices of an export up to the first that loves: those read the user's lists as well.
"a slice" is the next: a hundred loves. "nothing new" is an export after the last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.preparing import after, join, open_database, open_sandbox
from narada_sandbox.server import Sandbox

COLUMNS = ("likes", "import", "per like", "first", "a slice", "per love", "the rest", "per love",
           "an export per like", "nothing new")  # fmt: skip


def main(sizes: list[int]) -> None:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|--:" * len(COLUMNS) + "|")
    with open_database():
        for likes in sizes:
            with open_sandbox(likes=likes, scrobble_share=0.9, loved_share=0, awkward=False) as box:
                user = join(box, "alice", likes)
                print_row(likes, *measure_all(box, user.username))
                user.delete()


def measure_all(box: Sandbox, username: str) -> Iterator[tuple[float, int]]:
    """Yield the CPU seconds and loves of each run: the import, the first slices of an export as one
    run, another slice, the rest, and an export with nothing new."""
    yield measure(box, "import", username)
    first, loved = 0.0, 0
    while not loved:
        seconds, loved = measure(box, "slice", username)
        first += seconds
    yield first, loved
    for name in ("slice", "export", "export"):
        yield measure(box, name, username)


def print_row(likes: int, *runs: tuple[float, int]) -> None:
    (bring, _), (first, _), (one, loved), (rest, others), (nothing, _) = runs
    cells = (f"{likes:,}", f"{bring:.1f} s", f"{1000 * bring / likes:.2f} ms", f"{first:.2f} s",
             f"{one:.2f} s", f"{1000 * one / loved:.2f} ms", f"{rest:.1f} s",
             f"{1000 * rest / others:.2f} ms", f"{1000 * (first + one + rest) / likes:.2f} ms",
             f"{nothing:.2f} s")  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


def measure(box: Sandbox, name: str, username: str) -> tuple[float, int]:
    """Return the CPU seconds and the loves of a run, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cost_per_like", "--run", name, username]
    environment = {**os.environ, **box.environ()}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds, loved = done.stdout.split()
    return float(seconds), int(loved)


def run(name: str, username: str) -> None:
    """Do one run; print its CPU seconds and its loves."""
    import django

    django.setup()
    from django.contrib.auth.models import User

    from likes.like_sync import export_likes, import_likes

    user = User.objects.get(username=username)
    runs: dict[str, Callable[[], Any]] = {
        "import": lambda: import_likes(user),
        "slice": lambda: export_likes(user, time_is_up=after(5)),
        "export": lambda: export_likes(user),
    }
    started = time.process_time() + get_database_seconds()
    summary = runs[name]()
    seconds = time.process_time() + get_database_seconds() - started
    assert summary.exit_code == 0, summary.message
    print(seconds, getattr(summary, "loved", 0))


def get_database_seconds() -> float:
    """Return the CPU seconds of the process of PostgreSQL that serves this one; 0 without one."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run(*sys.argv[2:])
    else:
        main([int(word) for word in sys.argv[1:]] or [1000, 5000, 20_000])
