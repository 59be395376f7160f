"""Names as a service's page key, and the other names under which a page may be found."""

from __future__ import annotations

import hashlib
import re
from itertools import groupby

from matching.reading.normalize import clean
from matching.reading.notes import Note
from matching.reading.titles import CLOSING, DASHES, Title, take_apart

KEY_LENGTH = 64

_SIGNS = str.maketrans(
    {
        **dict.fromkeys("’‘‛ʼʻ`´′＇ʹ", "'"),
        **dict.fromkeys("“”„‟″＂«»", '"'),
        **dict.fromkeys("‐‑‒–—―−﹣－", "-"),
    }
)


def name_key(artist: str, title: str) -> str:
    """Return the key under which two spellings are the same page on Last.fm, as far as is safe.

    Case, width, kinds of quotes and dashes, and runs of blanks count for nothing; everything else
    counts. At most 64 characters: a longer key keeps its beginning and the hash of the whole.

    No rule, which may get better, but an identifier: stored rows and library files hold it and
    nothing makes it anew, so that a change of it needs a data migration.
    """
    return shorten_key(f"{_fold_page(artist)}\t{_fold_page(title)}")


def write_plain_signs(title: str) -> str:
    """Return a title with the quotes, dashes and dots that a keyboard has.

    >>> write_plain_signs("Don’t Stop – “Live”…")
    'Don\'t Stop - "Live"...'
    """
    return title.translate(_SIGNS).replace("…", "...")


def shorten_key(key: str) -> str:
    """Return ``key``, or its first characters and a hash of it where it is over 64 characters."""
    if len(key) <= KEY_LENGTH:
        return key
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{key[: KEY_LENGTH - 33]}\n{digest}"


def _fold_page(name: str) -> str:
    """Return one half of a page's key. Stored rows hold it: to change this, or ``clean`` in what
    it does here, needs a data migration."""
    folded = clean(clean(name).casefold()).translate(_SIGNS)
    return folded or name


# Notes that leave the recording the same, or mostly, in the order in which they are set aside.
_SAME_RECORDING = ("harmless", "single", "guests")
_SAME_SONG = ("harmless", "single", "edit", "year", "source", "guests")


def simplify_titles(title: str) -> list[str]:
    """Return other names of the same recording, the most complete first, without ``title``.

    Sets aside harmless notes ("- 2011 Remaster"), then those of singles ("- Single Version"), then
    featured guests; never a version, another length, a part or a subtitle.

    >>> simplify_titles("Under Pressure (feat. David Bowie) - 2011 Remaster")
    ['Under Pressure (feat. David Bowie)', 'Under Pressure']
    """
    return _simplify(title, _SAME_RECORDING)


def list_plain_titles(title: str) -> list[str]:
    """Return the names under which a page of this song may stand, as ``simplify_titles`` does, but
    without notes on an edit ("- Radio Edit"), a year or a source as well: whether such a page is of
    this recording is another question.

    >>> list_plain_titles("Mirror - Radio Edit")
    ['Mirror']
    """
    return _simplify(title, _SAME_SONG)


def write_loosely(title: str) -> str:
    """Return a title without subtitles and edits of no known kind, the same title if it has none:
    a page under that name may be of this recording, which a person has to say.

    >>> write_loosely("Mirror (Everything Reflected) - Vinyl Edit")
    'Mirror'
    """
    parsed = take_apart(title)
    dropped = [n for n in parsed.notes if n.place != "lead" and _says_little(n)]
    return _write_without(title, parsed, dropped) if dropped else title


def _says_little(note: Note) -> bool:
    if note.meaning == "version":
        return all(version.kind in ("edit", "cut", "version") for version in note.versions)
    return note.meaning in (*_SAME_SONG, "subtitle")


def _simplify(title: str, meanings: tuple[str, ...]) -> list[str]:
    parsed = take_apart(title)
    variants: list[str] = []
    aside: set[str] = set()
    for meaning in meanings:
        if not any(_has_meaning(note, meaning) for note in parsed.notes):
            continue
        aside.add(meaning)
        if meaning == "harmless" and not parsed.years:
            aside.add("year")  # "Honey - 1991 - Remaster"
        dropped = [n for n in parsed.notes if any(_has_meaning(n, one) for one in aside)]
        variant = _write_without(title, parsed, dropped)
        if variant and variant != title and variant not in variants:
            variants.append(variant)
    return variants


def _has_meaning(note: Note, meaning: str) -> bool:
    if meaning == "source":  # "- From Aladdin"
        return note.meaning == "subtitle" and note.words[:1] == ("from",) and len(note.words) > 1
    return note.meaning == meaning


def _write_without(title: str, parsed: Title, dropped: list[Note]) -> str:
    """Return the title without some notes, and the rest of it as it is written: the dash of
    "Lantern – Paper? - 2004 Remaster" stays one."""
    left = clean(title)
    for (place, opening), notes in groupby(dropped, lambda note: (note.place, note.opening)):
        texts = [re.escape(note.text) for note in notes]
        whole = _cut_note(left, place, opening, r"\s*[/;]\s*".join(texts))  # "Mono / 2009 Remaster"
        for text in texts if whole == left else []:
            before, whole = whole, _cut_note(whole, place, opening, text)
            if whole == before:
                return _write_anew(parsed, dropped)
        left = whole
    return " ".join(left.split())


def _cut_note(title: str, place: str, opening: str, text: str) -> str:
    """Return a title without a note and its dash or brackets, or without its part of a note that
    means several things: "- Mono / Live". The same title if it is not there."""
    if place == "dash":
        begin, end, all_of_it = (
            rf"[{re.escape(DASHES)}]\s",
            "$",
            rf"\s+[{re.escape(DASHES)}]\s+{text}",
        )
    elif opening:
        begin, end = re.escape(opening), re.escape(CLOSING[opening])
        all_of_it = rf"\s*{begin}\s*{text}\s*(?:{end}|$)"
    else:
        return re.sub(rf"\s+{text}", " ", title, count=1)
    for pattern, instead in (
        (rf"(?<={begin}){text}\s*[/;]\s*", ""),
        (rf"\s*[/;]\s*{text}\s*(?={end}|[/;])", ""),
        (all_of_it, " "),
    ):
        cut, found = re.subn(pattern, instead, title, count=1)
        if found:
            return cut
    return title


def _write_anew(title: Title, dropped: list[Note]) -> str:
    """Return the title with all other notes, where one cannot be cut out: "- Mono / Live"."""
    kept = [note for note in title.notes if note not in dropped]
    before = [_write_note(note) for note in kept if note.place == "lead"]
    after = [_write_note(note) for note in kept if note.place != "lead"]
    return " ".join([*before, title.core_text, *after])


def _write_note(note: Note) -> str:
    if note.place == "dash":
        return f"- {note.text}"
    if note.opening:
        return f"{note.opening}{note.text}{CLOSING[note.opening]}"
    return note.text
