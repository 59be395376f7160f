"""A title or an artist in the form in which two spellings are compared.

Nothing here decides identity alone, and nothing folds to the empty string unless it was blank:
a fold that forgets the letters it does not know would make every Japanese title equal to every
other.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from itertools import groupby

from matching.reading.number_words import read_number_words

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
    "∞": "o",  # 22 (OVER S∞∞N)
}

# Cyrillic letters that look like Latin ones, in a word that is Latin otherwise: "Сemetery Gates".
_LOOK_ALIKES = str.maketrans("аеорсухкмтвніјѕ", "aeopcyxkmtbhijs")
_LATIN_WORDS = re.compile(r"\b(?=[^\W\d_]*[a-z])(?=[^\W\d_]*[а-ѕ])[a-zаеорсухкмтвніјѕ]+\b")

_QUOTES = "'’‘‛ʼʻ`´′＇ʹ"
_DROPPED = str.maketrans("", "", _QUOTES)
_AND = re.compile(r"[&+＆＋]")
_ASCII_SIGNS = re.compile(r"[^a-z0-9]+")
_INITIALS = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}")  # "U.K.", "R.E.M."
_BLANK = re.compile(r"\s+")
_QUOTED_N = re.compile(f"(?<=\\w)[{_QUOTES}]n[{_QUOTES}](?=\\w)")  # "Cocked'N'Loaded"
_CENSORED = re.compile(r"(?<=[^\W_])\*+")  # "F**kin' Perfect", "Big S**t Poppin'", "M*A*S*H"
_LATIN_BAR = re.compile(r"(?<=[a-z])ー(?=[a-z])")  # "NextーGeneration": a dash, not a long vowel
_LONG_DRAWN = re.compile(r"([a-z])\1{2,}")  # "Hmmm" and "Hmmmm"

#: Stands for a letter that is not there: lost on the way ("Beyonc�") or hidden ("B*tch").
LOST = "\ufffd"
_MOST_LOST = 8
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
    "bros": "brothers",
    "versus": "vs",
    "lil": "little",  # "Lil' Red Riding Hood"
    "tonite": "tonight",
    "getto": "ghetto",
    "nuthin": "nothin",  # as _respell leaves "nothing"
    "sumthin": "somethin",
    "grey": "gray",
    "centre": "center",
    "theatre": "theater",
    "jewellery": "jewelry",
    "programme": "program",
    "opus": "op",
    "nr": "no",
    "wanna": "want to",  # "I Wanna Dance", "I Want to Dance"
    "gonna": "goin to",  # as _respell leaves "going"
    "gotta": "got to",
    "gimme": "give me",
    "lemme": "let me",
    "outta": "out of",
    "kinda": "kind of",
    "sorta": "sort of",
    "lotta": "lot of",
    "whatcha": "what you",
    "gotcha": "got you",
    "dunno": "dont know",
    "tryna": "tryin to",
    "naa": "na",  # "Kal Ho Naa Ho"
    "ecstacy": "ecstasy",
    **{
        f"{stem}our{ending}": f"{stem}or{ending}"  # "Worst Behaviour", "My Favorite Things"
        for stem in (
            "arm", "behavi", "cand", "col", "endeav", "fav", "flav", "harb", "hon", "hum", "lab",
            "neighb", "od", "parl", "rum", "sav", "splend", "vap", "vig",
        )
        for ending in ("", "s", "ed", "ful", "less", "hood", "ite", "ites")
    },
}  # fmt: skip

_ROMAN_DIGITS = frozenset("ivxlcdm")

_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")  # "10,000 Miles"


_MANGLED = re.compile("[ÂÃÅÎÏÐÑØÙãâåæçèéìí][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|ï¿½?")


def repair(text: str) -> str:
    """Return ``text`` with HTML's signs read ("Don&#039;t") and UTF-8 that was read as Windows-1252
    undone ("BeyoncÃ©", "Beyoncï¿½")."""
    if "&" in text and ";" in text:
        text = html.unescape(text)
    if text.isascii() or not _MANGLED.search(text):
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text.replace("ï¿½", LOST).replace("ï¿", LOST)


def fits(a: str, b: str) -> bool:
    """Tell whether two folded texts are equal but for letters that are lost in one of them.

    Each lost letter stands for one letter or none, never for a digit. In linear time: at most
    eight are followed.
    """
    if LOST in b:
        a, b = b, a
    lost = a.count(LOST)
    if LOST in b or not 0 < lost <= _MOST_LOST or lost * 2 > len(a) or len(b) > len(a):
        return False
    places = {0}  # where in b what was read of a may have ended
    for letter in a:
        if letter == LOST:
            places |= {place + 1 for place in places if b[place : place + 1].isalpha()}
        else:
            places = {place + 1 for place in places if b[place : place + 1] == letter}
    return len(b) in places


@lru_cache(maxsize=1)
def _load_han() -> dict[int, str]:
    text = resources.files("matching").joinpath("aliases", "han.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {ord(pair[0]): pair[1] for line in lines for pair in line.split()}


def simplify_han(text: str) -> str:
    """Return ``text`` with traditional Chinese characters as the simplified ones."""
    return text.translate(_load_han())


def drop_doubles(text: str) -> str:
    """Return ``text`` with each letter once where it stands several times in a row."""
    return "".join(c for c, before in zip(text, " " + text, strict=False) if c != before)


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
    if not plain.isascii():
        plain = _LATIN_WORDS.sub(
            lambda found: found[0].translate(_LOOK_ALIKES), simplify_han(plain)
        )
    if "." in plain:
        plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), plain)
    plain = _QUOTED_N.sub(" n ", _read_stylised(plain)).translate(_DROPPED)
    plain = _LATIN_BAR.sub(" ", _CENSORED.sub(lambda found: LOST * len(found[0]), plain))
    plain = _AND.sub(" and ", plain)
    spaced = _replace_signs(plain)
    words = spaced.split()
    if len(words) > 2 and sum(map(len, words)) < 2 * len(words):
        words = list(_join_letters(words))
    if LOST in spaced:
        words = [_uncensor(word) if LOST in word else word for word in words]
    words = [_WORDS.get(word) or _respell(word) for word in words]
    words[1:-1] = ["and" if word == "n" else word for word in words[1:-1]]  # "Rock 'n' Roll"
    named = (place for place, word in enumerate(words) if word != "and")
    words = words[next(named, len(words) - 1) :]  # "+44" is not "and 44"
    if words and words != ["and"]:
        return " ".join(words)
    return cleaned.replace(" ", "") or text.strip() or text


# What is censored in titles, as folding leaves it: "fucking" is "fuckin".
_COARSE = word_set(
    "ass asshole bastard bitch bitches bitchin bullshit cock crap cunt damn dick fuck fucked "
    "fucker fuckers fuckin fucks goddamn hell motherfucker motherfuckers motherfuckin nigga niggas "
    "niggaz pussy shit shits shitty whore whores"
)


@lru_cache(maxsize=1024)
def _uncensor(word: str) -> str:
    """Return the one word that is censored so: "fuck" for "f**k"; else ``word``."""
    fitting = [
        plain
        for plain in _COARSE
        for written in (plain, f"{plain}g" if plain.endswith("in") else plain)
        if len(written) == len(word)
        and all(c in (LOST, d) for c, d in zip(word, written, strict=True))
    ]
    return fitting[0] if len(set(fitting)) == 1 else word


def _replace_signs(text: str) -> str:
    if text.isascii():
        return _ASCII_SIGNS.sub(" ", text)
    return "".join(
        c if c.isalnum() or c == LOST or unicodedata.category(c)[0] == "M" else " " for c in text
    )


def _respell(word: str) -> str:
    """Read "loving" as "lovin'", since no other word is spelled like that but "thin", and draw
    "hmmmm" no longer than "hmm"; "XXX" is a number."""
    if len(word) >= 4 and _LONG_DRAWN.search(word) and not _ROMAN_DIGITS.issuperset(word):
        word = _LONG_DRAWN.sub(r"\1\1", word)
    if len(word) >= 5 and word.endswith("ing") and word != "thing":
        return word[:-1]
    return word


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of ``fold(text)`` with number words as digits, "twenty one" as one word."""
    if "," in text:
        text = _THOUSANDS.sub("", text)
    if text[:1] == "-" and text[1:2].isdecimal():
        text = f"minus {text[1:]}"  # "-1"
    return tuple(_drop_zeros(word) for word in read_number_words(fold(text).split()))


