"""What a sync costs: calls, as the sandbox's log has them, and statements that reach the database.

Run as ``python -m benchmarks.sync [LIKES ...]``, by default 1000 and 10000. Prints a Markdown
table. The user scrobbles what they like under Last.fm's spellings and has loved a tenth of it; no
rate limit is set. "cut" is a run that ends after half of its batches, "resumed" the one after it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.preparing import after, counting_statements, join, open_database, open_sandbox
from narada_sandbox.server import Sandbox

COLUMNS = ("likes", "run", "calls", "loves", "other calls", "per 100 loves", "statements",
           "per like", "seconds")  # fmt: skip


def main(sizes: list[int]) -> None:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" + "|--:" * (len(COLUMNS) - 1) + "|")
    with open_database():
        for likes in sizes:
            with open_sandbox(likes=likes, scrobble_share=1.0) as box:
                measure_size(box, likes)


def measure_size(box: Sandbox, likes: int) -> None:
    """Sync alice in one go, and bob with each run cut in half."""
    from likes.like_sync import export_likes, import_likes

    alice, bob = join(box, "alice", likes), join(box, "bob", likes)
    pages, batches = likes // 50 // 2, likes // 20 // 2
    runs: list[tuple[str, Callable[[], Any]]] = [
        ("import", lambda: import_likes(alice)),
        ("second import", lambda: import_likes(alice)),
        ("export", lambda: export_likes(alice)),
        ("second export", lambda: export_likes(alice)),
        ("import, cut", lambda: import_likes(bob, time_is_up=after(pages))),
        ("import, resumed", lambda: import_likes(bob)),
        ("export, cut", lambda: export_likes(bob, time_is_up=after(batches))),
        ("export, resumed", lambda: export_likes(bob)),
    ]
    for name, run in runs:
        box.clear_calls()
        with counting_statements() as statements:
            started = time.monotonic()
            summary = run()
            seconds = time.monotonic() - started
        assert summary.exit_code == 0, summary.message
        kinds = Counter(call["kind"] for call in box.calls())
        loves, calls = kinds["track.love"], kinds.total()
        print_row(likes, name, calls, loves, statements["all"], seconds)


def print_row(
    likes: int, name: str, calls: int, loves: int, statements: int, seconds: float
) -> None:
    ratio = f"{100 * (calls - loves) / loves:.1f}" if loves else ""
    cells = (f"{likes:,}", name, f"{calls:,}", f"{loves:,}", f"{calls - loves:,}", ratio,
             f"{statements:,}", f"{statements / likes:.2f}", f"{seconds:.1f}")  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 10_000])
