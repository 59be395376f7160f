"""What slices and dispatching cost: calls of a first import in slices, statements for many users.

Run as ``python -m benchmarks.schedule [LIKES]``, by default 20000. Prints two Markdown tables.
Sixty rows more have no name and say the same.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.preparing import after, counting_statements, join, open_database, open_sandbox
from narada_sandbox.server import Sandbox

#: Pages a slice: at two calls a second some ten seconds.
PAGES = 20


def main(likes: int) -> None:
    # What is dispatched arrives nowhere.
    with open_database(REDIS_URL=""):
        with open_sandbox(likes=likes, scrobble_share=1.0) as box:
            measure_slices(box, likes)
        measure_dispatch()


def measure_slices(box: Sandbox, likes: int) -> None:
    from likes.like_sync import import_likes

    for user in ("alice", "bob"):
        # Sixty rows without a name that say the same, where the first slice ends.
        row = box.order(f"likes/{user}", http="GET")["likes"][PAGES * 50 - 30]
        for _ in range(60):
            box.order("like", {"user": user, "kind": "null", "added_at": row["added_at"]})
    print("| likes | first import | calls | slices |\n|--:|---|--:|--:|")
    box.clear_calls()
    assert import_likes(join(box, "alice", likes)).complete
    print(f"| {likes:,} | in one go | {len(box.calls()):,} | |")
    box.clear_calls()
    bob, slices, summary = join(box, "bob", likes), 0, None
    while summary is None or summary.more:
        summary, slices = import_likes(bob, time_is_up=after(PAGES)), slices + 1
    assert summary.complete
    print(
        f"| {likes:,} | in slices of {PAGES} pages | {len(box.calls()):,} | {slices} |", flush=True
    )


def measure_dispatch() -> None:
    from django.contrib.auth.models import User

    from likes import tasks
    from likes.models import Connection, Service, SyncSettings

    print("\n| users due | statements of a dispatch | messages |\n|--:|--:|--:|")
    sent: list[Any] = []
    tasks.sync_next.apply_async = lambda **options: sent.append(options)  # type: ignore[method-assign]
    Connection.objects.all().delete()
    for users in (1, 50, 500):
        for number in range(users - Connection.objects.filter(service=Service.LASTFM).count()):
            user = User.objects.create_user(f"user{users}-{number}")
            for service in (Service.SPOTIFY, Service.LASTFM):
                Connection.objects.create(user=user, service=service)
            SyncSettings.objects.create(user=user)
        SyncSettings.objects.update(step="", next_sync_at=None)
        sent.clear()
        with counting_statements() as statements:
            tasks.dispatch_due.run()
        print(f"| {users} | {statements['all']} | {len(sent)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
