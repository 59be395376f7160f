"""Measure finding candidates: ``python benchmarks/matching_scale.py LIKES LIBRARY``.

Makes that many likes and library entries out of invented names (a tenth of the library are
spellings of likes), indexes the library, and chooses for each like among its candidates.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import Index, TrackDescription, Verdict, choose, prepare

SYLLABLES = "kalomirantesvolindashimerconfablatornysunrupelgawi"


def invent_name(chance: random.Random) -> str:
    """Return one to three invented words."""
    words = []
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(SYLLABLES) - 8)
        words.append(SYLLABLES[start : start + chance.randint(2, 8)])
    return " ".join(words).title()


def invent_track(chance: random.Random, artists: list[str]) -> TrackDescription:
    """Return a track by one or two of ``artists``."""
    names = chance.sample(artists, 2 if chance.random() < 0.2 else 1)
    return TrackDescription(invent_name(chance), tuple(names))


def respell(track: TrackDescription) -> TrackDescription:
    """Return the track as another service may spell it."""
    return TrackDescription(f"{track.title.upper()} - 2011 Remaster", (" & ".join(track.artists),))


def main() -> None:
    """Print times, comparisons and memory."""
    likes_wanted, library_wanted = int(sys.argv[1]), int(sys.argv[2])
    chance = random.Random(1)
    artists = [invent_name(chance) for _ in range(max(library_wanted // 20, 100))]
    likes = [invent_track(chance, artists) for _ in range(likes_wanted)]
    library = [respell(track) for track in likes[: library_wanted // 10]]
    library += [invent_track(chance, artists) for _ in range(library_wanted - len(library))]
    start = time.perf_counter()
    prepared = [prepare(track) for track in library]
    index: Index[int] = Index()
    for number, entry in enumerate(prepared):
        index.add(number, entry)
    indexed = time.perf_counter()
    compared = matched = 0
    for like in likes:
        wanted = prepare(like)
        candidates = [prepared[number] for number in index.candidates(wanted)]
        compared += len(candidates)
        matched += choose(wanted, candidates).verdict is Verdict.MATCH
    ended = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{likes_wanted} likes against {library_wanted}: indexed in {indexed - start:.1f} s, "
        f"chosen in {ended - indexed:.1f} s, {compared / likes_wanted:.2f} candidates a like, "
        f"{matched} matched, {memory:.0f} MB\n"
    )


if __name__ == "__main__":
    main()
