"""Which rows may be merged: the keys that find them say it without comparing all with all."""

from __future__ import annotations

import pytest

from connectors.records import ServiceTrack
from likes.merging import list_merge_keys


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
