"""Fixtures that several packages' tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.core.management.commands import flush
from django.db import connections
from driven_clock import stop_dates
from programs import need_program
from redis_server import start_redis
from world import World

from narada_sandbox.server import Sandbox

# Tests that run in the background of a script were started with SIGINT ignored, and so would be
# the commands that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The processes that tests start are to read the real settings.
os.environ["DJANGO_SETTINGS_MODULE"] = "narada_site.settings"

# ``make test-all`` asks for the long one, which tries others each time but where CI runs it.
hypothesis.settings.register_profile(
    "quick",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(hypothesis.HealthCheck),
)
hypothesis.settings.register_profile(
    "long",
    hypothesis.settings.get_profile("quick"),
    max_examples=600,
    derandomize="CI" in os.environ,
    print_blob=True,
)
hypothesis.settings.load_profile("quick")

#: Django fills these itself, always the same way. To empty and fill them anew takes far longer than
#: to empty all others.
KEPT_TABLES = {"auth_permission", "django_content_type"}


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: many tests wait, and none may think itself alone."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def empty_tables_quickly() -> None:
    """Have the tables, nearly empty, emptied by DELETE: to TRUNCATE them takes a second or two."""
    connections["default"].ops.sql_flush = delete_rows  # type: ignore[method-assign]
    flush.emit_post_migrate_signal = lambda *_, **__: None


def delete_rows(style: Any, tables: list[str], **options: bool) -> list[str]:
    """Return the statements that empty tables; run as one, foreign keys are looked at last."""
    return [f'DELETE FROM "{table}"' for table in tables if table not in KEPT_TABLES]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """The date and time, which stand still while a test runs in this process."""
    return stop_dates(monkeypatch)


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """The address of a Redis server of the test's own."""
    need_program("redis-server")
    server, address = start_redis(tmp_path)
    yield address
    server.terminate()
    server.wait()


@pytest.fixture
def make_world(
    transactional_db: None,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., World]]:
    """Return a function that starts a sandbox and points this process at it, without limits."""
    boxes: list[Sandbox] = []
    settings.VAR_DIR = tmp_path
    settings.LASTFM_REQUESTS_PER_SECOND = settings.SPOTIFY_REQUESTS_PER_SECOND = 0
    # Between two tries of a call that failed, in seconds.
    monkeypatch.setattr("connectors.http.FIRST_PAUSE", 0.002)

    def make(**taste: Any) -> World:
        box = Sandbox(**{"likes": 0, "loved_share": 0, "awkward": False, **taste}).start()
        boxes.append(box)
        for name, value in box.environ().items():
            setattr(settings, name, value)
        return World(box)

    yield make
    for box in boxes:
        box.stop()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """An empty sandbox: alice, bob and carol, who like nothing yet."""
    return make_world()
