"""How likely a pair is the same recording, by the rules that speak in its evidence.

``RATES`` is measured: ``python benchmarks/matching_calibration.py FILE... --without
docs/mislabelled.tsv`` prints it from files of labelled pairs. Run it after a change of rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from matching.descriptions import Evidence

# The share that is the same among pairs in whose evidence a rule of this kind decided, for rules
# that were seen too seldom to have a rate of their own.
UNSEEN = {"differs": 0.03, "doubt": 0.7, "agrees": 0.99}

# Doubts that harder pairs taught, too seldom among those of ``RATES`` to be measured there: of the
# pairs that these rules were made for, about as many are the same as not.
OF_HARD_PAIRS = dict.fromkeys(
    (
        "doubt:album-other-section", "doubt:artists-guest-first", "doubt:other-source",
        "doubt:partner-one-side", "doubt:singers-differ", "doubt:title-initials",
        "doubt:version-other-script",
    ),
    0.5,
)  # fmt: skip

RATES: dict[str, float] = {
    "agrees:artists-ensemble": 0.999,
    "agrees:artists-primary": 0.999,
    "agrees:edit-note": 0.999,
    "agrees:guest-one-side": 0.999,
    "agrees:long-subtitle-one-side": 0.999,
    "agrees:plain": 0.999,
    "agrees:single-note": 0.999,
    "agrees:title-respelled": 0.997,
    "agrees:title-romanised": 0.999,
    "agrees:version-by-artist": 0.999,
    "agrees:version-says-more": 0.998,
    "differs:acappella-one-side": 0.004,
    "differs:acoustic-one-side": 0.0,
    "differs:arrangement-one-side": 0.001,
    "differs:artists-other": 0.009,
    "differs:cover-one-side": 0.01,
    "differs:demo-one-side": 0.003,
    "differs:dub-one-side": 0.071,
    "differs:extended-one-side": 0.164,
    "differs:instrumental-one-side": 0.001,
    "differs:language-one-side": 0.004,
    "differs:live-one-side": 0.0,
    "differs:mixed-one-side": 0.003,
    "differs:other-number": 0.048,
    "differs:other-part": 0.001,
    "differs:other-subtitle": 0.082,
    "differs:other-title": 0.041,
    "differs:other-version": 0.007,
    "differs:remix-one-side": 0.0,
    "differs:rerecording-one-side": 0.002,
    "differs:section-one-side": 0.161,
    "differs:session-one-side": 0.009,
    "differs:take-one-side": 0.003,
    "differs:tempo-one-side": 0.001,
    "differs:title-partly-alike": 0.178,
    "differs:vip-one-side": 0.001,
    "doubt:acoustic-album-one-side": 0.88,
    "doubt:artists-by-album": 0.8,
    "doubt:artists-near": 0.976,
    "doubt:artists-second": 0.981,
    "doubt:edit-note": 0.993,
    "doubt:extended-one-side": 0.88,
    "doubt:guest-one-side": 0.96,
    "doubt:guests-differ": 0.612,
    "doubt:length-far": 0.267,
    "doubt:mix-near": 0.74,
    "doubt:named-edit-one-side": 0.9,
    "doubt:named-mix-one-side": 0.945,
    "doubt:other-script": 0.925,
    "doubt:part-1-one-side": 0.967,
    "doubt:remix-album-one-side": 0.9,
    "doubt:subtitle-one-side": 0.868,
    "doubt:subtitles-near": 0.675,
    "doubt:title-longer": 0.97,
    "doubt:title-near": 0.967,
    "doubt:version-near": 0.88,
    "doubt:version-one-side": 0.924,
    "doubt:version-says-more": 0.94,
    "doubt:year-note": 0.675,
}

# Agreement that is less than plain: each has a rate of its own where nothing speaks against.
_WEAKER = frozenset(
    {
        "long-subtitle-one-side", "guest-one-side", "single-note", "edit-note", "artists-primary",
        "artists-contained", "artists-ensemble", "artists-guest-first", "artists-missing",
        "title-romanised", "title-respelled", "version-by-album", "version-by-artist",
        "version-says-more",
    }
)  # fmt: skip


def name_deciding_rules(evidence: Iterable[Evidence]) -> Iterator[str]:
    """Yield ``kind:rule`` of the evidence that decides: the gravest kind that is there.

    Where nothing is grave, the rules of weaker agreement, or ``agrees:plain``.
    """
    items = list(evidence)
    for kind in ("differs", "doubt"):
        rules = sorted({item.rule for item in items if item.kind == kind})
        if rules:
            yield from (f"{kind}:{rule}" for rule in rules)
            return
    rules = sorted({item.rule for item in items if item.rule in _WEAKER})
    yield from (f"agrees:{rule}" for rule in rules or ["plain"])


def estimate(evidence: Iterable[Evidence]) -> float:
    """Return the share (0 to 1) of pairs with such evidence that are the same recording."""
    return min(
        OF_HARD_PAIRS.get(name, RATES.get(name, UNSEEN[name.partition(":")[0]]))
        for name in name_deciding_rules(evidence)
    )
