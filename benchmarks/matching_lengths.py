"""Measure how far apart lengths are: ``python benchmarks/matching_lengths.py FILE...``.

Of labelled pairs that have both lengths, by what the names say: how many are within one, five and
ten seconds. The limits in ``matching/matcher.py`` rest on this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import TrackDescription, compare
from matching.evaluation import Pair, read_pairs
from matching.matcher import CLOSE_LENGTH, FAR_LENGTH, SAME_LENGTH

LIMITS = (SAME_LENGTH, CLOSE_LENGTH, FAR_LENGTH)
SHORTEST = 10_000  # less is minutes or seconds under a wrong name


def name_group(pair: Pair) -> str:
    """Return the label, and how the names alone compare."""
    a, b = (TrackDescription(track.title, track.artists) for track in (pair.a, pair.b))
    return f"{'same' if pair.same else 'different'}, names {compare(a, b).verdict.value}"


def read_differences(path: str) -> Iterator[tuple[str, int]]:
    """Yield group and difference in milliseconds of the pairs that have two lengths."""
    for pair in read_pairs(path):
        lengths = (pair.a.duration_ms or 0, pair.b.duration_ms or 0)
        if min(lengths) >= SHORTEST:
            yield name_group(pair), abs(lengths[0] - lengths[1])


def main() -> None:
    """Print a row for each group."""
    groups: dict[str, list[int]] = {}
    for path in sys.argv[1:]:
        for group, apart in read_differences(path):
            groups.setdefault(group, []).append(apart)
    heads = "".join(f"{f'within {limit // 1000} s':>14}" for limit in LIMITS)
    lines = [f"{'':28}{'pairs':>8}{heads}{'median':>10}"]
    for group, found in sorted(groups.items(), reverse=True):
        shares = "".join(f"{sum(d <= limit for d in found) / len(found):14.1%}" for limit in LIMITS)
        median = sorted(found)[len(found) // 2] / 1000
        lines.append(f"{group:28}{len(found):8}{shares}{median:8.1f} s")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
