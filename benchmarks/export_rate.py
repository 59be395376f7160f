"""How much of the rate limit an export uses, and in which order Last.fm dates what it loves.

Run as ``python -m benchmarks.export_rate [LIKES [CASE]]``, by default 150 likes and all cases;
CASE is part of a name. Prints a Markdown table. The
limit is 5 requests a second; the sandbox answers after a latency, some cases with a jitter: each
call takes the latency and, at random, more. All figures are from the sandbox's log, whose times
are those at which the service acts: the rate over the first to the last love as a share of the
limit, the most calls in any second, how many neighbours in the order of liking Last.fm dates the
wrong way round, to the second, and by how much (s) at most a love comes before an older like's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from benchmarks.preparing import join, open_database, open_sandbox
from narada_sandbox.server import Sandbox

LIMIT = 5
COLUMNS = ("case", "loves", "share of the limit", "most in a second", "out of order", "by (s)")
Fault = dict[str, Any]


def add(ms: int, probability: float = 1.0, match: str = "") -> Fault:
    return {
        "kind": "latency",
        "ms": ms,
        "probability": probability,
        "match": match,
        "service": "lastfm",
    }


#: What each case is called, its faults, the share of names to look up, the processes at once.
CASES: list[tuple[str, list[Fault], float, int]] = [
    ("no latency", [], 0.0, 1),
    ("100 ms", [add(100)], 0.0, 1),
    ("200 ms", [add(200)], 0.0, 1),
    ("200 ms, a tenth looked up", [add(200)], 0.1, 1),
    ("200 ms, two users at once", [add(200)], 0.0, 2),
    ("200 to 350 ms", [add(200), *[add(50, 0.5)] * 3], 0.0, 1),
    ("100 to 700 ms", [add(100), *[add(200, 0.3)] * 3], 0.0, 1),
    ("300 ms", [add(300)], 0.0, 1),
    ("700 ms", [add(700)], 0.0, 1),
    ("1 s", [add(1000)], 0.0, 1),
    ("1 s, a tenth looked up", [add(1000)], 0.1, 1),
    ("200 ms, all looked up", [add(200)], 1.0, 1),
    ("1 s, all looked up", [add(1000)], 1.0, 1),
    ("200 ms, every 50th love 2 s", [add(200), add(1800, 0.02, "track.love")], 0.0, 1),
]


def main(likes: int, wanted: str) -> None:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" + "|--:" * (len(COLUMNS) - 1) + "|")
    with open_database(LASTFM_REQUESTS_PER_SECOND=str(LIMIT)):
        for number, (name, faults, looked_up, processes) in enumerate(CASES):
            if wanted not in name:
                continue
            with open_sandbox(
                likes=likes, scrobble_share=1 - looked_up, loved_share=0, awkward=False
            ) as box:
                measure(box, name, faults, ["alice", "bob"][:processes], number)


def measure(box: Sandbox, name: str, faults: list[Fault], people: Sequence[str], no: int) -> None:
    """Import, export in a process for each user, and print a row of the table."""
    from likes.like_sync import import_likes
    from likes.models import Like

    # Of another size than in the cases before, as the name of a user is made of both.
    users = [join(box, person, no) for person in people]
    for user in users:
        assert import_likes(user).exit_code == 0, user
    box.add_faults(*faults)
    box.clear_calls()
    exports = [
        subprocess.Popen(
            [sys.executable, "manage.py", "export_likes_to_lastfm", "-u", user.username],
            cwd=Path(__file__).parent.parent, env={**os.environ, **box.environ()},
            stdout=subprocess.DEVNULL,
        )
        for user in users
    ]  # fmt: skip
    assert [export.wait() for export in exports] == [0] * len(users)
    calls = sorted(call["time"] for call in box.calls(service="lastfm"))
    loves = sorted(call["time"] for call in box.calls(kind="track.love"))
    during = [moment for moment in calls if loves[0] <= moment <= loves[-1]]
    rate = (len(during) - 1) / (during[-1] - during[0])
    swaps, earlier = 0, 0
    for user, person in zip(users, people, strict=True):
        order = Like.objects.of(user).on("lastfm").filter(state="present").oldest_first()
        dates = list_dates(box, person, order.select_related("track"))
        swaps += sum(after < before for before, after in pairwise(dates))
        latest = accumulate(dates, max)
        earlier = max(earlier, *(most - one for most, one in zip(latest, dates, strict=True)))
    cells = (name, f"{len(loves):,}", f"{100 * rate / LIMIT:.1f} %",
             str(count_busiest_second(calls)), str(swaps), str(earlier))  # fmt: skip
    print("| " + " | ".join(cells) + " |", flush=True)


def list_dates(box: Sandbox, person: str, likes: Any) -> list[int]:
    """Return when Last.fm dates the loves of likes, in whole seconds, in the order of the likes."""
    loves = box.order(f"loves/{person}", http="GET")["loves"]
    dates = {(love["artist"], love["title"]): int(love["uts"]) for love in loves}
    pages = {
        mapping.track_id: (mapping.artists[0], mapping.title)
        for mapping in likes[0].user.mappings.filter(service="lastfm", decision="accepted")
    }
    return [dates[pages[like.track_id]] for like in likes]


def count_busiest_second(moments: list[float]) -> int:
    """Return the largest number of moments in any window of a second."""
    return max(sum(start <= one < start + 1 for one in moments) for start in moments)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150, " ".join(sys.argv[2:]))
