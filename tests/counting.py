"""What statements read: rows of PostgreSQL, or steps of SQLite's virtual machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from waiting import wait_for

#: Of steps of SQLite, so many are counted together.
STEPS = 50


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count what this thread's statements read."""
    read: Counter[str] = Counter()
    with _counting_rows(read) if connection.vendor == "postgresql" else _counting_steps(read):
        yield read


@contextmanager
def _counting_steps(read: Counter[str]) -> Iterator[None]:
    current = ""

    def note(execute: Any, sql: str, *args: Any) -> Any:
        nonlocal current
        current = sql
        return execute(sql, *args)

    def step() -> None:
        read[current] += STEPS

    connection.ensure_connection()
    connection.connection.set_progress_handler(step, STEPS)
    try:
        with connection.execute_wrapper(note):
            yield
    finally:
        connection.connection.set_progress_handler(None, STEPS)


@contextmanager
def _counting_rows(read: Counter[str]) -> Iterator[None]:
    """Count rows of tables and entries of indexes, each for itself. Of so few rows PostgreSQL
    would read a table whole, which of many it does not."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
    before = _ask_postgres()
    yield
    for table, rows in _ask_postgres().items():
        read[table] += rows - before.get(table, 0)


def _ask_postgres() -> dict[str, int]:
    """Return what all connections have read. A connection of another thread adds what it read a
    little after it was closed, so two readings have to agree."""
    read: list[dict[str, int]] = [{}]

    def agree() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT relname, seq_tup_read FROM pg_stat_user_tables UNION ALL"
                " SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes"
            )
            read.append(dict(cursor.fetchall()))
        return read[-1] == read[-2]

    wait_for(agree, every=0.05)
    return read[-1]
