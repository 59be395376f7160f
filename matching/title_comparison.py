"""Do two titles, taken apart, name the same song?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from rapidfuzz.distance import OSA

from matching.alias_files import load_readings
from matching.descriptions import Evidence
from matching.normalize import (
    LOST,
    NUMBER_WORDS,
    fits,
    split_title_words,
    split_words,
    squash,
    word_set,
)
from matching.notes import Note
from matching.romanise import is_latin, sound_alike
from matching.tags import HARMLESS, OF_VERSIONS, SOURCE_WORDS, SURE_ROMAN
from matching.titles import Title

_LITTLE_WORDS = word_set("the a an and")
_AND_ELSEWHERE = word_set("y und et")  # "Fútbol & Rumba", "Fútbol y Rumba"
_KEYS = word_set("minor moll flat sharp")  # "Sonata in C", "Sonata in C Minor"
_PLACES = word_set("at from in on for inside")
_CAUSES = word_set("support aid memory honor honour")  # "- In Support Of The … Fund"
_PREPOSITIONS = word_set("in on of to for at")
_SECTIONS = word_set("intro outro interlude prelude")  # "KOTMS II INTRO" and "KOTMS II OUTRO"
# "My Heart Can't Tell You No" and "… Tell Me No"; "I Been Born Again" and "I've …"
_SMALL_WORDS = word_set(
    "am is are was were i ive im id you me my your it its is the a an in on of to for at so no"
)

# A subtitle of this many words on one side only is the song's longer name: in the labelled pairs
# "Silent Running (On Dangerous Ground)" always was. A shorter one may name a version: "(Day)".
_LONG_SUBTITLE = 3
_NEARLY_ALIKE = 0.79
_MANY_WORDS = 3
_SHORT_SOUND = 4
_LONG_WORD = 8  # "starring" is not "staring"
_SEPARATORS = "/:,"
_SHORT_TITLE = 6

_TRACK_NUMBER = re.compile(r"\d{1,2}\s*[.)_]\s*[^\W\d]")
_UMLAUTS = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa",
        "ø": "oe", "Ø": "Oe",
    }
)  # fmt: skip
# "Op. 27 No. 2", "K. 626", "BWV 1007"
_CATALOGUE = re.compile(
    r"\b((?:(?:op|opus|kv|bwv|hwv|rv|woo)\.? ?|(?:k|d|hob)\. ?)\d+[a-z]?)"
    r"(?:,? (?:no|nr)\. ?\d+)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")


def compare_titles(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield evidence about the song: its words, its numbers and its parts."""
    yield from _compare_parts(a, b)
    yield _compare_words(a, b)
    if a.harmless and b.harmless:
        yield from _compare_sources(a, b)


