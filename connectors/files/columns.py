"""Which column is which: by its name in many spellings and languages, else by what it holds."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from connectors.files.values import clean_detail, find_track_id, read_date
from connectors.text import ISRC

# Names as ``make_key`` writes them, the surest first. The translations are those of
# watsonbox/exportify (src/i18n/locales, 2026-04) and plain words of hand-made files.
NAMES: dict[str, str] = {
    "title": """trackname songname tracktitle songtitle title track song titletrack nameoftrack
        trackname(s) titulo titre titel titolo cancion nombredelacancion nomdutitre nomedafaixa
        nomedellatraccia faixa musica brano chanson morceau lied liedtitel tracktitel nummernaam
        nummer latensnamn parcaadi sarki トラック名 曲名 タイトル όνομακομματιού اسمالأغنية
        название трек песня названиетрека utwor tytul 歌曲 歌名 曲目 name""",
    "artist": """artistnames artistname artistsnames artistsname artists artist trackartists
        trackartist performer singername singer band artista artistas artiste artistes kunstler
        kunstlernamen kunstlername interpret interprete interpretes nombresdelartista
        nombredelartista nomsdelartiste nomdelartiste nomedellartista nomesdoartista
        nomedoartista naamvanartiest artiest artistensnamn sanatciadi sanatci アーティスト名
        アーティスト όνοματακαλλιτέχνη أسماءالفنانين исполнитель исполнители артист artysta
        wykonawca 歌手 艺术家 藝人 artistname1 artist1 creator""",
    "album": """albumname albumtitle album trackalbumname trackalbum release nombredelalbum
        nomdelalbum nomedellalbum nomedoalbum naamvanalbum albumetsnamn albumadi アルバム名 アルバム
        όνομαάλμπουμ اسمالألبوم альбом 专辑 專輯""",
    "added": """addedat dateadded timeadd timeadded lovedat lovedon dateloved favoritedat
        dateaddedtolibrary addeddate addedon likedat likedon dateliked savedat savedon
        datesaved added liked saved adddate hinzugefugtam anadidoen ajoutele aggiuntoil
        adicionadoem toegevoegdop tillagdvid eklenmetarihi 追加日時 προστέθηκεστις أضيففي
        датадобавления добавлено fechaanadida dateajout""",
    "duration": """durationms trackdurationms duration trackduration durations durationsec
        durationseconds durationmin durationminutes length tracklength runtime trackdauerms
        dauer duraciondelacancionms duracion dureedutitrems duree duratadellatracciams durata
        duracaodafaixams duracao nummerduurms latlangdms parcasuresims トラックの長さミリ秒
        διάρκειακομματιούms длительность 时长""",
    "isrc": "isrc isrccode trackisrc externalidsisrc trackexternalidsisrc",
    "explicit": """explicit isexplicit trackexplicit explizit explicito explicite esplicito
        explicita expliciet acikicerik 明示的な内容 ακατάλληλο صريح""",
    "artist_ids": """artisturis artisturi artistids artistid kunstleruris urisdelartista
        urisdelartiste uridellartista urisdoartista artiesturi artistensuri sanatciuri
        spotifyartistids spotifyartistid アーティストuri""",
    "kind": "type",
    "playlist": "playlistname playlist playlisttitle listname",
}
# All of these are looked at in each row, the surest first.
SPOTIFY_NAMES = """trackuri spotifyuri spotifytrackuri spotifyid spotifytrackid trackid
    trackspotifyid songuri songid uri spotifyurl spotifytrackurl trackurl tracklink spotifylink
    songurl songlink trackexternalurlsspotify externalurlsspotify externalurl url link spotify
    id urititre uridutitre uridelacancion uridafaixa uridellatraccia nummeruri latensuri
    parcauri トラックuri"""
PLURALS = "artistnames artists trackartists artistas artistes interpretes исполнители"
# The first layouts of Exportify, for files whose headers tell nothing. Track URI, then:
# watsonbox since 2018-01: title, artist URIs, artists, album URI, album, ...
# exportify.net: title, album, artists, release date, duration, ...
# watsonbox before: title, artists, album, disc, track number, duration, ...
_YEAR_FIRST = re.compile(r"(?:19|20)\d\d(?:-\d\d){0,2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}")
_WHOLE = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions of the columns that are read, None for each that is not there."""

    title: int | None = None
    artist: int | None = None
    album: int | None = None
    added: int | None = None
    duration: int | None = None
    isrc: int | None = None
    explicit: int | None = None
    artist_ids: int | None = None
    kind: int | None = None
    playlist: int | None = None
    spotify: tuple[int, ...] = ()
    is_plural: bool = False
    is_exportify_net: bool = False

    @property
    def are_enough(self) -> bool:
        return self.title is not None and self.artist is not None

    @property
    def last(self) -> int:
        """The last position that is read."""
        named = (self.title, self.artist, self.album, self.added, self.duration, self.isrc)
        rest = (self.explicit, self.artist_ids, self.kind, *self.spotify)
        return max((place for place in (*named, *rest) if place is not None), default=0)


