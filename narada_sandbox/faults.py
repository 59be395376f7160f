"""Faults that can be switched on: what real services have been seen to do, on demand.

A rule names a service, what to match and a kind; it fires for every matching call, or with a
probability, or for some ``times`` after the first ``after`` matching calls. Several rules may
fire for one call: delays add up, twists combine, and the first that answers in the service's
place wins.
"""

from __future__ import annotations

import gzip
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from narada_sandbox.lastfm.form import LastfmError, write_error
from narada_sandbox.messages import Answer, Call, answer_json
from narada_sandbox.spotify.accounts import answer_oauth_error
from narada_sandbox.spotify.api import NOT_REGISTERED, PREMIUM_LAPSED, answer_error

_HTML_502 = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"
DAY = 86_236
"""Seconds of Retry-After that clients saw after a used-up quota in August 2026."""

_SERVICES = {"spotify": ("spotify", "accounts"), "accounts": ("accounts",), "lastfm": ("lastfm",)}
_TWISTS = ("object_for_list", "missing_date", "other_user", "wobble", "page_twice")
_DELAYS = ("stall", "latency")
_MEANWHILE = "meanwhile"


class BadFault(ValueError):
    """A rule that makes no sense; the text says why."""


@dataclass(slots=True)
class Fault:
    """One rule. ``match`` is part of the log's kind ("GET /me/tracks", "track.love"), any case;
    ``about`` stands in one of the call's parameters, as the name of a track.
    ``row`` is a parameter of every kind: only calls for a page that shows this row of a list, from
    0, by their ``offset`` and ``limit``.

    Parameters by kind: status: ``status``, ``body``, ``content_type``; rate_limited and
    quota_exceeded: ``retry_after`` in seconds, null for none; lastfm_error: ``code`` and
    ``status``; stall: ``seconds``; latency: ``ms``; wobble: ``by``; cut_json: ``how`` "length"
    to break the connection; drip: ``ms`` before each byte; huge: ``bytes`` of blanks before the
    body, ``gzip`` true to pack them; edit: ``set`` replaces what stands ``at`` a place of a JSON
    answer ("lovedtracks.track.1"), objects key by key; not_allowlisted: ``json`` true for the other
    form clients report; meanwhile: ``path`` and ``order`` for the control API, carried out just
    before the call is answered, so that a list moves while it is read.
    """

    kind: str
    service: str = "*"
    match: str = ""
    user: str = ""
    about: str = ""
    probability: float = 1.0
    times: int | None = None
    after: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    fired: int = 0

    def applies_to(self, call: Call) -> bool:
        """Say whether the rule is about this call (its user is only known after the fact)."""
        if self.service != "*" and call.service not in _SERVICES[self.service]:
            return False
        if self.kind in _KIND_SERVICES and call.service not in _KIND_SERVICES[self.kind]:
            return False
        if self.about and not any(self.about in value for _, value in (*call.query, *call.form)):
            return False
        if "row" in self.parameters and not _shows_row(call, int(self.parameters["row"])):
            return False
        return self.match.casefold() in call.kind.casefold()

    def describe(self) -> dict[str, Any]:
        """Return the rule as JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


def _shows_row(call: Call, row: int) -> bool:
    asked = dict(call.query)
    offset = int(asked.get("offset", 0))
    return offset <= row < offset + int(asked.get("limit", 20))


def _answer_status(fault: Fault, call: Call) -> Answer:
    status = int(fault.parameters.get("status", 500))
    default = '{"error":{"status":%d,"message":"Server error."}}' % status  # noqa: UP031
    body = str(fault.parameters.get("body", default))
    kind = "text/html; charset=utf-8" if body.lstrip().startswith("<") else "application/json"
    return Answer(status, body.encode(), str(fault.parameters.get("content_type", kind)))


def _answer_html(fault: Fault, call: Call) -> Answer:
    return Answer(502, _HTML_502.encode(), "text/html; charset=utf-8")


def _answer_rate_limited(fault: Fault, call: Call) -> Answer:
    wait = fault.parameters.get("retry_after", 1)
    if call.service == "lastfm":
        answer = _answer_lastfm_error(Fault(fault.kind, parameters={"code": 29}), call)
    else:
        answer = answer_error(429, "API rate limit exceeded")
    if wait is not None:
        answer.headers += (("Retry-After", str(int(wait))),)
    return answer


def _answer_quota(fault: Fault, call: Call) -> Answer:
    answer = answer_error(429, "Too many requests", reason="QUOTA_EXCEEDED")
    wait = fault.parameters.get("retry_after", DAY)
    if wait is not None:
        answer.headers += (("Retry-After", str(int(wait))),)
    return answer


def _answer_lastfm_error(fault: Fault, call: Call) -> Answer:
    status = fault.parameters.get("status")
    form = "json" if ("format", "json") in (*call.query, *call.form) else "xml"
    error = LastfmError(
        int(fault.parameters.get("code", 8)), status=None if status is None else int(status)
    )
    return write_error(error, form)


def _answer_revoked(fault: Fault, call: Call) -> Answer:
    if call.service == "lastfm":
        return _answer_lastfm_error(Fault(fault.kind, parameters={"code": 9}), call)
    if call.service == "accounts":
        return answer_oauth_error("invalid_grant", "Refresh token revoked")
    return answer_error(401, "Invalid access token")


_ANSWERS: dict[str, Callable[[Fault, Call], Answer]] = {
    "status": _answer_status,
    "html_502": _answer_html,
    "rate_limited": _answer_rate_limited,
    "quota_exceeded": _answer_quota,
    "lastfm_error": _answer_lastfm_error,
    "reset_before": lambda fault, call: Answer(0, reset=True),
    "expired_token": lambda fault, call: answer_error(401, "The access token expired"),
    "revoked_token": _answer_revoked,
    "false_invalid_grant": lambda fault, call: answer_oauth_error(
        "invalid_grant", "Invalid refresh token"
    ),
    "premium_lapsed": lambda fault, call: answer_error(403, PREMIUM_LAPSED, plain=True),
    "not_allowlisted": lambda fault, call: answer_error(
        403, NOT_REGISTERED, plain=not fault.parameters.get("json")
    ),
}
_AFTERWARDS = ("reset_after", "cut_json", "drip", "huge", "edit")
KINDS = (*_ANSWERS, *_AFTERWARDS, *_TWISTS, *_DELAYS, _MEANWHILE)

_KIND_SERVICES: dict[str, tuple[str, ...]] = {
    "quota_exceeded": ("spotify",),
    "lastfm_error": ("lastfm",),
    "expired_token": ("spotify",),
    "false_invalid_grant": ("accounts",),
    "premium_lapsed": ("spotify",),
    "not_allowlisted": ("spotify",),
    "missing_date": ("lastfm",),
    "other_user": ("lastfm",),
}
"""Kinds that only make sense at some services; the others fit all."""


class Faults:
    """The rules in force. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cleared = threading.Event()
        self._rules: list[Fault] = []
        self._random = random.Random(1)

    def seed(self, seed: int) -> None:
        """Make the probabilities fall the same way again."""
        self._random.seed(seed)

    def add(self, rules: list[dict[str, Any]]) -> None:
        """Add rules, all or none; raises BadFault."""
        made = [read_rule(rule) for rule in rules]
        with self._lock:
            self._rules.extend(made)

    def clear(self) -> None:
        """Switch every fault off; calls that are kept waiting are answered now."""
        with self._lock:
            self._rules.clear()
            self._cleared.set()
            self._cleared = threading.Event()

    def describe(self) -> list[dict[str, Any]]:
        """Return the rules with how often they matched and fired."""
        with self._lock:
            return [rule.describe() for rule in self._rules]

    def pick(self, call: Call, user: str) -> list[Fault]:
        """Return the rules that fire for a call, in their order, and count them."""
        with self._lock:
            return [rule for rule in self._rules if self._fires(rule, call, user)]

    def keep_waiting(self, fired: list[Fault]) -> None:
        """Let a call wait as long as its rules say, or until they are cleared."""
        with self._lock:
            cleared = self._cleared
            in_force = all(any(rule is one for one in self._rules) for rule in fired)
        if in_force and (delay := sum_delays(fired)):
            cleared.wait(delay)

    def _fires(self, rule: Fault, call: Call, user: str) -> bool:
        if not rule.applies_to(call) or (rule.user and rule.user.casefold() != user.casefold()):
            return False
        rule.seen += 1
        if rule.seen <= rule.after or (rule.times is not None and rule.fired >= rule.times):
            return False
        if rule.probability < 1 and self._random.random() >= rule.probability:
            return False
        rule.fired += 1
        return True


