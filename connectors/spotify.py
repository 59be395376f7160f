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

from connectors.errors import AuthorizationError, RateLimited, TemporaryError
from connectors.http import ServiceSession, ask_until_clear
from connectors.records import UNREADABLE, LikedPage, LikedTrack, ServiceUser, Tokens
from connectors.spotify_parsing import (
    describe_misfit,
    parse_liked_page,
    parse_user,
    read_lifetime,
    read_text,
)

T = TypeVar("T")

# GET /me/library/contains, parameter "uris": "Maximum: 40 URIs" (OpenAPI of 2026-05-30).
MOST_URIS = 40
#: How often an answer is asked for that cannot be understood.
CLEAR_TRIES = 3
#: Parts of a page on which Spotify may fail, of one whose other rows it shows: a row costs six.
MOST_FAILED = 12


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
            access_token=read_text(answer, "access_token", "access_token", needed=True),
            refresh_token=read_text(answer, "refresh_token", "refresh_token"),
            expires_at=datetime.now(UTC) + timedelta(seconds=read_lifetime(answer)),
            scopes=tuple(read_text(answer, "scope", "scope").split()),
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
        self._has_answered = False
        #: Whether other pages are tried around one on which Spotify fails, as it did before.
        self.reads_around = False

    @property
    def calls(self) -> int:
        """How many requests were sent, repeats included."""
        return self._http.calls

    def get_user(self) -> ServiceUser:
        """Return whose token it is, by ``account_id`` where given (May 2026), else ``id``."""
        return self._ask(self._client.me, parse_user)

    def get_liked_page(self, offset: int = 0, limit: int = 50) -> LikedPage:
        """Return ``limit`` (1 to 50) rows from ``offset``, newest first.

        No ``market`` is sent: with one, Spotify answers other track ids than were saved. A row
        that has another shape than Spotify's, however often it is asked for, is unavailable with
        the name of the field. Raises TemporaryError for a page that is no page, starts elsewhere,
        or is empty before the end of the list.
        Where Spotify fails on the page and ``reads_around`` is set, smaller pages find the row on
        which it does: that one is ``UNREADABLE``.
        """
        try:
            return self._read_page(offset, limit)
        except TemporaryError as error:
            if not self.reads_around or not _is_of_server(error):
                raise
            page = self._read_around(offset, limit)
            if page is None:
                raise
            return page

    def _read_page(self, offset: int, limit: int) -> LikedPage:
        tries = 0

        def parse(answer: Any) -> LikedPage:
            nonlocal tries
            tries += 1
            page = parse_liked_page(answer, offset, forgiving=tries == CLEAR_TRIES)
            self._has_answered = True
            return page

        return self._ask(
            lambda: self._client.current_user_saved_tracks(limit=limit, offset=offset), parse
        )

    def _read_around(self, offset: int, limit: int) -> LikedPage | None:
        """Read a page on which Spotify fails by other pages; None if it fails on these too.

        A row at one place was seen to break each page that would show it, for months
        (https://github.com/spotify/web-api/issues/517).
        """
        parts = _Parts(self._read_page)
        try:
            # From a row before, as it may be the offset alone; at the head, see that others come.
            other = self._read_page(*((offset - 1, limit) if offset else (limit, 1)))
            parts.totals.add(other.total)
            if offset and len(other.items) > 1:
                return replace(other, items=other.items[1:], offset=offset)
        except TemporaryError as error:
            if not _is_of_server(error) or not self._has_answered:
                return None
        rows = parts.read(offset, limit)
        if len(parts.totals) != 1:
            return None
        (total,) = parts.totals
        rows = rows[: max(0, total - offset)]
        return LikedPage(tuple(rows), offset, total, offset + len(rows) >= total)

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
                raise describe_misfit("contains", f"{len(uris)} times true or false")
            return list(answer)

        return self._ask(lambda: self._client.current_user_saved_items(uris), parse)

    def _ask(self, call: Callable[[], Any], parse: Callable[[Any], T]) -> T:
        def ask() -> T:
            answer = call()
            if answer is None:  # spotipy's word for JSON that it cannot read
                raise describe_misfit("the answer", "sound JSON")
            return parse(answer)

        self._client.set_auth(self._token(False))
        try:
            return ask_until_clear(ask, CLEAR_TRIES)
        except AuthorizationError as error:
            if error.code != "expired":
                raise
        self._client.set_auth(self._token(True))
        return ask_until_clear(ask, CLEAR_TRIES)


class _Parts:
    """Reads a page by halves, and those on which Spotify fails by halves again."""

    def __init__(self, read: Callable[[int, int], LikedPage]) -> None:
        self._read = read
        self._failed = 0
        self.totals: set[int] = set()

    def read(self, offset: int, limit: int) -> list[LikedTrack]:
        if limit == 1:
            return [LikedTrack(None, None, UNREADABLE)]
        half = limit // 2
        return [
            row
            for start, count in ((offset, half), (offset + half, limit - half))
            for row in self._read_part(start, count)
        ]

    def _read_part(self, offset: int, limit: int) -> Sequence[LikedTrack]:
        try:
            page = self._read(offset, limit)
        except TemporaryError as error:
            self._failed += 1
            # More than that is no matter of a row or two.
            if not _is_of_server(error) or self._failed > MOST_FAILED:
                raise
            return self.read(offset, limit)
        self.totals.add(page.total)
        return page.items


def _is_of_server(error: TemporaryError) -> bool:
    return not isinstance(error, RateLimited) and (error.status or 0) >= 500


def _is_repeat(page: LikedPage, before: LikedPage) -> bool:
    """Tell whether a page is the one before again; rows that all are null prove nothing."""
    same = page.total == before.total and page.items == before.items
    return same and any(row.track for row in page.items)


def _misfit(what: str) -> TemporaryError:
    return TemporaryError(f"Spotify's answers do not fit together: {what}.", service="spotify")
