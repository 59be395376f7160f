"""CSV files of likes: Exportify in all its dialects, TuneMyMusic, and others with clear columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from statistics import median_low

from connectors.files.artists import ONE_ARTIST, ArtistColumn, learn_artists
from connectors.files.columns import (
    Columns,
    count_known,
    fill_columns,
    find_link_column,
    is_history,
    name_columns,
    place_columns,
)
from connectors.files.likes import NO_TRACK_REASON, Row, make_broken, make_like
from connectors.files.outcome import (
    ASK_FOR_ACCOUNT_DATA,
    EXPORTIFY,
    OTHER_CSV,
    TUNEMYMUSIC,
    FileRejected,
    LikesFile,
)
from connectors.files.values import (
    clean_detail,
    find_track_id,
    is_day_first,
    read_date,
    read_flag,
    read_lengths,
)
from connectors.records import LikedTrack
from connectors.text import normalize_isrc

DELIMITERS = (",", ";", "\t", "|")
FAVOURITES = frozenset({"favorite", "favorites", "favourite", "favourites"})
EXPORTIFY_IDS = frozenset({"Track URI", "Spotify URI", "Track ID", "Spotify ID"})


@dataclass(frozen=True)
class Table:
    """The header and the rows under it, each with its number as a spreadsheet counts (from 1).

    A file without a header has empty names.
    """

    header: list[str]
    numbers: list[int]
    rows: list[list[str]]

    @cached_property
    def width(self) -> int:
        """The number of columns, without nameless ones at the end."""
        named = [place for place, name in enumerate(self.header, start=1) if name]
        return named[-1] if named else len(self.header)

    @cached_property
    def longest(self) -> int:
        """The length up to which rows are sound: some files end every row with a delimiter.

        A single row with one cell more has a comma that should have been quoted, even when its
        last cell is empty: its title and artist may be shifted.
        """
        return max(len(self.header), median_low(map(len, self.rows)) if self.rows else 0)


def read_table(text: str) -> LikesFile:
    """The likes of a CSV file. Raises ``FileRejected`` with the place."""
    table = _read_rows(text)
    if is_history(table.header):
        raise FileRejected(f"is a history of plays, not of likes; {ASK_FOR_ACCOUNT_DATA}")
    columns, placed = _find_columns(table)
    if not columns.are_enough:
        places = (("title", columns.title), ("artist", columns.artist))
        missing = " and the ".join(name for name, place in places if place is None)
        raise FileRejected(
            "is no list of likes that Narada knows: its first row names no column for the "
            f"{missing}: {_quote(table.header)}; name them so, or export with Exportify"
        )
    if columns.kind is not None and columns.playlist is not None:
        return _read_tunemymusic(table, replace(columns, is_plural=False))
    names = set(table.header)
    has_ids = columns.artist_ids is not None and bool(columns.spotify)
    is_exportify = placed or has_ids or ("Track Name" in names and names & EXPORTIFY_IDS)
    kind = EXPORTIFY if is_exportify else OTHER_CSV
    items, note = _read_items(table, columns)
    if items and all(item.unavailable == NO_TRACK_REASON for item in items):
        raise FileRejected("lists albums, artists or playlists and no tracks")
    return LikesFile(kind, items, note)


def _read_rows(text: str) -> Table:
    if text.lower().startswith("sep=") and "\n" in text:
        text = text.split("\n", 1)[1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_find_delimiter(text), strict=True)
    numbers, rows = [], []
    number = 0
    try:
        for number, row in enumerate(reader, start=1):
            if any(cell.strip() for cell in row):
                numbers.append(number)
                rows.append(row)
    except csv.Error as error:
        raise FileRejected(
            f"is no sound CSV: row {number + 1}, line {reader.line_num}: {error}"
        ) from error
    if not rows:
        raise FileRejected("is empty; export it again")
    if any(find_track_id(cell) for cell in rows[0]):
        return Table([""] * len(rows[0]), numbers, rows)
    return Table([cell.strip() for cell in rows[0]], numbers[1:], rows[1:])


def _find_delimiter(text: str) -> str:
    """The sign that gives the most columns that are known, else the most columns."""
    line = next((line for line in text[:100_000].splitlines() if line.strip()), "")

    def rate(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return (0, 0)
        return (count_known(cells), len(cells))

    return max(DELIMITERS, key=rate)


def _find_columns(table: Table) -> tuple[Columns, bool]:
    """The columns, and whether they are in an order that is Exportify's."""
    columns, placed = name_columns(table.header), place_columns(table.rows)
    names = (columns.title, columns.artist)
    is_placed = placed.are_enough and (
        not columns.are_enough or names == (placed.title, placed.artist)
    )
    if is_placed:
        columns = fill_columns(columns, placed) if columns.are_enough else placed
    link = find_link_column(table.rows)
    if link is not None and link not in columns.spotify:
        columns = replace(columns, spotify=(*columns.spotify, link))
    return columns, is_placed


