"""CSV files of likes: Exportify in all its dialects, TuneMyMusic, and others with clear columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from statistics import median_low

from connectors.files.answers import refuse_top
from connectors.files.artists import ONE_ARTIST, ArtistColumn, learn_artists
from connectors.files.columns import (
    Columns,
    fill_columns,
    find_link_column,
    make_key,
    name_columns,
    place_columns,
)
from connectors.files.histories import refuse_history
from connectors.files.judgements import find_kind, judge
from connectors.files.lines import read_lines
from connectors.files.lists import choose_liked, name_left_out, name_other_lists
from connectors.files.outcome import EXPORTIFY, OTHER_CSV, TUNEMYMUSIC, FileRejected, LikesFile
from connectors.files.rows import NO_TRACK_REASON, Row, make_broken, make_like
from connectors.files.trust import clear_doubtful_ids, drop_doubtful_columns, note_dropped
from connectors.files.values import (
    clean_detail,
    clean_name,
    find_track_id,
    is_day_first,
    read_date,
    read_flag,
    read_lengths,
)
from connectors.records import LikedTrack
from connectors.text import drop_guard, normalize_isrc

FAVOURITES = frozenset({"favorite", "favorites", "favourite", "favourites"})
#: Columns that only Narada's own export has.
OWN_COLUMNS = frozenset({"Narada", "Decided By"})
OTHER_KINDS = frozenset({"playlist", "album", "artist"})
SHOWN_ROWS = 5
EXPORTIFY_IDS = frozenset({"Track URI", "Spotify URI", "Track ID", "Spotify ID"})


@dataclass(frozen=True)
class Table:
    """The header and the rows under it, each with its number as a spreadsheet counts (from 1).

    A file without a header has empty names.
    """

    header: list[str]
    numbers: list[int]
    rows: list[list[str]]
    problems: dict[int, str] = field(default_factory=dict)
    """What is wrong with rows that cannot be read, by their numbers."""

    def take(self, places: Sequence[int]) -> Table:
        """The table with these rows alone; what is odd is still told by all of them."""
        if len(places) == len(self.rows):
            return self
        kept = Table(
            self.header,
            [self.numbers[i] for i in places],
            [self.rows[i] for i in places],
            self.problems,
        )
        kept.__dict__["longest"] = self.longest
        return kept

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
    refuse_history(table.header, table.rows)
    refuse_top(table.header, table.rows)
    columns, placed = _find_columns(table)
    if not columns.are_enough:
        places = (("title", columns.title), ("artist", columns.artist))
        missing = " and the ".join(name for name, place in places if place is None)
        raise FileRejected(
            "is no list of likes that Narada knows: its first row names no column for the "
            f"{missing}: {_quote(table.header)}; name them so, or export with Exportify"
        )
    table, columns, notes, is_tunemymusic = _choose_rows(table, columns)
    columns, doubtful = _trust_ids(table, columns)
    names = set(table.header)
    has_ids = columns.artist_ids is not None and bool(columns.spotify)
    is_exportify = placed or has_ids or ("Track Name" in names and names & EXPORTIFY_IDS)
    kind = TUNEMYMUSIC if is_tunemymusic else EXPORTIFY if is_exportify else OTHER_CSV
    items, note = _read_items(table, columns, is_one_artist=is_tunemymusic)
    if items and all(item.unavailable == NO_TRACK_REASON for item in items):
        raise FileRejected("lists albums, artists or playlists and no tracks")
    items, doubt = clear_doubtful_ids(items)
    odd = [line for line, item in zip(table.numbers, items, strict=True) if _is_odd(item)]
    return LikesFile(
        kind, items, "; ".join(filter(None, [note, *notes, doubtful, doubt, _note_odd(odd)]))
    )


def _choose_rows(table: Table, columns: Columns) -> tuple[Table, Columns, list[str], bool]:
    """The rows that are likes, what is said of the others, and whether it is TuneMyMusic's."""
    notes = []
    kinds = {_get(row, columns.kind).strip().casefold() for row in table.rows}
    is_tunemymusic = (
        columns.kind is not None
        and columns.playlist is not None
        and bool(kinds & (FAVOURITES | OTHER_KINDS))
    )
    chosen = list(range(len(table.rows)))
    if is_tunemymusic:
        columns = replace(columns, is_plural=False)
        chosen = [
            i
            for i in chosen
            if _get(table.rows[i], columns.kind).strip().casefold() in FAVOURITES
            or _has_wrong_width(table, columns, i)
        ]
        if others := len(table.rows) - len(chosen):
            notes.append(f"rows of playlists, albums or artists left out: {others:,}")
    elif columns.playlist is not None:
        names = [_get(row, columns.playlist).strip() for row in table.rows]
        liked = choose_liked(dict.fromkeys(names))
        if liked is not None and len(set(names)) > 1:
            chosen = [i for i in chosen if names[i] == liked or _has_wrong_width(table, columns, i)]
            notes.append(name_left_out([name for name in names if name != liked], liked))
        elif liked is None and len(set(names)) > 1:
            notes.append(name_other_lists(names))
    table = table.take(chosen)
    judged = [place for place, name in enumerate(table.header) if find_kind(name)]
    sound = [i for i in range(len(table.rows)) if not _has_wrong_width(table, columns, i)]
    judgement = judge(
        [table.header[place] for place in judged],
        [[_get(table.rows[i], place) for i in sound] for place in judged],
    )
    refused = {sound[i] for i in judgement.refused}
    notes.append(judgement.note)
    table = table.take([i for i in range(len(table.rows)) if i not in refused])
    return table, columns, notes, is_tunemymusic


