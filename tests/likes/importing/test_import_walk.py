"""Imports over HTTP: limits, a list that moves, interruptions, likes that end and come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from slices import after
from world import World

from connectors.records import LikedPage
from connectors.spotify import SpotifyConnector
from likes.importing import reconciliation
from likes.like_sync import import_likes, verify_likes
from likes.models import Checkpoint, Like, Run, Service, ServiceMapping, SyncSettings, Track
from likes.runs.summaries import ImportSummary

MakeWorld = Callable[..., World]


def check_sum(summary: ImportSummary) -> None:
    parts = summary.imported + summary.already_known + summary.unavailable + summary.merged
    assert summary.seen == parts


def check_same(world: World, user: Any, name: str = "alice") -> None:
    """Narada holds what Spotify lists, row for row."""
    assert world.listed(user) == world.liked_ids(name)


def act_before(monkeypatch: pytest.MonkeyPatch, acts: dict[int, Callable[[], object]]) -> None:
    """Do something just before the nth page (from 1) of the next import is asked for."""
    real = SpotifyConnector.get_liked_page
    asked = 0

    def get_liked_page(self: SpotifyConnector, offset: int = 0, limit: int = 50) -> LikedPage:
        nonlocal asked
        asked += 1
        if asked in acts:
            acts.pop(asked)()
        return real(self, offset, limit)

    monkeypatch.setattr(SpotifyConnector, "get_liked_page", get_liked_page)


class Cut(BaseException):
    """Stands for a kill: nothing catches it."""


def cut() -> None:
    raise Cut


def cut_before(monkeypatch: pytest.MonkeyPatch, page: int, user: Any) -> None:
    """Import in batches of ten, and end it just before a page is asked for."""
    with monkeypatch.context() as patch:
        act_before(patch, {page: cut})
        with pytest.raises(Cut):
            import_likes(user, batch_size=10)


@pytest.mark.parametrize("limit", [1, 50, 51, 100])
def test_limit_imports_exactly_the_newest_and_leaves_the_rest_for_later(
    make_world: MakeWorld, limit: int
) -> None:
    world = make_world(likes=110)
    user = world.join()
    newest = {row["service_id"] for row in world.likes()[:limit]}

    first = import_likes(user, limit=limit)

    assert (first.seen, first.imported, first.complete) == (limit, limit, False)
    assert world.listed(user) == newest
    again = import_likes(user, limit=limit)
    assert (again.imported, again.exit_code) == (0, 0)
    assert world.listed(user) == newest
    rest = import_likes(user)
    assert (rest.imported, rest.complete) == (110 - limit, True)
    check_same(world, user)
    for summary in (first, again, rest):
        check_sum(summary)


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_limit_that_is_no_multiple_of_the_batch_is_exact(
    make_world: MakeWorld, batch_size: int
) -> None:
    world = make_world(likes=40)
    user = world.join()
    assert import_likes(user, limit=17, batch_size=batch_size).imported == 17
    assert import_likes(user, limit=23, batch_size=batch_size).imported == 6
    assert import_likes(user, batch_size=batch_size).imported == 17
    check_same(world, user)


def test_new_likes_cost_one_page_and_a_quiet_list_one_call(make_world: MakeWorld) -> None:
    world = make_world(likes=230)
    user = world.join()
    import_likes(user)
    world.order("like", user="alice", n=30)
    world.box.clear_calls()
    summary = import_likes(user)
    assert (summary.imported, world.count()) == (30, 1)
    import_likes(user)
    assert world.count() == 2
    check_same(world, user)


def test_more_new_likes_than_a_page_are_all_taken(make_world: MakeWorld) -> None:
    world = make_world(likes=130)
    user = world.join()
    import_likes(user)
    world.order("like", user="alice", n=105)
    world.box.clear_calls()
    assert import_likes(user).imported == 105
    assert world.count() <= 3
    check_same(world, user)


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5])
def test_an_interrupted_import_goes_on_where_it_stood(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    world = make_world(likes=46)
    user = world.join()
    cut_before(monkeypatch, page, user)
    assert len(world.listed(user)) == 10 * (page - 1)
    world.order("like", user="alice", n=7)
    world.box.clear_calls()

    summary = import_likes(user, batch_size=10)

    check_sum(summary)
    check_same(world, user)
    assert summary.complete
    # The head, and from the page of the anchor on: no page is read a third time.
    assert world.count("/me/tracks") <= 1 + 5 - (page - 1) + 1


@pytest.mark.parametrize("first_cut", [2, 3])
@pytest.mark.parametrize("second_cut", [2, 3, None])
@pytest.mark.parametrize("new", [12, 24, 34])
def test_an_interrupted_reading_of_the_head_loses_nothing(
    make_world: MakeWorld,
    monkeypatch: pytest.MonkeyPatch,
    new: int,
    first_cut: int,
    second_cut: int | None,
) -> None:
    world = make_world(likes=24)
    user = world.join()
    import_likes(user, limit=15, batch_size=10)
    for cut_at in (first_cut, second_cut):
        world.order("like", user="alice", n=new)
        with monkeypatch.context() as patch:
            act_before(patch, {cut_at: cut} if cut_at else {})
            try:
                import_likes(user, batch_size=10)
            except Cut:
                checkpoint = Checkpoint.objects.get(user=user, listing="saved")
                assert not checkpoint.complete or checkpoint.head
    summary = import_likes(user)
    assert summary.complete
    check_sum(summary)
    check_same(world, user)


def test_an_interrupted_head_of_a_complete_list_is_joined_to_it(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(likes=80)
    user = world.join()
    import_likes(user, batch_size=10)
    world.order("like", user="alice", n=24)
    cut_before(monkeypatch, 2, user)
    world.order("like", user="alice", n=3)
    world.box.clear_calls()
    summary = import_likes(user, batch_size=10)
    check_same(world, user)
    assert summary.imported == 17
    assert world.count() == 3  # the head, and two pages down to what was known before


@pytest.mark.parametrize("act_at", [2, 3, 4])
def test_likes_and_unlikes_while_reading_are_right_after_the_next_run(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, act_at: int
) -> None:
    world = make_world(likes=36)
    user = world.join()
    rows = [row["service_id"] for row in world.likes()]

    def stir() -> None:
        world.order("like", user="alice", n=2)
        world.order("unlike", user="alice", service_ids=[rows[2], rows[12], rows[27]])

    with monkeypatch.context() as patch:
        act_before(patch, {act_at: stir})
        check_sum(import_likes(user, batch_size=10))
    summary = import_likes(user)
    check_sum(summary)
    check_same(world, user)
    world.box.clear_calls()
    import_likes(user)
    assert world.count() == 1


def test_a_like_and_an_unlike_at_once_hide_nothing(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The total stays the same throughout, so it says nothing."""
    world = make_world(likes=36)
    user = world.join()
    rows = [row["service_id"] for row in world.likes()]

    def swap(gone: str) -> Callable[[], None]:
        def act() -> None:
            world.order("unlike", user="alice", service_id=gone)
            world.like(f"After {gone}")

        return act

    for gone in (rows[3], rows[28]):
        with monkeypatch.context() as patch:
            act_before(patch, {2: swap(gone)})
            import_likes(user, full=True, batch_size=10)
        import_likes(user)
        check_same(world, user)


