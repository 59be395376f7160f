"""What goes into the matcher and what comes out, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """MATCH is acted on without asking, REVIEW is for a person, DIFFERENT is left alone."""

    MATCH = "match"
    REVIEW = "review"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class TrackDescription:
    """A track as somebody describes it; every field but the title may be missing.

    ``artists`` is the credit in order, one name each where the service gives a list, or one
    joined string where it does not. ``duration_ms`` is in milliseconds. ``whole_credit`` is False
    where the artists may be the first of several, as in Spotify's account data.
    """

    title: str
    artists: tuple[str, ...]
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    mbid: str = ""
    whole_credit: bool = True


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation: about which ``field``, of which ``kind``, as a sentence.

    Kinds: ``agrees``, ``note`` (counts for nothing), ``doubt`` (a person should look) and
    ``differs`` (alone enough to keep two tracks apart). ``rule`` is a stable name of what was
    observed ("subtitle-one-side"), by which review cases of one pattern can be grouped.
    """

    field: str
    kind: str
    text: str
    rule: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the evidence as a JSON object."""
        return {"field": self.field, "kind": self.kind, "text": self.text, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer for two descriptions; ``score`` (0 to 1) is the share of such pairs that are
    the same recording in the labelled pairs it was calibrated on."""

    verdict: Verdict
    score: float
    evidence: tuple[Evidence, ...]

    def as_json(self) -> dict[str, object]:
        """Return the comparison as a JSON object."""
        return {
            "verdict": self.verdict.value,
            "score": self.score,
            "evidence": [item.as_json() for item in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """Which candidate to take: ``best`` is its index, or None when there is none worth showing.

    With REVIEW, ``best`` is the likeliest one. ``comparisons`` are in the candidates' order.
    """

    verdict: Verdict
    best: int | None
    comparisons: tuple[Comparison, ...]
    reason: str

    def as_json(self) -> dict[str, object]:
        """Return the choice as a JSON object."""
        return {
            "verdict": self.verdict.value,
            "best": self.best,
            "reason": self.reason,
            "comparisons": [item.as_json() for item in self.comparisons],
        }
