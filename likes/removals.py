"""Finding what is gone from a long list with few calls: by bisection over offsets.

The rows that are left keep their order. So where a row that should be at one offset stands at a
smaller one, as many rows are gone before it; a stretch in which nothing shifts has lost nothing and
need not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise


class Inconclusive(Exception):
    """The list does not look like the known one with rows left out: only a whole reading tells."""


@dataclass(frozen=True)
class _Stretch:
    """What lies strictly between two rows whose offset in the list and rank among the known ones
    are settled. Before the first row both are -1."""

    from_offset: int
    from_rank: int
    to_offset: int
    to_rank: int

    @property
    def unread(self) -> int:
        return self.to_offset - self.from_offset - 1

    @property
    def gone(self) -> int:
        return (self.to_rank - self.from_rank - 1) - self.unread


def find_missing(
    known: Sequence[str],
    total: int,
    read: Callable[[int], Sequence[str]],
    page_size: int,
    most_calls: int,
) -> set[str]:
    """Return the keys of ``known`` that a list of ``total`` rows no longer holds.

    ``known`` is in the order of the list; ``read`` returns the keys of the page at an offset. One
    row among 10,000 takes some 8 pages of 50, ten take some 45. Raises Inconclusive when the list
    has rows that are not known, in another order, or when ``most_calls`` would not do.
    """
    ranks = {key: rank for rank, key in enumerate(known)}
    if len(ranks) != len(known) or total > len(known):
        raise Inconclusive
    missing: set[str] = set()
    stretches = [_Stretch(-1, -1, total, len(known))]
    calls = 0
    while stretches:
        stretch = stretches.pop()
        if stretch.gone < 0:
            raise Inconclusive
        if stretch.gone == 0:
            continue
        if stretch.unread == 0:
            missing.update(known[stretch.from_rank + 1 : stretch.to_rank])
            continue
        calls += 1
        if calls > most_calls:
            raise Inconclusive
        start = stretch.from_offset + 1 + max(0, (stretch.unread - page_size) // 2)
        found = [ranks.get(key, -1) for key in read(start)]
        found = found[: stretch.to_offset - start]
        if not found or any(a >= b for a, b in pairwise([stretch.from_rank, *found])):
            raise Inconclusive
        end = start + len(found) - 1
        missing.update(known[rank] for rank in _skipped(found))
        stretches.append(_Stretch(stretch.from_offset, stretch.from_rank, start, found[0]))
        stretches.append(_Stretch(end, found[-1], stretch.to_offset, stretch.to_rank))
    return missing


def _skipped(ranks: Sequence[int]) -> set[int]:
    """Return the ranks between the first and the last that are not among them."""
    return set(range(ranks[0], ranks[-1] + 1)) - set(ranks)
