"""The log of calls: what came in, for whom, what it was answered, whether it changed anything."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Any

from narada_sandbox.messages import Answer, Call

_SECRET = {
    "sk",
    "api_sig",
    "api_key",
    "token",
    "code",
    "client_secret",
    "refresh_token",
    "access_token",
    "code_verifier",
    "password",
}
_KEPT = 300_000


class CallLog:
    """The last calls and the counts of all. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()
        self._number = 0

    def note(self, call: Call, answer: Answer, time: float, faults: list[str]) -> None:
        """Add a call; ``time`` is when the service acted. Parameters that are secrets stay out."""
        entry = {
            "time": time,
            "service": call.service,
            "kind": call.kind,
            "http": call.http,
            "path": call.path,
            "params": {k: v for k, v in (*call.query, *call.form) if k not in _SECRET},
            "user": call.user,
            "status": answer.status,
            "reset": answer.reset,
            "effect": call.effect,
            "faults": faults,
        }
        with self._lock:
            self._number += 1
            entry["seq"] = self._number
            self._calls.append(entry)
            self._counts[f"{call.service} {call.kind}"] += 1

    def read(
        self, *, since: int = 0, service: str = "", kind: str = "", user: str = ""
    ) -> list[dict[str, Any]]:
        """Return the calls after number ``since`` that fit, oldest first."""
        with self._lock:
            calls = list(self._calls)
        return [
            call
            for call in calls
            if call["seq"] > since
            and (not service or call["service"] == service)
            and kind.casefold() in call["kind"].casefold()
            and (not user or call["user"] == user)
        ]

    def count(self) -> dict[str, int]:
        """Return how many calls of each kind there were, as "spotify GET /me/tracks": 20."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def clear(self) -> None:
        """Forget the calls and the counts; the numbers go on."""
        with self._lock:
            self._calls.clear()
            self._counts.clear()
