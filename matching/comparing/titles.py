"""Do two titles, taken apart, name the same song?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from rapidfuzz.distance import OSA

from matching.comparing.numbers import (
    compare_movements,
    compare_parts,
    is_catalogued,
    list_core_numbers,
    list_numbers,
    name_same_work,
    read_numbers,
    say_numbers,
)
from matching.comparing.spellings import abbreviates, cleans_up, spells_with_digits
from matching.comparing.subtitles import NEARLY_ALIKE, compare_subtitles, weigh_subtitles
from matching.descriptions import Evidence
from matching.reading.alias_files import load_readings
from matching.reading.normalize import (
    LOST,
    drop_doubles,
    fits,
    split_words,
    squash,
    word_set,
    write_umlauts,
)
from matching.reading.notation import split_title_words
from matching.reading.romanise import is_all_latin, is_latin, sound_alike
from matching.reading.tags import HARMLESS, ROMAN, SOURCE_WORDS
from matching.reading.titles import Title

_LITTLE_WORDS = word_set("the a an and")
_AND_ELSEWHERE = word_set("y und et")  # "Fútbol & Rumba", "Fútbol y Rumba"
_KEYS = word_set("minor moll flat sharp")  # "Sonata in C", "Sonata in C Minor"
_PREPOSITIONS = word_set("in on of to for at")
_SECTIONS = word_set("intro outro interlude prelude")  # "KOTMS II INTRO" and "KOTMS II OUTRO"
# "My Heart Can't Tell You No" and "… Tell Me No"; "I Been Born Again" and "I've …"
_SMALL_WORDS = word_set(
    "am is are was were i ive im id you me my your it its is the a an in on of to for at so no"
)

_OF_SOURCES = word_set("from soundtrack ost")
_FEW_WORDS, _MANY_WORDS = 2, 3
_LONG_WORD = 8  # "starring" is not "staring"
_SEPARATORS = "/:,"
_SHORT_TITLE = 6

_WRITTEN = re.compile(r"(?<![^\W\d])\d+(?![^\W\d])")  # a number that stands by itself
_TRACK_NUMBER = re.compile(r"\d{1,2}\s*[.)_]\s*[^\W\d]")
_LISTED_NUMBER = re.compile(r"(?:track )?\d{1,2} - ", re.IGNORECASE)  # "01 - Song"
_FILED_NUMBER = re.compile(r"(?:0\d|[A-D]\d) [^\W\d]")  # "03 Song", "A1 Song"


def compare_titles(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield evidence about the song: its words, its numbers and its parts."""
    yield from compare_parts(a, b)
    yield _compare_words(a, b)
    if a.harmless and b.harmless:
        yield from _compare_sources(a, b)


def _compare_sources(a: Title, b: Title) -> Iterator[Evidence]:
    """Yield a doubt where each side names another film: "Main Title - From "Jurassic Park"" and
    "Main Title - From "Star Wars"", or another part of it: "Final Fantasy VII" and "VIII"."""
    source_a, source_b = _read_source(a), _read_source(b)
    if not source_a or not source_b:
        return
    numbers_a, numbers_b = (
        {ROMAN.get(word, word) for word in source if word.isdigit() or word in ROMAN}
        for source in (source_a, source_b)
    )
    numbered = numbers_a != numbers_b and (
        bool(numbers_a and numbers_b) or source_a - numbers_a == source_b - numbers_b
    )  # "Frozen" and "Frozen 2", but not "The Idol" and "The Idol, Vol. 1"
    if source_a.isdisjoint(source_b) or numbered:
        named = " and ".join(f"'{text}'" for text in sorted({*a.harmless, *b.harmless}))
        yield Evidence("title", "doubt", f"from different sources: {named}", "other-source")