def _read_tunemymusic(table: Table, columns: Columns) -> LikesFile:
    """Only rows of type Favorite are likes; playlists, albums and artists are not."""
    chosen = [
        place
        for place, row in enumerate(table.rows)
        if _get(row, columns.kind).strip().casefold() in FAVOURITES
    ]
    others = len(table.rows) - len(chosen)
    kept = Table(table.header, [table.numbers[i] for i in chosen], [table.rows[i] for i in chosen])
    items, note = _read_items(kept, columns)
    if others:
        note = "; ".join(
            filter(None, [note, f"rows of playlists, albums or artists left out: {others:,}"])
        )
    return LikesFile(TUNEMYMUSIC, items, note)


def _read_items(table: Table, columns: Columns) -> tuple[tuple[LikedTrack, ...], str]:
    rows = table.rows
    artist_cells = [_get(row, columns.artist) for row in rows]
    if columns.kind is not None and columns.playlist is not None:
        credits = ONE_ARTIST
    else:
        credits = learn_artists(
            artist_cells, is_list=columns.is_plural, is_exportify_net=columns.is_exportify_net
        )
    texts = {columns.title, columns.artist, columns.album}
    day_first = is_day_first(
        cell for row in rows for place, cell in enumerate(row) if "/" in cell and place not in texts
    )
    lengths = read_lengths([_get(row, columns.duration) for row in rows])
    items = []
    for number, row, length in zip(table.numbers, rows, lengths, strict=True):
        liked_at = read_date(_get(row, columns.added), day_first)
        items.append(_read_row(table, columns, number, row, credits, length, liked_at))
    if items and all(item.unavailable.endswith(" cells") for item in items):
        raise FileRejected(f"is no sound CSV: {items[0].unavailable}, and so on in every row")
    return tuple(items), _note_dates(items, columns)


def _read_row(
    table: Table,
    columns: Columns,
    number: int,
    row: list[str],
    credits: ArtistColumn,
    length: int | None,
    liked_at: datetime | None,
) -> LikedTrack:
    where, width = f"row {number}", table.width
    # A row cut off behind the last cell that is read is whole; one cut off in it is not.
    is_short = len(row) < width and len(row) <= columns.last + 1
    if is_short or len(row) > table.longest or any(cell.strip() for cell in row[width:]):
        return make_broken(where, f"has {len(row)} instead of {width} cells", ", ".join(row))
    ids = _get(row, columns.artist_ids).replace(";", ",").split(",")
    return make_like(
        Row(
            where=where,
            title=_get(row, columns.title),
            artists=credits.read(
                _get(row, columns.artist).strip(), sum(bool(i.strip()) for i in ids)
            ),
            album=_get(row, columns.album),
            duration_ms=length,
            isrc=normalize_isrc(_get(row, columns.isrc)),
            explicit=read_flag(_get(row, columns.explicit)),
            ids=[_get(row, place) for place in columns.spotify],
            liked_at=liked_at,
        )
    )


def _note_dates(items: Sequence[LikedTrack], columns: Columns) -> str:
    if not items:
        return ""
    if columns.added is None:
        return "the file has no dates of liking"
    missing = sum(item.liked_at is None for item in items)
    return f"rows without a readable date of liking: {missing:,}" if missing else ""


def _get(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _quote(header: Sequence[str]) -> str:
    text = clean_detail(", ".join(filter(None, header))) or "it has no header"
    return text if len(text) <= 120 else text[:119] + "…"
