"""Stored keys are made anew when, and only when, the rules or names that made them have changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from world import ROOT, World

from connectors.records import LikedTrack, LovedTrack, ServiceTrack
from likes import blocking_keys
from likes.blocking_keys import fingerprint, list_listed_keys, list_track_keys
from likes.exporting.own_lists import store_listed
from likes.importing.track_sync import store_likes
from likes.library.reading import parse_library
from likes.library.storing import import_library
from likes.library.writing import export_library
from likes.like_sync import export_likes, import_likes
from likes.models import (
    Checkpoint,
    ListedTrack,
    ListedTrackKey,
    Run,
    ServiceMapping,
    Source,
    Track,
    TrackKey,
)
from likes.runs import frame, key_renewal
from likes.runs.leases import Busy, checkpoint_of, hold_lease
from matching import NamesUnreadable

SAVED, LOVED = Checkpoint.Listing.SAVED, Checkpoint.Listing.LOVED
EXPORT = ("export_likes_to_lastfm", "-u", "alice", "--json")


def make_stale(user: User) -> None:
    """Leave all stored keys as other rules would have made them: rows of an unknown day."""
    TrackKey.objects.filter(user=user, key__startswith="n:").update(key="n:old:old")
    TrackKey.objects.filter(user=user).exclude(key__startswith="n:").delete()
    ListedTrackKey.objects.filter(user=user).update(key="n:old:old")
    Checkpoint.objects.filter(user=user).update(keyed_by="other rules")


def check_keys(user: User) -> None:
    """All stored keys are those that the rules make, each once."""
    for track in Track.objects.filter(user=user):
        stored = track.keys.values_list("key", flat=True)
        assert sorted(stored) == sorted(list_track_keys(track))
    for row in ListedTrack.objects.filter(user=user):
        assert sorted(row.keys.values_list("key", flat=True)) == sorted(list_listed_keys(row))


def store(user: User, *titles: str) -> list[Track]:
    """Store likes of titles of one artist, and that they are loved under the same names."""
    items = [LikedTrack(ServiceTrack(t, ("Ada",), service_id=f"id-{t}"), None) for t in titles]
    store_likes(user, items, Source.API)
    store_listed(user, ListedTrack.Listing.LOVED, [LovedTrack("Ada", t, None) for t in titles], 1)
    return list(Track.objects.filter(user=user, title__in=titles).order_by("pk"))


def renew(user: User, listing: Checkpoint.Listing, progress: Any = None) -> Checkpoint:
    with hold_lease(user, listing) as checkpoint:
        key_renewal.renew_keys(checkpoint, progress or (lambda done, total, text: None))
    return checkpoint_of(user, listing)


@pytest.fixture
def user(transactional_db: None) -> User:
    return User.objects.create_user("ada")


def test_a_name_added_to_the_aliases_finds_what_was_stored_before(
    world: World, tmp_path: Path
) -> None:
    user = world.join()
    world.like("Nocturne", "The Moon Rabbits")
    world.order("love", user="alice", artist="Quartz Hare", title="Nocturne")
    assert import_likes(user).imported == 1
    before, after = tmp_path / "before", tmp_path / "after"
    for folder in (before, after):
        folder.mkdir()
    (after / "artists.tsv").write_text("The Moon Rabbits\tQuartz Hare\n", encoding="utf-8")

    plan = json.loads(world.run(*EXPORT, "--dry-run", NARADA_ALIASES=str(before))[1])
    assert (plan["already_loved"], plan["remaining"]) == (0, 1)
    code, out, err = world.run(*EXPORT, NARADA_ALIASES=str(after), LOG_LEVEL="INFO")
    assert (code, json.loads(out)["already_loved"]) == (0, 1), err
    assert world.sent() == []
    assert ServiceMapping.objects.get(service="lastfm").artists == ["Quartz Hare"]
    assert "keys of 1 tracks made anew" in err
    assert "keys of 1 listed pages made anew" in err

    world.like("Another", "Quartz Hare")
    _, _, err = world.run("sync_likes", "-u", "alice", NARADA_ALIASES=str(after), LOG_LEVEL="INFO")
    assert "made anew" not in err


def test_a_rule_that_changed_merges_with_what_was_stored_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    with monkeypatch.context() as former:
        former.setattr(blocking_keys, "simplify_titles", lambda title: [])
        former.setattr(key_renewal, "fingerprint", lambda: "former rules")
        world.like("Song - 2011 Remaster", duration_ms=200_000, isrc="")
        assert import_likes(user).imported == 1
    world.like("Song", duration_ms=200_000, isrc="")
    summary = import_likes(user)
    assert (summary.imported, summary.merged) == (0, 1)
    check_keys(user)


def test_nothing_is_done_and_one_statement_more_where_no_rule_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    world.like("Song")
    assert (import_likes(user).exit_code, export_likes(user).exit_code) == (0, 0)

    asked: list[int] = []

    def renew_keys(*args: Any) -> None:
        with CaptureQueriesContext(connection) as statements:
            key_renewal.renew_keys(*args)
        asked.append(len(statements))

    monkeypatch.setattr(frame, "renew_keys", renew_keys)
    with CaptureQueriesContext(connection) as statements:
        assert (import_likes(user).exit_code, export_likes(user).exit_code) == (0, 0)
    assert asked == [0, 1]
    assert not [one for one in statements if "likes_trackkey" in one["sql"]]
    assert not [one for one in statements if "likes_listedtrackkey" in one["sql"]]


@pytest.mark.parametrize("listing", [SAVED, LOVED])
def test_keys_made_by_halves_are_made_anew_from_the_start(
    user: User, monkeypatch: pytest.MonkeyPatch, listing: Checkpoint.Listing
) -> None:
    monkeypatch.setattr(key_renewal, "CHUNK", 2)
    store(user, *"ABCDE")
    renew(user, SAVED)
    make_stale(user)
    if listing == LOVED:
        renew(user, SAVED)
    told: list[tuple[int, int | None]] = []

    def kill(done: int, total: int | None, text: str) -> None:
        told.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        renew(user, listing, kill)
    assert told == [(2, 5), (4, 5)]
    # Neither rules are said to have made them: who takes the new ones back is not deceived.
    assert checkpoint_of(user, listing).keyed_by == ""
    assert renew(user, listing).keyed_by == fingerprint()
    assert renew(user, LOVED).keyed_by == fingerprint()
    check_keys(user)


def test_a_batch_is_made_anew_whole_or_not_at_all(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(user, "A", "B")
    renew(user, SAVED)
    make_stale(user)
    before = sorted(TrackKey.objects.values_list("track", "key"))
    store_keys = key_renewal._store_keys

    def cut_off(*wanted: Any) -> None:
        store_keys(*wanted)
        raise KeyboardInterrupt

    monkeypatch.setattr(key_renewal, "_store_keys", cut_off)
    with pytest.raises(KeyboardInterrupt):
        renew(user, SAVED)
    assert sorted(TrackKey.objects.values_list("track", "key")) == before
    assert checkpoint_of(user, SAVED).keyed_by == "other rules"


def test_keys_are_not_written_once_the_lease_is_lost(user: User) -> None:
    store(user, "A")
    make_stale(user)
    with hold_lease(user, SAVED) as checkpoint:
        Checkpoint.objects.update(lease_holder="another")
        with pytest.raises(Busy):
            key_renewal.renew_keys(checkpoint, lambda done, total, text: None)
    assert set(TrackKey.objects.values_list("key", flat=True)) == {"n:old:old"}


def test_an_export_leaves_the_keys_of_tracks_to_an_import_at_work(world: World) -> None:
    user = world.join()
    world.like("Song")
    import_likes(user)
    make_stale(user)
    with hold_lease(user, SAVED):
        summary = export_likes(user)
    assert summary.exit_code == 75
    assert "at work on Spotify's liked songs of alice; the keys" in summary.message
    assert (world.sent(), summary.run) == ([], None)
    assert export_likes(user).loved == 1
    check_keys(user)


def test_names_that_cannot_be_read_end_a_run_as_a_refusal_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> str:
        raise NamesUnreadable("artists.tsv is not UTF-8")

    monkeypatch.setattr(key_renewal, "fingerprint", refuse)
    user = world.join()
    assert import_likes(user).exit_code == 1
    assert export_likes(user).exit_code == 1
    runs = Run.objects.filter(user=user).values_list("kind", "state", "message")
    assert set(runs) == {
        (kind, Run.State.STOPPED, "artists.tsv is not UTF-8") for kind in ("import", "export")
    }
    for listing in (SAVED, LOVED):
        assert checkpoint_of(user, listing).last_error == "artists.tsv is not UTF-8"


def test_another_users_keys_and_a_local_files_stay(user: User) -> None:
    other = User.objects.create_user("bo")
    store(user, "A")
    store(other, "A")
    store_likes(user, [LikedTrack(None, None, "local file", "Untitled Jam")], Source.API)
    make_stale(user)
    make_stale(other)
    renew(user, SAVED)
    assert not TrackKey.objects.filter(track__title="Untitled Jam").exists()
    assert set(TrackKey.objects.filter(user=other).values_list("key", flat=True)) == {"n:old:old"}


def test_a_library_of_other_rules_has_the_keys_made_anew(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(user, "A")
    library = parse_library("".join(export_library(user)))
    renew(user, SAVED)
    import_library(user, library)
    assert checkpoint_of(user, SAVED).keyed_by == fingerprint()
    monkeypatch.setattr("likes.library.storing.fingerprint", lambda: "a process with other names")
    import_library(user, library)
    assert checkpoint_of(user, SAVED).keyed_by == ""
    newcomer = User.objects.create_user("bo")
    import_library(newcomer, library)
    assert checkpoint_of(newcomer, SAVED).keyed_by == "a process with other names"


def test_a_process_goes_by_the_names_that_it_was_started_with(tmp_path: Path) -> None:
    code = (
        "import django; django.setup();"
        f"open({str(tmp_path / 'titles.tsv')!r}, 'w').write('Aki\\tFall\\n');"
        "from likes.blocking_keys import fingerprint; print(fingerprint())"
    )
    environ = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "narada_site.settings",
        "NARADA_ALIASES": str(tmp_path),
    }  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert told.stdout.strip() == fingerprint()
