"""Lines of a delimited text as cells: strictly where the text is sound, else line by line.

Many programs write quotes inside a quoted cell without doubling them, and files get cut. Such a
line never costs the lines beside it: it is split so that it has as many cells as the others, and
where that is impossible it alone is marked.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from connectors.files.columns import count_known, name_columns

DELIMITERS = (",", ";", "\t", "|")
LINE_END = re.compile(r"\r\n|\n|\r")
#: A title, an empty line or a note of the program stands at most so far above the header.
MOST_LINES_ABOVE = 30
#: A cell with line ends in it is looked for in at most so many lines.
MOST_LINES_OF_A_CELL = 200
#: What the csv module says of a quote that is never closed.
OPEN = "unexpected end of data"
#: A broken line is not searched for more commas inside its cells than these.
MOST_INNER_DELIMITERS = 40
MOST_CELLS = 300
_RULE = re.compile(r"[\s:=-]*")


@dataclass(frozen=True, slots=True)
class Line:
    """The cells of one row, its number as a spreadsheet counts, and what is wrong with it."""

    number: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table begins in a text and how its cells are separated."""

    start: int
    lines_above: int
    delimiter: str


def read_lines(text: str) -> list[Line]:
    """Every row that is not empty, the header first."""
    text = unify_quotes(text)
    layout = find_layout(text)
    body = text[layout.start :]
    sign = re.escape(layout.delimiter)
    is_spaced = re.search(rf'{sign} +"[^"\r\n]*"(?={sign}|[\r\n]|$)', body) is not None
    lines = _read_strictly(body, layout.delimiter, is_spaced)
    if lines is None and '\\"' in body:  # quotes inside cells as MySQL and PHP write them
        body = body.replace('\\"', '""')
        lines = _read_strictly(body, layout.delimiter, is_spaced)
    if lines is None:
        lines = _Lenient(body, layout.delimiter, is_spaced).read()
    width = len(lines[0].cells) if lines else 0
    return [
        Line(
            number + layout.lines_above, _unwrap(line.cells, width, layout.delimiter), line.problem
        )
        for number, line in enumerate(lines, start=1)
        if not all(map(_RULE.fullmatch, line.cells))
    ]


def _unwrap(cells: list[str], width: int, delimiter: str) -> list[str]:
    """The cells of a row that a spreadsheet took for one cell, and quoted as such."""
    inner = _split_quickly(cells[0], delimiter) if len(cells) == 1 < width else []
    return inner if len(inner) == width else cells


def unify_quotes(text: str) -> str:
    """The text with plain quotes around its cells and none around its whole first line.

    Word processors and some programs put other quotes around cells. The first line tells.
    """
    first = next((line for line in LINE_END.split(text[:20_000]) if line.strip()), "").strip()
    for sign in DELIMITERS:
        inner = _split_quickly(first, sign)
        if len(inner) == 1 and first[0] == '"' and _is_header(inner[0]):
            return text.replace(first, inner[0], 1)
        if re.fullmatch(rf"“[^”]*”(?:{re.escape(sign)}\s*“[^”]*”)+", first):
            return re.sub("[“”]", '"', text)
        if re.fullmatch(rf"'[^']*'(?:{re.escape(sign)}\s*'[^']*')+", first):
            cell = rf"(?m)(^|{re.escape(sign)} *)'((?:[^'\r\n]|'(?! *(?:{re.escape(sign)}|$)))*)'"
            return re.sub(cell, _quote_plainly, text)
    return text


def _is_header(line: str) -> bool:
    return any(name_columns(_split_quickly(line, sign)).are_enough for sign in DELIMITERS)


def _quote_plainly(found: re.Match[str]) -> str:
    cell = found[2].replace("''", "'").replace("\\'", "'").replace('"', '""')
    return f'{found[1]}"{cell}"'


def find_layout(text: str) -> Layout:
    """Find the header: the first line, or a later one that names the title and the artist."""
    first: Layout | None = None
    places = [0, *(found.end() for found in LINE_END.finditer(text, 0, 200_000))]
    widths = dict.fromkeys(DELIMITERS, 0)
    for above, start in enumerate(places[: MOST_LINES_ABOVE + 1]):
        line = LINE_END.split(text[start : start + 100_000], maxsplit=1)[0]
        if not line.strip():
            continue
        if re.fullmatch(r"sep=.\s*", line, re.I) and first is None:
            continue
        cells = {sign: _split_quickly(line, sign) for sign in DELIMITERS}
        best = max(DELIMITERS, key=lambda sign: (count_known(cells[sign]), len(cells[sign])))
        layout = Layout(start, above, best)
        first = first or layout
        if len(cells[best]) > widths[best] and name_columns(cells[best]).are_enough:
            return layout
        if line.startswith("#"):
            continue
        filled = {sign: sum(map(bool, map(str.strip, cells[sign]))) for sign in DELIMITERS}
        widths = {sign: max(widths[sign], filled[sign]) for sign in DELIMITERS}
    return first or Layout(0, 0, ",")


