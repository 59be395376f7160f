"""What tells the rows of a listing from each other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from django.contrib.auth.models import User

from connectors.records import LikedPage, LikedTrack
from likes.models import Service, ServiceMapping


def item_key(item: LikedTrack) -> str:
    """Return what tells this row of a listing from all others: its id, or else what it says."""
    if item.track and item.track.service_id:
        return item.track.service_id
    repeat = (str(item.repeat),) if item.repeat else ()
    if item.track:
        return _hash("name", item.track.title, item.track.album, *item.track.artists, *repeat)
    return _hash("none", item.label, _iso(item.liked_at), *repeat)


def _hash(*parts: str) -> str:
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{parts[0]}:{digest[:48]}"


def _iso(time: datetime | None) -> str:
    return time.isoformat() if time else ""


def count_repeats(user: User, reading: int) -> Counter[str]:
    """Count the rows without an id that this reading has seen, as ``number_repeats`` does."""
    seen = (
        ServiceMapping.objects.of(user)
        .on(Service.SPOTIFY)
        .filter(listed=True, service_id="", seen=reading)
    )
    return Counter(
        _hash("none", row.title, _iso(row.liked_at))
        if row.key.startswith("none:")
        else _hash("name", row.title, row.album, *row.artists)
        for row in seen
    )


def number_repeats(items: Iterable[LikedTrack], counted: Counter[str]) -> Iterator[LikedTrack]:
    """Yield the rows of a service's list, told apart where they have no id and say the same.

    Each of them counts in the total. ``counted`` goes on from page to page of a reading.
    """
    for item in items:
        if item.track is None or not item.track.service_id:
            key = item_key(item)
            item, counted[key] = replace(item, repeat=counted[key]), counted[key] + 1
        yield item


def list_keys(page: LikedPage) -> list[str]:
    return [item_key(item) for item in page.items]
