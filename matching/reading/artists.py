"""Artist credits as sets of names, whether a service joined them into one string or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from matching.reading.alias_files import drop_article, load_aliases, load_whole_names, squash_name
from matching.reading.normalize import fold, word_set, write_umlauts

# What stands between names in a joined credit; the plus of "Mamamoo+" ends a name. Alternatives
# without nesting: linear time.
_JOINTS = re.compile(
    r"\s*(?:[,;/&×|•、，]|\+(?=\s*\w))\s*|\s+(?:and|x(?!\s+(?:[&,+]|and\s))|vs\.?|(?-i:v\.?)|feat\.?|ft\.?|featuring|(?:duet\s+)?with|con|y|(?-i:e)|und|et|pres\.?"
    r"|presents)\s+|\s*[()\[\]]\s*",
    re.IGNORECASE,
)
# What belongs to the name before it: "Frank Sinatra, Jr.", "Nirvana (UK)", "Hole (2)".
_SUFFIX = re.compile(
    r"\s*,\s*((?:jr|sr|junior|senior)\b\.?)"
    r"|\s*[(\[]((?:uk|us|usa|can|canada|aus|australia|nz|ger|germany|fr|france|swe|sweden|jp|japan"
    r"|band|rapper|dj|singer|producer|duo|\d{1,2}))[)\]]",
    re.IGNORECASE,
)
_GUEST_MARK = re.compile(
    r"^\W*(?:feat\.?|ft\.?|featuring|(?:duet )?with|w/|con|and|&)\s+|^&\s*", re.IGNORECASE
)
_GUEST_END = " from the "  # "Duet with Peabo Bryson from the Soundtrack …"
_GUEST_SPLIT = re.compile(
    r"\s*[(\[]?\b(?:(?:feat|ft)\.\s*|(?:feat|ft|featuring|w/)\s+)", re.IGNORECASE
)

# An act that plays other people's songs, or a maker of backing tracks.
_IMITATORS = word_set("tribute karaoke imitators lullaby backing cover covers singalong")

# Of "Original Broadway Cast"; the cast of a film is who sings on it everywhere.
_STAGES = word_set("broadway london original revival west off tour touring stage toronto")
_LONGEST_WHOLE = 60  # letters of such a name
_MOST_JOINED = 5  # pieces of one name: "Crosby, Stills, Nash & Young"
_MOST_NAMES = 64  # of an orchestra with its choir; names are held against each other


# Where a service or a file names nobody.
NOBODY = frozenset(
    {
        "various artists", "various artist", "various interprets", "various", "va", "v a",
        "unknown artist", "unknown", "artista desconocido", "artiste inconnu", "varios artistas",
        "artisti vari", "verschiedene interpreten", "unbekannter kunstler",
        "unbekannter interpret", "artistes varies", "no artist", "n a",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit taken apart. All names are folded, without a leading article.

    ``wholes``: the names as given, one each. ``main``: names before any "feat.", joined strings
    split. ``everyone``: ``main`` and guests, those of the title included. ``names``: every name
    as given, split at every joint, bands' names too, for "Macklemore; Ryan Lewis"; ``pieces``:
    the same as a set. ``family``: the first of two who share the last name, in full. ``act``: the
    name of a known act whose people a list names one by one. ``cast``: it names the cast of a
    stage. ``written``: the first name with its umlauts written out, if it has any. ``featured``: it
    says itself who is featured.
    """

    wholes: tuple[str, ...]
    main: frozenset[str]
    everyone: frozenset[str]
    names: tuple[str, ...]
    pieces: frozenset[str]
    primary: str
    imitator: bool
    cast: bool
    written: str = ""
    family: str = ""
    act: str = ""
    featured: bool = False


