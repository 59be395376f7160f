"""Artist credits as sets of names, whether a service joined them into one string or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from matching.alias_files import (
    drop_article,
    load_aliases,
    load_apart,
    load_whole_names,
    squash_name,
)
from matching.normalize import LOST, fits, fold, word_set, write_umlauts
from matching.romanise import is_consonantal, is_latin, sound_alike

# What stands between names in a joined credit; the plus of "Mamamoo+" ends a name. Alternatives
# without nesting: linear time.
_JOINTS = re.compile(
    r"\s*(?:[,;/&×|•、，]|\+(?=\s*\w))\s*|\s+(?:and|x(?!\s+(?:[&,+]|and\s))|vs\.?|(?-i:v\.?)|feat\.?|ft\.?|featuring|(?:duet\s+)?with|con|y|e|und|et|pres\.?"
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
_FEW = 8  # names of a credit that are looked at for one spelled nearly alike
_FEW_SIGNS = 6  # of a name in a script of syllables or words
_LONGEST_WHOLE = 60  # letters of such a name
_MOST_JOINED = 5  # pieces of one name: "Crosby, Stills, Nash & Young"
_MOST_NAMES = 64  # of an orchestra with its choir; names are held against each other
_LONG_NAME = 5  # "Nas" is not named by "Lil Nas X"

_ENSEMBLES = word_set("trio quartet quintet sextet orchestra band combo ensemble")

# Where a service or a file names nobody.
_NOBODY = frozenset(
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


def compare_credits(a: Credit, b: Credit) -> str:
    """Return how two credits relate, strongest first.

    ``missing`` (one says nothing), ``equal``, ``primary`` (the same first artist), ``ensemble``
    (the same with a band's name), ``contained`` (all of one side's names, split at every joint,
    are on the other, its first one or two main ones among them), ``second`` (one's artist is named
    after another on the other), ``shared`` (another artist in common), ``near`` (spelled nearly
    alike, or one name within the other), ``other-script``, ``other``.
    """
    if not a.main or not b.main:
        return "missing"
    if (_NOBODY.issuperset(a.wholes) or _NOBODY.issuperset(b.wholes)) and a.wholes != b.wholes:
        return "missing"
    if len(a.wholes) == len(b.wholes) == 1 and frozenset((*a.wholes, *b.wholes)) in load_apart():
        return "other"
    if a.main == b.main or a.wholes == b.wholes or a.everyone == b.everyone:
        return "equal"
    if _squash_all(a.main) == _squash_all(b.main) or _name_family(a, b) or _name_family(b, a):
        return "equal"
    firsts_a, firsts_b = _list_firsts(a), _list_firsts(b)
    if firsts_a & firsts_b or _squash_all(firsts_a) & _squash_all(firsts_b):
        return "primary"
    if any(LOST in x + y and fits(x, y) for x in firsts_a for y in firsts_b):
        return "primary"
    if any(_are_ensemble(x, y) for x in firsts_a for y in firsts_b):
        return "ensemble"
    if any(_sound_alike(x, y) for x in firsts_a for y in firsts_b):
        return "primary"
    if _names_more(a, b) or _names_more(b, a):
        return "contained"
    if min(len(a.main), len(b.main)) > 1 and (a.main <= b.everyone or b.main <= a.everyone):
        return "contained"
    all_a, all_b = a.everyone | a.pieces, b.everyone | b.pieces
    if a.main <= all_b or b.main <= all_a:
        return "second"  # Aerosmith's "Walk This Way" and Run-DMC's with Aerosmith
    if all_a & all_b or all_a.intersection(_list_acts(b)) or all_b.intersection(_list_acts(a)):
        return "shared"
    if any(is_consonantal(x + y) and sound_alike(x, y) for x in firsts_a for y in firsts_b):
        return "near"  # "عمرو مصطفى" is Amr, and Omar too
    near_a, near_b = firsts_a.union(a.names[:_FEW]), firsts_b.union(b.names[:_FEW])
    if any(_are_near(x, y) for x in near_a for y in near_b):
        return "near"
    if all(is_latin(x) != is_latin(y) for x in firsts_a for y in firsts_b):
        return "other-script"
    return "other"


def _name_family(a: Credit, b: Credit) -> bool:
    """Tell whether ``a`` is "Inez & Charlie Foxx" and ``b`` is "Inez Foxx and Charlie Foxx"."""
    return bool(a.family) and b.main == {a.family, a.names[-1]}


def _names_more(a: Credit, b: Credit) -> bool:
    """Tell whether ``a`` names all of ``b`` and more, the first of ``a`` among them; "Crosby,
    Stills, Nash & Young" is an act of its own, not one more than "Crosby, Stills & Nash"."""
    if len(b.pieces) < 2 or not b.pieces <= a.pieces:
        return False
    known = load_whole_names()
    return a.names[0] in b.pieces and not (a.wholes[0] in known and b.wholes[0] in known)


