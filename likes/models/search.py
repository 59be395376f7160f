"""Finding tracks by words, in the pages and in the admin.

A word is looked for as it is typed, without case, accents and punctuation, anywhere in a word of
the title, the artists or the album. ``likes.models.search_index`` finds three signs and more of it
by an index, and of Chinese, Japanese and Korean one and two.
"""

from __future__ import annotations

import json
from functools import reduce
from operator import and_
from typing import Any

from django.db import connections
from django.db.models import Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast

from likes.models import Track
from likes.models.folding import fold, is_without_blanks, write_piece
from likes.models.search_index import FTS, has_fts

#: Words beyond these narrow nothing down any more.
MOST_WORDS = 8
#: An index of trigrams knows nothing shorter.
TRIGRAM = 3


def search_tracks(rows: QuerySet, text: str, track: str = "", user: Any = None) -> QuerySet:
    """Keep the rows whose track has every word in its title, artists or album.

    ``track`` leads from the row to its track, as in ``"track__"``; "" when the rows are tracks.
    ``user`` is whose tracks they are, where they are one user's.
    """
    words = text.split()[:MOST_WORDS]
    if not words:
        return rows
    if not track:
        return _find(rows, words)
    tracks = Track.objects.using(rows.db)
    found = _find(tracks if user is None else tracks.filter(user=user), words)
    return rows.filter(**{f"{track.removesuffix('__')}__in": found.values("pk")})


def _find(tracks: QuerySet, words: list[str]) -> QuerySet:
    folded = [fold(word) for word in words]
    patterns = [
        write_piece(word) if len(word) < TRIGRAM and is_without_blanks(word) else word
        for word in folded
        if word
    ]
    connection = connections[tracks.db]
    by_index = [word for word in patterns if len(word) >= TRIGRAM]
    if by_index and connection.vendor == "sqlite" and has_fts(connection):
        match = " AND ".join(f'"{word}"' for word in by_index)
        tracks = tracks.filter(
            pk__in=RawSQL(f"SELECT rowid FROM {FTS} WHERE {FTS} MATCH %s", [match])
        )
        patterns = [word for word in patterns if len(word) < TRIGRAM]
    for word in patterns:
        tracks = tracks.filter(search_text__contains=word)
    signs = [word for word, letters in zip(words, folded, strict=True) if not letters]
    if signs:
        tracks = tracks.alias(artists_text=Cast("artists", TextField()))
        tracks = tracks.filter(reduce(and_, map(_find_signs, signs)))
    return tracks


def _find_signs(word: str) -> Q:
    """Find a word of punctuation alone, such as the band "!!!", which folding leaves out."""
    found = Q(title__contains=word) | Q(album__contains=word)
    # A list is kept as JSON text: SQLite writes "é" as an escape, both a quotation mark.
    for spelling in {word, json.dumps(word)[1:-1]}:
        if not set(spelling) & set('[],"') or spelling != word:
            found |= Q(artists_text__contains=spelling)
    return found