def test_a_known_like_that_moved_to_the_head_does_not_end_the_reading(
    make_world: MakeWorld,
) -> None:
    """Liked anew, it stands above likes that are new; with one more gone the totals agree."""
    world = make_world(likes=130)
    user = world.join()
    import_likes(user)
    rows = [row["service_id"] for row in world.likes()]
    world.like("New")
    world.order("unlike", user="alice", service_id=rows[70])
    world.order("like", user="alice", service_id=rows[70])
    world.order("like", user="alice", n=49)
    world.order("unlike", user="alice", service_id=rows[100])
    import_likes(user)
    check_same(world, user)


def test_an_unlike_is_found_by_the_total_and_kept_in_narada(make_world: MakeWorld) -> None:
    world = make_world(likes=130)
    user = world.join()
    import_likes(user)
    gone = world.likes()[77]["service_id"]
    world.order("unlike", user="alice", service_id=gone)
    world.box.clear_calls()

    summary = import_likes(user)

    assert (summary.removed_on_spotify, summary.exit_code) == (1, 0)
    assert world.count("contains") == 1
    check_sum(summary)
    check_same(world, user)
    track = ServiceMapping.objects.get(key=gone).track
    states = dict(Like.objects.filter(track=track).values_list("service", "state"))
    assert states == {"narada": "present", "spotify": "removed", "lastfm": "pending"}
    world.box.clear_calls()
    assert import_likes(user).removed_on_spotify == 0
    assert world.count() == 1


