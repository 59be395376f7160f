"""Titles and artists without end for made-up libraries, the same for the same seed."""

from __future__ import annotations

import random


def _split(words: str) -> list[str]:
    return words.split()


NOUNS = _split(
    """
    Anchor Arrow Balcony Beacon Bicycle Blanket Border Bridge Candle Canyon Carousel Chimney
    Circus Compass Corridor Cradle Curtain Desert Diary Elevator Ember Engine Fountain Garage
    Hammer Harvest Hotel Icicle Island Jacket Kettle Ladder Lantern Letter Magnet Meadow
    Mirror Needle Orchard Paper Pendulum Pillow Pocket Quarry Radiator River Saddle Satellite
    Shadow Signal Station Summit Suitcase Tunnel Umbrella Valley Velvet Violin Walnut Window
    Winter
    """
)
_VERBS = _split(
    """
    Burning Calling Chasing Climbing Counting Dancing Drawing Falling Folding Hiding Holding
    Leaving Losing Painting Reading Rising Running Sailing Sleeping Waiting
    """
)
PLACES = (
    "in Lisbon",
    "beyond the Ghosts",
    "at Midnight",
    "by the Sea",
    "under Glass",
    "for Two",
    "without You",
    "on Mars",
    "after Hours",
    "against the Rain",
    "inside",
    "of the North",
)
FIRST_NAMES = _split(
    """
    Agnes Boris Clara Dmitri Elena Felix Greta Hugo Ines Jonas Klara Leon Mira Nils Olga Pavel
    Rosa Sven Thea Viktor
    """
)
LAST_NAMES = _split(
    """
    Abramov Bergström Castellanos Dvořák Eklund Fournier Grünwald Håkansson Ibáñez Jørgensen
    Kovač Lindqvist Müller Novák Østergaard Pereira Quiñones Rönnholm Sørli Tkachenko
    """
)
#: How a romanised name stands on Last.fm, to which it corrects the other.
SCRIPTS = (
    ("Shiina Akari", "椎名あかり"),
    ("Kino Vremya", "Кино Время"),
    ("Yoru no Umi", "夜の海"),
    ("Haru Nakamura", "中村ハル"),
    ("Lee Sora", "이소라"),
    ("Ploshchad Mira", "Площадь Мира"),
    ("Nikos Papas", "Νίκος Παπάς"),
    ("Wang Xiaomei", "王小梅"),
)


class Words:
    """A supply of titles and artists, none of them twice, that follows from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._titles: set[str] = set()
        self._artists = self._make_artists()

    def _make_artists(self) -> list[str]:
        pick = self.chance.choice
        made = {f"{pick(FIRST_NAMES)} {pick(LAST_NAMES)}" for _ in range(90)}
        made |= {f"The {pick(_VERBS)} {pick(NOUNS)}s" for _ in range(50)}
        made |= {f"{pick(NOUNS)} & {pick(NOUNS)}" for _ in range(15)}
        made |= {f"{pick(NOUNS)} {pick(LAST_NAMES)} Trio" for _ in range(15)}
        return sorted(made)

    def artist(self) -> str:
        return self.chance.choice(self._artists)

    def length(self) -> int:
        return self.chance.randrange(130_000, 330_000)

    def title(self) -> str:
        """Return a title that no other song has, also without its signs."""
        pick = self.chance.choice
        while True:
            noun, verb, place = pick(NOUNS), pick(_VERBS), pick(PLACES)
            other = pick(NOUNS)
            title = pick((
                f"{verb} {noun}", f"{noun} {place}", f"I Don't Want the {noun} {place}",
                f"{verb} the {noun} {place}", f"{noun} and the {other}", f"¿{verb} {noun}?",
                f"{noun}, {other}", f"Don’t Call It {noun}", f"{noun}?", f"{verb} {place}",
                f"{noun} of {other}s", f"(I Was) {verb} {place}", f"{verb}...",
                f"No {noun}, No {other}", f"{noun}/{other}", f"{noun}'s {other}!",
                f"{self.chance.randrange(3, 99)} {noun}s",
            ))  # fmt: skip
            bare = "".join(filter(str.isalnum, title.casefold()))
            if bare not in self._titles:
                self._titles.add(bare)
                return title

    def listeners(self) -> int:
        return int(10 ** self.chance.uniform(1.2, 5.5))
