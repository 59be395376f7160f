"""The music both stand-ins know: Spotify's tracks, Last.fm's pages and corrections.

``data/songs.tsv`` holds real songs with what makes them awkward; ``invention.py`` adds any number
of invented ones. Last.fm knows some songs under another name than Spotify's; the column
``relation`` says what stands under Spotify's name there:

    same       the page itself
    ghost      a page with one listener; the real page is under the Last.fm name
    both       a real page, and another real page under the Last.fm name
    corrects   nothing, but Last.fm corrects it to the Last.fm name
    absent     nothing; the real page is under the Last.fm name
    nowhere    nothing, and no other page either
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

from narada_sandbox.world.invention import invent_song

NameKey = tuple[str, str]
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Song:
    """One track on Spotify, and the name under which Last.fm's listeners have it."""

    track_id: str
    title: str
    artists: tuple[str, ...]
    album: str
    duration_ms: int
    released: str
    isrc: str
    relation: str = "same"
    lastfm_artist: str = ""
    lastfm_title: str = ""
    listeners: int = 0
    explicit: bool = False

    @property
    def spotify_name(self) -> tuple[str, str]:
        """Artist and title as a player that scrobbles from Spotify sends them."""
        return self.artists[0], self.title

    @property
    def lastfm_name(self) -> tuple[str, str]:
        """Artist and title of the page that people listen under."""
        return self.lastfm_artist or self.artists[0], self.lastfm_title or self.title

    @property
    def scrobbled_name(self) -> tuple[str, str]:
        """The spelling a listener of the sandbox has scrobbled this song under."""
        return self.spotify_name if self.relation in ("same", "both") else self.lastfm_name


@dataclass(frozen=True, slots=True)
class Page:
    """A track's page on Last.fm. ``duration_ms`` is 0 where Last.fm has none."""

    artist: str
    title: str
    listeners: int
    playcount: int
    duration_ms: int = 0
    album: str = ""
    mbid: str = ""


def name_key(artist: str, title: str) -> NameKey:
    """Return the form in which Last.fm compares names: without regard to case."""
    return artist.casefold(), title.casefold()


def hash_number(*parts: str) -> int:
    """Return a stable 128-bit number for some words."""
    return int.from_bytes(hashlib.md5("\x1f".join(parts).encode()).digest(), "big")


def make_id(*parts: str) -> str:
    """Return 22 base-62 characters, as Spotify's ids are, always the same for the same words."""
    number = hash_number(*parts)
    characters = []
    for _ in range(22):
        number, digit = divmod(number, 62)
        characters.append(_BASE62[digit])
    return "".join(reversed(characters))


def make_isrc(*parts: str) -> str:
    """Return a well-formed ISRC that is always the same for the same words."""
    number = hash_number("isrc", *parts)
    country = ("US", "GB", "DE", "FR", "SE", "JP", "QM", "QZ")[number % 8]
    owner = "".join("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"[(number >> s) % 34] for s in (8, 24, 40))
    return f"{country}{owner}{(number >> 56) % 24:02d}{(number >> 64) % 100000:05d}"


