"""Texts from outside, in the form in which they are kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime

ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")


def count_nouns(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: "1 row", "2,000 rows"; ``nouns`` is an irregular plural."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def keep_storable(text: str) -> str:
    """Return ``text`` without what no database can hold: NUL, and halves of surrogate pairs.

    Both come out of JSON's escapes, and one such name would stop every run that meets it.
    """
    if text.isprintable():
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


# What a terminal acts on instead of showing it: control characters but tab and line feed, the marks
# that turn the direction of text around, separators of lines, halves of surrogate pairs.
_UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def keep_showable(text: str) -> str:
    r"""Return ``text`` for a terminal: what it would act on is written out, as ``\x1b``."""
    if text.isprintable():
        return text
    return _UNSHOWABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def normalize_isrc(text: str) -> str:
    """Return an ISRC as 12 characters in upper case without hyphens, or "" if it is none."""
    code = re.sub(r"[\s\-]", "", text).upper()
    return code if ISRC.fullmatch(code) else ""


#: The largest whole number that every database column holds, and more than any count or length.
LARGEST_NUMBER = 2**31 - 1
#: Rows that a listing may have; with more of them its numbers are wrong. The longest known have
#: some 300,000.
MOST_ROWS = 5_000_000
#: No like, love or play is from before, or from after what a clock may be wrong by.
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def keep_plausible_time(time: datetime | None) -> datetime | None:
    """Return a time in UTC; None for one that cannot be meant, as year 1 or 9999."""
    if time is None:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    # Compared before it is converted: year 1 in a zone east of Greenwich has no form in UTC.
    return time.astimezone(UTC) if EARLIEST <= time <= LATEST else None


def keep_plausible_number(number: int | None) -> int | None:
    """Return a count or a length; None for one that cannot be meant, or that no column holds."""
    return number if number is not None and 0 <= number <= LARGEST_NUMBER else None


#: A spreadsheet takes a cell that begins so for a formula, and runs it (OWASP, CSV injection).
FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")


def guard_formula(text: str) -> str:
    """Return a cell of a CSV that no spreadsheet takes for a formula: an apostrophe before it."""
    return f"'{text}" if FORMULA.match(text) else text


def drop_guard(text: str) -> str:
    """Return what ``guard_formula`` was given."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text
