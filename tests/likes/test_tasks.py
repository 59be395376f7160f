"""Slices, who is due, and what happens to messages that are lost, late or doubled."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from typing import Any

import pytest
from celery.beat import SchedulingError
from celery.signals import worker_shutting_down
from django.contrib.auth.models import User
from django.db import OperationalError as DatabaseFailed
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from kombu.exceptions import OperationalError as QueueFailed

from likes import like_sync, tasks
from likes.models import Connection, Service, ServiceHold, SyncSettings
from likes.runs.summaries import TRY_LATER, ExportSummary, ImportSummary
from narada_site.beat import Scheduler
from narada_site.celery import app

pytestmark = pytest.mark.django_db

State = Connection.State


class Syncs:
    """Stands in for the two runs: writes down the calls, answers with what is left to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.slices = {"import": 1, "export": 1}
        self.batches: list[int] = []
        self.most, self.seconds, self.lasted = 99, 0.0, 0.0
        self.exit_code = 0

    def run(self, kind: str, user: User, time_is_up: Any, started_by: str) -> Any:
        self.calls.append((kind, user.username))
        self.batches.append(0)
        while self.batches[-1] < self.most and not (self.batches[-1] and time_is_up()):
            self.batches[-1] += 1
            self.seconds += 4
        self.slices[kind] -= 1
        self.started_by = started_by
        made = ImportSummary() if kind == "import" else ExportSummary()
        made.more, made.exit_code = self.slices[kind] > 0, self.exit_code
        return made

    def import_likes(self, user: User, *, time_is_up: Any, started_by: str) -> Any:
        return self.run("import", user, time_is_up, started_by)

    def export_likes(self, user: User, *, batch_size: int, time_is_up: Any, must_end: Any,
                     started_by: str) -> Any:  # fmt: skip
        begun = self.seconds
        made = self.run("export", user, time_is_up, started_by)
        while not must_end():
            self.seconds += 1
        self.lasted = self.seconds - begun
        return made

    @property
    def order(self) -> list[str]:
        return [f"{kind} {name}" for kind, name in self.calls]


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    syncs = Syncs()
    monkeypatch.setattr(like_sync, "import_likes", syncs.import_likes)
    monkeypatch.setattr(like_sync, "export_likes", syncs.export_likes)
    monkeypatch.setattr(tasks, "clock", lambda: syncs.seconds)
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
    assert syncs.started_by == "button"


def test_a_slice_ends_after_seconds_however_long_its_batches_take(syncs: Syncs) -> None:
    tasks.sync_user.delay(add_user().pk)
    # Of 4 s each; the third began before the end and is finished, but no more than that.
    assert syncs.batches == [3, 3]
    assert syncs.lasted == tasks.SLICE_SECONDS + tasks.LAST_SECONDS


def test_a_sync_with_little_to_do_waits_in_the_line_once(syncs: Syncs) -> None:
    syncs.most = 1
    for name in ("ada", "bob"):
        tasks.line.join(add_user(name).pk, "button")
    tasks.sync_next.delay()
    assert syncs.order == ["import ada", "export ada", "import bob", "export bob"]


def test_a_worker_that_is_to_end_ends_its_slices_with_their_batch(syncs: Syncs) -> None:
    user = add_user()
    worker_shutting_down.send(sender=None)
    try:
        tasks.sync_user(user.pk)
    finally:
        tasks.ending.clear()
    assert syncs.batches == [1, 1]


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
    tasks.sync_user.delay(pk)
    assert syncs.order == []


