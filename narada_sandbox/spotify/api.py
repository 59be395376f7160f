"""Spotify's Web API as an app in development mode sees it since February 2026.

Shapes and limits: Spotify's OpenAPI of 2026-05-30, its February, March, May and July 2026
changelogs; texts of errors as clients have recorded them.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_plus, urlencode

from narada_sandbox.messages import Answer, Call, answer_json
from narada_sandbox.tokens import Tokens
from narada_sandbox.world.catalogue import Song, make_id
from narada_sandbox.world.state import State, User, format_time

PREMIUM_LAPSED = (
    "Active premium subscription required for the owner of the app. When the subscription status "
    "changes, it can take a few hours before requests are allowed again."
)
NOT_REGISTERED = "User not registered in the Developer Dashboard"
MAX_URIS = 40
_TRACK_ID = re.compile(r"[0-9A-Za-z]{22}\Z")
_URI = re.compile(r"spotify:([a-z]+):([^\s,]+)\Z")
_LIBRARY_TYPES = {"track", "album", "episode", "show", "audiobook", "user", "playlist"}
_REMOVED = re.compile(
    r"/(tracks|albums|artists|episodes|shows|chapters|audiobooks|markets"
    r"|browse/.*|artists/[^/]+/top-tracks|users/.*"
    r"|me/(tracks|albums|episodes|shows|audiobooks|following)/contains"
    r"|playlists/[^/]+/(tracks|followers.*))\Z"
)
_REMOVED_WRITES = re.compile(r"/me/(tracks|albums|episodes|shows|audiobooks|following)\Z")
"""What development mode lost in February 2026. Of what it kept, the sandbox has what concerns
tracks."""


class Refused(Exception):
    """The API says no: holds the answer."""

    def __init__(self, status: int, message: str, *, plain: bool = False) -> None:
        super().__init__(message)
        self.answer = answer_error(status, message, plain=plain)


def answer_error(status: int, message: str, *, plain: bool = False, reason: str = "") -> Answer:
    """Return an error in the API's own shape, or as the bare text some come as."""
    if plain:
        return Answer(status, message.encode(), "text/plain; charset=utf-8")
    error: dict[str, Any] = {"status": status, "message": message}
    if reason:
        error["reason"] = reason
    headers: tuple[tuple[str, str], ...] = ()
    if status == 401:
        detail = f'Bearer realm="spotify", error="invalid_token", error_description="{message}"'
        headers = (("WWW-Authenticate", detail),)
    return answer_json({"error": error}, status, headers)


