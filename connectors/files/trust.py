"""An id is trusted only as far as the names agree: one id of several songs is not a track's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from connectors.files.columns import make_key
from connectors.files.values import clean_detail, read_track_id
from connectors.records import LikedTrack

Name = tuple[str, tuple[str, ...]]

#: Notes such as " - 2011 Remaster", "(Live)" and "feat. X" are not part of what is compared.
_NOTE = re.compile(r"\s+-\s.*|[\(\[（].*|\s(?:feat|ft)\.?\s.*", re.I)
_DIGITS = re.compile(r"\d+|\b[ivx]+\b", re.I)
MOST_ALIKE = 0.8
#: A column is dropped as a whole if more than one in so many of its ids is no track's.
ONE_IN = 20
#: Characters of the names of columns that a note shows.
MOST_SHOWN = 120


def drop_doubtful_columns(
    columns: Sequence[int], cells: Sequence[Sequence[str]], names: Sequence[Name]
) -> tuple[int, ...]:
    """The columns of ids without those that hold a list's, an album's or a person's id.

    ``cells`` are the columns' cells, ``names`` the song of each row.
    """
    trusted = []
    for column, texts in zip(columns, cells, strict=True):
        ids = [read_track_id(text) for text in texts]
        doubtful = find_doubtful(zip(ids, names, strict=True))
        count = sum(one in doubtful for one in ids)
        filled = sum(map(bool, ids))
        is_few = len(doubtful) < 2 and 2 * count <= filled
        if is_few or ONE_IN * count <= filled:
            trusted.append(column)
    return tuple(trusted)


def note_dropped(names: Sequence[str]) -> str:
    """Return a note on columns of ids that were dropped; "" where none were."""
    shown = clean_detail(", ".join(dict.fromkeys(filter(None, names))))
    shown = shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}…"
    return f"ids not read, as they stand under different names: {shown}" if shown else ""


def clear_doubtful_ids(items: Sequence[LikedTrack]) -> tuple[tuple[LikedTrack, ...], str]:
    """The items without ids that stand under clearly different names, and a note on it."""
    doubtful = find_doubtful(
        (item.track.service_id, (item.track.title, item.track.artists))
        for item in items
        if item.track
    )
    if not doubtful:
        return tuple(items), ""
    cleared = [
        replace(item, track=replace(item.track, service_id=""))
        if item.track and item.track.service_id in doubtful
        else item
        for item in items
    ]
    count = sum(new is not old for new, old in zip(cleared, items, strict=True))
    return tuple(
        cleared
    ), f"rows read without their Spotify ids, which stand under different names: {count:,}"


def find_doubtful(rows: Iterable[tuple[str, Name]]) -> set[str]:
    """The ids that stand under clearly different names."""
    first: dict[str, Name] = {}
    doubtful = set()
    for track_id, name in rows:
        if not track_id or not name[0] or not any(name[1]):
            continue
        known = first.setdefault(track_id, name)
        if known is not name and track_id not in doubtful and not names_agree(known, name):
            doubtful.add(track_id)
    return doubtful


def names_agree(one: Name, other: Name) -> bool:
    """Whether two names may be of one recording, as a spelling or a note may differ."""
    if one == other:
        return True
    if not _texts_agree(_strip(one[0]), _strip(other[0])):
        return False
    artists, others = ({make_key(name) for name in names} for names in (one[1], other[1]))
    if not artists or not others or artists & others:
        return True
    joined, joined_others = ("".join(map(make_key, names)) for names in (one[1], other[1]))
    return _texts_agree(joined, joined_others)


def _strip(title: str) -> str:
    return _NOTE.sub("", title).strip() or title


def _texts_agree(one: str, other: str) -> bool:
    if _DIGITS.findall(one.casefold()) != _DIGITS.findall(other.casefold()):
        return False
    key, other_key = make_key(one), make_key(other)
    if key == other_key or (key and other_key and (key in other_key or other_key in key)):
        return True
    return SequenceMatcher(None, key, other_key).ratio() >= MOST_ALIKE
