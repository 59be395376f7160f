"""Names as a service's page key, and the other names under which a page may be found."""

from __future__ import annotations

import hashlib

from matching.normalize import clean
from matching.notes import Note
from matching.titles import CLOSING, Title, take_apart

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


def simplify_titles(title: str) -> list[str]:
    """Return other names of the same recording, the most complete first, without ``title``.

    Sets aside harmless notes ("- 2011 Remaster"), then those of singles ("- Single Version"), then
    featured guests; never a version, another length, a part or a subtitle.

    >>> simplify_titles("Under Pressure (feat. David Bowie) - 2011 Remaster")
    ['Under Pressure (feat. David Bowie)', 'Under Pressure']
    """
    parsed = take_apart(title)
    variants: list[str] = []
    aside: set[str] = set()
    for meaning in ("harmless", "single", "guests"):
        if not any(note.meaning == meaning for note in parsed.notes):
            continue
        aside.add(meaning)
        if meaning == "harmless" and not parsed.years:
            aside.add("year")  # "Honey - 1991 - Remaster"
        variant = _write_without(parsed, aside)
        if variant and variant != title and variant not in variants:
            variants.append(variant)
    return variants


def _write_without(title: Title, aside: set[str]) -> str:
    """Return the title with the notes whose meaning is not in ``aside``, as they were written."""
    before = [_write_note(note) for note in title.notes if note.place == "lead"]
    after = [
        _write_note(note)
        for note in title.notes
        if note.place != "lead" and note.meaning not in aside
    ]
    return " ".join([*before, title.core_text, *after])


def _write_note(note: Note) -> str:
    if note.place == "dash":
        return f"- {note.text}"
    if note.opening:
        return f"{note.opening}{note.text}{CLOSING[note.opening]}"
    return note.text
