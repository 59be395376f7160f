"""What a sync reads and compares: as much for each like of many as for each of few.

Counted are the rows that PostgreSQL read, or the steps of SQLite's virtual machine: neither
depends on how busy the machine is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from counting import counting
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
from likes.blocking_keys import fingerprint, list_track_keys
from likes.exporting import page_choice
from likes.importing.track_sync import store_likes
from likes.like_operations import mark_removed_on_spotify
from likes.like_sync import export_likes
from likes.models import Checkpoint, Like, ServiceMapping, Source, Track, TrackKey
from likes.review import reject

Name = tuple[str, str]
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


class Lastfm:
    """A Last.fm without the network, on which every page is there and nothing takes time."""

    def __init__(self, scrobbled: Sequence[Name] = (), rows: int = 1000) -> None:
        self.loved: list[LovedTrack] = []
        self.scrobbled = [ScrobbledTrack(*song, 1) for song in scrobbled]
        self.rows = rows
        self.calls = 0

    def get_loved_page(self, page: int = 1, limit: int = 1000, lacking: int = 0) -> LovedPage:
        rows = self.loved[::-1]
        items = tuple(rows[limit * (page - 1) : limit * page])
        return LovedPage(items, page, -(-len(rows) // limit), len(rows))

    def get_library_page(self, page: int = 1, limit: int = 1000) -> LibraryPage:
        self.calls += 1
        items = tuple(self.scrobbled[self.rows * (page - 1) : self.rows * page])
        return LibraryPage(items, page, -(-len(self.scrobbled) // self.rows), len(self.scrobbled))

    def get_track(self, artist: str, title: str) -> TrackPage | None:
        return None if "Nobody" in artist else TrackPage(artist, title, listeners=100)

    def love_track(self, artist: str, title: str) -> None:
        self.loved.append(LovedTrack(artist, title, datetime.now(UTC)))


def name(number: int) -> Name:
    """Artist and title of a song, unlike any other's."""
    letters = [chr(ord("b") + int(digit)) for digit in f"{number:05}"]
    return f"Band {''.join(letters)}", f"Song {''.join(reversed(letters))}"


def list_names(count: int) -> list[Name]:
    return [name(number) for number in range(count)]


