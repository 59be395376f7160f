"""Numbers written in English words, read as digits: "Nineteen Eighty-Four" is "1984"."""

from __future__ import annotations

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_CENTURIES = (19, 20)

#: Word -> digits, up to ninety.
NUMBER_WORDS = {word: str(number) for number, word in enumerate((*_UNITS, *_TEENS))} | {
    word: str(10 * number) for number, word in enumerate(_TENS, 2)
}

_OF_NUMBERS = frozenset((*NUMBER_WORDS, "hundred", "thousand"))


def read_number_words(words: list[str]) -> list[str]:
    """Return words with each number that several of them name as one word of digits."""
    if _OF_NUMBERS.isdisjoint(words):
        return words
    read: list[str] = []
    index = 0
    while index < len(words):
        stop, number = _read_number(words, index)
        if stop > index:
            read.append(str(number))
        else:
            read.append(words[index])
            stop = index + 1
        index = stop
    return read


def _read_number(words: list[str], start: int) -> tuple[int, int]:
    """Return where the number that starts here ends, and which it is; ``start`` where none does."""
    index, number = _read_hundreds(words, start)
    if _at(words, index) == "thousand":  # "A Thousand Miles", "Ten Thousand Hours"
        thousands = number if index > start else 1
        after, rest = _read_hundreds(words, _skip_and(words, index + 1))
        more = after > _skip_and(words, index + 1) and rest < 1000
        return (after, 1000 * thousands + rest) if more else (index + 1, 1000 * thousands)
    return index, number


def _read_hundreds(words: list[str], start: int) -> tuple[int, int]:
    index, number = _read_tens(words, start)
    if _at(words, index) == "hundred":  # "One Hundred and One", "Hundred"
        hundreds = number if index > start else 1
        after, rest = _read_tens(words, _skip_and(words, index + 1))
        more = after > _skip_and(words, index + 1) and not words[after - 1].isdecimal()
        return (after, 100 * hundreds + rest) if more else (index + 1, 100 * hundreds)
    if index > start and number in _CENTURIES and not words[start].isdecimal():
        after, rest = _read_tens(words, index)
        if after > index and rest >= 10 and not words[index].isdecimal():
            return after, 100 * number + rest  # "Nineteen Eighty-Four"
    return index, number


def _read_tens(words: list[str], start: int) -> tuple[int, int]:
    word = _at(words, start)
    if word in _TENS:
        tens, unit = 10 * (_TENS.index(word) + 2), _at(words, start + 1)
        if unit in _UNITS[1:]:
            return start + 2, tens + _UNITS.index(unit)
        return start + 1, tens
    if word in NUMBER_WORDS:
        return start + 1, int(NUMBER_WORDS[word])
    if word.isdecimal() and len(word) < 7 and _at(words, start + 1) in ("hundred", "thousand"):
        return start + 1, int(word)
    return start, 0


def _skip_and(words: list[str], index: int) -> int:
    return index + 1 if _at(words, index) == "and" else index


def _at(words: list[str], index: int) -> str:
    return words[index] if index < len(words) else ""
