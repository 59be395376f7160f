"""JSON files of likes: Spotify's YourLibrary.json and saved tracks as its API gives them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from connectors.files.answers import refuse_answer, refuse_object, refuse_rows
from connectors.files.artists import ONE_ARTIST, learn_artists
from connectors.files.columns import Columns, name_columns
from connectors.files.histories import MOST_ROWS, refuse_history
from connectors.files.judgements import Judgement, find_kind, judge
from connectors.files.likes import NO_TRACK, Row, make_broken, make_like
from connectors.files.lists import choose_list
from connectors.files.outcome import (
    ACCOUNT_DATA,
    SAVED_TRACKS,
    FileRejected,
    LikesFile,
)
from connectors.files.trust import clear_doubtful_ids, drop_doubtful_columns
from connectors.files.values import (
    clean_detail,
    clean_name,
    is_day_first,
    read_date,
    read_flag,
    read_lengths,
    read_track_id,
)
from connectors.records import GONE, LikedTrack
from connectors.text import normalize_isrc

LIBRARY_SECTIONS = frozenset(
    {"albums", "shows", "episodes", "bannedTracks", "artists", "bannedArtists", "other"}
)
OTHER_TYPES = ("album", "artist", "playlist", "show", "episode", "user")
#: Under these a row of other programs and services holds its song.
INNER_NAMES = ("track", "track_metadata", "song", "recording", "attributes")
UNKNOWN = (
    "is JSON, but no list of likes that Narada knows (YourLibrary.json, answers of GET /me/tracks)"
)


def read_json(text: str) -> LikesFile:
    """The likes of a JSON file or of JSON lines. Raises ``FileRejected`` with the place."""
    whole = _load(text)
    if isinstance(whole, dict) and _is_library(whole):
        return _read_library(whole)
    if isinstance(whole, dict) and "narada" in whole:
        raise FileRejected("is a library of Narada; bring it in with: narada import-library PATH")
    refuse_object(whole)
    value, left_out = choose_list(whole)
    refuse_answer(value)
    places = list(_find_rows(value, ""))
    if not left_out:
        refuse_rows([row for _, row in places])
    refuse_history(*_make_table(places[:MOST_ROWS]))
    _refuse_others(places)
    places, judgement = _judge_rows(places)
    items, doubt = clear_doubtful_ids(_read_rows(places))
    notes = [_note(value, items, len(judgement.refused)), left_out, judgement.note, doubt]
    return LikesFile(SAVED_TRACKS, items, "; ".join(filter(None, notes)))


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise FileRejected(f"{UNKNOWN}: it is nested too deeply") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" in text.strip():
            return _load_lines(text)
        raise FileRejected(
            f"is no sound JSON: line {error.lineno}, column {error.colno}: {error.msg}; "
            "it may be cut off, export it again"
        ) from error
    except ValueError as error:
        raise FileRejected("is no sound JSON: a number has more than 4,300 digits") from error


def _load_lines(text: str) -> list[object]:
    """JSON lines; a broken one is its own text, unless there are too many for a file of such."""
    values: list[object] = []
    broken = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            values.append(line)
            broken.append(number)
    if 3 * len(broken) > len(values):
        raise FileRejected(f"is no sound JSON: line {broken[0]} is no JSON value")
    return values


def _is_library(value: Mapping[str, object]) -> bool:
    """Spotify's YourLibrary.json: ``tracks`` beside albums, shows and so on, or alone with its
    flat entries. Sections may be missing in old exports."""
    sections = sum(isinstance(value.get(name), list) for name in LIBRARY_SECTIONS)
    if "tracks" not in value:
        return sections >= 3
    tracks = value["tracks"]
    if sections >= 2:
        return True
    first = tracks[0] if isinstance(tracks, list) and tracks else None
    return isinstance(first, dict) and isinstance(first.get("track"), str)


def _read_library(value: Mapping[str, object]) -> LikesFile:
    tracks = value.get("tracks", [])
    if not isinstance(tracks, list):
        raise FileRejected("tracks: is not a list; export the account data again")
    # Spotify writes the first artist alone here, so a comma or semicolon is part of the name.
    items = _read_flat(
        [(f"tracks[{i}]", track) for i, track in enumerate(tracks)], is_one_artist=True
    )
    note = "account data has no dates of liking" if items else "it lists no liked songs"
    return LikesFile(ACCOUNT_DATA, tuple(items), note)


def _find_rows(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Each row with its path: of a list, a page (``{"items": [...]}``), or a list of these."""
    if isinstance(value, list):
        for i, entry in enumerate(value):
            if isinstance(entry, list) or _is_page(entry):
                yield from _find_rows(entry, f"{path}[{i}]")
            elif isinstance(entry, str) and read_track_id(entry):
                yield f"{path}[{i}]", {"uri": entry}
            else:
                yield f"{path}[{i}]", _flatten(entry)
    elif isinstance(value, dict):
        lists = [name for name, entry in value.items() if isinstance(entry, list)]
        inner = [name for name, entry in value.items() if isinstance(entry, dict)]
        name = next((known for known in ("items", "tracks", "track") if known in lists), None)
        if name is None and len(lists) == 1:
            name = lists[0]
        if name is None and not lists and len(inner) == 1:
            name = inner[0]
        if _is_like(value):
            yield path or "the object", value
        elif name is None or not (value[name] or name in ("items", "tracks")):
            raise FileRejected(f"{UNKNOWN}: {path or 'the top'} has no list of items")
        else:
            yield from _find_rows(value[name], f"{path}.{name}".removeprefix("."))
    else:
        raise FileRejected(f"{UNKNOWN}: {path or 'the top'} is no list and no object")


