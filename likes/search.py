"""Finding tracks by words, in the pages and in the admin."""

from __future__ import annotations

import json
from functools import reduce
from operator import and_, or_

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

#: Words beyond these narrow nothing down any more.
MOST_WORDS = 8


def search_tracks(rows: QuerySet, text: str, track: str = "") -> QuerySet:
    """Keep the rows whose track has every word in its title, artists or album.

    ``track`` leads from the row to its track, as in ``"track__"``; "" when the rows are tracks.
    """
    words = text.split()[:MOST_WORDS]
    if not words:
        return rows
    rows = rows.alias(artists_text=Cast(f"{track}artists", TextField()))
    return rows.filter(reduce(and_, (_find_word(word, track) for word in words)))


def _find_word(word: str, track: str) -> Q:
    found = []
    for spelling in _spell(word):
        found += [
            Q(**{f"{track}title__icontains": spelling}),
            Q(**{f"{track}album__icontains": spelling}),
            Q(artists_text__icontains=spelling),
            # SQLite keeps a list as JSON text, with "é" written as an escape.
            Q(artists_text__icontains=json.dumps(spelling)[1:-1]),
        ]
    return reduce(or_, found)


def _spell(word: str) -> set[str]:
    """Return the spellings to look for: SQLite's LIKE knows case in ASCII only."""
    if word.isascii():
        return {word}
    return {word, word.lower(), word.upper(), word.capitalize()}
