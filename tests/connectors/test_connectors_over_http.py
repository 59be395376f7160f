"""Both connectors over real HTTP, with the faults that real services have shown."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from waiting import PATIENCE

from connectors import http
from connectors.errors import AuthorizationError, RateLimited, ServiceClosed, TemporaryError
from connectors.http import ServiceSession
from connectors.lastfm import LastfmConnector
from connectors.limits import Budget
from connectors.spotify import SpotifyAccounts, SpotifyConnector
from narada_sandbox.server import Sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(likes=130, seed=3) as box:
        yield box


@pytest.fixture
def box(running: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr(http, "sleep", lambda seconds: None)
    running.clear_calls()
    yield running
    running.clear_faults()


def open_accounts(box: Sandbox) -> SpotifyAccounts:
    settings = box.environ()
    return SpotifyAccounts(
        settings["SPOTIFY_CLIENT_ID"],
        settings["SPOTIFY_CLIENT_SECRET"],
        settings["SPOTIFY_ACCOUNTS_URL"],
        ServiceSession("spotify"),
    )


def connect_spotify(box: Sandbox, **options: Any) -> SpotifyConnector:
    granted = box.grant("spotify", "alice")
    tokens = [granted["access_token"]]

    def hand_out(force: bool) -> str:
        if force:
            tokens.append(open_accounts(box).refresh(granted["refresh_token"]).access_token)
        return str(tokens[-1])

    session = ServiceSession("spotify", **options)
    return SpotifyConnector(hand_out, api_url=box.environ()["SPOTIFY_API_URL"], http=session)


def connect_lastfm(box: Sandbox, **options: Any) -> LastfmConnector:
    settings = box.environ()
    return LastfmConnector(
        settings["LASTFM_API_KEY"],
        settings["LASTFM_API_SECRET"],
        api_url=settings["LASTFM_API_URL"],
        auth_url=settings["LASTFM_AUTH_URL"],
        http=ServiceSession("lastfm", **options),
        session_key=box.grant("lastfm", "alice")["key"],
        username="alice",
    )


def list_likes(box: Sandbox) -> list[str]:
    rows = box.order("likes/alice", http="GET")["likes"]
    return [row["service_id"] for row in rows if row["kind"] == "track"]


def list_loves(box: Sandbox) -> list[tuple[str, str]]:
    return [(row["artist"], row["title"]) for row in box.order("loves/alice", http="GET")["loves"]]


def read_ids(spotify: SpotifyConnector) -> list[str]:
    return [row.track.service_id for row in spotify.get_liked_tracks() if row.track]


# Spotify


def test_spotify_lists_every_like(box: Sandbox) -> None:
    spotify = connect_spotify(box)
    rows = list(spotify.get_liked_tracks())
    assert len(rows) == 130
    assert [row.track.service_id for row in rows if row.track] == list_likes(box)
    assert {row.unavailable for row in rows if not row.track} == {
        "no longer on Spotify",
        "local file",
    }
    assert box.count_calls() == {"spotify GET /me/tracks": 3}
    assert all(row.liked_at for row in rows)


def test_spotify_names_the_user_and_what_is_saved(box: Sandbox) -> None:
    spotify = connect_spotify(box)
    assert spotify.get_user().uid == box.grant("spotify", "alice")["account_id"]
    ids = list_likes(box)[:45]
    assert spotify.contains([*ids, "0" * 22]) == dict.fromkeys(ids, True) | {"0" * 22: False}


def test_spotify_refreshes_an_expired_token(box: Sandbox) -> None:
    spotify = connect_spotify(box)
    box.order("expire", {"user": "alice"})
    assert len(spotify.get_liked_page().items) == 50


def test_spotify_revoked_needs_a_person(box: Sandbox) -> None:
    spotify = connect_spotify(box)
    box.order("revoke", {"user": "alice", "service": "spotify"})
    with pytest.raises(AuthorizationError) as caught:
        spotify.get_user()
    assert caught.value.code == "invalid_grant"


READ_FAULTS: list[dict[str, Any]] = [
    {"kind": "status", "parameters": {"status": 500}},
    {"kind": "html_502"},
    {"kind": "status", "parameters": {"status": 503, "body": ""}},
    {"kind": "rate_limited", "parameters": {"retry_after": 1}},
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "cut_json"},
    {"kind": "object_for_list"},
    {"kind": "page_twice"},
]


@pytest.mark.parametrize("fault", READ_FAULTS, ids=lambda fault: str(fault["kind"]))
def test_spotify_reads_through_a_fault(box: Sandbox, fault: dict[str, Any]) -> None:
    spotify = connect_spotify(box)
    box.add_faults({"service": "spotify", "match": "/me/tracks", "after": 1, "times": 1} | fault)
    assert read_ids(spotify) == list_likes(box)
    assert len(box.calls("spotify")) == 4


def test_spotify_reads_while_one_call_in_five_fails(box: Sandbox) -> None:
    spotify = connect_spotify(box, tries=8)
    box.add_faults(
        {"kind": "html_502", "service": "spotify", "probability": 0.1},
        {"kind": "cut_json", "service": "spotify", "probability": 0.1},
    )
    pages = list(spotify.get_liked_pages(page_size=5))
    assert sum(len(page.items) for page in pages) == 130


def test_spotify_survives_a_total_that_wobbles(box: Sandbox) -> None:
    spotify = connect_spotify(box)
    box.add_faults({"kind": "wobble", "service": "spotify", "after": 1, "times": 1})
    assert set(list_likes(box)) <= set(read_ids(spotify))


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("premium_lapsed", ServiceClosed, "premium"),
        ("not_allowlisted", AuthorizationError, "not_registered"),
    ],
)
def test_spotify_tells_why_it_is_shut(
    box: Sandbox, fault: str, kind: type[Exception], code: str
) -> None:
    spotify = connect_spotify(box)
    box.add_faults({"kind": fault, "service": "spotify"})
    with pytest.raises(kind) as caught:
        spotify.get_liked_page()
    assert getattr(caught.value, "code", "") == code
    assert len(box.calls("spotify")) == 1


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ({"kind": "quota_exceeded"}, 86_236),
        ({"kind": "quota_exceeded", "parameters": {"retry_after": None}}, 1800),
        ({"kind": "rate_limited", "parameters": {"retry_after": 3600}}, 3600),
    ],
)
def test_spotify_that_is_used_up_holds(
    box: Sandbox, now: datetime, fault: dict[str, Any], seconds: float
) -> None:
    held: list[datetime] = []
    spotify = connect_spotify(box, on_hold=lambda retry_at, reason: held.append(retry_at))
    box.add_faults({"service": "spotify"} | fault)
    with pytest.raises(RateLimited):
        spotify.get_liked_page()
    assert held == [now + timedelta(seconds=seconds)]
    assert len(box.calls("spotify")) == 1


def test_spotify_stall_ends_with_the_timeout(box: Sandbox) -> None:
    spotify = connect_spotify(box, timeout=(PATIENCE, 0.3), tries=2)
    box.add_faults({"kind": "stall", "service": "spotify", "parameters": {"seconds": 600}})
    with pytest.raises(TemporaryError, match="did not answer in time"):
        spotify.get_liked_page()


CALLBACK = "http://127.0.0.1:8888/callback"


def allow(url: str, user: str) -> dict[str, str]:
    """Press "Allow" on a page of consent and return what the callback is given."""
    page = requests.post(url, data={"user": user, "answer": "allow"}, allow_redirects=False)
    return dict(parse_qsl(urlsplit(page.headers["Location"]).query))


def test_spotify_consent_gives_tokens_that_can_be_refreshed(box: Sandbox) -> None:
    accounts = open_accounts(box)
    url = accounts.authorize_url(CALLBACK, "st", "v" * 43, ["user-library-read"])
    given = allow(url, "bob")
    assert given["state"] == "st"
    tokens = accounts.exchange_code(given["code"], CALLBACK, "v" * 43)
    assert tokens.scopes == ("user-library-read",)
    assert accounts.refresh(tokens.refresh_token).access_token != tokens.access_token
    with pytest.raises(AuthorizationError) as caught:
        accounts.exchange_code(given["code"], CALLBACK, "v" * 43)
    assert caught.value.code == "invalid_grant"


# Last.fm


def test_lastfm_loves_and_unloves_any_name(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    names = [("Björk", "Jóga"), ("宇多田ヒカル", "光"), ("AC/DC", "100% + & = ;"), ("(", "#?")]
    for name in names:
        lastfm.love_track(*name)
    assert set(names) <= set(list_loves(box))
    assert set(names) <= {(row.artist, row.title) for row in lastfm.get_loved_tracks()}
    for name in names:
        lastfm.unlove_track(*name)
    assert not set(names) & set(list_loves(box))


def test_lastfm_lists_loves_and_library(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    loved = [(row.artist, row.title) for row in lastfm.get_loved_tracks()]
    assert sorted(loved) == sorted(list_loves(box))
    rows = box.order("scrobbles/alice", http="GET")["scrobbles"]
    library = {(row.artist, row.title): row.playcount for row in lastfm.get_library()}
    assert library == {(row["artist"], row["title"]): row["playcount"] for row in rows}
    assert sum(box.count_calls().values()) == 2


def test_lastfm_names_user_and_page(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    assert lastfm.get_user().uid == "alice"
    box.order("page", {"artist": "Mamamoo+", "title": "100% Love", "listeners": 77})
    page = lastfm.get_track("mamamoo+", "100% love")
    assert page is not None
    assert (page.artist, page.title, page.listeners) == ("Mamamoo+", "100% Love", 77)


def test_lastfm_token_that_nobody_allowed_waits(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    with pytest.raises(AuthorizationError) as caught:
        lastfm.get_session(lastfm.get_token())
    assert caught.value.code == "14"


def test_lastfm_consent_gives_a_session_for_either_flow(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    token = lastfm.get_token()
    page = lastfm.authorize_url(token)
    requests.post(page, data={"user": "bob", "answer": "allow"}, timeout=PATIENCE)
    user, tokens = lastfm.get_session(token)
    assert (user.uid, bool(tokens.access_token), tokens.expires_at) == ("bob", True, None)
    given = allow(lastfm.authorize_url(callback=f"{CALLBACK}?state=st"), "alice")
    assert given["state"] == "st"
    assert lastfm.get_session(given["token"])[0].uid == "alice"


def test_lastfm_revoked_needs_a_person(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    box.order("revoke", {"user": "alice", "service": "lastfm"})
    with pytest.raises(AuthorizationError) as caught:
        lastfm.love_track("a", "b")
    assert caught.value.code in ("4", "9")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lastfm_error", "parameters": {"code": 8, "status": 200}},
        {"kind": "lastfm_error", "parameters": {"code": 11}},
        {"kind": "lastfm_error", "parameters": {"code": 16}},
        {"kind": "html_502"},
        {"kind": "reset_before"},
        {"kind": "reset_after"},
        {"kind": "rate_limited", "parameters": {"retry_after": 1}},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_lastfm_loves_through_a_fault(box: Sandbox, fault: dict[str, Any]) -> None:
    lastfm = connect_lastfm(box)
    box.add_faults({"service": "lastfm", "match": "track.love", "times": 1} | fault)
    lastfm.love_track("One", "After the fault")
    assert ("One", "After the fault") in list_loves(box)
    lastfm.unlove_track("One", "After the fault")


@pytest.mark.parametrize(
    "kind", ["other_user", "cut_json", "object_for_list", "missing_date", "html_502"]
)
def test_lastfm_reads_through_a_fault(box: Sandbox, kind: str) -> None:
    lastfm = connect_lastfm(box)
    box.add_faults({"kind": kind, "service": "lastfm", "match": "getLovedTracks", "times": 1})
    assert len(list(lastfm.get_loved_tracks())) == len(list_loves(box))


def test_lastfm_that_answers_for_another_is_not_believed(box: Sandbox) -> None:
    lastfm = connect_lastfm(box)
    box.add_faults({"kind": "other_user", "service": "lastfm"})
    with pytest.raises(TemporaryError, match="the user who was asked for"):
        list(lastfm.get_loved_tracks())


def test_lastfm_loves_in_flight_take_from_the_budget(box: Sandbox) -> None:
    taken: list[int] = []
    budget = Budget("lastfm", 0, held_until=lambda: taken.append(1))
    lastfm = connect_lastfm(box, budget=budget)
    before = len(box.calls("lastfm"))
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(8) as pool:
        patch.setattr("connectors.limits._ASK_EVERY", 0.0)
        list(pool.map(lambda n: lastfm.love_track("Flight", f"Number {n}"), range(50)))
    assert len(taken) >= 50 == len(box.calls("lastfm")) - before
