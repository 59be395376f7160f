"""The one session: what each answer means, what is tried again, and that no secret is told."""

from __future__ import annotations

import base64
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors import http
from connectors.error_table import read_retry_at
from connectors.errors import (
    AuthorizationError,
    ConnectorError,
    RateLimited,
    RequestRejected,
    ServiceClosed,
    TemporaryError,
)
from connectors.http import ServiceSession, UnexpectedAnswer, ask_until_clear

API = "http://127.0.0.1:9/v1/me/tracks"
TOKEN = "http://127.0.0.1:9/api/token"
LASTFM = "http://127.0.0.1:9/2.0/"
LOVE = {"method": "track.love", "artist": "Björk", "track": "Jóga", "sk": "s" * 32}
READ = {"method": "user.getLovedTracks", "user": "ann", "format": "json"}
OK_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<lfm status="ok">\n</lfm>'


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(http, "sleep", slept.append)
    return slept


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def spotify(**options: Any) -> ServiceSession:
    return ServiceSession("spotify", **options)


def lastfm(**options: Any) -> ServiceSession:
    return ServiceSession("lastfm", **options)


# What an answer means


def say(status: int, message: str) -> dict[str, Any]:
    return {"error": {"status": status, "message": message}}


def oauth(error: str, description: str = "") -> dict[str, str]:
    return {"error": error} | ({"error_description": description} if description else {})


QUOTA = {"error": {"status": 429, "message": "Too many requests", "reason": "QUOTA_EXCEEDED"}}
NOT_LISTED = "User not registered in the Developer Dashboard"
PREMIUM = (
    "Active premium subscription required for the owner of the app. When the subscription status "
    "changes, it can take a few hours before requests are allowed again."
)
NO_BEARER = "Only valid bearer authentication supported"

SPOTIFY_ANSWERS: list[tuple[int, Any, type[ConnectorError], str]] = [
    (401, say(401, "The access token expired"), AuthorizationError, "expired"),
    (401, say(401, "Invalid access token"), AuthorizationError, "expired"),
    (401, say(401, "No token provided"), AuthorizationError, "expired"),
    (401, "", AuthorizationError, "expired"),
    (400, say(400, NO_BEARER), AuthorizationError, "expired"),
    (403, say(403, "Insufficient client scope"), AuthorizationError, "insufficient_scope"),
    (403, NOT_LISTED, AuthorizationError, "not_registered"),
    (403, say(403, NOT_LISTED), AuthorizationError, "not_registered"),
    (403, PREMIUM, ServiceClosed, "premium"),
    (403, say(403, "Forbidden"), RequestRejected, "removed"),
    (403, say(403, "Something new"), AuthorizationError, "forbidden"),
    (403, "<html><body>Blocked</body></html>", TemporaryError, ""),
    (404, say(404, "Resource not found"), RequestRejected, ""),
    (404, "<html><body>nginx</body></html>", TemporaryError, ""),
    (400, say(400, "Invalid base62 id"), RequestRejected, ""),
    (408, "Request timeout", TemporaryError, ""),
    (429, say(429, "API rate limit exceeded"), RateLimited, ""),
    (429, "Too many requests", RateLimited, ""),
    (429, QUOTA, RateLimited, "QUOTA_EXCEEDED"),
    (500, say(500, "Server error."), TemporaryError, ""),
    (502, say(502, "Bad gateway."), TemporaryError, ""),
    (503, "", TemporaryError, ""),
    (504, "<!DOCTYPE html><html><br></html>", TemporaryError, ""),
    (302, "", TemporaryError, ""),
    (200, "", TemporaryError, ""),
    (200, '{"items": [', TemporaryError, ""),
    (200, "[]", TemporaryError, ""),
    (200, "<html><body>Sign in to the hotel's WLAN</body></html>", TemporaryError, ""),
    (200, "[" * 100_000, TemporaryError, ""),
    (400, oauth("invalid_grant", "Refresh token revoked"), AuthorizationError, "invalid_grant"),
    (
        400,
        oauth("invalid_grant", "Authorization code expired"),
        AuthorizationError,
        "invalid_grant",
    ),
    (400, oauth("invalid_client", "Invalid client"), ServiceClosed, "invalid_client"),
    (401, oauth("invalid_client"), ServiceClosed, "invalid_client"),
    (
        400,
        oauth("invalid_request", "code_verifier was incorrect"),
        RequestRejected,
        "invalid_request",
    ),
    (400, oauth("unsupported_grant_type"), RequestRejected, "unsupported_grant_type"),
    (503, oauth("temporarily_unavailable"), TemporaryError, "temporarily_unavailable"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), SPOTIFY_ANSWERS)
