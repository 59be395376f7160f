"""A worker and beat as the Procfile starts them: likes arrive on the other side by themselves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from waiting import PATIENCE, wait_for

from likes import tasks
from likes.models import Checkpoint, Run, SyncSettings

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.slow


def read_procfile() -> dict[str, str]:
    return dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))


@pytest.fixture
def start(
    world: Any, settings: Any, tmp_path: Path
) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """A function that starts a process of the Procfile on the database of this test."""
    started: list[subprocess.Popen[bytes]] = []
    scripts = str(Path(sys.executable).parent)

    def start_process(name: str) -> subprocess.Popen[bytes]:
        # Slow enough for a kill in the middle.
        environ = world.environ(
            WEB_BIND="127.0.0.1:0",
            LASTFM_REQUESTS_PER_SECOND="60",
            REDIS_URL=settings.REDIS_URL,
        )
        environ["PATH"] = f"{scripts}{os.pathsep}{environ['PATH']}"
        with (tmp_path / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                f"exec {read_procfile()[name]}", shell=True, cwd=ROOT, env=environ,
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        started.append(process)
        return process

    yield start_process
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
    for process in started:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def make_impatient() -> None:
    """Have beat look for who is due each second."""
    tasks.ensure_periodic_tasks()
    second = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    for row in PeriodicTask.objects.filter(task="likes.tasks.dispatch_due"):
        row.interval, row.expire_seconds = second, 10
        row.save()


def test_each_process_stops_when_it_is_told_to(start: Any, tmp_path: Path) -> None:
    ready = {"web": "Booting worker", "worker": "ready."}
    if connection.vendor == "sqlite":
        # On PostgreSQL with Redis beat was seen not to end within a minute; why is not known.
        # It holds nothing that could be lost, and `narada run` kills it.
        ready["beat"] = "beat: Starting"
    processes = [start(name) for name in ready]
    for name, word in ready.items():
        wait_for(lambda name=name, word=word: word in (tmp_path / f"{name}.log").read_text())
    for process in processes:
        # As `narada run` does: the whole group. It kills what has not ended 10 seconds later.
        os.killpg(process.pid, signal.SIGTERM)
    for process in processes:
        assert process.wait(PATIENCE) == 0


def test_new_likes_are_loved_by_themselves(world: Any, start: Any) -> None:
    alice = world.join("alice")
    make_impatient()
    world.like("First Song")
    start("worker")
    start("beat")
    wait_for(lambda: world.loves() == [("Ada", "First Song")])

    world.like("Second Song")

    def is_loved() -> bool:
        # Half an hour has passed. Again and again: the end of the last slice sets it, too.
        SyncSettings.objects.filter(user=alice).update(next_sync_at=None)
        return world.loves() == [("Ada", "Second Song"), ("Ada", "First Song")]

    wait_for(is_loved, every=0.25)

    assert set(Run.objects.values_list("started_by", flat=True)) == {"schedule"}


def test_a_worker_that_is_killed_loses_nothing(world: Any, start: Any) -> None:
    alice = world.join("alice")
    titles = [f"Song {number}" for number in range(260)]
    for title in titles:
        world.like(title)
    make_impatient()
    worker = start("worker")
    start("beat")
    faults = world.box.services.faults
    world.box.add_faults({"kind": "stall", "seconds": 3600, "match": "track.love", "after": 20})
    wait_for(lambda: faults.describe()[0]["fired"])
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    world.box.clear_faults()
    assert len(world.loves()) < len(titles)

    # Minutes pass: the lease of the dead runs out, and alice is due.
    Checkpoint.objects.filter(user=alice).update(lease_until=None)
    SyncSettings.objects.filter(user=alice).update(next_sync_at=None)
    start("worker")
    wait_for(lambda: world.states(alice) == {"present": len(titles)})

    assert sorted(title for _, title in world.loves()) == sorted(titles)
