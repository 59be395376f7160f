"""The bisection that finds what is gone: what it finds, and what it costs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World

from likes.importing.bisection import Inconclusive, find_missing
from likes.like_sync import import_likes


class Listing:
    def __init__(self, keys: Sequence[str]) -> None:
        self.keys, self.calls = list(keys), 0

    def read(self, offset: int) -> Sequence[str]:
        self.calls += 1
        return self.keys[offset : offset + 50]


def make_keys(count: int) -> list[str]:
    return [f"key{number}" for number in range(count)]


def date(keys: Sequence[str], at_once: int = 1) -> list[tuple[str, int]]:
    """Give keys their times, so many of them the same one."""
    return [(key, number // at_once) for number, key in enumerate(keys)]


def shuffle_ties(known: Sequence[tuple[str, int]], chance: random.Random) -> list[str]:
    return [key for key, _ in sorted(known, key=lambda row: (row[1], chance.random()))]


@given(st.integers(0, 400), st.data())
def test_find_missing_finds_exactly_what_is_gone(count: int, data: st.DataObject) -> None:
    known = make_keys(count)
    gone = set(data.draw(st.lists(st.sampled_from(known), unique=True))) if known else set()
    listing = Listing([key for key in known if key not in gone])
    assert find_missing(date(known), len(listing.keys), listing.read, 50, 1000) == gone


@pytest.mark.parametrize(("gone", "most_calls"), [(1, 10), (2, 18), (10, 58)])
def test_find_missing_costs_few_calls(gone: int, most_calls: int) -> None:
    known = make_keys(10_000)
    for seed in range(200):
        lost = set(random.Random(seed).sample(known, gone))
        listing = Listing([key for key in known if key not in lost])
        assert find_missing(date(known), len(listing.keys), listing.read, 50, 1000) == lost
        assert listing.calls <= most_calls


@pytest.mark.parametrize("place", [0, 1, 49, 50, 4_999, 9_949, 9_950, 9_998, 9_999])
def test_find_missing_of_one_row_anywhere_takes_at_most_ten_calls(place: int) -> None:
    known = make_keys(10_000)
    listing = Listing(known[:place] + known[place + 1 :])
    assert find_missing(date(known), 9_999, listing.read, 50, 1000) == {known[place]}
    assert listing.calls <= 10


def test_find_missing_of_nothing_asks_nobody() -> None:
    listing = Listing(make_keys(500))
    assert find_missing(date(listing.keys), 500, listing.read, 50, 1000) == set()
    assert listing.calls == 0


@pytest.mark.parametrize(
    "listed",
    [
        [*make_keys(300)[:200], "new", *make_keys(300)[202:]],  # a row that is not known
        [*make_keys(300)[150:298], *make_keys(300)[:150]],  # another order
        make_keys(300)[:100],  # shorter than its total says
    ],
)
def test_find_missing_does_not_guess(listed: list[str]) -> None:
    with pytest.raises(Inconclusive):
        find_missing(date(make_keys(300)), 298, Listing(listed).read, 50, 1000)


def test_find_missing_gives_up_where_a_walk_is_cheaper() -> None:
    known = make_keys(1000)
    listing = Listing(known[::2])
    with pytest.raises(Inconclusive):
        find_missing(date(known), 500, listing.read, 50, 5)
    assert listing.calls == 0


@given(st.integers(1, 400), st.integers(2, 130), st.randoms(use_true_random=False), st.data())
def test_find_missing_needs_no_order_among_what_was_liked_at_once(
    count: int, at_once: int, chance: random.Random, data: st.DataObject
) -> None:
    known = date(make_keys(count), at_once)
    gone = set(data.draw(st.lists(st.sampled_from([key for key, _ in known]), unique=True)))
    listing = Listing([key for key in shuffle_ties(known, chance) if key not in gone])
    assert find_missing(known, len(listing.keys), listing.read, 50, 1000) == gone


@pytest.mark.parametrize(("at_once", "gone", "most_calls"), [(2, 1, 12), (30, 1, 12), (12, 10, 60)])
def test_find_missing_among_ties_costs_few_calls(at_once: int, gone: int, most_calls: int) -> None:
    known = date(make_keys(10_000), at_once)
    for seed in range(60):
        chance = random.Random(seed)
        lost = set(chance.sample([key for key, _ in known], gone))
        listing = Listing([key for key in shuffle_ties(known, chance) if key not in lost])
        assert find_missing(known, len(listing.keys), listing.read, 50, 1000) == lost
        assert listing.calls <= most_calls


@pytest.mark.slow
def test_an_import_of_ten_thousand_finds_unlikes_with_few_calls(
    make_world: Callable[..., World],
) -> None:
    """By the sandbox's log, ``contains`` included; a third of the likes share their second."""
    world = make_world(likes=10_000)
    alice = world.join("alice")
    import_likes(alice)
    chance = random.Random(2026)
    # A row found at the head later than another of its second has a later place in Narada.
    for number in range(3):
        world.like(f"At once {number}", added_at="2026-12-01T10:00:00+00:00")
        import_likes(alice)
    for gone, most_calls in ((1, 12), (1, 12), (10, 60), (400, 201 + 1 + 10)):
        listed = [row["service_id"] for row in world.likes()]
        places = [60] if gone == 1 else chance.sample(range(len(listed)), gone)
        for place in places:
            world.order("unlike", user="alice", service_id=listed[place])
        world.box.clear_calls()
        summary = import_likes(alice)
        assert (summary.removed_on_spotify, summary.exit_code) == (gone, 0)
        assert world.listed(alice) == world.liked_ids()
        assert world.count("/me") <= most_calls
    world.box.clear_calls()
    assert import_likes(alice).removed_on_spotify == 0
    assert world.count("/me") == 1
