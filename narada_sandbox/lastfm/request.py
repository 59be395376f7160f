"""One request to Last.fm's API, its parameters read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from narada_sandbox.lastfm.form import LastfmError
from narada_sandbox.messages import Call, Pairs
from narada_sandbox.world.state import User


@dataclass(slots=True)
class LastfmRequest:
    """``user`` is the session's, where an ``sk`` was sent; ``form`` is "json" or "xml"."""

    call: Call
    parameters: Pairs
    named: dict[str, str]
    method: str
    form: str
    user: User | None = None

    def get(self, name: str) -> str:
        """Return a parameter, empty where it is missing."""
        return self.named.get(name, "")

    def require(self, name: str) -> str:
        """Return a parameter; raises error 6 where it is missing or empty."""
        value = self.named.get(name, "")
        if not value.strip():
            text = f"Invalid parameters - Your request is missing the [{name}] parameter"
            raise LastfmError(6, text)
        return value

    def read_name(self, name: str) -> str:
        """Return an artist or track as the catalogue's reads take it: decoded a second time.

        Measured on the live service in 2026-09 (navidrome's pull request 6158): ``+`` becomes a
        space and ``%41`` an ``A``. Never so for love, unlove and auth.
        """
        return unquote_plus(self.get(name))

    def read_number(self, name: str, default: int, most: int) -> int:
        """Return a number from 1 to ``most``; raises error 6 in Last.fm's words."""
        text = self.get(name)
        if not text:
            return default
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not 1 <= int(text) <= most:
            raise LastfmError(6, f"{name} param out of bounds (1-{most})")
        return int(text)
