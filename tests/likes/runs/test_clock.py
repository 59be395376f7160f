"""A clock that was once a year ahead: what it left behind is noticed, told and set right."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models import DateTimeField
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from likes import tasks
from likes.accounts import holds
from likes.models import Checkpoint, Connection, Like, Run, Service, ServiceHold, SyncSettings
from likes.runs import clock, line
from narada_site.beat import Scheduler
from narada_site.celery import app

pytestmark = pytest.mark.django_db

YEAR = timedelta(days=365)
#: Times that only tell something, or that a service or a person gave.
DECIDES_NOTHING = {
    "Like.liked_at", "ListedTrack.loved_at", "ServiceMapping.liked_at", "ServiceMapping.created_at",
    "ServiceMapping.updated_at", "Track.created_at", "Track.updated_at",
    "SyncSettings.leaving_since",  # that it is set says that the user leaves
}  # fmt: skip


@pytest.fixture
def ada() -> User:
    ada = User.objects.create_user("ada")
    for service in (Service.SPOTIFY, Service.LASTFM):
        Connection.objects.create(user=ada, service=service, state=Connection.State.CONNECTED)
    SyncSettings.objects.create(user=ada)
    return ada


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    sent: list[Any] = []
    monkeypatch.setattr(tasks.sync_next, "apply_async", lambda **options: sent.append(options))
    return sent


def test_each_stored_time_is_looked_at_or_decides_nothing() -> None:
    looked_at = {
        f"{one.model.__name__}.{one.field}" for one in (*clock.LOOKED_AT, *clock.THEN_LOOKED_AT)
    }
    stored = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("likes").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, DateTimeField)
    }
    assert stored - looked_at == DECIDES_NOTHING & stored


def test_beat_dispatches_who_was_due_in_a_year(ada: User, sent: list[Any]) -> None:
    SyncSettings.objects.update(next_sync_at=timezone.now() + YEAR)
    tasks.dispatch_due.run()
    assert len(sent) == 1
    assert list(line.list_waiting().values_list("user", flat=True)) == [ada.pk]


def test_a_time_that_can_be_meant_stays(ada: User, sent: list[Any], settings: Any) -> None:
    now = timezone.now()
    SyncSettings.objects.update(next_sync_at=now + timedelta(minutes=settings.SYNC_EVERY_MINUTES))
    Connection.objects.update(purge_at=now + timedelta(days=settings.PURGE_AFTER_DAYS))
    ServiceHold.objects.create(service="spotify", held_until=now + timedelta(days=1))
    Checkpoint.objects.create(
        user=ada, listing="saved", read_at=now, lease_until=now + timedelta(seconds=45)
    )
    before = [list(model.objects.values()) for model in (SyncSettings, Connection, ServiceHold)]
    assert clock.set_right(now) == []
    assert before == [
        list(model.objects.values()) for model in (SyncSettings, Connection, ServiceHold)
    ]


def test_a_hold_of_a_clock_that_was_ahead_keeps_its_length() -> None:
    then = timezone.now() + YEAR
    ServiceHold.objects.create(service="lastfm", held_until=then + timedelta(hours=1))
    ServiceHold.objects.update(updated_at=then)
    assert clock.set_right(timezone.now())
    until = holds.held_until("lastfm")
    assert until is not None
    assert timedelta(minutes=59) < until - timezone.now() <= timedelta(hours=1)


def test_what_no_service_can_have_asked_for_is_no_hold() -> None:
    ServiceHold.objects.create(service="lastfm", held_until=timezone.now() + YEAR)
    assert clock.set_right(timezone.now())
    holds.check_open("lastfm")


def test_status_says_what_it_set_right(ada: User) -> None:
    ahead = timezone.now() + YEAR
    SyncSettings.objects.update(next_sync_at=ahead)
    Checkpoint.objects.create(user=ada, listing="library", read_at=ahead, whole_read_at=ahead)
    Connection.objects.update(purge_at=ahead, refreshing_until=ahead, authorized_at=ahead)
    told = [StringIO(), StringIO()]
    for out in told:
        with pytest.raises(SystemExit):
            call_command("status", "-u", "ada", "--offline", stdout=out)
    first, second = (out.getvalue() for out in told)
    assert first.count("The clock was ahead") == 6
    assert f"a user's next sync was stored for {ahead:%Y-%m-%d %H:%M} UTC. Set right." in first
    assert "a consent was stored" in first
    assert "and 1 more" in first  # both connections
    assert "clock" not in second


def test_likes_and_runs_are_looked_at_then(ada: User, sent: list[Any]) -> None:
    ahead, now = timezone.now() + YEAR, timezone.now()
    run = Run.objects.create(user=ada, kind="import", started_at=ahead, ended_at=ahead)
    track = ada.tracks.create(title="Song")
    like = Like.objects.create(
        user=ada, track=track, service="narada", state="removed", removed_at=ahead
    )
    assert clock.set_right(now) == []  # nothing tells of them yet
    SyncSettings.objects.update(next_sync_at=ahead)
    assert clock.set_right(now)
    run.refresh_from_db()
    like.refresh_from_db()
    assert [run.started_at, run.ended_at, like.removed_at] == [now] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("running", [True, False])
def test_beat_starts_its_tasks_after_a_clock_was_ahead(
    monkeypatch: pytest.MonkeyPatch, running: bool
) -> None:
    """Both beat that ran all the while, and one that is started afterwards."""
    tasks.ensure_periodic_tasks()
    monkeypatch.setattr(Scheduler, "apply_entry", lambda self, entry, producer=None: None)
    PeriodicTask.objects.update(last_run_at=timezone.now() + YEAR)
    scheduler = Scheduler(app=app)
    scheduler._finalize.cancel()  # it would write to the database when the tests end
    if running:
        # Its heap was filled by the clock that was ahead.
        scheduler.populate_heap()
        scheduler.old_schedulers = dict(scheduler.schedule)
    scheduler.tick()
    # Each is due within its interval from now, whatever the other clock had planned.
    assert scheduler._heap is not None
    planned = {event.entry.name: event.time - timezone.now().timestamp()
               for event in scheduler._heap}  # fmt: skip
    assert planned["Sync whoever is due"] <= 61
    assert planned["Purge what was disconnected"] <= 3601
    scheduler.sync()
    assert not PeriodicTask.objects.filter(last_run_at__gt=timezone.now()).exists()
