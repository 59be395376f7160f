"""A user who is deleted in the middle of a run: it ends with a sentence, and nothing is left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.db.models.deletion import Collector
from django.test import Client
from django.urls import reverse
from waiting import wait_for
from world import World

from connectors.http import ServiceSession
from likes import tasks
from likes.accounts import leaving
from likes.accounts.leaving import delete_user, finish_deletions
from likes.importing import from_file
from likes.like_sync import export_likes, import_file, import_likes, verify_likes
from likes.models import Checkpoint, Like, ListedTrack, Run, SyncSettings, Track
from likes.runs import line
from likes.runs.summaries import NEEDS_A_PERSON, Summary

MakeWorld = Callable[..., World]


def delete_at_call(monkeypatch: pytest.MonkeyPatch, user: User, number: int) -> None:
    """Delete the user when the call of that number has its answer, as another process would."""
    send, calls = ServiceSession.send, []

    def send_and_delete(*args: Any, **kwargs: Any) -> Any:
        answer = send(*args, **kwargs)
        calls.append(answer)
        if len(calls) == number:
            delete_user(user.pk)
            connection.close()
        return answer

    monkeypatch.setattr(ServiceSession, "send", send_and_delete)


def check_end(summary: Summary) -> None:
    assert (summary.exit_code, summary.run) == (NEEDS_A_PERSON, None), summary.message
    assert summary.message.startswith("The user alice was deleted while this ran")
    # A deletion by another thread may still be at work on the last of it.
    wait_for(lambda: not User.objects.exists())
    for model in (Track, Like, ListedTrack, Checkpoint, Run, SyncSettings):
        assert not model.objects.exists()


@pytest.mark.parametrize("call", [1, 2, 4])
def test_an_import_ends_with_a_sentence(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    user = make_world(likes=35).join()
    delete_at_call(monkeypatch, user, call)
    check_end(import_likes(user, batch_size=10))


@pytest.mark.parametrize("call", [1, 2, 5, 12])
def test_an_export_ends_with_a_sentence(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    user = make_world(likes=12, scrobble_share=0.5).join()
    import_likes(user)
    delete_at_call(monkeypatch, user, call)
    check_end(export_likes(user, batch_size=4))


def test_an_export_ends_with_a_sentence_before_all_is_deleted(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion takes its time: first what a run needs to store anything goes."""
    user = make_world(likes=12).join()
    import_likes(user)
    delete, begun = delete_user, []

    def begin(user_id: int) -> None:
        begun.append(user_id)
        monkeypatch.setattr(leaving, "delete_batch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            delete(user_id)

    def interrupt(rows: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules[__name__], "delete_user", begin)
    delete_at_call(monkeypatch, user, 5)
    summary = export_likes(user, batch_size=4)
    assert begun == [user.pk]
    assert User.objects.exists()
    assert (summary.exit_code, summary.run) == (NEEDS_A_PERSON, None), summary.message
    assert summary.message.startswith("The user alice was deleted while this ran")
    monkeypatch.undo()
    assert finish_deletions() == 1
    check_end(summary)


def test_a_verification_ends_with_a_sentence(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_world(likes=3).join()
    delete_at_call(monkeypatch, user, 1)
    check_end(verify_likes(user))


def test_an_import_of_a_file_ends_with_a_sentence(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    user = world.join()
    path = tmp_path / "likes.csv"
    path.write_text("Track Name,Artist Name\n" + "".join(f"Song {n},Ada\n" for n in range(5)))
    monkeypatch.setattr(from_file, "FILE_BATCH", 2)

    def delete(done: int, total: int | None, text: str) -> None:
        User.objects.all().delete()

    check_end(import_file(user, path, progress=delete))


def test_a_user_who_was_deleted_before_a_run_began(world: World) -> None:
    user = world.join()
    User.objects.all().delete()
    for run in (import_likes, export_likes, verify_likes):
        check_end(run(user))


def test_a_task_goes_on_with_the_others(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = make_world(likes=35).join()
    line.join(alice.pk, "button")
    monkeypatch.setattr(tasks.sync_next, "delay", lambda: None)
    delete_at_call(monkeypatch, alice, 1)
    tasks.sync_next.run()
    assert not User.objects.exists()
    assert not line.list_waiting().exists()


def test_a_deletion_finds_the_rows_that_a_sync_adds_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between finding and deleting the rows of a user nobody can add any."""
    alice = world.join()
    alice.set_password("secret-of-alice")
    alice.save()
    client = Client()
    client.force_login(alice)
    locked = []
    collect = Collector.collect

    def collect_locked(collector: Collector, objs: Any, *args: Any, **kwargs: Any) -> Any:
        if objs and isinstance(objs[0], User):
            locked.append(connection.in_atomic_block)
        return collect(collector, objs, *args, **kwargs)

    monkeypatch.setattr(Collector, "collect", collect_locked)
    client.post(reverse("delete_account"), {"proof": "secret-of-alice"})
    assert locked == [True]
    assert not User.objects.exists()


def test_a_deletion_that_the_database_refuses_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, refusals, delete = world.join(), [1, 1], User.delete

    def refuse(user: User) -> Any:
        if refusals:
            refusals.pop()
            raise OperationalError("deadlock detected")
        return delete(user)

    monkeypatch.setattr(User, "delete", refuse)
    delete_user(alice.pk)
    assert not User.objects.exists()