def make_key(name: str) -> str:
    """A column's name without case, accents, spaces and punctuation: "Artist Name(s)" is
    ``artistnames``."""
    name = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in name if not unicodedata.combining(letter))
    return re.sub(r"[\W_]+", "", plain).replace("ı", "i")


def _prepare(names: str | Sequence[str]) -> tuple[str, ...]:
    words = names.split() if isinstance(names, str) else names
    return tuple(dict.fromkeys(make_key(word) for word in words))


_KEYS = {field: _prepare(names) for field, names in NAMES.items()}
_SPOTIFY_KEYS = _prepare(SPOTIFY_NAMES)
_PLURAL_KEYS = frozenset(_prepare(PLURALS))


def name_columns(names: Sequence[str]) -> Columns:
    """The columns by their names alone. Other services' ids ("Deezer - id") are nobody's."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        places.setdefault(make_key(name), place)
    found = {
        field: next((places[key] for key in keys if key in places), None)
        for field, keys in _KEYS.items()
    }
    spotify = tuple(places[key] for key in _SPOTIFY_KEYS if key in places)
    album, artist, duration = (found[field] for field in ("album", "artist", "duration"))
    key = make_key(names[artist]) if artist is not None else ""
    places_in_order = [-1 if place is None else place for place in (album, artist, duration)]
    in_its_order = -1 < places_in_order[0] < places_in_order[1] < places_in_order[2]
    return Columns(
        **found,
        spotify=spotify,
        is_plural=key in _PLURAL_KEYS,
        is_exportify_net=bool(spotify) and key == "artistnames" and in_its_order,
    )


def count_known(names: Sequence[str]) -> int:
    """How many of these names are columns that Narada reads."""
    known = {key for keys in _KEYS.values() for key in keys} | set(_SPOTIFY_KEYS)
    return sum(make_key(name) in known for name in names)


def place_columns(rows: Sequence[Sequence[str]]) -> Columns:
    """The columns of an Exportify file by what they hold; empty for anything else."""
    sample = rows[:200]
    width = max((len(row) for row in sample), default=0)
    cells = [
        [cell for row in sample if i < len(row) and (cell := clean_detail(row[i]))]
        for i in range(width)
    ]
    uris = {
        kind: [i for i in range(width) if _share(cells[i], rf"spotify:(?:{kind}):.+") > 0.8]
        for kind in ("track|local", "artist", "album")
    }
    if not uris["track|local"]:
        return Columns()
    track = uris["track|local"][0]
    if uris["artist"] and uris["album"]:
        artist_ids, album_id = uris["artist"][0], uris["album"][0]
        found = Columns(track + 1, artist_ids + 1, album_id + 1, artist_ids=artist_ids)
    elif _fits(cells, track + 4, _YEAR_FIRST) and _fits(cells, track + 5, _WHOLE):
        found = Columns(track + 1, track + 3, track + 2, is_exportify_net=True)
    elif all(_fits(cells, track + step, _WHOLE) for step in (4, 5, 6)):
        found = Columns(track + 1, track + 2, track + 3)
    else:
        return Columns()
    return _place_rest(found, cells, track)


def _place_rest(columns: Columns, cells: list[list[str]], track: int) -> Columns:
    def first(test: str | re.Pattern[str]) -> int | None:
        return next((i for i in range(track + 4, len(cells)) if _share(cells[i], test) > 0.8), None)

    dated = [
        i
        for i in range(track + 4, len(cells))
        if cells[i] and all(":" in cell and read_date(cell, True) for cell in cells[i][:20])
    ]
    return Columns(
        columns.title,
        columns.artist,
        columns.album,
        added=dated[-1] if dated else None,
        duration=first(r"\d{5,7}"),
        isrc=first(ISRC),
        explicit=first(r"(?i)true|false"),
        artist_ids=columns.artist_ids,
        spotify=(track,),
        is_plural=True,
        is_exportify_net=columns.is_exportify_net,
    )


def fill_columns(columns: Columns, others: Columns) -> Columns:
    """The columns, with those that are missing taken from ``others``."""
    missing = {
        entry.name: getattr(others, entry.name)
        for entry in fields(columns)
        if getattr(columns, entry.name) in (None, (), False)
    }
    return replace(columns, **missing)


def find_link_column(rows: Sequence[Sequence[str]]) -> int | None:
    """The first column that holds Spotify's addresses of tracks, whatever it is called."""
    sample = rows[:200]
    for place in range(max((len(row) for row in sample), default=0)):
        cells = [row[place] for row in sample if place < len(row) and row[place]]
        if cells and sum(bool(find_track_id(cell)) for cell in cells) > 0.8 * len(cells):
            return place
    return None


def _share(cells: Sequence[str], test: str | re.Pattern[str]) -> float:
    return sum(bool(re.fullmatch(test, cell)) for cell in cells) / len(cells) if cells else 0.0


def _fits(cells: list[list[str]], place: int, test: re.Pattern[str]) -> bool:
    return place < len(cells) and _share(cells[place], test) > 0.8
