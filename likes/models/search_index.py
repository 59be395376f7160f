"""The index of the search: trigrams of ``Track.search_text``, in what each database has for that.

PostgreSQL has the extensions pg_trgm and btree_gin (which keeps the users apart), SQLite the table
FTS5, which triggers keep in step. Where the database may or can not have them the search works
without, and reads all tracks of a user.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from likes.models.folding import fold_names

logger = logging.getLogger(__name__)

#: The index of PostgreSQL, and the one without users that it replaces where it can be made.
BY_USER, OF_ALL_USERS = "track_search_by_user", "track_search"
FTS = "likes_track_fts"
TRIGGERS = {
    "likes_track_fts_added": f"""AFTER INSERT ON likes_track BEGIN
        INSERT INTO {FTS} (rowid, search_text) VALUES (new.id, new.search_text); END""",
    "likes_track_fts_deleted": f"""AFTER DELETE ON likes_track BEGIN
        INSERT INTO {FTS} ({FTS}, rowid, search_text)
        VALUES ('delete', old.id, old.search_text); END""",
    "likes_track_fts_changed": f"""AFTER UPDATE OF search_text ON likes_track BEGIN
        INSERT INTO {FTS} ({FTS}, rowid, search_text)
        VALUES ('delete', old.id, old.search_text);
        INSERT INTO {FTS} (rowid, search_text) VALUES (new.id, new.search_text); END""",
}
BATCH = 2_000


class _FileTrack:
    """The names of a track, where the model is that of a migration or not there yet."""

    def __init__(self, title: str, artists: Any, album: str) -> None:
        self.title, self.artists, self.album = title, artists, album


def fill_search_text(model: Any, alias: str) -> None:
    """Write the search text of every track, in the order in which they were stored."""
    last, tracks = 0, model._base_manager.using(alias)
    with connections[alias].cursor() as cursor:
        while rows := list(
            tracks.filter(pk__gt=last)
            .order_by("pk")
            .values_list("title", "artists", "album", "pk")[:BATCH]
        ):
            last = rows[-1][3]
            texts = [(fold_names(_FileTrack(*names)), pk) for *names, pk in rows]
            cursor.executemany("UPDATE likes_track SET search_text = %s WHERE id = %s", texts)


def create_index(alias: str) -> None:
    """Create what is missing of the index; say where the database does not allow it."""
    connection = connections[alias]
    if not _has_search_text(connection):
        return
    try:
        with transaction.atomic(using=alias):
            {"postgresql": _create_on_postgres, "sqlite": _create_on_sqlite}[connection.vendor](
                connection
            )
    except DatabaseError as error:
        logger.warning(
            "The search lacks its index and reads all tracks of a user: %s. On PostgreSQL, let an "
            "administrator run CREATE EXTENSION pg_trgm; CREATE EXTENSION btree_gin in this "
            "database, then run init_db again.",
            str(error).splitlines()[0],
        )


def drop_index(alias: str) -> None:
    """Drop the index; the extension stays, which may serve others."""
    with connections[alias].cursor() as cursor:
        for index in (BY_USER, OF_ALL_USERS):
            cursor.execute(f"DROP INDEX IF EXISTS {index}")
        if connections[alias].vendor == "sqlite":
            for name in TRIGGERS:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            cursor.execute(f"DROP TABLE IF EXISTS {FTS}")


def has_fts(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether this SQLite database has the table; asked once for each connection's file."""
    known = connection.__dict__.get("narada_has_fts")
    if not known:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = %s", [FTS])
            known = connection.__dict__["narada_has_fts"] = bool(cursor.fetchone()[0])
    return known


def _has_search_text(connection: BaseDatabaseWrapper) -> bool:
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, "likes_track")
    return "search_text" in {column.name for column in columns}


def _create_on_postgres(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [BY_USER])
        if cursor.fetchone()[0]:
            return
        for extension in ("pg_trgm", "btree_gin"):
            cursor.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        cursor.execute(
            f"CREATE INDEX {BY_USER} ON likes_track USING gin (user_id, search_text gin_trgm_ops)"
        )
        cursor.execute(f"DROP INDEX IF EXISTS {OF_ALL_USERS}")


def _create_on_sqlite(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s",
            [f"{FTS}%"],
        )
        if cursor.fetchone()[0] == len(TRIGGERS):
            return
        # Django makes a table of SQLite anew to change it, and its triggers are gone.
        drop_index(connection.alias)
        cursor.execute(
            f"CREATE VIRTUAL TABLE {FTS} USING fts5(search_text, content='likes_track', "
            "content_rowid='id', tokenize='trigram')"
        )
        for name, body in TRIGGERS.items():
            cursor.execute(f"CREATE TRIGGER {name} {body}")
        cursor.execute(f"INSERT INTO {FTS} ({FTS}) VALUES ('rebuild')")
