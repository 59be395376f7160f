"""Both stand-ins around one state: a call in, an answer out."""

from __future__ import annotations

import random
import re
from collections import deque
from pathlib import Path
from typing import Any

from narada_sandbox.calls import CallLog
from narada_sandbox.control import Control
from narada_sandbox.faults import Faults, answer_instead, collect_twists, list_orders, spoil_answer
from narada_sandbox.lastfm.api import LastfmApi
from narada_sandbox.messages import Answer, Call, answer_html
from narada_sandbox.pages import render_landing, render_message
from narada_sandbox.settings import make_settings
from narada_sandbox.spotify.accounts import SpotifyAccounts
from narada_sandbox.spotify.api import SpotifyApi, answer_error
from narada_sandbox.tokens import Tokens
from narada_sandbox.world.people import Taste, populate
from narada_sandbox.world.state import State
from narada_sandbox.world.store import Store

_METHODS = {
    name.lower(): name
    for name in (
        "auth.getToken",
        "auth.getSession",
        "track.love",
        "track.unlove",
        "track.getInfo",
        "track.getCorrection",
        "track.search",
        "artist.getCorrection",
        "user.getLovedTracks",
        "user.getTopTracks",
        "user.getRecentTracks",
        "user.getInfo",
    )
}
SPOTIFY_WINDOW = 30.0
"""Spotify counts an app's calls over a rolling 30 seconds (its rate limits page)."""


class Services:
    """Everything behind the one port."""

    def __init__(self, state_path: Path | None, taste: Taste) -> None:
        self.state = State(Store(state_path))
        self.tokens = Tokens(self.state)
        self.faults = Faults()
        self.log = CallLog()
        self.chance = random.Random(taste.seed)
        self.spotify = SpotifyApi(self.state, self.tokens)
        self.accounts = SpotifyAccounts(self.state, self.tokens)
        self.lastfm = LastfmApi(self.state, self.tokens)
        self.control = Control(self)
        self.spotify_per_window: int | None = None
        self._spotify_times: deque[float] = deque()
        if self.state.load():
            self.tokens.load()
        else:
            self._populate(taste)

    def reset(self, taste: Taste) -> None:
        """Start anew: other users, no tokens, no faults, no limits, an empty log."""
        self.state.clear()
        self.tokens.clear()
        self.spotify.forget_rendered()
        self.faults.clear()
        self.faults.seed(taste.seed)
        self.log.clear()
        self.set_limits({})
        self.chance.seed(taste.seed)
        self._populate(taste)

    def _populate(self, taste: Taste) -> None:
        """Make the usual people; a process killed meanwhile leaves none of them behind."""
        with self.state.store.transaction():
            populate(self.state, taste)

    def set_limits(self, limits: dict[str, Any]) -> dict[str, Any]:
        """Set every limit; one that is not named is off, or as usual."""
        self.lastfm.limits.per_five_minutes = limits.get("lastfm_per_five_minutes")
        self.lastfm.limits.per_second = limits.get("lastfm_per_second")
        self.lastfm.limits.forget()
        self.spotify_per_window = limits.get("spotify_per_30_seconds")
        self._spotify_times.clear()
        self.tokens.access_life = limits.get("access_token_seconds", 3600)
        self.tokens.rotate_always = limits.get("rotate_refresh_tokens", False)
        self.state.allowlist_limit = limits.get("allowlist", 5)
        return {
            "lastfm_per_five_minutes": self.lastfm.limits.per_five_minutes,
            "lastfm_per_second": self.lastfm.limits.per_second,
            "spotify_per_30_seconds": self.spotify_per_window,
            "access_token_seconds": self.tokens.access_life,
            "rotate_refresh_tokens": self.tokens.rotate_always,
            "allowlist": self.state.allowlist_limit,
        }

    def answer(self, call: Call) -> Answer:
        """Answer one call, with the faults that are switched on, and note it in the log."""
        if call.service in ("control", "page"):
            with self.state.lock:
                return self._act(call)
        fired = self.faults.pick(call, self._guess_user(call))
        self.faults.keep_waiting(fired)
        call.twists = collect_twists(fired)
        with self.state.lock:
            for path, order in list_orders(fired):
                self.control.run(path, order)
            moment = self.state.now()
            answer = answer_instead(fired, call) or self._act(call)
        answer = spoil_answer(fired, answer)
        call.user = call.user or self._guess_user(call)
        self.log.note(call, answer, moment, [fault.kind for fault in fired])
        return answer

    def _act(self, call: Call) -> Answer:
        match call.service:
            case "spotify":
                return self._limit_spotify() or self.spotify.answer(call)
            case "accounts":
                return self.accounts.token(call)
            case "lastfm":
                return self.lastfm.answer(call)
            case "consent":
                spotify = call.path == "/authorize"
                return self.accounts.authorize(call) if spotify else self.lastfm.consent(call)
            case "control":
                return self.control.answer(call)
        return self._show_page(call)

    def _limit_spotify(self) -> Answer | None:
        if self.spotify_per_window is None:
            return None
        now, times = self.state.now(), self._spotify_times
        while times and times[0] <= now - SPOTIFY_WINDOW:
            times.popleft()
        if len(times) < self.spotify_per_window:
            times.append(now)
            return None
        answer = answer_error(429, "API rate limit exceeded")
        wait = int(times[0] + SPOTIFY_WINDOW - now) + 1
        answer.headers += (("Retry-After", str(wait)),)
        return answer

    def _guess_user(self, call: Call) -> str:
        """Say whose call it is by its token or name, before anything was checked."""
        if call.service == "spotify":
            access = self.tokens.access.get(call.headers.get("authorization", "").partition(" ")[2])
            return access.user if access else ""
        if call.service == "accounts":
            refresh = self.tokens.refresh.get(call.post("refresh_token"))
            return refresh.user if refresh else ""
        session = self.tokens.sessions.get(call.post("sk") or call.get("sk"))
        return session.user if session else call.get("user") or call.post("user")

    def _show_page(self, call: Call) -> Answer:
        if call.path != "/":
            return answer_html(render_message("nothing", "There is nothing at this address."), 404)
        rows = [
            (
                user.name,
                f"{len(user.likes):,}",
                f"{len(user.loves):,}",
                f"{len(user.library):,}",
                "yes" if user.allowlisted else "no",
            )
            for user in self.state.users.values()
        ]
        return answer_html(render_landing(call.base_url, make_settings(call.base_url), rows))


def name_call(http: str, path: str, parameters: dict[str, str]) -> tuple[str, str]:
    """Return the service a request goes to and the kind that the log counts it by."""
    if path.startswith("/v1/") or path == "/v1":
        short = re.sub(r"/[0-9A-Za-z]{22}\b", "/{id}", path.removeprefix("/v1").rstrip("/"))
        return "spotify", f"{http} {short}"
    if path == "/api/token":
        return "accounts", f"{http} /api/token"
    if path.rstrip("/") == "/2.0":
        method = parameters.get("method", "")
        return "lastfm", _METHODS.get(method.lower(), method)
    if path == "/authorize" or path.rstrip("/") == "/api/auth":
        return "consent", f"{http} {path}"
    if path.startswith("/sandbox"):
        return "control", f"{http} {path}"
    return "page", f"{http} {path}"