def read_rule(rule: dict[str, Any]) -> Fault:
    """Turn JSON into a rule; unknown words are parameters of the kind. Raises BadFault."""
    known = {"kind", "service", "match", "user", "about", "probability", "times", "after"}
    inner = rule.get("parameters", {})
    if not isinstance(inner, dict):
        raise BadFault("parameters must be an object")
    parameters = {key: value for key, value in rule.items() if key not in {*known, "parameters"}}
    fault = Fault(
        **{key: value for key, value in rule.items() if key in known and key != "kind"},
        kind=str(rule.get("kind", "")),
        parameters={**parameters, **inner},
    )
    if fault.kind not in KINDS:
        raise BadFault(f"unknown kind {fault.kind!r}; there are {', '.join(KINDS)}")
    if fault.service != "*" and fault.service not in _SERVICES:
        raise BadFault(f"unknown service {fault.service!r}; there are {', '.join(_SERVICES)}, *")
    if not 0 <= fault.probability <= 1:
        raise BadFault("probability must be from 0 to 1")
    return fault


def sum_delays(fired: list[Fault]) -> float:
    """Return for how many seconds the call waits before anything happens."""
    stall = sum(float(f.parameters.get("seconds", 30)) for f in fired if f.kind == "stall")
    return (
        stall + sum(float(f.parameters.get("ms", 200)) for f in fired if f.kind == "latency") / 1e3
    )


