"""Last.fm's API 2.0: dispatch, keys, signatures, sessions and the consent page.

After Last.fm's own pages (web and desktop authentication, authentication specification) and what
clients have recorded of its answers.
"""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable

from narada_sandbox import LASTFM_API_KEY, LASTFM_API_SECRET
from narada_sandbox.lastfm.form import LastfmError, sign, write_answer, write_error
from narada_sandbox.lastfm.reads import READS
from narada_sandbox.lastfm.request import LastfmRequest
from narada_sandbox.messages import Answer, Call, answer_html, redirect
from narada_sandbox.pages import render_consent, render_message
from narada_sandbox.tokens import TOKEN_LIFE, Tokens
from narada_sandbox.world.state import State, User

WINDOW = 300.0
"""Last.fm's terms count an address's calls over five minutes."""


class LastfmLimits:
    """How many calls an address may make; None switches a limit off."""

    def __init__(self) -> None:
        self.per_five_minutes: int | None = None
        self.per_second: int | None = None
        self._seen: dict[str, deque[float]] = {}

    def admit(self, address: str, now: float) -> bool:
        """Count a call and say whether it is within the limits."""
        if self.per_five_minutes is None and self.per_second is None:
            return True
        times = self._seen.setdefault(address, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        recent = 0
        for moment in reversed(times):
            if moment <= now - 1:
                break
            recent += 1
        if self.per_five_minutes is not None and len(times) >= self.per_five_minutes:
            return False
        if self.per_second is not None and recent >= self.per_second:
            return False
        times.append(now)
        return True

    def forget(self) -> None:
        """Start counting anew."""
        self._seen.clear()


class LastfmApi:
    """Answers ``/2.0/`` and ``/api/auth/``."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens
        self.limits = LastfmLimits()
        self._signed: dict[str, Callable[[LastfmRequest], dict[str, object]]] = {
            "auth.gettoken": self._get_token,
            "auth.getsession": self._get_session,
            "track.love": self._love,
            "track.unlove": self._unlove,
        }

    def answer(self, call: Call) -> Answer:
        """Answer one call in the form it asks for."""
        request = read_request(call)
        try:
            return write_answer(self._dispatch(request), request.form)
        except LastfmError as error:
            return write_error(error, request.form)

    def _dispatch(self, request: LastfmRequest) -> dict[str, object]:
        method = request.method
        if request.form not in ("json", "xml"):
            raise LastfmError(5)
        if not self.limits.admit(request.call.address, self._state.now()):
            raise LastfmError(29)
        if method not in self._signed and method not in READS:
            raise LastfmError(3)
        if request.get("api_key") != LASTFM_API_KEY:
            raise LastfmError(10)
        if method in self._signed or request.get("sk"):
            self._check_signature(request)
        if request.get("sk") or method in ("track.love", "track.unlove"):
            request.user = self._find_session_user(request)
        if method in READS:
            return READS[method](self._state, request)
        return self._signed[method](request)

    def _check_signature(self, request: LastfmRequest) -> None:
        given = request.get("api_sig").lower().encode()
        if not hmac.compare_digest(given, sign(request.parameters, LASTFM_API_SECRET).encode()):
            raise LastfmError(13)

    def _find_session_user(self, request: LastfmRequest) -> User:
        session = self._tokens.sessions.get(request.get("sk"))
        user = self._state.find_user(session.user) if session else None
        if session is None or user is None or session.revoked:
            raise LastfmError(9)
        request.call.user = user.name
        return user

    def _get_token(self, request: LastfmRequest) -> dict[str, object]:
        return {"token": self._tokens.issue_request()}

    def _get_session(self, request: LastfmRequest) -> dict[str, object]:
        key = request.get("token")
        token = self._tokens.requests.get(key)
        if token is None or token.used:
            raise LastfmError(4)
        if self._state.now() >= token.created_at + TOKEN_LIFE:
            raise LastfmError(15)
        user = self._state.find_user(token.user)
        if user is None:
            raise LastfmError(14)
        token.used = True
        self._tokens.keep(key, token)
        request.call.user, request.call.effect = user.name, True
        session = self._tokens.issue_session(user.name)
        return {"session": {"subscriber": 0, "name": user.name, "key": session}}

    def _love(self, request: LastfmRequest) -> dict[str, object]:
        user, artist, title = self._read_love(request)
        request.call.effect = self._state.love(user, artist, title)
        return {}

    def _unlove(self, request: LastfmRequest) -> dict[str, object]:
        user, artist, title = self._read_love(request)
        request.call.effect = self._state.unlove(user, artist, title)
        return {}

    def _read_love(self, request: LastfmRequest) -> tuple[User, str, str]:
        if request.call.http != "POST":
            raise LastfmError(6, "Invalid parameters - This method must be called with POST")
        artist, title = request.require("artist"), request.require("track")
        assert request.user is not None  # _dispatch found the session's user
        return request.user, artist, title

    def consent(self, call: Call) -> Answer:
        """Show the consent page (GET) or act on its form (POST: ``user`` and ``answer``).

        With ``cb`` it is the web flow, with ``token`` the desktop flow. Declining calls nothing:
        Last.fm documents no answer for it.
        """
        if call.get("api_key") != LASTFM_API_KEY:
            return answer_html(render_message("Last.fm", "Invalid API key"), 400)
        key, back = call.get("token"), call.get("cb")
        token = self._tokens.requests.get(key)
        if not back and (token is None or token.used):
            text = "There is neither a callback nor a token that has been issued."
            return answer_html(render_message("Last.fm", text), 400)
        if call.http != "POST":
            users = [(user.name, True) for user in self._state.users.values()]
            wishes = ["everything: Last.fm has no scopes"]
            return answer_html(render_consent("Last.fm", users, wishes))
        if call.post("answer") != "allow":
            return answer_html(render_message("Last.fm", "You did not connect the app."))
        user = self._state.find_user(call.post("user"))
        if user is None:
            return answer_html(render_message("Last.fm", "There is no such user."), 400)
        call.user, call.effect = user.name, True
        if back:
            issued = self._tokens.issue_request(user.name)
            return redirect(f"{back}{'&' if '?' in back else '?'}token={issued}")
        assert token is not None  # without a callback it was found above
        token.user = user.name
        self._tokens.keep(key, token)
        text = "You have connected the app. You can close this window."
        return answer_html(render_message("Last.fm", text))


def read_request(call: Call) -> LastfmRequest:
    """Gather the parameters: of the form body for a POST that has one, else of the address.

    Last.fm's REST page wants all parameters of a write in the body, the method included.
    """
    parameters = call.form or call.query if call.http == "POST" else call.query
    named = dict(reversed(parameters))
    form = named.get("format", "").lower() or "xml"
    return LastfmRequest(call, parameters, named, named.get("method", "").lower(), form)
