"""What other tools lost or did twice, done to Narada: one test for each way it went wrong.

Real commands against the sandbox, in processes of their own where they are killed. The sandbox's
log of calls is the judge, not Narada's counters.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import execute_from_command_line
from django.db import connection
from django.test.utils import CaptureQueriesContext
from world import ROOT, World, kill_in_flight

from likes.exporting.in_flight import IN_FLIGHT
from likes.like_sync import export_likes, import_likes
from likes.models import Like, Service, ServiceMapping, SyncSettings

MakeWorld = Callable[..., World]
Run = Callable[..., tuple[int, dict[str, Any]]]
IMPORT, EXPORT = "import_spotify_likes", "export_likes_to_lastfm"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line and returns its exit code and its counts."""

    def call(command: str, *options: str, user: str = "alice") -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = 0
        try:
            execute_from_command_line(["manage.py", command, "-u", user, "--json", *options])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, json.loads(out)

    return call


def run_apart(world: World, command: str, *options: str) -> tuple[int, dict[str, Any]]:
    """Run a command in a process of its own; return the same."""
    code, out, err = world.run(command, "-u", "alice", "--json", *options)
    assert "Traceback" not in err
    return code, json.loads(out)


def check_all_loved(world: World, user: User, count: int) -> None:
    """Last.fm shows every like, each was loved once, and Narada knows it."""
    assert len(world.loves(user.username)) == count
    assert world.states(user) == {"present": count}
    effects = [call for call in world.box.calls(kind="track.love") if call["effect"]]
    assert len(effects) == count


@pytest.mark.slow
def test_an_export_of_a_hundred_leaves_the_other_nine_hundred_for_the_next(
    run: Run,
    make_world: MakeWorld,
) -> None:
    world = make_world(likes=1000, scrobble_share=1.0)
    user = world.join()
    import_likes(user)
    code, first = run(EXPORT, "--limit", "100")
    assert (code, first["loved"], first["remaining"]) == (0, 100, 900)
    assert len(world.loves()) == 100
    code, rest = run(EXPORT)
    assert (code, rest["loved"], rest["remaining"]) == (0, 900, 0)
    check_all_loved(world, user, 1000)
    assert not world.twice()


def test_an_import_of_a_hundred_leaves_the_other_nine_hundred_for_the_next(
    run: Run,
    make_world: MakeWorld,
) -> None:
    world = make_world(likes=1000)
    user = world.join()
    newest = {row["service_id"] for row in world.likes()[:100]}
    code, first = run(IMPORT, "--limit", "100")
    assert (code, first["imported"], first["complete"]) == (0, 100, False)
    assert world.listed(user) == newest
    code, rest = run(IMPORT)
    assert (code, rest["imported"], rest["complete"]) == (0, 900, True)
    assert world.listed(user) == world.liked_ids()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html_502", "times": 30},
        {"kind": "lastfm_error", "code": 9, "times": 30},  # a dead session
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_likes_that_last_fm_failed_for_a_while_are_loved_when_it_recovers(
    make_world: MakeWorld, fault: dict[str, Any]
) -> None:
    world = make_world(likes=200, scrobble_share=1.0)
    user = world.join()
    import_likes(user)
    world.box.add_faults({**fault, "match": "track.love", "after": 100})
    ends = []
    for _ in range(40):
        ends.append(export_likes(user).exit_code)
        assert not set(world.states(user)) & {"not_found", "failed", "review", "removed"}
        # A like that failed where others went through waits for an hour.
        Like.objects.update(next_attempt_at=None)
        if not ends[-1] and not Like.objects.filter(state="pending").exists():
            break
    assert (ends[0] > 0, ends[-1]) == (True, 0)
    check_all_loved(world, user, 200)
    assert not world.twice()


def test_new_likes_are_found_by_the_very_next_of_many_periodic_runs(
    run: Run, make_world: MakeWorld
) -> None:
    """Elsewhere the early stop saved an offset as the start, and 19 runs missed what was new."""
    world = make_world(likes=130)
    user = world.join()
    assert run(IMPORT)[0] == 0
    for number in range(12):
        world.order("like", user="alice", n=number % 3)
        world.box.clear_calls()
        summary = import_likes(user)
        assert (summary.imported, world.count()) == (number % 3, 1)
        assert world.listed(user) == world.liked_ids()
    world.like("Newest")
    assert run(IMPORT)[1]["imported"] == 1


