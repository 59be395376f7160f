"""Measure the matcher on files of labelled pairs: ``python benchmarks/matching.py FILE...``.

``--names-only`` hides durations, albums and ids; ``--reviews N`` lists N pairs left to a person;
``--speed`` times ``compare`` on prepared descriptions.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import TrackDescription, Verdict, compare, prepare
from matching.evaluation import Pair, evaluate, read_pairs


def hide_all_but_names(pair: Pair) -> Pair:
    """Return the pair with titles and artists alone, as Last.fm often gives them."""
    a, b = (TrackDescription(track.title, track.artists) for track in (pair.a, pair.b))
    return dataclasses.replace(pair, a=a, b=b)


def list_reviews(pairs: list[Pair], wanted: int) -> list[str]:
    """Return up to ``wanted`` of the same recordings left to a person, commonest reason first."""
    by_reason: dict[str, list[Pair]] = {}
    for pair in pairs:
        comparison = compare(pair.a, pair.b)
        if pair.same and comparison.verdict is not Verdict.MATCH:
            reason = " + ".join(
                e.text.split("'")[-1] if "'" in e.text else e.text
                for e in comparison.evidence
                if e.kind in ("doubt", "differs")
            )
            by_reason.setdefault(reason, []).append(pair)
    lines = []
    for reason, found in Counter({r: len(p) for r, p in by_reason.items()}).most_common():
        lines.append(f"{found:4} {reason}")
        for pair in by_reason[reason][:wanted]:
            lines.append(f"       {pair.a.title} | {'; '.join(pair.a.artists)}")
            lines.append(f"       {pair.b.title} | {'; '.join(pair.b.artists)}")
    return lines


def measure_speed(pairs: list[Pair]) -> str:
    """Return how many prepared pairs ``compare`` does in a second, and how many it prepares."""
    start = time.perf_counter()
    prepared = [(prepare(pair.a), prepare(pair.b)) for pair in pairs]
    preparing = time.perf_counter() - start
    start = time.perf_counter()
    for a, b in prepared:
        compare(a, b)
    comparing = time.perf_counter() - start
    return (
        f"prepared {2 * len(pairs) / preparing:,.0f} a second, "
        f"compared {len(pairs) / comparing:,.0f} pairs a second"
    )


def main() -> None:
    """Print the report of each file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--names-only", action="store_true")
    parser.add_argument("--reviews", type=int, default=0, metavar="N")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    for path in options.files:
        pairs = list(read_pairs(path))
        if options.names_only:
            pairs = [hide_all_but_names(pair) for pair in pairs]
        lines = [f"== {path}", evaluate(pairs).render()]
        if options.reviews:
            lines += list_reviews(pairs, options.reviews)
        if options.speed:
            lines.append(measure_speed(pairs))
        sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
