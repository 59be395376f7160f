"""Codes, tokens and session keys of both services, with their lives and deaths."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass

from narada_sandbox import SPOTIFY_CLIENT_ID
from narada_sandbox.world.state import State

CODE_LIFE = 600
TOKEN_LIFE = 3600
REFRESH_LIFE = 182 * 86_400
"""Spotify's refresh tokens end six months after consent (its blog of 2026-06-18)."""


@dataclass(slots=True)
class Code:
    """An authorization code: single use, ten minutes."""

    user: str
    redirect_uri: str
    scopes: list[str]
    challenge: str
    expires_at: float
    used: bool = False


@dataclass(slots=True)
class Access:
    """A Spotify access token."""

    user: str
    scopes: list[str]
    expires_at: float
    revoked: bool = False


@dataclass(slots=True)
class Refresh:
    """A Spotify refresh token; ``granted_at`` is the user's consent, which refreshing keeps."""

    user: str
    scopes: list[str]
    granted_at: float
    public_client: bool
    revoked: bool = False


@dataclass(slots=True)
class RequestToken:
    """A Last.fm token on its way to a session: 60 minutes, single use."""

    created_at: float
    user: str = ""
    used: bool = False


@dataclass(slots=True)
class Session:
    """A Last.fm session key: no end but revocation."""

    user: str
    revoked: bool = False


class Tokens:
    """All of them, written through to the store. The caller holds the state's lock."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Access] = {}
        self.refresh: dict[str, Refresh] = {}
        self.requests: dict[str, RequestToken] = {}
        self.sessions: dict[str, Session] = {}
        self.access_life = TOKEN_LIFE
        self.rotate_always = False

    def load(self) -> None:
        """Read everything from the store."""
        load = self._state.store.load
        self.codes = {key: Code(**body) for _, key, body in load("code")}
        self.access = {key: Access(**body) for _, key, body in load("access")}
        self.refresh = {key: Refresh(**body) for _, key, body in load("refresh")}
        self.requests = {key: RequestToken(**body) for _, key, body in load("request")}
        self.sessions = {key: Session(**body) for _, key, body in load("session")}

    def clear(self) -> None:
        """Forget everything."""
        for one in (self.codes, self.access, self.refresh, self.requests, self.sessions):
            one.clear()
        self.access_life, self.rotate_always = TOKEN_LIFE, False

    def keep(self, key: str, value: Code | Access | Refresh | RequestToken | Session) -> str:
        """Store a new or changed entry under its key and return the key."""
        match value:
            case Code():
                self.codes[key] = value
            case Access():
                self.access[key] = value
            case Refresh():
                self.refresh[key] = value
            case RequestToken():
                self.requests[key] = value
            case Session():
                self.sessions[key] = value
        kind = {"RequestToken": "request"}.get(type(value).__name__, type(value).__name__.lower())
        self._state.store.put(kind, "", key, asdict(value))
        return key

    def issue_code(self, user: str, redirect_uri: str, scopes: list[str], challenge: str) -> str:
        """Issue an authorization code."""
        expires_at = self._state.now() + CODE_LIFE
        code = Code(user, redirect_uri, scopes, challenge, expires_at)
        return self.keep("AQ" + secrets.token_urlsafe(60), code)

    def issue_access(self, user: str, scopes: list[str]) -> str:
        """Issue an access token that lives ``access_life`` seconds."""
        access = Access(user, scopes, self._state.now() + self.access_life)
        return self.keep("BQ" + secrets.token_urlsafe(60), access)

    def issue_refresh(
        self, user: str, scopes: list[str], *, public_client: bool, granted_at: float | None = None
    ) -> str:
        """Issue a refresh token; ``public_client`` means PKCE without a secret."""
        since = self._state.now() if granted_at is None else granted_at
        return self.keep(
            "AQ" + secrets.token_urlsafe(60), Refresh(user, scopes, since, public_client)
        )

    def issue_request(self, user: str = "") -> str:
        """Issue a Last.fm token, already granted by ``user`` where one is named."""
        return self.keep(secrets.token_hex(16), RequestToken(self._state.now(), user))

    def issue_session(self, user: str) -> str:
        """Issue a Last.fm session key."""
        return self.keep(secrets.token_hex(16), Session(user))

    def expire_access(self, user: str) -> int:
        """Let every access token of a user have ended a second ago; return how many."""
        mine = [(key, one) for key, one in self.access.items() if one.user == user]
        for key, one in mine:
            one.expires_at = min(one.expires_at, self._state.now() - 1)
            self.keep(key, one)
        return len(mine)

    def revoke(self, user: str, service: str) -> int:
        """Revoke all that a user granted at a service; return how many tokens."""
        found: list[tuple[str, Access | Refresh | Session]] = []
        if service == "spotify":
            found += [(key, one) for key, one in self.access.items() if one.user == user]
            found += [(key, two) for key, two in self.refresh.items() if two.user == user]
        else:
            found += [(key, three) for key, three in self.sessions.items() if three.user == user]
        for key, token in found:
            token.revoked = True
            self.keep(key, token)
        return len(found)


def grant_spotify(tokens: Tokens, user: str, scopes: list[str]) -> dict[str, object]:
    """Return what a consent and its code exchange would have given."""
    return {
        "client_id": SPOTIFY_CLIENT_ID,
        "access_token": tokens.issue_access(user, scopes),
        "token_type": "Bearer",
        "scope": " ".join(scopes),
        "expires_in": tokens.access_life,
        "refresh_token": tokens.issue_refresh(user, scopes, public_client=False),
    }
