"""What the pages cost a user with many likes, among many users, beside a user with few.

Run as ``python -m benchmarks.pages [TRACKS [LIKES]]``, by default a million tracks and a fifth of
them liked by one user; all other users have 1,000 each. With ``DATABASE_URL`` on PostgreSQL the database named
there must be new; without it a SQLite database is built in a folder that is removed again. Prints a
Markdown table. Its times are CPU times, which a busy machine lengthens least; with PostgreSQL they
are those of a server on the same machine.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.preparing import open_database

FEW = 1_000
BIG, SMALL, OPERATOR = 1, 2, 3
WORDS = 3_000
#: Each page is asked for so often, and no longer than this (s).
TURNS, MOST_SECONDS = 9, 30
PAGES = {
    "home": "/",
    "home, live part": "/progress/",
    "likes": "/likes/",
    "likes, a deep page": "/likes/?after={deep}",
    **{
        f"likes, {state}": f"/likes/?state={state}"
        for state in ("loved", "pending", "review", "not_found", "failed", "excluded", "removing",
                      "removed", "gone", "unavailable", "ended")
    },
    "search, the most frequent word": "/likes/?q={most_frequent}",
    "search, a frequent word": "/likes/?q={frequent}",
    "search, a rare word": "/likes/?q={rare}",
    "search, two words": "/likes/?q={frequent}+{rare}",
    "search, two letters": "/likes/?q=ba",
    "search, one sign": "/likes/?q=%E6%84%9B",
    "search, nothing found": "/likes/?q=zzzqqq",
    "search, nothing, two letters": "/likes/?q=9q",
    "search in a state": "/likes/?q={frequent}&state=review",
    "review": "/review/",
    "review, a search": "/review/?q={rare}",
    "a track": "/likes/{track}/",
    "runs": "/runs/",
    "a run with all changes": "/runs/{run}/",
    "a run, a deep page": "/runs/{run}/?what=added&after={change}",
}  # fmt: skip
ADMIN = {
    "admin: tracks": "/admin/likes/track/",
    "admin: tracks, a word": "/admin/likes/track/?q={rare}",
    "admin: tracks, a frequent word": "/admin/likes/track/?q={frequent}",
    "admin: tracks, of a user": "/admin/likes/track/?q=user:user{user}+{frequent}",
    "admin: likes": "/admin/likes/like/",
    "admin: likes, a word": "/admin/likes/like/?q={rare}",
    "admin: likes, needs a person": "/admin/likes/like/?wrong=person",
    "admin: mappings": "/admin/likes/servicemapping/",
    "admin: mappings, a word": "/admin/likes/servicemapping/?q={rare}",
    "admin: runs": "/admin/likes/run/",
    "admin: changes": "/admin/likes/runchange/",
    "admin: changes of a run": "/admin/likes/runchange/?q={run}",
    "admin: changes of a user": "/admin/likes/runchange/?q=user{user}",
    "admin: listed": "/admin/likes/listedtrack/?q=user:user{user}+{rare}",
    "admin: keys": "/admin/likes/trackkey/?q=user:user{user}+k77",
}  # fmt: skip


def main(tracks: int = 1_000_000, likes: int | None = None) -> None:
    likes = max(FEW, tracks // 5) if likes is None else likes
    if tracks - likes < 2 * FEW:
        sys.exit(f"TRACKS must be at least {2 * FEW:,} more than LIKES.")
    with open_database():
        from likes.models import Track

        if not Track.objects.exists():
            begun = time.monotonic()
            build(tracks, likes)
            print(f"built in {time.monotonic() - begun:.0f} s", file=sys.stderr)
        measure()


def build(tracks: int, likes: int) -> None:
    """Fill the database, in SQL that both databases understand."""
    # ruff: noqa: E501
    from django.contrib.auth.models import User
    from django.db import connection

    from likes.models import Track, search_index

    is_postgres = connection.vendor == "postgresql"
    others = range(SMALL, SMALL + -(-(tracks - likes) // FEW))
    User.objects.bulk_create(
        User(pk=pk, username=f"user{pk}", is_staff=pk == OPERATOR, is_superuser=pk == OPERATOR)
        for pk in (BIG, *others)
    )
    with connection.cursor() as cursor:
        text = 'text COLLATE "C"' if is_postgres else "text"
        cursor.execute(f"CREATE TEMPORARY TABLE word (i integer PRIMARY KEY, w {text})")
        cursor.executemany("INSERT INTO word VALUES (%s, %s)", list(enumerate(make_words())))
        moment = (
            "(timestamptz '2024-06-01' - i * interval '1 minute')" if is_postgres
            else "datetime('2024-06-01', '-' || i || ' minutes')"
        )  # fmt: skip
        day = f"{'timestamptz ' if is_postgres else ''}'2024-07-01'"
        as_json = "jsonb_build_array({})" if is_postgres else "json_array({})"
        number = f"WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < {tracks})"
        user = f"CASE WHEN i <= {likes} THEN {BIG} ELSE {SMALL} + (i - {likes} - 1) / {FEW} END"
        pick = "(SELECT w FROM word WHERE word.i = {})".format
        # The first words are by far the most frequent.
        spread = "((n.i * {0} / 1024 % {1}) * (n.i * {0} / 1024 % {1}) / {1})"
        title = f"{pick(spread.format(7919, WORDS))} || ' ' || {pick(spread.format(104729, WORDS))}"
        artist = pick(spread.format(15485863, WORDS))
        for statement in (
            f"""INSERT INTO likes_track (id, user_id, title, artists, album, isrc, duration_ms,
                created_at, updated_at{{extra_columns}}) {number} SELECT i, {user}, {title}, {as_json.format(artist)},
                {pick(spread.format(32452843, WORDS))}, '', 200000, {moment}, {moment}{{extra}} FROM n""",
            f"""INSERT INTO likes_like (user_id, track_id, service, state, source, liked_at,
                attempts, last_error, created_at, updated_at)
                {number} SELECT {user}, i, s, CASE
                WHEN s = 'narada' THEN CASE WHEN i % 200 = 0 THEN 'unavailable'
                  WHEN i % 211 = 0 THEN 'removed' ELSE 'present' END
                WHEN s = 'spotify' THEN CASE WHEN i % 97 = 0 THEN 'removed' ELSE 'present' END
                WHEN i % 100 < 80 THEN 'present' WHEN i % 100 < 88 THEN 'pending'
                WHEN i % 100 < 93 THEN 'review' WHEN i % 100 < 96 THEN 'not_found'
                WHEN i % 100 = 96 THEN 'failed' WHEN i % 100 = 97 THEN 'excluded'
                WHEN i % 100 = 98 THEN 'removing' ELSE 'removed' END,
                'api', {moment}, 0,
                CASE WHEN s = 'lastfm' AND i % 100 >= 88 THEN 'reason ' || (i % 5) ELSE '' END,
                {moment}, {moment} FROM n CROSS JOIN
                (SELECT 'narada' AS s UNION ALL SELECT 'spotify' UNION ALL SELECT 'lastfm') AS x""",
            f"""INSERT INTO likes_servicemapping (user_id, track_id, service, key, service_id,
                title, artists, album, isrc, source, decision, decided_by, rule, evidence, liked_at,
                listed, withdraw, created_at, updated_at)
                {number} SELECT {user}, i, s, 'key' || i, CASE WHEN s = 'spotify' THEN 'key' || i
                ELSE '' END, {title}, {as_json.format(artist)}, '', '', 'api',
                CASE WHEN s = 'lastfm' AND i % 100 >= 88 THEN 'candidate' ELSE 'accepted' END,
                'rule', 'listed', {as_json.format("")}, {moment}, s = 'spotify', i < 0, {moment},
                {moment} FROM n CROSS JOIN
                (SELECT 'spotify' AS s UNION ALL SELECT 'lastfm') AS x""",
            f"INSERT INTO likes_trackkey (user_id, track_id, key) {number} "
            f"SELECT {user}, i, 'k' || i FROM n",
            f"""INSERT INTO likes_listedtrack (user_id, listing, key, artist, title, playcount, seen)
                {number} SELECT {user}, 'library', 'key' || i, {artist}, {title}, 1, 1 FROM n""",
            "INSERT INTO likes_listedtrackkey (user_id, listed_id, key) "
            "SELECT user_id, id, key FROM likes_listedtrack",
            f"""INSERT INTO likes_run (id, user_id, kind, state, started_by, started_at, ended_at, counts,
                message) SELECT id, id, 'import', 'done', 'command', {day}, {day}, '{{}}', '' FROM auth_user""",
            """INSERT INTO likes_runchange (run_id, like_id, what, was, at)
                SELECT user_id, id, 'added', '', liked_at FROM likes_like WHERE service = 'narada'""",
        ):
            has_text = "search_text" in {
                column.name
                for column in connection.introspection.get_table_description(cursor, "likes_track")
            }
            cursor.execute(
                statement.replace("{extra_columns}", ", search_text" if has_text else "").replace(
                    "{extra}", ", ''" if has_text else ""
                )
            )
        if has_text:
            # Row by row an index of words takes long to fill.
            search_index.drop_index(connection.alias)
            search_index.fill_search_text(Track, connection.alias)
            search_index.create_index(connection.alias)
        tables = [
            name for name in connection.introspection.table_names() if name.startswith("likes_")
        ]
        if is_postgres:
            for table in tables:
                if has_serial(cursor, table):
                    cursor.execute(
                        "SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT max(id) FROM "
                        f"{table}))", [table])  # fmt: skip
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")


def has_serial(cursor: Any, table: str) -> bool:
    cursor.execute(
        "SELECT 1 FROM information_schema.columns WHERE table_name = %s AND column_name = 'id' "
        "AND is_identity = 'YES'",
        [table],
    )
    return cursor.fetchone() is not None


def make_words() -> list[str]:
    starts = (
        "ba",
        "ce",
        "di",
        "fo",
        "gu",
        "ka",
        "le",
        "mi",
        "no",
        "pu",
        "ra",
        "sé",
        "ti",
        "vo",
        "ä",
    )
    words = [a + b + c + d for a in starts for b in starts for c in ("l", "n", "r") for d in starts]
    words = [words[i * 7919 % len(words)] for i in range(WORDS)]
    words[-40:] = [f"愛{chr(0x4E00 + i * 97)}" for i in range(40)]
    return words


def measure() -> None:
    """Print for each page what it costs both users, asked in turn: likes shown, statements, pages
    of the database, the least CPU time of Narada and the database together (ms)."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from likes.models import Like

    settings.ALLOWED_HOSTS = ["*"]
    clients = {pk: Client() for pk in (BIG, SMALL, OPERATOR)}
    for pk, client in clients.items():
        client.force_login(User.objects.get(pk=pk))
    words = make_words()

    def fill_in(address: str, user: int) -> str:
        likes = Like.objects.filter(user=user, service="narada").order_by("-liked_at", "pk")
        deep = likes[likes.count() * 3 // 4]
        return address.format(
            deep=f"{deep.liked_at:%Y-%m-%dT%H:%M:%S}%2B00:00~{deep.pk}", track=deep.track_id,
            run=user, user=user, change=deep.changes.get().pk, frequent=words[3],
            most_frequent=words[0], rare=words[WORDS - 299],
        )  # fmt: skip

    only = os.environ.get("ONLY", "")
    print("| page | shown | statements | pages | few (ms) | many (ms) | times |")
    print("|---|--:|--:|--:|--:|--:|--:|", flush=True)
    for name, address in [*PAGES.items(), *ADMIN.items()]:
        if only not in name:
            continue
        shown, statements, pages, best = [], [], [], [float("inf")] * 2
        asked = [
            (clients[OPERATOR if name in ADMIN else user], fill_in(address, user))
            for user in (SMALL, BIG)
        ]
        for client, filled in asked:
            client.get(filled)
            before = read_pages()
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(filled)
            assert answer.status_code == 200, filled
            is_list = filled.partition("?")[0] == "/likes/"
            shown.append(str(answer.content.count(b"<time ")) if is_list else "")
            pages.append(f"{read_pages() - before:,}")
            statements.append(str(len(queries)))
        begun = time.monotonic()
        for _ in range(TURNS):
            for which, (client, filled) in enumerate(asked):
                before = cpu_time()
                client.get(filled)
                best[which] = min(best[which], (cpu_time() - before) * 1000)
            if time.monotonic() - begun > MOST_SECONDS:
                break
        print(
            f"| {name} | {'/'.join(filter(None, shown))} | {'/'.join(statements)} | "
            f"{' / '.join(pages)} | {best[0]:.1f} | {best[1]:.1f} | {best[1] / best[0]:.1f} |",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"peak memory {peak} MB", file=sys.stderr)


def cpu_time() -> float:
    """Return the CPU time (s) of this process and, on the same machine, of its PostgreSQL's."""
    from django.db import connection

    used = time.process_time()
    if connection.vendor == "postgresql":
        schedule = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
        used += int(schedule.read_text().split()[0]) / 1e9
    return used


def read_pages() -> int:
    """Return how many pages of the database were read by now, from memory or not."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
        return cursor.fetchone()[0]


if __name__ == "__main__":
    main(*(int(number) for number in sys.argv[1:]))
