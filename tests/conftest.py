"""Fixtures that several packages' tests share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from sync_world import World

from connectors.sandbox.server import Sandbox

# Tests that run in the background of a script were started with SIGINT ignored, and so would be
# the commands that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Keep SQLite's test database in a file: of one in memory, threads cannot wait for a lock.

    PostgreSQL need not wait for its disk, as what a test wrote may be lost with the machine. Its
    tables, nearly empty, are emptied by DELETE: to TRUNCATE them all takes a second or two.
    """
    tested = connections["default"].settings_dict
    if tested["ENGINE"].endswith("sqlite3"):
        tested["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
    else:
        tested["OPTIONS"] = {**tested["OPTIONS"], "options": "-c synchronous_commit=off"}
        connections["default"].ops.sql_flush = delete_rows  # type: ignore[method-assign]


def delete_rows(style: Any, tables: list[str], **options: bool) -> list[str]:
    """Return the statements that empty tables; run as one, foreign keys are looked at last."""
    return [f'DELETE FROM "{table}"' for table in tables]


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