def _list_acts(credit: Credit) -> set[str]:
    return {name for name in (*credit.wholes, credit.family) if name}


def _list_firsts(credit: Credit) -> set[str]:
    """Return the forms in which a credit's first artist is named.

    The first of a known band counts where a list names that person too ("Macklemore & Ryan Lewis";
    "Macklemore"), and so does the first of a family ("Paul & Linda McCartney").
    """
    firsts = {credit.primary, credit.wholes[0]}
    if credit.names and credit.names[0] in credit.main:
        firsts.add(credit.names[0])
    family = "" if credit.wholes[0] in load_whole_names() else credit.family
    firsts.update(name for name in (family, credit.act, credit.written) if name)
    return firsts


def _sound_alike(a: str, b: str) -> bool:
    """Tell whether one name in another script is written as the other sounds: "Кино", "Kino"."""
    if is_latin(a) == is_latin(b) or is_consonantal(a + b):
        return False
    return sound_alike(a, b)


def find_unmatched(a: Credit, b: Credit) -> list[str]:
    """Return the names of ``a`` without a counterpart in ``b``, in order.

    "pharrell" and "pharrell williams" are counterparts, "roddy rich" and "roddy ricch" too.
    """
    if a.everyone <= b.everyone:
        return []
    others = b.everyone | b.pieces | frozenset(b.wholes)
    text = squash_name(" ".join(sorted(others)))
    missing = (
        name
        for name in a.everyone - others
        if len(name) < _LONG_NAME or squash_name(name) not in text
    )
    return sorted(
        name
        for name in missing
        if not any(
            _share_words(name, other)
            or _are_near(name, other)
            or fits(name, other)
            or _sound_alike(name, other)
            for other in others
        )
    )


def _share_words(a: str, b: str) -> bool:
    shorter, longer = sorted((a.split(), b.split()), key=len)
    length = len(shorter)
    return longer[:length] == shorter or longer[-length:] == shorter


def _squash_all(names: frozenset[str] | set[str]) -> frozenset[str]:
    return frozenset(map(squash_name, names))


def _are_ensemble(a: str, b: str) -> bool:
    """Tell whether one is the other with a band: "Prince" and "Prince & The Revolution",
    "The Supremes" and "Diana Ross & The Supremes", "Ramsey Lewis" and "Ramsey Lewis Trio"."""
    shorter, longer = sorted((a.split(), b.split()), key=len)
    extra = len(longer) - len(shorter)
    if not extra or not shorter or len(" ".join(shorter)) < 4:
        return False
    if longer[: len(shorter)] == shorter:
        if len(shorter) == 1:
            return False  # "Mike" and "Mike + The Mechanics"
        rest = longer[len(shorter) :]
        return rest[:2] in (["and", "the"], ["and", "his"], ["and", "her"]) or (
            len(rest) == 1 and rest[0] in _ENSEMBLES
        )
    return longer[-len(shorter) :] == shorter and longer[extra - 2 : extra] == ["and", "the"]


def _are_near(a: str, b: str) -> bool:
    if not is_latin(a) or not is_latin(b):
        signs_a, signs_b = ("".join(c for c in name if not c.isascii()) for name in (a, b))
        # One sign is a syllable or a word: "鏡音リン V4X" is not "鏡音レン V4X".
        if signs_a != signs_b and max(len(signs_a), len(signs_b)) <= _FEW_SIGNS:
            return False
    words_a, words_b = a.split(), b.split()
    shorter, longer = sorted((words_a, words_b), key=len)
    if (
        shorter
        and len(" ".join(shorter)) >= 4
        and (longer[: len(shorter)] == shorter or longer[-len(shorter) :] == shorter)
    ):
        return True  # "Soulja Boy" and "Soulja Boy Tell 'Em", "Supremes" and "Ross & Supremes"
    if len(shorter) == len(longer) - 1 > 1 and shorter == [longer[0], *longer[2:]]:
        return True  # "Bobby Pickett", "Bobby "Boris" Pickett"
    squashed_a, squashed_b = "".join(words_a), "".join(words_b)
    if min(len(squashed_a), len(squashed_b)) < 5:
        return False
    return Levenshtein.normalized_similarity(squashed_a, squashed_b, score_cutoff=0.8) > 0
