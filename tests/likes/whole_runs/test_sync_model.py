"""After any sequence of likes, loves, decisions, faults and cuts, a quiet sync makes all agree.

``NARADA_SYNC_EXAMPLES`` sets how many sequences are tried, and makes them random; without it a
few fixed ones are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, count
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import given, note, settings
from hypothesis import strategies as st
from world import Name, World

from connectors.lastfm import LastfmConnector
from connectors.spotify import SpotifyConnector
from likes import review
from likes.exporting import settling
from likes.like_operations import OPEN
from likes.like_sync import export_likes, import_likes
from likes.models import Like, Run, RunChange, Service, ServiceHold, ServiceMapping, SyncSettings
from likes.runs.summaries import ExportSummary, ImportSummary
from likes.runs.undo import undo_run

State = Like.State
EXAMPLES = int(os.environ.get("NARADA_SYNC_EXAMPLES", "0"))
Step = tuple[Any, ...]

FAULTS: list[dict[str, Any]] = [
    {"kind": "html_502", "match": "/me/tracks", "times": 5, "after": 1},
    {"kind": "cut_json", "match": "/me/tracks", "times": 1},
    {"kind": "wobble", "by": -2, "match": "/me/tracks", "times": 2},
    {"kind": "wobble", "by": 1, "match": "/me/tracks", "times": 1},
    {"kind": "page_twice", "match": "/me/tracks", "times": 2},
    {"kind": "status", "status": 500, "match": "contains", "times": 4},
    {"kind": "reset_after", "match": "track.love", "times": 5},
    {"kind": "reset_before", "match": "track.love", "times": 5},
    {"kind": "lastfm_error", "code": 8, "status": 200, "match": "track.love", "times": 9},
    {"kind": "html_502", "match": "track.unlove", "times": 4},
    {"kind": "html_502", "match": "track.getInfo", "times": 4},
    {"kind": "other_user", "match": "user.getLovedTracks", "times": 3},
    {"kind": "cut_json", "match": "user.getLovedTracks", "times": 1},
    {"kind": "html_502", "match": "user.getTopTracks", "times": 4},
]

#: A sequence is about two songs, so that its steps meet.
pools = st.lists(st.integers(0, 11), min_size=2, max_size=2)
songs = st.integers(0, 1)
cuts = st.none() | st.integers(0, 2)
limits = st.none() | st.integers(1, 2)
syncs = st.tuples(st.just("sync"))
changes = st.one_of(
    st.tuples(st.just("like"), songs),  # or unlike, where it is liked
    st.tuples(st.just("like"), songs),
    st.tuples(st.just("love"), songs),  # or unlove
    st.tuples(st.just("fault"), st.sampled_from(range(len(FAULTS)))),
)
#: What a person decides of a song, or which of the last runs they take back.
decisions = st.one_of(
    st.tuples(st.just("decide"), songs, st.sampled_from(["exclude", "reopen", "choose", "reject"])),
    st.tuples(st.just("undo"), st.integers(0, 3)),
)
runs = st.one_of(
    syncs,
    syncs,
    st.tuples(st.just("import"), limits, cuts),
    st.tuples(st.just("export"), limits, cuts),
)
rounds = st.tuples(
    st.integers(0, 1),  # whose they are
    st.lists(changes, min_size=1, max_size=3),
    st.lists(runs, max_size=2),
    st.lists(decisions, max_size=1),
)


class Cut(BaseException):
    """Stands for a kill: nothing catches it."""


@dataclass
class Song:
    service_id: str
    page: Name


@dataclass
class Person:
    """A sandbox user, their Narada user, and what they did themselves."""

    world: World
    name: str
    user: User
    loved: set[Name] = field(default_factory=set)
    unloved: set[Name] = field(default_factory=set)
    has_decided: bool = False


def make_songs(world: World) -> list[Song]:
    """Plain songs, two ids of one recording, two recordings on one page, and two odd ones."""
    facts: list[dict[str, Any]] = [{"title": f"Plain {letter}"} for letter in "ABCDEF"]
    facts += [{"title": "Twice", "album": album, "isrc": "GBAYE0601498"} for album in ("1", "2")]
    facts += [{"title": "Shared", "isrc": "", "duration_ms": 100_000 * n} for n in (1, 5)]
    facts += [{"title": "Nowhere", "relation": "nowhere"}]
    facts += [{"title": "Old - 2011 Remaster", "relation": "ghost", "lastfm_title": "Old"}]
    return [
        Song(world.like(user="carol", **one), ("Ada", one.get("lastfm_title", one["title"])))
        for one in facts
    ]


@contextmanager
def cut_after(owner: type, method: str, calls: int | None) -> Iterator[None]:
    """End the block with Cut instead of the call that follows so many."""
    if calls is None:
        yield
        return
    real, made = getattr(owner, method), count()

    def call(*args: Any, **kwargs: Any) -> Any:
        if next(made) >= calls:
            raise Cut
        return real(*args, **kwargs)

    setattr(owner, method, call)
    try:
        yield
    except Cut:
        pass
    finally:
        setattr(owner, method, real)


def check_sum(summary: ImportSummary | ExportSummary) -> None:
    counts = summary.counts
    if isinstance(summary, ImportSummary):
        parts = ("imported", "already_known", "unavailable", "merged")
        assert counts["seen"] == sum(counts[part] for part in parts)
    else:
        parts = ("loved", "already_loved", "needs_review", "not_found", "failed", "remaining")
        assert counts["candidates"] == sum(counts[part] for part in parts)
    assert all(counts[part] >= 0 for part in parts)


def take_step(person: Person, songs: list[Song], step: Step) -> None:
    world, kind = person.world, step[0]
    if kind == "like":
        service_id = songs[step[1]].service_id
        order = "unlike" if service_id in world.liked_ids(person.name) else "like"
        world.order(order, user=person.name, service_id=service_id)
    elif kind == "love":
        artist, title = page = songs[step[1]].page
        order = "unlove" if page in world.loves(person.name) else "love"
        world.order(order, user=person.name, artist=artist, title=title)
        (person.unloved if order == "unlove" else person.loved).add(page)
    elif kind == "fault":
        world.box.add_faults({**FAULTS[step[1]], "user": person.name})
    elif kind == "sync":
        check_sum(import_likes(person.user, batch_size=3))
        check_sum(export_likes(person.user, batch_size=3))
    elif kind == "decide":
        decide(person, songs[step[1]], step[2])
    elif kind == "undo":
        done = Run.objects.filter(user=person.user).order_by("-pk")[step[1] : step[1] + 1]
        for run in done:
            person.has_decided |= undo_run(person.user, run.pk).count > 0
    elif kind == "import":
        with cut_after(SpotifyConnector, "get_liked_page", step[2]):
            check_sum(import_likes(person.user, limit=step[1], batch_size=3))
    else:
        with cut_after(LastfmConnector, "love_track", step[2]):
            check_sum(export_likes(person.user, limit=step[1], batch_size=3))


def decide(person: Person, song: Song, what: str) -> None:
    user, of_song = person.user, ServiceMapping.objects.of(person.user).on(Service.SPOTIFY)
    likes = Like.objects.of(user).on(Service.LASTFM)
    like = likes.filter(track__in=of_song.keyed([song.service_id]).values("track")).first()
    if like is None:
        return
    person.has_decided = True
    pages = ServiceMapping.objects.of(user).on(Service.LASTFM).filter(track=like.track)
    with suppress(review.NotPossible):
        if what == "exclude":
            review.exclude(like, user)
        elif what == "reopen":
            review.reopen(like, user)
        elif what == "choose":
            review.choose_name(like, "Ada", "Another name", user)
        elif page := pages.first():
            review.reject(page, user)


def sync_quietly(person: Person) -> None:
    person.world.box.clear_faults()
    ServiceHold.objects.all().delete()
    for _ in range(2):
        imported, exported = import_likes(person.user), export_likes(person.user)
        assert (imported.exit_code, exported.exit_code) == (0, 0), (imported, exported)
    assert imported.complete
    states = list(Like.objects.of(person.user).order_by("pk").values_list("pk", "state"))
    person.world.box.clear_calls()
    import_likes(person.user)
    export_likes(person.user)
    assert person.world.count(user=person.name) == 2
    assert list(Like.objects.of(person.user).order_by("pk").values_list("pk", "state")) == states


def check_explained(person: Person) -> None:
    """Whatever was decided: each like is settled, says why, and no love of Narada's is orphaned."""
    world, user = person.world, person.user
    loves = set(world.loves(person.name))
    assert world.listed(user) == world.liked_ids(person.name)
    standing = set()
    pages = {
        mapping.track_id: (mapping.artists[0], mapping.title)
        for mapping in ServiceMapping.objects.of(user).on(Service.LASTFM).accepted()
    }
    in_narada = dict(Like.objects.of(user).on(Service.NARADA).values_list("track", "state"))
    for like in Like.objects.of(user).on(Service.LASTFM):
        assert like.state not in (State.PENDING, State.SENDING, State.REMOVING), like
        if like.state == State.PRESENT:
            standing.add(pages[like.track_id])
            continue
        is_liked = in_narada[like.track_id] == State.PRESENT
        if like.state in OPEN or (like.state == State.REMOVED and is_liked):
            assert like.last_error, like
    assert standing <= loves
    assert loves <= standing | person.loved, "Narada left a love that no like stands for"
    # What Narada was about to send when it was cut off may be its love, for all it knows.
    tracks = RunChange.objects.filter(run__user=user, what="loved").values("like__track")
    begun = ServiceMapping.objects.on(Service.LASTFM).filter(track__in=tracks)
    attempted = {(mapping.artists[0], mapping.title) for mapping in begun}
    for page in person.loved - person.unloved - attempted:
        assert page in loves, f"{page} was loved by the user, and Narada took it back"


