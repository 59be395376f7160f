"""Candidates for many tracks at once, without comparing all with all."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from matching.descriptions import TrackDescription
from matching.matcher import Prepared, prepare
from matching.names import shorten_key
from matching.normalize import squash, word_set

KeyT = TypeVar("KeyT", bound=Hashable)

_LITTLE_WORDS = word_set("the a an and of")
_TITLE_LENGTH = 8
_ARTIST_LENGTH = 12


def blocking_keys(description: TrackDescription | Prepared) -> tuple[str, ...]:
    """Return one to a few keys of which two descriptions of one recording share at least one.

    A key is the beginning of an artist's name and the beginning of the title's core, both folded
    (``"n:queen:undrpres"``), for the first artists of the credit; and the ISRC. At most 64
    characters each.
    """
    prepared = description if isinstance(description, Prepared) else prepare(description)
    title = _shorten_title(prepared.title.core)
    credit = prepared.credit
    artists = [_shorten_artist(name) for name in (credit.primary, *credit.wholes[:2]) if name]
    keys = [f"n:{artist}:{title}" for artist in dict.fromkeys(artists)] or [f"t:{title}"]
    if prepared.isrc:
        keys.append(f"i:{prepared.isrc}")
    return tuple(shorten_key(key) for key in keys)


def _shorten_title(core: tuple[str, ...]) -> str:
    words = tuple(w for w in core if w not in _LITTLE_WORDS) or core
    return squash(words).replace(" ", "")[:_TITLE_LENGTH]


def _shorten_artist(name: str) -> str:
    words = tuple(w for w in name.split() if w not in _LITTLE_WORDS) or (name,)
    return "".join(words)[:_ARTIST_LENGTH]


class Index(Generic[KeyT]):
    """Tracks by their blocking keys, in memory."""

    def __init__(self) -> None:
        self._by_key: dict[str, list[KeyT]] = {}

    def add(self, key: KeyT, description: TrackDescription | Prepared) -> None:
        """Add a track under the caller's own ``key`` for it."""
        for block in blocking_keys(description):
            self._by_key.setdefault(block, []).append(key)

    def candidates(self, description: TrackDescription | Prepared) -> list[KeyT]:
        """Return the keys of the tracks that may be ``description``, each once, as added."""
        found: dict[KeyT, None] = {}
        for block in blocking_keys(description):
            found.update(dict.fromkeys(self._by_key.get(block, ())))
        return list(found)