def test_session_names_what_spotify_answers(
    web: responses.RequestsMock, status: int, body: Any, kind: type[ConnectorError], code: str
) -> None:
    text = {"body": body} if isinstance(body, str) else {"json": body}
    web.get(API, status=status, **text)
    with pytest.raises(ConnectorError) as caught:
        spotify(tries=1).get(API)
    error = caught.value
    assert (type(error), error.code, error.status) == (kind, code, status)
    assert error.service == "spotify"


LASTFM_CODES: list[tuple[int, int, type[ConnectorError]]] = [
    (2, 400, RequestRejected),
    (3, 400, RequestRejected),
    (4, 403, AuthorizationError),
    (5, 400, RequestRejected),
    (6, 400, RequestRejected),
    (6, 404, RequestRejected),
    (6, 200, RequestRejected),
    (7, 400, RequestRejected),
    (8, 500, TemporaryError),
    (8, 503, TemporaryError),
    (8, 200, TemporaryError),
    (9, 403, AuthorizationError),
    (10, 403, ServiceClosed),
    (11, 503, TemporaryError),
    (11, 200, TemporaryError),
    (12, 403, RequestRejected),
    (13, 403, ServiceClosed),
    (14, 403, AuthorizationError),
    (15, 403, AuthorizationError),
    (16, 503, TemporaryError),
    (16, 200, TemporaryError),
    (17, 403, AuthorizationError),
    (18, 403, RequestRejected),
    (26, 403, ServiceClosed),
    (27, 410, RequestRejected),
    (29, 429, RateLimited),
    (29, 200, RateLimited),
]


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize(("code", "status", "kind"), LASTFM_CODES)
def test_session_names_what_lastfm_answers(
    web: responses.RequestsMock, code: int, status: int, kind: type[ConnectorError], form: str
) -> None:
    xml = f'<lfm status="failed">\n <error code="{code}">No &amp; no</error>\n</lfm>'
    body = f'{{"error":{code},"message":"No & no","links":[]}}' if form == "json" else xml
    web.post(LASTFM, status=status, body=body)
    with pytest.raises(ConnectorError) as caught:
        lastfm(tries=1).post(LASTFM, data=READ if form == "json" else LOVE)
    error = caught.value
    assert (type(error), error.code, error.status) == (kind, str(code), status)
    method = READ["method"] if form == "json" else LOVE["method"]
    assert str(error) == f"Last.fm answered {status} to {method} (error {code}): No & no"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, ""),
        (200, "<foo/>"),
        (200, '<lfm status="ok"><track>'),
        (200, "{}"),
        (200, "ok"),
        (403, "error code: 1020"),
        (401, "<html></html>"),
        (404, "<html><head></head></html>"),
        (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
        (520, "error code: 520"),
    ],
)
def test_session_takes_what_is_not_lastfm_speaking_for_temporary(
    web: responses.RequestsMock, status: int, body: str
) -> None:
    web.post(LASTFM, status=status, body=body)
    with pytest.raises(TemporaryError) as caught:
        lastfm(tries=1).post(LASTFM, data=LOVE)
    assert type(caught.value) is TemporaryError
    assert caught.value.maybe_done


def test_session_names_lastfm_429_without_a_body_as_error_29(
    web: responses.RequestsMock, now: datetime
) -> None:
    web.post(LASTFM, status=429, body="<html><body>slow down</body></html>")
    with pytest.raises(RateLimited) as caught:
        lastfm().post(LASTFM, data=LOVE)
    assert caught.value.code == "29"
    assert caught.value.retry_at == now + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (OK_XML, LOVE),
        ("{}", LOVE | {"format": "json"}),
        (' {"a": 1, "error": null}\n', READ),
    ],
)
def test_session_returns_what_can_be_read(
    web: responses.RequestsMock, body: str, data: dict[str, str]
) -> None:
    web.post(LASTFM, body=body)
    assert lastfm().post(LASTFM, data=data).text == body


def test_session_reads_names_with_control_characters(web: responses.RequestsMock) -> None:
    web.post(LASTFM, body='<lfm status="ok"><track><name>a\x0bb</name></track></lfm>')
    web.post(LASTFM, body='{"track": "a\x0bb"}')
    assert lastfm().post(LASTFM, data=LOVE).ok
    session = lastfm()
    assert session.read_json(session.post(LASTFM, data=READ)) == {"track": "a\x0bb"}


