"""Measure how far apart lengths are, by what the names say.

``python benchmarks/matching_lengths.py FILE...`` takes labelled pairs; with ``--tracks``, tracks of
one service (JSON lines, also gzipped), of which every two that share a blocking key are compared.
Shows how many are within one, five and ten seconds: the limits in ``matching/matcher.py`` and what
is a doubt rest on this.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import TrackDescription, blocking_keys, compare, prepare
from matching.calibration import name_deciding_rules
from matching.evaluation import Pair, read_pairs
from matching.matcher import CLOSE_LENGTH, FAR_LENGTH, SAME_LENGTH

LIMITS = (SAME_LENGTH, CLOSE_LENGTH, FAR_LENGTH)
SHORTEST = 10_000  # less is minutes or seconds under a wrong name
LARGEST_BLOCK = 60
ROWS = 40


def name_group(pair: Pair) -> str:
    """Return the label, and how the names alone compare."""
    a, b = (TrackDescription(track.title, track.artists) for track in (pair.a, pair.b))
    return f"{'same' if pair.same else 'different'}, names {compare(a, b).verdict.value}"


def read_labelled(path: str) -> Iterator[tuple[str, int]]:
    """Yield group and difference in milliseconds of the pairs that have two lengths."""
    for pair in read_pairs(path):
        lengths = (pair.a.duration_ms or 0, pair.b.duration_ms or 0)
        if min(lengths) >= SHORTEST:
            yield name_group(pair), abs(lengths[0] - lengths[1])


def read_tracks(path: str) -> Iterator[tuple[str, int]]:
    """Yield the rules that decided and the difference of every two tracks that share a key."""
    opening = gzip.open if path.endswith(".gz") else open
    with opening(path, "rt", encoding="utf-8") as lines:
        rows = [
            row for line in lines if ((row := json.loads(line))["duration_ms"] or 0) >= SHORTEST
        ]
    tracks = [prepare(TrackDescription(row["title"], tuple(row["artists"]))) for row in rows]
    blocks: dict[str, list[int]] = {}
    for number, track in enumerate(tracks):
        for key in blocking_keys(track):
            blocks.setdefault(key, []).append(number)
    small = (block for block in blocks.values() if len(block) <= LARGEST_BLOCK)
    for a, b in sorted({pair for block in small for pair in combinations(block, 2)}):
        rules = name_deciding_rules(compare(tracks[a], tracks[b]).evidence)
        yield " ".join(rules), abs(rows[a]["duration_ms"] - rows[b]["duration_ms"])


def render(groups: dict[str, list[int]]) -> str:
    """Return a row for each of the largest groups."""
    heads = "".join(f"{f'within {limit // 1000} s':>14}" for limit in LIMITS)
    lines = [f"{'':44}{'pairs':>8}{heads}{'median':>10}"]
    for group, found in sorted(groups.items(), key=lambda item: -len(item[1]))[:ROWS]:
        shares = "".join(f"{sum(d <= limit for d in found) / len(found):14.1%}" for limit in LIMITS)
        median = sorted(found)[len(found) // 2] / 1000
        lines.append(f"{group[:43]:44}{len(found):8}{shares}{median:8.1f} s")
    return "\n".join(lines)


def main() -> None:
    """Print the table of the files named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--tracks", action="store_true", help="the files are of tracks, not pairs")
    options = parser.parse_args()
    groups: dict[str, list[int]] = {}
    for path in options.files:
        for group, apart in (read_tracks if options.tracks else read_labelled)(path):
            groups.setdefault(group, []).append(apart)
    sys.stdout.write(render(groups) + "\n")


if __name__ == "__main__":
    main()
