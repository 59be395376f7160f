"""Users with likes, scrobbles and loves, made from a seed: the same seed, the same people."""

from __future__ import annotations

import random
from dataclasses import dataclass

from narada_sandbox.world.state import Love, SavedItem, Scrobbled, State, User

LOST = "null:"
LOCAL_FILE = "spotify:local:The+Basement+Tapes+Band:Rehearsals+2009:Untitled+Jam+%2F+Take+3:187"
MOST_LIKES = 200_000
_DAY = 86_400
_YEARS = 9 * 365 * _DAY


@dataclass(frozen=True, slots=True)
class Taste:
    """What a user is given. ``awkward`` False leaves plain invented songs only: every one has an
    ISRC, a page on Last.fm under Spotify's own name, and its own artist and title."""

    likes: int = 200
    scrobble_share: float = 0.93
    loved_share: float = 0.1
    awkward: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.likes <= MOST_LIKES:
            raise ValueError(f"likes must be from 0 to {MOST_LIKES}")
        if not (0 <= self.scrobble_share <= 1 and 0 <= self.loved_share <= 1):
            raise ValueError("shares must be from 0 to 1")


def furnish(state: State, user: User, taste: Taste) -> None:
    """Give a user likes, a scrobbled library and loves by their taste."""
    chance = random.Random(f"{taste.seed}:{user.name}")
    items = choose_items(state, taste, chance)
    chance.shuffle(items)
    dates = spread_dates(len(items), int(state.now()), chance)
    likes = [
        SavedItem(date, state.next_number(), item) for date, item in zip(dates, items, strict=True)
    ]
    library, loves = make_history(state, likes, taste, chance)
    state.fill_user(user, likes, loves, library)


def choose_items(state: State, taste: Taste, chance: random.Random) -> list[str]:
    """Choose what a user likes: a lost track, a local file, the real songs, then inventions."""
    items: list[str] = []
    if taste.awkward:
        curated = list(state.catalogue.curated)
        if taste.likes < len(curated) + 2:
            chance.shuffle(curated)
        items = [LOST + "1", LOCAL_FILE][: taste.likes // 20] + curated
        items = items[: taste.likes]
    missing = taste.likes - len(items)
    state.invent(missing + missing // 2)
    invented = state.catalogue.invented[: max(200, missing * 3)]
    if not taste.awkward:
        invented = choose_plain(state, missing)
    return items + chance.sample(invented, missing) if missing else items


def choose_plain(state: State, count: int) -> list[str]:
    """Return at least ``count`` invented songs without any oddity."""
    songs = state.catalogue.songs
    while True:
        plain = [
            item
            for item in state.catalogue.invented
            if songs[item].relation == "same" and songs[item].isrc and len(songs[item].artists) == 1
        ]
        if len(plain) >= count:
            return plain
        state.invent(len(state.catalogue.invented) + count - len(plain) + 50)


def spread_dates(count: int, now: int, chance: random.Random) -> list[int]:
    """Return dates of likes, oldest first, over nine years; now and then many in one second, as
    when a playlist or a whole album was liked at once."""
    dates: list[int] = []
    while len(dates) < count:
        date = now - _DAY - int(chance.random() * _YEARS)
        dates.extend([date] * (chance.randint(5, 30) if chance.random() < 0.02 else 1))
    return sorted(dates[:count])


def make_history(
    state: State, likes: list[SavedItem], taste: Taste, chance: random.Random
) -> tuple[list[Scrobbled], list[Love]]:
    """Return the scrobbles and loves that go with some likes, under Last.fm's names, and as many
    other scrobbles as a fifth of the likes."""
    library, loves = [], []
    now = int(state.now())
    for saved in likes:
        song = state.find_song(saved.item)
        if song is None:
            continue
        artist, title = song.scrobbled_name
        last = chance.randint(saved.added_at, now)
        if chance.random() < taste.scrobble_share:
            library.append(Scrobbled(artist, title, chance.randint(1, 120), last))
        if chance.random() < taste.loved_share:
            loves.append(Love(artist, title, min(now, saved.added_at + 60), state.next_number()))
    liked = {saved.item for saved in likes}
    others = [item for item in state.catalogue.invented if item not in liked]
    for item in others[: len(likes) // 5]:
        artist, title = state.catalogue.songs[item].scrobbled_name
        when = chance.randint(now - _YEARS, now)
        library.append(Scrobbled(artist, title, chance.randint(1, 20), when))
    return library, loves


def populate(state: State, taste: Taste) -> None:
    """Make the usual people: alice and bob with all the likes, carol with some, and mallory, whom
    the app's allow-list does not have."""
    few = Taste(
        min(50, taste.likes), taste.scrobble_share, taste.loved_share, taste.awkward, taste.seed
    )
    for name, own, listed in (
        ("alice", taste, True),
        ("bob", taste, True),
        ("carol", few, True),
        ("mallory", few, False),
    ):
        furnish(state, state.add_user(name, allowlisted=listed), own)
