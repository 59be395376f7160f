"""Which rows may be merged: the keys that find them say it without comparing all with all."""

from __future__ import annotations

import pytest

from connectors.records import ServiceTrack
from likes.blocking_keys import list_merge_keys
from likes.importing.merging import _may_be_merged


def make(title: str, *artists: str, isrc: str = "") -> ServiceTrack:
    return ServiceTrack(title, artists or ("Ada",), isrc=isrc)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (make("Hey Jude"), make("Hey Jude - Remastered 2009")),
        (make("Hey Jude - 2011 Remaster"), make("Hey Jude - Remastered 2009")),
        (make("Song", "Ada", "Ben"), make("SONG", "Ben", "Ada")),
        (make("Song", isrc="USUM71703861"), make("Another", isrc="USUM71703861")),
    ],
)
def test_what_may_be_merged_shares_a_key(one: ServiceTrack, other: ServiceTrack) -> None:
    assert set(list_merge_keys(one)) & set(list_merge_keys(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (make("Song 1"), make("Song 2")),
        (make("Song"), make("Song - Live")),
        (make("Song", "Ada"), make("Song", "Ada", "Ben")),
        (make("Song", "Ada Ben"), make("Song", "Ada", "Ben")),
    ],
)
def test_what_may_not_be_merged_shares_none(one: ServiceTrack, other: ServiceTrack) -> None:
    assert not set(list_merge_keys(one)) & set(list_merge_keys(other))


def test_numbered_titles_share_no_keys() -> None:
    keys = [key for number in range(500) for key in list_merge_keys(make(f"Song {number}"))]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("albums", "lengths", "merged"),
    [
        (("Haven", "Haven"), (None, None), True),
        (("Haven", "Haven (Deluxe Edition)"), (None, None), True),
        (("Insomnia", "Haven"), (None, None), True),  # a single
        (("", "Haven"), (None, None), True),
        (("Crimson Thunder", "One Crimson Night"), (None, None), False),  # a concert
        (("Ecliptica", "Ecliptica Revisited: 15th Anniversary Edition"), (None, None), False),
        (("Crimson Thunder", "One Crimson Night"), (200_000, None), False),
        (("Crimson Thunder", "Best Of"), (200_000, 201_000), True),
        (("Haven", "Haven"), (200_000, 260_000), False),
    ],
)
def test_merging_needs_one_length_or_where_nobody_tells_it_one_album(
    albums: tuple[str, str], lengths: tuple[int | None, int | None], merged: bool
) -> None:
    one, other = (
        ServiceTrack("Insomnia", ("Kamelot",), album=album, duration_ms=length)
        for album, length in zip(albums, lengths, strict=True)
    )
    assert _may_be_merged(one, other) == _may_be_merged(other, one) == merged
