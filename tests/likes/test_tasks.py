"""Slices, who is due, and what happens to messages that are lost, late or doubled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from likes import like_sync, tasks
from likes.models import Connection, Service, ServiceHold, SyncSettings
from likes.summaries import TRY_LATER, ExportSummary, ImportSummary
from narada_site.celery import app

pytestmark = pytest.mark.django_db

State = Connection.State


class Syncs:
    """Stands in for the two runs: writes down the calls, answers with what is left to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self.slices = {"import": 1, "export": 1}
        self.exit_code = 0

    def run(self, kind: str, user: User, summary: Any, started_by: str) -> Any:
        self.calls.append((kind, user.username, summary))
        self.slices[kind] -= 1
        self.started_by = started_by
        made = ImportSummary() if kind == "import" else ExportSummary()
        made.more, made.exit_code = self.slices[kind] > 0, self.exit_code
        return made

    def import_likes(self, user: User, *, max_batches: int, started_by: str) -> Any:
        return self.run("import", user, max_batches, started_by)

    def export_likes(self, user: User, *, max_batches: int, started_by: str) -> Any:
        return self.run("export", user, max_batches, started_by)

    @property
    def order(self) -> list[str]:
        return [f"{kind} {name}" for kind, name, _ in self.calls]


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    syncs = Syncs()
    monkeypatch.setattr(like_sync, "import_likes", syncs.import_likes)
    monkeypatch.setattr(like_sync, "export_likes", syncs.export_likes)
    monkeypatch.setitem(app.conf, "task_always_eager", True)
    monkeypatch.setitem(app.conf, "task_eager_propagates", True)
    return syncs


def add_user(name: str = "ada", spotify: str = State.CONNECTED, lastfm: str = State.CONNECTED,
             refusals: int = 0, **settings: object) -> User:  # fmt: skip
    user = User.objects.create_user(name)
    for service, state in ((Service.SPOTIFY, spotify), (Service.LASTFM, lastfm)):
        if state:
            Connection.objects.create(user=user, service=service, state=state, refusals=refusals)
    SyncSettings.objects.create(user=user, **settings)
    return user


def hold(service: Service, **fields: object) -> ServiceHold:
    fields = fields or {"held_until": timezone.now() + timedelta(minutes=10)}
    return ServiceHold.objects.create(service=service, **fields)


def test_sync_user_goes_slice_by_slice(syncs: Syncs) -> None:
    syncs.slices = {"import": 3, "export": 2}
    tasks.sync_user.delay(add_user().pk, "button")
    assert syncs.order == ["import ada"] * 3 + ["export ada"] * 2
    assert {batches for _, _, batches in syncs.calls} == {20, 5}
    assert syncs.started_by == "button"


def test_sync_user_exports_what_it_has_when_the_import_fails(syncs: Syncs) -> None:
    syncs.exit_code = TRY_LATER
    tasks.sync_user.delay(add_user().pk)
    assert syncs.order == ["import ada", "export ada"]


@pytest.mark.parametrize(
    ("spotify", "lastfm", "order"),
    [
        (State.CONNECTED, "", ["import ada"]),
        ("", State.CONNECTED, ["export ada"]),
        (State.DISCONNECTED, State.CONNECTED, ["export ada"]),
        ("", "", []),
    ],
)
def test_sync_user_leaves_out_what_is_not_connected(
    syncs: Syncs, spotify: str, lastfm: str, order: list[str]
) -> None:
    tasks.sync_user.delay(add_user(spotify=spotify, lastfm=lastfm).pk)
    assert syncs.order == order


def test_sync_user_leaves_out_what_is_held_back(syncs: Syncs) -> None:
    user = add_user()
    hold(Service.SPOTIFY)
    tasks.sync_user.delay(user.pk)
    assert syncs.order == ["export ada"]

    hold(Service.LASTFM, closed=True)
    tasks.sync_user.delay(user.pk)
    assert syncs.order == ["export ada"]


def test_slices_for_a_user_who_left_do_nothing(syncs: Syncs) -> None:
    user = add_user()
    pk = user.pk
    user.delete()
    for task in (tasks.sync_user, tasks.import_slice, tasks.export_slice):
        task.delay(pk)
    assert syncs.order == []


def test_the_last_slice_makes_the_user_due_as_usual(syncs: Syncs, settings: Any) -> None:
    settings.SYNC_EVERY_MINUTES = 30
    syncs.slices = {"import": 2, "export": 2}
    user = add_user()
    tasks.sync_user.delay(user.pk)
    wait = SyncSettings.objects.get(user=user).next_sync_at - timezone.now()
    assert timedelta(minutes=29) < wait <= timedelta(minutes=30)