def test_an_import_killed_in_the_middle_loses_nothing_and_repeats_a_page_at_most(
    make_world: MakeWorld,
) -> None:
    world = make_world(likes=300)
    user = world.join()
    kill_in_flight(world, "/me/tracks", 12, IMPORT, "-u", "alice", "-b", "10")
    known = world.listed(user)
    assert known
    world.like("New at the head")
    world.box.clear_calls()
    code, rest = run_apart(world, IMPORT, "-b", "10")
    assert (code, rest["complete"]) == (0, True)
    assert world.listed(user) == world.liked_ids()
    # The head is asked for once; of the rest, one page of ten is read again.
    assert world.count("/me/tracks") <= 1 + (401 - len(known)) // 10 + 2


@pytest.mark.slow
def test_an_export_killed_after_five_hundred_loves_repeats_those_in_flight_at_most(
    make_world: MakeWorld,
) -> None:
    world = make_world(likes=800, scrobble_share=1.0)
    user = world.join()
    import_likes(user)
    kill_in_flight(world, "track.love", 500, EXPORT, "-u", "alice")
    recorded = world.states(user)
    assert recorded["present"] >= 480  # all but the batch that was being sent
    code, rest = run_apart(world, EXPORT)
    assert (code, rest["remaining"]) == (0, 0)
    check_all_loved(world, user, 800)
    assert len(world.twice()) <= IN_FLIGHT


def test_unlikes_while_the_list_is_read_cost_no_other_like(run: Run, make_world: MakeWorld) -> None:
    world = make_world(likes=60)
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    rows = [row["service_id"] for row in world.likes()]
    # Above, at and below what is being read: the rest moves up over the edges of pages.
    for page, place in ((2, 1), (3, 15), (4, 58)):
        unlike = {"user": "alice", "service_id": rows[place]}
        world.box.add_faults(
            {"kind": "meanwhile", "path": "unlike", "order": unlike, "match": "/me/tracks",
             "after": page - 1, "times": 1}
        )  # fmt: skip
    assert run(IMPORT, "-b", "10")[0] == 0
    assert {rule["fired"] for rule in world.box.services.faults.describe()} == {1}
    code, again = run(IMPORT)
    assert (code, again["complete"], again["total_on_spotify"]) == (0, True, 57)
    assert world.listed(user) == world.liked_ids()
    narada = world.states(user, Service.NARADA)
    assert narada["present"] == 57
    assert narada.get("removed", 0) == len(ServiceMapping.objects.filter(listed=False, user=user))


def test_an_unlike_on_spotify_is_noticed(run: Run, make_world: MakeWorld) -> None:
    world = make_world(likes=120)
    user = world.join()
    import_likes(user)
    gone = world.likes()[66]["service_id"]
    world.order("unlike", user="alice", service_id=gone)
    code, summary = run(IMPORT)
    assert (code, summary["removed_on_spotify"]) == (0, 1)
    track = ServiceMapping.objects.get(user=user, key=gone).track
    states = dict(Like.objects.filter(track=track).values_list("service", "state"))
    assert states == {"narada": "present", "spotify": "removed", "lastfm": "pending"}
    assert world.listed(user) == world.liked_ids()


def test_the_date_of_each_like_is_kept_to_the_second(run: Run, make_world: MakeWorld) -> None:
    world = make_world(likes=150)
    user = world.join()
    assert run(IMPORT)[0] == 0
    dates = {row["service_id"]: datetime.fromisoformat(row["added_at"]) for row in world.likes()}
    mappings = ServiceMapping.objects.of(user).on(Service.SPOTIFY)
    assert {row.service_id: row.liked_at for row in mappings} == dates
    for service in (Service.NARADA, Service.SPOTIFY, Service.LASTFM):
        likes = Like.objects.of(user).on(service).values_list("liked_at", flat=True)
        assert Counter(likes) == Counter(dates.values())


def test_a_saved_item_without_a_track_is_counted(run: Run, make_world: MakeWorld) -> None:
    world = make_world(likes=70)
    user = world.join()
    for kind in ("null", "local"):
        world.order("like", user="alice", kind=kind)
    code, summary = run(IMPORT)
    assert (code, summary["complete"]) == (0, True)
    assert (summary["seen"], summary["imported"], summary["unavailable"]) == (72, 70, 2)
    assert world.states(user, Service.NARADA) == {"present": 70, "unavailable": 2}
    assert run(EXPORT)[1]["candidates"] == 70


