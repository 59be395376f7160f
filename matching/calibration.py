"""How likely a pair is the same recording, by what speaks against it."""

from __future__ import annotations

from matching.descriptions import Evidence


def estimate(evidence: tuple[Evidence, ...]) -> float:
    """Return the share of pairs with such evidence that are the same recording."""
    count = {kind: sum(e.kind == kind for e in evidence) for kind in ("differs", "doubt")}
    agreed = {e.field for e in evidence if e.kind == "agrees"}
    if count["differs"]:
        return 0.02 if count["differs"] == 1 else 0.01
    if count["doubt"]:
        return 0.5 if count["doubt"] == 1 else 0.2
    return 0.999 if {"duration", "album"} <= agreed or "isrc" in agreed else 0.99
