"""What holds for any two descriptions, however odd."""

from __future__ import annotations

import dataclasses
import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import (
    Comparison,
    TrackDescription,
    Verdict,
    blocking_keys,
    compare,
    name_key,
    prepare,
    simplify_titles,
)
from matching.reading.normalize import fold

# Pieces of real titles as well as any character at all, so that notes and brackets come up.
PIECES = st.sampled_from(
    ["Love", " - ", "(", ")", "[", "Live", "Remix", "feat. ", "Part 2", "II", "2011 Remaster", "&",
     ", ", "The ", "夜に駆ける", "Любовь", "é", "\u0301", "\u200b", "12\"", "'", "Radio Edit", "?"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=8).map("".join))
DESCRIPTIONS = st.builds(
    TrackDescription,
    title=TEXTS,
    artists=st.lists(TEXTS, max_size=3).map(tuple),
    album=TEXTS,
    duration_ms=st.none() | st.integers(-5, 10**7),
    isrc=st.sampled_from(["", "USRC17607839", "GBUM71029604", "us-rc1-76-07839"]),
)


@given(DESCRIPTIONS, DESCRIPTIONS)
def test_compare_is_symmetric_and_total(a: TrackDescription, b: TrackDescription) -> None:
    there, back = compare(a, b), compare(b, a)
    assert there == back
    assert 0.0 <= there.score <= 1.0
    assert there == compare(prepare(a), prepare(b))


@given(DESCRIPTIONS)
def test_compare_of_a_named_track_with_itself_is_match(track: TrackDescription) -> None:
    if track.title.strip() and any(artist.strip() for artist in track.artists):
        assert compare(track, track).verdict is Verdict.MATCH


@given(DESCRIPTIONS, DESCRIPTIONS)
def test_removing_neutral_fields_never_turns_different_into_match(
    a: TrackDescription, b: TrackDescription
) -> None:
    bare = dataclasses.replace(a, album="", duration_ms=None, isrc="", mbid="")
    if compare(bare, b).verdict is Verdict.MATCH:
        assert compare(a, b).verdict is not Verdict.DIFFERENT


@given(DESCRIPTIONS, st.lists(TEXTS, min_size=2, max_size=4))
def test_swapping_artists_changes_nothing_for_equal_sets(
    track: TrackDescription, artists: list[str]
) -> None:
    forward = dataclasses.replace(track, artists=tuple(artists))
    backward = dataclasses.replace(track, artists=tuple(reversed(artists)))
    if track.title.strip() and any(artist.strip() for artist in artists):
        assert compare(forward, backward).verdict is Verdict.MATCH


@pytest.mark.parametrize(
    "title", ["Love - Alone", "Love: Alone", "Love - 0", "Alone (Love)", " - Love", ": Love"]
)
@pytest.mark.parametrize("artists", [("", "Love"), ("Bob", "Love"), ("Bob", "Love", "Ann")])
def test_an_artist_who_opens_the_title_may_stand_anywhere_in_the_credit(
    title: str, artists: tuple[str, ...]
) -> None:
    there, back = (TrackDescription(title=title, artists=a) for a in (artists, artists[::-1]))
    assert compare(there, back).verdict is Verdict.MATCH


@given(DESCRIPTIONS, DESCRIPTIONS, st.permutations(["Queen", "David Bowie", "Björk", "YOASOBI"]))
def test_the_order_of_artists_after_the_first_changes_nothing(
    a: TrackDescription, b: TrackDescription, artists: list[str]
) -> None:
    first = "Prince"
    forward = dataclasses.replace(a, artists=(first, *artists))
    backward = dataclasses.replace(a, artists=(first, *reversed(artists)))
    other = dataclasses.replace(b, artists=(first, *b.artists))
    assert compare(forward, other) == compare(backward, other)


@given(DESCRIPTIONS, DESCRIPTIONS, st.sampled_from(["duration_ms", "isrc", "mbid"]))
def test_a_field_that_one_side_alone_has_changes_nothing(
    a: TrackDescription, b: TrackDescription, name: str
) -> None:
    empty = {"duration_ms": None, "isrc": "", "mbid": ""}
    bare = dataclasses.replace(a, **{name: empty[name]})
    other = dataclasses.replace(b, **{name: empty[name]})
    assert compare(a, other).verdict is compare(bare, other).verdict


@given(st.text(max_size=60))
def test_nothing_folds_to_the_empty_string(text: str) -> None:
    assert fold(text) or not text


@given(TEXTS, TEXTS)
def test_blocking_keys_name_keys_and_simpler_titles_are_total(title: str, artist: str) -> None:
    keys = blocking_keys(TrackDescription(title, (artist,)))
    assert keys
    assert all(0 < len(key) <= 64 for key in keys)
    assert 0 < len(name_key(artist, title)) <= 64
    assert all(isinstance(variant, str) and variant for variant in simplify_titles(title))


@pytest.mark.parametrize(
    "text",
    ["(" * 10_000, " - " * 3_300, "a" * 10_000, "'" * 10_000, "a " * 5_000, "feat. " * 1_600,
     "()" * 5_000, "Live / " * 1_400, "&" * 10_000, " " * 10_000, "夜" * 10_000, "1 " * 5_000,
     "part 1 " * 1_400, "\u0301" * 10_000, "ï¿" * 5_000, "a*" * 5_000, "*" * 10_000,
     "ゃ" * 10_000, "Я" * 10_000, "한" * 10_000, "i. " * 3_300, "x" * 9_990 + " movement",
     "feat. A & " * 1_000, "&amp;" * 2_000, " , " * 3_300, "( x " * 2_500, "ﷺ" * 1_000],
    ids=lambda text: repr(text[:8]),
)  # fmt: skip
def test_work_of_compare_grows_no_faster_than_the_text(text: str) -> None:
    """So long that an expression which goes back and forth would not end."""

    def make(text: str) -> tuple[TrackDescription, TrackDescription]:
        odd = TrackDescription(text, (text,), album=text)
        return odd, TrackDescription(text[1:] + "x", (text[1:] + "y",), album=text[1:])

    assert _count_steps(*make(text * 20)) < 12 * _count_steps(*make(text * 2))


def test_work_of_compare_grows_no_faster_than_the_number_of_artists() -> None:
    def make(mark: str, count: int) -> TrackDescription:
        names = (" & ".join(f"{mark}{i}x{j}xyz" for j in range(count)) for i in range(50))
        return TrackDescription("Song", ("Same", *names))

    few, many = (_count_steps(make("m", count), make("n", count)) for count in (10, 50))
    assert many < 6 * few


def _count_steps(a: TrackDescription, b: TrackDescription) -> int:
    """Return how many functions are called to compare two descriptions."""
    compare(a, a)  # what is made once
    steps = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        compared = compare(a, b)
    finally:
        sys.setprofile(None)
    assert isinstance(compared, Comparison)
    return steps
