"""Spotify: consent and tokens, the user's saved tracks, and what the library contains.

Reference: https://developer.spotify.com/documentation/web-api. One answer becomes records here,
at the door; what does not parse raises with the field's name.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import spotipy

from connectors.errors import AuthorizationError, TemporaryError
from connectors.http import ServiceSession, UnexpectedAnswer, ask_until_clear
from connectors.records import GONE, LikedPage, LikedTrack, ServiceTrack, ServiceUser, Tokens
from connectors.text import keep_storable, normalize_isrc

T = TypeVar("T")

# GET /me/library/contains, parameter "uris": "Maximum: 40 URIs" (OpenAPI of 2026-05-30).
MOST_URIS = 40


class SpotifyAccounts:
    """The accounts service: the consent page's address, and codes and refresh tokens for tokens.

    Uses the authorization code flow with PKCE
    (https://developer.spotify.com/documentation/web-api/tutorials/code-pkce-flow); with a
    ``client_secret`` the app identifies itself too, and refresh tokens do not rotate.
    """

    def __init__(
        self, client_id: str, client_secret: str, accounts_url: str, http: ServiceSession
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._url = accounts_url.rstrip("/")
        self._http = http

    def authorize_url(
        self, redirect_uri: str, state: str, code_verifier: str, scopes: Sequence[str]
    ) -> str:
        """Return the address at which the user consents; ``code_verifier`` has 43 to 128 chars."""
        digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
        query = {
            "client_id": self._client_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "state": state,
            "scope": " ".join(scopes),
            "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        }
        return f"{self._url}/authorize?{urlencode(query)}"

    def exchange_code(self, code: str, redirect_uri: str, code_verifier: str) -> Tokens:
        """Return the tokens for a code, which works once: never sent twice."""
        return self._ask_for_tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=code_verifier,
        )

    def refresh(self, refresh_token: str) -> Tokens:
        """Return fresh tokens; ``refresh_token`` in them is empty where the old one stays good.

        Raises AuthorizationError with code "invalid_grant" when the consent is gone. Spotify has
        said so wrongly in an outage (metabrainz/listenbrainz-server PR 1921): ask again later
        before believing it.
        """
        return self._ask_for_tokens(grant_type="refresh_token", refresh_token=refresh_token)

    def _ask_for_tokens(self, **form: str) -> Tokens:
        auth = None
        if self._client_secret:
            auth = (self._client_id, self._client_secret)
        else:
            form["client_id"] = self._client_id
        answer = self._http.read_json(
            self._http.post(f"{self._url}/api/token", data=form, auth=auth)
        )
        return Tokens(
            access_token=_read_text(answer, "access_token", "access_token", needed=True),
            refresh_token=_read_text(answer, "refresh_token", "refresh_token"),
            expires_at=datetime.now(UTC) + timedelta(seconds=_read_lifetime(answer)),
            scopes=tuple(_read_text(answer, "scope", "scope").split()),
        )


class _Client(spotipy.Spotify):  # type: ignore[misc]
    """spotipy 2.26 with two differences.

    It would close its session when collected; ours is shared and outlives it. And it would ask
    for "me/", a path that Spotify's OpenAPI does not have.
    """

    def __del__(self) -> None:
        pass

    def me(self) -> Any:
        return self._get("me")


class SpotifyConnector:
    """One user's saved tracks. ``token(force)`` hands out an access token, a new one if forced.

    An access token that Spotify no longer accepts is replaced and the call repeated, once.
    """

    def __init__(self, token: Callable[[bool], str], *, api_url: str, http: ServiceSession) -> None:
        self._token = token
        self._http = http
        # A session that is passed in keeps spotipy from retrying by itself, which would sleep for
        # hours on a long Retry-After and report every failure as 429.
        self._client = _Client(auth="", requests_session=http, requests_timeout=http.timeout)
        self._client.prefix = api_url.rstrip("/") + "/"

    @property
    def calls(self) -> int:
        """How many requests were sent, repeats included."""
        return self._http.calls

    def get_user(self) -> ServiceUser:
        """Return whose token it is, by ``account_id`` where given (May 2026), else ``id``."""
        return self._ask(self._client.me, _parse_user)

    def get_liked_page(self, offset: int = 0, limit: int = 50) -> LikedPage:
        """Return ``limit`` (1 to 50) rows from ``offset``, newest first.

        No ``market`` is sent: with one, Spotify answers other track ids than were saved. Raises
        TemporaryError for a page that starts elsewhere, or is empty before the end of the list.
        """

        def parse(answer: Any) -> LikedPage:
            return _parse_liked_page(answer, offset)

        return self._ask(
            lambda: self._client.current_user_saved_tracks(limit=limit, offset=offset), parse
        )

    def get_liked_pages(self, offset: int = 0, page_size: int = 50) -> Iterator[LikedPage]:
        """Walk from ``offset`` to the end of a list that may move meanwhile.

        A new like moves rows down: some come twice. An unlike moves them up, past the page's
        edge: when ``total`` fell, the walk steps back by as much, so nothing is left out. Raises
        TemporaryError rather than ending early, and when the list does not come to rest.
        """
        first = before = self.get_liked_page(offset, page_size)
        yield first
        offset += len(first.items)
        asked_again = False
        for _ in range(2 * (first.total // page_size) + 20):
            if before.last:
                return
            page = self.get_liked_page(offset, page_size)
            if page.total < before.total:
                offset = max(0, offset - (before.total - page.total))
                before = replace(before, items=(), total=page.total)
            elif _is_repeat(page, before):
                if asked_again:
                    raise _misfit(f"the page at {offset} repeats the one before")
                asked_again = True
            else:
                yield page
                before, offset, asked_again = page, offset + len(page.items), False
        if not before.last:
            raise _misfit("the list does not come to rest")

    def get_liked_tracks(self) -> Iterator[LikedTrack]:
        """Yield every saved track once, newest first; complete, or raises.

        Rows without an id are told apart by date and label only where the list moved.
        """
        seen: set[object] = set()
        total: int | None = None
        for page in self.get_liked_pages():
            moved = total is not None and page.total != total
            total = page.total
            for row in page.items:
                key: object = row.track.service_id if row.track else (row.label, row.liked_at)
                if key in seen and (row.track or moved):
                    continue
                seen.add(key)
                yield row

    def contains(self, service_ids: Sequence[str]) -> dict[str, bool]:
        """Tell for each track id whether it is saved now."""
        saved: dict[str, bool] = {}
        for start in range(0, len(service_ids), MOST_URIS):
            chunk = service_ids[start : start + MOST_URIS]
            saved.update(zip(chunk, self._contains_chunk(chunk), strict=True))
        return saved

    def _contains_chunk(self, chunk: Sequence[str]) -> list[bool]:
        uris = [f"spotify:track:{service_id}" for service_id in chunk]

        def parse(answer: Any) -> list[bool]:
            if len(answer) != len(uris) or not all(isinstance(one, bool) for one in answer):
                raise _wrong("contains", f"{len(uris)} times true or false")
            return list(answer)

        return self._ask(lambda: self._client.current_user_saved_items(uris), parse)

    def _ask(self, call: Callable[[], Any], parse: Callable[[Any], T]) -> T:
        def ask() -> T:
            answer = call()
            if answer is None:  # spotipy's word for JSON that it cannot read
                raise _wrong("the answer", "sound JSON")
            return parse(answer)

        self._client.set_auth(self._token(False))
        try:
            return ask_until_clear(ask)
        except AuthorizationError as error:
            if error.code != "expired":
                raise
        self._client.set_auth(self._token(True))
        return ask_until_clear(ask)


def parse_liked_item(item: object, where: str) -> LikedTrack:
    """Return one row of ``GET /me/tracks``; ``where`` is its place for errors, as "items[3]".

    A null track, a local file, an episode and a track without name or artist are unavailable.
    Raises UnexpectedAnswer, a TemporaryError, naming the field that has not Spotify's shape.
    """
    if not isinstance(item, dict):
        raise _wrong(where, "an object")
    liked_at = _read_time(item, "added_at", f"{where}.added_at")
    if "track" not in item:
        raise _wrong(f"{where}.track", "an object or null")
    track = item["track"]
    if track is None:
        return LikedTrack(None, liked_at, GONE)
    if not isinstance(track, dict):
        raise _wrong(f"{where}.track", "an object or null")
    where = f"{where}.track"
    uri = _read_text(track, "uri", f"{where}.uri")
    title = _read_text(track, "name", f"{where}.name")
    artists = _read_artists(track, f"{where}.artists")
    label = " - ".join(part for part in (", ".join(artists), title) if part) or uri
    kind = _read_text(track, "type", f"{where}.type") or "track"
    if track.get("is_local") is True or uri.startswith("spotify:local:"):
        return LikedTrack(None, liked_at, "local file", label)
    if kind != "track":
        return LikedTrack(None, liked_at, f"not a track ({kind})", label)
    service_id = _read_saved_id(track, where)
    if not service_id or not title or not artists:
        # Taken-down tracks stay in the list with empty names.
        return LikedTrack(None, liked_at, GONE, uri or label)
    return LikedTrack(_parse_track(track, where, service_id, title, artists), liked_at)


def _parse_track(
    track: dict[str, Any], where: str, service_id: str, title: str, artists: tuple[str, ...]
) -> ServiceTrack:
    album = _read_object(track, "album", f"{where}.album")
    external_ids = _read_object(track, "external_ids", f"{where}.external_ids")
    duration = track.get("duration_ms")
    if duration is not None and (isinstance(duration, bool) or not isinstance(duration, int)):
        raise _wrong(f"{where}.duration_ms", "a whole number")
    explicit = track.get("explicit")
    return ServiceTrack(
        title=title,
        artists=artists,
        album=_read_text(album, "name", f"{where}.album.name"),
        duration_ms=duration if duration and duration > 0 else None,
        isrc=normalize_isrc(_read_text(external_ids, "isrc", f"{where}.external_ids.isrc")),
        explicit=explicit if isinstance(explicit, bool) else None,
        service_id=service_id,
    )


def _parse_user(answer: Any) -> ServiceUser:
    uid = _read_text(answer, "account_id", "account_id")
    uid = uid or _read_text(answer, "id", "id", needed=True)
    return ServiceUser(uid, _read_text(answer, "display_name", "display_name") or uid)


def _parse_liked_page(answer: Any, offset: int) -> LikedPage:
    items, total, start = answer.get("items"), answer.get("total"), answer.get("offset", offset)
    if not isinstance(items, list):
        raise _wrong("items", "a list")
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise _wrong("total", "a number")
    if start != offset:
        raise _wrong("offset", f"{offset}, as asked for")
    if not items and offset < total:
        raise _wrong("items", f"not empty before {total}, the total")
    rows = tuple(parse_liked_item(item, f"items[{i}]") for i, item in enumerate(items))
    # "next" alone is not believed: it has to be null, and the rows have to reach the total.
    last = answer.get("next") is None and offset + len(rows) >= total
    return LikedPage(rows, offset, total, last or not rows)


def _read_saved_id(track: dict[str, Any], where: str) -> str:
    """Return the id that was saved: a relinked track names it under ``linked_from``."""
    linked = _read_object(track, "linked_from", f"{where}.linked_from")
    saved = _read_text(linked, "id", f"{where}.linked_from.id")
    return saved or _read_text(track, "id", f"{where}.id")


def _read_artists(track: dict[str, Any], where: str) -> tuple[str, ...]:
    artists = track.get("artists") or []
    if not isinstance(artists, list):
        raise _wrong(where, "a list")
    names = []
    for index, artist in enumerate(artists):
        if not isinstance(artist, dict):
            raise _wrong(f"{where}[{index}]", "an object")
        names.append(_read_text(artist, "name", f"{where}[{index}].name"))
    return tuple(name for name in names if name)


def _read_object(parent: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = parent.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(where, "an object")
    return value


def _read_text(parent: dict[str, Any], key: str, where: str, *, needed: bool = False) -> str:
    value = parent.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise _wrong(where, "a text")
    return keep_storable(value).strip()


def _read_time(parent: dict[str, Any], key: str, where: str) -> datetime | None:
    text = _read_text(parent, key, where)
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise _wrong(where, "a time") from error
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _read_lifetime(answer: dict[str, Any]) -> float:
    """Return an access token's life in seconds; 3,600 where unsaid, as documented."""
    seconds = answer.get("expires_in", 3600)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise _wrong("expires_in", "a number")
    return float(seconds)


def _is_repeat(page: LikedPage, before: LikedPage) -> bool:
    """Tell whether a page is the one before again; rows that all are null prove nothing."""
    same = page.total == before.total and page.items == before.items
    return same and any(row.track for row in page.items)


def _misfit(what: str) -> TemporaryError:
    return TemporaryError(f"Spotify's answers do not fit together: {what}.", service="spotify")


def _wrong(where: str, wanted: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"Spotify's answer has not the expected shape: {where} should be {wanted}.",
        service="spotify",
        maybe_done=True,
    )