class SpotifyApi:
    """Answers everything under ``/v1``."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens
        self._rendered: dict[str, str] = {}

    def forget_rendered(self) -> None:
        """Drop the cached track objects after the catalogue was replaced."""
        self._rendered.clear()

    def answer(self, call: Call) -> Answer:
        """Answer one call; refusals are answers too."""
        try:
            return self._dispatch(call)
        except Refused as refusal:
            return refusal.answer

    def _dispatch(self, call: Call) -> Answer:
        path = call.path.removeprefix("/v1").rstrip("/")
        user, scopes = self._authenticate(call)
        match call.http, path:
            case "GET", "/me":
                return answer_json(describe_user(user, call.base_url))
            case "GET", "/me/tracks":
                _require_scope(scopes, "user-library-read")
                return self._list_saved(call, user)
            case "PUT" | "DELETE", "/me/library":
                _require_scope(scopes, "user-library-modify")
                return self._change_library(call, user)
            case "GET", "/me/library/contains":
                _require_scope(scopes, "user-library-read")
                return self._check_library(call, user)
            case "GET", "/search":
                return self._search(call)
            case "GET", _ if path.startswith("/tracks/"):
                return self._show_track(call, path.removeprefix("/tracks/"))
        if _REMOVED.match(path) or (call.http != "GET" and _REMOVED_WRITES.match(path)):
            raise Refused(403, "Forbidden")
        raise Refused(404, "Service not found")

    def _authenticate(self, call: Call) -> tuple[User, list[str]]:
        header = call.headers.get("authorization", "")
        if not header:
            raise Refused(401, "No token provided")
        scheme, _, token = header.partition(" ")
        if scheme.casefold() != "bearer" or not token:
            raise Refused(400, "Only valid bearer authentication supported")
        access = self._tokens.access.get(token)
        user = self._state.find_user(access.user) if access else None
        if access is None or user is None or access.revoked:
            raise Refused(401, "Invalid access token")
        call.user = user.name
        if access.expires_at <= self._state.now():
            raise Refused(401, "The access token expired")
        if not user.allowlisted:
            raise Refused(403, NOT_REGISTERED, plain=True)
        return user, access.scopes

    def _list_saved(self, call: Call, user: User) -> Answer:
        limit = _read_number(call, "limit", 20, 1, 50)
        offset = _read_number(call, "offset", 0, 0, 100_000)
        total = max(0, len(user.likes) + int(call.twists.get("wobble", 0)))
        skipped = offset - limit if call.twists.get("page_twice") and offset >= limit else offset
        end = len(user.likes) - skipped
        saved = user.likes[max(0, end - limit) : max(0, end)]
        items = [
            f'{{"added_at":"{format_time(one.added_at)}",'
            f'"track":{self._render(one.item, call.base_url)}}}'
            for one in reversed(saved)
        ]
        page = make_page(f"{call.base_url}/v1/me/tracks", {}, limit, offset, total)
        if call.twists.get("object_for_list") and items:
            return _join_page(page, items[0])
        return _join_page(page, f"[{','.join(items)}]")

    def _render(self, item: str, base_url: str) -> str:
        text = self._rendered.get(item)
        if text is None:
            text = json.dumps(
                describe_item(item, self._state.find_song(item), base_url), ensure_ascii=False
            )
            self._rendered[item] = text
        return text

    def _read_uris(self, call: Call, allowed: set[str]) -> list[tuple[str, str]]:
        uris = [uri for uri in call.get("uris").split(",") if uri]
        if not uris:
            raise Refused(400, "Missing required field: uris")
        if len(uris) > MAX_URIS:
            raise Refused(400, f"Too many uris: {len(uris)}, maximum is {MAX_URIS}")
        found = []
        for uri in uris:
            match = _URI.match(uri)
            if match is None or match[1] not in allowed:
                raise Refused(400, f"Invalid or unsupported uri: {uri}")
            if match[1] == "track" and not _TRACK_ID.match(match[2]):
                raise Refused(400, "Invalid base62 id")
            found.append((match[1], match[2]))
        return found

    def _change_library(self, call: Call, user: User) -> Answer:
        tracks = [key for kind, key in self._read_uris(call, _LIBRARY_TYPES) if kind == "track"]
        known = [key for key in tracks if key in self._state.catalogue.songs or key in user.liked]
        change = self._state.like if call.http == "PUT" else self._state.unlike
        call.effect = sum(change(user, key) for key in known) > 0
        return Answer(200)

    def _check_library(self, call: Call, user: User) -> Answer:
        uris = self._read_uris(call, _LIBRARY_TYPES | {"artist"})
        return answer_json([kind == "track" and key in user.liked for kind, key in uris])

    def _show_track(self, call: Call, track_id: str) -> Answer:
        if not _TRACK_ID.match(track_id):
            raise Refused(400, "Invalid base62 id")
        song = self._state.find_song(track_id)
        if song is None:
            raise Refused(404, "Resource not found")
        return answer_json(describe_track(song, call.base_url))

    def _search(self, call: Call) -> Answer:
        query = call.get("q")
        if not query:
            raise Refused(400, "No search query")
        if not call.get("type"):
            raise Refused(400, "Missing parameter type")
        limit = _read_number(call, "limit", 5, 1, 10)
        offset = _read_number(call, "offset", 0, 0, 1000)
        if "track" not in call.get("type").split(","):
            return answer_json({})
        found = search_songs(list(self._state.catalogue.songs.values()), query)
        others = {"query": query, "type": "track"}
        page = make_page(f"{call.base_url}/v1/search", others, limit, offset, len(found))
        shown = found[offset : offset + limit]
        page["items"] = [describe_track(song, call.base_url) for song in shown]
        return answer_json({"tracks": page})


def _require_scope(scopes: list[str], scope: str) -> None:
    if scope not in scopes:
        raise Refused(403, "Insufficient client scope")


def _read_number(call: Call, name: str, default: int, least: int, most: int) -> int:
    text = call.get(name)
    if text == "":
        return default
    if not re.fullmatch(r"-?[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise Refused(400, f"Invalid {name}")
    return int(text)


def make_page(
    address: str, others: dict[str, str], limit: int, offset: int, total: int
) -> dict[str, Any]:
    """Return a paging object without its items; addresses are absolute, on the own base."""

    def link(start: int) -> str:
        return f"{address}?{urlencode({**others, 'offset': start, 'limit': limit})}"

    return {
        "href": link(offset),
        "limit": limit,
        "next": link(offset + limit) if offset + limit < total else None,
        "offset": offset,
        "previous": link(max(0, offset - limit)) if offset > 0 else None,
        "total": total,
    }


def _join_page(page: dict[str, Any], items: str) -> Answer:
    """Join a page and items that are JSON already: rendering 50 tracks anew is the slow part."""
    head = json.dumps(page, ensure_ascii=False)
    return Answer(200, f'{head[:-1]}, "items":{items}}}'.encode())


def describe_user(user: User, base_url: str) -> dict[str, Any]:
    """Return ``GET /me`` as it is since May 2026: with ``account_id``, without e-mail."""
    return {
        "account_id": user.account_id,
        "display_name": user.name.capitalize(),
        "external_urls": {"spotify": f"https://open.spotify.com/user/{user.spotify_id}"},
        "href": f"{base_url}/v1/users/{user.spotify_id}",
        "id": user.spotify_id,
        "images": [],
        "type": "user",
        "uri": f"spotify:user:{user.spotify_id}",
    }


def describe_item(item: str, song: Song | None, base_url: str) -> dict[str, Any] | None:
    """Return a saved item's track: an object, None for a lost track, or a local file."""
    if song is not None:
        return describe_track(song, base_url)
    return describe_local(item) if item.startswith("spotify:local:") else None


