"""A title taken apart: its core, and what its notes say about version, part and guests.

A *note* stands in brackets or after a dash; "Hey Jude - Live" and "Hey Jude (Live)" are the same
title. What a note's words mean is data in ``tags.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from matching import tags
from matching.normalize import NUMBER_WORDS, clean, split_words

_OPEN = "([{（［【〔「"
_CLOSE = ")]}）］】〕」"
CLOSING = dict(zip(_OPEN, _CLOSE, strict=True))
_DASHES = "-–—‐‑−―~〜"
_SIGNS = re.compile("[" + re.escape(_OPEN + _CLOSE + _DASHES) + "]")


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


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart. ``core``, ``lead`` and ``subtitles`` are words as ``split_words``
    gives them; ``parts`` are numbers as digits; ``guests`` are names as written."""

    text: str
    core: tuple[str, ...]
    core_text: str
    lead: tuple[str, ...] = ()
    subtitles: tuple[tuple[str, ...], ...] = ()
    versions: tuple[Version, ...] = ()
    singles: tuple[str, ...] = ()
    edits: tuple[str, ...] = ()
    years: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    harmless: tuple[str, ...] = ()
    notes: tuple[Note, ...] = field(default=())

    @property
    def full(self) -> tuple[str, ...]:
        """Lead, core and subtitles as one run of words."""
        return self.lead + self.core + tuple(w for words in self.subtitles for w in words)


def take_apart(title: str) -> Title:
    """Return ``title`` taken apart; a title that would be left without a core stays whole."""
    segments = list(split_segments(clean(title)))
    core_text = " ".join(s.text for s in segments if s.place == "core").strip()
    core_text, inline_guests = _cut_inline_guests(core_text)
    notes = [note for s in segments if s.place != "core" for note in read_note(s)]
    if inline_guests:
        notes.append(Note("guests", inline_guests, "core"))
    if not core_text.strip(" .,;:-"):
        return Title(text=title, core=split_words(title), core_text=clean(title) or title)
    words = split_words(core_text)
    core, parts = _set_parts_aside(words)
    core = core or _name_divisions(words)
    core, bare = _cut_bare_version(core)
    versions = [v for note in notes for v in note.versions]
    years = tuple(n.words[0] for n in notes if n.meaning == "year")
    if versions:  # "Shut Up and Dance - Live Acoustic - 2015": which performance
        versions = [v._replace(qualifier=v.qualifier.union(years)) for v in versions]
    if versions or any(n.meaning == "harmless" for n in notes):
        years = ()  # "Honey - 1991 - Remaster"
    return Title(
        text=title,
        core=core,
        core_text=core_text,
        lead=tuple(w for n in notes if n.meaning == "lead" for w in n.words),
        subtitles=tuple(n.words for n in notes if n.meaning == "subtitle"),
        versions=tuple(sorted({*versions, *bare}, key=lambda v: (v.kind, v.text))),
        singles=tuple(n.text for n in notes if n.meaning == "single"),
        edits=tuple(n.text for n in notes if n.meaning == "edit"),
        years=years,
        parts=_join_parts([parts, *(n.words for n in notes if n.meaning == "part")]),
        guests=tuple(n.text for n in notes if n.meaning == "guests"),
        harmless=tuple(n.text for n in notes if n.meaning == "harmless"),
        notes=tuple(notes),
    )


def split_segments(title: str) -> Iterator[Segment]:
    """Yield the stretches of ``title`` in order of their ends, in one pass over its characters.

    Brackets that never close reach to the end: "Song (feat. Somebody" is common in cut data.
    """
    if not _SIGNS.search(title):
        yield Segment("core", title.strip())
        return
    stack: list[tuple[str, list[str], str]] = [("core", [], "")]
    seen_core = False
    for index, character in enumerate(title):
        place, buffer, opening = stack[-1]
        if character in _OPEN:
            if len(stack) < 6:
                stack.append(("bracket" if seen_core else "lead", [], character))
        elif character in _CLOSE:
            if len(stack) > 1:
                stack.pop()
                yield Segment(place, "".join(buffer).strip(), opening)
        elif len(stack) == 1 and seen_core and _is_dash(title, index):
            yield Segment(place, "".join(buffer).strip())
            stack[0] = ("dash", [], "")
        else:
            buffer.append(character)
            seen_core = seen_core or (len(stack) == 1 and not character.isspace())
    while stack:
        place, buffer, opening = stack.pop()
        text = "".join(buffer).strip()
        if text:
            yield Segment(place, text, opening)