def read_credit(artists: tuple[str, ...], guests: tuple[str, ...] = ()) -> Credit:
    """Return the credit of ``artists``, with ``guests`` as a title names them ("feat. X")."""
    wholes: list[str] = []
    main: list[str] = []
    featured: list[str] = []
    pieces: list[str] = []
    for artist in artists:
        if not artist.strip():
            continue
        artist = _tie_suffixes(artist)
        head, *tail = _GUEST_SPLIT.split(artist)
        if tail and fold_name(artist) in load_whole_names():
            head, tail = artist, []  # "Maze featuring Frankie Beverly"
        names = split_names(head) or split_names(artist)
        wholes.append(fold_name(head) or fold_name(artist))
        main.extend(names)
        pieces.extend(_split_all(artist))
        for guest in tail:
            featured.extend(split_names(guest))
    says_featured = bool(featured)
    for guest in guests:
        featured.extend(read_guests(guest))
    main, featured = main[:_MOST_NAMES], featured[:_MOST_NAMES]
    names = tuple(dict.fromkeys(pieces))[:_MOST_NAMES]
    return Credit(
        wholes=tuple(dict.fromkeys(wholes)),
        main=frozenset(main),
        everyone=frozenset(main + featured),
        names=names,
        pieces=frozenset(names),
        primary=main[0] if main else "",
        imitator=any(not _IMITATORS.isdisjoint(whole.split()) for whole in wholes),
        cast=any(_names_cast(whole.split()) for whole in wholes),
        written=fold_name(write_umlauts(artists[0])) if artists else "",
        family=_read_family(wholes[0]) if wholes else "",
        act=_read_act(artists),
        featured=says_featured,
    )


def read_guests(text: str) -> tuple[str, ...]:
    """Return the names in "feat. Jess Glynne & Macklemore", folded."""
    return split_names(_GUEST_MARK.sub("", text).partition(_GUEST_END)[0])


def _tie_suffixes(artist: str) -> str:
    """Return "Frank Sinatra Jr." for "Frank Sinatra, Jr.", "Nirvana UK" for "Nirvana (UK)"."""
    if "," not in artist and "(" not in artist and "[" not in artist:
        return artist
    return _SUFFIX.sub(lambda found: f" {found[1] or found[2]}", artist)


def _names_cast(words: list[str]) -> bool:
    return "cast" in words and not _STAGES.isdisjoint(words)


def _read_act(artists: tuple[str, ...]) -> str:
    """Return "daryl hall and john oates" for a list of the two, else ""."""
    if not 1 < len(artists) <= _MOST_JOINED:
        return ""
    joined = fold_name(" & ".join(artists))
    return joined if joined in load_whole_names() else ""


def _read_family(whole: str) -> str:
    """Return "paul mccartney" for "paul and linda mccartney", else ""."""
    words = whole.split()
    if len(words) == 4 and words[1] == "and" and words[2] not in ("the", "his", "her"):
        return f"{words[0]} {words[3]}"
    return ""


@lru_cache(maxsize=8192)
def split_names(credit: str) -> tuple[str, ...]:
    """Return the names in a joined credit, folded; a known band with a joint in its name whole.

    >>> split_names("Ben Böhmer, Nils Hoffmann & Malou")
    ('ben bohmer', 'nils hoffmann', 'malou')
    """
    whole = fold_name(credit)
    if whole in load_whole_names():
        return (whole,)
    names = list(_join_wholes(credit))
    if not names or (len(names) > 1 and len(set(names)) == 1):  # "Jack & Jack" are one act
        return (whole,) if whole else ()
    return tuple(dict.fromkeys(names))


def _join_wholes(credit: str) -> Iterator[str]:
    """Yield the names between the joints of ``credit``, those of a known act in one: "Earth, Wind &
    Fire & The Emotions" names two."""
    joints = [found.span() for found in _JOINTS.finditer(credit)]
    starts, ends = [0, *(end for _, end in joints)], [*(start for start, _ in joints), len(credit)]
    index = 0
    known = load_whole_names()
    while index < len(starts):
        last = min(index + _MOST_JOINED, len(starts))
        while last > index + 1 and ends[last - 1] - starts[index] > _LONGEST_WHOLE:
            last -= 1
        for stop in range(last, index, -1):
            name = fold_name(credit[starts[index] : ends[stop - 1]].strip())
            if stop == index + 1 or name in known:
                break
        if name:
            yield name
        index = stop


def cut_credit(text: str) -> list[str]:
    """Return what stands between the joints of a credit or of "feat. X & Y", as written."""
    pieces = (_GUEST_MARK.sub("", piece).strip() for piece in _JOINTS.split(text))
    return [piece for piece in pieces if piece]


@lru_cache(maxsize=8192)
def _split_all(credit: str) -> tuple[str, ...]:
    names = (fold_name(piece) for piece in _JOINTS.split(credit) if piece and piece.strip())
    return tuple(dict.fromkeys(name for name in names if name))


@lru_cache(maxsize=8192)
def fold_name(name: str) -> str:
    """Return an artist's name folded, without a leading article, and by its best-known alias."""
    folded = drop_article(fold(name.removesuffix(" - Topic")))  # a channel of YouTube's
    return load_aliases().get(squash_name(folded), folded)