def fill(user: User, songs: Sequence[Name]) -> None:
    """Like songs, a minute apart, that nobody has looked for on Last.fm yet."""
    tracks = Track.objects.bulk_create(
        Track(user=user, title=title, artists=[artist]) for artist, title in songs
    )
    TrackKey.objects.bulk_create(
        TrackKey(user=user, track=track, key=key)
        for track in tracks
        for key in (list_track_keys(track) if len(songs) < 100 else ["m:one", f"m:{track.pk}"])
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


@pytest.fixture
def join(
    transactional_db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., User]:
    """Return a function that makes a user who likes songs, connected to a Last.fm."""
    settings.VAR_DIR = tmp_path
    settings.LASTFM_REQUESTS_PER_SECOND = 0
    of_user: dict[str, Lastfm] = {}
    monkeypatch.setattr(
        "likes.accounts.user_clients.lastfm_connector", lambda user: of_user[user.username]
    )

    def make(songs: Sequence[Name], lastfm: Lastfm) -> User:
        user = User.objects.create(username=f"user{User.objects.count()}")
        of_user[user.username] = lastfm
        fill(user, songs)
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
    few, many = (measure_batches(join(list_names(count), Lastfm())) for count in (100, 1500))
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
    few, many = (measure_page(join(list_names(count), Lastfm()), 3) for count in (100, 1500))
    assert many < 1.1 * few


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often each song was held against a list, by its title and the list."""
    times: Counter[tuple[str, str]] = Counter()
    real = page_choice.choose_listed

    def choose(user: User, listing: str, tracks: Sequence[Track]) -> Any:
        times.update((track.title, listing) for track in tracks)
        return real(user, listing, tracks)

    monkeypatch.setattr("likes.exporting.adopting.choose_listed", choose)
    return times


def pages_of(user: User) -> dict[str, str]:
    mappings = ServiceMapping.objects.of(user).on("lastfm").accepted().select_related("track")
    return {mapping.track.title: mapping.title for mapping in mappings}


def test_the_exact_name_on_a_later_page_wins_over_what_is_nearly_it_on_an_earlier(
    join: Callable[..., User],
) -> None:
    songs = [("Ada", "Sun - Remastered 2011"), ("Ada", "Moon - Remastered 2011")]
    near = [("Ada", "Sun"), ("Ada", "Moon")]
    lastfm = Lastfm(scrobbled=[*near, *songs], rows=2)
    user = join(songs, lastfm)
    assert export_likes(user).loved == 2
    assert pages_of(user) == {title: title for _, title in songs}
    assert lastfm.calls == 2


def test_the_library_is_read_while_that_costs_fewer_calls_than_looking_up(
    join: Callable[..., User],
) -> None:
    """Three pages are left when two of four names are found: more calls than for the names."""
    songs = list_names(4)
    lastfm = Lastfm(scrobbled=[*songs[:2], *[name(9000 + number) for number in range(6)]], rows=2)
    assert export_likes(join(songs, lastfm)).loved == 4
    assert lastfm.calls == 1


def test_the_slices_of_a_walk_hold_each_like_against_the_lists_once(
    join: Callable[..., User],
    compared: Counter[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("likes.exporting.own_lists.PAGE", 10)
    songs = list_names(30)
    lastfm = Lastfm(scrobbled=[(artist, f"{title} (Live)") for artist, title in songs], rows=10)
    user = join(songs, lastfm)
    more, slices = True, 0
    while more:
        summary = export_likes(user, batch_size=5, time_is_up=after(1))
        assert summary.exit_code == 0, summary.message
        more, slices = summary.more, slices + 1
    # The list has three pages, the last of them read by the slice that begins to love.
    assert slices == 8
    assert Like.objects.of(user).on("lastfm").filter(state="pending").count() == 0
    assert {times for (_, listing), times in compared.items() if listing == "library"} == {1}
    # Before the library is read, too, so that a page that is loved already costs no call.
    assert max(compared.values()) <= 2


def measure_slice(user: User) -> int:
    """Return what a later slice of a walk reads, but for counting the rows that wait."""
    for _ in range(3):
        with counting() as read:
            summary = export_likes(user, time_is_up=after(1))
        assert (summary.loved, summary.more) == (20, True)
    return sum(steps for sql, steps in read.items() if not sql.startswith("SELECT COUNT("))


@pytest.mark.slow
def test_a_slice_reads_no_more_where_there_are_more_likes(join: Callable[..., User]) -> None:
    if connection.vendor == "postgresql":
        pytest.skip("its rows are not told by statement; see benchmarks/README.md")
    songs = list_names(1500)
    few, many = (
        measure_slice(join(songs[:count], Lastfm(songs[:count], rows=2000)))
        for count in (100, 1500)
    )
    assert many < 1.1 * few


def test_an_export_with_nothing_new_compares_nothing(
    join: Callable[..., User], compared: Counter[tuple[str, str]]
) -> None:
    unknown = [(f"Nobody {number}", f"Song {number}") for number in range(5)]
    user = join([*list_names(5), *unknown], Lastfm(scrobbled=list_names(3)))
    assert (export_likes(user).not_found, export_likes(user).loved) == (5, 0)
    compared.clear()
    assert export_likes(user).exit_code == 0
    assert not compared


def test_what_a_run_had_read_when_it_was_cut_off_is_settled_by_the_next(
    join: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    lastfm = Lastfm()
    user = join([*list_names(3), ("Nobody", "Song")], lastfm)
    assert (export_likes(user).loved, export_likes(user).exit_code) == (3, 0)
    del lastfm.loved[0]
    lastfm.loved.append(LovedTrack("Nobody", "song", SINCE))

    def cut(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("likes.exporting.export.settle_by_loved_list", cut)
        with pytest.raises(KeyboardInterrupt):
            export_likes(user)
    assert export_likes(user).already_loved == 1
    states = Like.objects.of(user).on("lastfm").order_by("liked_at")
    assert list(states.values_list("state", flat=True)) == ["removed", *["present"] * 3]


def test_what_a_person_rules_out_has_the_like_held_against_the_lists_again(
    join: Callable[..., User], compared: Counter[tuple[str, str]]
) -> None:
    user = join([*list_names(2), ("Nobody", "Song")], Lastfm())
    export_likes(user)
    like = Like.objects.of(user).on("lastfm").get(state="not_found")
    page = ServiceMapping.objects.create(
        user=user, track=like.track, service="lastfm", key="x", decision="candidate"
    )
    Like.objects.filter(pk=like.pk).update(state="review")
    export_likes(user)
    compared.clear()
    reject(page, user)
    export_likes(user)
    assert compared == {("Song", "loved"): 1, ("Song", "library"): 1}
    compared.clear()
    export_likes(user)
    assert not compared