def read_note(segment: Segment) -> Iterator[Note]:
    """Yield what a note means; "Live / Remastered" and "Single Version; Mono" mean two things."""
    pieces = [p.strip() for p in segment.text.replace(";", " / ").split(" / ") if p.strip()]
    notes = [_read_piece(segment.place, piece) for piece in pieces]
    if len(notes) > 1 and all(note.meaning == "subtitle" for note in notes):
        notes = [_read_piece(segment.place, segment.text)]
    yield from (replace(note, opening=segment.opening) for note in notes)


def _is_dash(title: str, index: int) -> bool:
    """Tell whether a note begins here: a dash after a space, before a space or the end."""
    if title[index] not in _DASHES or title[index - 1] != " ":
        return False
    return index + 1 == len(title) or title[index + 1] == " "


def _read_piece(place: str, text: str) -> Note:
    words = split_words(text)
    if _names_guests(words, text):
        return Note("guests", text, place, words)
    if (words and words[0] in tags.CREDIT_MARKS) or _names_source(words, text):
        return Note("harmless", text, place, words)  # "(prod. Metro Boomin)", "- From "Frozen""
    meaning = _read_plain_words(words)
    if meaning:
        return Note(meaning, text, place, words)
    versions = tuple(_find_versions(words, text, place))
    if versions:
        return Note("version", text, place, words, versions)
    rest, remastered = _cut_remaster(words)
    kept, parts = _set_parts_aside(rest)
    if parts and not kept:
        return Note("part", text, place, parts)
    if remastered and len(kept) <= 2:  # "- 2003 Sony Remaster"
        return Note("harmless", text, place, words)
    versions = tuple(_read_plain_version(rest, text))
    if versions:
        return Note("version", text, place, words, versions)
    return Note("lead" if place == "lead" else "subtitle", text, place, rest)


def _read_plain_words(words: tuple[str, ...]) -> str:
    """Return what a note means that holds nothing but words of the tables, else ""."""
    if not words:
        return ""
    known = [w for w in words if w not in tags.HARMLESS and not _is_date(w)]
    if not known:
        if any(w in tags.HARMLESS_HEADS for w in words):
            return "harmless"
        if len(words) == 1 and _is_year(words[0]):
            return "year"
        return _read_year_mix(words)
    if words[-1] not in tags.HARMLESS and words[-1] not in tags.LAST_WORDS:
        return ""
    if all(w in tags.SINGLE for w in known):
        return "single"
    if all(w in tags.SINGLE or w in tags.EDIT for w in known):
        return "edit"
    return ""


def _read_year_mix(words: tuple[str, ...]) -> str:
    """Return what "- 2015 Mix" means, the same take mixed anew, and "(US Version)"."""
    if len(words) < 2 or words[-1] not in ("mix", "version", "ver"):
        return ""
    return "single" if words[-1] == "mix" and _is_year(words[0]) else "edit"