def _join_letters(words: list[str]) -> Iterator[str]:
    """Yield "anxiety" for "A N X I E T Y", and "586" for "5 8 6": three or more set apart."""
    for alone, group in groupby(words, key=lambda word: len(word) == 1 and word.isascii()):
        run = list(group)
        yield from ["".join(run)] if alone and len(run) > 2 else run


def _drop_zeros(word: str) -> str:
    """Read "Track 01" as "Track 1"."""
    return word.lstrip("0") or "0" if word[:1] == "0" and word.isdecimal() else word


_UMLAUTS = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "å": "aa", "Å": "Aa",
        "ø": "oe", "Ø": "Oe",
    }
)  # fmt: skip


def write_umlauts(text: str) -> str:
    """Return ``text`` with its umlauts written out, "" if it has none: "Fuer Elise"."""
    written = text if text.isascii() else text.translate(_UMLAUTS)
    return written if written != text else ""


def squash(words: tuple[str, ...]) -> str:
    """Return words as one string, so that "Dream Girl" is "Dreamgirl".

    Digits that would run together stay apart: "1 10" is not "11 0".
    """
    joined = "".join(words)
    if joined.isalpha():
        return joined
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
    body = word.rstrip("!¡†,.;:?…")  # "Help!, Pt. 2" ends in a cry, "P!nk" does not
    if body[:1] == "$" and body[1:2].isdigit():
        return word
    cried = body.lstrip("!¡").replace("!.", ".")  # "Oops!...I Did It Again"
    read = "".join(_STYLISED.get(c, c) for c in cried)
    return read + word[len(body) :]