def test_session_expects_a_list_from_contains_and_nothing_from_writes(
    web: responses.RequestsMock,
) -> None:
    web.get("http://127.0.0.1:9/v1/me/library/contains", json=[True])
    web.put("http://127.0.0.1:9/v1/me/library", body="")
    assert spotify().get("http://127.0.0.1:9/v1/me/library/contains?uris=u").json() == [True]
    assert spotify().put("http://127.0.0.1:9/v1/me/library?uris=u").status_code == 200


def test_session_does_not_follow_redirects(web: responses.RequestsMock) -> None:
    web.get(API, status=302, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    web.get("http://127.0.0.1:9/elsewhere", json={})
    with pytest.raises(TemporaryError, match="302"):
        spotify(tries=1).get(API, allow_redirects=True)
    assert [call.request.url for call in web.calls] == [API]


# What is tried again


def test_session_tries_again_with_growing_pauses(
    web: responses.RequestsMock, pauses: list[float]
) -> None:
    for body in ("", '{"items": [', "<html></html>"):
        web.get(API, status=200, body=body)
    web.get(API, json={"items": []})
    session = spotify()
    assert session.get(API).json() == {"items": []}
    assert session.calls == 4
    assert len(pauses) == 3
    assert all(0.7 <= pause / (0.4 * 2**n) <= 1.3 for n, pause in enumerate(pauses))


def test_session_gives_up_after_its_tries(web: responses.RequestsMock, pauses: list[float]) -> None:
    web.get(API, status=503)
    session = spotify(tries=4)
    with pytest.raises(TemporaryError, match="Spotify answered 503 to GET /v1/me/tracks"):
        session.get(API)
    assert (session.calls, len(pauses)) == (4, 3)
    assert sum(pauses) < 5


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_session_sends_what_was_refused_only_once(web: responses.RequestsMock, status: int) -> None:
    web.get(API, status=status, json={"error": {"status": status, "message": "No"}})
    session = spotify()
    with pytest.raises(ConnectorError):
        session.get(API)
    assert session.calls == 1


ONCE = [
    {"grant_type": "authorization_code", "code": "c"},
    {"method": "auth.getSession", "token": "t"},
    {"method": "track.scrobble"},
    {"anything": "else"},
]
AGAIN = [
    {"grant_type": "refresh_token", "refresh_token": "r"},
    {"method": "track.love"},
    {"method": "track.unlove"},
    {"method": "user.getLovedTracks"},
    {"method": "TRACK.LOVE"},
]


@pytest.mark.parametrize(("data", "calls"), [(d, 1) for d in ONCE] + [(d, 3) for d in AGAIN])
@pytest.mark.parametrize(
    "failure", [requests.ReadTimeout(), requests.ConnectionError("reset"), 500]
)
def test_session_repeats_a_post_only_where_it_does_no_harm(
    web: responses.RequestsMock, data: dict[str, str], calls: int, failure: Any
) -> None:
    answer = {"status": failure} if isinstance(failure, int) else {"body": failure}
    web.post(TOKEN, **answer)
    session = spotify(tries=3)
    with pytest.raises(TemporaryError) as caught:
        session.post(TOKEN, data=data)
    assert session.calls == calls
    assert caught.value.maybe_done


def test_session_never_repeats_get_session_asked_by_get(web: responses.RequestsMock) -> None:
    web.get(LASTFM, status=500)
    session = lastfm(tries=3)
    with pytest.raises(TemporaryError):
        session.get(LASTFM, params={"method": "auth.getSession", "token": "t"})
    assert session.calls == 1


@pytest.mark.parametrize("data", ONCE)
def test_session_repeats_anything_that_never_left(
    web: responses.RequestsMock, data: dict[str, str], pauses: list[float]
) -> None:
    refused = NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]
    web.post(TOKEN, body=requests.ConnectionError(MaxRetryError(None, "/", refused)))  # type: ignore[arg-type]
    web.post(TOKEN, body=requests.ConnectTimeout())
    web.post(TOKEN, body='{"access_token": "a"}')
    session = spotify(tries=3)
    assert session.post(TOKEN, data=data).ok
    assert (session.calls, len(pauses)) == (1, 2)


