"""What each like of a sync costs in CPU time, by how many there are.

Run as ``python -m benchmarks.cost_per_like [LIKES ...]``, by default 1000, 5000 and 20000, on the
database of DATABASE_URL, else on a SQLite file of its own. Prints a Markdown table. The user
scrobbles nine in ten of what they like, under Last.fm's spellings; no rate limit is set. Each run
is a process of its own, whose CPU time it is without that of its start; the sandbox is in another.
That of the PostgreSQL process that serves it counts too, if PostgreSQL runs on this machine.
"a slice" is the second of an export: a hundred loves. "nothing new" is one after the last.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.preparing import after, join, open_database, open_sandbox
from narada_sandbox.server import Sandbox

COLUMNS = ("likes", "import", "per like", "first slice", "a slice", "per love", "the rest",
           "per like", "nothing new")  # fmt: skip


def main(sizes: list[int]) -> None:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|--:" * len(COLUMNS) + "|")
    with open_database():
        for likes in sizes:
            with open_sandbox(likes=likes, scrobble_share=0.9, loved_share=0, awkward=False) as box:
                user = join(box, "alice", likes)
                names = ("import", "slice", "slice", "export", "export")
                cost = [measure(box, name, user.username) for name in names]
                user.delete()
            print_row(likes, cost)


def print_row(likes: int, cost: list[float]) -> None:
    cells = (f"{likes:,}", f"{cost[0]:.1f} s", f"{1000 * cost[0] / likes:.2f} ms",
             f"{cost[1]:.2f} s", f"{cost[2]:.2f} s", f"{10 * cost[2]:.2f} ms",
             f"{cost[3]:.1f} s", f"{1000 * cost[3] / (likes - 200):.2f} ms",
             f"{cost[4]:.2f} s")  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


def measure(box: Sandbox, name: str, username: str) -> float:
    """Return the CPU seconds of a run, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cost_per_like", "--run", name, username]
    environment = {**os.environ, **box.environ()}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def run(name: str, username: str) -> None:
    """Do one run and print its CPU seconds."""
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
    print(seconds)


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
