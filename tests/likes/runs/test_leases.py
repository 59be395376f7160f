"""One run a user and direction at a time, whatever became of the one before."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from forked_commands import Nursery
from waiting import wait_for
from world import World

from likes.like_sync import import_likes
from likes.models import Checkpoint
from likes.runs import leases
from likes.runs.leases import LEASE, Busy, checkpoint_of, hold_lease, is_working, save_checkpoint

SAVED, LOVED = Checkpoint.Listing.SAVED, Checkpoint.Listing.LOVED


@pytest.fixture
def user(transactional_db: None) -> User:
    return User.objects.create_user("ada")


def take(user: User) -> str:
    with hold_lease(user, SAVED) as checkpoint:
        return checkpoint.lease_holder


def leave_lease(user: User, holder: str, left: timedelta) -> None:
    checkpoint = checkpoint_of(user, SAVED)
    Checkpoint.objects.filter(pk=checkpoint.pk).update(
        lease_holder=holder, lease_until=timezone.now() + left
    )


def test_a_lease_is_held_by_one_and_free_again_afterwards(user: User) -> None:
    with hold_lease(user, SAVED), pytest.raises(Busy, match="Another run is at work"):
        take(user)
    assert take(user)
    with pytest.raises(ZeroDivisionError), hold_lease(user, SAVED):
        raise ZeroDivisionError
    assert take(user)


def test_leases_of_other_users_and_listings_are_their_own(user: User) -> None:
    other = User.objects.create_user("bo")
    with hold_lease(user, SAVED), hold_lease(user, LOVED):
        assert take(other)


def test_the_lease_of_another_machine_runs_out_within_a_minute(user: User) -> None:
    assert timedelta(minutes=1) > LEASE
    leave_lease(user, "elsewhere/1:1:abc", timedelta(seconds=1))
    with pytest.raises(Busy):
        take(user)
    leave_lease(user, "elsewhere/1:1:abc", timedelta(seconds=-1))
    assert take(user)


def test_the_lease_of_a_dead_process_is_free_at_once(user: User) -> None:
    mine = take(user)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = mine.replace(f":{os.getpid()}:", f":{process.pid}:")
    assert theirs != mine
    leave_lease(user, theirs, LEASE)
    assert is_working(user)
    with pytest.raises(Busy):
        take(user)
    process.communicate()
    assert not is_working(user)
    assert take(user)


def test_a_lease_that_was_lost_writes_nothing_any_more(user: User) -> None:
    with hold_lease(user, SAVED) as checkpoint:
        leave_lease(user, "elsewhere/1:1:abc", LEASE)
        with pytest.raises(Busy, match="lost to another run"):
            save_checkpoint(checkpoint, position=50)
    stored = Checkpoint.objects.get(pk=checkpoint.pk)
    assert (stored.position, stored.lease_holder) == (0, "elsewhere/1:1:abc")


def test_a_long_run_renews_its_lease(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now, waited = [timezone.now()], list[float | None]()
    monkeypatch.setattr(timezone, "now", lambda: now[0])

    class End(threading.Event):
        """The first wait for it takes no time, and all of the seconds."""

        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            if len(waited) > 1:
                return super().wait()
            now[0] += timedelta(seconds=timeout or 0)
            return False

    monkeypatch.setattr(leases, "threading", SimpleNamespace(Event=End, Thread=threading.Thread))
    with hold_lease(user, SAVED) as checkpoint:
        wait_for(lambda: len(waited) == 2)
        checkpoint.refresh_from_db()
        assert checkpoint.lease_until == now[0] + LEASE
    assert waited[0] == LEASE.total_seconds() / 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "kind"),
    [("import_spotify_likes", "/me/tracks"), ("export_likes_to_lastfm", "user.getLovedTracks")],
)
def test_of_twenty_at_once_one_works_and_the_others_say_so(
    make_world: Callable[..., World], nurture: Callable[..., Nursery], command: str, kind: str
) -> None:
    world = make_world(likes=30, scrobble_share=1.0)
    user = world.join()
    if command.startswith("export"):
        import_likes(user)
    # The one is at work until all others have ended.
    world.box.add_faults({"kind": "stall", "seconds": 3600, "match": kind, "times": 1})
    nursery = nurture(world)
    children = [nursery.start("command", command, "-u", "alice") for _ in range(20)]
    wait_for(lambda: nursery.log.read_text().count("Another run is at work") == 19)
    world.box.clear_faults()
    ends = [nursery.wait(child) for child in children]
    assert sorted(ends) == [0] + [75] * 19
    said = nursery.log.read_text()
    assert said.count("Another run is at work") == 19
    assert "Traceback" not in said
    if command.startswith("import"):
        assert world.count("/me/tracks") == 1
        assert world.listed(user) == world.liked_ids()
    else:
        assert len(world.sent()) == len(set(world.sent())) == len(world.loves()) == 30


@pytest.mark.slow
def test_the_lease_of_a_killed_run_is_taken_over_within_a_minute(
    make_world: Callable[..., World],
    nurture: Callable[..., Nursery],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = make_world(likes=30)
    user = world.join()
    world.box.add_faults({"kind": "stall", "seconds": 3600, "match": "/me/tracks", "times": 1})
    nursery = nurture(world)
    child = nursery.start("command", "import_spotify_likes", "-u", "alice")
    wait_for(lambda: bool(checkpoint_of(user, SAVED).lease_holder))
    assert nursery.kill(child)
    # As another machine sees it, which cannot tell whether the process lives.
    monkeypatch.setattr("likes.runs.leases._name_machine", lambda: "elsewhere/1")
    assert import_likes(user).exit_code == 75
    until = checkpoint_of(user, SAVED).lease_until
    assert until <= timezone.now() + timedelta(minutes=1)
    for later, exit_code in ((-1, 75), (1, 0)):
        now = until + timedelta(seconds=later)
        monkeypatch.setattr("likes.runs.leases.timezone", SimpleNamespace(now=lambda now=now: now))
        assert import_likes(user).exit_code == exit_code
    assert world.listed(user) == world.liked_ids()
