"""What the notes on a title mean: version, part, guests, year, subtitle, or nothing.

A *note* stands in brackets or after a dash. What its words mean is data in ``tags.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from matching.reading import tags
from matching.reading.normalize import split_words, word_set
from matching.reading.notation import split_title_words
from matching.reading.number_words import NUMBER_WORDS


class Segment(NamedTuple):
    """A stretch of a title: ``place`` is ``core``, ``lead`` (a bracket that opens the title),
    ``bracket`` or ``dash``; ``opening`` is the bracket's sign."""

    place: str
    text: str
    opening: str = ""


class Version(NamedTuple):
    """What a note says: which kind of version, and the words that say whose or where."""

    kind: str
    qualifier: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """One note and its meaning: ``harmless``, ``single``, ``edit``, ``version``, ``part``,
    ``guests``, ``year``, ``subtitle``, or ``lead`` (a subtitle that opens the title)."""

    meaning: str
    text: str
    place: str
    words: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    opening: str = ""


def read_note(segment: Segment) -> Iterator[Note]:
    """Yield what a note means; "Live / Remastered" and "Single Version; Mono" mean two things."""
    if part := _NAMED_PART.match(segment.text):  # "(Part II: Triumph Eternal)"
        named = _read_piece(segment.place, part[1])
        if named.meaning == "part":
            rest = _read_piece(segment.place, part[2])
            yield from (replace(note, opening=segment.opening) for note in (named, rest))
            return
    whole = _read_piece(segment.place, segment.text)
    notes = _read_pieces(segment.place, segment.text.replace(";", " / ").split(" / "))
    if len(notes) < 2 or all(note.meaning == "subtitle" for note in notes):
        notes = [whole]
    if whole.meaning in ("subtitle", "version") and "/" in segment.text:
        # "From "Pocahontas"/Soundtrack Version", but not "AC/DC Remix"
        split = _read_pieces(segment.place, segment.text.split("/"))
        if all(note.meaning in _PLAIN for note in split):
            notes = split
    yield from (replace(note, opening=segment.opening) for note in notes)


_NAMED_PART = re.compile(r"([^\W\d_]+\.? ?\w+)\s*[:–-]\s+(.+)")
_PLAIN = ("harmless", "single", "edit")  # meanings that leave the recording the same, or nearly


def _read_pieces(place: str, pieces: list[str]) -> list[Note]:
    return [_read_piece(place, piece.strip()) for piece in pieces if piece.strip()]


def _read_piece(place: str, text: str) -> Note:
    words = split_title_words(_translate(text))
    if _names_guests(words, text):
        return Note("guests", text, place, words, _find_closing_versions(words, text))
    if len(words) > 2 and words[0] in ("with", "w") and words[-1] in tags.PLAYERS:
        played = Version("version", frozenset(words[1:]), text)  # perhaps an arrangement
        return Note("version", text, place, words, (played,))
    if (words and words[0] in tags.CREDIT_MARKS) or _names_source(words, text):
        # "(prod. Metro Boomin)", "- From "Frozen""
        return Note("harmless", text, place, words, _find_closing_versions(words, text))
    if year := _read_date(words):  # "- Live at Folsom State Prison - January 1968"
        return Note("year", text, place, (year, *(word for word in words if word != year)))
    meaning = "edit" if words[-2:] in _RECUT else _read_plain_words(words)
    if meaning:
        return Note(meaning, text, place, words)
    versions = tuple(_find_versions(words, text, place))
    if versions:
        return Note("version", text, place, words, versions)
    rest, remastered = _cut_remaster(words)
    kept, parts = set_parts_aside(rest)
    if parts and not kept:
        return Note("part", text, place, parts)
    named = {
        w
        for w in kept
        if w not in tags.HARMLESS and w.isalpha() and len(w) > 1 and not w.startswith("version")
    }
    if (remastered and named <= tags.MASTERERS) or _names_edition(words):
        return Note("harmless", text, place, words)  # "- 2003 Sony Remaster"
    versions = tuple(_read_plain_version(rest, text))
    if versions:
        return Note("version", text, place, words, versions)
    return Note("lead" if place == "lead" else "subtitle", text, place, rest)


# "- Album Version With Intro", and "- 20th Anniversary Recording", which may be new.
_RECUT = (split_words("with intro"), split_words("anniversary recording"))


def _translate(text: str) -> str:
    """Return ``text`` with what it says in a script without blanks said in English."""
    if text.isascii():
        return text
    text = text.casefold()
    for phrase, english in tags.PHRASES.items():
        text = text.replace(phrase, f" {english} ")
    return text


def _names_edition(words: tuple[str, ...]) -> bool:
    while words and words[-1] in ("version", "ver"):
        words = words[:-1]
    return any(words[-len(phrase) :] == phrase for phrase in tags.EDITIONS)


