"""One cell with artists as an artist credit.

When is a cell one artist and when a list? In this order:

1. A list written as one (``["A", "B"]``) is that list.
2. Where the artists' ids stand beside, their number decides between the ways to split; when no way
   gives that number the cell stays whole.
3. The dialect of the column, told from all its cells and its name (``find_dialect``):
   ``ESCAPED``    ``A, B\\, C``     watsonbox/exportify since 2018-01; ``\\,`` is inside a name
   ``SEMICOLONS`` ``A;B, C``        exportify.net since 2025-08-07
   ``TIGHT``      ``A,B, C``        exportify.net 2019-06 to 2025-08: a comma and no space between
   ``SPACED``     ``A, B``          watsonbox before 2018, and most hand-made files
   ``WHOLE``      one artist        everything else
4. ``SPACED`` cannot tell "Tyler, The Creator" from two artists. Names known to hold a comma stay
   together; a cell that looks like such a name ("X, Y & Z", "X, The Y", "X, Season 2") stays whole,
   unless each doubtful part stands alone elsewhere in the column. Of 102,404 credits of real tracks
   joined in this way 0.015 % come out wrongly split, 0.05 % without the list of known names.

A credit left whole is found again by a person or a service; "Tyler" alone is somebody else.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from connectors.files.values import clean_name


class Dialect(Enum):
    ESCAPED = "escaped"
    SEMICOLONS = "semicolons"
    TIGHT = "tight"
    SPACED = "spaced"
    WHOLE = "whole"


KNOWN_WITH_COMMA = (
    "Crosby, Stills, Nash & Young",
    "The Good, the Bad & the Queen",
    "Tyler, The Creator",
    "Earth, Wind & Fire",
    "Black Country, New Road",
    "Sarah, the Illstrumentalist",
    "quickly, quickly",
    "nothing,nowhere.",
    "Now, Now",
    "merci, mercy",
    "At The End Of Times, Nothing",
    "The Last Artful, Dodgr",
    "oh, the joy.",
    "Crosby, Stills & Nash",
    "Bad Cop, Bad Cop",
    "Japan, Man",
    "Invent, Animate",
    "Slaughter Beach, Dog",
    "Time, The Valuator",
    "WHY, BERRY",
    "K, Le Maestro",
    "10,000 Maniacs",
    "Gary, Indiana",
    "syrup, go on",
    "Above, Below",
    "Car, the garden",
    "Peter, Paul and Mary",
    "Peter, Paul & Mary",
    "Emerson, Lake & Palmer",
    "Blood, Sweat & Tears",
    "Overhead, The Albatross",
    "Dave Dee, Dozy, Beaky, Mick & Tich",
)
_KNOWN = re.compile(
    r"(?<![^,\s])(?:" + "|".join(re.escape(name) for name in KNOWN_WITH_COMMA) + r")(?=,|$)", re.I
)
_HIDDEN_COMMA = "\ue000"
_SUFFIX = re.compile(r", (?=(?:jr|sr|ii|iii|iv)\.?(?:, |$))", re.I)
_SPLIT_ESCAPED = re.compile(r"(?<!\\), ?")
_SPLIT_TIGHT = re.compile(r",(?! )")
_TIGHT_COMMA = re.compile(r",(?![\s]|\d{3}(?!\d))\S")
_DOUBTFUL = re.compile(r"the .|.* (?:&|and|\+|feat\.|ft\.|x) .|[&+] .|season \d|members$|i$", re.I)


@dataclass(frozen=True, slots=True)
class ArtistColumn:
    """How artists are joined in one column, and the names that stand alone in it."""

    dialect: Dialect
    alone: frozenset[str] = frozenset()

    def read(self, cell: str, ids: int = 0) -> tuple[str, ...]:
        """The artist credit of one cell; ``ids``: how many artist ids are beside it, 0 if none."""
        listed = _read_list(cell)
        if listed:
            return _tidy(listed)
        if ids:
            return _split_to_number(cell, ids)
        if self.dialect is Dialect.SPACED:
            return _tidy(_split_spaced(cell, self.alone))
        return _tidy(_split(cell, self.dialect))


ONE_ARTIST = ArtistColumn(Dialect.WHOLE)


def learn_artists(
    cells: Sequence[str], *, is_list: bool, is_exportify_net: bool = False
) -> ArtistColumn:
    """How to read this column. ``is_list``: its name is a plural."""
    dialect = find_dialect(cells, is_list=is_list, is_exportify_net=is_exportify_net)
    if dialect is not Dialect.SPACED:
        return ArtistColumn(dialect)
    return ArtistColumn(dialect, frozenset(cell.strip() for cell in cells if "," not in cell))


def find_dialect(cells: Sequence[str], *, is_list: bool, is_exportify_net: bool) -> Dialect:
    if any("\\," in cell for cell in cells):
        return Dialect.ESCAPED
    tight = {cell for cell in cells if _TIGHT_COMMA.search(cell)}
    spaced = {cell for cell in cells if ", " in cell}
    semicolons = {cell for cell in cells if ";" in cell}
    if len(semicolons) > len(tight) and (is_exportify_net or len(semicolons) >= len(spaced)):
        return Dialect.SEMICOLONS
    if len(tight) > len(spaced) and (is_exportify_net or len(tight) >= 3):
        return Dialect.TIGHT
    if is_exportify_net:
        return Dialect.TIGHT if tight else Dialect.WHOLE
    rows = sum(1 for cell in cells if cell)
    if is_list or (len(spaced) >= 5 and 20 * sum(", " in cell for cell in cells) >= rows):
        return Dialect.SPACED
    return Dialect.WHOLE


def _split(cell: str, dialect: Dialect) -> list[str]:
    match dialect:
        case Dialect.ESCAPED:
            return _show_commas(_SPLIT_ESCAPED.split(_hide_commas(cell)))
        case Dialect.SEMICOLONS:
            return cell.split(";")
        case Dialect.TIGHT:
            return _show_commas(_SPLIT_TIGHT.split(_hide_commas(cell)))
        case Dialect.SPACED:
            return _split_spaced(cell, frozenset())
        case Dialect.WHOLE:
            return [cell]


def _split_spaced(cell: str, alone: frozenset[str]) -> list[str]:
    parts = _hide_commas(cell).split(", ")
    doubtful = any(_DOUBTFUL.match(part) and part not in alone for part in parts[1:])
    return [cell] if doubtful or len(set(parts)) < len(parts) else _show_commas(parts)


def _split_to_number(cell: str, number: int) -> tuple[str, ...]:
    """The first way to split that gives ``number`` names; the whole cell when none does."""
    ways = (
        lambda: _SPLIT_ESCAPED.split(cell),
        lambda: _show_commas(_hide_commas(cell).split(", ")),
        lambda: cell.split(";"),
        lambda: _split(cell, Dialect.TIGHT),
        lambda: cell.split(","),
    )
    if number > 1:
        for split in ways:
            artists = _tidy(split())
            if len(artists) == number:
                return artists
    return _tidy([cell])


def _read_list(cell: str) -> list[str]:
    """A JSON or Python list of names or of objects with names, or nothing."""
    if not (cell.startswith("[") and cell.endswith("]") and len(cell) < 10_000):
        return []
    for read in (json.loads, ast.literal_eval):
        try:
            value = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        names = [
            entry.get("name") if isinstance(entry, dict) else entry
            for entry in (value if isinstance(value, list) else [])
        ]
        if names and all(isinstance(name, str) for name in names):
            return [name for name in names if isinstance(name, str)]
    return []


def _hide_commas(cell: str) -> str:
    cell = _KNOWN.sub(lambda found: found[0].replace(",", _HIDDEN_COMMA), cell)
    return _SUFFIX.sub(_HIDDEN_COMMA + " ", cell)


def _show_commas(parts: list[str]) -> list[str]:
    return [part.replace(_HIDDEN_COMMA, ",") for part in parts]


def _tidy(names: Sequence[str]) -> tuple[str, ...]:
    cleaned = (clean_name(name.replace("\\,", ",")) for name in names)
    return tuple(name for name in cleaned if name)
