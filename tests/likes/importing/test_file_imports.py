"""Files, and the same likes through the API before or after them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from world import World

from connectors.files import FileRejected
from likes.accounts import connections
from likes.like_sync import export_likes, import_file, import_likes
from likes.models import Checkpoint, Like, Run, Service, ServiceMapping, Source, Track
from likes.runs.summaries import ImportSummary

MakeWorld = Callable[..., World]
Rows = list[dict[str, Any]]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the sandbox's likes as the files people have."""

    def write(rows: Rows, kind: str = "library", name: str = "likes") -> Path:
        path = tmp_path / f"{name}.{'csv' if kind == 'exportify' else 'json'}"
        if kind == "exportify":
            write_exportify(path, rows)
        else:
            path.write_text(json.dumps({"tracks": [describe(row, kind) for row in rows]}))
        return path

    return write


def describe(row: dict[str, Any], kind: str) -> dict[str, str]:
    names = {"artist": row["artists"][0], "album": row["album"], "track": row["title"]}
    return names if kind == "nameless" else {**names, "uri": f"spotify:track:{row['service_id']}"}


def write_exportify(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Track URI", "Track Name", "Album Name", "Artist Name(s)",
                         "Duration (ms)", "Added At"])  # fmt: skip
        for row in rows:
            uri = f"spotify:track:{row['service_id']}"
            artists = ";".join(row["artists"])
            writer.writerow([uri, row["title"], row["album"], artists,
                             row["duration_ms"], row["added_at"]])  # fmt: skip


def check_sum(summary: ImportSummary) -> None:
    parts = summary.imported + summary.already_known + summary.unavailable + summary.merged
    assert summary.seen == parts


def like_some(world: World) -> Rows:
    """Songs with one artist and with two, one of them as a single too; return what is listed."""
    world.like("Alone", "Ada", added_at="2021-01-01T00:00:00+00:00")
    song = {"title": "Together", "artists": ["Ada", "Bo"], "listeners": 100}
    world.order("like", user="alice", added_at="2022-01-01T00:00:00+00:00", **song)
    facts = {"isrc": "GBAYE0601498", "duration_ms": 200_000}
    world.like("Twice", album="Twice", added_at="2023-01-01T00:00:00+00:00", **facts)
    world.like("Twice", album="Album", added_at="2024-01-01T00:00:00+00:00", **facts)
    return world.likes()


@pytest.mark.parametrize("kind", ["library", "nameless", "exportify"])
def test_a_file_imported_twice_changes_nothing(
    world: World, write: Callable[..., Path], kind: str
) -> None:
    user = world.join()
    path = write(like_some(world), kind)
    first = import_file(user, path)
    check_sum(first)
    assert (first.seen, first.imported, first.merged) == (4, 3, 1)
    before = [list(model.objects.order_by("pk").values()) for model in (Track, ServiceMapping)]
    again = import_file(user, path)
    check_sum(again)
    assert (again.seen, again.already_known) == (4, 4)
    assert [list(m.objects.order_by("pk").values()) for m in (Track, ServiceMapping)] == before


@pytest.mark.parametrize("kind", ["library", "nameless", "exportify"])
def test_a_file_and_then_the_api_make_no_duplicates(
    world: World, write: Callable[..., Path], kind: str
) -> None:
    user = world.join()
    import_file(user, write(like_some(world), kind))
    summary = import_likes(user)
    check_sum(summary)
    assert (summary.seen, summary.imported, summary.complete) == (4, 0, True)
    assert Track.objects.count() == 3
    assert world.listed(user) == world.liked_ids()
    assert world.states(user, Service.SPOTIFY) == {"present": 3}
    dates = Like.objects.on(Service.LASTFM).values_list("track__title", "liked_at__year")
    assert dict(dates) == {"Alone": 2021, "Together": 2022, "Twice": 2023}
    world.box.clear_calls()
    import_likes(user)
    assert world.count() == 1
    assert export_likes(user).loved == 3
    assert not world.twice()


@pytest.mark.parametrize("kind", ["library", "nameless", "exportify"])
def test_the_api_and_then_a_file_make_no_duplicates_and_the_file_survives(
    world: World, write: Callable[..., Path], kind: str
) -> None:
    user = world.join()
    rows = like_some(world)
    import_likes(user)
    summary = import_file(user, write(rows[:-1], kind))
    check_sum(summary)
    assert (summary.seen, summary.already_known, summary.imported) == (3, 3, 0)
    assert Track.objects.count() == 3
    connections.disconnect(user, "spotify", purge_now=True)
    titles = set(Track.objects.values_list("title", flat=True))
    assert titles == {"Together", "Twice"}
    assert world.states(user, Service.NARADA) == {"present": 2}
    given = ServiceMapping.objects.on(Service.SPOTIFY).values_list("source", flat=True)
    assert set(given) == {Source.FILE}


def test_what_a_file_gave_survives_a_disconnect_after_the_api_has_shown_it(
    world: World, write: Callable[..., Path]
) -> None:
    user = world.join()
    rows = like_some(world)
    import_file(user, write(rows, "library"))
    world.like("By The API Alone")
    import_likes(user)
    connections.disconnect(user, "spotify", purge_now=True)
    assert Track.objects.count() == 3
    assert world.states(user, Service.NARADA) == {"present": 3}


