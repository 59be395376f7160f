"""The sandbox's state on disk: one SQLite table of small JSON rows, written through.

Every change is its own transaction in WAL mode, so that a killed process loses nothing it has
answered for. Without a path nothing is written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = tuple[str, str, str, dict[str, Any]]


class Store:
    """Rows of (kind, owner, key) -> JSON object; the caller holds the lock."""

    def __init__(self, path: Path | None) -> None:
        self._database: sqlite3.Connection | None = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS entry (kind TEXT, owner TEXT, key TEXT, body TEXT, "
            "PRIMARY KEY (kind, owner, key)) WITHOUT ROWID"
        )

    def put(self, kind: str, owner: str, key: str, body: dict[str, Any]) -> None:
        """Insert or replace one row."""
        if self._database is not None:
            self._database.execute(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)",
                (kind, owner, key, json.dumps(body)),
            )

    def put_many(self, rows: Iterable[Row]) -> None:
        """Insert or replace many rows."""
        if self._database is not None:
            self._database.executemany(
                "INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)",
                ((kind, owner, key, json.dumps(body)) for kind, owner, key, body in rows),
            )

    def drop(self, kind: str, owner: str, key: str) -> None:
        """Delete one row, if it is there."""
        if self._database is not None:
            self._database.execute(
                "DELETE FROM entry WHERE kind = ? AND owner = ? AND key = ?", (kind, owner, key)
            )

    def drop_all(self) -> None:
        """Delete everything."""
        if self._database is not None:
            self._database.execute("DELETE FROM entry")

    def load(self, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return all rows of a kind as (owner, key, body)."""
        if self._database is None:
            return []
        rows = self._database.execute("SELECT owner, key, body FROM entry WHERE kind = ?", (kind,))
        return [(owner, key, json.loads(body)) for owner, key, body in rows]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write everything in the block, or nothing of it; inside another one, as part of it."""
        if self._database is None or self._database.in_transaction:
            yield
            return
        self._database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()
            self._database = None