def _cut_remaster(words: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Return words without "2010 Remastered Version" at their end, and whether it was there."""
    end = len(words)
    while end and (words[end - 1] in tags.HARMLESS or _is_date(words[end - 1])):
        end -= 1
    if tags.REMASTER_WORDS.isdisjoint(words[end:]):
        return words, not tags.REMASTER_WORDS.isdisjoint(words)
    return words[:end], True


def _names_guests(words: tuple[str, ...], text: str) -> bool:
    if len(words) < 2:
        return False
    if words[0] in ("with", "w", "con", "duet"):
        return words[1] not in ("or", "a", "you", "me", "my", "your", "out", "love", "version")
    return words[0] in tags.GUEST_MARKS or text[:1] == "&"


def _names_source(words: tuple[str, ...], text: str) -> bool:
    """Tell "From "Moulin Rouge" Soundtrack" from "From Paris with Love"."""
    if not words or any(w in ("live", "version", "remix") for w in words):
        return False
    if words[0] == "from" or words[:2] == ("featured", "in") or "theme from" in " ".join(words):
        quoted = any(q in text for q in '"“”«»‘')
        return quoted or "theme" in words or not tags.SOURCE_WORDS.isdisjoint(words[1:])
    return words[-1] in ("soundtrack", "ost") or words[0] == "ost"


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit() and word[:2] in ("19", "20")


def _is_date(word: str) -> bool:
    """Tell a year, and the ordinal of "50th Anniversary Edition"."""
    return _is_year(word) or (word[-2:] in ("th", "st", "nd", "rd") and word[:-2].isdigit())


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
        (start == 0 and follower in tags.FOLLOWERS)
        or follower in ("version", "ver", "mix")
        or (start == 0 and (follower.isdigit() or words[-1].isdigit()))
    )


_VERSION_WORDS = frozenset({"version", "ver", "versao", "versione", "версия", "версія"})


def _read_plain_version(words: tuple[str, ...], text: str) -> Iterator[Version]:
    """Yield what "… Mix", "… Edit" and "… Version" mean, where no other word tells."""
    rest = frozenset(w for w in words if w not in tags.EMPTY_QUALIFIERS)
    last = next((w for w in reversed(words) if not _is_year(w) and w not in ("mono", "stereo")), "")
    if (last in _VERSION_WORDS or words[0] in _VERSION_WORDS) and len(words) > 1:
        owner = "'s " in text.replace("’", "'").casefold()
        yield Version("rerecording" if owner else "version", rest, text)
    elif last in ("mix", "edit", "cut") and len(words) > 1:
        yield Version(last, rest, text)


def _set_parts_aside(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
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
            while index < len(words) and words[index].isdigit():
                parts.append(words[index])
                index += 1
            continue
        glued = _read_glued_part(word)
        if glued and kept:
            parts.append(glued)
        else:
            kept.append(tags.ROMAN[word] if kept and word in tags.SURE_ROMAN else word)
        index += 1
    return tuple(kept), tuple(parts)


def _name_divisions(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the core of a title that is but a number: "Pt. 2" is "Part 2", not "Chapter 2"."""
    return tuple(tags.DIVISIONS.get(word, "part") for word in words if word in tags.PART_WORDS)


def _join_parts(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all numbers; one said twice counts once: "ChopBloc Pt. 3 - Pt. 3"."""
    kept = [group for group in groups if group]
    if len(kept) > 1 and all(group == kept[0] for group in kept):
        return kept[0]
    return tuple(number for group in kept for number in group)


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


def _cut_bare_version(core: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Version, ...]]:
    """Cut a version that a title ends in without bracket or dash: "Tra Tra Tra Remix"."""
    for length, kind in ((2, ("live", "acoustic", "instrumental", "karaoke")), (1, ())):
        if len(core) <= length:
            continue
        tail = core[-length:]
        if length == 2 and tail[1] == "version" and tail[0] in kind:
            return core[:-2], (Version(tail[0], frozenset(), " ".join(tail)),)
        if length == 1 and tail[0] in ("remix", "rmx"):
            return core[:-1], (Version("remix", frozenset(), tail[0]),)
        if length == 1 and tail[0] in ("instrumental", "karaoke"):
            return core[:-1], (Version(tail[0], frozenset(), tail[0]),)
    return core, ()


def _cut_inline_guests(core_text: str) -> tuple[str, str]:
    """Return ("The Journey", "Feat. Veela") for "The Journey Feat. Veela"."""
    words = core_text.split(" ")
    for index, word in enumerate(words):
        if index and word.casefold() in tags.INLINE_GUEST_MARKS and index + 1 < len(words):
            return " ".join(words[:index]), " ".join(words[index:])
    return core_text, ""
