"""A like on which Last.fm fails each time keeps nothing else, and ends at a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from world import World

from likes import review
from likes.exporting.in_flight import DOWN_AFTER
from likes.like_operations import OPEN
from likes.like_sync import export_likes, import_likes
from likes.models import Like, Service, ServiceMapping, SyncSettings
from likes.runs.summaries import ExportSummary

ODD = "Odd one"
FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "reset_before"},
]


def name(value: object) -> str:
    return str(value["kind"]) if isinstance(value, dict) else str(value)


ALWAYS = ("One", "Two", ODD, "Three")
assert len(ALWAYS) == DOWN_AFTER


@pytest.fixture
def known(world: World) -> World:
    """Alice, who likes five songs and, between them, the odd one."""
    user = world.join()
    for title in ("One", "Two", ODD, "Three", "Four", "Five"):
        world.like(title)
    import_likes(user)
    return world


def let_a_day_pass() -> None:
    for rows in (Like.objects, ServiceMapping.objects):
        rows.update(failing_since=F("failing_since") - timedelta(days=1), next_attempt_at=None)


def export(world: World) -> ExportSummary:
    world.box.clear_calls()
    return export_likes(world.users["alice"])


@pytest.mark.parametrize("call", ["track.love", "track.getInfo"])
@pytest.mark.parametrize("fault", FAULTS, ids=name)
def test_a_like_that_always_fails_ends_at_a_person(
    known: World, fault: dict[str, Any], call: str
) -> None:
    user = known.users["alice"]
    known.box.add_faults({**fault, "match": call, "about": ODD})
    summary = export(known)
    assert (summary.exit_code, summary.loved, summary.remaining) == (0, 5, 1)
    assert "Last.fm failed on 1 like, and on no others" in summary.message
    # It is not tried again at once.
    summary = export(known)
    assert (summary.exit_code, known.count(call)) == (0, 0)
    for _ in range(2):
        let_a_day_pass()
        assert export(known).exit_code == (
            75 if Like.objects.get(track__title=ODD, service="lastfm").attempts < 3 else 0
        )
        assert known.count(call) == 4
    let_a_day_pass()
    summary = export(known)
    assert (summary.exit_code, summary.failed, summary.remaining) == (0, 1, 0)
    assert f"Ada – {ODD}" in summary.message
    like = Like.objects.of(user).on(Service.LASTFM).get(track__title=ODD)
    assert (like.state, "Failed each of 4 times since" in like.last_error) == ("failed", True)
    assert like.state in OPEN
    assert (export(known).exit_code, known.count(call)) == (0, 0)
    # A person lets it in again, and it begins anew.
    known.box.clear_faults()
    review.reopen(like, user)
    assert (export(known).loved, known.state_of(user, ODD)) == (1, "present")


def test_a_service_that_is_down_says_nothing_of_a_like(known: World) -> None:
    known.box.add_faults({"kind": "status", "match": "track.love"})
    for _ in range(5):
        assert export(known).exit_code == 75
        let_a_day_pass()
    known.box.clear_faults()
    assert (export(known).exit_code, len(known.loves())) == (0, 6)


def test_several_that_always_fail_are_no_outage(known: World) -> None:
    """More of them than failures in a row that mean one; a new like is loved all the same."""
    user = known.users["alice"]
    for title in ALWAYS:
        known.box.add_faults({"kind": "status", "match": "track.love", "about": title})
    for _ in range(8):
        export(known)
        let_a_day_pass()
    assert sorted(title for _, title in known.loves()) == ["Five", "Four"]
    known.like("New")
    import_likes(user)
    summary = export(known)
    assert (summary.exit_code, summary.loved) == (0, 1)
    assert known.states(user) == {"failed": 4, "present": 3}


def test_a_love_that_cannot_be_taken_back_keeps_nothing_and_ends(known: World) -> None:
    user = known.users["alice"]
    SyncSettings.objects.create(user=user, on_unlike=SyncSettings.Unlike.FOLLOW)
    assert export(known).loved == 6
    known.order("unlike", user="alice", n=1)
    import_likes(user)
    known.box.add_faults({"kind": "status", "match": "track.unlove"})
    known.like("New")
    import_likes(user)
    summary = export(known)
    assert (summary.exit_code, summary.loved) == (0, 1)
    for _ in range(4):
        let_a_day_pass()
        code = export(known).exit_code
    assert (code, known.states(user)) == (0, {"present": 6, "removed": 1})
    like = Like.objects.of(user).on(Service.LASTFM).get(state="removed")
    assert like.last_error.startswith("It may still be loved on Last.fm. Failed each of")
    known.box.clear_calls()
    assert (export(known).exit_code, known.count("track.unlove")) == (0, 0)


def test_a_wrong_page_that_cannot_be_taken_back_ends_at_a_person(
    known: World, client: Client
) -> None:
    user = known.users["alice"]
    assert export(known).loved == 6
    known.order("page", artist="Ada", title="Right one", listeners=9)
    review.choose_name(
        Like.objects.get(track__title=ODD, service="lastfm"), "Ada", "Right one", user
    )
    known.box.add_faults({"kind": "status", "match": "track.unlove"})
    summary = export(known)
    assert (summary.exit_code, summary.loved) == (0, 1)
    assert "tried again later" in summary.message
    # It is not tried again at once.
    assert (export(known).exit_code, known.count("track.unlove")) == (0, 0)
    for _ in range(3):
        let_a_day_pass()
        summary = export(known)
    page = ServiceMapping.objects.get(service="lastfm", title=ODD)
    assert (summary.exit_code, page.withdraw) == (0, False)
    assert page.last_error.startswith("It may still be loved on Last.fm. Failed each of")
    assert f"Ada – {ODD}" in summary.message
    client.force_login(user)
    assert (
        b"It may still be loved on Last.fm"
        in client.get(reverse("track", args=[page.track_id])).content
    )
    assert (export(known).exit_code, known.count("track.unlove")) == (0, 0)


def test_unloves_that_always_fail_keep_no_love_from_being_sent(known: World) -> None:
    user = known.users["alice"]
    assert export(known).loved == 6
    for like in Like.objects.of(user).on(Service.LASTFM)[: DOWN_AFTER + 1]:
        review.exclude(like, user)
    known.box.add_faults({"kind": "status", "match": "track.unlove"})
    # Nothing shows whose fault it is.
    assert export(known).exit_code == 75
    let_a_day_pass()
    known.like("New")
    import_likes(user)
    summary = export(known)
    assert (summary.exit_code, summary.loved) == (0, 1)
