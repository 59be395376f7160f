"""Measure the rates of ``matching/calibration.py`` on files of labelled pairs.

``python benchmarks/matching_calibration.py FILE...`` prints the table to paste there, and the
calibration error by cross-validation: each fifth of the sources scored by rates from the others.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import TrackDescription, compare
from matching.calibration import UNSEEN, name_deciding_rules
from matching.evaluation import read_pairs

FOLDS = 5
SEEN_ENOUGH = 5
BINS = 10

Sample = tuple[int, bool, tuple[str, ...]]  # fold of the source, label, deciding rules


def read_samples(path: str) -> list[Sample]:
    """Return what each pair shows with all its fields, and again with names alone."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    sources = [json.loads(line).get("source", "") for line in lines if line.strip()]
    samples: list[Sample] = []
    for source, pair in zip(sources, read_pairs(path), strict=True):
        fold = zlib.crc32(source.encode()) % FOLDS
        bare = [TrackDescription(track.title, track.artists) for track in (pair.a, pair.b)]
        for a, b in ((pair.a, pair.b), bare):
            rules = tuple(name_deciding_rules(compare(a, b).evidence))
            samples.append((fold, pair.same, rules))
    return samples


def measure_rates(samples: list[Sample]) -> dict[str, float]:
    """Return the share of the same by deciding rule, drawn a little towards the unseen's rate."""
    seen: Counter[str] = Counter()
    same: Counter[str] = Counter()
    for _, is_same, rules in samples:
        for rule in rules:
            seen[rule] += 1
            same[rule] += is_same
    return {
        rule: round(min((same[rule] + 2 * UNSEEN[rule.partition(":")[0]]) / (n + 2), 0.999), 3)
        for rule, n in sorted(seen.items())
        if n >= SEEN_ENOUGH
    }


def cross_validate(samples: list[Sample]) -> float:
    """Return the expected calibration error (0 to 1) of rates measured on other sources."""
    scored: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        rates = measure_rates([s for s in samples if s[0] != fold])
        for its_fold, is_same, rules in samples:
            if its_fold == fold:
                score = min(rates.get(r, UNSEEN[r.partition(":")[0]]) for r in rules)
                scored.append((score, is_same))
    error = 0.0
    for index in range(BINS):
        inside = [(s, same) for s, same in scored if min(int(s * BINS), BINS - 1) == index]
        error += abs(sum(s for s, _ in inside) - sum(same for _, same in inside))
    return error / len(scored)


def main() -> None:
    """Print the rates and the cross-validated calibration error of the files named."""
    samples = [sample for path in sys.argv[1:] for sample in read_samples(path)]
    lines = ["RATES: dict[str, float] = {"]
    lines += [f'    "{rule}": {rate},' for rule, rate in measure_rates(samples).items()]
    lines += ["}", f"# calibration error over sources: {cross_validate(samples):.4f}"]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
