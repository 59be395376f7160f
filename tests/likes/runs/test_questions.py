"""So much gone at once that a person is asked first: in the command, the status and the pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from world import World

from likes import tasks
from likes.like_sync import export_likes, import_likes
from likes.models import Checkpoint, Run, Service, ServiceMapping
from likes.runs import removal_questions

MakeWorld = Callable[..., World]
LIKES, GONE = 25, 21


@pytest.fixture
def loved(make_world: MakeWorld) -> World:
    """Alice, whose likes are all loved."""
    world = make_world(likes=LIKES)
    user = world.join()
    import_likes(user)
    assert export_likes(user).loved == LIKES
    return world


def take_back(world: World, count: int) -> None:
    for artist, title in world.loves()[:count]:
        world.order("unlove", user="alice", artist=artist, title=title)


def read_question(world: World, listing: str) -> tuple[int, int]:
    row = Checkpoint.objects.get(user=world.users["alice"], listing=listing)
    return row.removals_asked, row.removals_agreed


def answer_in_pages(world: World, listing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press the button, with the sync that it queues run here and now."""
    client = Client()
    client.force_login(world.users["alice"])
    assert "are gone at once" in client.get(reverse("home")).content.decode()
    queued: list[Any] = []
    monkeypatch.setattr(tasks.sync_user, "delay", lambda *order: queued.append(order))
    client.post(reverse("agree_to_removals", args=[listing]))
    assert queued == [(world.users["alice"].pk, "button")]
    import_likes(world.users["alice"])
    export_likes(world.users["alice"])
    assert "are gone at once" not in client.get(reverse("home")).content.decode()


def test_many_loves_gone_at_once_change_nothing_until_answered(
    loved: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = loved.users["alice"]
    take_back(loved, GONE)
    for _ in range(2):
        summary = export_likes(user)
        assert summary.exit_code == 1
        assert f"no longer shows {GONE} loves" in summary.message
        assert "--accept-removals" in summary.message
        assert Run.objects.latest("pk").message == summary.message
        assert loved.states(user) == {"present": LIKES}
        assert read_question(loved, "loved") == (GONE, 0)
    answer_in_pages(loved, "loved", monkeypatch)
    assert loved.states(user) == {"present": LIKES - GONE, "removed": GONE}
    assert read_question(loved, "loved") == (0, 0)
    assert export_likes(user).exit_code == 0
    assert len(loved.loves()) == LIKES - GONE


@pytest.mark.slow
def test_many_loves_gone_are_noted_by_a_command_that_is_told_so(loved: World) -> None:
    take_back(loved, GONE)
    code, out, _ = loved.run("status", "-u", "alice", "--offline", "--json")
    assert not json.loads(out)["blockers"]
    assert loved.run("export_likes_to_lastfm", "-u", "alice")[0] == 1
    code, out, _ = loved.run("status", "-u", "alice", "--offline", "--json")
    [blocker] = json.loads(out)["blockers"]
    assert (code, blocker["what"][:3]) == (1, f"{GONE} ")
    assert loved.run("export_likes_to_lastfm", "-u", "alice", "--accept-removals")[0] == 0
    assert loved.states(loved.users["alice"]) == {"present": LIKES - GONE, "removed": GONE}
    assert loved.run("status", "-u", "alice", "--offline")[0] == 0


def test_many_unlikes_at_once_are_agreed_to_in_the_pages(
    loved: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = loved.users["alice"]
    loved.order("unlike", user="alice", n=GONE)
    assert import_likes(user).exit_code == 1
    assert read_question(loved, "saved") == (GONE, 0)
    answer_in_pages(loved, "saved", monkeypatch)
    assert loved.states(user, Service.SPOTIFY) == {"present": LIKES - GONE, "removed": GONE}
    assert read_question(loved, "saved") == (0, 0)


def test_an_answer_is_for_no_more_than_was_asked_about(loved: World) -> None:
    user = loved.users["alice"]
    take_back(loved, GONE)
    export_likes(user)
    Checkpoint.objects.filter(listing="loved").update(removals_agreed=GONE)
    take_back(loved, 1)
    assert export_likes(user).exit_code == 1
    assert read_question(loved, "loved") == (GONE + 1, GONE)
    assert loved.states(user) == {"present": LIKES}


@pytest.mark.parametrize("listing", ["saved", "loved"])
def test_a_question_ends_when_all_is_there_again(loved: World, listing: str) -> None:
    """As after a fault of the service, whose list was short for a while."""
    user = loved.users["alice"]
    likes, loves = loved.likes(), loved.loves()
    loved.order("unlike", user="alice", n=GONE)
    take_back(loved, GONE)
    assert (import_likes(user).exit_code, export_likes(user).exit_code) == (1, 1)
    assert read_question(loved, listing) == (GONE, 0)
    for row in reversed(likes[:GONE]):
        loved.order("like", user="alice", service_id=row["service_id"], added_at=row["added_at"])
    for artist, title in reversed(loves[:GONE]):
        loved.order("love", user="alice", artist=artist, title=title)
    assert (import_likes(user).exit_code, export_likes(user).exit_code) == (0, 0)
    assert read_question(loved, listing) == (0, 0)
    assert loved.states(user) == {"present": LIKES}


def test_nobody_answers_for_another(loved: World) -> None:
    take_back(loved, GONE)
    export_likes(loved.users["alice"])
    loved.join("bob")
    client = Client()
    client.force_login(loved.users["bob"])
    client.post(reverse("agree_to_removals", args=["loved"]))
    assert read_question(loved, "loved") == (GONE, 0)


@pytest.mark.parametrize("shown", [0, 22])
def test_what_the_list_hides_is_asked_about_together_with_the_rest(
    make_world: MakeWorld, shown: int
) -> None:
    world = make_world(likes=60)
    user = world.join()
    import_likes(user)
    ids = [row["service_id"] for row in world.likes()]
    hidden = 1 if shown else 22
    unlisted = ServiceMapping.objects.filter(service_id__in=ids[:hidden])
    unlisted.update(listed=False)
    for service_id in ids[: hidden + shown]:
        world.order("unlike", user="alice", service_id=service_id)
    if not shown:
        Checkpoint.objects.filter(listing="saved").update(total=60 - hidden)
    for _ in range(2):
        assert import_likes(user).exit_code == 1
        assert read_question(world, "saved") == (hidden + shown, 0)
    assert removal_questions.agree(user, "saved")
    assert import_likes(user).removed_on_spotify == hidden + shown
    assert read_question(world, "saved") == (0, 0)
    assert import_likes(user).exit_code == 0


def test_a_question_about_loves_is_answered_while_the_list_lacks_rows(loved: World) -> None:
    user = loved.users["alice"]
    take_back(loved, GONE)
    assert export_likes(user).exit_code == 1
    loved.box.add_faults({"kind": "wobble", "by": 1, "match": "user.getLovedTracks"})
    assert export_likes(user).exit_code == 75
    assert export_likes(user).exit_code == 1
    assert removal_questions.agree(user, "loved")
    assert export_likes(user).exit_code == 0
    assert loved.states(user) == {"present": LIKES - GONE, "removed": GONE}