def check_agreement(person: Person, songs: list[Song], follow: bool) -> None:
    world, user = person.world, person.user
    liked, loves = world.liked_ids(person.name), set(world.loves(person.name))
    rows = {like.track_id: like for like in Like.objects.of(user).on(Service.LASTFM)}
    assert all(like.confirmed_at for like in rows.values() if like.state == State.PRESENT)
    for mapping in ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(listed=True):
        truth = Like.objects.on(Service.NARADA).get(track=mapping.track_id)
        row = rows[mapping.track_id]
        assert truth.state == State.PRESENT
        page = next(song.page for song in songs if song.service_id == mapping.key)
        if page[1] == "Nowhere":
            states = (State.NOT_FOUND, State.PRESENT)
            assert row.state in states or (row.state == State.REMOVED and page in person.unloved)
        elif page not in person.unloved:
            assert row.state == State.PRESENT, (row, row.last_error)
        else:
            assert row.state in (State.PRESENT, State.REMOVED)
            assert row.state == State.PRESENT or (row.last_error and page not in loves)
    wanted = {song.page for song in songs if song.service_id in liked}
    if follow:
        assert loves <= wanted | person.loved
    else:
        known = Like.objects.of(user).on(Service.NARADA).exclude(state=State.PRESENT)
        assert not known.exists()


