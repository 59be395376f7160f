"""What the sandbox remembers: its users with their likes, loves and scrobbles, and the clock.

Everything is changed through ``State`` and under its one lock; each change is written through to
the store. Times are whole seconds since 1970, as both services count them.
"""

from __future__ import annotations

import threading
import time
from bisect import insort
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from narada_sandbox.world.catalogue import (
    Catalogue,
    NameKey,
    Page,
    Song,
    hash_number,
    make_id,
    name_key,
)
from narada_sandbox.world.store import Row, Store


@dataclass(frozen=True, slots=True, order=True)
class SavedItem:
    """One liked item. Ties in ``added_at`` keep the order of ``number``.

    ``item`` is a track id, ``null:...`` for a track that Spotify has lost, or a
    ``spotify:local:...`` URI.
    """

    added_at: int
    number: int
    item: str


@dataclass(frozen=True, slots=True)
class Love:
    """One loved track under its literal name."""

    artist: str
    title: str
    uts: int
    number: int


@dataclass(frozen=True, slots=True)
class Scrobbled:
    """One spelling in a user's library, and how often it was played."""

    artist: str
    title: str
    playcount: int
    last_uts: int


@dataclass(slots=True)
class User:
    """One person with an account at each service, both of this name."""

    name: str
    allowlisted: bool = True
    private: bool = False
    registered: int = 1_230_768_000
    likes: list[SavedItem] = field(default_factory=list)
    liked: dict[str, SavedItem] = field(default_factory=dict)
    loves: dict[NameKey, Love] = field(default_factory=dict)
    library: dict[NameKey, Scrobbled] = field(default_factory=dict)
    loves_sorted: list[Love] | None = None
    library_sorted: list[Scrobbled] | None = None

    @property
    def spotify_id(self) -> str:
        """Spotify's old user id."""
        return f"sandbox-{self.name}"

    @property
    def account_id(self) -> str:
        """Spotify's new, immutable id."""
        return make_id("account", self.name)[:10]

    def list_loves(self) -> list[Love]:
        """Return the loves, newest first."""
        if self.loves_sorted is None:
            order = sorted(self.loves.values(), key=lambda love: (love.uts, love.number))
            self.loves_sorted = order[::-1]
        return self.loves_sorted

    def list_library(self) -> list[Scrobbled]:
        """Return the scrobbled spellings, most played first."""
        if self.library_sorted is None:
            self.library_sorted = sorted(
                self.library.values(), key=lambda row: (-row.playcount, row.artist, row.title)
            )
        return self.library_sorted


class AllowListFull(Exception):
    """Development mode allows five users an app (Spotify's quota modes page, 2026)."""


