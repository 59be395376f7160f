"""A title or an artist in the form in which two spellings are compared.

Nothing here decides identity alone, and nothing folds to the empty string unless it was blank:
a fold that forgets the letters it does not know would make every Japanese title equal to every
other.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, and look-alikes that bands write inside Latin words
# ("Mötörhead" needs no entry, "Sigur Rós" neither; "Røyksopp" and "Łąki Łan" do).
_LETTERS = str.maketrans(
    {
        "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe",
        "þ": "th", "ŧ": "t", "ə": "e", "ƒ": "f", "ё": "е", "ѐ": "е", "ѝ": "и",
    }
)  # fmt: skip

# Stylised letters: only inside or beside Latin letters, so that "$" alone stays a title.
_STYLISED = {
    "$": "s",  # A$AP Rocky, Ke$ha
    "!": "i",  # P!nk
    "¡": "i",
    "@": "a",  # B@d
    "€": "e",
    "я": "r",  # KoЯn
    "и": "n",  # NIИ
    "λ": "a",  # MΛNDY
    "σ": "o",
    "ξ": "e",
    "∆": "a",
    "δ": "a",
    "†": "t",
}

_QUOTES = "'’‘‛ʼʻ`´′＇ʹ"
_DROPPED = str.maketrans("", "", _QUOTES)
_AND = re.compile(r"[&+＆＋]")
_ASCII_SIGNS = re.compile(r"[^a-z0-9]+")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}")  # "U.K.", "R.E.M."
_BLANK = re.compile(r"\s+")
_CONTROL = {"Cc", "Cf", "Co", "Cs", "Cn"}

# Spellings of one word. Only words that are never a title's sole difference otherwise.
_WORDS = {
    "til": "till",  # "'Til I Collapse" / "Till I Collapse"
    "until": "till",
    "cuz": "cause",
    "coz": "cause",
    "cos": "cause",
    "because": "cause",  # "'Cause You're Young"
    "ok": "okay",
    "nite": "night",
    "thru": "through",
    "luv": "love",
    "u": "you",  # "I Wanna Be with U"
    "ur": "your",
    "ya": "you",
    "wit": "with",  # "I'm 'n Luv (wit a Stripper)"
    "da": "the",
    "tha": "the",
    "mister": "mr",
    "missus": "mrs",
    "saint": "st",
    "versus": "vs",
}

NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}


def word_set(words: str) -> frozenset[str]:
    """Return the words of a string as a set: how the tables of words are written."""
    return frozenset(words.split())


def clean(text: str) -> str:
    """Return ``text`` in NFKC without control characters and with single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if not text.isprintable():
        text = "".join(" " if c.isspace() else c for c in text if _is_visible(c))
    return _BLANK.sub(" ", text).strip()


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Return the words of ``text`` in lower case without accents and punctuation.

    ``fold("Ke$ha & The Bändits!") == "kesha and the bandits"``. A text of signs alone keeps its
    signs (the band "!!!", the song "?").
    """
    cleaned = clean(text).casefold()
    plain = _drop_accents(cleaned).translate(_LETTERS)
    plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), plain)
    plain = _read_stylised(plain).translate(_DROPPED)
    plain = _AND.sub(" and ", plain)
    spaced = _replace_signs(plain)
    words = [_WORDS.get(word) or _drop_g(word) for word in spaced.split()]
    words[1:-1] = ["and" if word == "n" else word for word in words[1:-1]]  # "Rock 'n' Roll"
    while len(words) > 1 and words[0] == "and":  # "+44" is not "and 44"
        words = words[1:]
    if words and words != ["and"]:
        return " ".join(words)
    return cleaned.replace(" ", "") or text.strip() or text


def _replace_signs(text: str) -> str:
    if text.isascii():
        return _ASCII_SIGNS.sub(" ", text)
    return "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)


def _drop_g(word: str) -> str:
    """Read "loving" as "lovin'", since no other word is spelled like that but "thin"."""
    if len(word) >= 5 and word.endswith("ing") and word != "thing":
        return word[:-1]
    return word


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of ``fold(text)`` with number words as digits."""
    return tuple(NUMBER_WORDS.get(word, word) for word in fold(text).split())


def squash(words: tuple[str, ...]) -> str:
    """Return words as one string, so that "Dream Girl" is "Dreamgirl".

    Digits that would run together stay apart: "1 10" is not "11 0".
    """
    pieces: list[str] = []
    for word in words:
        if pieces and pieces[-1][-1:].isdigit() and word[:1].isdigit():
            pieces.append(" ")
        pieces.append(word)
    return "".join(pieces)


def _is_visible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) not in _CONTROL


def _drop_accents(text: str) -> str:
    """Drop combining marks from Latin and Greek letters only: "が" must not become "か"."""
    if text.isascii():
        return text
    kept: list[str] = []
    droppable = False
    for character in unicodedata.normalize("NFD", text):
        if unicodedata.combining(character):
            if not droppable:
                kept.append(character)
            continue
        droppable = character < "\u0400" or "\u1e00" <= character < "\u2000"
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def _read_stylised(text: str) -> str:
    """Read "$" as "s" and the like where the word around it is Latin."""
    if not any(sign in text for sign in _STYLISED):
        return text
    return " ".join(_read_stylised_word(word) for word in text.split(" "))


def _read_stylised_word(word: str) -> str:
    letters = [c for c in word if c.isalpha() and c not in _STYLISED]
    if not letters or not all(c < "\u0250" for c in letters):
        return word
    body = word.rstrip("!¡†")  # "Help!" ends in a cry, "P!nk" does not
    if body[:1] == "$" and body[1:2].isdigit():
        return word
    read = "".join(_STYLISED.get(c, c) for c in body.lstrip("!¡"))
    return read + word[len(body) :]