@pytest.fixture
def people(make_world: Callable[..., World]) -> tuple[World, list[Song], Iterator[int]]:
    world = make_world()
    world.order("limits", allowlist=100_000)
    return world, make_songs(world), count(1)


@settings(
    max_examples=EXAMPLES or settings.default.max_examples // 8,
    derandomize=not EXAMPLES,
)
@given(sequence=st.lists(rounds, min_size=2, max_size=5), pool=pools, follow=st.booleans())
def test_after_anything_a_quiet_sync_makes_all_agree(
    people: tuple[World, list[Song], Iterator[int]],
    sequence: list[tuple[int, list[Step], list[Step], list[Step]]],
    pool: list[int],
    follow: bool,
) -> None:
    world, songs, numbers = people
    both = []
    for _ in range(2):
        name = f"person{next(numbers)}"
        world.order("users", name=name)
        user = world.join(name)
        SyncSettings.objects.create(user=user, on_unlike="follow" if follow else "keep")
        both.append(Person(world, name, user))
    world.box.clear_calls()
    for whose, *steps in sequence:
        for step in chain(*steps):
            take_step(both[whose], [songs[number] for number in pool], step)
    with pytest.MonkeyPatch.context() as patch:
        # Long after: what Last.fm does not show by now, it never will.
        patch.setattr(settling, "SHOWN_WITHIN", timedelta(0))
        for person in both:
            note(f"{person.name}: {world.states(person.user)}")
            sync_quietly(person)
    for person in both:
        check_explained(person)
        if not person.has_decided:
            check_agreement(person, songs, follow)
