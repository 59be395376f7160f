"""The numbers in titles: parts, works of a catalogue, and any other; a number is a veto."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rapidfuzz.distance import OSA

from matching.descriptions import Evidence
from matching.reading.normalize import split_words, squash
from matching.reading.notation import split_title_words
from matching.reading.romanise import is_all_latin
from matching.reading.titles import Title

# "Op. 27 No. 2", "K. 626", "BWV 1007"
_CATALOGUE = re.compile(
    r"\b((?:(?:op|opus|kv|bwv|hwv|rv|woo)\.? ?|(?:k|d|hob)\. ?)\d+[a-z]?)"
    r"(?:,? (?:no|nr)\. ?\d+)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
_ALIKE = 0.6  # of two words, where they may be spellings of one


def compare_parts(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield evidence about parts: "part 1 against part 2"; a first part alone is a doubt."""
    if a.parts == b.parts or list_numbers(a) == list_numbers(b):
        return
    if a.parts and b.parts:
        first, second = sorted((a.parts, b.parts))
        text = f"part {', '.join(first)} against part {', '.join(second)}"
        yield Evidence("part", "differs", text, "other-part")
        return
    named = a.parts or b.parts
    if len(named) > 1 and named == tuple(str(n) for n in range(1, len(named) + 1)):
        # "Funky Nassau" and "Funky Nassau, Pt. 1 & 2"
        text = f"all parts, {', '.join(named)}, named on one side"
        yield Evidence("part", "note", text, "all-parts")
        return
    kind, rule = ("doubt", "part-1-one-side") if named[0] == "1" else ("differs", "part-one-side")
    if is_all_latin(a.full) != is_all_latin(b.full):
        kind = "doubt"  # "거짓말", "Lies Part.2": titles in two scripts say the same in part
    yield Evidence("part", kind, f"part {', '.join(named)} only on one side", rule)


def list_numbers(title: Title) -> list[str]:
    """Return all numbers of a title as digits, parts included, sorted."""
    return sorted([*read_numbers(title.full), *title.parts])


def read_numbers(words: tuple[str, ...]) -> list[str]:
    """Return the numbers in words; "BWV1007" has the one of "BWV 1007"."""
    return [n for word in words if not word.isalpha() for n in _NUMBER.findall(word)]


def name_same_work(a: Title, b: Title) -> bool:
    """Tell whether both titles name one catalogue number and no other numbers but on one side:
    "Violin Concerto, Op. 8 No. 1, RV 269: I. Allegro", "Violin Concerto, RV 269 - 1. Allegro"."""
    works_a, works_b = (
        {squash(split_words(w)) for w in _CATALOGUE.findall(title.core_text)} for title in (a, b)
    )
    numbers_a, numbers_b = Counter(list_numbers(a)), Counter(list_numbers(b))
    return not works_a.isdisjoint(works_b) and (numbers_a <= numbers_b or numbers_b <= numbers_a)


def compare_movements(a: Title, b: Title) -> Evidence:
    """Weigh titles of one work by the movements that they name: "Requiem, K. 626: Lacrimosa" and
    "Requiem, K. 626: Dies irae" are two recordings."""
    named_a, named_b = (
        split_title_words(re.split(r": | - ", title.core_text)[-1]) for title in (a, b)
    )
    works = {bool(_CATALOGUE.search(" ".join(named))) for named in (named_a, named_b)}
    if works == {False} and named_a == named_b and not set(named_a) <= {"1"}:
        text = "the same catalogue number and movement"
        return Evidence("title", "agrees", text, "title-respelled")
    one, other = ({w for w in named if w.isalpha()} for named in (named_a, named_b))
    unlike = all(OSA.normalized_similarity(x, y) < _ALIKE for x in one for y in other)
    counted = read_numbers(named_a) and read_numbers(named_b)
    if ":" in a.core_text and ":" in b.core_text and one and other and unlike and not counted:
        return Evidence("title", "differs", "other movements of one work", "other-movement")
    text = "the same catalogue number, but written otherwise"
    return Evidence("title", "doubt", text, "catalogue-equal")


def is_catalogued(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is ``b`` with a catalogue number: "Requiem, K. 626: Lacrimosa"."""
    if not _CATALOGUE.search(a.core_text) or _CATALOGUE.search(b.core_text):
        return False
    return squash(split_title_words(_CATALOGUE.sub(" ", a.core_text))) == squash(b.core)


def say_numbers(a: Title, b: Title) -> str:
    """Return "the titles differ in a number: 21 against 22"."""
    numbers_a, numbers_b = Counter(list_numbers(a)), Counter(list_numbers(b))
    sides = sorted(
        ", ".join(sorted(only)) for only in (numbers_a - numbers_b, numbers_b - numbers_a) if only
    )
    only = " only on one side" if len(sides) == 1 else ""
    return f"the titles differ in a number: {' against '.join(sides)}{only}"


def list_core_numbers(title: Title) -> list[str]:
    """Numbers in a subtitle that only one side has say no more than the subtitle itself."""
    return sorted(read_numbers(title.core))