def _read_plain_words(words: tuple[str, ...]) -> str:
    """Return what a note means that holds nothing but words of the tables, else ""."""
    if not words:
        return ""
    sold = tags.MARKETS if words[1:2] == ("bonus",) else ()
    known = [w for w in words if w not in tags.HARMLESS and w not in sold and not _is_date(w)]
    if not tags.HARMLESS_HEADS.isdisjoint(words):  # "- Original Mix 79", "- Remastered 05"
        known = [w for w in known if not _is_short_year(w)]
    if not known and words[-1] == "mix" and tags.MIX_HEADS.isdisjoint(words):
        return _read_year_mix(words)  # "- Deluxe Mix"
    if not known:
        if any(w in tags.HARMLESS_HEADS for w in words) or tags.VIDEO.issubset(words):
            return "harmless"
        if len(words) == 1 and is_year(words[0]):
            return "year"
        return _read_year_mix(words)
    if words[-1] not in tags.HARMLESS and words[-1] not in tags.LAST_WORDS:
        return ""
    if all(w in tags.SINGLE for w in known):
        return "single"
    if words[-1] in tags.RADIO_LAST and all(w in tags.SINGLE or w == "radio" for w in known):
        return "single"
    if all(w in tags.SINGLE or w in tags.EDIT for w in known):
        return "edit"
    return ""


def _read_year_mix(words: tuple[str, ...]) -> str:
    """Return what "- 2015 Mix" means, the same take mixed anew, and "(US Version)"."""
    if len(words) < 2 or words[-1] not in ("mix", "version", "ver"):
        return ""
    return "single" if words[-1] == "mix" and is_year(words[0]) else "edit"


