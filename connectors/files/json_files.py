"""JSON files of likes: Spotify's YourLibrary.json and saved tracks as its API gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.files.answers import refuse_answer, refuse_object, refuse_rows, refuse_top
from connectors.files.artists import ONE_ARTIST, learn_artists
from connectors.files.columns import Columns, name_columns
from connectors.files.histories import MOST_ROWS, refuse_history
from connectors.files.json_rows import (
    UNKNOWN,
    find_rows,
    is_like,
    load_json,
    make_rows,
    name_keys,
    read_plainly,
)
from connectors.files.judgements import Judgement, find_kind, judge
from connectors.files.lists import choose_liked, choose_list, name_left_out
from connectors.files.outcome import ACCOUNT_DATA, SAVED_TRACKS, FileRejected, LikesFile
from connectors.files.rows import Row, make_broken, make_like
from connectors.files.trust import clear_doubtful_ids, drop_doubtful_columns, note_dropped
from connectors.files.values import (
    clean_detail,
    clean_name,
    is_day_first,
    read_date,
    read_flag,
    read_lengths,
)
from connectors.records import GONE, LikedTrack
from connectors.text import normalize_isrc

LIBRARY_SECTIONS = frozenset(
    {"albums", "shows", "episodes", "bannedTracks", "artists", "bannedArtists", "other"}
)


def read_json(text: str) -> LikesFile:
    """The likes of a JSON file or of JSON lines. Raises ``FileRejected`` with the place."""
    whole = load_json(text)
    if isinstance(whole, dict) and _is_library(whole):
        return _read_library(whole)
    if isinstance(whole, dict) and "narada" in whole:
        raise FileRejected("is a library of Narada; bring it in with: narada import-library PATH")
    refuse_object(whole)
    value, left_out = choose_list(make_rows(whole))
    refuse_answer(value)
    places = list(find_rows(value, ""))
    if not left_out:
        refuse_rows([row for _, row in places])
    table = _make_table(places[:MOST_ROWS])
    refuse_history(*table)
    refuse_top(*table)
    _refuse_others(places)
    places, others = _choose_rows(places)
    places, judgement = _judge_rows(places)
    rows, dropped = _read_rows(places)
    items, doubt = clear_doubtful_ids(rows)
    notes = [_note(value, items, len(judgement.refused)), left_out, others, judgement.note,
             note_dropped(dropped), doubt]  # fmt: skip
    return LikesFile(SAVED_TRACKS, items, "; ".join(filter(None, notes)))


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
    items, dropped = _read_flat(
        [(f"tracks[{i}]", track) for i, track in enumerate(tracks)], is_one_artist=True
    )
    note = "account data has no dates of liking" if items else "it lists no liked songs"
    return LikesFile(ACCOUNT_DATA, tuple(items), note).with_note(note_dropped(dropped))


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
    return names, [[read_plainly(row.get(name)) for name in names] for row in flat]


def _choose_rows(places: Sequence[tuple[str, object]]) -> tuple[list[tuple[str, object]], str]:
    """The rows of the liked songs where each row names its list, and a note on the others."""
    lists = []
    for _, row in places:
        names = tuple(row) if isinstance(row, dict) else ()
        place = name_keys(names).playlist
        lists.append("" if place is None else read_plainly(row[names[place]]))  # type: ignore[index]
    liked = choose_liked(dict.fromkeys(filter(None, lists)))
    others = [name for name in lists if name and name != liked]
    if liked is None or not others:
        return list(places), ""
    kept = [place for place, name in zip(places, lists, strict=True) if name in (liked, "")]
    return kept, name_left_out(others, liked)


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
                    cells.setdefault(name, [""] * len(places))[i] = read_plainly(value)
    judgement = judge(list(cells), list(cells.values()))
    kept = [place for i, place in enumerate(places) if i not in judgement.refused]
    return kept, judgement


def _refuse_others(places: Sequence[tuple[str, object]]) -> None:
    """Raise unless most rows look like likes."""
    strange = [path for path, row in places if row is not None and not is_like(row)]
    ids_alone = sum(isinstance(row, dict) and "recording_mbid" in row for _, row in places)
    if strange and ids_alone == len(places):
        raise FileRejected(
            "names its recordings by MusicBrainz ids alone; the answers of ListenBrainz's "
            "GET /1/feedback/user/NAME/get-feedback?metadata=true have their names"
        )
    if strange and 2 * len(strange) >= len(places):
        raise FileRejected(f"{UNKNOWN}: {strange[0]} is no saved track")


def _read_rows(places: Sequence[tuple[str, object]]) -> tuple[list[LikedTrack], list[str]]:
    """Rows of one form: most files have one; in a mixed one each row is read by its own. With the
    names of the ids that are not trusted."""
    nested = {
        path: _read_nested(path, row)
        for path, row in places
        if isinstance(row, dict) and _has_track_object(row)
    }
    forms: dict[tuple[str, str], list[tuple[str, object]]] = {}
    for path, row in places:
        if path not in nested:
            forms.setdefault(_name_form(row), []).append((path, row))
    others: dict[str, LikedTrack] = {}
    dropped: list[str] = []
    for rows in forms.values():
        likes, doubtful = _read_flat(rows)
        others.update((path, like) for (path, _), like in zip(rows, likes, strict=True))
        dropped += doubtful
    return [nested.get(path) or others[path] for path, _ in places], dropped


def _name_form(row: object) -> tuple[str, str]:
    """Under which names a flat row has its title and its artist."""
    names = tuple(row) if isinstance(row, dict) else ()
    columns = name_keys(names)
    title, artist = columns.title, columns.artist
    return ("" if title is None else names[title], "" if artist is None else names[artist])


def _has_track_object(row: Mapping[str, object]) -> bool:
    if "track" in row:
        return row["track"] is None or isinstance(row["track"], dict)
    artists = row.get("artists")
    is_credit = isinstance(artists, list) and bool(artists) and isinstance(artists[0], dict)
    return is_credit and "name" in row and ("uri" in row or isinstance(row.get("album"), dict))


def _read_nested(path: str, row: Mapping[str, object]) -> LikedTrack:
    """A saved track as Spotify's API gives it, or a track object alone."""
    liked_at = read_date(read_plainly(row.get("added_at")))
    track = row.get("track", row)
    if not isinstance(track, dict):
        label = read_plainly(row.get("uri") or row.get("id")) or ("" if liked_at else path)
        return LikedTrack(None, liked_at, GONE, label)
    # A track that Spotify swapped for another edition names the one that was saved.
    linked = track.get("linked_from")
    saved = f"spotify:track:{read_plainly(linked.get('id'))}" if isinstance(linked, dict) else ""
    codes, artists = track.get("external_ids"), track.get("artists")
    duration, explicit = track.get("duration_ms"), track.get("explicit")
    return make_like(
        Row(
            where=path,
            title=read_plainly(track.get("name")),
            artists=_read_names(artists if isinstance(artists, list) else [artists]),
            album=read_plainly(track.get("album")),
            duration_ms=read_lengths([read_plainly(duration)])[0],
            isrc=normalize_isrc(read_plainly(codes.get("isrc")) if isinstance(codes, dict) else ""),
            explicit=explicit if isinstance(explicit, bool) else None,
            ids=[saved, read_plainly(track.get("uri")), read_plainly(track.get("id"))],
            liked_at=liked_at,
        )
    )


def _read_flat(
    places: Sequence[tuple[str, object]], *, is_one_artist: bool = False
) -> tuple[list[LikedTrack], list[str]]:
    """Rows with plain values under names that say what they are, read like a table; and the names
    of the ids that are not trusted."""
    names = list(dict.fromkeys(key for _, row in places if isinstance(row, dict) for key in row))
    columns = name_columns(names)
    rows = [row if isinstance(row, dict) else {} for _, row in places]

    def column(place: int | None) -> list[str]:
        return ["" if place is None else read_plainly(row.get(names[place])) for row in rows]

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
    dropped = [names[c] for place, c in enumerate(columns.spotify) if place not in trusted]
    items = []
    for i, (path, row) in enumerate(places):
        if row is None:
            items.append(LikedTrack(None, None, GONE, path))
            continue
        if not isinstance(row, dict):
            items.append(make_broken(path, "is no object", read_plainly(row)))
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
    return items, dropped


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
        else credits.read(read_plainly(value).strip())
        for row in rows
    ]


def _read_names(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(name for name in (clean_name(read_plainly(value)) for value in values) if name)


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