def _flatten(entry: object) -> object:
    """A row whose ``track`` is no track object of Spotify's, as one object with all its names."""
    if not isinstance(entry, dict):
        return entry
    date = entry.get("date")
    if isinstance(date, dict) and "uts" in date:  # a loved track of Last.fm
        entry = {**entry, "added_at": date["uts"]}
    if "track_metadata" in entry and "created" in entry:  # a love of ListenBrainz
        entry = {**entry, "added_at": entry["created"]}
    for inner in INNER_NAMES:
        track = entry.get(inner)
        if isinstance(track, dict) and (inner != "track" or "artists" not in track):
            rest = {name: value for name, value in entry.items() if name != inner}
            return {**track, **rest}
    return entry


def _is_page(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("items"), list)


def _make_table(places: Sequence[tuple[str, object]]) -> tuple[list[str], list[list[str]]]:
    """Rows as a table of their plain values, with title and artist of a track inside a row."""
    flat: list[dict[str, object]] = []
    for _, row in places:
        if not isinstance(row, dict):
            continue
        track = row.get("track")
        inner = track if isinstance(track, dict) else {}
        artists = inner.get("artists", row.get("artists"))
        credit = artists[0] if isinstance(artists, list) and artists else artists
        flat.append({**{k: inner[k] for k in ("name",) if k in inner}, **row, "artists": credit})
    names = list(dict.fromkeys(name for row in flat for name in row))
    return names, [[_text(row.get(name)) for name in names] for row in flat]


def _judge_rows(
    places: Sequence[tuple[str, object]],
) -> tuple[list[tuple[str, object]], Judgement]:
    """The rows without those that say that they are no likes."""
    cells: dict[str, list[str]] = {}
    for i, (_, row) in enumerate(places):
        track = row.get("track") if isinstance(row, dict) else None
        for part in (track, row):
            for name, value in part.items() if isinstance(part, dict) else ():
                if find_kind(name):
                    if isinstance(value, dict):
                        value = value.get("value", value.get("score"))
                    cells.setdefault(name, [""] * len(places))[i] = _text(value)
    judgement = judge(list(cells), list(cells.values()))
    kept = [place for i, place in enumerate(places) if i not in judgement.refused]
    return kept, judgement


def _refuse_others(places: Sequence[tuple[str, object]]) -> None:
    """Raise unless most rows look like likes."""
    strange = [path for path, row in places if row is not None and not _is_like(row)]
    if strange and 2 * len(strange) >= len(places):
        raise FileRejected(f"{UNKNOWN}: {strange[0]} is no saved track")


def _is_like(row: object) -> bool:
    if not isinstance(row, dict):
        return False
    if row.get("type", "track") in OTHER_TYPES:
        return False
    if "track" in row and (row["track"] is None or isinstance(row["track"], dict)):
        return True
    names = tuple(row)
    columns = _name_columns(names)
    ids = [_text(row[names[place]]) for place in columns.spotify]
    if not any(map(read_track_id, ids)) and any(map(NO_TRACK.search, ids)):
        return False
    return columns.are_enough or any(map(read_track_id, ids))


def _read_rows(places: Sequence[tuple[str, object]]) -> list[LikedTrack]:
    """Rows of one form: most files have one; in a mixed one each row is read by its own."""
    nested = {
        path: _read_nested(path, row)
        for path, row in places
        if isinstance(row, dict) and _has_track_object(row)
    }
    forms: dict[tuple[str, str], list[tuple[str, object]]] = {}
    for path, row in places:
        if path not in nested:
            forms.setdefault(_name_form(row), []).append((path, row))
    others = {
        path: like
        for rows in forms.values()
        for (path, _), like in zip(rows, _read_flat(rows), strict=True)
    }
    return [nested.get(path) or others[path] for path, _ in places]


def _name_form(row: object) -> tuple[str, str]:
    """Under which names a flat row has its title and its artist."""
    names = tuple(row) if isinstance(row, dict) else ()
    columns = _name_columns(names)
    title, artist = columns.title, columns.artist
    return ("" if title is None else names[title], "" if artist is None else names[artist])


@lru_cache(maxsize=256)
def _name_columns(names: tuple[str, ...]) -> Columns:
    return name_columns(names)