def test_a_file_and_the_api_together_cost_less_than_a_statement_a_like(
    make_world: MakeWorld, write: Callable[..., Path]
) -> None:
    world = make_world(likes=300)
    user = world.join()
    path = write(world.likes(), "nameless")
    for run in (lambda: import_file(user, path), lambda: import_likes(user)):
        with CaptureQueriesContext(connection) as queries:
            assert run().seen == 300
        assert len(queries) < 300
    assert Track.objects.count() == 300


def test_limit_takes_the_newest_rows_of_a_dated_file(
    world: World, write: Callable[..., Path]
) -> None:
    user = world.join()
    rows = like_some(world)
    summary = import_file(user, write(list(reversed(rows)), "exportify"), limit=3)
    assert (summary.seen, summary.imported, summary.merged) == (3, 2, 1)
    assert {track.title for track in Track.objects.all()} == {"Twice", "Together"}


def test_a_dry_run_of_a_file_counts_and_stores_nothing(
    world: World, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likes.importing.from_file.FILE_BATCH", 1)
    user = world.join()
    summary = import_file(user, write(like_some(world)), dry_run=True)
    check_sum(summary)
    assert (summary.seen, summary.imported, summary.merged) == (4, 3, 1)
    for model in (Track, Like, ServiceMapping, Checkpoint, Run):
        assert not model.objects.exists()


def test_a_malformed_file_is_refused_and_nothing_written(world: World, tmp_path: Path) -> None:
    user = world.join()
    path = tmp_path / "broken.json"
    path.write_text('{"tracks": [{"artist": "Ada", "track": "Song"}, {"artist"')
    with pytest.raises(FileRejected):
        import_file(user, path)
    assert not Track.objects.exists()
    assert not Run.objects.exists()


def test_a_row_without_a_track_is_accounted_for(world: World, tmp_path: Path) -> None:
    user = world.join()
    path = tmp_path / "YourLibrary.json"
    local = {"artist": "A", "album": "B", "track": "C", "uri": "spotify:local:A:B:C:100"}
    named = {"artist": "Ada", "album": "", "track": "Song"}
    path.write_text(json.dumps({"tracks": [local, named, {"artist": "", "track": ""}]}))
    for _ in range(2):
        summary = import_file(user, path)
        check_sum(summary)
        assert (summary.seen, summary.unavailable) == (3, 2)
    assert world.states(user, Service.NARADA) == {"present": 1, "unavailable": 2}


def test_an_id_that_narada_knows_under_another_name_loses_no_song(
    world: World, tmp_path: Path
) -> None:
    user = world.join()
    known = world.like("Alone", "Ada")
    import_likes(user)
    path = tmp_path / "likes.csv"
    path.write_text(f"title,artist,spotify_id\nGum,Bo,{known}")
    for dry_run in (True, False):
        summary = import_file(user, path, dry_run=dry_run)
        assert (summary.imported, summary.already_known) == (1, 0)
        assert "1 row read without Spotify ids, under which Narada knows other songs" in (
            summary.message
        )
    # Again, it is known by its name.
    summary = import_file(user, path)
    assert (summary.imported, summary.already_known) == (0, 1)
    titles = set(Track.objects.filter(user=user).values_list("title", flat=True))
    assert titles == {"Alone", "Gum"}
    # A note or a spelling does not make another song.
    path.write_text(f"title,artist,spotify_id\nAlone - 2011 Remaster,ada,{known}")
    summary = import_file(user, path)
    assert (summary.already_known, "without Spotify ids" in summary.message) == (1, False)


@pytest.mark.parametrize(
    ("artists", "steps", "loved"),
    [
        (["Ada", "Bo"], ["library"], True),
        (["Ada", "Bo"], ["nameless"], True),
        (["Ada", "Bo"], ["library", "api"], True),
        (["Ada", "Bo"], ["nameless", "api"], True),
        (["Ada", "Bo"], ["exportify"], True),
        (["Ada"], ["library"], True),
        # the API has said that there is nobody but Ada
        (["Ada"], ["api"], False),
        (["Ada"], ["api", "library"], False),
        (["Ada"], ["library", "api"], False),
        (["Ada"], ["nameless", "api"], False),
    ],
)
def test_a_page_of_two_artists_is_a_doubt_where_all_artists_are_known(
    world: World, write: Callable[..., Path], artists: list[str], steps: list[str], loved: bool
) -> None:
    user = world.join()
    song = {"title": "Monument", "artists": artists, "listeners": 100}
    world.order("like", user="alice", added_at="2022-01-01T00:00:00+00:00", **song)
    world.order("scrobble", user="alice", artist="Ada & Bo", title="Monument", plays=7)
    for step in steps:
        if step == "api":
            import_likes(user)
        else:
            import_file(user, write(world.likes(), step))
    export_likes(user)
    assert world.loves() == ([("Ada & Bo", "Monument")] if loved else [])
    assert world.state_of(user, "Monument") == ("present" if loved else "review")
