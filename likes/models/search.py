"""Finding tracks by words, in the pages and in the admin.

A word is looked for as it is typed, without case, accents and punctuation, anywhere in a word of
the title, the artists or the album. Two letters are looked for where a word begins or ends, one as
a word of its own; of Chinese, Japanese and Korean one sign and two are found anywhere.
``likes.models.search_index`` finds all of them by an index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db import connections
from django.db.models import Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.db.models.lookups import Contains

from likes.models import Track
from likes.models.folding import find_forms
from likes.models.search_index import FTS, has_fts

#: Words beyond these narrow nothing down any more.
MOST_WORDS = 8


def split_words(text: str) -> list[str]:
    return text.split()[:MOST_WORDS]


def search_tracks(rows: QuerySet, text: str, track: str = "", user: Any = None) -> QuerySet:
    """Keep the rows whose track has every word in its title, artists or album.

    ``track`` leads from the row to its track, as in ``"track__"``; "" when the rows are tracks.
    ``user`` is the owner of the tracks, where they belong to a single user.
    """
    words = split_words(text)
    if not words:
        return rows
    if not track:
        return find_tracks(rows, words)
    tracks = Track.objects.using(rows.db)
    found = find_tracks(tracks if user is None else tracks.filter(user=user), words)
    return rows.filter(**{f"{track.removesuffix('__')}__in": found.values("pk")})


def find_tracks(tracks: QuerySet, words: list[str]) -> QuerySet:
    """Keep the tracks that have every word."""
    connection = connections[tracks.db]
    if connection.vendor == "sqlite" and has_fts(connection):
        indexed = [forms for forms in map(find_forms, words) if forms]
        if indexed:
            either = (" OR ".join(f'"{form}"' for form in forms) for forms in indexed)
            match = " AND ".join(f"({forms})" for forms in either)
            rows = RawSQL(f"SELECT rowid FROM {FTS} WHERE {FTS} MATCH %s", [match])
            tracks = tracks.filter(pk__in=rows)
            words = [word for word in words if not find_forms(word)]
    return tracks.filter(have_words(words))


def have_words(words: Iterable[str], track: str = "") -> Q:
    """Return the condition that the track to which ``track`` leads has every word."""
    condition = Q()
    for word in words:
        found = Q()
        for form in find_forms(word):
            found |= Q(**{f"{track}search_text__contains": form})
        condition &= found or _find_signs(word, track)
    return condition


def _find_signs(word: str, track: str) -> Q:
    """Find a word of punctuation alone, such as the band "!!!", which folding leaves out."""
    found = Q(**{f"{track}title__contains": word}) | Q(**{f"{track}album__contains": word})
    artists = Cast(f"{track}artists", TextField())
    # A list is kept as JSON text: SQLite writes "é" as an escape, both a quotation mark.
    for spelling in {word, json.dumps(word)[1:-1]}:
        if not set(spelling) & set('[],"') or spelling != word:
            found |= Q(Contains(artists, spelling))
    return found
