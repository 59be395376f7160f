"""What a sync reads of the database: as much for a like of 300 as for one of 3,000.

Counted are the rows that PostgreSQL read, or the steps of SQLite's virtual machine: neither
depends on how busy the machine is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from slices import after

from connectors.records import (
    LibraryPage,
    LikedTrack,
    LovedPage,
    LovedTrack,
    ScrobbledTrack,
    ServiceTrack,
    TrackPage,
)
from likes.keys import fingerprint
from likes.like_sync import export_likes
from likes.models import Checkpoint, Like, ServiceMapping, Source, Track, TrackKey
from likes.track_sync import store_likes
from likes.unlikes import mark_removed_on_spotify

#: Of steps of SQLite, so many are counted together.
STEPS = 50
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


class Lastfm:
    """A Last.fm without the network, on which every page is there and nothing takes time."""

    def __init__(self, loved: int = 0, scrobbled: range = range(0)) -> None:
        self.loved = [LovedTrack(*name(number), SINCE) for number in range(loved)]
        self.scrobbled = [ScrobbledTrack(*name(number), 1, None) for number in scrobbled]
        self.calls = 0

    def get_loved_page(self, page: int = 1, limit: int = 1000, lacking: int = 0) -> LovedPage:
        rows = self.loved[::-1]
        items = tuple(rows[limit * (page - 1) : limit * page])
        return LovedPage(items, page, -(-len(rows) // limit), len(rows))

    def get_library_page(self, page: int = 1, limit: int = 1000) -> LibraryPage:
        items = tuple(self.scrobbled[limit * (page - 1) : limit * page])
        return LibraryPage(items, page, -(-len(self.scrobbled) // limit), len(self.scrobbled))

    def get_track(self, artist: str, title: str) -> TrackPage | None:
        return TrackPage(artist, title, listeners=100)

    def love_track(self, artist: str, title: str) -> None:
        self.loved.append(LovedTrack(artist, title, datetime.now(UTC)))


def name(number: int) -> tuple[str, str]:
    """Artist and title of a song, unlike any other's."""
    letters = [chr(ord("b") + int(digit)) for digit in f"{number:05}"]
    return f"Band {''.join(letters)}", f"Song {''.join(reversed(letters))}"


def fill(user: User, count: int) -> None:
    """Like songs, a minute apart, that nobody has looked for on Last.fm yet."""
    tracks = Track.objects.bulk_create(
        Track(user=user, title=title, artists=[artist]) for artist, title in map(name, range(count))
    )
    TrackKey.objects.bulk_create(
        TrackKey(user=user, track=track, key=f"m:{number}") for number, track in enumerate(tracks)
    )
    ServiceMapping.objects.bulk_create(
        ServiceMapping(
            user=user, track=track, service="spotify", key=f"id{track.pk}", decision="accepted",
            service_id=f"id{track.pk}", listed=True, title=track.title, artists=track.artists,
        )
        for track in tracks
    )  # fmt: skip
    Like.objects.bulk_create(
        Like(user=user, track=track, service=service, state=state,
             liked_at=SINCE + timedelta(minutes=number))
        for number, track in enumerate(tracks)
        for service, state in (("narada", "present"), ("lastfm", "pending"))
    )  # fmt: skip
    Checkpoint.objects.create(user=user, listing="saved", keyed_by=fingerprint())


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
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT relname, seq_tup_read FROM pg_stat_user_tables UNION ALL"
            " SELECT indexrelname, idx_tup_read FROM pg_stat_user_indexes"
        )
        return dict(cursor.fetchall())


@pytest.fixture
def join(
    transactional_db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., User]:
    """Return a function that makes a user of so many likes, connected to a Last.fm."""
    settings.VAR_DIR = tmp_path
    settings.LASTFM_REQUESTS_PER_SECOND = 0
    of_user: dict[str, Lastfm] = {}
    monkeypatch.setattr("likes.accounts.lastfm_connector", lambda user: of_user[user.username])

    def make(count: int, lastfm: Lastfm) -> User:
        user = User.objects.create(username=f"user{User.objects.count()}")
        of_user[user.username] = lastfm
        fill(user, count)
        with connection.cursor() as cursor:
            # As it is soon after rows came; SQLite is left as it is, which nobody tells anything.
            cursor.execute("ANALYZE" if connection.vendor == "postgresql" else "SELECT 1")
        return user

    return make


def measure_batches(user: User) -> float:
    """Return what one batch of an export reads: of five less than of one, a quarter."""
    read = []
    for batches in (1, 5):
        with counting() as counts:
            summary = export_likes(user, batch_size=10, time_is_up=after(batches))
        assert (summary.exit_code, summary.loved) == (0, 10 * batches), summary.message
        read.append(counts.total())
    return (read[1] - read[0]) / 4


def test_a_batch_of_an_export_reads_no_more_where_there_are_more_likes(
    join: Callable[..., User],
) -> None:
    few, many = (measure_batches(join(count, Lastfm())) for count in (100, 1500))
    assert many < 1.1 * few


def measure_page(user: User, again: int) -> float:
    """Return what a page of an import reads: of rows that are new, and of those known."""
    first = Track.objects.filter(user=user).earliest("pk").pk
    items = [
        LikedTrack(ServiceTrack(title, (artist,), service_id=key), SINCE + timedelta(days=900))
        for artist, title, key in [
            *((*name(50_000 + number), f"new{first}+{number}") for number in range(25)),
            *((*name(number), f"id{first + number}") for number in range(25)),
        ]
    ]
    with counting() as read:
        for _ in range(again):
            store_likes(user, items, Source.API)
            mark_removed_on_spotify(user, [f"id{first + 3}", f"id{first + 4}"], follow=True)
    return read.total()


def test_a_page_of_an_import_reads_no_more_where_there_are_more_likes(
    join: Callable[..., User],
) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("of 1,500 rows it is right to read all; see benchmarks/README.md")
    few, many = (measure_page(join(count, Lastfm()), 3) for count in (100, 1500))
    assert many < 1.1 * few