def test_a_like_that_comes_back_is_the_same_track_again(make_world: MakeWorld) -> None:
    world = make_world(likes=30)
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    import_likes(user)
    gone = world.likes()[12]["service_id"]
    track = ServiceMapping.objects.get(key=gone).track
    world.order("unlike", user="alice", service_id=gone)
    import_likes(user)
    likes = Like.objects.filter(track=track)
    assert set(likes.values_list("state", flat=True)) == {"removed"}

    world.order("like", user="alice", service_id=gone)
    summary = import_likes(user)

    assert (summary.imported, summary.already_known) == (0, 30)
    assert dict(likes.values_list("service", "state")) == {
        "narada": "present",
        "spotify": "present",
        "lastfm": "pending",
    }
    assert Track.objects.count() == 30
    check_same(world, user)


@pytest.mark.parametrize(
    ("likes", "gone", "asks"),
    [(40, 20, False), (40, 21, True), (500, 25, False), (500, 26, True)],
)
def test_many_removals_at_once_are_asked_about_until_answered(
    make_world: MakeWorld, likes: int, gone: int, asks: bool
) -> None:
    world = make_world(likes=likes)
    user = world.join()
    import_likes(user)
    world.order("unlike", user="alice", n=gone)

    first = import_likes(user)
    if not asks:
        assert (first.removed_on_spotify, first.exit_code) == (gone, 0)
        check_same(world, user)
        return
    assert (first.removed_on_spotify, first.exit_code) == (0, 1)
    assert f"{gone} of the likes" in first.message
    assert Run.objects.latest("pk").state == Run.State.STOPPED
    world.box.clear_calls()
    second = import_likes(user)
    assert (second.removed_on_spotify, second.exit_code, second.message) == (0, 1, first.message)
    assert world.count() == 1
    answered = import_likes(user, accept_removals=True)
    assert (answered.removed_on_spotify, answered.exit_code) == (gone, 0)
    check_same(world, user)
    assert import_likes(user).exit_code == 0


def test_a_short_listing_removes_nothing(make_world: MakeWorld) -> None:
    world = make_world(likes=36)
    user = world.join()
    import_likes(user)
    for fault in (
        {"kind": "wobble", "by": -8, "match": "/me/tracks"},
        {"kind": "wobble", "by": -8, "match": "/me/tracks", "after": 1, "times": 2},
        {"kind": "page_twice", "match": "/me/tracks"},
        {"kind": "cut_json", "match": "/me/tracks", "after": 2},
        {"kind": "object_for_list", "match": "/me/tracks", "after": 2},
        {"kind": "status", "status": 500, "match": "contains"},
    ):
        world.box.add_faults(fault)
        import_likes(user, full=True, batch_size=10)
        world.box.clear_faults()
        assert world.states(user, Service.NARADA) == {"present": 36}
        assert world.states(user, Service.SPOTIFY) == {"present": 36}
    summary = import_likes(user)
    assert (summary.exit_code, summary.removed_on_spotify) == (0, 0)
    check_same(world, user)


@pytest.mark.parametrize(("likes", "by", "times"), [(3, -3, 1), (120, -1, 99), (120, -3, 99)])
def test_an_unlike_after_a_total_that_wobbled_is_noticed(
    make_world: MakeWorld, likes: int, by: int, times: int
) -> None:
    """What the list did not show then, and is liked, is asked for until it is shown again."""
    world = make_world(likes=likes)
    user = world.join()
    import_likes(user)
    world.box.add_faults({"kind": "wobble", "by": by, "match": "/me/tracks", "times": times})
    assert import_likes(user).removed_on_spotify == 0
    unlisted = world.liked_ids() - world.listed(user)
    world.box.clear_faults()
    for service_id in unlisted:
        world.order("unlike", user="alice", service_id=service_id)
    import_likes(user)
    on_spotify = Like.objects.of(user).on(Service.SPOTIFY).filter(state="present")
    assert on_spotify.count() == len(world.liked_ids()) == likes - len(unlisted)
    assert world.listed(user) == world.liked_ids()