def describe_local(uri: str) -> dict[str, Any]:
    """Return a local file as the API describes one: names, but no ids."""
    artist, album, title, seconds = (
        unquote_plus(part) for part in uri.removeprefix("spotify:local:").split(":")
    )
    nobody: dict[str, Any] = {
        "external_urls": {},
        "href": None,
        "id": None,
        "type": "artist",
        "uri": None,
    }
    return {
        "album": {
            "album_type": None,
            "artists": [],
            "external_urls": {},
            "href": None,
            "id": None,
            "images": [],
            "name": album,
            "release_date": None,
            "release_date_precision": None,
            "type": "album",
            "uri": None,
        },
        "artists": [{**nobody, "name": artist}],
        "disc_number": 0,
        "duration_ms": int(seconds) * 1000,
        "explicit": False,
        "external_ids": {},
        "external_urls": {},
        "href": None,
        "id": None,
        "is_local": True,
        "name": title,
        "preview_url": None,
        "track_number": 0,
        "type": "track",
        "uri": uri,
    }


def _describe_thing(kind: str, key: str, name: str, base_url: str) -> dict[str, Any]:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{key}"},
        "href": f"{base_url}/v1/{kind}s/{key}",
        "id": key,
        "name": name,
        "type": kind,
        "uri": f"spotify:{kind}:{key}",
    }


def describe_track(song: Song, base_url: str) -> dict[str, Any]:
    """Return a track with the fields that development mode still gives."""
    artists = [
        _describe_thing("artist", make_id("artist", name), name, base_url) for name in song.artists
    ]
    album = {
        "album_type": "album" if song.album != song.title else "single",
        "artists": artists[:1],
        **_describe_thing("album", make_id("album", song.album, song.artists[0]), "", base_url),
        "images": [
            {"height": size, "url": f"https://i.scdn.co/image/{song.track_id}", "width": size}
            for size in (640, 300, 64)
        ],
        "is_playable": True,
        "name": song.album,
        "release_date": song.released,
        "release_date_precision": "year",
        "total_tracks": 12,
    }
    return {
        "album": album,
        "artists": artists,
        "disc_number": 1,
        "duration_ms": song.duration_ms,
        "explicit": song.explicit,
        "external_ids": {"isrc": song.isrc} if song.isrc else {},
        **_describe_thing("track", song.track_id, song.title, base_url),
        "is_local": False,
        "preview_url": None,
        "track_number": 1 + song.duration_ms % 12,
    }


def search_songs(songs: list[Song], query: str) -> list[Song]:
    """Return the songs that a query with field filters finds; words must all occur."""
    parts = re.split(r"\b(track|artist|album|isrc|year):", query)
    wanted = {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}
    words = {name: text.replace('"', " ").casefold().split() for name, text in wanted.items()}

    def fits(song: Song) -> bool:
        artists = " ".join(song.artists)
        fields = {
            "": f"{song.title} {artists} {song.album}",
            "track": song.title,
            "artist": artists,
            "album": song.album,
            "isrc": song.isrc,
            "year": song.released,
        }
        return all(word in fields[name].casefold() for name in words for word in words[name])

    return [song for song in songs if fits(song)]