def _read_source(title: Title) -> frozenset[str]:
    """Return the words that name the film or album that a title is said to be from."""
    return frozenset(
        word
        for note in title.notes
        if note.meaning == "harmless" and not _OF_SOURCES.isdisjoint(note.words)
        for word in note.words
        if word not in SOURCE_WORDS
        and word not in HARMLESS
        and (word not in _SMALL_WORDS or word in ROMAN)
    ) - {"from"}


def _compare_words(a: Title, b: Title) -> Evidence:
    return (
        _find_equal(a, b) or _find_other_numbers(a, b) or _find_core(a, b) or _find_spelling(a, b)
    )


def _find_equal(a: Title, b: Title) -> Evidence | None:
    """Weigh titles that are the same but for how they are written."""
    core_a, core_b = squash(a.core), squash(b.core)
    if core_a == core_b and a.lead == b.lead and sorted(a.subtitles) == sorted(b.subtitles):
        return Evidence("title", "agrees", _say_equal(a, b), "title-equal")
    if squash(a.full) == squash(b.full) or _skeleton(a.full) == _skeleton(b.full):
        if _have_other_articles(a.full, b.full):
            text = "the titles have other articles"
            return Evidence("title", "doubt", text, "title-near")
        text = "titles equal but for signs and little words"
        return Evidence("title", "agrees", text, "title-equal")
    if two_names := _compare_two_names(a, b) or _compare_two_names(b, a):
        return two_names
    if read := _compare_read(a, b, _read_alike):
        return read
    if core_b in _write_out(a) or core_a in _write_out(b):
        return compare_subtitles(a, b)
    if LOST in core_a + core_b and fits(squash(a.full), squash(b.full)):
        text = "titles equal but for letters that are hidden or lost"
        return Evidence("title", "agrees", text, "title-equal")
    if (a.parts or b.parts) and squash(a.full + a.parts) == squash(b.full + b.parts):
        return Evidence("title", "agrees", "titles equal, parts included", "title-equal")
    if spells_with_digits(a, b) or spells_with_digits(b, a):
        return Evidence("title", "agrees", "titles equal but for spelling", "title-equal")
    return None


def _find_other_numbers(a: Title, b: Title) -> Evidence | None:
    """Weigh titles of other numbers: a veto, unless they are a track's or a catalogue's, or one of
    two in other scripts writes none in digits: "ゼロ" and "Zero", "عسلية" and "3aslya"."""
    if _are_in_two_scripts(a, b) and not (_WRITTEN.search(a.text) and _WRITTEN.search(b.text)):
        return None
    if _opens_with_track_number(a, b) or _opens_with_track_number(b, a):
        text = "one title opens with what may be a track's number"
        return Evidence("title", "doubt", text, "track-number")
    if _names_movement(a, b) or _names_movement(b, a):
        text = "one title is a movement of the other's work"
        return Evidence("title", "doubt", text, "title-longer")
    if name_same_work(a, b):
        return compare_movements(a, b)
    if is_catalogued(a, b) or is_catalogued(b, a):
        text = "only one title has a catalogue number"
        return Evidence("title", "doubt", text, "catalogue-one-side")
    if _names_one_of(a, b) or _names_one_of(b, a):
        text = "one title counts the pieces of the set as well"
        return Evidence("title", "doubt", text, "title-longer")
    if list_core_numbers(a) != list_core_numbers(b) and list_numbers(a) != list_numbers(b):
        return Evidence("title", "differs", say_numbers(a, b), "other-number")
    return None


def _find_core(a: Title, b: Title) -> Evidence | None:
    """Weigh titles of one core, or of which one's core is the whole other."""
    core_a, core_b = squash(a.core), squash(b.core)
    if a.subtitles == (b.core,) and b.subtitles == (a.core,):
        text = "titles equal, each with the other's core as subtitle"
        if max(len(a.core), len(b.core)) < _MANY_WORDS:  # "London - Paris"
            return Evidence("title", "doubt", text, "title-near")
        return Evidence("title", "agrees", text, "title-equal")  # "Volare (Nel blu, dipinto …)"
    if core_a == core_b or _skeleton(a.core) == _skeleton(b.core) or fits(core_a, core_b):
        return compare_subtitles(a, b)
    if squash(a.full) == core_b or squash(b.full) == core_a:
        longer = b if squash(a.full) == core_b else a
        return weigh_subtitles(a, b, *longer.subtitles, longer.lead)
    return None