@pytest.mark.parametrize("kind", ["null", "local"])
def test_rows_without_an_id_that_say_the_same_count_each(world: World, kind: str) -> None:
    """Else one of them would stand in the total for what is unliked."""
    user = world.join()
    ids = [world.like(f"Song {number}") for number in range(5)]
    import_likes(user)
    world.order("unlike", user="alice", service_id=ids[3])
    facts = {"uri": "spotify:local:A:B:T:100"} if kind == "local" else {}
    for _ in range(2):
        world.order("like", user="alice", kind=kind, added_at="2024-05-01T10:00:00+00:00", **facts)
    summary = import_likes(user)
    assert (summary.removed_on_spotify, summary.complete) == (1, True)
    assert world.listed(user) == world.liked_ids()
    world.box.clear_calls()
    import_likes(user)
    assert world.count() == 1


def test_a_like_with_an_old_date_is_found_by_a_whole_reading_now_and_then(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the total for an unlike, so nothing else tells of the two."""
    world = make_world(likes=120)
    user = world.join()
    import_likes(user)
    rows = world.likes()
    world.order("unlike", user="alice", service_id=rows[-1]["service_id"])
    world.like("Old date", added_at=rows[90]["added_at"])
    world.box.clear_calls()
    assert (import_likes(user).imported, world.count()) == (0, 1)
    proof = verify_likes(user)
    assert (proof.missing_in_narada, proof.no_longer_on_spotify, proof.agree) == (1, 1, False)
    month_ago = timezone.now() - reconciliation.WHOLE_EVERY
    Checkpoint.objects.filter(listing="saved").update(whole_read_at=month_ago)
    summary = import_likes(user)
    assert (summary.imported, summary.removed_on_spotify) == (1, 1)
    assert summary.seen == 120  # each row once, though the head was read twice
    assert world.listed(user) == world.liked_ids()
    world.box.clear_calls()
    import_likes(user)
    assert world.count() == 1


def test_a_nameless_row_excuses_no_unlike_of_its_second(world: World) -> None:
    """Only one that is new stands for a track that Spotify took down."""
    user = world.join()
    when = "2026-10-01T10:00:00+00:00"
    ids = [world.like(f"Song {number}", added_at=when) for number in range(5)]
    world.order("like", user="alice", kind="null", added_at=when)
    import_likes(user)
    world.order("unlike", user="alice", service_id=ids[2])
    assert import_likes(user).removed_on_spotify == 1
    assert world.state_of(user, "Song 2", Service.SPOTIFY) == "removed"
    check_same(world, user)


@pytest.mark.slow
def test_rows_without_an_id_mislead_no_bisection(make_world: MakeWorld) -> None:
    world = make_world(likes=60)
    user = world.join()
    for _ in range(2):
        world.order("like", user="alice", kind="null", added_at="2026-12-01T10:00:00+00:00")
    rows = world.likes()
    for number in range(60):
        world.like(f"Song {number}", added_at=f"2026-12-01T11:{number:02}:00+00:00")
    import_likes(user, batch_size=2)
    for row in [*world.likes()[10:20], *rows[20:30]]:
        world.order("unlike", user="alice", service_id=row["service_id"])
        assert import_likes(user, batch_size=2).removed_on_spotify == 1
        check_same(world, user)
    assert world.states(user, Service.NARADA)["unavailable"] == 2


def test_a_walk_goes_on_from_its_anchor_wherever_that_is_now(make_world: MakeWorld) -> None:
    """By its offset it would pass over rows, and only a second reading of all would find them."""
    world = make_world(likes=600)
    user = world.join()
    import_likes(user, batch_size=10, time_is_up=after(5))
    for row in world.likes()[10:40:10]:
        world.order("unlike", user="alice", service_id=row["service_id"])
    world.box.clear_calls()
    summary = import_likes(user, batch_size=10)
    assert (summary.complete, summary.removed_on_spotify) == (True, 3)
    check_same(world, user)
    assert world.count() <= 1 + 57 + 13 + 1  # the head, the rest, the bisection, contains


def test_everything_unliked_is_asked_about(make_world: MakeWorld) -> None:
    world = make_world(likes=60)
    user = world.join()
    import_likes(user)
    world.order("unlike", user="alice", all=True)
    assert import_likes(user).exit_code == 1
    assert import_likes(user, accept_removals=True).removed_on_spotify == 60
    assert world.states(user, Service.NARADA) == {"present": 60}
    assert import_likes(user).exit_code == 0


def test_null_tracks_and_local_files_are_counted_and_cost_no_second_reading(
    world: World,
) -> None:
    user = world.join()
    world.like("Song")
    for kind in ("null", "null", "local"):
        world.order("like", user="alice", kind=kind, added_at="2024-05-01T10:00:00+00:00")
    summary = import_likes(user)
    assert (summary.seen, summary.imported, summary.unavailable) == (4, 1, 3)
    assert summary.exit_code == 0
    world.box.clear_calls()
    again = import_likes(user)
    assert (again.unavailable, again.removed_on_spotify, world.count()) == (3, 0, 1)
    check_sum(again)


def test_a_local_file_that_is_gone_is_no_longer_counted_as_a_like(world: World) -> None:
    user = world.join()
    world.like("Song")
    world.order("like", user="alice", kind="local")
    import_likes(user)
    local = next(row["service_id"] for row in world.likes() if row["kind"] == "local")
    world.order("unlike", user="alice", service_id=local)
    assert import_likes(user).removed_on_spotify == 1
    assert world.states(user, Service.NARADA) == {"present": 1, "removed": 1}


def test_a_track_that_loses_its_name_on_spotify_is_not_taken_for_an_unlike(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    when = "2024-05-01T10:00:00+00:00"
    lost = world.like("Lost", added_at=when)
    world.like("Kept")
    import_likes(user)
    world.order("unlike", user="alice", service_id=lost)
    world.order("like", user="alice", kind="null", added_at=when)
    import_likes(user, full=True)
    assert world.state_of(user, "Lost", Service.NARADA) == "present"
    world.box.clear_calls()
    import_likes(user)
    assert world.count() == 1


def test_two_ids_of_one_recording_are_one_track_liked_since_the_earlier(world: World) -> None:
    user = world.join()
    facts = {"isrc": "GBAYE0601498", "duration_ms": 200_000}
    world.like("Song", album="Album", added_at="2020-01-01T00:00:00+00:00", **facts)
    world.like("Song", album="Single", added_at="2023-01-01T00:00:00+00:00", **facts)
    summary = import_likes(user)
    assert (summary.seen, summary.imported, summary.merged) == (2, 1, 1)
    assert {like.liked_at.year for like in Like.objects.all() if like.liked_at} == {2020}
    # And across batches, an older one met later.
    world.like("Song", album="Hits", added_at="2018-01-01T00:00:00+00:00", **facts)
    again = import_likes(user, full=True)
    assert (again.merged, again.already_known, Track.objects.count()) == (1, 2, 1)
    assert {like.liked_at.year for like in Like.objects.all() if like.liked_at} == {2018}


def test_one_of_two_ids_unliked_leaves_the_track_liked(world: World) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    ids = [world.like("Song", album=album, isrc="GBAYE0601498") for album in ("Album", "Single")]
    import_likes(user)
    for service_id, state in zip(ids, ("present", "removed"), strict=True):
        world.order("unlike", user="alice", service_id=service_id)
        assert import_likes(user).removed_on_spotify == 1
        assert world.state_of(user, "Song", Service.NARADA) == state


def test_songs_that_share_a_wrong_isrc_stay_two(world: World) -> None:
    user = world.join()
    for title, length in (("Allegro", 200_000), ("Finale", 480_000)):
        world.like(title, isrc="GBAYE0601498", duration_ms=length)
    summary = import_likes(user)
    assert (summary.imported, summary.merged, Track.objects.count()) == (2, 0, 2)


def test_users_never_touch_each_others_rows(make_world: MakeWorld) -> None:
    world = make_world(likes=60)
    alice, bob = world.join("alice"), world.join("bob")
    import_likes(alice)
    before = list(Like.objects.of(alice).values())
    import_likes(bob)
    world.order("unlike", user="bob", n=5)
    import_likes(bob)
    assert list(Like.objects.of(alice).values()) == before
    assert world.listed(alice) == world.liked_ids("alice")
    assert world.listed(bob) == world.liked_ids("bob")
    shared = Track.objects.filter(user=alice, likes__user=bob)
    assert not shared.exists()


@pytest.fixture
def slices() -> Callable[[Any, int], list[ImportSummary]]:
    def run(user: Any, pages: int) -> list[ImportSummary]:
        summaries = []
        while True:
            summaries.append(import_likes(user, time_is_up=after(pages), batch_size=10))
            if not summaries[-1].more:
                return summaries

    return run


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_slices_add_up_to_the_whole(
    make_world: MakeWorld, slices: Callable[[Any, int], list[ImportSummary]], pages: int
) -> None:
    world = make_world(likes=66)
    user = world.join()
    summaries = slices(user, pages)
    assert sum(summary.imported for summary in summaries) == 66
    assert summaries[-1].complete
    assert not any(summary.exit_code for summary in summaries)
    assert world.count() <= 7 + 2 + len(summaries) // 5
    check_same(world, user)


def test_likes_between_slices_are_taken_in_the_last(make_world: MakeWorld) -> None:
    world = make_world(likes=66)
    user = world.join()
    more = True
    while more:
        world.order("like", user="alice", n=2)
        more = import_likes(user, time_is_up=after(2), batch_size=10).more
    check_same(world, user)
    assert world.count() <= 7 + 4


@pytest.mark.parametrize("kind", ["null", "local"])
@pytest.mark.parametrize("pages", [1, 2])
def test_slices_number_rows_without_an_id_as_one_reading_does(
    make_world: MakeWorld,
    slices: Callable[[Any, int], list[ImportSummary]],
    kind: str,
    pages: int,
) -> None:
    """Else the rows do not add up in the end, and the whole list is read a second time."""
    world = make_world(likes=40)
    user = world.join()
    rows = world.likes()
    for place in (8, 9, 10, 19, 29, 30):  # at the ends of pages and at their beginnings
        # Rows without a name are the same if they are of one time, local files if of one name.
        at = rows[8 if kind == "null" else place]["added_at"]
        facts = {"uri": f"spotify:local:A:B:T:{100 + place}"} if kind == "local" else {}
        world.order("like", user="alice", kind=kind, added_at=at, **facts)
    summaries = slices(user, pages)
    assert summaries[-1].complete
    assert world.count() <= 5 + 1 + 1  # the pages, rows read twice by slices, the head
    listed = ServiceMapping.objects.of(user).filter(listed=True).count()
    assert listed == len(world.likes()) > 40
    world.box.clear_calls()
    import_likes(user)
    assert world.count() == 1


def test_slices_go_on_past_pages_without_any_id(
    make_world: MakeWorld, slices: Callable[[Any, int], list[ImportSummary]]
) -> None:
    world = make_world(likes=5)
    user = world.join()
    for _ in range(35):
        world.order("like", user="alice", kind="null", added_at="2001-01-01T10:00:00+00:00")
    summaries = slices(user, 1)
    assert summaries[-1].complete
    assert world.count() <= 6
    assert ServiceMapping.objects.of(user).filter(listed=True).count() == 40


def test_an_unlike_of_the_last_row_read_costs_no_reading_from_the_head(
    make_world: MakeWorld,
) -> None:
    world = make_world(likes=100)
    user = world.join()
    import_likes(user, batch_size=10, time_is_up=after(6))
    last = Checkpoint.objects.get(user=user).anchor
    world.order("unlike", user="alice", service_id=last)
    world.box.clear_calls()
    assert import_likes(user, batch_size=10).removed_on_spotify == 1
    check_same(world, user)
    assert world.count() <= 1 + 1 + 4 + 5 + 1  # head, search, the rest, bisection, contains


def test_a_second_whole_reading_is_sliced_as_well(
    make_world: MakeWorld, slices: Callable[[Any, int], list[ImportSummary]]
) -> None:
    world = make_world(likes=100)
    user = world.join()
    import_likes(user, batch_size=10)
    # A like with an old date stands in for an unlike: only a whole reading tells.
    rows = world.likes()
    world.order("unlike", user="alice", service_id=rows[15]["service_id"])
    world.like("Old", added_at=rows[85]["added_at"])
    Checkpoint.objects.update(whole_read_at=timezone.now() - timedelta(days=40))
    world.box.clear_calls()
    summaries = slices(user, 3)
    assert len(summaries) >= 4
    assert sum(summary.removed_on_spotify for summary in summaries) == 1
    assert summaries[-1].complete
    check_same(world, user)
    assert world.count() <= 1 + 10 + 1 + len(summaries)


def test_a_dry_run_stores_nothing_and_tells_the_calls(make_world: MakeWorld) -> None:
    world = make_world(likes=170)
    user = world.join()
    summary = import_likes(user, dry_run=True)
    assert world.count() == 1
    assert "170 of 170 liked songs in 4 calls" in summary.message
    for model in (Track, Like, ServiceMapping, Checkpoint, Run):
        assert not model.objects.exists()
    limited = import_likes(user, dry_run=True, limit=60)
    assert "60 of 170 liked songs in 2 calls" in limited.message
