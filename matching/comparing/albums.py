"""What the albums of two descriptions say, and what else means on one album or on two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from matching.comparing.nameless import is_nameless
from matching.descriptions import Evidence
from matching.reading.normalize import squash
from matching.reading.preparing import Prepared


def share_album(a: Prepared, b: Prepared) -> bool:
    """Tell whether both are on an album of one name that is not just the title's."""
    if not a.album.key or a.album.key != b.album.key:
        return False
    return a.album.key not in (squash(a.title.core), squash(b.title.core))


def compare_albums(a: Prepared, b: Prepared) -> Iterator[Evidence]:
    """Yield evidence about the albums, where both are known."""
    if not a.album.words or not b.album.words:
        return
    if a.album.key == b.album.key:
        yield Evidence("album", "agrees", "the same album", "album-equal")
    elif is_nameless(a.title) and is_nameless(b.title):
        text = "on different albums, of which each has such a track of its own"
        yield Evidence("album", "doubt", text, "album-other-section")
    else:
        yield Evidence("album", "note", "on different albums", "album-other")


def weigh_by_album(items: list[Evidence], a: Prepared, b: Prepared) -> list[Evidence]:
    """Return ``items`` as they count on one album or on two.

    One album doubts what names two tracks of it ("The Path", "The Path (A New Beginning)"), and no
    other spelling of its artist. On another album a longer name may be another take: "A Tout le
    Monde (Set Me Free)" was recorded again.
    """
    if share_album(a, b):
        kinds = {"artists-near": "note", "artists-second": "note"}
        albums = "the album is the same"
    elif a.album.key != b.album.key and a.album.words and b.album.words:
        kinds, albums = {}, "the albums differ"
    else:
        return items
    kinds["long-subtitle-one-side"] = "doubt"
    return [
        replace(item, kind=kinds[item.rule], text=f"{item.text}, and {albums}")
        if item.rule in kinds
        else item
        for item in items
    ]