def _cut_remaster(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return words without "2010 Remastered Version" at their end, and whether it was there."""
    end = len(words)
    while end > 1 and words[end - 1] == "explicit":  # "Big S**t Poppin' - Do It Explicit"
        end -= 1
        words = words[:end]
    while end and (words[end - 1] in tags.HARMLESS or _is_date(words[end - 1])):
        end -= 1
    if tags.REMASTER_WORDS.isdisjoint(words[end:]):
        return words, not tags.REMASTER_WORDS.isdisjoint(words)
    return words[:end], True


def _names_guests(words: tuple[str, ...], text: str) -> bool:
    if len(words) < 2:
        return False
    if words[0] in ("with", "w", "con", "duet"):
        if not tags.OF_VERSIONS.isdisjoint(words):  # "- With rap and … ALSO ALBUM VERSION"
            return False
        return words[1] not in _NO_GUESTS and words[-1] not in tags.PLAYERS
    return words[0] in tags.GUEST_MARKS or text[:1] == "&"


_NO_GUESTS = word_set("or a you me my your out love version")  # "(With or Without You)"


def _names_source(words: tuple[str, ...], text: str) -> bool:
    """Tell "From "Moulin Rouge" Soundtrack" from "From Paris with Love"."""
    if len(words) > 1 and words[-1] == "version" and words[-2] in tags.SOURCE_WORDS:
        words = words[:-1]  # "From "Frozen" / Soundtrack Version"
    if not words or not _NOT_OF_SOURCES.isdisjoint(words):
        return False
    if words[0] == "music":  # "- Music From "Sponge On The Run" Movie"
        words = words[1:]
    if words[:1] == ("from",) or words[:2] == ("featured", "in") or "theme from" in " ".join(words):
        quoted = any(q in text for q in '"“”«»‘')
        # "- From Four Weddings And A Funeral", but "- From Paris with Love" is the song
        titled = len(words) > 4 and text.istitle() and tags.OF_VERSIONS.isdisjoint(words)
        return quoted or titled or "theme" in words or not tags.SOURCE_WORDS.isdisjoint(words[1:])
    return words[-1:] in (("soundtrack",), ("ost",)) or words[:1] == ("ost",)


_NOT_OF_SOURCES = word_set(
    "live version remix acoustic instrumental karaoke cover session sessions demo demos tape tapes"
)


# What a note that names a guest may say besides; "(feat. Kronos Quartet)" is no arrangement.
_OF_GUESTS = frozenset({"remix", "live", "acoustic", "tempo", "instrumental", "dub", "vip", "demo"})


def _find_closing_versions(words: tuple[str, ...], text: str) -> tuple[Version, ...]:
    """Return what the end of a note about somebody else says: "feat. Y Remix", "prod. X Slowed"."""
    kept = [w for w in words if w not in ("version", "ver")]
    found = _find_versions(tuple(kept[-1:]), text, "bracket")
    if len(kept) < 4 and text.endswith(" LIVE") and not text.isupper():
        return ()  # "(feat. DPR LIVE)"
    return tuple(
        Version(v.kind, frozenset(kept[1:-1]), text) for v in found if v.kind in _OF_GUESTS
    )


def is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit() and word[:2] in ("19", "20")


def _read_date(words: tuple[str, ...]) -> str:
    """Return the year of "January 13, 1968", or "" for what is more or less than a date."""
    years = [word for word in words if is_year(word)]
    months = tags.MONTHS.intersection(words)
    plain = all(word.isdigit() or _is_date(word) or word in months for word in words)
    return years[0] if len(years) == 1 and months and plain else ""


def _is_short_year(word: str) -> bool:
    """Tell "79" and "5" (written "05") from the inches of "Original 12" Mix"."""
    return word.isdigit() and (len(word) == 1 or (len(word) == 2 and word >= "50"))


def _is_date(word: str) -> bool:
    """Tell a year, and the ordinal of "50th Anniversary Edition"."""
    return is_year(word) or (word[-2:] in ("th", "st", "nd", "rd") and word[:-2].isdigit())


_BY_FIRST_WORD: dict[str, list[tags.Trigger]] = {}
for _trigger in sorted(tags.TRIGGERS, key=lambda t: -len(t.words)):
    _BY_FIRST_WORD.setdefault(_trigger.words[0], []).append(_trigger)


def _find_versions(words: tuple[str, ...], text: str, place: str) -> Iterator[Version]:
    kinds: dict[str, set[str]] = {}
    used: set[int] = set()
    end = len(words)
    while end > 1 and (words[end - 1] in tags.HARMLESS or words[end - 1].isdigit()):
        end -= 1
    for start, word in enumerate(words):
        for trigger in _BY_FIRST_WORD.get(word, ()):
            stop = start + len(trigger.words)
            if words[start:stop] != trigger.words:
                continue
            opens = start == 0 and place == "dash" and trigger.kind == "live"  # "- Live: O2 Arena"
            if start and word == "live" and words[start - 1] in tags.BEFORE_LIVE:
                continue  # "(Let Me Live)"
            if trigger.anywhere or opens or _stands_at_edge(words, start, stop, end):
                kinds.setdefault(trigger.kind, set()).add(trigger.sense)
                used.update(range(start, stop))
    rest = frozenset(
        w for i, w in enumerate(words) if i not in used and w not in tags.EMPTY_QUALIFIERS
    )
    if not kinds and words and words[-1].endswith("remix"):  # "19-2000 (SoulChildRemix)"
        yield Version("remix", rest - {words[-1]} | {words[-1][: -len("remix")]}, text)
    for kind, senses in kinds.items():
        yield Version(kind, rest.union(senses) - {""}, text)


def _stands_at_edge(words: tuple[str, ...], start: int, stop: int, end: int) -> bool:
    if stop >= end:
        return start == 0 or stop - start > 1 or len(words) <= 5
    follower = words[stop]
    return (
        (start == 0 and follower in tags.FOLLOWERS and words[0] != "take")  # "(Take on the World)"
        or follower in ("version", "ver", "mix")
        or (start == 0 and (follower.isdigit() or words[-1].isdigit()))
    )


_VERSION_WORDS = frozenset({"version", "ver", "versao", "versione", "версия", "версія"})


def _read_plain_version(words: tuple[str, ...], text: str) -> Iterator[Version]:
    """Yield what "… Mix", "… Edit" and "… Version" mean, where no other word tells."""
    rest = frozenset(w for w in words if w not in tags.EMPTY_QUALIFIERS)
    if len(words) < 2:
        return
    last = next((w for w in reversed(words) if not is_year(w) and w not in ("mono", "stereo")), "")
    if last in _VERSION_WORDS or words[0] in _VERSION_WORDS:
        owner = "'s " in text.replace("’", "'").casefold()
        yield Version("rerecording" if owner else "version", rest, text)
    elif last in ("mix", "mx", "edit", "cut"):
        yield Version(last.replace("mx", "mix"), rest, text)


def set_parts_aside(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return words without "part 2", and the numbers: ("song", "pts", "1", "and", "2")."""
    kept: list[str] = []
    parts: list[str] = []
    index = 0
    while index < len(words):
        word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
        number = _read_number(following)
        if word in tags.PART_WORDS and number:
            parts.append(number)
            index += 2
            while index + 1 < len(words) and words[index] in ("and", "to", "or"):
                number = _read_number(words[index + 1])
                if not number:
                    break
                parts.append(number)
                index += 2
            roman = following in tags.ROMAN  # "Parts I-V"
            while index < len(words) and (
                words[index].isdigit() or (roman and words[index] in tags.ROMAN)
            ):
                parts.append(_read_number(words[index]))
                index += 1
            continue
        glued = _read_glued_part(word)
        if glued and kept:
            parts.append(glued)
        else:
            kept.append(tags.ROMAN[word] if kept and word in tags.SURE_ROMAN else word)
        index += 1
    return tuple(kept), tuple(parts)


def _read_number(word: str) -> str:
    if word.isdigit():
        return str(int(word)) if word.isdecimal() and len(word) < 10 else word
    return tags.ROMAN.get(word, NUMBER_WORDS.get(word, ""))


def _read_glued_part(word: str) -> str:
    """Return the number of "pt3", as in "Luv (sic.) pt3"."""
    for mark in ("pt", "part"):
        if word.startswith(mark) and word[len(mark) :].isdigit():
            return word[len(mark) :]
    return ""