def _split_quickly(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return []


def _read_strictly(text: str, delimiter: str, is_spaced: bool) -> list[Line] | None:
    """The rows of a text without any fault, else None.

    A cell of several lines may be rows between two stray quotes, so it is none of those.
    """
    file = io.StringIO(text, newline="")
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=is_spaced, strict=True)
    try:
        rows = list(reader)
    except csv.Error:
        return None
    is_plain = all("\n" not in cell and "\r" not in cell for row in rows for cell in row)
    return [Line(0, row) for row in rows] if is_plain else None


class _Lenient:
    """One reading of a text in which some lines are broken."""

    def __init__(self, text: str, delimiter: str, is_spaced: bool) -> None:
        self.texts = LINE_END.split(text)
        self.delimiter = delimiter
        self.is_spaced = is_spaced
        sound = [self.split([line]) for line in self.texts]
        header = next((len(cells) for cells in sound if cells), 0)
        usual = Counter(len(cells) for cells in sound[1:] if cells).most_common(1)
        self.widths = list(dict.fromkeys([usual[0][0] if usual else header, header]))

    def split(self, lines: Sequence[str]) -> list[str] | None:
        """The cells of lines that are one sound row; None if they are not or go on."""
        try:
            return self.parse(lines)
        except csv.Error:
            return None

    def parse(self, lines: Sequence[str]) -> list[str] | None:
        reader = csv.reader(
            io.StringIO("\n".join(lines), newline=""),
            delimiter=self.delimiter,
            skipinitialspace=self.is_spaced,
            strict=True,
        )
        rows = list(reader)
        return rows[0] if len(rows) == 1 else [] if not rows else None

    def read(self) -> list[Line]:
        lines, place = [], 0
        while place < len(self.texts):
            count, cells = self.find_row(place)
            if cells is not None:
                lines.append(Line(0, cells))
            else:
                lines.append(self.mend(self.texts[place]))
            place += count
        return lines

    def find_row(self, place: int) -> tuple[int, list[str] | None]:
        """The sound row that begins with a line, and of how many lines it is.

        The lines of one cell are not themselves rows, and the last of them has an odd number of
        quotes.
        """
        try:
            return 1, self.parse(self.texts[place : place + 1])
        except csv.Error as error:
            is_open = OPEN in str(error)
        last = min(place + MOST_LINES_OF_A_CELL, len(self.texts))
        for end in range(place + 2, last + 1) if is_open else ():
            if self.texts[end - 1].count('"') % 2 == 0:
                continue
            inner = self.texts[place + 1 : end - 1]
            rows = sum(len(self.split([line]) or ()) in self.widths for line in inner)
            if inner and 2 * rows >= len(inner):
                break
            try:
                cells = self.parse(self.texts[place:end])
            except csv.Error as error:
                if OPEN in str(error):
                    continue
                break
            return (end - place, cells) if len(cells or ()) in self.widths else (1, None)
        return 1, None

    def mend(self, line: str) -> Line:
        """A broken line as a row of the usual width, else with its problem."""
        pieces = line.split(self.delimiter)
        for width in self.widths:
            cells = group_pieces(pieces, width, self.delimiter)
            if cells is not None:
                return Line(0, cells)
        return Line(0, pieces, f"cannot be split into {self.widths[0]} cells")


def group_pieces(pieces: Sequence[str], width: int, delimiter: str) -> list[str] | None:
    """Join the pieces of a line to ``width`` cells, or return None where that is impossible.

    A cell that begins with a quote goes on to a piece that ends with one; the first is taken that
    leaves the fewest quotes in cells without.
    """
    spare = len(pieces) - width
    if not 0 < width <= MOST_CELLS or not 0 <= spare <= MOST_INNER_DELIMITERS:
        return None

    @cache
    def best(start: int, cells: int) -> tuple[int, tuple[int, ...]] | None:
        """The cost and the ends of the best way to make ``cells`` cells of the rest."""
        if start == len(pieces):
            return None if cells else (0, ())
        if not 0 < cells <= len(pieces) - start:
            return None
        piece = pieces[start].strip(" ")
        if piece.startswith('"'):
            ends = [
                end
                for end in range(start, min(start + spare + 1, len(pieces)))
                if pieces[end].rstrip(" ").endswith('"') and (end > start or len(piece) > 1)
            ]
            costs = dict.fromkeys(ends, 0)
            if piece.count('"') % 2 == 0 and not piece.endswith('"'):
                costs[start] = 2  # a title such as "Heroes" (Live) that was never quoted
        else:
            costs = {start: piece.count('"') % 2}
        ways = [
            (cost + rest[0], (end, *rest[1]))
            for end, cost in costs.items()
            if (rest := best(end + 1, cells - 1)) is not None
        ]
        return min(ways, default=None)

    found = best(0, width)
    if found is None:
        return None
    cells, start = [], 0
    for end in found[1]:
        cell = delimiter.join(pieces[start : end + 1])
        bare = cell.strip(" ")
        is_quoted = len(bare) > 1 and bare[0] == bare[-1] == '"'
        cells.append(bare[1:-1].replace('""', '"') if is_quoted else cell)
        start = end + 1
    return cells
