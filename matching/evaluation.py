"""Measures the matcher on a file of labelled pairs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matching.calibration import name_deciding_rules
from matching.descriptions import Comparison, TrackDescription, Verdict
from matching.matcher import compare
from matching.reading.normalize import clean

WORST_SHOWN = 20
BINS = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """Two descriptions and whether a person or a shared id says they are one recording.

    ``kind`` is how the pair came about, for the table by kind.
    """

    a: TrackDescription
    b: TrackDescription
    same: bool
    kind: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A pair judged against its label."""

    pair: Pair
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of verdicts by (kind, same, verdict) and of what decided by (rule, same), a
    reliability table and the worst mistakes.

    ``reliability`` has (pairs, mean score, share that are the same) for each tenth of the score.
    """

    counts: Counter[tuple[str, bool, Verdict]]
    rules: Counter[tuple[str, bool]]
    reliability: tuple[tuple[int, float, float], ...]
    mistakes: tuple[Mistake, ...] = field(default=())

    def share(self, verdict: Verdict, *, same: bool, kind: str | None = None) -> float:
        """Return the share (0 to 1) of pairs with label ``same`` that got ``verdict``."""
        total = self._count(same=same, kind=kind)
        return self._count(verdict, same=same, kind=kind) / total if total else 0.0

    @property
    def precision(self) -> float:
        """The share of MATCH verdicts that are right; 1.0 where there is no MATCH."""
        right = self._count(Verdict.MATCH, same=True)
        wrong = self._count(Verdict.MATCH, same=False)
        return right / (right + wrong) if right + wrong else 1.0

    @property
    def review_rate(self) -> float:
        """The share of all pairs that are left to a person."""
        total = self.counts.total()
        reviews = sum(n for (_, _, verdict), n in self.counts.items() if verdict is Verdict.REVIEW)
        return reviews / total if total else 0.0

    @property
    def calibration_error(self) -> float:
        """Expected calibration error (0 to 1) over ten bins of the score."""
        total = sum(n for n, _, _ in self.reliability)
        return sum(n * abs(mean - share) for n, mean, share in self.reliability) / (total or 1)

    def _count(self, verdict: Verdict | None = None, *, same: bool, kind: str | None = None) -> int:
        return sum(
            n
            for (its_kind, its_same, its_verdict), n in self.counts.items()
            if its_same is same
            and (verdict is None or its_verdict is verdict)
            and (kind is None or its_kind == kind)
        )

    def as_json(self) -> dict[str, object]:
        """Return all figures as a JSON object."""
        return {
            "pairs": self.counts.total(),
            "same": self._count(same=True),
            "different": self._count(same=False),
            "precision": round(self.precision, 5),
            "recall": round(self.share(Verdict.MATCH, same=True), 5),
            "wrong_matches": round(self.share(Verdict.MATCH, same=False), 5),
            "missed": round(self.share(Verdict.DIFFERENT, same=True), 5),
            "review_rate": round(self.review_rate, 5),
            "calibration_error": round(self.calibration_error, 5),
            "by_kind": [
                {"kind": kind, "same": same, **{v.value: row[v] for v in Verdict}}
                for (kind, same), row in self._rows()
            ],
            "by_rule": [
                {"rule": rule, "same": same, "different": different}
                for rule, same, different in self._rule_rows()
            ],
            "reliability": [
                {"pairs": n, "mean_score": round(mean, 4), "same": round(share, 4)}
                for n, mean, share in self.reliability
            ],
            "mistakes": [_mistake_as_json(mistake) for mistake in self.mistakes],
        }

    def render(self) -> str:
        """Return the report as plain text, a few lines of figures and the worst mistakes."""
        return "\n".join([*self._render_figures(), *self._render_tables(), *self._render_worst()])

    def _rows(self) -> list[tuple[tuple[str, bool], Counter[Verdict]]]:
        rows: dict[tuple[str, bool], Counter[Verdict]] = {}
        for (kind, same, verdict), n in self.counts.items():
            rows.setdefault((kind, same), Counter())[verdict] += n
        return sorted(rows.items(), key=lambda row: (not row[0][1], row[0][0]))

    def _rule_rows(self) -> list[tuple[str, int, int]]:
        """Return (rule, same, different), the commonest first."""
        names = sorted({rule for rule, _ in self.rules})
        rows = [(rule, self.rules[rule, True], self.rules[rule, False]) for rule in names]
        return sorted(rows, key=lambda row: -row[1] - row[2])

    def _render_figures(self) -> Iterator[str]:
        same, different = self._count(same=True), self._count(same=False)
        yield f"{self.counts.total()} pairs: {same} same, {different} different"
        yield f"precision            {self.precision:8.2%}   of those called MATCH are the same"
        yield f"recall               {self.share(Verdict.MATCH, same=True):8.2%}   of the same"
        wrong, missed = (
            self.share(Verdict.MATCH, same=False),
            self.share(Verdict.DIFFERENT, same=True),
        )
        yield f"wrong matches        {wrong:8.2%}   of the different are called MATCH"
        yield f"missed               {missed:8.2%}   of the same are called DIFFERENT"
        yield f"left to a person     {self.review_rate:8.2%}   of all"
        yield f"calibration error    {self.calibration_error:8.4f}"

    def _render_tables(self) -> Iterator[str]:
        yield ""
        yield f"{'kind':34}{'label':>10}{'match':>8}{'review':>8}{'different':>11}"
        for (kind, same), row in self._rows():
            label = "same" if same else "different"
            figures = "".join(
                f"{row[v]:>{width}}" for v, width in zip(Verdict, (8, 8, 11), strict=True)
            )
            yield f"{(kind or '-')[:33]:34}{label:>10}{figures}"
        yield ""
        yield f"{'what decided':34}{'same':>10}{'different':>11}"
        for rule, alike, unlike in self._rule_rows():
            yield f"{rule[:33]:34}{alike:>10}{unlike:>11}"
        yield ""
        yield f"{'score':14}{'pairs':>8}{'mean':>8}{'same':>8}"
        for index, (n, mean, share) in enumerate(self.reliability):
            if n:
                low, high = index / BINS, (index + 1) / BINS
                yield f"{low:.1f} to {high:.1f}    {n:>8}{mean:>8.3f}{share:>8.3f}"

    def _render_worst(self) -> Iterator[str]:
        for mistake in self.mistakes[:WORST_SHOWN]:
            pair, comparison = mistake.pair, mistake.comparison
            yield ""
            label = "the same" if pair.same else "different"
            name = f"{pair.id}: " if pair.id else ""
            yield f"{name}{label}, called {comparison.verdict.upper()} ({comparison.score:.3f})"
            yield f"  {_render_track(pair.a)}"
            yield f"  {_render_track(pair.b)}"
            yield from (f"    {e.kind:8} {e.field}: {e.text}" for e in comparison.evidence)


def evaluate(pairs: Iterable[Pair]) -> Report:
    """Return how the matcher does on ``pairs``.

    Mistakes are those acted on wrongly: different recordings called MATCH first, then the same
    called DIFFERENT, each by how sure the matcher was.
    """
    counts: Counter[tuple[str, bool, Verdict]] = Counter()
    rules: Counter[tuple[str, bool]] = Counter()
    scores: list[tuple[float, bool]] = []
    mistakes: list[Mistake] = []
    for pair in pairs:
        comparison = compare(pair.a, pair.b)
        counts[pair.kind, pair.same, comparison.verdict] += 1
        rules.update((rule, pair.same) for rule in name_deciding_rules(comparison.evidence))
        scores.append((comparison.score, pair.same))
        if comparison.verdict is (Verdict.DIFFERENT if pair.same else Verdict.MATCH):
            mistakes.append(Mistake(pair, comparison))
    mistakes.sort(key=lambda m: (m.pair.same, m.comparison.score * (1 if m.pair.same else -1)))
    return Report(counts, rules, tuple(_measure_reliability(scores)), tuple(mistakes))


def _measure_reliability(scores: list[tuple[float, bool]]) -> Iterator[tuple[int, float, float]]:
    for index in range(BINS):
        inside = [(s, same) for s, same in scores if min(int(s * BINS), BINS - 1) == index]
        n = len(inside)
        mean = sum(s for s, _ in inside) / n if n else 0.0
        yield n, mean, sum(same for _, same in inside) / n if n else 0.0


def read_pairs(path: Path | str) -> Iterator[Pair]:
    """Yield the labelled pairs of a file with one JSON object a line.

    Each has ``same`` (true or false) and ``a`` and ``b`` with ``title``, ``artists`` (a list of
    names) and, where known, ``album``, ``duration_ms``, ``isrc``, ``mbid``; ``cls``, or else
    ``basis`` and ``diff`` (a list of what differs), says what kind of pair it is. Where ``basis``
    is ``isrc`` the label rests on the shared ISRC, so the second one is hidden. Raises ValueError
    naming the first line that is none of this.
    """
    try:
        with open(path, encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read_pair(line, f"{path}, line {number}")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text") from error


def _read_pair(line: str, place: str) -> Pair:
    try:
        row = json.loads(line)
    except ValueError as error:  # also a number of too many digits
        raise ValueError(f"{place}: not JSON ({error})") from error
    except RecursionError as error:
        raise ValueError(f"{place}: nested too deeply") from error
    if not isinstance(row, dict):
        raise ValueError(f"{place}: not a JSON object")
    if not isinstance(row.get("same"), bool):
        raise ValueError(f"{place}: 'same' must be true or false")
    basis, cls = row.get("basis"), row.get("cls")
    kind = str(cls or basis or "")
    if not cls and isinstance(row.get("diff"), list):
        kind = f"{kind}: {', '.join(map(str, row['diff']))}"
    return Pair(
        a=_read_track(row.get("a"), f"{place}: 'a'"),
        b=_read_track(row.get("b"), f"{place}: 'b'", hide_isrc=basis == "isrc"),
        same=row["same"],
        kind=clean(kind),
        id=clean(str(row.get("id") or "")),
    )


def _read_track(track: Any, place: str, *, hide_isrc: bool = False) -> TrackDescription:
    if not isinstance(track, dict):
        raise ValueError(f"{place} must be an object")
    title, artists = track.get("title"), track.get("artists")
    if not isinstance(title, str):
        raise ValueError(f"{place} has no 'title'")
    if not isinstance(artists, list) or not all(isinstance(name, str) for name in artists):
        raise ValueError(f"{place} has no list of names in 'artists'")
    return TrackDescription(
        title=title,
        artists=tuple(artists),
        album=_read_text(track, "album", place),
        duration_ms=_read_duration(track, place),
        isrc="" if hide_isrc else _read_text(track, "isrc", place),
        mbid=_read_text(track, "mbid", place),
    )


def _read_duration(track: dict[str, Any], place: str) -> int | None:
    value = track.get("duration_ms")
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # an integer that no float holds
            if math.isfinite(value):
                return int(value)
    raise ValueError(f"{place}: 'duration_ms' must be a number")


def _read_text(track: dict[str, Any], name: str, place: str) -> str:
    value = track.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{place}: '{name}' must be text")
    return value or ""


def _render_track(track: TrackDescription) -> str:
    length = f", {track.duration_ms / 1000:.0f} s" if track.duration_ms else ""
    album = f" [{track.album}]" if track.album else ""
    return clean(f"{'; '.join(track.artists)}: {track.title}{album}{length}")


def _mistake_as_json(mistake: Mistake) -> dict[str, object]:
    pair = mistake.pair
    return {
        "id": pair.id,
        "same": pair.same,
        "a": _render_track(pair.a),
        "b": _render_track(pair.b),
        **mistake.comparison.as_json(),
    }
