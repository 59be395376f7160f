"""What a run changed is listed and taken back; what came after it, and other users, stay."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models.signals import post_init
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from slices import after
from world import World

from likes import review
from likes.accounts.purge import purge
from likes.like_sync import export_likes, import_file, import_likes, verify_likes
from likes.models import (
    Checkpoint,
    Like,
    Run,
    RunChange,
    Service,
    ServiceMapping,
    Source,
    SyncSettings,
    Track,
)
from likes.runs import undo as undoing
from likes.runs.leases import Busy, hold_lease
from likes.runs.summaries import Summary
from likes.runs.undo import Undo, UnknownRun, undo_run

MakeWorld = Callable[..., World]
What = RunChange.What


def undo_last(user: User, **options: Any) -> Undo:
    return undo_run(user, Run.objects.filter(user=user).latest("pk").pk, **options)


def number_of(summary: Summary) -> int:
    assert summary.run is not None, summary.message
    return summary.run


def kinds(summary: Summary) -> dict[str, int]:
    changes = RunChange.objects.filter(run=number_of(summary)).values_list("what", flat=True)
    return {what: list(changes).count(what) for what in set(changes)}


def like_songs(world: World, *titles: str, **facts: Any) -> dict[str, str]:
    return {title: world.like(title, **facts) for title in titles}


def rows_of(user: User) -> list[Any]:
    fields = ("track__title", "service", "state", "sent_at", "confirmed_at", "removed_at")
    return sorted(Like.objects.of(user).values_list(*fields), key=str)


@pytest.mark.parametrize("order", ["export first", "import first"])
def test_undo_of_import_and_export_leaves_both_sides_as_before(
    make_world: MakeWorld, order: str
) -> None:
    world = make_world(likes=60, awkward=True, loved_share=0.2, scrobble_share=0.5)
    alice, bob = world.join("alice"), world.join("bob")
    import_likes(bob)
    export_likes(bob)
    loves_before, loves_of_bob, rows_of_bob = world.loves(), world.loves("bob"), rows_of(bob)
    runs = [import_likes(alice), export_likes(alice)]
    assert runs[0].exit_code == runs[1].exit_code == 0
    assert len(world.loves()) > len(loves_before)

    world.box.clear_calls()
    for run in reversed(runs) if order == "export first" else runs:
        undo_run(alice, number_of(run))
    assert world.count() == 0
    assert import_likes(alice).imported == import_likes(alice, full=True).imported == 0
    assert export_likes(alice).loved == 0
    assert not export_likes(alice).exit_code

    assert sorted(world.loves()) == sorted(loves_before)
    assert set(world.states(alice, Service.NARADA)) == {"removed"}
    assert not world.sent("track.love")
    assert not world.twice("track.unlove")
    assert (world.loves("bob"), rows_of(bob)) == (loves_of_bob, rows_of_bob)


def test_undo_of_an_undo_brings_everything_back(make_world: MakeWorld) -> None:
    world = make_world(likes=40, awkward=True)
    alice = world.join()
    runs = [import_likes(alice), export_likes(alice)]
    loves, narada = sorted(world.loves()), world.states(alice, Service.NARADA)
    lastfm = world.states(alice)
    undone = [undo_run(alice, number_of(run)).undone_by for run in reversed(runs)]
    export_likes(alice)
    assert not world.loves()
    for undo in reversed(undone):
        assert undo is not None
        undo_run(alice, undo.pk)
    assert world.states(alice, Service.NARADA) == narada
    export_likes(alice)
    assert sorted(world.loves()) == loves
    assert world.states(alice) == lastfm


def test_undo_of_an_undo_before_the_export_sends_nothing(world: World) -> None:
    like_songs(world, "One", "Two")
    alice = world.join()
    import_likes(alice)
    export = export_likes(alice)
    undo_run(alice, number_of(export))
    assert world.states(alice) == {"removing": 2}
    undo_last(alice)
    world.box.clear_calls()
    export_likes(alice)
    assert not world.sent("track.love")
    assert not world.sent("track.unlove")
    assert world.states(alice) == {"present": 2}


def test_undo_twice_and_dry_run_change_nothing(world: World) -> None:
    like_songs(world, "One", "Two")
    alice = world.join()
    number = number_of(import_likes(alice))
    before, runs = rows_of(alice), Run.objects.count()
    plan = undo_run(alice, number, dry_run=True)
    assert (plan.count, plan.undone_by, rows_of(alice)) == (2, None, before)
    first = undo_run(alice, number)
    after = rows_of(alice)
    assert (first.count, after != before) == (2, True)
    again = undo_run(alice, number)
    assert (again.count, again.undone_by, rows_of(alice)) == (0, None, after)
    assert first.undone_by is not None
    assert dict(again.skipped) == {f"run {first.undone_by.pk} has changed it since": 2}
    assert Run.objects.count() == runs + 1


def test_undo_of_an_import_ends_what_waits_and_takes_back_what_was_loved(world: World) -> None:
    alice = world.join()
    like_songs(world, "Before")
    import_likes(alice)
    like_songs(world, "Loved", "Waiting", "Already")
    world.order("love", user="alice", artist="Ada", title="Already")
    number = number_of(import_likes(alice))
    export_likes(alice, limit=2)
    undo = undo_run(alice, number)
    assert undo.count == 3
    assert undo.unloves == Like.objects.filter(state="removing").count()
    export_likes(alice)
    # Of what the user loved themselves nothing is taken back.
    assert set(world.loves()) == {("Ada", "Before"), ("Ada", "Already")}
    assert world.state_of(alice, "Before", Service.NARADA) == "present"
    assert world.state_of(alice, "Waiting") == "removed"


def test_undone_likes_return_only_when_liked_anew(world: World) -> None:
    alice = world.join()
    ids = like_songs(world, "One", "Two", "Three", added_at="2024-05-06T07:08:09Z")
    undo_run(alice, number_of(import_likes(alice)))
    for full in (False, True):
        assert import_likes(alice, full=full).exit_code == 0
        assert world.states(alice, Service.NARADA) == {"removed": 3}
    # Unliked and liked again, once between two imports and once seen by one.
    world.order("unlike", user="alice", service_id=ids["One"])
    world.order("unlike", user="alice", service_id=ids["Two"])
    world.order("like", user="alice", service_id=ids["One"])
    assert kinds(import_likes(alice)) == {"added": 1}
    world.order("like", user="alice", service_id=ids["Two"])
    again = import_likes(alice)
    assert world.state_of(alice, "One", Service.NARADA) == "present"
    assert world.state_of(alice, "Two", Service.NARADA) == "present"
    assert world.state_of(alice, "Three", Service.NARADA) == "removed"
    assert kinds(again) == {"added": 1}
    export_likes(alice)
    assert set(world.loves()) == {("Ada", "One"), ("Ada", "Two")}


def test_undo_of_an_export_is_not_sent_again_until_asked(world: World) -> None:
    like_songs(world, "One", "Two")
    alice = world.join()
    import_likes(alice)
    undo_run(alice, number_of(export_likes(alice)))
    for _ in range(2):
        import_likes(alice)
        export_likes(alice)
        assert (world.loves(), world.states(alice)) == ([], {"removed": 2})
    assert world.states(alice, Service.NARADA) == {"present": 2}
    assert "not love it again" in Like.objects.filter(state="removed")[0].last_error
    review.reopen(Like.objects.on(Service.LASTFM).get(track__title="One"), alice)
    export_likes(alice)
    assert world.loves() == [("Ada", "One")]


def test_undo_of_followed_unlikes_returns_them(world: World) -> None:
    SyncSettings.objects.create(user=(alice := world.join()), on_unlike="follow")
    ids = like_songs(world, "One", "Two", "Three")
    import_likes(alice)
    export_likes(alice, limit=2)
    world.order("unlike", user="alice", service_id=ids["One"])
    world.order("unlike", user="alice", service_id=ids["Three"])
    followed = import_likes(alice)
    assert kinds(followed) == {"removed": 2, "unloved": 2}
    export_likes(alice, limit=1)
    assert world.loves() == [("Ada", "Two")]
    undo = undo_run(alice, number_of(followed))
    assert (undo.count, dict(undo.skipped)) == (4, {})
    assert world.states(alice, Service.NARADA) == {"present": 3}
    export_likes(alice)
    assert len(world.loves()) == 3
    assert import_likes(alice).removed_on_spotify == 0
    assert world.states(alice, Service.NARADA) == {"present": 3}


def test_a_love_that_was_about_to_end_is_still_narada_s(world: World) -> None:
    SyncSettings.objects.create(user=(alice := world.join()), on_unlike="follow")
    song = world.like("One", added_at="2024-05-06T07:08:09Z")
    import_likes(alice)
    export_likes(alice)
    world.order("unlike", user="alice", service_id=song)
    import_likes(alice)
    assert world.states(alice) == {"removing": 1}
    world.order("like", user="alice", service_id=song)
    again = import_likes(alice)
    undo_run(alice, number_of(again))
    export_likes(alice)
    assert (world.loves(), world.states(alice)) == ([], {"removed": 1})


def test_undo_leaves_what_a_person_decided_since(world: World) -> None:
    like_songs(world, "Excluded", "Accepted", "Untouched")
    alice = world.join()
    imported = import_likes(alice)
    export = export_likes(alice)
    review.exclude(Like.objects.on(Service.LASTFM).get(track__title="Excluded"), alice)
    page = ServiceMapping.objects.on(Service.LASTFM).get(track__title="Accepted")
    review.accept(page, alice)
    for run in (export, imported):
        undo = undo_run(alice, number_of(run))
        assert undo.count == 1
        assert dict(undo.skipped) == {"a person has decided on it since": 2}
    assert world.states(alice, Service.NARADA) == {"present": 2, "removed": 1}
    export_likes(alice)
    assert world.loves() == [("Ada", "Accepted")]


def test_undo_leaves_what_another_import_has_found_since(world: World, tmp_path: Path) -> None:
    alice = world.join()
    like_songs(world, "Both", isrc="USABC1234567")
    listed = tmp_path / "likes.csv"
    listed.write_text(
        "Track URI,Track Name,Artist Name(s),Added At\n"
        ",Both,Ada,2020-01-02\n,Only in the file,Ada,2020-01-03\n"
    )
    file = import_file(alice, listed)
    import_likes(alice)
    undo = undo_run(alice, number_of(file))
    assert (undo.count, dict(undo.skipped)) == (1, {"another import has found it since": 1})
    assert world.state_of(alice, "Both", Service.NARADA) == "present"
    assert world.state_of(alice, "Only in the file", Service.NARADA) == "removed"


def test_undo_leaves_a_later_love(world: World) -> None:
    like_songs(world, "One", "Two")
    alice = world.join()
    import_likes(alice)
    first = export_likes(alice)
    undo_run(alice, number_of(first))
    export_likes(alice)
    review.reopen(Like.objects.on(Service.LASTFM).get(track__title="One"), alice)
    second = export_likes(alice)
    assert kinds(second) == {"loved": 1}
    assert undo_run(alice, number_of(first)).count == 0
    assert world.loves() == [("Ada", "One")]
    assert undo_run(alice, number_of(second)).count == 1


def test_undo_leaves_the_love_of_a_page_on_which_another_like_stands(world: World) -> None:
    alice = world.join()
    runs = []
    for length in (100_000, 400_000):
        world.like("Shared", album=str(length), duration_ms=length, isrc="")
        import_likes(alice)
        runs.append(number_of(export_likes(alice)))
    undo = undo_run(alice, runs[0])
    assert (undo.count, dict(undo.skipped)) == (0, {"another like stands on its page": 1})
    export_likes(alice)
    assert world.states(alice) == {"present": 2}
    assert world.loves() == [("Ada", "Shared")]


def test_an_older_twin_of_an_undone_like_does_not_bring_it_back(world: World) -> None:
    old = {"isrc": "USABC1234567", "duration_ms": 200_000}
    world.like("Twin", added_at="2020-01-01T00:00:00Z", **old)
    world.like("Twin", added_at="2021-01-01T00:00:00Z", **old)
    alice = world.join()
    undo_run(alice, number_of(import_likes(alice, limit=1)))
    assert import_likes(alice).merged == 1
    assert world.states(alice, Service.NARADA) == {"removed": 1}
    world.like("Twin", **old)
    import_likes(alice)
    assert world.states(alice, Service.NARADA) == {"present": 1}


def test_undo_takes_back_what_a_stopped_export_may_have_sent(world: World) -> None:
    like_songs(world, *(f"Song {number}" for number in range(12)))
    alice = world.join()
    import_likes(alice)
    world.box.add_faults({"kind": "reset_after", "match": "track.love", "after": 4})
    stopped = export_likes(alice, batch_size=4)
    assert stopped.exit_code == 75
    assert 4 <= len(world.loves()) < 12
    sent = Like.objects.on(Service.LASTFM).exclude(state="pending").count()
    assert kinds(stopped) == {"loved": sent}
    undo_run(alice, number_of(stopped))
    world.box.clear_faults()
    assert export_likes(alice).exit_code == 0
    # The rest was never sent by the run that is undone.
    assert len(world.loves()) == 12 - sent


def test_undo_of_a_file_and_of_rows_without_a_name(world: World, tmp_path: Path) -> None:
    alice = world.join()
    listed = tmp_path / "likes.csv"
    listed.write_text(
        "Track URI,Track Name,Artist Name(s),Added At\n"
        ",One,Ada,2020-01-02\n,Two,Ada,2020-01-03\nspotify:track:,,,2020-01-04\n"
    )
    file = import_file(alice, listed)
    before = world.states(alice, Service.NARADA)
    undone = undo_run(alice, number_of(file))
    assert undone.count == sum(before.values())
    assert world.states(alice, Service.NARADA) == {"removed": undone.count}
    undo_last(alice)
    assert world.states(alice, Service.NARADA) == before
    assert Like.objects.filter(source=Source.FILE).exists()


def test_undo_is_refused_while_a_run_is_at_work(world: World) -> None:
    like_songs(world, "One")
    alice = world.join()
    number = number_of(import_likes(alice))
    Run.objects.filter(pk=number).update(state=Run.State.RUNNING)
    before = rows_of(alice)
    for listing in (Checkpoint.Listing.SAVED, Checkpoint.Listing.LOVED):
        with hold_lease(alice, listing):
            for dry_run in (True, False):
                with pytest.raises(Busy):
                    undo_run(alice, number, dry_run=dry_run)
    assert rows_of(alice) == before
    # One that was killed left no lease, and is undone like any other.
    assert undo_run(alice, number).count == 1


def test_undo_knows_only_the_users_own_runs(world: World) -> None:
    like_songs(world, "One")
    alice, bob = world.join("alice"), world.join("bob")
    number = number_of(import_likes(alice))
    for stranger in (number, number + 1000, 10**18):
        for dry_run in (True, False):
            with pytest.raises(UnknownRun):
                undo_run(bob, stranger, dry_run=dry_run)
    assert world.states(alice, Service.NARADA) == {"present": 1}


def test_a_plan_notes_nothing_and_a_purge_forgets_changes(world: World) -> None:
    like_songs(world, "One", "Two")
    alice = world.join()
    assert import_likes(alice, dry_run=True).run is None
    assert not RunChange.objects.exists()
    number = number_of(import_likes(alice))
    export_likes(alice, dry_run=True)
    assert RunChange.objects.count() == 2
    connection = alice.connections.get(service="spotify")
    connection.state, connection.purge_at = connection.State.DISCONNECTED, timezone.now()
    connection.save()
    assert purge(connection)
    assert not RunChange.objects.exists()
    assert undo_run(alice, number).count == 0
    alice.delete()
    assert not Track.objects.exists()


def test_undo_of_a_slice_takes_back_all_slices(make_world: MakeWorld) -> None:
    world = make_world(likes=120)
    alice = world.join()
    slices = [import_likes(alice, time_is_up=after(1), started_by="schedule") for _ in range(3)]
    assert [one.more for one in slices] == [True, True, False]
    like_songs(world, "Later")
    import_likes(alice, started_by="schedule")
    assert undo_run(alice, number_of(slices[1])).count == 120
    assert world.states(alice, Service.NARADA) == {"present": 1, "removed": 120}


def test_undo_of_runs_that_changed_nothing(world: World) -> None:
    like_songs(world, "One")
    alice = world.join()
    import_likes(alice)
    for summary in (import_likes(alice), verify_likes(alice)):
        undo = undo_run(alice, number_of(summary))
        assert (undo.count, undo.skipped.total(), undo.undone_by) == (0, 0, None)


@pytest.mark.slow
def test_undo_of_a_thousand_likes_takes_few_statements(
    make_world: MakeWorld, django_assert_max_num_queries: Any
) -> None:
    world = make_world(likes=1000)
    alice = world.join()
    number = number_of(import_likes(alice))
    Like.objects.on(Service.LASTFM).update(
        state="present", sent_at=timezone.now() - timedelta(days=1)
    )
    with django_assert_max_num_queries(100):
        assert undo_run(alice, number).unloves == 1000


def test_an_undo_holds_some_likes_in_memory_at_a_time(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(likes=120)
    alice = world.join()
    number = number_of(import_likes(alice))
    export_likes(alice)
    alive: weakref.WeakSet[Like] = weakref.WeakSet()
    most = 0

    def note(instance: Like, **options: Any) -> None:
        nonlocal most
        alive.add(instance)
        most = max(most, len(alive))

    monkeypatch.setattr(undoing, "CHUNK", 10)
    post_init.connect(note, sender=Like)
    try:
        assert undo_run(alice, number, dry_run=True).count == 120
        assert undo_run(alice, number).count == 120
    finally:
        post_init.disconnect(note, sender=Like)
    # Three rows of each like, of the batch that is judged and of the one before it.
    assert 0 < most <= 60


@pytest.mark.parametrize("size", [1, 3, 500])
def test_batches_and_pages_of_an_undo_say_what_the_whole_says(
    make_world: MakeWorld, client: Client, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(likes=30, awkward=True, loved_share=0.2)
    for length in (100_000, 400_000):
        world.like("Shared", album=str(length), duration_ms=length, isrc="")
    alice = world.join()
    import_likes(alice, time_is_up=after(1))
    imported = import_likes(alice)
    export = export_likes(alice)
    excluded = Like.objects.on(Service.LASTFM).filter(state="present", sent_at__isnull=False)[3]
    review.exclude(excluded, alice)
    undone = undo_run(alice, number_of(export)).undone_by
    assert undone is not None
    client.force_login(alice)
    for number in (number_of(imported), number_of(export), undone.pk):
        whole = undo_run(alice, number, dry_run=True)
        monkeypatch.setattr(undoing, "CHUNK", size)
        parts = undo_run(alice, number, dry_run=True)
        assert (parts.changes, parts.skipped) == (whole.changes, whole.skipped)
        assert parts.unloves == whole.unloves
        monkeypatch.setattr("likes.web.run_pages.PAGE_SIZE", size)
        for what, changes in whole.changes.items():
            tracks, mark = [], 0
            while True:
                query = {"what": what, "after": mark}
                page = client.get(reverse("run", args=[number]), query).context
                for kind in page["kinds"]:
                    tracks += [track.pk for track in kind.tracks]
                mark = page["kinds"][0].next_mark if page["kinds"] else 0
                if not mark:
                    break
            assert tracks == [change.track_id for change in changes]
        monkeypatch.undo()


def run_command(*arguments: Any, **options: Any) -> str:
    out = StringIO()
    call_command("undo", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.mark.slow
def test_the_command_lists_and_takes_back(world: World) -> None:
    like_songs(world, *(f"Song {number}" for number in range(23)))
    alice = world.join()
    _, said, _ = world.run("import_spotify_likes", "-u", "alice")
    number = Run.objects.get().pk
    assert f"Run {number}." in said
    _, said, _ = world.run("export_likes_to_lastfm", "-u", "alice", "--limit", "2")
    assert f"Run {number + 1}." in said

    plan = run_command(str(number), "-u", "alice", "--dry-run")
    assert "23 added to Narada" in plan
    assert "and 3 more" in plan
    assert "takes back 2 loves" in plan
    assert "Nothing was changed." in plan
    told = json.loads(run_command(str(number), "-u", "alice", "--dry-run", "--json"))
    assert told["changes"] == told["taken_back"] == len(told["tracks"]["added"]) == 23
    assert (told["undone_by"], told["to_unlove"]) == (None, 2)
    assert world.states(alice, Service.NARADA) == {"present": 23}

    done = run_command(str(number), "-u", "alice")
    assert f"narada undo {number + 2} -u alice" in done
    assert world.states(alice, Service.NARADA) == {"removed": 23}
    assert "nothing to take back" in run_command(str(number), "-u", "alice")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["999"], 1, "alice has no run 999"),
        (["9" * 30], 1, "has no run"),
        (["0"], 2, "not a whole number"),
        (["last"], 2, "not a whole number"),
        ([], 2, "required: RUN"),
        (["1", "-u", "nobody"], 1, "no user 'nobody'"),
    ],
)
def test_the_command_refuses_in_one_line(
    world: World, arguments: list[str], code: int, said: str
) -> None:
    world.join()
    user = [] if "-u" in arguments else ["-u", "alice"]
    ended, out, err = world.run("undo", *arguments, *user)
    assert (ended, out) == (code, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_the_command_says_try_later_while_a_run_is_at_work(world: World) -> None:
    like_songs(world, "One")
    alice = world.join()
    number = number_of(import_likes(alice))
    with hold_lease(alice, Checkpoint.Listing.LOVED):
        code, out, err = world.run("undo", str(number), "-u", "alice", "--json")
    assert code == 75
    assert set(json.loads(out)) == {"error"}
    assert "Another run is at work" in err


def test_the_page_lists_and_takes_back_only_the_users_own(world: World, client: Client) -> None:
    like_songs(world, "One & Two")
    alice, bob = world.join("alice"), world.join("bob")
    page = reverse("run", args=[number_of(import_likes(alice))])
    assert client.post(page).status_code == 302
    client.force_login(bob)
    assert (client.get(page).status_code, client.post(page).status_code) == (404, 404)
    assert client.get(reverse("run", args=[10**30])).status_code == 404
    assert world.states(alice, Service.NARADA) == {"present": 1}

    client.force_login(alice)
    assert page in client.get(reverse("runs")).content.decode()
    shown = client.get(page).content.decode()
    assert "One &amp; Two" in shown
    assert "Take it back" in shown
    assert world.states(alice, Service.NARADA) == {"present": 1}
    with hold_lease(alice, Checkpoint.Listing.LOVED):
        busy = client.post(page, follow=True).content.decode()
    assert "Another run is at work" in busy
    assert "To have it back" in client.post(page, follow=True).content.decode()
    assert world.states(alice, Service.NARADA) == {"removed": 1}
    assert "There is nothing to take back" in client.post(page, follow=True).content.decode()
    assert "Take it back" not in client.get(page).content.decode()
