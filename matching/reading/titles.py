"""A title taken apart: its core, and what its notes say about version, part and guests.

A *note* stands in brackets or after a dash; "Hey Jude - Live" and "Hey Jude (Live)" are the same
title. What a note means is read in ``notes.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from matching.reading import tags
from matching.reading.normalize import clean, split_words
from matching.reading.notation import split_title_words
from matching.reading.notes import Note, Segment, Version, read_note, set_parts_aside

_OPEN = "([{（［【〔「"
_CLOSE = ")]}）］】〕」"
CLOSING = dict(zip(_OPEN, _CLOSE, strict=True))
_QUOTING = "【〔「】〕」"  # inside another bracket they quote: "唯一 (電視劇【戀愛是科學】插曲)"
DASHES = "-–—‐‑−―~〜"
_SIGNS = re.compile("[" + re.escape(_OPEN + _CLOSE + DASHES) + "]")


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart. ``core``, ``lead`` and ``subtitles`` are words as ``split_words``
    gives them, ``full`` all three in one run; ``parts`` are numbers as digits; ``guests`` are
    names as written; ``cut_off``: a bracket never closes."""

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
    cut_off: bool = False
    full: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        subtitles = (word for words in self.subtitles for word in words)
        object.__setattr__(self, "full", (*self.lead, *self.core, *subtitles))


_TRAILING_ARTICLE = re.compile(r"^([^,]+), (the|an?)$", re.IGNORECASE)  # "Song Title, The"
_NUMBER_SIGN = re.compile(r"№|\bN[º°]\.? ?(?=\d)", re.IGNORECASE)  # "Nº 5"
_SOURCES = (("soundtrack",), ("ost",))
# All movements of a work, so the whole: "And You and I: i. Cord of Life, ii. Eclipse, …"
_MOVEMENTS = re.compile(r":\s*(?:i|1)\.\s.*\W(?:ii|2)\.\s", re.IGNORECASE)
# "Soldier Side-Intro"
_TIED_SECTION = re.compile(r"(?<=\w\w)-(intro|outro|interlude|reprise|skit)$", re.IGNORECASE)


def take_apart(title: str) -> Title:
    """Return ``title`` taken apart; a title that would be left without a core stays whole."""
    segments = list(split_segments(clean(_NUMBER_SIGN.sub("#", title))))
    core_text = " ".join(s.text for s in segments if s.place == "core").strip()
    core_text, inline_guests = _cut_inline_guests(core_text)
    notes = [note for s in segments if s.place != "core" for note in read_note(s)]
    if listed := _MOVEMENTS.search(core_text):
        notes.append(Note("harmless", core_text[listed.start() + 1 :].strip(), "core"))
        core_text = core_text[: listed.start()]
    elif tied := _TIED_SECTION.search(core_text):
        notes += read_note(Segment("dash", tied[1]))
        core_text = core_text[: tied.start()]
    if inline_guests:
        notes += read_note(Segment("core", inline_guests))
        _, parts = set_parts_aside(split_title_words(inline_guests))
        notes.append(Note("part", inline_guests, "core", parts))
    core_text = _TRAILING_ARTICLE.sub(r"\2 \1", core_text)
    if not core_text.strip(" .,;:-"):
        return Title(text=title, core=split_words(title), core_text=clean(title) or title)
    notes = list(_join_sources(notes))
    words = split_title_words(core_text)
    core, parts = set_parts_aside(words)
    core = core or _name_divisions(words)
    core, bare = _cut_bare_version(core)
    versions = [v for note in notes for v in note.versions]
    years = tuple(" ".join(n.words) for n in notes if n.meaning == "year")
    if versions:  # "Shut Up and Dance - Live Acoustic - 2015": which performance
        dates = [word for year in years for word in year.split()]
        versions = [v._replace(qualifier=v.qualifier.union(dates)) for v in versions]
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
        cut_off=sum(map(title.count, _OPEN)) > sum(map(title.count, _CLOSE)),
    )


