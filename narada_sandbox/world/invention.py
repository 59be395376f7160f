"""Invented songs: any number, always the same, no two with the same title or the same name.

A number is turned into words by mixed arithmetic, not by chance, so that song 4,711 is the same
in every process and its title occurs once among the first half million.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

_WORDS = {
    name: words.split()
    for name, _, words in (
        line.partition("\t")
        for line in resources.files("narada_sandbox")
        .joinpath("data/words.tsv")
        .read_text("utf-8")
        .splitlines()
    )
}
_ADJECTIVES, _NOUNS, _PLACES = _WORDS["adjectives"], _WORDS["nouns"], _WORDS["places"]
_FIRST, _LAST = _WORDS["first"], _WORDS["last"]

TITLES = 500_000
_STRIDE = 314_159  # has no factor in common with TITLES, so it visits every number once


@dataclass(frozen=True, slots=True)
class Invention:
    """An invented song; ``isrc`` says whether it has one. See ``catalogue.Song`` for the rest."""

    title: str
    artists: tuple[str, ...]
    album: str
    duration_ms: int
    released: str
    isrc: bool
    relation: str = "same"
    lastfm_title: str = ""


def invent_title(number: int) -> str:
    """Return the title of song ``number``; distinct for numbers below TITLES."""
    rest = number * _STRIDE % TITLES
    shape, rest = rest % 5, rest // 5
    first, rest = _NOUNS[rest % len(_NOUNS)], rest // len(_NOUNS)
    other, rest = _ADJECTIVES[rest % len(_ADJECTIVES)], rest // len(_ADJECTIVES)
    place = _PLACES[rest % len(_PLACES)]
    return (
        f"{other} {first} in {place}",
        f"The {first} of {place} Is {other}",
        f"{place}, {other} {first}",
        f"My {other} {first} ({place} Nights)",
        f"{other} Like a {first} from {place}",
    )[shape]


def invent_artist(number: int) -> str:
    """Return the name of artist ``number``; distinct below some thousands."""
    kind, rest = number % 3, number // 3
    if kind == 0:
        return f"{_FIRST[rest % len(_FIRST)]} {_LAST[rest // len(_FIRST) % len(_LAST)]}"
    if kind == 1:
        noun = _NOUNS[rest // len(_ADJECTIVES) % len(_NOUNS)]
        return f"The {_ADJECTIVES[rest % len(_ADJECTIVES)]} {noun}"
    return f"{_NOUNS[rest % len(_NOUNS)]} {_PLACES[rest // len(_NOUNS) % len(_PLACES)]}"


def invent_album(number: int) -> str:
    """Return the album of song ``number``; three songs share one."""
    record = number // 3
    return f"{_ADJECTIVES[record * 17 % len(_ADJECTIVES)]} {_NOUNS[record * 29 % len(_NOUNS)]}"


def invent_song(number: int) -> Invention:
    """Return song ``number``: most are plain, a few have what real libraries have.

    Of a hundred: six carry "- 2011 Remaster" or the like, which Last.fm has not; three a
    featured artist; five more than one artist; two no ISRC.
    """
    title = invent_title(number)
    artists: tuple[str, ...] = (invent_artist(number // 6),)
    relation, lastfm_title = "same", ""
    match number % 100:
        case 7 | 27 | 47:
            relation, lastfm_title = "ghost", title
            title += f" - {2005 + number % 17} Remaster"
        case 13 | 33 | 53:
            relation, lastfm_title = "absent", title
            title += " - Remastered"
        case 19 | 39 | 59:
            guest = invent_artist(number // 6 + 1000)
            artists += (guest,)
            title += f" (feat. {guest})"
        case 21 | 41 | 61 | 81 | 91:
            artists += (invent_artist(number // 6 + 2000),)
    return Invention(
        title=title,
        artists=artists,
        album=invent_album(number),
        duration_ms=110_000 + number * 7_919 % 260_000,
        released=str(1965 + number // 3 * 31 % 61),
        isrc=number % 50 != 11,
        relation=relation,
        lastfm_title=lastfm_title,
    )
