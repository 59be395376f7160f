"""How a title or name in another script is written in Latin letters, loosely enough to compare.

The letters come from anyascii; kana are joined here, as anyascii reads one at a time. Kanji beside
kana have no reading by rule; Chinese characters alone get their Chinese one, which equals a Latin
title only where that is how it is read.
"""

from __future__ import annotations

from functools import lru_cache

from anyascii import anyascii

from matching.reading.normalize import drop_doubles, simplify_han

_SMALL = {"ゃ": "a", "ゅ": "u", "ょ": "o", "ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}
_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}

# Romanisations differ in these: Hepburn and Kunrei, long vowels, the "u" of borrowed words, the
# many ways to write Cyrillic.
_ALIKE = (
    ("shch", "sh"), ("sch", "sh"), ("tch", "ch"), ("tsu", "tu"), ("ts", "t"), ("shi", "si"),
    ("chi", "ti"), ("ch", "j"), ("dz", "z"), ("ji", "zi"), ("fu", "hu"), ("kh", "h"), ("ph", "f"),
    ("ck", "k"), ("qu", "ku"), ("x", "ks"), ("eo", "o"), ("eu", "u"), ("ou", "o"), ("wo", "o"),
    ("w", "v"), ("y", "i"), ("j", "i"), ("c", "k"), ("v", "u"), ("mb", "nb"), ("mp", "np"),
    ("mm", "nm"),
)  # fmt: skip
# Greek is written by letter or by sound: "Yparcho", "Yparho".
_GREEK_ALIKE = (("ch", "h"),)
_GREEK = (
    ("ου", "ou"), ("αυ", "av"), ("ευ", "ev"), ("μπ", "b"), ("γγ", "ng"), ("γκ", "g"), ("ει", "i"),
    ("οι", "i"), ("η", "i"), ("υ", "y"), ("χ", "h"), ("ξ", "x"),
)  # fmt: skip
# Which final consonant of hangul is spoken as which, unless a vowel follows: "벚꽃" is "beotkkot".
_FINALS = {
    2: 1, 3: 1, 5: 4, 6: 4, 9: 1, 10: 16, 11: 8, 12: 8, 13: 8, 14: 17, 15: 8, 18: 17, 19: 7, 20: 7,
    22: 7, 23: 7, 24: 1, 25: 7, 26: 17,
}  # fmt: skip
_TELLING, _TELLING_CONSONANTS = 4, 6  # letters; consonants, where vowels are not compared
_SYLLABLES, _LAST_SYLLABLE, _NO_INITIAL = 0xAC00, 0xD7A3, 11
# Of Hebrew and Arabic consonants are compared, which dialects and languages spell in many ways.
_HALF_VOWELS = str.maketrans("", "", "ויוىي")
_ALIKE_CONSONANTS = (
    ("kh", "h"), ("gh", "g"), ("th", "t"), ("dh", "d"), ("sh", "s"), ("ch", "h"), ("tz", "s"),
    ("ts", "s"), ("q", "k"), ("c", "k"), ("ph", "f"), ("p", "b"), ("v", "b"), ("j", "g"),
    ("z", "s"), ("x", "ks"),
)  # fmt: skip
# Kana know no "l"; of hangul's consonants each is written in two ways (Revised Romanisation, and
# what Korean acts call themselves).
_KANA_ALIKE = (("l", "r"),)
_HANGUL_ALIKE = (("ng", "n"), ("g", "k"), ("b", "p"), ("d", "t"), ("l", "r"))


def is_latin(text: str) -> bool:
    """Tell whether a folded text is written mostly in Latin letters."""
    if text.isascii():
        return True
    letters = [c for c in text if c.isalpha()]
    return sum(c < "\u0250" for c in letters) * 2 >= len(letters)


def is_all_latin(words: tuple[str, ...]) -> bool:
    """Tell whether no word has a letter of another script."""
    return all(c < "\u0250" for word in words if not word.isascii() for c in word if c.isalpha())


@lru_cache(maxsize=8192)
def romanise(text: str) -> str:
    """Return ``text`` in Latin letters, lower case, without blanks, or "" if no rule reads it."""
    kana = _has_kana(text)
    if kana and any(_is_han(c) for c in text):
        return ""
    read = _read_kana(text) if kana else _speak_hangul(_spell_greek(text))
    return "".join(c for c in anyascii(simplify_han(read)).lower() if c.isalnum())