def test_an_export_with_nothing_to_do_says_so(world: World) -> None:
    world.join()
    code, out, err = world.run(EXPORT, "-u", "alice")
    assert (code, err) == (0, "")
    assert out.startswith("Nothing to do: no like is waiting to be loved on Last.fm.")
    assert world.count() == world.count("user.getLovedTracks") == 1


def test_two_users_of_one_database_love_their_own_likes_alone(
    run: Run, make_world: MakeWorld
) -> None:
    world = make_world(likes=40, scrobble_share=1.0)
    alice, bob = world.join("alice"), world.join("bob")
    shared = world.like("Of both")
    world.order("like", user="bob", service_id=shared)
    for user in ("alice", "bob"):
        assert run(IMPORT, user=user)[0] == 0
    names = {
        user: {(row["artists"][0], row["title"]) for row in world.likes(user)}
        for user in ("alice", "bob")
    }
    assert run(EXPORT, user="alice")[1]["loved"] == 41
    assert (set(world.loves("alice")), world.loves("bob")) == (names["alice"], [])
    assert run(EXPORT, user="bob")[1]["loved"] == 41
    assert set(world.loves("bob")) == names["bob"]
    assert {call["user"] for call in world.box.calls(kind="track.love")} == {"alice", "bob"}
    assert world.states(alice) == world.states(bob) == {"present": 41}


@pytest.mark.parametrize("note", ["2011 Mix", "2011 Remaster", "Remastered 2009", "Mono"])
def test_a_title_with_a_note_is_loved_on_the_page_that_the_user_scrobbles(
    world: World, note: str
) -> None:
    user = world.join()
    world.like(f"Yellow Boat - {note}", relation="ghost", lastfm_title="Yellow Boat")
    world.order("scrobble", user="alice", artist="Ada", title="Yellow Boat", playcount=9)
    assert import_likes(user).imported == 1
    assert export_likes(user).loved == 1
    assert world.loves() == [("Ada", "Yellow Boat")]
    assert world.count("track.getInfo") == 0


@pytest.mark.slow
def test_exporting_calls_for_what_is_not_loved_yet_alone(run: Run, make_world: MakeWorld) -> None:
    world = make_world(likes=1000, scrobble_share=1.0, loved_share=0.965)
    user = world.join()
    import_likes(user)
    loved_before = set(world.loves())
    assert len(loved_before) > 930
    world.box.clear_calls()
    code, summary = run(EXPORT)
    assert (code, summary["already_loved"]) == (0, len(loved_before))
    assert loved_before.isdisjoint(world.sent())
    loves = world.box.calls(kind="track.love")
    assert len(loves) == 1000 - len(loved_before) == summary["loved"]
    assert len(world.box.calls(service="lastfm")) <= len(loves) + 5


def test_importing_a_thousand_likes_takes_twenty_calls_and_few_statements(
    make_world: MakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world(likes=1000)
    user = world.join()
    with CaptureQueriesContext(connection) as statements:
        execute_from_command_line(["manage.py", IMPORT, "-u", "alice", "--json"])
    assert json.loads(capsys.readouterr().out)["imported"] == 1000
    assert world.count() == world.count("/me/tracks") == 20
    assert len(statements) < 1000
    assert world.listed(user) == world.liked_ids()


@pytest.mark.parametrize(
    ("fault", "match", "after"),
    [
        ("reset_before", "/me/tracks", 1),
        ("cut_json", "/me/tracks", 1),
        ("object_for_list", "/me/tracks", 1),
        ("reset_before", "contains", 0),
        ("cut_json", "contains", 0),
    ],
)
def test_a_listing_that_ends_by_an_error_removes_nothing(
    make_world: MakeWorld, fault: str, match: str, after: int
) -> None:
    """Elsewhere a network error ended the listing, and "what was not listed" was deleted."""
    world = make_world(likes=60)
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    import_likes(user)
    export_likes(user)
    for row in random.Random(1).sample(world.likes(), 2):
        world.order("unlike", user="alice", service_id=row["service_id"])
    world.box.add_faults({"kind": fault, "match": match, "after": after})
    assert import_likes(user, full=True, batch_size=10).exit_code == 75
    world.box.clear_faults()
    assert world.states(user, Service.NARADA) == {"present": 60}
    assert import_likes(user).removed_on_spotify == 2
    export_likes(user)
    assert len(world.loves()) == 58


def test_the_document_of_promises_names_tests_that_there_are() -> None:
    document = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", document)
    assert len(named) > 50
    for place, test in named:
        path = ROOT / place if "/" in place else next((ROOT / "tests").rglob(place))
        assert f"def {test}(" in path.read_text(), f"{place}::{test}"