def split_segments(title: str) -> Iterator[Segment]:
    """Yield the stretches of ``title`` in order of their ends, in one pass over its characters.

    Brackets that never close reach to the end: "Song (feat. Somebody" is common in cut data.
    """
    if not _SIGNS.search(title) or not any(map(str.isalpha, title)):  # "+ - 0"
        yield Segment("core", title.strip())
        return
    stack: list[tuple[str, list[str], str]] = [("core", [], "")]
    seen_core = False
    for index, character in enumerate(title):
        place, buffer, opening = stack[-1]
        if len(stack) > 1 and character in _QUOTING and opening not in _QUOTING:
            buffer.append(character)
        elif character in _OPEN:
            if len(stack) < 6:
                stack.append(("bracket" if seen_core else "lead", [], character))
        elif character in _CLOSE:
            if len(stack) > 1:
                stack.pop()
                if text := "".join(buffer).strip():
                    yield Segment(place, text, opening)
        elif len(stack) == 1 and seen_core and _is_dash(title, index):
            text = "".join(buffer).strip()
            if text or place == "core":
                yield Segment(place, text)
            stack[0] = ("dash", [], "")
        else:
            buffer.append(character)
            seen_core = seen_core or (len(stack) == 1 and not character.isspace())
    while stack:
        place, buffer, opening = stack.pop()
        text = "".join(buffer).strip()
        if text:
            yield Segment(place, text, opening)


def _join_sources(notes: list[Note]) -> Iterator[Note]:
    """Yield notes; "- From SUPERFLY - Original Soundtrack" says where from in two of them."""
    for index, note in enumerate(notes):
        after = notes[index + 1].words if index + 1 < len(notes) else ()
        if note.meaning == "subtitle" and note.words[:1] == ("from",) and after[-1:] in _SOURCES:
            note = replace(note, meaning="harmless")
        yield note


def _is_dash(title: str, index: int) -> bool:
    """Tell whether a note begins here: a dash after a space, before a space or the end."""
    if title[index] not in DASHES or title[index - 1] != " ":
        return False
    return index + 1 == len(title) or title[index + 1] == " "


def _name_divisions(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the core of a title that is but a number: "Pt. 2" is "Part 2", not "Chapter 2"."""
    return tuple(tags.DIVISIONS.get(word, "part") for word in words if word in tags.PART_WORDS)


def _join_parts(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Return all numbers; one said twice counts once: "ChopBloc Pt. 3 - Pt. 3"."""
    kept = [group for group in groups if group]
    if len(kept) > 1 and all(group == kept[0] for group in kept):
        return kept[0]
    return tuple(number for group in kept for number in group)


_BARE_VERSIONS = {
    "live": "live", "acoustic": "acoustic", "instrumental": "instrumental", "karaoke": "karaoke",
    "remix": "remix", "rmx": "remix",
}  # fmt: skip


def _cut_bare_version(core: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Version, ...]]:
    """Cut a version that a title ends in without bracket or dash: "Tra Tra Tra Remix"."""
    words = core[:-1] if core[-1:] == ("version",) else core
    kind = _BARE_VERSIONS.get(words[-1], "") if len(words) > 1 else ""
    if len(words) < len(core):  # "Song Acoustic Version"
        found = kind != "remix"
    else:  # "The Way We Live"
        found = kind != "acoustic" and not (kind == "live" and words[-2] in tags.BEFORE_LIVE)
    if not kind or not found:
        return core, ()
    return words[:-1], (Version(kind, frozenset(), " ".join(core[len(words) - 1 :])),)


def _cut_inline_guests(core_text: str) -> tuple[str, str]:
    """Return ("The Journey", "Feat. Veela") for "The Journey Feat. Veela"."""
    words = core_text.split(" ")
    for index, word in enumerate(words):
        if words[index - 1].isdigit() and word.casefold() == "ft":
            continue  # "6 Ft Under"
        if index and word.casefold() in tags.INLINE_GUEST_MARKS and index + 1 < len(words):
            return " ".join(words[:index]), " ".join(words[index:])
    return core_text, ""