def sound_alike(a: str, b: str) -> bool:
    """Tell whether two texts are read alike, in letters enough to tell: "Кино", "Kino"."""
    both = a + b
    if is_consonantal(both):
        key = list_consonants(a)
        return len(key) >= _TELLING_CONSONANTS and key == list_consonants(b)
    extra: tuple[tuple[str, str], ...] = ()
    if any(map(_is_hangul, both)):
        extra = _HANGUL_ALIKE
    elif any(map(_is_greek, both)):
        extra = _GREEK_ALIKE
    elif _has_kana(both):
        extra = _KANA_ALIKE
    key = _key_sound(a, extra)
    return len(key) >= _TELLING and key == _key_sound(b, extra)


def respell(a: str, b: str) -> bool:
    """Tell whether two names of several words are read alike: "Alexej Vorobjov", "Alexey
    Vorobyov", "Anastasiya Vinnikova", "Anastasia Vinnikova"."""
    words_a, words_b = a.split(), b.split()
    if len(words_a) != len(words_b) or len(words_a) < 2 or not (a + b).isascii():
        return False
    return all(
        x == y or _key_sound(x, ()) == _key_sound(y, ())
        for x, y in zip(words_a, words_b, strict=True)
    )


@lru_cache(maxsize=8192)
def _key_sound(text: str, extra: tuple[tuple[str, str], ...]) -> str:
    """Return a form in which two romanisations of one text are mostly equal, or ""."""
    key = romanise(text)
    for spelling, plain in extra + _ALIKE:
        key = key.replace(spelling, plain)
    return drop_doubles(key)


def _has_kana(text: str) -> bool:
    return any("\u3041" <= c <= "\u30ff" for c in text)


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or character == "々"


def is_consonantal(text: str) -> bool:
    """Tell whether ``text`` has Hebrew or Arabic letters, which mostly leave vowels unwritten, or
    those of India's scripts, of whose inherent vowel every spelling keeps another part."""
    return any("\u0590" <= c <= "\u06ff" or "\u0900" <= c <= "\u0dff" for c in text)


@lru_cache(maxsize=8192)
def list_consonants(text: str) -> str:
    """Return the consonants of folded words, those in one that are written in several ways, none
    twice in a row; "" where no rule reads a word."""
    words = [romanise(word.translate(_HALF_VOWELS)) for word in text.split()]
    if not all(words):
        return ""
    key = "".join(word.removesuffix("h") or word for word in words)
    for spelling, plain in _ALIKE_CONSONANTS:
        key = key.replace(spelling, plain)
    return drop_doubles("".join(c for c in key if c.isalpha() and c not in "aeiouyw"))


def _is_hangul(character: str) -> bool:
    return _SYLLABLES <= ord(character) <= _LAST_SYLLABLE


def _is_greek(character: str) -> bool:
    return "\u0370" <= character <= "\u03ff"


def _spell_greek(text: str) -> str:
    if not any(map(_is_greek, text)):
        return text
    for letters, latin in _GREEK:
        text = text.replace(letters, latin)
    return text


def _speak_hangul(text: str) -> str:
    """Return ``text`` with the final consonants of its syllables as they are spoken."""
    if not any(map(_is_hangul, text)):
        return text
    spoken: list[str] = []
    for character, after in zip(text, text[1:] + " ", strict=True):
        if _is_hangul(character):
            final = (ord(character) - _SYLLABLES) % 28
            vowel = _is_hangul(after) and (ord(after) - _SYLLABLES) // 588 == _NO_INITIAL
            if final in _FINALS and not vowel:
                character = chr(ord(character) - final + _FINALS[final])
        spoken.append(character)
    return "".join(spoken)


def _read_kana(text: str) -> str:
    """Return ``text`` with its kana in Latin letters: "がっこう" is "gakkou", "シャ" is "sha"."""
    read: list[str] = []
    doubled = False
    for character in text.translate(_TO_HIRAGANA):
        if character == "っ":
            doubled = True
        elif character in _SMALL and read:
            read[-1] = _join_small(read[-1], character)
        elif character != "ー":
            letters = anyascii(character)
            read.append(letters[:1] + letters if doubled else letters)
            doubled = False
    return "".join(read)


def _join_small(syllable: str, small: str) -> str:
    """Return "kya" for "ki" and a small "ya", "sha" for "shi", "fa" for "fu" and a small "a"."""
    stem = syllable[:-1]
    glide = "y" if small in "ゃゅょ" and not stem.endswith(("sh", "ch", "j")) else ""
    return f"{stem}{glide}{_SMALL[small]}"
