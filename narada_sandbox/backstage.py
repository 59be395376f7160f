"""What stands behind both stand-ins: their state, tokens, faults, limits and log."""

from __future__ import annotations

import random
from collections import deque
from pathlib import Path
from typing import Any

from narada_sandbox.calls import CallLog
from narada_sandbox.faults import Faults
from narada_sandbox.lastfm.api import LastfmApi
from narada_sandbox.messages import Answer
from narada_sandbox.spotify.accounts import SpotifyAccounts
from narada_sandbox.spotify.api import SpotifyApi, answer_error
from narada_sandbox.tokens import Tokens
from narada_sandbox.world.people import Taste, populate
from narada_sandbox.world.state import State
from narada_sandbox.world.store import Store

SPOTIFY_WINDOW = 30.0
"""Spotify counts an app's calls over a rolling 30 seconds (its rate limits page)."""


class Backstage:
    """The two services and all that an order may change of them."""

    def __init__(self, state_path: Path | None, taste: Taste) -> None:
        self.state = State(Store(state_path))
        self.tokens = Tokens(self.state)
        self.faults = Faults()
        self.log = CallLog()
        self.chance = random.Random(taste.seed)
        self.spotify = SpotifyApi(self.state, self.tokens)
        self.accounts = SpotifyAccounts(self.state, self.tokens)
        self.lastfm = LastfmApi(self.state, self.tokens)
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

    def limit_spotify(self) -> Answer | None:
        """Count a call to Spotify; return its refusal if the window is full."""
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
