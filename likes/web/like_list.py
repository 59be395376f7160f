"""Lists of likes on the pages, whole or searched, in the way that reads the fewest rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from likes.models import Track
from likes.models.batches import count_up_to
from likes.models.search import find_tracks, have_words, split_words
from likes.web.paging import KeysetPage, Search, TooRare, get_page, get_page_of_few

#: Words that more tracks of a user have than these are frequent.
RARE = 300


@dataclass(frozen=True)
class LikeList:
    """The likes of a user on a service that are in some states and meet a condition."""

    user: Any
    likes: QuerySet
    states: list[Any]
    condition: Q

    @property
    def rows(self) -> QuerySet:
        return self.likes.filter(self.condition, state__in=self.states)

    @property
    def lists(self) -> list[QuerySet]:
        """The same rows as lists of one state each, as an index holds them."""
        return [likes.filter(self.condition) for likes in self._by_state]

    @property
    def _by_state(self) -> list[QuerySet]:
        return [self.likes.filter(state=state) for state in self.states]

    def find(self, text: str, mark: str, size: int, most: int) -> tuple[KeysetPage, int, int]:
        """Return a page of the likes whose track has every word, how many there are, and the
        number up to which they were counted.

        Likes with rare words are found by the index. Of those with frequent words it knows too many
        to sort them all, so the list is read in its order until there are enough for a page.
        """
        words = split_words(text)
        if not words:
            return get_page(self.lists, mark, size), count_up_to(self.rows, most), most
        tracks = find_tracks(Track.objects.filter(user=self.user), words).values_list(
            "pk", flat=True
        )
        some = list(tracks[: RARE + 1])
        try:
            if len(some) > RARE:
                search = Search(Track.objects.filter(have_words(words)), self.condition)
                page = get_page(self._by_state, mark, size, search)
                is_whole = page.is_first and not page.next_mark
                return page, len(page.rows) if is_whole else size + 1, size
        except TooRare:
            pass
        found = self.rows.filter(track__in=some if len(some) <= RARE else tracks)
        page = get_page_of_few(found, mark, size)
        is_whole = page.is_first and not page.next_mark
        return page, len(page.rows) if is_whole else count_up_to(found, most), most
