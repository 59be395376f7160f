"""Deleting a user, or what came from a service: many rows, in batches, of that user only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connectors.records import ServiceUser, Tokens
from likes import tasks
from likes.accounts import connections, leaving, purge
from likes.accounts.leaving import delete_user
from likes.models import (
    Checkpoint,
    Like,
    ListedTrack,
    ListedTrackKey,
    Run,
    RunChange,
    ServiceMapping,
    SyncSettings,
    Track,
    TrackKey,
)

MODELS = (RunChange, TrackKey, ServiceMapping, Like, Track, ListedTrackKey, ListedTrack, Run,
          Checkpoint)  # fmt: skip
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def make_user(name: str, tracks: int = 40) -> User:
    """A user with a library, its listings on Last.fm and a run that added it."""
    user = User.objects.create_user(name, password="correct horse")
    run = Run.objects.create(user=user, kind="import")
    SyncSettings.objects.create(user=user)
    for listing in ("saved", "loved", "library"):
        Checkpoint.objects.create(user=user, listing=listing)
    rows = Track.objects.bulk_create(
        Track(user=user, title=f"Song {number}", artists=["Ada"]) for number in range(tracks)
    )
    TrackKey.objects.bulk_create(TrackKey(user=user, track=row, key="k") for row in rows)
    likes = Like.objects.bulk_create(
        Like(user=user, track=row, service=service, state="present")
        for row in rows
        for service in ("narada", "spotify", "lastfm")
    )
    RunChange.objects.bulk_create(RunChange(run=run, like=like, what="added") for like in likes)
    ServiceMapping.objects.bulk_create(
        ServiceMapping(user=user, track=row, service=service, key=f"{name}{row.pk}",
                       decision="accepted", rule="listed")
        for row in rows
        for service in ("spotify", "lastfm")
    )  # fmt: skip
    listed = ListedTrack.objects.bulk_create(
        ListedTrack(user=user, listing="library", key=f"k{number}", artist="Ada", title="Song")
        for number in range(tracks)
    )
    ListedTrackKey.objects.bulk_create(
        ListedTrackKey(user=user, listed=row, key="k") for row in listed
    )
    return user


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, 2, 99])
def test_rows_that_a_run_adds_meanwhile_are_deleted_too(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    alice, bob = make_user("alice", 3), make_user("bob", 3)
    delete_batch, added = leaving.delete_batch, []

    def delete_and_add(rows: Any) -> int:
        deleted = delete_batch(rows)
        # The pages of these tracks are deleted already.
        if rows.model is Like and len(added) < times:
            track = Track.objects.filter(user=alice).first()
            page = ServiceMapping(user=alice, track=track, service="lastfm", key=f"{len(added)}")
            page.save()
            added.append(page)
        return deleted

    with monkeypatch.context() as at_work:
        at_work.setattr(leaving, "delete_batch", delete_and_add)
        # In the last transaction nothing can be added: the row of the user is locked.
        at_work.setattr(leaving, "delete_all", lambda rows: delete_batch(rows))
        delete_user(alice.pk)
    assert added
    assert not User.objects.filter(pk=alice.pk).exists()
    assert not any(count_rows(alice).values())
    assert count_rows(bob)["ServiceMapping"] == 6


def count_rows(user: User) -> dict[str, int]:
    owner = {RunChange: "run__user"}
    return {
        model.__name__: model.objects.filter(**{owner.get(model, "user"): user}).count()
        for model in MODELS
    }


def count_statements(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as queries:
        act()
    return len(queries)


def delete_in_page(user: User) -> None:
    client = Client()
    client.force_login(user)
    client.post(reverse("delete_account"), {"proof": "correct horse"})


def delete_in_admin(user: User) -> None:
    operator = Client()
    operator.force_login(User.objects.get_or_create(
        username="op", is_staff=True, is_superuser=True)[0])  # fmt: skip
    page = reverse("admin:auth_user_delete", args=[user.pk])
    assert "all their tracks" in operator.get(page).text
    operator.post(page, {"post": "yes"})


def purge_now(service: str) -> Callable[[User], None]:
    def disconnect(user: User) -> None:
        who = ServiceUser(f"{user}-{service}", user.username)
        connections.store_connection(user, service, who, Tokens("token"))
        connections.disconnect(user, service, purge_now=True)

    return disconnect


DELETIONS = {
    "the function": lambda user: delete_user(user.pk),
    "the page": delete_in_page,
    "the admin": delete_in_admin,
    "a purge of Spotify": purge_now("spotify"),
    "a purge of Last.fm": purge_now("lastfm"),
}


@pytest.mark.parametrize("way", DELETIONS)
def test_a_deletion_takes_as_many_statements_for_400_tracks_as_for_40(way: str) -> None:
    delete = DELETIONS[way]
    delete(make_user("first"))  # what is asked once in a process
    few, many = make_user("few"), make_user("many", 400)
    assert count_statements(lambda: delete(many)) <= count_statements(lambda: delete(few)) + 5


@pytest.mark.parametrize("way", ["the function", "the page", "the admin"])
def test_a_deletion_in_batches_leaves_nothing_and_nobody_else_touched(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "BATCH", 7)
    user, other = make_user("ada"), make_user("bob")
    before = count_rows(other)
    DELETIONS[way](user)
    assert not User.objects.filter(username="ada").exists()
    assert set(count_rows(user).values()) == {0}
    assert count_rows(other) == before


def test_a_purge_of_many_leaves_what_a_file_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "BATCH", 7)
    monkeypatch.setattr(purge, "BATCH", 10)
    user, other = make_user("ada"), make_user("bob")
    kept = list(Track.objects.filter(user=user).values_list("pk", flat=True)[::2])
    Like.objects.filter(track__in=kept, service="narada").update(source="file")
    before = count_rows(other)
    purge_now("spotify")(user)
    assert list(Track.objects.filter(user=user).values_list("pk", flat=True)) == kept
    assert not Like.objects.filter(user=user, service="spotify").exists()
    assert RunChange.objects.filter(run__user=user).count() == 2 * len(kept)
    assert count_rows(other) == before


def test_a_deletion_that_is_cut_off_is_finished_by_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "BATCH", 7)
    user, other = make_user("ada"), make_user("bob")
    delete_batch, batches = leaving.delete_batch, []

    def die(rows: Any) -> int:
        batches.append(rows)
        if len(batches) == 12:
            raise KeyboardInterrupt
        return delete_batch(rows)

    monkeypatch.setattr(leaving, "delete_batch", die)
    with pytest.raises(KeyboardInterrupt):
        delete_user(user.pk)
    monkeypatch.setattr(leaving, "delete_batch", delete_batch)
    user.refresh_from_db()
    assert not user.is_active
    assert not Client().login(username="ada", password="correct horse")
    assert tasks.find_user(user.pk) is None
    assert count_rows(user)["RunChange"] > 0

    tasks.purge_due.run()
    assert list(User.objects.all()) == [other]
    assert set(count_rows(user).values()) == {0}


def test_the_admin_deletes_a_run_with_its_changes_in_few_statements() -> None:
    user = make_user("ada", 200)
    operator = Client()
    operator.force_login(User.objects.create_superuser("op"))
    run = Run.objects.get()
    page = reverse("admin:likes_run_delete", args=[run.pk])
    with CaptureQueriesContext(connection) as queries:
        answer = operator.get(page)
        operator.post(page, {"post": "yes"})
    assert len(answer.content) < 20_000
    assert len(queries) < 40
    assert not Run.objects.exists()
    assert LogEntry.objects.count() == 1
    assert Like.objects.filter(user=user).count() == 600
