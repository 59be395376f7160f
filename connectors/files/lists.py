"""Lists with names in one file: the liked songs are read, playlists and albums are left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from connectors.files.columns import make_key
from connectors.files.outcome import FileRejected
from connectors.files.values import clean_detail, find_track_id

#: How services and programs call the list of likes, the surest first.
LIKED_NAMES = tuple(
    frozenset(make_key(name) for name in names.split("|"))
    for names in (
        """liked songs|liked tracks|liked|your liked songs|my liked songs|saved tracks|saved songs
        |saved|likes|your likes|my likes|liked music|tracks liked|songs liked|Lieblingssongs
        |Titres likés|Canciones que te gustan|Tus me gusta|Músicas curtidas|Brani che ti piacciono
        |Nummers die je leuk vindt|Gelikte nummers|Polubione utwory|Gillade låtar
        |Beğenilen Şarkılar|Любимые треки|Вподобані пісні|お気に入りの曲|已点赞的歌曲|我喜欢的音乐
        |좋아요 표시한 곡""",
        """favorite songs|favourite songs|favorite tracks|favourite tracks|favorites|favourites
        |loved tracks|loved songs|loved|starred|my favorites|my favourites|favoritos|favoris
        |Favoriten|Мне нравится|coups de coeur|thumbs up""",
    )
)
#: At the top of a file, beside playlists or albums, these are the saved songs.
PLAIN_NAMES = frozenset({"tracks", "songs", "track", "librarytracks"})
#: Lists of songs that somebody does not like.
DISLIKED_NAMES = re.compile(
    r"dislik|banned|blocked|hated|thumbsdown|blacklist|unliked|removed|deleted"
)
#: What programs add to a list's name: "My Liked Songs (1,024)", "liked_songs_backup".
_ADDED = re.compile(r"\b(?:my|your|all|spotify|exports?|exported|backup|list)\b|[\W\d_]+", re.I)
HINT = "; the liked songs are in YourLibrary.json beside it"
_HEADING = re.compile(r"(?:playlists|liked albums|albums):", re.I)
SECTION_COLUMNS = ("Title", "Artists", "Album", "Spotify URI", "Released")
SHOWN = 3


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list inside a file, still unread."""

    name: str
    rows: object
    has_own_name: bool
    """Whether the list says its name itself, as a playlist does."""


def choose_liked(names: Iterable[str]) -> str | None:
    """The name among these that means the list of likes, or None."""
    known = {_name_plainly(name): name for name in reversed(list(names))}
    for liked in LIKED_NAMES:
        for key, name in reversed(known.items()):
            if key in liked:
                return name
    return None


def _name_plainly(name: str) -> str:
    """A list's name without what programs add to it."""
    return make_key(_ADDED.sub(" ", name.replace("_", " "))) or make_key(name)


def name_left_out(names: Sequence[str], chosen: str) -> str:
    """Say which list was read and which were left out."""
    others = list(
        dict.fromkeys(clean_detail(name)[:60] or "a list without a name" for name in names)
    )
    more = f" and {len(others) - SHOWN:,} more" if len(others) > SHOWN else ""
    shown = ", ".join(f"“{name}”" for name in others[:SHOWN])
    return f"only the list “{clean_detail(chosen)[:60]}” was read; left out: {shown}{more}"


def name_other_lists(names: Sequence[str]) -> str:
    """Say that the rows are of several lists, of which none is called the likes."""
    return (
        f"its rows are of {len(set(names)):,} lists, such as “{clean_detail(names[0])[:60]}”, none "
        "of them called “Liked Songs”; all were read as likes"
    )


def refuse_playlists(names: Sequence[str], hint: str = "") -> FileRejected:
    shown = ", ".join(f"“{clean_detail(name)[:60]}”" for name in names[:SHOWN])
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return FileRejected(
        f"holds playlists, not likes: none of its lists ({shown}{more}) is called "
        f"“Liked Songs”{hint}"
    )