def test_the_last_slice_makes_the_user_due_as_usual(syncs: Syncs, settings: Any) -> None:
    settings.SYNC_EVERY_MINUTES = 30
    syncs.slices = {"import": 2, "export": 2}
    user = add_user()
    tasks.sync_user.delay(user.pk)
    wait = SyncSettings.objects.get(user=user).next_sync_at - timezone.now()
    assert timedelta(minutes=29) < wait <= timedelta(minutes=30)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What is sent, and never arrives."""
    sent: list[tuple[Any, ...]] = []
    for task in (tasks.sync_user, tasks.sync_next):
        monkeypatch.setattr(task, "delay", lambda *args, name=task.name: sent.append((name, *args)))
        monkeypatch.setattr(task, "apply_async", lambda name=task.name, **_: sent.append((name,)))
    return sent


def test_one_users_slices_come_after_other_users_who_wait(syncs: Syncs) -> None:
    syncs.slices = {"import": 3, "export": 0}
    for name in ("ada", "bob"):
        tasks.line.join(add_user(name).pk, "button")
    tasks.sync_next.delay()
    assert syncs.order == ["import ada", "import bob"] * 2 + ["export ada", "export bob"]


def test_a_sync_that_waits_or_runs_is_not_queued_again(
    syncs: Syncs, queue: list[tuple[Any, ...]]
) -> None:
    """By page, command or beat, however often."""
    user = add_user()
    assert [tasks.ask_for_sync(user.pk, "button") for _ in range(300)] == [True] + [False] * 299
    assert queue == [("likes.tasks.sync_user", user.pk, "button")]

    row = tasks.line.take_next()
    assert row is not None
    assert not tasks.ask_for_sync(user.pk, "button")  # it runs
    tasks.sync_user.run(user.pk)
    tasks.dispatch_due.run()
    assert (syncs.order, queue[1:]) == ([], [])

    tasks.line.leave(user.pk)
    assert tasks.ask_for_sync(user.pk, "button")


def test_of_two_presses_at_once_one_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    user = add_user()
    row = SyncSettings.objects.get(user=user)
    assert row.step == ""  # as both have read it
    assert [tasks.line.join(user.pk, "button") for _ in range(2)] == [True, False]


def test_of_two_workers_one_has_the_user(syncs: Syncs, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks.line.join(add_user().pk, "button")
    read = list(tasks.line.list_waiting())
    assert tasks.line.take_next() is not None
    waiting = tasks.line.list_waiting

    class AsRead:
        filter = staticmethod(lambda **found: waiting().filter(**found))
        order_by = staticmethod(lambda *_: read)

    monkeypatch.setattr(tasks.line, "list_waiting", AsRead)
    assert tasks.line.take_next() is None


def test_a_lost_message_costs_a_minute(syncs: Syncs, queue: list[tuple[Any, ...]]) -> None:
    syncs.slices = {"import": 2, "export": 1}
    user = add_user(enabled=False)
    tasks.ask_for_sync(user.pk, "button")
    queue.clear()

    tasks.dispatch_due.run()  # a minute later

    assert queue == [("likes.tasks.sync_next",)]
    tasks.sync_next.run()
    assert (syncs.order, syncs.started_by) == (["import ada"], "button")


def test_a_dead_worker_holds_its_user_no_longer(syncs: Syncs) -> None:
    user = add_user()
    tasks.line.join(user.pk, "button")
    row = tasks.line.take_next()
    assert row is not None
    mine = SyncSettings.objects.filter(user=user)
    for fields, free in (
        ({}, False),
        ({"taken_by": "elsewhere/1:1:abc"}, False),
        ({"taken_until": timezone.now() - timedelta(seconds=1)}, True),
        ({"taken_until": timezone.now() + timedelta(days=365)}, True),  # of a clock that was ahead
        ({"taken_by": row.taken_by.replace(f":{os.getpid()}:", ":99999999:"),
          "taken_until": timezone.now() + timedelta(minutes=1)}, True),
    ):  # fmt: skip
        mine.update(**fields)
        assert tasks.line.list_waiting().exists() is free, fields
    tasks.sync_next.run()
    assert syncs.order[0] == "import ada"


def test_a_worker_at_work_keeps_its_user(
    syncs: Syncs, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    user = add_user()
    until = []
    monkeypatch.setattr(tasks.line, "TAKEN_FOR", timedelta(0))

    def import_likes(user: User, *, time_is_up: Any, started_by: str) -> Any:
        monkeypatch.setattr(tasks.line, "TAKEN_FOR", timedelta(seconds=90))
        time_is_up()
        until.append(SyncSettings.objects.get(user=user).taken_until)
        return ImportSummary()

    monkeypatch.setattr(like_sync, "import_likes", import_likes)
    tasks.sync_user.run(user.pk)
    assert until == [now + timedelta(seconds=90)]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DatabaseFailed("database or disk is full"), "The database failed: its disk is full ("),
        (QueueFailed("No space left on device"), "The queue failed: No space left on device."),
    ],
)
def test_a_full_disk_is_said_in_one_line(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tasks.line, "take_next", fail)
    monkeypatch.setattr(tasks.clock_times, "set_right", fail)
    for task in (tasks.sync_next, tasks.dispatch_due):
        caplog.clear()
        task.run()
        assert [record.exc_info for record in caplog.records] == [None]
        assert caplog.messages[0].startswith(said)


def test_a_fault_of_the_program_ends_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise DatabaseFailed("no such column: x")

    monkeypatch.setattr(tasks.line, "take_next", fail)
    with pytest.raises(DatabaseFailed):
        tasks.sync_next.run()


def test_what_beat_cannot_send_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SchedulingError("The queue cannot be written")

    monkeypatch.setattr(Scheduler, "apply_async", fail)
    Scheduler.apply_entry(Scheduler.__new__(Scheduler), PeriodicTask(name="Purge", task="purge"))
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [(one.getMessage(), one.exc_info) for one in errors] == [
        ("The queue cannot be written. It is sent again when it is due next.", None)
    ]


def test_dispatch_due_takes_each_user_once(syncs: Syncs, settings: Any) -> None:
    settings.SYNC_EVERY_MINUTES = 30
    for name in ("ada", "bob"):
        add_user(name)
    add_user("eve", next_sync_at=timezone.now() + timedelta(minutes=1))

    tasks.dispatch_due.delay()
    tasks.dispatch_due.delay()

    assert syncs.order == ["import ada", "import bob", "export ada", "export bob"]
    due = SyncSettings.objects.get(user__username="ada").next_sync_at
    assert timedelta(minutes=29) < due - timezone.now() <= timedelta(minutes=30)


def test_dispatch_due_takes_the_longest_due_and_newcomers_first(syncs: Syncs) -> None:
    now = timezone.now()
    for name, due in (("ada", 1), ("bob", 9), ("eve", None)):
        add_user(name, next_sync_at=due and now - timedelta(minutes=due))
    tasks.dispatch_due.delay()
    assert syncs.order[:3] == ["import eve", "import bob", "import ada"]


def test_dispatch_due_costs_the_same_for_any_number_of_users(
    django_assert_max_num_queries: Any, queue: list[tuple[Any, ...]]
) -> None:
    def count_statements() -> int:
        SyncSettings.objects.update(step="", next_sync_at=None)
        with CaptureQueriesContext(connection) as statements:
            tasks.dispatch_due.run()
        return len(statements)

    add_user()
    of_one = count_statements()
    for number in range(500):
        add_user(f"user{number}")
    assert count_statements() == of_one <= 14
    assert SyncSettings.objects.filter(step="import", asked_by="schedule").count() == 501
    assert len(queue) == 1 + tasks.MOST_CALLED


def test_what_beat_sends_waits_behind_no_slice() -> None:
    route = app.amqp.router.route
    queues = {task.name: route({}, task.name)["queue"].name for task in app.tasks.values()
              if task.name.startswith("likes.")}  # fmt: skip
    assert queues == {
        "likes.tasks.dispatch_due": "periodic",
        "likes.tasks.purge_due": "periodic",
        "likes.tasks.sync_next": "celery",
        "likes.tasks.sync_user": "celery",
    }
    consumed = {queue.name: (queue.exchange.name, queue.routing_key)
                for queue in app.amqp.queues.consume_from.values()}  # fmt: skip
    assert consumed == {name: (name, name) for name in ("celery", "periodic")}


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
    with django_assert_max_num_queries(14):
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
