"""A whole library out and in: nothing lost, nothing doubled, a person's word kept."""

from __future__ import annotations

import io
import json
import os
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from library_rows import (
    DAY,
    PERSON,
    Decision,
    State,
    add_page,
    add_user,
    bring_in,
    content,
    export,
    make_rich_library,
    on_lastfm,
    store,
)
from waiting import PATIENCE

from connectors.records import LikedTrack, ServiceTrack
from likes import review
from likes.importing.track_sync import store_likes
from likes.library.reading import parse_library
from likes.library.storing import import_library
from likes.library.writing import export_csv, export_library
from likes.management.base import Error
from likes.models import (
    Checkpoint,
    Like,
    Run,
    Service,
    ServiceMapping,
    Source,
    SyncSettings,
    Track,
    TrackKey,
)

# Out and in


def test_library_comes_out_as_it_went_in(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    make_rich_library(ada)

    summary = bring_in(bob, export(ada))

    assert content(bob) == content(ada)
    assert (summary.seen, summary.imported, summary.updated, summary.already_known) == (5, 5, 0, 0)
    assert (summary.likes_added, summary.mappings_added) == (
        Like.objects.of(ada).count(),
        ServiceMapping.objects.of(ada).count(),
    )


def test_library_brought_in_can_be_found_by_later_imports(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    make_rich_library(ada)
    bring_in(bob, export(ada))

    def keys(user: User) -> list[tuple[str, str]]:
        rows = TrackKey.objects.filter(user=user).order_by("track__title", "key")
        return list(rows.values_list("track__title", "key"))

    assert keys(bob) == keys(ada)
    again = LikedTrack(ServiceTrack("One", ("Ada", "Bo, Jr."), "First", 200_000), DAY)
    assert store_likes(bob, [again], Source.FILE).imported == 0


def test_library_brought_in_twice_changes_nothing(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    make_rich_library(ada)
    Track.objects.create(user=ada, title="Without any id", artists=["Ada"])
    Track.objects.create(user=ada, title="Without any id", artists=["Ada"])
    bring_in(bob, export(ada))
    before = content(bob)

    summary = bring_in(bob, export(ada))

    assert content(bob) == before
    assert (summary.seen, summary.already_known) == (7, 7)
    assert (summary.likes_added, summary.mappings_added, summary.runs_added) == (0, 0, 0)
    own = bring_in(ada, export(ada))
    assert (own.already_known, own.decisions_taken_over) == (7, 0)


def test_library_of_one_user_holds_nothing_of_another(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    make_rich_library(ada)
    store(bob, "Mine")
    assert "Mine" not in "".join(export_library(ada)) + "".join(export_csv(ada))

    before = content(ada)
    bring_in(bob, export(ada))
    assert content(ada) == before


def test_import_library_dry_run_counts_and_stores_nothing(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    make_rich_library(ada)
    summary = bring_in(bob, export(ada), dry_run=True)
    assert (summary.seen, summary.imported) == (5, 5)
    assert not Track.objects.filter(user=bob).exists()
    assert not Run.objects.filter(user=bob).exists()
    assert not Checkpoint.objects.filter(user=bob).exists()


# What is known already


def test_import_library_adds_what_a_known_track_lacks(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    (track,) = store(ada, "One")
    add_page(track, "One", Decision.ACCEPTED)
    Like.objects.filter(track=track).update(liked_at=DAY - timedelta(days=9))
    (known,) = store(bob, "One", source=Source.FILE)
    Like.objects.filter(track=known, service=Service.SPOTIFY).delete()

    summary = bring_in(bob, export(ada))

    assert (summary.imported, summary.updated, summary.already_known) == (0, 1, 0)
    likes = Like.objects.of(bob).order_by("service")
    assert [(x.service, x.state, x.source) for x in likes] == [
        ("lastfm", "pending", "file"),
        ("narada", "present", "file"),
        ("spotify", "present", "api"),
    ]
    assert {like.liked_at for like in likes} == {DAY - timedelta(days=9)}
    assert ServiceMapping.objects.of(bob).on(Service.LASTFM).accepted().get().title == "One"


@pytest.mark.parametrize("sent", [True, False])
def test_a_persons_page_in_the_file_outranks_a_rules_page_here(db: None, sent: bool) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    (theirs,) = store(ada, "One")
    review.choose_name(theirs, "Ada", "One of Them", ada)
    (mine,) = store(bob, "One")
    page = add_page(mine, "One", Decision.ACCEPTED)
    if sent:
        Like.objects.filter(pk=on_lastfm(mine).pk).update(state=State.PRESENT, sent_at=DAY)

    summary = bring_in(bob, export(ada))

    assert summary.decisions_taken_over == 1
    chosen = ServiceMapping.objects.of(bob).on(Service.LASTFM).accepted().get()
    assert (chosen.title, chosen.decided_by) == ("One of Them", PERSON)
    assert on_lastfm(mine).state == State.PENDING
    page.refresh_from_db()
    assert page.withdraw is sent
    again = bring_in(bob, export(ada))
    assert (again.already_known, again.decisions_taken_over) == (1, 0)


def test_a_persons_page_here_stays_whatever_the_file_says(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    (theirs,) = store(ada, "One")
    review.choose_name(theirs, "Ada", "Theirs", ada)
    review.exclude(on_lastfm(theirs), ada)
    (mine,) = store(bob, "One")
    review.choose_name(mine, "Ada", "Mine", bob)

    summary = bring_in(bob, export(ada))

    assert summary.decisions_taken_over == 0
    assert ServiceMapping.objects.of(bob).on(Service.LASTFM).accepted().get().title == "Mine"
    assert on_lastfm(mine).state == State.PENDING


def test_a_persons_refusals_in_the_file_are_taken_over(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    first, second = store(ada, "One", "Two")
    review.exclude(on_lastfm(first), ada)
    add_page(second, "Two (Live)", Decision.REJECTED, PERSON)
    mine, other = store(bob, "One", "Two")
    loved = add_page(mine, "One", Decision.ACCEPTED)
    Like.objects.filter(pk=on_lastfm(mine).pk).update(state=State.PRESENT, sent_at=DAY)
    wrong = add_page(other, "Two (Live)", Decision.ACCEPTED)
    Like.objects.filter(pk=on_lastfm(other).pk).update(state=State.PRESENT, sent_at=DAY)

    summary = bring_in(bob, export(ada))

    assert (summary.updated, summary.decisions_taken_over) == (2, 2)
    assert on_lastfm(mine).state == State.EXCLUDED
    assert on_lastfm(other).state == State.NOT_FOUND
    for page in (loved, wrong):
        page.refresh_from_db()
    assert (loved.withdraw, wrong.withdraw) == (True, True)
    assert (wrong.decision, wrong.decided_by) == (Decision.REJECTED, PERSON)


def test_two_tracks_here_that_are_one_in_the_file_stay_two(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    (merged,) = store(ada, "One")
    ServiceMapping.objects.create(
        user=ada, track=merged, service=Service.SPOTIFY, key="id-Two", service_id="id-Two",
        title="Two", decision=Decision.ACCEPTED, rule="merged",
    )  # fmt: skip
    one, two = store(bob, "One", "Two")
    before = content(bob)

    bring_in(bob, export(ada))

    assert content(bob) == before
    assert {one.pk, two.pk} == set(Track.objects.filter(user=bob).values_list("pk", flat=True))


def test_settings_are_taken_over_only_with_a_first_library(db: None) -> None:
    ada, bob, eve = add_user("ada"), add_user("bob"), add_user("eve")
    make_rich_library(ada)
    SyncSettings.objects.create(user=bob)
    store(eve, "Mine")
    SyncSettings.objects.create(user=eve)
    for user in (bob, eve):
        bring_in(user, export(ada))
    wishes = SyncSettings.objects.filter(user__in=[bob, eve]).order_by("user__username")
    assert [row.on_unlike for row in wishes] == ["follow", "keep"]


def test_import_library_waits_for_a_run(db: None) -> None:
    ada = add_user("ada")
    Checkpoint.objects.create(
        user=ada, listing="saved", lease_holder="x", lease_until=datetime.now(UTC) + timedelta(1)
    )
    path_text = json.dumps({"narada": 1, "tracks": [{"title": "One", "artists": ["Ada"]}]})
    with pytest.raises(Exception, match="A run is at work"):
        import_library(ada, parse_library(path_text))
    assert not Track.objects.exists()


# The commands


def run(*arguments: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize(("name", "start"), [("a.json", '{"narada": 1'), ("a.CSV", "\ufeffTrack")])
def test_export_library_writes_a_private_file_of_the_kind_of_its_ending(
    db: None, tmp_path: Path, name: str, start: str
) -> None:
    make_rich_library(add_user("ada"))
    path = tmp_path / name
    path.write_text("old")
    _, said = run("export_library", str(path), "-u", "ada")
    assert path.read_text(encoding="utf-8").startswith(start)
    assert path.stat().st_mode & 0o077 == 0
    assert [one.name for one in tmp_path.iterdir()] == [name]
    assert "The library of ada is in" in said

    out, _ = run("import_library", str(path), "-u", "ada")
    assert "5 tracks in the file: 0 new, 0 brought up to date, 5 known already." in out


def test_export_library_prints_to_standard_output(db: None) -> None:
    ada = add_user("ada")
    make_rich_library(ada)
    out, said = run("export_library", "-", "-u", "ada", "--format", "csv")
    assert out == "".join(export_csv(ada))
    assert said == ""


def test_export_library_leaves_the_old_file_when_it_fails(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_rich_library(add_user("ada"))
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(Error, match="No space left"):
        run("export_library", str(path), "-u", "ada")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_import_library_json_summary_adds_up(db: None, tmp_path: Path) -> None:
    ada = add_user("ada")
    add_user("bob")
    make_rich_library(ada)
    path = tmp_path / "a.json"
    path.write_text("".join(export_library(ada)))
    out, _ = run("import_library", str(path), "-u", "bob", "--json")
    counts = json.loads(out)
    assert counts.pop("seconds") >= 0
    assert counts == {
        "seen": 5, "imported": 5, "updated": 0, "already_known": 0, "likes_added": 13,
        "mappings_added": 9, "decisions_taken_over": 0, "runs_added": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["export_library", "{dir}/none/a.json"], "", "lies in a folder that does not exist"),
        (["export_library", "{dir}"], "", "is a folder"),
        (["export_library", "-", "-u", "nobody"], "", "There is no user 'nobody'"),
        (["import_library", "{dir}/none"], "", "cannot be read: No such file or directory"),
        (["import_library", "{dir}"], "", "cannot be read: Is a directory"),
        (["import_library", "{dir}/a"], "Track,Artist\na,b", "is no library file of Narada"),
        (["import_library", "{dir}/a"], '{"narada": 1, "tracks": [{"x": 1}]}', "tracks[0].x is no"),
    ],
)
def test_library_commands_refuse_in_one_line(
    db: None, tmp_path: Path, arguments: list[str], text: str, said: str
) -> None:
    add_user("default")
    (tmp_path / "a").write_text(text)
    with pytest.raises(Error) as refusal:
        run(*(argument.format(dir=tmp_path) for argument in arguments))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not Track.objects.exists()


# Large libraries


def test_export_of_a_large_library_costs_few_queries_and_flat_memory(db: None) -> None:
    ada = add_user("ada")
    queries, memory = [], []
    for wanted in (1000, 3000):
        have = Track.objects.count()
        tracks = [Track(user=ada, title=f"Song {n}", artists=["Ada"]) for n in range(have, wanted)]
        Track.objects.bulk_create(tracks)
        Like.objects.bulk_create(
            Like(user=ada, track=track, service="narada", state="present") for track in tracks
        )
        with CaptureQueriesContext(connection) as captured:
            assert sum(1 for _ in export_library(ada)) == wanted + 3
        queries.append(len(captured))
        tracemalloc.start()
        for _ in export_library(ada):
            pass
        memory.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Three for each chunk of 500, the last of them empty; settings and runs.
    assert queries == [2 * 3 + 1 + 2, 6 * 3 + 1 + 2]
    assert memory[1] < memory[0] * 1.2


# Any names at all

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
times = st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
details = {
    "title": text,
    "artists": st.lists(text, max_size=3),
    "album": text,
    "duration_ms": st.none() | st.integers(0, 2**31 - 1),
    "isrc": text.map(lambda t: t[:12]),
}
both = st.lists(st.sampled_from(["spotify", "lastfm"]), max_size=3)


@st.composite
def file_tracks(draw: st.DrawFn, number: int) -> dict[str, Any]:
    services = draw(st.lists(st.sampled_from(Service.values), unique=True))
    likes = [
        draw(
            st.fixed_dictionaries(
                {"service": st.just(service), "state": st.sampled_from(State.values),
                 "source": st.sampled_from(Source.values), "last_error": text,
                 "attempts": st.integers(0, 32_767)},
                optional={name: times.map(lambda t: t and t.isoformat())
                          for name in ("liked_at", "sent_at", "confirmed_at", "removed_at")},
            )
        )
        for service in services
    ]  # fmt: skip
    mappings = [
        draw(
            st.fixed_dictionaries(
                {"service": st.just(service), "key": st.just(f"{service}{number}:{n}"),
                 **details, "artists": st.lists(text, min_size=1, max_size=3),
                 "source": st.sampled_from(Source.values),
                 "decision": st.sampled_from(["candidate", "rejected"]),
                 "decided_by": st.sampled_from(["rule", "person"]),
                 "rule": st.sampled_from(ServiceMapping.Rule.values), "listed": st.booleans(),
                 "score": st.none() | st.floats(0, 1), "evidence": st.just([{"text": "x"}])},
            )
        )
        for n, service in enumerate(draw(both))
    ]  # fmt: skip
    facts = draw(st.fixed_dictionaries({**details, "explicit": st.none() | st.booleans()}))
    return {**facts, "likes": likes, "mappings": mappings}


libraries = st.integers(0, 4).flatmap(
    lambda count: st.tuples(*(file_tracks(number) for number in range(count)))
)


class AnyLibrary(TestCase):
    """hypothesis needs a transaction for each example, which its own test case gives."""

    @given(tracks=libraries)
    @hypothesis_settings(max_examples=hypothesis_settings.default.max_examples // 3)
    def test_any_library_goes_in_and_out_unchanged(
        self, tracks: tuple[dict[str, Any], ...]
    ) -> None:
        first, second = add_user("first"), add_user("second")
        bring_in(first, {"narada": 1, "tracks": list(tracks)})
        once = content(first)
        bring_in(second, export(first))
        assert content(second) == once
        again = bring_in(second, export(first))
        assert (again.already_known, again.seen) == (len(tracks), len(tracks))
        assert content(second) == once


@pytest.mark.django_db
def test_export_keeps_a_link_and_writes_through_what_is_no_file(tmp_path: Path) -> None:
    User.objects.create_user("ada")
    whole, link, pipe = tmp_path / "whole.json", tmp_path / "link.json", tmp_path / "pipe"
    link.symlink_to(whole)
    run("export_library", str(link), "-u", "ada")
    assert link.is_symlink()
    assert json.loads(whole.read_text())["user"]
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    run("export_library", str(pipe), "-u", "ada")
    reader.join(PATIENCE)
    assert pipe.is_fifo()
    assert json.loads(read[0]).keys() == json.loads(whole.read_text()).keys()
