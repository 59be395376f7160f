"""One cell of a file as a value: ids, dates, lengths, flags. What cannot be read is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.text import keep_storable

BARE_ID = re.compile(r"[0-9A-Za-z]{22}")
TRACK_LINK = re.compile(
    r"(?:spotify:track:|spotify\.com/(?:intl-[A-Za-z-]+/)?(?:embed/)?track/)"
    r"([0-9A-Za-z]{22})(?![0-9A-Za-z])"
)
ISO_DATE = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
LOCAL_DATE = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})"
    r"(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([AaPp][Mm])?)?"
)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2})(?:\.\d+)?")
NAMED_DATES = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y")
NAMED_MOMENTS = ("%d %b %Y, %H:%M", "%d %b %Y %H:%M", "%b %d, %Y, %I:%M:%S %p")
TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}")

# Spotify was founded in April 2006; what lies before is a placeholder such as 1970-01-01.
EARLIEST_LIKE = datetime(2006, 4, 1, tzinfo=UTC)
LONGEST_TRACK_MS = 24 * 60 * 60 * 1000

# Texts that programs write for "nothing": JavaScript's String(undefined), Python's None, pandas.
NOTHING = frozenset({"undefined", "null", "None", "nan", "NaN", "N/A", "\\N"})
# A song can be called "None" or "NaN"; Exportify's String() writes only these two (watsonbox,
# TracksBaseData.ts, 2026-04), and a title in doubt is shown to a person.
NOT_A_NAME = frozenset({"undefined", "null"})

TRUE_WORDS = frozenset(
    {"true", "1", "yes", "y", "explicit", "wahr", "vrai", "verdadero", "verdadeiro", "vero"}
    | {"waar", "sant", "prawda", "истина", "да"}
)
FALSE_WORDS = frozenset(
    {"false", "0", "no", "n", "clean", "falsch", "faux", "falso", "onwaar", "falskt", "fałsz"}
    | {"ложь", "нет"}
)


def words(text: str) -> frozenset[str]:
    """The words of a table in the code that is written as text."""
    return frozenset(text.split())


def clean_text(text: str) -> str:
    """The text as it is, in one line, without what no database can hold (NUL, lone surrogates)."""
    if not text.isprintable():
        text = CONTROL.sub(" ", keep_storable(text))
    return text.strip()


def clean_name(text: str) -> str:
    """A title or artist; empty where the file says ``undefined`` or ``null``."""
    text = clean_text(text)
    return "" if text in NOT_A_NAME else text


def clean_detail(text: str) -> str:
    """Any other cell; empty for every way of writing "nothing"."""
    text = clean_text(text)
    return "" if text in NOTHING else text


def find_track_id(text: str) -> str:
    """The id in a ``spotify:track:`` URI or an open.spotify.com address, or empty."""
    found = TRACK_LINK.search(text)
    return found[1] if found else ""


def read_track_id(text: str) -> str:
    """The id in a cell of a column that is Spotify's: a URI, an address or the bare id."""
    text = text.strip()
    return text if BARE_ID.fullmatch(text) else find_track_id(text)


def read_flag(text: str) -> bool | None:
    word = text.strip().casefold()
    return True if word in TRUE_WORDS else False if word in FALSE_WORDS else None


def is_day_first(dates: Iterable[str]) -> bool | None:
    """How 7/2/2021 is meant, from all such dates of a file together; None when nothing tells.

    A spreadsheet writes one order throughout, so one date with a 13 in it settles all.
    """
    first = second = False
    for text in dates:
        found = LOCAL_DATE.fullmatch(text.strip())
        if found and found[2] == "/":
            first = first or int(found[1]) > 12
            second = second or int(found[3]) > 12
    return first if first != second else None


def read_date(text: str, day_first: bool | None = None) -> datetime | None:
    """A moment in UTC; a day alone is its midnight; None for what is no possible date of a like.

    Reads ISO 8601, spreadsheet dates (``7/2/2021`` needs ``day_first``; ``02.07.2021`` is always
    day first), "Jul 2, 2021" and Unix time in seconds or milliseconds. No zone means UTC.
    """
    text = text.strip()
    try:
        moment = _read_iso(text) or _read_local(text, day_first) or _read_other(text)
    except (ValueError, OverflowError, OSError):
        return None
    if moment is None or not EARLIEST_LIKE <= moment <= datetime.now(UTC) + timedelta(days=2):
        return None
    return moment


def read_moment(text: str) -> datetime | None:
    """A date with its time of day, whoever writes it; None for anything else."""
    text = text.strip()
    if not text[:1].isalnum() or len(text) > 40:
        return None
    if not TIME_OF_DAY.search(text) and not (text.isdigit() and len(text) in (10, 13)):
        return None
    return read_date(text, True)


def _read_iso(text: str) -> datetime | None:
    found = ISO_DATE.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    zone = (found[7] or "Z").replace(":", "")
    if zone in ("Z", "UTC"):
        return moment
    shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
    return moment - shift if zone[0] == "+" else moment + shift


def _read_local(text: str, day_first: bool | None) -> datetime | None:
    found = LOCAL_DATE.fullmatch(text)
    if not found:
        return None
    first, mark, second, year = int(found[1]), found[2], int(found[3]), int(found[4])
    if mark == "." or first > 12:
        day_first = True
    elif second > 12:
        day_first = False
    if day_first is None:
        if first != second:
            return None
        day_first = True
    hour, minute, seconds = (int(part or 0) for part in found.group(5, 6, 7))
    if found[8]:
        hour = hour % 12 + (12 if found[8].lower() == "pm" else 0)
    day, month = (first, second) if day_first else (second, first)
    year += 2000 if year < 100 else 0
    return datetime(year, month, day, hour, minute, seconds, tzinfo=UTC)


def _read_other(text: str) -> datetime | None:
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    for form in NAMED_MOMENTS if ":" in text else NAMED_DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def read_lengths(cells: Sequence[str]) -> list[int | None]:
    """A column of track lengths in milliseconds; None for each cell that tells nothing.

    ``3:29`` is minutes and seconds. Bare numbers get their unit from the whole column, whatever
    its name says (a "duration_ms" of 5.15 was met in the wild, 2026): the middle one of a
    collection of songs is about 200,000 ms, 200 s or 3.5 min. What lies between is not guessed.
    """
    clocks = [CLOCK.fullmatch(cell.strip()) for cell in cells]
    numbers = [
        None if clock else _read_number(cell) for cell, clock in zip(cells, clocks, strict=True)
    ]
    unit = _guess_unit([number for number in numbers if number])
    return [
        _within_a_day(_read_clock(clock) if clock else number * unit if number and unit else None)
        for clock, number in zip(clocks, numbers, strict=True)
    ]


def _read_number(text: str) -> float | None:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _guess_unit(numbers: list[float]) -> int | None:
    """Milliseconds in one unit of these lengths."""
    if not numbers:
        return None
    middle = sorted(numbers)[len(numbers) // 2]
    if middle >= 10_000:
        return 1
    if 30 <= middle <= 3_000:
        return 1000
    whole = all(number.is_integer() for number in numbers)
    return 60_000 if middle < 30 and not whole else None


def _read_clock(clock: re.Match[str]) -> float:
    hours, minutes, seconds = (int(part or 0) for part in clock.groups())
    return float(((hours * 60 + minutes) * 60 + seconds) * 1000)


def _within_a_day(length: float | None) -> int | None:
    return round(length) if length is not None and 0 < length <= LONGEST_TRACK_MS else None
