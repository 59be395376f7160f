"""Names as one types them: without case, accents and punctuation, in their own script."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

#: Behind a sign of a script without blanks, so that an index of three signs finds one or two.
PADS = ("", "00", "0")
#: Latin letters that are no letter with an accent to Unicode.
LETTERS = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
    "ŧ": "t", "ŋ": "n", "ə": "e", "ʻ": "", "ʼ": "", "ʹ": "",
}  # fmt: skip


def fold(text: str) -> str:
    """Return the words of a text, folded sign by sign; a word of punctuation alone is left out."""
    if text.isascii():
        words = ("".join(filter(str.isalnum, word)) for word in text.lower().split())
    else:
        words = ("".join(map(_fold_sign, word)) for word in text.split())
    return " ".join(filter(None, words))


def fold_names(track: Any) -> str:
    """Return what is searched of a track: its title, artists and album, and the short pieces of
    scripts without blanks (``write_piece``). A blank stands on both sides of each word, so that
    with it one or two letters are three signs (``find_forms``)."""
    artists = track.artists if isinstance(track.artists, list) else []
    text = fold(" ".join(map(str, (track.title, *artists, track.album))))
    if text.isascii():
        return f" {text} "
    pieces = dict.fromkeys(
        write_piece(word[start : start + size])
        for word in text.split()
        for start in range(len(word))
        for size in (1, 2)
        if start + size <= len(word) and is_without_blanks(word[start : start + size])
    )
    return f" {' '.join([text, *pieces])} "


def find_forms(word: str) -> list[str]:
    """Return the texts any of which a track has that has the word, three signs or more each: two
    letters begin or end a word, and one letter is a word. A word of punctuation alone has none."""
    folded = fold(word)
    if not 0 < len(folded) < len(PADS):
        return [folded] if folded else []
    if is_without_blanks(folded):
        return [write_piece(folded)]
    return [f" {folded}", f"{folded} "] if len(folded) == 2 else [f" {folded} "]


def write_piece(word: str) -> str:
    """Return one or two signs as they stand, three long, behind the names."""
    return word + PADS[len(word)]


def is_without_blanks(word: str) -> bool:
    """Tell whether a word is in a script of many signs, of which one or two say something."""
    return all("\u1100" <= sign <= "\u11ff" or sign >= "\u2e80" for sign in word)


@cache
def _fold_sign(sign: str) -> str:
    # A long s, a ligature, a full-width letter become plain; an accent becomes a sign of its own.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", sign).casefold())
    return "".join(LETTERS.get(one, one) for one in plain if one.isalnum())
