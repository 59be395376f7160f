"""Spotify's accounts service: the consent page and the token endpoint.

Rules: Spotify's pages on the authorization code flow, PKCE, redirect addresses (2025-11) and
the life of refresh tokens (2026-06); errors have the shape of RFC 6749 §5.2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

from narada_sandbox import SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET
from narada_sandbox.messages import Answer, Call, answer_html, answer_json, redirect
from narada_sandbox.pages import render_consent, render_message
from narada_sandbox.tokens import REFRESH_LIFE, Refresh, Tokens
from narada_sandbox.world.state import State


class TokenRefused(Exception):
    """The token endpoint says no."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.answer = answer_oauth_error(error, description)


def answer_oauth_error(error: str, description: str) -> Answer:
    """Return an error as RFC 6749 §5.2 shapes it."""
    return answer_json({"error": error, "error_description": description}, 400)


def check_redirect(address: str) -> str:
    """Return what is wrong with a redirect address, empty when nothing is.

    Since 2025-11-27: HTTPS, or HTTP to a loopback IP literal; never ``localhost``.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "INVALID_CLIENT: Invalid redirect URI"
    if not host or parts.fragment or parts.scheme not in ("http", "https"):
        return "INVALID_CLIENT: Invalid redirect URI"
    if host == "localhost":
        return "INVALID_CLIENT: Insecure redirect URI"
    if parts.scheme == "https":
        return ""
    try:
        safe = ip_address(host).is_loopback
    except ValueError:
        safe = False
    return "" if safe else "INVALID_CLIENT: Insecure redirect URI"


class SpotifyAccounts:
    """Answers ``/authorize`` and ``/api/token``."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens

    def authorize(self, call: Call) -> Answer:
        """Show the consent page (GET) or act on its form (POST: ``user`` and ``answer``)."""
        wrong = self._check_request(call)
        if wrong:
            return answer_html(render_message("Spotify", wrong), 400)
        if call.http != "POST":
            users = [(user.name, user.allowlisted) for user in self._state.users.values()]
            wishes = call.get("scope").split() or ["nothing but your name"]
            return answer_html(render_consent("Spotify", users, wishes))
        state = {"state": call.get("state")} if call.get("state") else {}
        if call.post("answer") != "allow":
            return self._send_back(call, {"error": "access_denied", **state})
        user = self._state.find_user(call.post("user"))
        if user is None:
            return answer_html(render_message("Spotify", "There is no such user."), 400)
        call.user, call.effect = user.name, True
        code = self._tokens.issue_code(
            user.name,
            call.get("redirect_uri"),
            call.get("scope").split(),
            call.get("code_challenge"),
        )
        return self._send_back(call, {"code": code, **state})

    def _check_request(self, call: Call) -> str:
        if call.get("client_id") != SPOTIFY_CLIENT_ID:
            return "INVALID_CLIENT: Invalid client"
        wrong = check_redirect(call.get("redirect_uri"))
        if wrong:
            return wrong
        if call.get("response_type") != "code":
            return "response_type must be code"
        if call.get("code_challenge") and call.get("code_challenge_method") != "S256":
            return "code_challenge_method must be S256"
        return ""

    def _send_back(self, call: Call, answer: dict[str, str]) -> Answer:
        address = call.get("redirect_uri")
        return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(answer)}")

    def token(self, call: Call) -> Answer:
        """Exchange a code or a refresh token."""
        try:
            if call.http != "POST":
                raise TokenRefused("invalid_request", "Only POST is supported")
            match call.post("grant_type"):
                case "authorization_code":
                    return self._exchange_code(call)
                case "refresh_token":
                    return self._refresh(call)
            raise TokenRefused("unsupported_grant_type", "grant_type parameter is missing or wrong")
        except TokenRefused as refusal:
            return refusal.answer

    def _authenticate_client(self, call: Call) -> bool:
        """Check who asks; True for a client that proved its secret, False for a public one."""
        client, secret = call.post("client_id"), call.post("client_secret")
        header = call.headers.get("authorization", "")
        if header:
            try:
                scheme, _, text = header.partition(" ")
                client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                scheme = ""
            if scheme.casefold() != "basic":
                raise TokenRefused("invalid_client", "Invalid authorization header")
        if client != SPOTIFY_CLIENT_ID:
            raise TokenRefused("invalid_client", "Invalid client")
        if secret and not hmac.compare_digest(secret.encode(), SPOTIFY_CLIENT_SECRET.encode()):
            raise TokenRefused("invalid_client", "Invalid client secret")
        return bool(secret)

    def _exchange_code(self, call: Call) -> Answer:
        confidential = self._authenticate_client(call)
        key = call.post("code")
        code = self._tokens.codes.get(key)
        if code is None or code.used:
            raise TokenRefused("invalid_grant", "Invalid authorization code")
        if code.expires_at <= self._state.now():
            raise TokenRefused("invalid_grant", "Authorization code expired")
        if code.redirect_uri != call.post("redirect_uri"):
            raise TokenRefused("invalid_grant", "Invalid redirect URI")
        if code.challenge and not verify_challenge(code.challenge, call.post("code_verifier")):
            raise TokenRefused("invalid_grant", "code_verifier was incorrect")
        if not code.challenge and not confidential:
            raise TokenRefused("invalid_client", "Invalid client secret")
        code.used = True
        self._tokens.keep(key, code)
        call.user, call.effect = code.user, True
        refresh = self._tokens.issue_refresh(code.user, code.scopes, public_client=not confidential)
        return self._hand_out(code.user, code.scopes, refresh)

    def _refresh(self, call: Call) -> Answer:
        confidential = self._authenticate_client(call)
        key = call.post("refresh_token")
        if not key:
            raise TokenRefused("invalid_request", "refresh_token must be supplied")
        refresh = self._tokens.refresh.get(key)
        if refresh is None:
            raise TokenRefused("invalid_grant", "Invalid refresh token")
        call.user = refresh.user
        if refresh.revoked or self._state.now() >= refresh.granted_at + REFRESH_LIFE:
            raise TokenRefused("invalid_grant", "Refresh token revoked")
        if not confidential and not refresh.public_client:
            raise TokenRefused("invalid_client", "Invalid client secret")
        call.effect = True
        return self._hand_out(refresh.user, refresh.scopes, self._rotate(key, refresh))

    def _rotate(self, key: str, refresh: Refresh) -> str:
        """Return the next refresh token, empty where the old one stays. Refreshing does not
        prolong the six months since consent."""
        if not refresh.public_client and not self._tokens.rotate_always:
            return ""
        refresh.revoked = True
        self._tokens.keep(key, refresh)
        return self._tokens.issue_refresh(
            refresh.user,
            refresh.scopes,
            public_client=refresh.public_client,
            granted_at=refresh.granted_at,
        )

    def _hand_out(self, user: str, scopes: list[str], refresh: str) -> Answer:
        body: dict[str, object] = {
            "access_token": self._tokens.issue_access(user, scopes),
            "token_type": "Bearer",
            "expires_in": self._tokens.access_life,
            "scope": " ".join(scopes),
        }
        if refresh:
            body["refresh_token"] = refresh
        return answer_json(body)


def verify_challenge(challenge: str, verifier: str) -> bool:
    """Check a PKCE S256 challenge (RFC 7636 §4.6); a verifier has 43 to 128 characters."""
    if not 43 <= len(verifier) <= 128:
        return False
    digest = hashlib.sha256(verifier.encode()).digest()
    return hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"="), challenge.encode())