def collect_twists(fired: list[Fault]) -> dict[str, Any]:
    """Return what the services do otherwise than usual: read where an answer is built."""
    twists: dict[str, Any] = {f.kind: True for f in fired if f.kind in _TWISTS}
    if "wobble" in twists:
        twists["wobble"] = sum(int(f.parameters.get("by", -1)) for f in fired if f.kind == "wobble")
    return twists


def list_orders(fired: list[Fault]) -> list[tuple[str, dict[str, Any]]]:
    """Return the orders to carry out before the call is answered, as (path, order)."""
    return [
        (str(fault.parameters.get("path")), dict(fault.parameters.get("order", {})))
        for fault in fired
        if fault.kind == _MEANWHILE
    ]


def answer_instead(fired: list[Fault], call: Call) -> Answer | None:
    """Return the answer of the first rule that answers before the service acts."""
    for fault in fired:
        if fault.kind in _ANSWERS:
            return _ANSWERS[fault.kind](fault, call)
    return None


def spoil_answer(fired: list[Fault], answer: Answer) -> Answer:
    """Spoil an answer after the service has acted."""
    for fault in fired:
        if fault.kind == "reset_after":
            return Answer(0, reset=True)
        if fault.kind == "cut_json" and fault.parameters.get("how") == "length":
            answer.cut = True
        elif fault.kind == "cut_json":
            answer.body = answer.body[: len(answer.body) // 2]
        elif fault.kind == "edit":
            answer.body = _edit(answer.body, fault.parameters)
        elif fault.kind == "drip":
            answer.pause = float(fault.parameters.get("ms", 100)) / 1e3
        elif fault.kind == "huge":
            answer.body = b" " * int(fault.parameters.get("bytes", 20_000_000)) + answer.body
            if fault.parameters.get("gzip"):
                answer.body = gzip.compress(answer.body)
                answer.headers += (("Content-Encoding", "gzip"),)
    return answer


def _edit(body: bytes, parameters: dict[str, Any]) -> bytes:
    """Return a JSON answer with one place of it replaced; one that has no such place stays."""
    try:
        place = document = [json.loads(body)]
        keys: list[Any] = [0]
        for key in filter(None, str(parameters.get("at", "")).split(".")):
            place = place[keys[-1]]
            keys.append(int(key) if isinstance(place, list) else key)
        old, new = place[keys[-1]], parameters.get("set")
        merged = isinstance(old, dict) and isinstance(new, dict)
        place[keys[-1]] = {**dict(old), **dict(new or {})} if merged else new
    except (ValueError, LookupError, TypeError):
        return body
    return json.dumps(document[0]).encode()


def answer_bad_fault(error: BadFault) -> Answer:
    """Return why a rule was refused."""
    return answer_json({"error": str(error)}, 400)
