"""Do two titles, taken apart, name the same song?"""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz.distance import Levenshtein

from matching.descriptions import Evidence
from matching.normalize import squash, word_set
from matching.titles import Title

_LITTLE_WORDS = word_set("the a an and")


def compare_titles(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield evidence about the song: its words, its numbers and its parts."""
    yield from _compare_parts(a, b)
    yield _compare_words(a, b)


def _compare_parts(a: Title, b: Title) -> Iterator[Evidence]:
    if a.parts == b.parts or _numbers(a) == _numbers(b):
        return
    if a.parts and b.parts:
        text = f"part {', '.join(a.parts)} against part {', '.join(b.parts)}"
        yield Evidence("part", "differs", _in_order(text, a, b))
        return
    named = a.parts or b.parts
    kind = "doubt" if named[0] == "1" else "differs"
    yield Evidence("part", kind, f"part {', '.join(named)} only on one side")


def _in_order(text: str, a: Title, b: Title) -> str:
    """Return the text the same whichever way round the two are compared."""
    first, second = sorted((a.parts, b.parts))
    return f"part {', '.join(first)} against part {', '.join(second)}"


def _numbers(title: Title) -> list[str]:
    in_words = [w for w in title.full if any(c.isdigit() for c in w)]
    return sorted([*in_words, *title.parts])


def _compare_words(a: Title, b: Title) -> Evidence:
    core_a, core_b = squash(a.core), squash(b.core)
    if core_a == core_b and a.lead == b.lead and sorted(a.subtitles) == sorted(b.subtitles):
        return Evidence("title", "agrees", "titles equal" if a.text == b.text else _say_equal(a, b))
    if squash(a.full) == squash(b.full) or _skeleton(a.full) == _skeleton(b.full):
        return Evidence("title", "agrees", "titles equal but for signs and little words")
    if _numbers(a) != _numbers(b) and _numbers_matter(a, b):
        return Evidence("title", "differs", "the titles differ in a number")
    if core_a == core_b or _skeleton(a.core) == _skeleton(b.core):
        return _compare_subtitles(a, b)
    if squash(a.full) == core_b or squash(b.full) == core_a:
        return Evidence("title", "doubt", "a subtitle is on one side only")
    return _compare_spellings(a, b)


def _say_equal(a: Title, b: Title) -> str:
    aside = sorted({*a.harmless, *b.harmless})
    if aside:
        return "titles equal after setting aside " + " and ".join(f"'{text}'" for text in aside)
    return "titles equal but for spelling"


def _numbers_matter(a: Title, b: Title) -> bool:
    """Numbers in a subtitle that only one side has say no more than the subtitle itself."""
    in_core = [sorted(w for w in t.core if any(c.isdigit() for c in w)) for t in (a, b)]
    return in_core[0] != in_core[1] or bool(a.subtitles and b.subtitles)


def _compare_subtitles(a: Title, b: Title) -> Evidence:
    extra_a = {squash(words) for words in (*a.subtitles, a.lead) if words}
    extra_b = {squash(words) for words in (*b.subtitles, b.lead) if words}
    if extra_a == extra_b:
        return Evidence("title", "agrees", "titles equal but for the order of their subtitles")
    if not extra_a or not extra_b:
        return Evidence("title", "doubt", "a subtitle is on one side only")
    joined_a, joined_b = "".join(sorted(extra_a)), "".join(sorted(extra_b))
    likeness = Levenshtein.normalized_similarity(joined_a, joined_b)
    if extra_a & extra_b or likeness > 0.8:
        return Evidence("title", "doubt", "the subtitles differ a little")
    return Evidence("title", "differs", "the subtitles differ")


def _compare_spellings(a: Title, b: Title) -> Evidence:
    words_a, words_b = squash(a.full), squash(b.full)
    likeness = Levenshtein.normalized_similarity(words_a, words_b, score_cutoff=0.85)
    if likeness and min(len(words_a), len(words_b)) >= 6 and _numbers(a) == _numbers(b):
        return Evidence("title", "doubt", "the titles are spelled nearly alike")
    core_a, core_b = squash(a.core), squash(b.core)
    likeness = Levenshtein.normalized_similarity(core_a, core_b, score_cutoff=0.85)
    if likeness and min(len(core_a), len(core_b)) >= 6 and _numbers(a) == _numbers(b):
        return Evidence("title", "doubt", "the titles are spelled nearly alike")
    return Evidence("title", "differs", "different titles")


def _skeleton(words: tuple[str, ...]) -> str:
    """Return words without articles: "A Hazy Shade of Winter" is "Hazy Shade of Winter"."""
    return squash(tuple(w for w in words if w not in _LITTLE_WORDS)) or squash(words)
