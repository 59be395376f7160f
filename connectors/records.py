"""What the services tell us, as values.

A connector turns each answer into one of these at the door; no ``dict`` from a service
travels further. All times are timezone-aware UTC, all durations milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

#: Why a like has no track: Spotify lists the row, and the track is null or without names.
GONE = "no longer on Spotify"


@dataclass(frozen=True, slots=True)
class ServiceTrack:
    """A track as one service describes it.

    ``service_id`` is the service's own id (Spotify's 22 base-62 characters) or empty where the
    service or file gives none (Last.fm knows tracks by names alone). ``artists`` is the artist
    credit in order, never joined. ``isrc`` is normalised: 12 characters, upper case, no hyphens,
    or empty.
    """

    title: str
    artists: tuple[str, ...]
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    explicit: bool | None = None
    service_id: str = ""
    mbid: str = ""


@dataclass(frozen=True, slots=True)
class LikedTrack:
    """One row of a user's likes: the track and when it was liked (None where a file says nothing).

    ``track`` is None when the service no longer has it (Spotify's ``"track": null``) or when it is
    not a track a service knows (a local file, an episode); ``unavailable`` then says why in a few
    words, and ``label`` keeps what is known of it (a URI, a name) for a person to recognise it.
    ``repeat`` counts the rows without an id before it that say the very same.
    """

    track: ServiceTrack | None
    liked_at: datetime | None = None
    unavailable: str = ""
    label: str = ""
    repeat: int = 0


#: Said of a row of Spotify's list on which Spotify fails, alone or with any others.
UNREADABLE = "Spotify answers with an error for this song alone"


@dataclass(frozen=True, slots=True)
class LikedPage:
    """One page of ``GET /me/tracks``: ``items`` starts at ``offset`` of a list of ``total``."""

    items: Sequence[LikedTrack]
    offset: int
    total: int
    last: bool


@dataclass(frozen=True, slots=True)
class LovedTrack:
    """One row of a user's loved tracks on Last.fm; ``loved_at`` is missing in some answers."""

    artist: str
    title: str
    loved_at: datetime | None = None
    mbid: str = ""


@dataclass(frozen=True, slots=True)
class ScrobbledTrack:
    """One row of ``user.getTopTracks``: a spelling this user has scrobbled, and how often."""

    artist: str
    title: str
    playcount: int
    duration_ms: int | None = None
    mbid: str = ""


@dataclass(frozen=True, slots=True)
class LovedPage:
    """One page of ``user.getLovedTracks``; ``page`` and ``total_pages`` count from 1.

    ``lacking`` is how many rows fewer it has than its place in the total says; ``unreadable`` says
    of rows that are there and not among the items what is wrong with them.
    """

    items: Sequence[LovedTrack]
    page: int
    total_pages: int
    total: int
    lacking: int = 0
    unreadable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LibraryPage:
    """One page of ``user.getTopTracks``; ``page`` and ``total_pages`` count from 1.

    ``unreadable`` says of rows that are not among the items what is wrong with them.
    """

    items: Sequence[ScrobbledTrack]
    page: int
    total_pages: int
    total: int
    unreadable: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TrackPage:
    """What Last.fm knows under a name: its spelling after correction, and whether people listen.

    ``listeners`` is 0 for a name nobody scrobbles: Last.fm answers for any name, also for one
    that exists only because somebody asked or loved it (samples of its documentation project).
    """

    artist: str
    title: str
    listeners: int
    user_playcount: int = 0
    user_loved: bool = False
    duration_ms: int | None = None
    album: str = ""
    mbid: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a service hands out when a user consents or a token is refreshed.

    ``refresh_token`` is empty when the answer has none (then the old one stays valid);
    ``expires_at`` is None for Last.fm's session keys, which do not expire.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """Who an account belongs to. ``uid`` is what Narada links by; ``name`` is for people.

    Spotify: ``account_id`` where given, else ``id`` (Web API changes of May 2026). Last.fm: the
    name in lower case, for want of an id.
    """

    uid: str
    name: str