def _has_track_object(row: Mapping[str, object]) -> bool:
    if "track" in row:
        return row["track"] is None or isinstance(row["track"], dict)
    artists = row.get("artists")
    is_credit = isinstance(artists, list) and bool(artists) and isinstance(artists[0], dict)
    return is_credit and ("uri" in row or isinstance(row.get("album"), dict))


def _read_nested(path: str, row: Mapping[str, object]) -> LikedTrack:
    """A saved track as Spotify's API gives it, or a track object alone."""
    liked_at = read_date(_text(row.get("added_at")))
    track = row.get("track", row)
    if not isinstance(track, dict):
        label = _text(row.get("uri") or row.get("id")) or ("" if liked_at else path)
        return LikedTrack(None, liked_at, GONE, label)
    # A track that Spotify swapped for another edition names the one that was saved.
    linked = track.get("linked_from")
    saved = f"spotify:track:{_text(linked.get('id'))}" if isinstance(linked, dict) else ""
    codes, artists = track.get("external_ids"), track.get("artists")
    duration, explicit = track.get("duration_ms"), track.get("explicit")
    return make_like(
        Row(
            where=path,
            title=_text(track.get("name")),
            artists=_read_names(artists if isinstance(artists, list) else [artists]),
            album=_text(track.get("album")),
            duration_ms=read_lengths([_text(duration)])[0],
            isrc=normalize_isrc(_text(codes.get("isrc")) if isinstance(codes, dict) else ""),
            explicit=explicit if isinstance(explicit, bool) else None,
            ids=[saved, _text(track.get("uri")), _text(track.get("id"))],
            liked_at=liked_at,
        )
    )


def _read_flat(
    places: Sequence[tuple[str, object]], *, is_one_artist: bool = False
) -> list[LikedTrack]:
    """Rows with plain values under names that say what they are, read like a table."""
    names = list(dict.fromkeys(key for _, row in places if isinstance(row, dict) for key in row))
    columns = name_columns(names)
    rows = [row if isinstance(row, dict) else {} for _, row in places]

    def column(place: int | None) -> list[str]:
        return ["" if place is None else _text(row.get(names[place])) for row in rows]

    credits = _read_credits(rows, names, columns, is_one_artist)
    dates, titles, albums = (
        column(place) for place in (columns.added, columns.title, columns.album)
    )
    day_first = is_day_first(dates)
    lengths, isrcs = read_lengths(column(columns.duration)), column(columns.isrc)
    flags = column(columns.explicit)
    ids = [column(place) for place in columns.spotify]
    songs = list(zip(titles, credits, strict=True))
    trusted = drop_doubtful_columns(range(len(ids)), ids, songs)
    ids = [ids[place] for place in trusted]
    items = []
    for i, (path, row) in enumerate(places):
        if row is None:
            items.append(LikedTrack(None, None, GONE, path))
            continue
        if not isinstance(row, dict):
            items.append(make_broken(path, "is no object", _text(row)))
            continue
        items.append(
            make_like(
                Row(
                    where=path,
                    title=titles[i],
                    artists=credits[i],
                    album=albums[i],
                    duration_ms=lengths[i],
                    isrc=normalize_isrc(isrcs[i]),
                    explicit=read_flag(flags[i]),
                    ids=[cells[i] for cells in ids],
                    liked_at=read_date(dates[i], day_first),
                )
            )
        )
    return items


def _read_credits(
    rows: Sequence[Mapping[str, object]],
    names: Sequence[str],
    columns: Columns,
    is_one_artist: bool,
) -> list[tuple[str, ...]]:
    if columns.artist is None:
        return [()] * len(rows)
    name = names[columns.artist]
    cells = [value if isinstance(value := row.get(name), str) else "" for row in rows]
    credits = ONE_ARTIST if is_one_artist else learn_artists(cells, is_list=columns.is_plural)
    return [
        _read_names(value)
        if isinstance(value := row.get(name), list)
        else credits.read(_text(value).strip())
        for row in rows
    ]


def _read_names(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(name for name in (clean_name(_text(value)) for value in values) if name)


def _text(value: object) -> str:
    """A value as text: a string, a number, or the name of an object."""
    if isinstance(value, dict):
        value = value.get("name", value.get("title"))
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return str(value) if abs(value) < 1e15 else ""
    return value if isinstance(value, str) else ""


def _note(value: object, items: Sequence[LikedTrack], refused: int) -> str:
    total = value.get("total") if isinstance(value, dict) else None
    notes = [] if items or refused else ["the list is empty"]
    if isinstance(total, int) and total > len(items) + refused:
        notes.append(
            f"the file holds {len(items):,} of {total:,} likes; its other pages are missing"
        )
    undated = sum(item.liked_at is None for item in items)
    if undated:
        notes.append(f"rows without a readable date of liking: {undated:,}")
    return clean_detail("; ".join(notes))
