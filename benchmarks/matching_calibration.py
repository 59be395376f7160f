"""Measure the rates of ``matching/calibration.py``, and the matcher by cross-validation.

``python benchmarks/matching_calibration.py FILE... [--without docs/mislabelled.tsv]`` prints the
table to paste there, then for each file, with all fields and with names alone, what the verdicts
are and the calibration error where each fifth of the sources is scored by rates from the others.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import TrackDescription, Verdict, compare
from matching.calibration import OF_HARD_PAIRS, UNSEEN, name_deciding_rules
from matching.evaluation import BINS, read_pairs

FOLDS = 5
SEEN_ENOUGH = 3
MOST = 0.999


class Sample(NamedTuple):
    """A pair compared: ``fold`` of its source, label, verdict, and the rules that decided."""

    fold: int
    same: bool
    verdict: Verdict
    rules: tuple[str, ...]


def read_samples(path: str, *, names_only: bool, without: set[str]) -> Iterator[Sample]:
    """Yield the pairs of a file compared, but for those whose id is in ``without``."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    sources = [json.loads(line).get("source", "") for line in lines if line.strip()]
    for source, pair in zip(sources, read_pairs(path), strict=True):
        if pair.id in without:
            continue
        a, b = pair.a, pair.b
        if names_only:
            a, b = (TrackDescription(track.title, track.artists) for track in (a, b))
        comparison = compare(a, b)
        fold = zlib.crc32(source.encode()) % FOLDS
        rules = tuple(name_deciding_rules(comparison.evidence))
        yield Sample(fold, pair.same, comparison.verdict, rules)


def measure_rates(samples: list[Sample]) -> dict[str, float]:
    """Return the share of the same by deciding rule, drawn a little towards the unseen's rate."""
    seen: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for sample in samples:
        seen.update(sample.rules)
        same.update(sample.rules if sample.same else ())
    return {
        rule: round(min((same[rule] + 2 * UNSEEN[rule.partition(":")[0]]) / (n + 2), MOST), 3)
        for rule, n in sorted(seen.items())
        if n >= SEEN_ENOUGH
    }


def score(sample: Sample, rates: dict[str, float]) -> float:
    """Return the score (0 to 1) that ``rates`` give to the rules of a sample."""
    return min(rates.get(rule, UNSEEN[rule.partition(":")[0]]) for rule in sample.rules)


def cross_validate(samples: list[Sample], all_samples: list[Sample]) -> float:
    """Return the expected calibration error (0 to 1) of rates measured on other sources."""
    bins: list[list[float]] = [[] for _ in range(BINS)]
    for fold in range(FOLDS):
        rates = measure_rates([s for s in all_samples if s.fold != fold])
        for sample in samples:
            if sample.fold == fold:
                value = score(sample, rates)
                bins[min(int(value * BINS), BINS - 1)].append(value - sample.same)
    return sum(abs(sum(inside)) for inside in bins) / len(samples)


def render(samples: list[Sample], all_samples: list[Sample]) -> str:
    """Return the verdicts on the same and on the different, the worst fold's, and the error."""
    figures = []
    for verdict, same in (
        (Verdict.MATCH, True),
        (Verdict.REVIEW, True),
        (Verdict.DIFFERENT, True),
        (Verdict.MATCH, False),
    ):
        share = share_of(samples, verdict, same=same)
        folds = [share_of(samples, verdict, same=same, fold=fold) for fold in range(FOLDS)]
        worst = (min if verdict is Verdict.MATCH and same else max)(folds)
        figures.append(f"{share:7.2%} ({worst:7.2%})")
    return "  ".join([*figures, f"{cross_validate(samples, all_samples):.4f}"])


def share_of(
    samples: list[Sample], verdict: Verdict, *, same: bool, fold: int | None = None
) -> float:
    """Return the share (0 to 1) of a label's samples, of one fold or all, that got ``verdict``."""
    asked = [s for s in samples if s.same is same and fold in (None, s.fold)]
    return sum(s.verdict is verdict for s in asked) / (len(asked) or 1)


def main() -> None:
    """Print the rates and the table of the files named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--without", type=Path, metavar="LIST", help="ids to leave out, one a line")
    options = parser.parse_args()
    rows = options.without.read_text(encoding="utf-8").splitlines() if options.without else []
    without = {row.partition("\t")[0] for row in rows if not row.startswith("#")}
    measured = {
        (path, mode): list(read_samples(path, names_only=names_only, without=without))
        for path in options.files
        for mode, names_only in (("all fields", False), ("names only", True))
    }
    samples = [sample for found in measured.values() for sample in found]
    lines = ["RATES: dict[str, float] = {"]
    rates = measure_rates(samples)
    lines += [f'    "{rule}": {rate},' for rule, rate in rates.items() if rule not in OF_HARD_PAIRS]
    lines += ["}", "", f"{'':36}same: MATCH, REVIEW, DIFFERENT; different: MATCH (worst fold); ECE"]
    for (path, mode), found in measured.items():
        lines.append(f"{Path(path).stem[:22]:24}{mode:12}{render(found, samples)}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
