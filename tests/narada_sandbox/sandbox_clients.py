"""Small clients of the sandbox that know the services' rules on their own."""

from __future__ import annotations

import hashlib
from typing import Any

import requests
from waiting import PATIENCE

from narada_sandbox import LASTFM_API_KEY, LASTFM_API_SECRET
from narada_sandbox.server import Sandbox


class SpotifyClient(requests.Session):
    """Calls the sandbox's Web API as one of its users."""

    def __init__(self, box: Sandbox, user: str = "alice", scopes: str | None = None) -> None:
        super().__init__()
        self.box = box
        self.tokens = box.grant("spotify", user, scopes)
        self.headers["Authorization"] = f"Bearer {self.tokens['access_token']}"

    def api(self, path: str, method: str = "GET", **params: Any) -> requests.Response:
        return self.request(method, f"{self.box.url}/v1{path}", params=params, timeout=PATIENCE)


class LastfmClient(requests.Session):
    """Calls the sandbox's Last.fm with its own signature code."""

    def __init__(self, box: Sandbox, user: str = "") -> None:
        super().__init__()
        self.box = box
        self.key = box.grant("lastfm", user)["key"] if user else ""

    def read(self, method: str, **params: Any) -> requests.Response:
        params = {"method": method, "api_key": LASTFM_API_KEY, "format": "json", **params}
        return self.get(f"{self.box.url}/2.0/", params=params, timeout=PATIENCE)

    def write(self, method: str, **params: Any) -> requests.Response:
        params = {"method": method, "api_key": LASTFM_API_KEY, "sk": self.key, **params}
        params = {name: value for name, value in params.items() if value}
        params["api_sig"] = sign_by_hand(params)
        params["format"] = "json"
        return self.post(f"{self.box.url}/2.0/", data=params, timeout=PATIENCE)

    def list_loved(self, user: str) -> list[tuple[str, str]]:
        rows = self.read("user.getLovedTracks", user=user, limit=1000).json()
        return [(row["artist"]["name"], row["name"]) for row in rows["lovedtracks"]["track"]]


def sign_by_hand(params: dict[str, str], secret: str = LASTFM_API_SECRET) -> str:
    text = "".join(name + str(params[name]) for name in sorted(params))
    return hashlib.md5((text + secret).encode()).hexdigest()