@pytest.mark.parametrize("last", ["refused", 429])
def test_session_remembers_that_an_earlier_try_may_have_arrived(
    web: responses.RequestsMock, last: Any
) -> None:
    web.post(LASTFM, body=requests.ReadTimeout())
    if last == 429:
        web.post(LASTFM, status=429)
    else:
        web.post(LASTFM, body=requests.ConnectTimeout())
    with pytest.raises(TemporaryError) as caught:
        lastfm(tries=2).post(LASTFM, data=LOVE)
    assert caught.value.maybe_done


def test_session_says_when_nobody_answers() -> None:
    with pytest.raises(TemporaryError, match="Spotify cannot be reached") as caught:
        spotify(tries=2).get("http://127.0.0.1:1/v1/me")
    assert not caught.value.maybe_done
    assert isinstance(caught.value.__cause__, requests.ConnectionError)


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/", "http://", "http://[::1"])
def test_session_refuses_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ConnectorError, match="address in the settings is not valid"):
        spotify(tries=1).get(address)


# Rate limits


@pytest.mark.parametrize("wait", ["0", "1", "3"])
def test_session_waits_once_for_a_short_retry_after(
    web: responses.RequestsMock, pauses: list[float], now: datetime, wait: str
) -> None:
    web.get(API, status=429, headers={"Retry-After": wait})
    web.get(API, json={"total": 0})
    held: list[object] = []
    session = spotify(on_hold=lambda *hold: held.append(hold))
    assert session.get(API).json() == {"total": 0}
    (pause,) = pauses
    assert int(wait) <= pause <= int(wait) + 0.5
    assert (session.calls, held) == (2, [])


def test_session_holds_after_a_second_short_retry_after(
    web: responses.RequestsMock, now: datetime
) -> None:
    web.get(API, status=429, headers={"Retry-After": "2"})
    held: list[tuple[datetime, str]] = []
    session = spotify(on_hold=lambda *hold: held.append(hold))
    with pytest.raises(RateLimited):
        session.get(API)
    ((retry_at, reason),) = held
    assert (session.calls, reason) == (2, "429")
    assert retry_at == now + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("body", "header", "seconds", "reason"),
    [
        ({"error": {"status": 429, "message": "Slow"}}, "86236", 86236, "429"),
        ({"error": {"status": 429, "message": "Slow"}}, None, 60, "429"),
        ({"error": {"status": 429, "message": "Slow"}}, "soon", 60, "429"),
        ({"error": {"status": 429, "message": "Slow"}}, "nan", 60, "429"),
        ({"error": {"status": 429, "message": "Slow"}}, "9" * 30, 7 * 86400, "429"),
        (QUOTA, None, 1800, "QUOTA_EXCEEDED"),
        (QUOTA, "86236", 86236, "QUOTA_EXCEEDED"),
        (QUOTA, "3", 3, "QUOTA_EXCEEDED"),
        ({"error": 29, "message": "Rate Limit Exceeded"}, None, 60, "29"),
        ({"error": 29, "message": "Rate Limit Exceeded"}, "120", 120, "29"),
    ],
)
def test_session_holds_the_deployment_back(
    web: responses.RequestsMock,
    pauses: list[float],
    now: datetime,
    body: Any,
    header: str | None,
    seconds: float,
    reason: str,
) -> None:
    web.get(API, status=429, json=body, headers={"Retry-After": header} if header else {})
    held: list[tuple[datetime, str]] = []
    session = spotify(on_hold=lambda *hold: held.append(hold))
    with pytest.raises(RateLimited) as caught:
        session.get(API)
    assert held == [(caught.value.retry_at, reason)]
    assert caught.value.retry_at == now + timedelta(seconds=seconds)
    assert (session.calls, pauses) == (1, [])


def test_read_retry_at_understands_http_dates(now: datetime) -> None:
    when = now.replace(microsecond=0) + timedelta(hours=3)
    assert read_retry_at(format_datetime(when, usegmt=True), "") == when
    past = now - timedelta(hours=3)
    assert read_retry_at(format_datetime(past, usegmt=True), "") == now


class CountingBudget:
    """A budget that lets ``free`` requests out and then refuses."""

    def __init__(self, free: int = 1000) -> None:
        self.free = free
        self.held: list[datetime] = []

    def acquire(self) -> None:
        if self.free <= 0:
            raise RateLimited("held", service="spotify", retry_at=datetime.now(UTC))
        self.free -= 1

    def hold(self, until: datetime) -> None:
        self.held.append(until)