def choose_list(value: object) -> tuple[object, str]:
    """The list of likes of a JSON file that holds several, and a note on those left out.

    Raises FileRejected for a file of playlists alone. Any other value comes back as it is.
    """
    lists = find_named_lists(value)
    if lists and all(DISLIKED_NAMES.search(make_key(one.name)) for one in lists):
        raise FileRejected(f"lists songs that are not liked: “{clean_detail(lists[0].name)[:60]}”")
    has_playlists = isinstance(value, dict) and isinstance(value.get("playlists"), list)
    if len(lists) < 2 and not has_playlists and not any(one.has_own_name for one in lists):
        return value, ""
    names = [one.name for one in lists]
    chosen = choose_liked(names)
    if chosen is None:
        outer = [one.name for one in lists if not one.has_own_name]
        chosen = next((name for name in outer if make_key(name) in PLAIN_NAMES), None)
    if chosen is not None:
        place = names.index(chosen)
        others = [one.name for one in (*lists[:place], *lists[place + 1 :]) if _has_names(one)]
        return lists[place].rows, name_left_out(others, chosen) if others else ""
    if has_playlists or all(one.has_own_name for one in lists):
        playlists = value.get("playlists") if isinstance(value, dict) else None
        is_account_data = isinstance(playlists, list) and any(
            isinstance(one, dict) and "items" in one for one in playlists
        )
        raise refuse_playlists(names, HINT if is_account_data else "")
    return value, ""


def find_named_lists(value: object) -> list[NamedList]:
    """The lists of a JSON file that holds several, each under its name; empty for other files."""
    if isinstance(value, list):
        return _name_entries(value)
    if not isinstance(value, dict):
        return []
    found: list[NamedList] = _name_entries([value])
    if found:
        return found
    for name, entry in value.items():
        inner = _name_entries(entry if isinstance(entry, list) else [entry])
        if inner:
            found += inner
        elif _get_rows(entry) is not None:
            found.append(NamedList(str(name), entry, False))
        elif isinstance(entry, dict):
            found += [
                NamedList(str(inner), rows, False)
                for inner, rows in entry.items()
                if isinstance(rows, list) and _get_rows(rows) is not None
            ]
    return found


def _name_entries(entries: Sequence[object]) -> list[NamedList]:
    """Entries that are lists with names of their own, or nothing if they are songs."""
    named = []
    for entry in entries:
        if not isinstance(entry, dict):
            return []
        name = entry.get("name", entry.get("title"))
        rows = next(
            (
                entry[key]
                for key in ("tracks", "items", "songs", "trackList", "entries", "track")
                if _get_rows(entry.get(key)) is not None
            ),
            None,
        )
        if not isinstance(name, str) or rows is None:
            return []
        named.append(NamedList(name, rows, True))
    return named


def _has_names(one: NamedList) -> bool:
    """Whether a list holds anything that a person would miss: no pictures, no links."""
    rows = [row for row in _get_rows(one.rows) or () if isinstance(row, dict)]
    return any(
        {"name", "title", "track", "trackName", "album", "artist"} & row.keys() for row in rows
    )


def _get_rows(entry: object) -> list[object] | None:
    """The rows of a list or of a page, if they can be songs."""
    rows = entry.get("items") if isinstance(entry, dict) else entry
    if not isinstance(rows, list):
        return None
    return rows if all(row is None or isinstance(row, dict) for row in rows[:5]) else None


def read_sections(text: str) -> tuple[str, str, list[str]] | None:
    """The liked songs of a text with several lists: its name, a table, and the other names.

    spotify-backup writes a list's name, its songs with tabs between title, artists, album and
    address, and an empty line. None for any other text.
    """
    if not _is_sections(text):
        return None
    sections = list(_split_sections(text))
    names = [name for name, _ in sections]
    chosen = choose_liked(names)
    if chosen is None:
        raise refuse_playlists(names)
    lines = [line for name, rows in sections if name == chosen for line in rows]
    width = max((line.count("\t") + 1 for line in lines), default=0)
    header = "\t".join(SECTION_COLUMNS[:width])
    return chosen, "\n".join([header, *lines]), [name for name in names if name != chosen]


def _is_sections(text: str) -> bool:
    lines = [line for line in text[:20_000].splitlines() if line.strip()]
    names = [line for line in lines[:3] if "\t" not in line]
    songs = [line for line in lines[1:50] if find_track_id("".join(line.split("\t")[3:4]))]
    return bool(names) and bool(songs) and "\t" not in lines[0]


def _split_sections(text: str) -> Iterator[tuple[str, list[str]]]:
    name, rows = "", list[str]()
    for line in re.split(r"\r\n|\n|\r", text):
        if "\t" in line:
            rows.append(line)
            continue
        if line.strip() and not _HEADING.fullmatch(line.strip()):
            if rows or name:
                yield name, rows
            name, rows = line.strip(), []
        elif line.strip() and rows:
            yield name, rows
            name, rows = line.strip().rstrip(":"), []
    if rows or name:
        yield name, rows
