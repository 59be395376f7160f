"""How titles write numbers, keys and movements of works, in one spelling."""

from __future__ import annotations

import re

from matching.reading.normalize import split_words

_DIGIT = re.compile(r"\d")
_NUMBER_SIGN = re.compile(
    r"\b(?:(?:no|nr)\.\s*|number\s+)(?=\d)", re.IGNORECASE
)  # "Gymnopédie No. 1"
_OF_HOW_MANY = re.compile(r"(\bvol(?:ume)?\.? ?\d+)/\d+\b", re.IGNORECASE)  # "Vol. 53/66"
_KOECHEL = re.compile(r"\bKV(?=\.? ?\d)", re.IGNORECASE)  # "KV 626", "K. 626"
# "C♯ Minor", "F#-moll", "E♭ Major"; a "#" before a digit is a number's.
_SHARP = re.compile(r"\b([A-Ha-h])(?:♯|#(?!\d))")
_FLAT = re.compile(r"\b([A-Ha-h])♭")
_MUSIC = re.compile(r"[ivx]\.\s|\bmaj|\bmov|\bmvt|\bsatz|\bdur\b", re.IGNORECASE)
_MOVEMENT = re.compile(r"(?:(?<=[:;,(–—-]\s)|^)([ivx]{1,5})\.\s+(?=\w)", re.IGNORECASE)
_NUMBERED = re.compile(
    r"\b(\w+?)(?:st|nd|rd|th)?\.?\s+(?:movement|mvt|satz)\b[:.,]?", re.IGNORECASE
)
_MAJOR = re.compile(r"\b([a-h](?:[ -](?:flat|sharp))?)[ -](?:major|maj\b\.?|dur)", re.IGNORECASE)
_ORDINALS = {
    "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6",
    "seventh": "7", "eighth": "8", "ninth": "9", "tenth": "10",
}  # fmt: skip
# "I'm Henry the Eighth, I Am"; not "The First Time"
_NTH = re.compile(rf"(?<=\w )the ({'|'.join(_ORDINALS)})(?=[^\w\s]|$)", re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10}


def split_title_words(text: str) -> tuple[str, ...]:
    """Return the words of a title as ``split_words`` does, movements and keys in one spelling.

    "III. Menuetto", "3. Menuetto" and "Third Movement: Menuetto" are one; "in G" is "in G major".
    """
    if "#" in text or not text.isascii():
        text = _SHARP.sub(r"\1 sharp", _FLAT.sub(r"\1 flat", text))
    if _MUSIC.search(text):
        text = _MOVEMENT.sub(lambda found: f"{read_roman(found[1].lower())}. ", text)
        text = _NUMBERED.sub(lambda found: f"{_ORDINALS.get(found[1].lower(), found[1])}. ", text)
        text = _MAJOR.sub(r"\1", text)
    if _DIGIT.search(text):
        text = _KOECHEL.sub("K", _NUMBER_SIGN.sub(" ", text))
        text = _OF_HOW_MANY.sub(r"\1", text)
    if _NTH.search(text):
        text = _NTH.sub(lambda found: _ORDINALS[found[1].lower()], text)
    return split_words(text)


def read_roman(numeral: str) -> int:
    """Return the number of a Roman numeral of i, v and x: ``read_roman("xiv") == 14``."""
    values = [_ROMAN[letter] for letter in numeral]
    following = [*values[1:], 0]
    return sum(-v if v < after else v for v, after in zip(values, following, strict=True))