def _opens_with_track_number(a: Title, b: Title) -> bool:
    """Tell whether ``a`` is ``b`` after a number: "1.Weather Balloons" and "Weather Balloons"."""
    if _LISTED_NUMBER.match(a.text) and a.subtitles:
        return a.subtitles[0] == b.core
    counted = _TRACK_NUMBER.match(a.core_text) or _FILED_NUMBER.match(a.core_text)
    return a.core[1:] == b.core and bool(counted)


def _say_equal(a: Title, b: Title) -> str:
    if a.text == b.text:
        return "titles equal"
    aside = sorted({*a.harmless, *b.harmless})
    if aside:
        return "titles equal after setting aside " + " and ".join(f"'{text}'" for text in aside)
    return "titles equal but for spelling"


def _find_spelling(a: Title, b: Title) -> Evidence:
    if list_numbers(a) == list_numbers(b) and _lack_little_word(a.full, b.full):
        text = "long titles, equal but for one little word"
        return Evidence("title", "agrees", text, "title-respelled")
    one_number = read_numbers(a.full) == read_numbers(b.full)  # parts speak for themselves
    if sorted(a.full) == sorted(b.full) and not list_numbers(a):
        text = "the titles have the same words in another order"
        return Evidence("title", "doubt", text, "title-near")
    if one_number and (_are_near(a.full, b.full) or _are_near(a.core, b.core)):
        return Evidence("title", "doubt", "the titles are spelled nearly alike", "title-near")
    if _are_in_two_scripts(a, b):
        if read := _compare_read(a, b, _sound_alike):
            return read
        if a.core == a.full and b.core == b.full and sound_alike(a.core_text, b.core_text):
            text = "titles equal as they are read"  # "もういいかい", "Mou Ii Kai": no numeral
            return Evidence("title", "agrees", text, "title-romanised")
        if _names_latin_half(a, b) or _names_latin_half(b, a):
            text = "one side names the title in two scripts"
            return Evidence("title", "agrees", text, "title-romanised")
        if list_numbers(a) == list_numbers(b) and (_names_half(a, b) or _names_half(b, a)):
            text = "one title is but a part of the other"
            return Evidence("title", "doubt", text, "title-longer")
        text = "the titles are in different scripts"
        return Evidence("title", "doubt", text, "other-script")
    halves = (_names_half(x, y) or _names_other_half(x, y) for x, y in ((a, b), (b, a)))
    if list_numbers(a) == list_numbers(b) and any(halves):
        text = "one title is but a part of the other"
        return Evidence("title", "doubt", text, "title-longer")
    if cleans_up(a, b) or cleans_up(b, a):
        text = "one title may be the other without its coarse word"
        return Evidence("title", "doubt", text, "title-near")
    if abbreviates(a, b) or abbreviates(b, a):
        text = "one title may be the first letters of the other"
        return Evidence("title", "doubt", text, "title-initials")
    if _share_much(a.full, b.full):
        return Evidence("title", "differs", "the titles are alike in part", "title-partly-alike")
    return Evidence("title", "differs", "different titles", "other-title")


def _are_in_two_scripts(a: Title, b: Title) -> bool:
    """Tell whether one title alone has other letters than Latin: "モミアゲRock", "Momiage Rock"."""
    return is_all_latin(a.full) != is_all_latin(b.full)


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
    if not any(sign in b.core_text for sign in _SEPARATORS):
        return False
    halves = (half for sign in _SEPARATORS for half in b.core_text.split(sign, 1))
    return _skeleton(a.core) in {_skeleton(split_words(half)) for half in halves}