def _compare_sources(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield a doubt where each side names another film: "Main Title - From "Jurassic Park"" and
    "Main Title - From "Star Wars""."""
    source_a, source_b = _read_source(a), _read_source(b)
    if source_a and source_b and source_a.isdisjoint(source_b):
        named = " and ".join(f"'{text}'" for text in sorted({*a.harmless, *b.harmless}))
        yield Evidence("title", "doubt", f"from different sources: {named}", "other-source")


def _read_source(title: Title) -> frozenset[str]:
    """Return the words that name the film or album that a title is said to be from."""
    return frozenset(
        word
        for note in title.notes
        if note.meaning == "harmless" and "from" in note.words
        for word in note.words
        if word not in SOURCE_WORDS and word not in HARMLESS and word not in _SMALL_WORDS
    ) - {"from"}


def _compare_parts(a: Title, b: Title) -> Iterator[Evidence]:
    if a.parts == b.parts or _numbers(a) == _numbers(b):
        return
    if a.parts and b.parts:
        first, second = sorted((a.parts, b.parts))
        text = f"part {', '.join(first)} against part {', '.join(second)}"
        yield Evidence("part", "differs", text, "other-part")
        return
    named = a.parts or b.parts
    kind, rule = ("doubt", "part-1-one-side") if named[0] == "1" else ("differs", "part-one-side")
    yield Evidence("part", kind, f"part {', '.join(named)} only on one side", rule)


def _numbers(title: Title) -> list[str]:
    return sorted([*_read_numbers(title.full), *title.parts])


def _read_numbers(words: tuple[str, ...]) -> list[str]:
    """Return the numbers in words; "BWV1007" has the one of "BWV 1007"."""
    return [n for word in words if not word.isalpha() for n in _NUMBER.findall(word)]


def _compare_words(a: Title, b: Title) -> Evidence:
    core_a, core_b = squash(a.core), squash(b.core)
    if core_a == core_b and a.lead == b.lead and sorted(a.subtitles) == sorted(b.subtitles):
        return Evidence("title", "agrees", _say_equal(a, b), "title-equal")
    if squash(a.full) == squash(b.full) or _skeleton(a.full) == _skeleton(b.full):
        if _have_other_articles(a.full, b.full):
            text = "the titles have other articles"
            return Evidence("title", "doubt", text, "title-near")
        text = "titles equal but for signs and little words"
        return Evidence("title", "agrees", text, "title-equal")
    if _read_alike(a, b):
        return Evidence("title", "agrees", "titles equal as they are read", "title-romanised")
    if core_b in _write_out(a) or core_a in _write_out(b):
        return _compare_subtitles(a, b)
    if LOST in core_a + core_b and fits(squash(a.full), squash(b.full)):
        text = "titles equal but for letters that are hidden or lost"
        return Evidence("title", "agrees", text, "title-equal")
    if (a.parts or b.parts) and squash(a.full + a.parts) == squash(b.full + b.parts):
        return Evidence("title", "agrees", "titles equal, parts included", "title-equal")
    if _opens_with_track_number(a, b) or _opens_with_track_number(b, a):
        text = "one title opens with what may be a track's number"
        return Evidence("title", "doubt", text, "track-number")
    if _name_same_work(a, b):
        text = "the same catalogue number, but written otherwise"
        return Evidence("title", "doubt", text, "catalogue-equal")
    if _catalogued(a, b) or _catalogued(b, a):
        text = "only one title has a catalogue number"
        return Evidence("title", "doubt", text, "catalogue-one-side")
    if _numbers_in_core(a) != _numbers_in_core(b) and _numbers(a) != _numbers(b):
        return Evidence("title", "differs", _say_numbers(a, b), "other-number")
    if _has_two_names(a, b) or _has_two_names(b, a):
        text = "one side names the title in two scripts"
        return Evidence("title", "agrees", text, "title-romanised")
    if a.subtitles == (b.core,) and b.subtitles == (a.core,):  # "Volare (Nel blu, dipinto di blu)"
        text = "titles equal, each with the other's core as subtitle"
        return Evidence("title", "agrees", text, "title-equal")
    if core_a == core_b or _skeleton(a.core) == _skeleton(b.core) or fits(core_a, core_b):
        return _compare_subtitles(a, b)
    if squash(a.full) == core_b or squash(b.full) == core_a:
        longer = b if squash(a.full) == core_b else a
        return _weigh_subtitles(a, b, *longer.subtitles, longer.lead)
    return _compare_spellings(a, b)


def _name_same_work(a: Title, b: Title) -> bool:
    """Tell whether both titles name one catalogue number and no other numbers but on one side:
    "Violin Concerto, Op. 8 No. 1, RV 269: I. Allegro", "Violin Concerto, RV 269 - 1. Allegro"."""
    works_a, works_b = (
        {squash(split_words(w)) for w in _CATALOGUE.findall(title.core_text)} for title in (a, b)
    )
    numbers_a, numbers_b = Counter(_numbers(a)), Counter(_numbers(b))
    return not works_a.isdisjoint(works_b) and (numbers_a <= numbers_b or numbers_b <= numbers_a)


def _catalogued(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is ``b`` with a catalogue number: "Requiem, K. 626: Lacrimosa"."""
    if not _CATALOGUE.search(a.core_text) or _CATALOGUE.search(b.core_text):
        return False
    return squash(split_title_words(_CATALOGUE.sub(" ", a.core_text))) == squash(b.core)


def _opens_with_track_number(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is ``b`` after a number: "1.Weather Balloons" and "Weather Balloons"."""
    return a.core[1:] == b.core and bool(_TRACK_NUMBER.match(a.core_text))


def _say_equal(a: Title, b: Title) -> str:
    if a.text == b.text:
        return "titles equal"
    aside = sorted({*a.harmless, *b.harmless})
    if aside:
        return "titles equal after setting aside " + " and ".join(f"'{text}'" for text in aside)
    return "titles equal but for spelling"


def _say_numbers(a: Title, b: Title) -> str:
    """Return "the titles differ in a number: 21 against 22"."""
    numbers_a, numbers_b = Counter(_numbers(a)), Counter(_numbers(b))
    sides = sorted(
        ", ".join(sorted(only)) for only in (numbers_a - numbers_b, numbers_b - numbers_a) if only
    )
    only = " only on one side" if len(sides) == 1 else ""
    return f"the titles differ in a number: {' against '.join(sides)}{only}"


def _numbers_in_core(title: Title) -> list[str]:
    """Numbers in a subtitle that only one side has say no more than the subtitle itself."""
    return sorted(_read_numbers(title.core))


def _compare_subtitles(a: Title, b: Title) -> Evidence:
    extra_a = {words for words in (*a.subtitles, a.lead) if words}
    extra_b = {words for words in (*b.subtitles, b.lead) if words}
    squashed_a, squashed_b = ({squash(w) for w in extra} for extra in (extra_a, extra_b))
    if squashed_a == squashed_b:
        text = "titles equal but for the order of their subtitles"
        return Evidence("title", "agrees", text, "title-equal")
    if squashed_a <= squashed_b or squashed_b <= squashed_a:
        longer, shorter = (extra_a, squashed_b) if extra_a > extra_b else (extra_b, squashed_a)
        if len(squashed_a) > len(squashed_b):
            longer, shorter = extra_a, squashed_b
        extra = (words for words in longer if squash(words) not in shorter)
        return _weigh_subtitles(a, b, *extra)
    joined_a, joined_b = "".join(sorted(squashed_a)), "".join(sorted(squashed_b))
    shared = _count_shared(extra_a, extra_b)
    if shared > 0.5 or OSA.normalized_similarity(joined_a, joined_b) > _NEARLY_ALIKE:
        return Evidence("title", "doubt", "the subtitles differ a little", "subtitles-near")
    return Evidence("title", "differs", "the subtitles differ", "other-subtitle")


def _count_shared(a: set[tuple[str, ...]], b: set[tuple[str, ...]]) -> float:
    """Return the share (0 to 1) of the words of the longer subtitles that both have."""
    words_a, words_b = (Counter(w for words in extra for w in words) for extra in (a, b))
    return (words_a & words_b).total() / max(words_a.total(), words_b.total())


def _weigh_subtitles(a: Title, b: Title, *extra: tuple[str, ...]) -> Evidence:
    """Weigh the subtitles that one side has and the other has not."""
    notes = [n for title in (a, b) for n in title.notes if n.words and n.words in extra]
    named = " and ".join(sorted({f"'{note.text}'" for note in notes}))
    text = f"the subtitle {named} is on one side only" if named else "a subtitle is on one side"
    whole = not a.cut_off and not b.cut_off
    if notes and whole and all(_is_long(n) and not _names_place(n) for n in notes):
        return Evidence("title", "agrees", text, "long-subtitle-one-side")
    return Evidence("title", "doubt", text, "subtitle-one-side")


def _names_place(note: Note) -> bool:
    """Tell "- From the Basement", which says where it was played, from "(From Me to You)"."""
    return note.place == "dash" and note.words[0] in _PLACES and _CAUSES.isdisjoint(note.words[1:2])


def _is_long(note: Note) -> bool:
    """Tell whether a subtitle is long enough to be no version, and no movement either: "(Three
    Stars Will Shine Tonight)", but not "(III. Allegro ma non troppo)"."""
    words = tuple(word for word in note.words if word != "and")  # "(U & I)"
    first = note.text.split()[0].casefold()
    if not words or words[0] in SURE_ROMAN or not OF_VERSIONS.isdisjoint(words):
        return False
    if not words[0].isalpha() and first not in NUMBER_WORDS:
        return False
    if len(words) == _LONG_SUBTITLE and words[1] == "by":  # "(Avicii by Avicii)"
        return False
    return len(words) >= _LONG_SUBTITLE + 2 * any(map(str.isdigit, note.text))


def _compare_spellings(a: Title, b: Title) -> Evidence:
    if _numbers(a) == _numbers(b) and _lack_little_word(a.full, b.full):
        text = "long titles, equal but for one little word"
        return Evidence("title", "agrees", text, "title-respelled")
    one_number = _read_numbers(a.full) == _read_numbers(b.full)  # parts speak for themselves
    if sorted(a.full) == sorted(b.full) and not _numbers(a):
        text = "the titles have the same words in another order"
        return Evidence("title", "doubt", text, "title-near")
    if one_number and (_are_near(a.full, b.full) or _are_near(a.core, b.core)):
        return Evidence("title", "doubt", "the titles are spelled nearly alike", "title-near")
    if is_latin("".join(a.full)) != is_latin("".join(b.full)):
        if _numbers(a) == _numbers(b) and _sound_alike(a, b):
            text = "titles equal, each in another script"
            return Evidence("title", "agrees", text, "title-romanised")
        text = "the titles are in different scripts"
        return Evidence("title", "doubt", text, "other-script")
    if _numbers(a) == _numbers(b) and (_names_half(a, b) or _names_half(b, a)):
        text = "one title is but a part of the other"
        return Evidence("title", "doubt", text, "title-longer")
    if _share_much(a.full, b.full):
        return Evidence("title", "differs", "the titles are alike in part", "title-partly-alike")
    return Evidence("title", "differs", "different titles", "other-title")


def _names_half(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is what stands on one side of a sign in ``b``, or three words and more at
    an end of it: "I Feel the Earth Move" and "It's Too Late/I Feel the Earth Move"."""
    if not _KEYS.isdisjoint(set(b.core) - set(a.core)):
        return False
    length = len(a.core)
    if length >= _MANY_WORDS and a.core in (b.core[:length], b.core[-length:]):
        return True
    if length > _MANY_WORDS and any(
        b.full[start : start + length] == a.core for start in range(len(b.full) - length + 1)
    ):
        return True  # "Can't Help Falling in Love", "(I Can't Help) Falling in Love with You"
    latin = tuple(word for word in b.core if word.isascii())
    if length > 1 and a.core == latin:
        return True  # "Moving On", "마지막 날에 Moving On"
    if not any(sign in b.core_text for sign in _SEPARATORS):
        return False
    halves = (half for sign in _SEPARATORS for half in b.core_text.split(sign, 1))
    return _skeleton(a.core) in {_skeleton(split_words(half)) for half in halves}


def _share_much(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether one title's words are all in the other, or most of the letters agree."""
    if set(a) <= set(b) or set(b) <= set(a):
        return True
    return OSA.normalized_similarity(squash(a), squash(b), score_cutoff=0.6) > 0


def _lack_little_word(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether one of two long titles has a little word more: "Was It All In My Head?" and
    "Was It All My Head?". One letter more or less may be another song: "Whenever", "Wherever"."""
    longer, shorter = sorted((a, b), key=len, reverse=True)
    return len(shorter) > _MANY_WORDS and any(
        word in _PREPOSITIONS and longer[:i] + longer[i + 1 :] == shorter
        for i, word in enumerate(longer)
    )


def _are_near(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell a spelling ("Peppermint", "Peppermints") from another word ("Gloria", "Kyrie")."""
    squashed_a, squashed_b = squash(a), squash(b)
    if min(len(squashed_a), len(squashed_b)) < _SHORT_TITLE:
        return False
    if not OSA.normalized_similarity(squashed_a, squashed_b, score_cutoff=_NEARLY_ALIKE):
        return False
    if len(a) != len(b):
        return True
    unlike = [(x, y) for x, y in zip(a, b, strict=True) if not _are_one_word(x, y)]
    return not unlike or (
        len(unlike) == 1 and len(a) > _MANY_WORDS and _SMALL_WORDS.issuperset(unlike[0])
    )


def _are_one_word(a: str, b: str) -> bool:
    if a != b and {a, b} <= _SECTIONS:
        return False
    return a == b or (min(len(a), len(b)) > 1 and OSA.normalized_similarity(a, b) >= 0.6)


def _sound_alike(a: Title, b: Title) -> bool:
    """Tell whether one title is written as the other sounds: "まつり", "Matsuri"."""
    return any(
        sound_alike(" ".join(one), " ".join(other), _SHORT_SOUND)
        for one, other in ((a.full, b.full), (a.core, b.core))
    )


def _have_other_articles(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell "A Man" from "The Man", where neither is just the other without its article."""
    articles_a, articles_b = (Counter(w for w in words if w in _LITTLE_WORDS) for words in (a, b))
    return not articles_a <= articles_b and not articles_b <= articles_a


def _has_two_names(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is the title ``b`` in two scripts: "강남스타일 (Gangnam Style)"."""
    if len(a.subtitles) != 1 or b.subtitles or a.lead or b.lead or a.parts != b.parts:
        return False
    core, other, wanted = squash(a.core), squash(a.subtitles[0]), squash(b.core)
    if is_latin(core) == is_latin(other) or _read_numbers(a.core) != _read_numbers(b.core):
        return False
    return wanted == other or (
        wanted == core
        and (
            load_readings().get(other, other) == load_readings().get(core, core)
            or sound_alike(" ".join(a.core), other, _SHORT_SOUND)
        )
    )


def _read_alike(a: Title, b: Title) -> bool:
    """Tell whether one title is a known reading of the other: "★", "Blackstar"."""
    readings = load_readings()
    for one, other in ((squash(a.full), squash(b.full)), (squash(a.core), squash(b.core))):
        if (one in readings or other in readings) and (
            readings.get(one, one) == readings.get(other, other)
        ):
            return True
    return False


def _skeleton(words: tuple[str, ...]) -> str:
    """Return words without articles: "A Hazy Shade of Winter" is "Hazy Shade of Winter". The last
    word stays: "Plan A".

    Neither does a doubled letter in a long word count ("Obsesión", "Obsession").
    """
    inner = range(1, len(words) - 1)
    kept = tuple(
        _undouble(word)
        for index, word in enumerate(words)
        if index + 1 == len(words)
        or not (word in _LITTLE_WORDS or (index in inner and word in _AND_ELSEWHERE))
    )
    return squash(kept) or squash(words)


def _write_out(title: Title) -> set[str]:
    """Return the core with its umlauts written out, if it has any: "fuer elise"."""
    written = title.core_text.translate(_UMLAUTS)
    return set() if written == title.core_text else {squash(split_title_words(written))}


def _undouble(word: str) -> str:
    if len(word) < _LONG_WORD or not word.isalpha():
        return word
    single = "".join(c for c, following in zip(word, word[1:] + " ", strict=True) if c != following)
    return single if len(single) >= _LONG_WORD else word