def test_session_takes_every_try_from_the_budget(web: responses.RequestsMock) -> None:
    web.get(API, status=500)
    budget: Any = CountingBudget(free=2)
    held: list[object] = []
    session = spotify(budget=budget, on_hold=lambda *hold: held.append(hold))
    with pytest.raises(RateLimited, match="held"):
        session.get(API)
    assert (session.calls, held) == (2, [])


def test_session_takes_a_longer_hold_from_whoever_keeps_it(web: responses.RequestsMock) -> None:
    web.get(API, status=429, headers={"Retry-After": "900"})
    later = datetime.now(UTC) + timedelta(hours=2)
    with pytest.raises(RateLimited) as caught:
        spotify(on_hold=lambda retry_at, reason: later).get(API)
    assert caught.value.retry_at == later


def test_session_tells_its_budget_of_a_hold(web: responses.RequestsMock) -> None:
    web.get(API, status=429, headers={"Retry-After": "900"})
    budget: Any = CountingBudget()
    with pytest.raises(RateLimited) as caught:
        spotify(budget=budget).get(API)
    assert budget.held == [caught.value.retry_at]


# What is sent


def test_session_names_itself_and_has_a_timeout(web: responses.RequestsMock) -> None:
    web.get(API, json={})
    spotify(timeout=(3, 7)).get(API)
    (call,) = web.calls
    agent = call.request.headers["User-Agent"]
    assert agent.startswith("Narada/")
    assert agent.endswith(" (+https://github.com/narada-music/narada)")
    assert call.request.req_kwargs["timeout"] == (3, 7)  # type: ignore[attr-defined]


def test_session_keeps_no_cookies(web: responses.RequestsMock) -> None:
    web.get(API, json={}, headers={"Set-Cookie": "sp_t=one-user; Path=/"})
    session = spotify()
    session.get(API)
    session.get(API)
    assert "Cookie" not in web.calls[1].request.headers


def test_session_does_not_take_a_password_from_netrc(
    web: responses.RequestsMock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    web.get(API, json={})
    spotify().get(API, headers={"Authorization": "Bearer mine"})
    assert web.calls[0].request.headers["Authorization"] == "Bearer mine"


def test_session_counts_calls_of_many_threads(web: responses.RequestsMock) -> None:
    web.get(API, json={})
    session = spotify()
    barrier = threading.Barrier(8)

    def ask(_: int) -> None:
        barrier.wait()
        for _ in range(10):
            session.get(API)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert session.calls == 80


# Asking again for what is readable but wrong


def test_ask_until_clear_asks_again_and_gives_up() -> None:
    asked: list[int] = []

    def ask(clear_after: int) -> Callable[[], str]:
        def once() -> str:
            asked.append(1)
            if len(asked) <= clear_after:
                raise UnexpectedAnswer("odd", service="lastfm")
            return "clear"

        return once

    assert ask_until_clear(ask(2)) == "clear"
    assert len(asked) == 3
    asked.clear()
    with pytest.raises(TemporaryError, match="odd"):
        ask_until_clear(ask(5))
    assert len(asked) == 3


# Secrets

SECRET = "BQDsecretsecretsecretsecretsecretsecret0123456789"


@pytest.mark.parametrize("answer", [requests.ReadTimeout(f"url: /2.0/?api_key={SECRET}"), "echo"])
def test_session_tells_no_secret(
    web: responses.RequestsMock, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    body = answer if answer != "echo" else f"no: {SECRET}"
    for url in (API, LASTFM):
        web.add("GET", url, body=body, status=500)
        web.add("POST", url, body=body, status=500)
    basic = base64.b64encode(f"id:{SECRET}".encode()).decode()
    said = []
    for call in (
        lambda: spotify().get(API, headers={"Authorization": f"Bearer {SECRET}"}),
        lambda: spotify().post(API, data={"refresh_token": SECRET}, auth=("id", SECRET)),
        lambda: lastfm().get(LASTFM, params={"method": "user.getInfo", "sk": SECRET}),
        lambda: lastfm().post(LASTFM, data={"method": SECRET, "sk": SECRET}),
    ):
        with pytest.raises(TemporaryError) as caught:
            call()
        said.append("".join(traceback.format_exception(caught.value)))
        said.append(repr(caught.value) + repr(caught.value.args))
    said += [record.getMessage() for record in caplog.records]
    assert caplog.records
    assert not [line for line in said if SECRET in line or basic in line]


@pytest.mark.parametrize(
    "name", ["spotipy.client", "spotipy.oauth2", "pylast", "httpx2", "urllib3.connectionpool"]
)
def test_libraries_do_not_log_tokens_at_debug(name: str) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
