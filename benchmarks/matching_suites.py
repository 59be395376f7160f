"""Hold the matcher against other projects' test suites.

``python benchmarks/matching_suites.py FILE``: a file of JSON lines, each a case with ``kind``
(same, different, normalise, distance), ``field`` (title, artist, version, track), ``input``,
``expected`` and ``tags``. What a suite cleans to one name should match that name, unless it strips
a version ("strips-version"): then it must not. Prints how many agree by kind and field, and each
that does not. Albums and the titles of videos are left out: Narada compares neither.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from matching import TrackDescription, Verdict, compare

LEFT_OUT = ("album", "video-title")
ALIKE = 0.7  # a suite's distance from which on two titles should not be called different


def describe(field: str, value: Any) -> TrackDescription:
    """Return the track that a case's value stands for; what it does not name is the same."""
    if field == "artist":
        return TrackDescription("Some Title", (value or "",))
    if field == "version":
        return TrackDescription(
            f"Some Title ({value})" if value else "Some Title", ("Some Artist",)
        )
    if isinstance(value, dict):
        artists = tuple(value.get("artists") or [value.get("artist") or "Some Artist"])
        title = value["title"] or ""
        if value.get("version"):
            title = f"{title} ({value['version']})"
        return TrackDescription(
            title,
            artists,
            value.get("album") or "",
            value.get("duration_ms"),
            value.get("isrc") or "",
        )
    return TrackDescription(value or "", ("Some Artist",))


def judge(case: dict[str, Any]) -> tuple[bool, str]:
    """Return whether Narada agrees with a case, and what it says."""
    kind, field, given = case["kind"], case["field"], case["input"]
    if "closer" in given:
        closer, farther = (
            compare(*(describe(field, name) for name in given[which]))
            for which in ("closer", "farther")
        )
        text = f"{given['closer']} {closer.score}, {given['farther']} {farther.score}"
        return closer.score >= farther.score, f"{case['id']} {kind}: {text}"
    if kind == "normalise":
        sides = describe(field, given), describe(field, case["expected"])
    else:
        sides = describe(field, given["a"]), describe(field, given["b"])
    comparison = compare(*sides)
    verdict = comparison.verdict
    if kind == "distance" and case["expected"]["op"] != "==":
        wanted = case["expected"]
        high = wanted["op"] == ">=" and wanted["value"] >= ALIKE
        agrees = verdict is not (Verdict.DIFFERENT if high else Verdict.MATCH)
    elif kind == "different" or "strips-version" in case["tags"]:
        agrees = verdict is not Verdict.MATCH
    else:
        agrees = verdict is Verdict.MATCH
    reasons = "; ".join(e.text for e in comparison.evidence if e.kind in ("doubt", "differs"))
    names = " / ".join(f"{side.title} | {', '.join(side.artists)}" for side in sides)
    return agrees, f"{case['id']} {kind}, {verdict}: {names} ({reasons})"


def main() -> None:
    """Print the counts and the cases that do not agree."""
    cases = [
        json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    ]
    seen: Counter[tuple[str, str]] = Counter()
    agreed: Counter[tuple[str, str]] = Counter()
    others = []
    for case in cases:
        if case["field"] in LEFT_OUT:
            continue
        key = (case["kind"], case["field"])
        agrees, text = judge(case)
        seen[key] += 1
        agreed[key] += agrees
        if not agrees:
            others.append(text)
    lines = [
        f"{kind:10} {field:14} {agreed[kind, field]:4} of {n:4}"
        for (kind, field), n in seen.items()
    ]
    sys.stdout.write(
        "\n".join([*lines, f"{agreed.total()} of {seen.total()} agree", *others]) + "\n"
    )


if __name__ == "__main__":
    main()