def _trust_ids(table: Table, columns: Columns) -> tuple[Columns, str]:
    """The columns without those whose ids are not the tracks', and a note on these."""
    sound = [row for i, row in enumerate(table.rows) if not _has_wrong_width(table, columns, i)]
    names = [
        (clean_name(_get(row, columns.title)), (clean_name(_get(row, columns.artist)),))
        for row in sound
    ]
    cells = [[_get(row, place) for row in sound] for place in columns.spotify]
    trusted = drop_doubtful_columns(columns.spotify, cells, names)
    dropped = [table.header[place] for place in columns.spotify if place not in trusted]
    return replace(columns, spotify=trusted), note_dropped(dropped)


def _read_rows(text: str) -> Table:
    lines = read_lines(text)
    if not lines:
        raise FileRejected("is empty; export it again")
    problems = {line.number: line.problem for line in lines if line.problem}
    rows = [line.cells for line in lines]
    numbers = [line.number for line in lines]
    if any(find_track_id(cell) for cell in rows[0]):
        return Table([""] * len(rows[0]), numbers, rows, problems)
    header = [cell.strip() for cell in rows[0]]
    # In files put together, the header stands again where the next one begins.
    names = [*map(make_key, header)]
    kept = [i for i, row in enumerate(rows) if i == 0 or not _is_header(row, names)]
    numbers, rows = [numbers[i] for i in kept], [rows[i] for i in kept]
    if set(header) >= OWN_COLUMNS:
        rows = [[drop_guard(cell) for cell in row] for row in rows]
    return Table(header, numbers[1:], rows[1:], problems)


def _is_header(row: Sequence[str], names: Sequence[str]) -> bool:
    return len(row) == len(names) and all(
        make_key(cell) == name for cell, name in zip(row, names, strict=True)
    )


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


def _read_items(
    table: Table, columns: Columns, *, is_one_artist: bool
) -> tuple[tuple[LikedTrack, ...], str]:
    rows = table.rows
    artist_cells = [_get(row, columns.artist) for row in rows]
    if is_one_artist:
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
    for i, length in enumerate(lengths):
        liked_at = read_date(_get(rows[i], columns.added), day_first)
        items.append(_read_row(table, columns, i, credits, length, liked_at))
    if items and all(map(_is_odd, items)):
        raise FileRejected(f"is no sound CSV: {items[0].unavailable}, and so on in every row")
    return tuple(items), _note_dates(items, columns)


def _has_wrong_width(table: Table, columns: Columns, place: int) -> bool:
    """Whether a row's cells may stand in the wrong columns.

    A row cut off behind the last cell that is read is whole; one cut off in it is not.
    """
    row, width = table.rows[place], table.width
    is_short = len(row) < width and len(row) <= columns.last + 1
    has_more = len(row) > table.longest or any(cell.strip() for cell in row[width:])
    return is_short or has_more or table.numbers[place] in table.problems


def _read_row(
    table: Table,
    columns: Columns,
    place: int,
    credits: ArtistColumn,
    length: int | None,
    liked_at: datetime | None,
) -> LikedTrack:
    row, number = table.rows[place], table.numbers[place]
    where = f"row {number}"
    if _has_wrong_width(table, columns, place):
        problem = table.problems.get(number, f"has {len(row)} instead of {table.width} cells")
        return make_broken(where, problem, ", ".join(row))
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


def _is_odd(item: LikedTrack) -> bool:
    return item.unavailable.endswith(" cells")


def _note_odd(numbers: Sequence[int]) -> str:
    if not numbers:
        return ""
    shown = ", ".join(f"{number:,}" for number in numbers[:SHOWN_ROWS])
    more = f" and {len(numbers) - SHOWN_ROWS:,} more" if len(numbers) > SHOWN_ROWS else ""
    word = "row" if len(numbers) == 1 else "rows"
    return f"rows with a wrong number of cells: {len(numbers):,} ({word} {shown}{more})"


def _get(row: Sequence[str], place: int | None) -> str:
    return row[place] if place is not None and place < len(row) else ""


def _quote(header: Sequence[str]) -> str:
    text = clean_detail(", ".join(filter(None, header))) or "it has no header"
    return text if len(text) <= 120 else text[:119] + "…"
