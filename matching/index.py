"""Candidates for many tracks at once, without comparing all with all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from matching.descriptions import TrackDescription
from matching.page_names import shorten_key
from matching.reading.alias_files import load_readings
from matching.reading.normalize import drop_doubles, squash, word_set
from matching.reading.preparing import Prepared, prepare
from matching.reading.romanise import list_consonants, romanise

KeyT = TypeVar("KeyT", bound=Hashable)

_LITTLE_WORDS = word_set("the a an and of")
# Other spellings of one name differ in vowels first, then in these.
_ALIKE = str.maketrans("gbdzlv", "kptsrp")
_LENGTH = 5
_SHORT = 3  # "I Owe You" has no consonant: its letters are the key
_ARTISTS = 3


def blocking_keys(description: TrackDescription | Prepared) -> tuple[str, ...]:
    """Return one to a few keys of which two descriptions of one recording share at least one.

    A key is the first consonants of an artist's name and those of the title's core, as written in
    Latin letters (``"n:tptp:ntrpr"``), for the first artists of the credit, joined or not; and the
    ISRC. At most 64 characters each.
    """
    prepared = description if isinstance(description, Prepared) else prepare(description)
    titles = dict.fromkeys(
        _shorten(reading) for words in _list_titles(prepared) for reading in _list_readings(words)
    )
    artists = dict.fromkeys(_shorten(words) for words in _list_artists(prepared))
    keys = [f"n:{artist}:{title}" for artist in artists or [""] for title in titles]
    if prepared.isrc:
        keys.append(f"i:{prepared.isrc}")
    return tuple(shorten_key(key) for key in keys)


def _list_titles(prepared: Prepared) -> Iterator[tuple[str, ...]]:
    """Yield the core, what else may be the title elsewhere ("강남스타일 (Gangnam Style)") and,
    where the core is short or a bracket opens the title, the whole."""
    title = prepared.title
    yield title.core
    yield from title.subtitles[:1]
    if title.lead or (title.subtitles and len(_shorten(title.core)) < _LENGTH):
        yield title.full


def _list_readings(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words and what they are a known reading of."""
    yield words
    squashed = squash(words)
    if squashed in load_readings():
        yield (load_readings()[squashed],)


def _list_artists(prepared: Prepared) -> Iterator[tuple[str, ...]]:
    """Yield the first artist as a whole, the first of a family in full, then the first names of the
    credit split at each joint."""
    credit = prepared.credit
    for name in (*credit.wholes[:1], credit.family, credit.act, *credit.names[:_ARTISTS]):
        if name:
            yield tuple(name.split())


def _shorten(words: tuple[str, ...]) -> str:
    kept = tuple(w for w in words if w not in _LITTLE_WORDS) or words
    key = list_consonants(" ".join(kept))
    if len(key) < _SHORT:
        key = drop_doubles(romanise("".join(kept)) or squash(kept).replace(" ", ""))
    return key.translate(_ALIKE)[:_LENGTH]


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