def test_a_slice_that_is_not_the_last_makes_the_user_due_soon(
    syncs: Syncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = add_user(next_sync_at=timezone.now() + timedelta(minutes=30))
    monkeypatch.setattr(tasks.import_slice, "delay", lambda *_: None)  # the message is lost
    syncs.slices["import"] = 2

    tasks.import_slice.run(user.pk)

    due = SyncSettings.objects.get().next_sync_at
    assert due is not None
    assert due - timezone.now() <= tasks.LOST_AFTER


def test_dispatch_due_takes_each_user_once(syncs: Syncs, settings: Any) -> None:
    settings.SYNC_EVERY_MINUTES = 30
    for name in ("ada", "bob"):
        add_user(name)
    add_user("eve", next_sync_at=timezone.now() + timedelta(minutes=1))

    tasks.dispatch_due.delay()
    tasks.dispatch_due.delay()

    assert syncs.order == ["import ada", "export ada", "import bob", "export bob"]
    due = SyncSettings.objects.get(user__username="ada").next_sync_at
    assert timedelta(minutes=29) < due - timezone.now() <= timedelta(minutes=30)


def test_dispatch_due_that_runs_twice_at_once_queues_once(
    syncs: Syncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user()
    found = tasks.find_due(timezone.now())
    monkeypatch.setattr(tasks, "find_due", lambda now: found)  # both have read before either wrote
    tasks.dispatch_due.delay()
    tasks.dispatch_due.delay()
    assert syncs.order == ["import ada", "export ada"]


def test_dispatch_due_takes_the_longest_due_and_newcomers_first(
    syncs: Syncs, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for name, due in (("ada", 1), ("bob", 9), ("eve", None)):
        add_user(name, next_sync_at=due and now - timedelta(minutes=due))
    monkeypatch.setattr(tasks, "MOST_DISPATCHED", 2)
    tasks.dispatch_due.delay()
    assert syncs.order == ["import eve", "export eve", "import bob", "export bob"]


@pytest.mark.parametrize(
    "user",
    [
        {"spotify": ""},
        {"lastfm": ""},
        {"lastfm": State.DISCONNECTED},
        {"spotify": State.RECONNECT, "refusals": 2},
        {"enabled": False},
    ],
)
def test_dispatch_due_passes_over(syncs: Syncs, user: dict[str, Any]) -> None:
    add_user(**user)
    tasks.dispatch_due.delay()
    assert syncs.order == []


def test_dispatch_due_tries_once_more_after_one_refusal(syncs: Syncs) -> None:
    add_user(spotify=State.RECONNECT, refusals=1)
    tasks.dispatch_due.delay()
    assert syncs.order == ["import ada", "export ada"]


def test_dispatch_due_waits_while_both_services_are_held(syncs: Syncs) -> None:
    add_user()
    hold(Service.SPOTIFY, closed=True)
    lastfm = hold(Service.LASTFM)

    tasks.dispatch_due.delay()
    assert syncs.order == []

    lastfm.delete()
    tasks.dispatch_due.delay()
    assert syncs.order == ["export ada"]


def test_dispatch_due_comes_back_when_a_hold_ends(syncs: Syncs) -> None:
    add_user()
    end = hold(Service.LASTFM).held_until
    tasks.dispatch_due.delay()
    assert syncs.order == ["import ada"]
    assert SyncSettings.objects.get().next_sync_at == end


def test_dispatch_due_gives_settings_to_a_user_who_never_saw_a_page(syncs: Syncs) -> None:
    add_user()
    SyncSettings.objects.all().delete()
    tasks.dispatch_due.delay()
    assert syncs.order == ["import ada", "export ada"]


def test_dispatch_due_costs_the_same_queries_for_users_not_due(
    django_assert_max_num_queries: Any, syncs: Syncs
) -> None:
    for number in range(30):
        add_user(f"user{number}", next_sync_at=timezone.now() + timedelta(hours=1))
    with django_assert_max_num_queries(3):
        tasks.dispatch_due.run()


def test_ensure_periodic_tasks_changes_nothing_the_second_time() -> None:
    IntervalSchedule.objects.create(every=1, period=IntervalSchedule.MINUTES)
    tasks.ensure_periodic_tasks()
    PeriodicTask.objects.filter(task="likes.tasks.purge_due").update(enabled=False)
    before = list(PeriodicTask.objects.order_by("pk").values())

    tasks.ensure_periodic_tasks()

    assert list(PeriodicTask.objects.order_by("pk").values()) == before
    names = {row["task"] for row in before}
    assert names == {"likes.tasks.dispatch_due", "likes.tasks.purge_due"}
    assert IntervalSchedule.objects.count() == 2