class State:
    """All that the sandbox remembers. Hold ``lock`` around anything that reads and writes."""

    def __init__(self, store: Store) -> None:
        self.lock = threading.RLock()
        self.store = store
        self.catalogue = Catalogue()
        self.users: dict[str, User] = {}
        self.clock_offset = 0.0
        self.allowlist_limit = 5
        self._number = 0

    def now(self) -> float:
        """Return the sandbox's time in seconds since 1970."""
        return time.time() + self.clock_offset

    def set_clock(self, offset: float) -> None:
        """Let the sandbox's clock differ from the real one by ``offset`` seconds."""
        self.clock_offset = offset
        self.store.put("meta", "", "clock", {"offset": offset})

    def next_number(self) -> int:
        """Return a number that is higher than all before."""
        self._number += 1
        return self._number

    def find_user(self, name: str) -> User | None:
        """Return a user by name, without regard to case."""
        return self.users.get(name.casefold())

    def add_user(self, name: str, *, allowlisted: bool = True, private: bool = False) -> User:
        """Add a user or change the flags of one; raises AllowListFull."""
        user = self.find_user(name)
        others = sum(1 for one in self.users.values() if one.allowlisted and one is not user)
        if allowlisted and others >= self.allowlist_limit:
            raise AllowListFull
        if user is None:
            user = User(name, registered=1_230_768_000 + hash_number(name) % 300_000_000)
            self.users[name.casefold()] = user
        user.allowlisted, user.private = allowlisted, private
        flags = {"allowlisted": allowlisted, "private": private, "registered": user.registered}
        self.store.put("user", "", user.name, flags)
        return user

    def like(self, user: User, item: str, added_at: int | None = None) -> bool:
        """Save an item; False when it was saved already (its date then stays)."""
        if item in user.liked:
            return False
        saved = SavedItem(
            int(self.now()) if added_at is None else added_at, self.next_number(), item
        )
        insort(user.likes, saved)
        user.liked[item] = saved
        self.store.put("like", user.name, item, asdict(saved))
        return True

    def unlike(self, user: User, item: str) -> bool:
        """Remove a saved item; False when it was not there."""
        saved = user.liked.pop(item, None)
        if saved is None:
            return False
        user.likes.remove(saved)
        self.store.drop("like", user.name, item)
        return True

    def love(self, user: User, artist: str, title: str, uts: int | None = None) -> bool:
        """Love a name; False when it was loved already (its date then stays)."""
        key = name_key(artist, title)
        if key in user.loves:
            return False
        page = self.catalogue.pages.get(key)
        artist, title = (page.artist, page.title) if page else (artist, title)
        love = Love(artist, title, int(self.now()) if uts is None else uts, self.next_number())
        user.loves[key] = love
        user.loves_sorted = None
        self.store.put("love", user.name, "\x1f".join(key), asdict(love))
        return True

    def unlove(self, user: User, artist: str, title: str) -> bool:
        """Take a love back; False when there was none."""
        key = name_key(artist, title)
        if user.loves.pop(key, None) is None:
            return False
        user.loves_sorted = None
        self.store.drop("love", user.name, "\x1f".join(key))
        return True

    def scrobble(self, user: User, artist: str, title: str, plays: int, uts: int) -> None:
        """Add plays of a name to a user's library."""
        key = name_key(artist, title)
        known = user.library.get(key)
        row = Scrobbled(artist, title, plays, uts)
        if known is not None:
            last = max(uts, known.last_uts)
            row = Scrobbled(known.artist, known.title, known.playcount + plays, last)
        user.library[key] = row
        user.library_sorted = None
        self.store.put("scrobble", user.name, "\x1f".join(key), asdict(row))

    def count_ghost_listeners(self, artist: str, title: str) -> int:
        """Return how many users loved or scrobbled a name that has no page."""
        key = name_key(artist, title)
        return sum(1 for u in self.users.values() if key in u.loves or key in u.library)

    def find_song(self, item: str) -> Song | None:
        """Return the song of a saved item, None for a lost track or a local file."""
        return self.catalogue.songs.get(item)

    def add_song(self, song: Song) -> None:
        """Add a song of one's own to both catalogues."""
        self.catalogue.add(song)
        self.store.put("song", "", song.track_id, asdict(song))

    def add_page(self, page: Page) -> None:
        """Add a page of one's own to Last.fm."""
        self.catalogue.add_page(page)
        self.store.put("page", "", "\x1f".join(name_key(page.artist, page.title)), asdict(page))

    def add_correction(self, wrong: tuple[str, str], right: tuple[str, str]) -> None:
        """Add a correction of one's own to Last.fm."""
        self.catalogue.add_correction(wrong, right)
        self.store.put("correction", "", "\x1f".join(wrong), {"wrong": wrong, "right": right})

    def invent(self, count: int) -> None:
        """See to it that ``count`` invented songs exist."""
        if count > len(self.catalogue.invented):
            self.catalogue.invent(count)
            self.store.put("meta", "", "invented", {"count": count})

    def clear(self) -> None:
        """Forget all users and what was added to the catalogue."""
        self.users.clear()
        self.catalogue = Catalogue()
        self.clock_offset = 0.0
        self._number = 0
        self.store.drop_all()

    def load(self) -> bool:
        """Read everything from the store; False when it holds no users."""
        for _, key, body in self.store.load("meta"):
            if key == "clock":
                self.clock_offset = body["offset"]
            elif key == "invented":
                self.catalogue.invent(body["count"])
        for _, _, body in self.store.load("song"):
            body["artists"] = tuple(body["artists"])
            self.catalogue.add(Song(**body))
        for _, _, body in self.store.load("page"):
            self.catalogue.add_page(Page(**body))
        for _, _, body in self.store.load("correction"):
            wrong, right = body["wrong"], body["right"]
            self.catalogue.add_correction((wrong[0], wrong[1]), (right[0], right[1]))
        for _, name, body in self.store.load("user"):
            self.users[name.casefold()] = User(name, **body)
        self._load_lists()
        return bool(self.users)

    def _load_lists(self) -> None:
        for owner, _, body in self.store.load("like"):
            saved = SavedItem(**body)
            self.users[owner.casefold()].likes.append(saved)
            self.users[owner.casefold()].liked[saved.item] = saved
            self._number = max(self._number, saved.number)
        for user in self.users.values():
            user.likes.sort()
        for owner, _, body in self.store.load("love"):
            love = Love(**body)
            self.users[owner.casefold()].loves[name_key(love.artist, love.title)] = love
            self._number = max(self._number, love.number)
        for owner, _, body in self.store.load("scrobble"):
            row = Scrobbled(**body)
            self.users[owner.casefold()].library[name_key(row.artist, row.title)] = row

    def fill_user(
        self, user: User, likes: list[SavedItem], loves: list[Love], library: list[Scrobbled]
    ) -> None:
        """Give a user many rows at once, as one transaction."""
        user.likes = sorted([*user.likes, *likes])
        user.liked.update((saved.item, saved) for saved in likes)
        user.loves.update((name_key(row.artist, row.title), row) for row in loves)
        user.library.update((name_key(row.artist, row.title), row) for row in library)
        user.loves_sorted = user.library_sorted = None
        with self.store.transaction():
            self.store.put_many(_rows_of(user.name, likes, loves, library))


def _rows_of(
    owner: str, likes: list[SavedItem], loves: list[Love], library: list[Scrobbled]
) -> Iterator[Row]:
    for saved in likes:
        yield "like", owner, saved.item, asdict(saved)
    for love in loves:
        yield "love", owner, "\x1f".join(name_key(love.artist, love.title)), asdict(love)
    for row in library:
        yield "scrobble", owner, "\x1f".join(name_key(row.artist, row.title)), asdict(row)


def format_time(seconds: float) -> str:
    """Write a time as Spotify does: ``2024-05-01T18:22:10Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
