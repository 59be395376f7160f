"""Bytes as text: which encoding, and what is no text at all."""

from __future__ import annotations

import codecs
from typing import NoReturn

from connectors.files.outcome import FileRejected

BINARY_SIGNATURES = {
    b"\x1f\x8b": "is a gzip file; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive; unpack it first",
    b"Rar!": "is a RAR archive; unpack it first",
    b"%PDF": "is a PDF document, not an export of likes",
    b"\x89PNG": "is a picture, not an export of likes",
    b"\xff\xd8\xff": "is a picture, not an export of likes",
    b"SQLite format 3": "is an SQLite database, not an export of likes",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook; open it and save it as CSV UTF-8",
}
#: Lines that are named by number, of more.
SHOWN_LINES = 5
# Longest first: the mark of UTF-32 begins with that of UTF-16.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode_text(data: bytes) -> tuple[str, str]:
    """The text of a file, and a note on what was left out of it.

    It is UTF-8, UTF-16, UTF-32 or, for what Western Excel saves, cp1252.
    Raises ``FileRejected`` for what is empty, binary or in an encoding that cannot be told.
    """
    for signature, problem in BINARY_SIGNATURES.items():
        if data.startswith(signature):
            raise FileRejected(problem)
    decoded = _decode(data).lstrip("\ufeff")
    text = decoded.replace("\0", "").rstrip("\x1a")
    if not text.strip():
        raise FileRejected("is empty; export it again")
    return text, _note_nul(decoded)


def _note_nul(text: str) -> str:
    if "\0" not in text:
        return ""
    numbers = [number for number, line in enumerate(text.split("\n"), 1) if "\0" in line]
    shown = ", ".join(f"{number:,}" for number in numbers[:SHOWN_LINES])
    more = f" and {len(numbers) - SHOWN_LINES:,} more" if len(numbers) > SHOWN_LINES else ""
    word = "line" if len(numbers) == 1 else "lines"
    return (
        "NUL characters, as a damaged disk or copy leaves them, were left out, and whatever stood "
        f"in their place is lost: {word} {shown}{more}"
    )


def _decode(data: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return _decode_strictly(data[len(mark) :], encoding)
    encoding = _guess_utf16(data[:400])
    if encoding:
        return _decode_strictly(data, encoding)
    lines = data.rstrip(b"\0").split(b"\n")  # a disk that lost power leaves NULs behind the end
    if 2 * sum(b"\0" in line for line in lines) > len(lines):
        _refuse_nul(data.count(b"\n", 0, data.index(b"\0")) + 1)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    return _decode_mixed(lines) or _decode_western(data, line)


def _decode_mixed(lines: list[bytes]) -> str:
    """UTF-8 in which a few lines are of another program's making, or "" if it is none."""
    texts, sound, broken = [], 0, 0
    for line in lines:
        try:
            texts.append(line.decode("utf-8"))
            sound += not line.isascii()
        except UnicodeDecodeError:
            texts.append(line.decode("cp1252", "replace"))
            broken += 1
    return "\n".join(texts) if sound > 2 * broken else ""


def _refuse_nul(line: int) -> NoReturn:
    raise FileRejected(f"holds a NUL byte in line {line}; it is binary or damaged")


def _decode_strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise FileRejected(
            f"begins as {encoding.upper()} text but byte {error.start} is none; export it again"
        ) from error


def _guess_utf16(head: bytes) -> str:
    """Headers are Latin letters: in UTF-16 every other byte of them is zero."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and odd > len(head) // 3 and not even:
        return "utf-16-le"
    if len(head) >= 8 and even > len(head) // 3 and not odd:
        return "utf-16-be"
    return ""


def _decode_western(data: bytes, line: int) -> str:
    """cp1252, if it looks like it: in Western text most letters are plain ones.

    Read as cp1252, Cyrillic or Japanese in their own 8-bit encodings become rows of accents.
    """
    problem = f"is not UTF-8 text (line {line}); save it again as CSV UTF-8"
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise FileRejected(problem) from error
    letters = sum(character.isalpha() for character in text)
    accented = sum(byte >= 0x80 for byte in data)
    if 5 * accented > letters or any(0 < ord(character) < 9 for character in text):
        raise FileRejected(problem)
    return text