class Catalogue:
    """Every song, page and correction. Only grows; the caller holds the lock."""

    def __init__(self) -> None:
        self.songs: dict[str, Song] = {}
        self.curated: list[str] = []
        self.invented: list[str] = []
        self.pages: dict[NameKey, Page] = {}
        self.artists: dict[str, str] = {}
        self.corrections: dict[NameKey, tuple[str, str]] = {}
        self.artist_corrections: dict[str, str] = {}
        for song in read_songs():
            self.add(song)
            self.curated.append(song.track_id)

    def add(self, song: Song) -> None:
        """Add a song with the pages and corrections that its relation asks for."""
        self.songs[song.track_id] = song
        if song.relation == "nowhere":
            return
        self.add_page(make_page(song))
        if song.spotify_name == song.lastfm_name:
            return
        if song.relation == "both":
            self.add_page(make_page(song, song.spotify_name, listeners=song.listeners // 9))
        elif song.relation == "ghost":
            self.add_page(Page(*song.spotify_name, listeners=1, playcount=1))
        elif song.relation == "corrects":
            self.add_correction(song.spotify_name, song.lastfm_name)

    def add_page(self, page: Page) -> None:
        """Add a Last.fm page; a page with more listeners under the same name stays."""
        key = name_key(page.artist, page.title)
        known = self.pages.get(key)
        if known is None or known.listeners < page.listeners:
            self.pages[key] = page
        if page.listeners > 2:
            self.artists.setdefault(page.artist.casefold(), page.artist)

    def add_correction(self, wrong: tuple[str, str], right: tuple[str, str]) -> None:
        """Make Last.fm correct one name to another, the artist's on its own where it differs."""
        self.corrections[name_key(*wrong)] = right
        if wrong[0].casefold() != right[0].casefold():
            self.artist_corrections[wrong[0].casefold()] = right[0]

    def correct(self, artist: str, title: str) -> tuple[str, str]:
        """Return the name that Last.fm shows for a name: its correction, else itself."""
        right = self.corrections.get(name_key(artist, title))
        if right is not None:
            return right
        other = self.artist_corrections.get(artist.casefold())
        if other is not None and name_key(other, title) in self.pages:
            page = self.pages[name_key(other, title)]
            return page.artist, page.title
        return artist, title

    def invent(self, count: int) -> None:
        """See to it that at least ``count`` invented songs are there."""
        for number in range(len(self.invented), count):
            song = make_invented(number)
            self.add(song)
            self.invented.append(song.track_id)


def make_page(song: Song, name: tuple[str, str] | None = None, listeners: int = 0) -> Page:
    """Return the Last.fm page of a song; about half have an MBID, two thirds a duration."""
    artist, title = name or song.lastfm_name
    number = hash_number("page", artist, title)
    heard = listeners or song.listeners or 200 + number % 90_000
    return Page(
        artist,
        title,
        listeners=heard,
        playcount=heard * (3 + number % 9),
        duration_ms=song.duration_ms // 1000 * 1000 if number % 3 else 0,
        album=song.album,
        mbid=str(uuid.UUID(int=number, version=4)) if number % 2 else "",
    )


def make_invented(number: int) -> Song:
    """Turn an invention into a song of the catalogue."""
    made = invent_song(number)
    isrc = made.isrc and make_isrc(made.artists[0], made.title, str(number))
    return Song(
        track_id=make_id("invented", str(number)),
        title=made.title,
        artists=made.artists,
        album=made.album,
        duration_ms=made.duration_ms,
        released=made.released,
        isrc=isrc or "",
        relation=made.relation,
        lastfm_title=made.lastfm_title,
        listeners=60 + hash_number("heard", str(number)) % 40_000,
        explicit=number % 11 == 0,
    )


def read_songs() -> Iterator[Song]:
    """Read ``data/songs.tsv``; its first line names the columns."""
    text = resources.files("narada_sandbox").joinpath("data/songs.tsv").read_text("utf-8")
    lines = text.splitlines()
    columns = lines[0].split("\t")
    for line in lines[1:]:
        if line and not line.startswith("#"):
            cells = line.split("\t")
            yield read_song(dict(zip(columns, cells, strict=False)))


def read_song(row: dict[str, str]) -> Song:
    """Turn one line into a song. An ISRC of "-" means none; an empty one is made up."""
    artists = tuple(row["artists"].split("|"))
    minutes, seconds = row["length"].split(":")
    noise = hash_number("ms", row["title"], artists[0]) % 1000
    isrc = row.get("isrc", "")
    return Song(
        track_id=make_id("song", *artists, row["title"], row["album"]),
        title=row["title"],
        artists=artists,
        album=row["album"],
        duration_ms=(int(minutes) * 60 + int(seconds)) * 1000 + noise,
        released=row["year"],
        isrc="" if isrc == "-" else isrc or make_isrc(*artists, row["title"]),
        relation=row.get("relation") or "same",
        lastfm_artist=row.get("lastfm_artist", ""),
        lastfm_title=row.get("lastfm_title", ""),
        listeners=int(row.get("listeners") or 0),
    )
