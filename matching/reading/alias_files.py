"""What no rule can know, read from ``aliases/``: other names, readings, and names to keep whole.

A folder of a user's own, named by ``NARADA_ALIASES``, may hold files of the same names; their lines
come on top of ours.
"""

from __future__ import annotations

import os
from functools import cache, lru_cache
from importlib import resources
from itertools import combinations
from pathlib import Path

from matching.reading.normalize import fold, split_words, squash

OWN_FOLDER = "NARADA_ALIASES"


class NamesUnreadable(ValueError):
    """The user's own names cannot be read; the text says which, and what to do."""


ARTICLES = frozenset({"the", "los", "las", "les", "die"})
# What follows "Les" and "Die" that are no articles: "Les Paul", "Die Young".
_NO_NOUNS = frozenset({"paul", "brown", "baxter", "mccann", "claypool", "young"})


def drop_article(folded: str) -> str:
    """Return a folded name without a leading article: "beatles"; "the the" and "a ha" whole."""
    first, _, rest = folded.partition(" ")
    second, _, more = rest.partition(" ")
    if first in ("les", "die") and not more and second in _NO_NOUNS:
        return folded
    is_article = first in ARTICLES or (first == "a" and more and len(second) > 1)  # "A. R. Rahman"
    return rest if rest and is_article and rest not in ARTICLES else folded


@lru_cache(maxsize=1)
def load_aliases() -> dict[str, str]:
    """Return squashed alias -> folded name, out of ``artists.tsv``."""
    aliases: dict[str, str] = {}
    acts: set[str] = set()
    for line in read_lines("artists.tsv"):
        names = [drop_article(fold(cell)) for cell in line.split("\t")]
        # A line of the user's may name an act of ours: all its names are then one act's.
        known = {aliases.get(squash_name(name), name) for name in names}
        first = names[0]
        best = first if len(known) == len(names) else aliases.get(squash_name(first), first)
        if not known.isdisjoint(acts):
            aliases |= {key: best for key, standing in aliases.items() if standing in known}
        acts.add(best)
        aliases |= {squash_name(name): best for name in (*names, *known) if name != best}
    return aliases


def squash_name(name: str) -> str:
    """Return a folded name without blanks: how names are looked up and held against each other."""
    return name.replace(" ", "")


@lru_cache(maxsize=1)
def load_whole_names() -> frozenset[str]:
    """Return the folded names of acts whose name has "&", "," or "and" inside."""
    return frozenset(drop_article(fold(line)) for line in read_lines("whole_names.txt"))


@lru_cache(maxsize=1)
def load_composers() -> dict[str, str]:
    """Return what a title may begin with, folded -> the composer's name, out of ``composers.txt``:
    the name in full, and the last word where it is no other word."""
    composers: dict[str, str] = {}
    for line in read_lines("composers.txt"):
        name = line.rstrip(" *")
        composers.setdefault(fold(name), name)
        if not line.endswith("*"):
            composers.setdefault(fold(name).split()[-1], name)
    return composers


@lru_cache(maxsize=1)
def load_apart() -> frozenset[frozenset[str]]:
    """Return pairs of folded names of acts that look like one and are two, out of ``apart.tsv``."""
    pairs: set[frozenset[str]] = set()
    for line in read_lines("apart.tsv"):
        names = [drop_article(fold(cell)) for cell in line.split("\t")]
        pairs.update(frozenset(pair) for pair in combinations(names, 2))
    return frozenset(pairs)


@lru_cache(maxsize=1)
def load_readings() -> dict[str, str]:
    """Return squashed title -> the squashed title in its own script, out of ``titles.tsv``."""
    readings: dict[str, str] = {}
    for line in read_lines("titles.tsv"):
        title, *others = (squash(split_words(cell)) for cell in line.split("\t"))
        readings.update(dict.fromkeys(others, title))
    return readings


@cache
def read_lines(name: str) -> tuple[str, ...]:
    """Return the lines of a file, the user's after ours, as this process first read them."""
    text = resources.files("matching").joinpath("aliases", name).read_text(encoding="utf-8")
    if folder := os.environ.get(OWN_FOLDER):
        text += "\n" + _read_own(Path(folder), name)
    lines = text.splitlines()
    return tuple(line for line in lines if line.strip() and not line.startswith("#"))


def _read_own(folder: Path, name: str) -> str:
    """Return the text of a file of the user's, "" if there is none."""
    own = folder / name
    try:
        if not folder.is_dir():
            raise NamesUnreadable(
                f"{folder} is no folder: set {OWN_FOLDER} to one that is, or to nothing"
            )
        return own.read_text(encoding="utf-8-sig") if own.is_file() else ""
    except OSError as error:
        raise NamesUnreadable(f"{own} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise NamesUnreadable(f"{own} is not UTF-8; save it as UTF-8") from error
