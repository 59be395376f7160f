"""Measure finding candidates in the database: ``python -m benchmarks.matching_database``.

``[LIKES [TRACKS]]``, by default 10000 and 1000000. Makes a user with that many tracks out of
invented names, and asks for liked tracks in batches of 50, as an import does, which of them are
there already: a tenth are. Asked after a tenth of the tracks is stored and after all of them, so
that it shows what a larger library costs; then the keys of all are made anew, as after a change of
rules, first where none differs and then where all do.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.matching_scale import invent_name, invent_track
from matching import TrackDescription

PAGE = 50
STORED_AT_ONCE = 5_000


def store_tracks(user: Any, tracks: Iterable[TrackDescription]) -> None:
    """Store tracks with their keys."""
    from likes.blocking_keys import list_track_keys
    from likes.models import Track, TrackKey

    waiting = iter(tracks)
    while chunk := list(islice(waiting, STORED_AT_ONCE)):
        rows = Track.objects.bulk_create(
            Track(user=user, title=track.title, artists=list(track.artists)) for track in chunk
        )
        TrackKey.objects.bulk_create(
            TrackKey(track=row, user=user, key=key) for row in rows for key in list_track_keys(row)
        )


def find_all(user: Any, likes: list[TrackDescription]) -> tuple[int, float]:
    """Return how many of ``likes`` are found among the user's tracks, and in how many seconds."""
    from django.utils import timezone

    from connectors.records import LikedTrack, ServiceTrack
    from likes.importing.merging import Candidates
    from likes.models.batches import chunked

    found = 0
    start = time.perf_counter()
    for page in chunked(likes, PAGE):
        tracks = [
            ServiceTrack(service_id=f"x{index}", title=like.title, artists=like.artists)
            for index, like in enumerate(page)
        ]
        items = [LikedTrack(track=track, liked_at=timezone.now()) for track in tracks]
        candidates = Candidates(user, items)
        found += sum(candidates.find(track) is not None for track in tracks)
    return found, time.perf_counter() - start


def renew_all(user: Any) -> float:
    """Return in how many seconds the keys of the tracks are made anew."""
    from likes.models import Checkpoint
    from likes.runs.key_renewal import renew_keys
    from likes.runs.leases import hold_lease

    Checkpoint.objects.filter(user=user).update(keyed_by="")
    start = time.perf_counter()
    with hold_lease(user, Checkpoint.Listing.SAVED) as checkpoint:
        renew_keys(checkpoint, lambda done, total, text: None)
    return time.perf_counter() - start


def main(likes_wanted: int, tracks_wanted: int) -> None:
    """Print seconds and memory for a tenth of the tracks and for all of them."""
    from django.contrib.auth.models import User
    from django.db.models import Value
    from django.db.models.functions import Concat, Left

    from likes.models import TrackKey

    chance = random.Random(1)
    artists = [invent_name(chance) for _ in range(max(tracks_wanted // 20, 100))]
    likes = [invent_track(chance, artists) for _ in range(likes_wanted)]
    user = User.objects.create(username="bench")
    store_tracks(user, likes[: likes_wanted // 10])
    stored = likes_wanted // 10
    for size in (tracks_wanted // 10, tracks_wanted):
        start = time.perf_counter()
        store_tracks(user, (invent_track(chance, artists) for _ in range(size - stored)))
        storing, stored = time.perf_counter() - start, size
        found, seconds = find_all(user, likes)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{likes_wanted} likes against {size} tracks: {found} found in {seconds:.1f} s "
            f"({storing:.0f} s to store them), {memory:.0f} MB"
        )
    same = renew_all(user)
    TrackKey.objects.update(key=Concat(Value("x"), Left("key", 60)))
    print(
        f"keys of {stored} tracks made anew: {same:.1f} s, where all differ {renew_all(user):.1f} s"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as var:
        os.environ["DATABASE_URL"] = f"sqlite:///{var}/narada.sqlite3"
        os.environ |= {"NARADA_VAR": var, "DJANGO_SETTINGS_MODULE": "narada_site.settings"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        sizes = [int(size) for size in sys.argv[1:]]
        main(*(sizes + [10_000, 1_000_000][len(sizes) :]))