def _names_latin_half(a: Title, b: Title) -> bool:
    """Tell "Russian Roulette" from "러시안 룰렛 Russian Roulette"."""
    latin = tuple(word for word in b.core if word.isascii())
    return len(a.full) > 1 and a.full == latin and not b.lead and not b.subtitles


def _names_other_half(a: Title, b: Title) -> bool:
    """Tell "夜に駆ける" from "夜に駆ける Yoru ni Kakeru"."""
    if a.core_text.isascii() or a.full != a.core:
        return False
    return a.core == tuple(word for word in b.core if not word.isascii())


def _names_one_of(a: Title, b: Title) -> bool:
    """Tell "3 Gymnopédies: No. 1, Lent et douloureux" from "Gymnopédie No. 1"."""
    return (
        ":" in a.core_text
        and a.core[:1] != b.core[:1]
        and a.core[0].isdigit()
        and len(a.core) > 1
        and len(b.core) > 1
        and a.core[1].rstrip("s") == b.core[0].rstrip("s")
        and read_numbers(a.core[1:]) == read_numbers(b.core)
    )


def _names_movement(a: Title, b: Title) -> bool:
    """Tell whether ``a`` names no more than the movement: "Clair de lune", "Suite bergamasque, L.
    75: III. Clair de lune"."""
    if ":" not in b.core_text or ":" in a.core_text or len(a.core) < _FEW_WORDS:
        return False
    words = split_title_words(b.core_text.rpartition(":")[2].strip())
    return words[:1] != a.core[:1] and words[1:] == a.core and words[0].isdigit()


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
    if not OSA.normalized_similarity(squashed_a, squashed_b, score_cutoff=NEARLY_ALIKE):
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


def _compare_read(
    a: Title, b: Title, alike: Callable[[tuple[str, ...], tuple[str, ...]], bool]
) -> Evidence | None:
    """Weigh titles that are written otherwise and read alike; None where they are not."""
    if alike(a.full, b.full):
        return Evidence("title", "agrees", "titles equal as they are read", "title-romanised")
    if alike(a.core, b.core):
        return weigh_subtitles(a, b, *a.subtitles, a.lead, *b.subtitles, b.lead)
    return None


def _sound_alike(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether one title is written as the other sounds: "まつり", "Matsuri"."""
    return sound_alike(" ".join(a), " ".join(b))


def _have_other_articles(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell "A Man" from "The Man", where neither is just the other without its article."""
    articles_a, articles_b = (Counter(w for w in words if w in _LITTLE_WORDS) for words in (a, b))
    return not articles_a <= articles_b and not articles_b <= articles_a


def _compare_two_names(a: Title, b: Title) -> Evidence | None:
    """Weigh that ``a`` names its title in two scripts, of which ``b`` has one: "打上花火 (Uchiage
    Hanabi)". Where the one is not read like the other, it may be a version in another language:
    "아마도 오늘 (Mungkin Hari Ini)"."""
    if len(a.subtitles) != 1 or b.subtitles or a.lead or b.lead or a.parts != b.parts:
        return None
    other = a.subtitles[0]
    if is_latin(squash(a.core)) == is_latin(squash(other)) or b.core not in (a.core, other):
        return None
    text = "one side names the title in two scripts"
    if _read_alike(a.core, other) or _sound_alike(a.core, other):
        return Evidence("title", "agrees", text, "title-romanised")
    return Evidence("title", "doubt", text, "other-script")


def _read_alike(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether one title is a known reading of the other: "★", "Blackstar"."""
    readings = load_readings()
    one, other = squash(a), squash(b)
    return (one in readings or other in readings) and (
        readings.get(one, one) == readings.get(other, other)
    )


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
    written = write_umlauts(title.core_text)
    return {squash(split_title_words(written))} if written else set()


def _undouble(word: str) -> str:
    if len(word) < _LONG_WORD or not word.isalpha():
        return word
    single = drop_doubles(word)
    return single if len(single) >= _LONG_WORD else word
