"""A request and an answer, as the stand-ins see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

Pairs = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Call:
    """One HTTP request.

    ``service`` is spotify, accounts, lastfm, consent, control or page; ``kind`` is what the log
    counts by ("GET /me/tracks", "track.love"). ``headers`` have lower-case names. ``twists``
    are set by faults and read where an answer is built (see ``faults.py``).
    """

    service: str
    kind: str
    http: str
    path: str
    query: Pairs
    form: Pairs
    headers: Mapping[str, str]
    body: bytes
    address: str
    base_url: str
    user: str = ""
    effect: bool = False
    twists: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def post(self, name: str, default: str = "") -> str:
        """Return the first value of a form field."""
        return next((value for key, value in self.form if key == name), default)


@dataclass(slots=True)
class Answer:
    """What goes back. ``reset`` closes the connection with a RST instead of answering;
    ``cut`` announces the whole length, sends half of the body and closes; ``pause`` is how long (s)
    it waits before each byte of its head and body."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Pairs = ()
    reset: bool = False
    cut: bool = False
    pause: float = 0.0


def answer_json(value: Any, status: int = 200, headers: Pairs = ()) -> Answer:
    """Return ``value`` as a JSON answer, non-ASCII characters as they are."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, headers=headers)


def answer_html(page: str, status: int = 200) -> Answer:
    """Return a page for a browser."""
    return Answer(status, page.encode(), "text/html; charset=utf-8")


def redirect(address: str) -> Answer:
    """Send a browser elsewhere; what cannot stand in a header is percent-encoded."""
    safe = quote(address, safe="%/:=&?~#+!$,;'@()*[]")
    return Answer(302, b"", "text/plain", (("Location", safe),))
