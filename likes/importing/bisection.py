"""Finding what is gone from a long list with few calls: by bisection over offsets.

The rows that are left keep their order. So where a row that should be at one offset stands at a
smaller one, as many rows are gone before it; a stretch in which nothing shifts has lost nothing and
need not be read. Rows that were liked in one second may be listed in an order that nobody told us:
then only the places where one second ends and the next begins are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise


class Inconclusive(Exception):
    """The list does not look like the known one with rows left out, or a whole reading is cheaper:
    only that tells."""


@dataclass(frozen=True)
class _Cut:
    """Of the rows before ``offset`` in the list each is known with a rank below ``rank``, and of
    those from there on none is."""

    offset: int
    rank: int


def find_missing(
    known: Sequence[tuple[str, Hashable]],
    total: int,
    read: Callable[[int], Sequence[str]],
    page_size: int,
    most_calls: int,
) -> set[str]:
    """Return the keys of ``known`` that a list of ``total`` rows no longer holds.

    ``known`` has keys, each with when it was liked, in the order of the list, as far as that is
    known of rows that were liked at one time; ``read`` returns the keys of the page at an offset.
    One row among 10,000 takes some 8 pages of 50, ten take some 45. Raises Inconclusive when the
    list has rows that are not known, in another order, or when ``most_calls`` would not do.
    """
    gone, pages = len(known) - total, total / page_size
    if gone < 0 or gone * math.log2(pages / max(gone, 1) + 1) > most_calls:
        raise Inconclusive
    read_pages: dict[int, Sequence[str]] = {}

    def read_once(offset: int) -> Sequence[str]:
        if offset not in read_pages:
            if len(read_pages) >= most_calls:
                raise Inconclusive
            read_pages[offset] = read(offset)
        return read_pages[offset]

    keys = [key for key, _ in known]
    one_by_one = [1] * len(known)
    together = [len(list(rows)) for _, rows in groupby(moment for _, moment in known)]
    try:
        return _Search(keys, one_by_one, read_once, page_size).find(total)
    except Inconclusive:
        if len(together) == len(known):
            raise
    return _Search(keys, together, read_once, page_size).find(total)


class _Search:
    """A search in known rows whose order is that of groups, of ``sizes``; within one it is not."""

    def __init__(
        self,
        keys: Sequence[str],
        sizes: Sequence[int],
        read: Callable[[int], Sequence[str]],
        page_size: int,
    ) -> None:
        self._keys, self._read, self._page_size = keys, read, page_size
        self._ranks = {key: rank for rank, key in enumerate(keys)}
        if len(self._ranks) != len(keys):
            raise Inconclusive
        #: Of each rank, where its group begins and ends.
        self._begins: list[int] = []
        self._ends: list[int] = []
        for size in sizes:
            begin = len(self._begins)
            self._begins += [begin] * size
            self._ends += [begin + size] * size

    def find(self, total: int) -> set[str]:
        missing: set[str] = set()
        stretches = [(_Cut(0, 0), _Cut(total, len(self._keys)))]
        while stretches:
            first, last = stretches.pop()
            unread = last.offset - first.offset
            gone = last.rank - first.rank - unread
            if gone < 0:
                raise Inconclusive
            if gone == 0:
                continue
            if unread == 0:
                missing.update(self._keys[first.rank : last.rank])
                continue
            found, cuts = self._read_within(first, last)
            seen = range(cuts[0].rank, cuts[-1].rank)
            missing.update(self._keys[rank] for rank in set(seen) - found)
            stretches += [(first, cuts[0]), (cuts[-1], last)]
        return missing

    def _read_within(self, first: _Cut, last: _Cut) -> tuple[set[int], list[_Cut]]:
        """Read from the middle of a stretch until a cut inside it is found, or all of it.

        Return the ranks that were read, and the cuts.
        """
        start = first.offset + max(0, (last.offset - first.offset - self._page_size) // 2)
        ranks = self._read_ranks(start, last.offset)
        while not (cuts := self._find_cuts(start, ranks, first, last)):
            end = start + len(ranks)
            if end < last.offset:
                ranks += self._read_ranks(end, last.offset)
            else:
                before: list[int] = []
                while first.offset + len(before) < start:
                    before += self._read_ranks(first.offset + len(before), start)
                start, ranks = first.offset, before + ranks
        return set(ranks), cuts

    def _read_ranks(self, start: int, end: int) -> list[int]:
        ranks = [self._ranks.get(key, -1) for key in self._read(start)][: end - start]
        if not ranks or -1 in ranks:
            raise Inconclusive
        return ranks

    def _find_cuts(self, start: int, ranks: Sequence[int], first: _Cut, last: _Cut) -> list[_Cut]:
        """Return the cuts among rows that were read; none where all is of one group.

        A cut at an end of the stretch counts only beside another: alone it is nothing new.
        """
        groups = [self._begins[rank] for rank in ranks]
        in_order = all(a <= b for a, b in pairwise(groups)) and len(set(ranks)) == len(ranks)
        if not in_order or min(ranks) < first.rank or max(ranks) >= last.rank:
            raise Inconclusive
        end = start + len(ranks)
        cuts = [
            _Cut(start + index, begin)
            for index, (before, begin) in enumerate(pairwise(groups), 1)
            if before != begin
        ]
        if start == first.offset:
            cuts.insert(0, first)
        elif self._ends[ranks[0]] - groups[0] == 1:
            cuts.insert(0, _Cut(start, groups[0]))
        if end == last.offset:
            cuts.append(last)
        elif self._ends[ranks[-1]] - groups[-1] == 1:
            cuts.append(_Cut(end, self._ends[ranks[-1]]))
        return cuts if any(cut not in (first, last) for cut in cuts) or len(cuts) > 1 else []
