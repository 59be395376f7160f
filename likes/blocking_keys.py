"""The keys that are stored beside tracks and listed pages, by which they find each other.

What is stored was made by the rules of its day: ``likes.runs.key_renewal`` makes it anew where the
``fingerprint`` is another one now.
"""

from __future__ import annotations

import hashlib

from connectors.records import ServiceTrack
from likes.models import ListedTrack, ServiceMapping, Track
from matching import TrackDescription, blocking_keys, hash_names, name_key, simplify_titles

#: The number of the rules that make keys, here and in ``matching``. Raise it when any track or
#: listed page may get another key: each user's next sync then makes all keys again.
#: tests/likes/test_blocking_keys.py compares some 200 keys and fails if they change without it.
KEYS_VERSION = 4


def fingerprint() -> str:
    """Return a hash that changes whenever a key might: with KEYS_VERSION and with the names."""
    return hashlib.blake2b(f"{KEYS_VERSION} {hash_names()}".encode(), digest_size=16).hexdigest()


def describe(
    track: Track | ServiceTrack | ServiceMapping, *, whole_credit: bool = True
) -> TrackDescription:
    return TrackDescription(
        title=track.title,
        artists=tuple(track.artists),
        album=track.album,
        duration_ms=track.duration_ms,
        isrc=track.isrc,
        whole_credit=whole_credit,
    )


def describe_listed(row: ListedTrack) -> TrackDescription:
    # Without its duration: Last.fm's are of whatever file was first scrobbled under the name.
    return TrackDescription(row.title, (row.artist,))


def list_track_keys(track: Track) -> list[str]:
    """Return the keys to be stored of a track: those that find it among the user's own lists on
    Last.fm, and those that find what may be merged with it."""
    return list(dict.fromkeys([*blocking_keys(describe(track)), *list_merge_keys(track)]))


def list_merge_keys(track: Track | ServiceTrack) -> list[str]:
    """Return keys of which two descriptions share one, if they may be merged.

    Merging asks for more than a match: a wrong one hides a like, and a missed one costs nothing,
    as two tracks with one Last.fm page are loved once. So either the ISRC is the same, or the
    credited artists and the title but for harmless notes.
    """
    artists = sorted({name_key(artist, "") for artist in track.artists})
    plain = name_plainly(track.title)
    keys = [_shorten("\x1f".join([*artists, title])) for title in sorted(plain)]
    return [f"i:{track.isrc}", *keys] if track.isrc else keys


def _shorten(text: str) -> str:
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return f"m:{digest[:40]}"


def name_plainly(name: str) -> set[str]:
    return {name_key("", plain) for plain in (name, *simplify_titles(name))}


def list_listed_keys(row: ListedTrack) -> list[str]:
    """Return the keys to be stored of a row of a user's list on Last.fm."""
    return list(dict.fromkeys(blocking_keys(describe_listed(row))))
