"""An answer has a size and a deadline, whoever asks: Last.fm by pylast or JSON, Spotify, tokens."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connectors import http, transport
from connectors.http import EndlessAnswer, ServiceSession
from connectors.lastfm import LastfmConnector
from connectors.spotify import SpotifyAccounts, SpotifyConnector
from narada_sandbox.server import Sandbox

Call = Callable[[Sandbox, ServiceSession], Any]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox(likes=3) as box:
        yield box


@pytest.fixture(autouse=True)
def no_faults(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(http, "sleep", lambda seconds: None)
    yield
    box.clear_faults()


def open_lastfm(box: Sandbox, session: ServiceSession) -> LastfmConnector:
    names = box.environ()
    return LastfmConnector(
        names["LASTFM_API_KEY"],
        names["LASTFM_API_SECRET"],
        api_url=names["LASTFM_API_URL"],
        auth_url=names["LASTFM_AUTH_URL"],
        http=session,
        session_key=box.grant("lastfm", "alice")["key"],
        username="alice",
    )


def love(box: Sandbox, session: ServiceSession) -> None:
    open_lastfm(box, session).love_track("Quiet Ghost", "Song")


def read_loves(box: Sandbox, session: ServiceSession) -> None:
    open_lastfm(box, session).get_loved_page()


def read_likes(box: Sandbox, session: ServiceSession) -> None:
    token = box.grant("spotify", "alice")["access_token"]
    api_url = box.environ()["SPOTIFY_API_URL"]
    SpotifyConnector(lambda forced: token, api_url=api_url, http=session).get_liked_page()


def refresh(box: Sandbox, session: ServiceSession) -> None:
    names = box.environ()
    accounts = SpotifyAccounts(
        names["SPOTIFY_CLIENT_ID"],
        names["SPOTIFY_CLIENT_SECRET"],
        names["SPOTIFY_ACCOUNTS_URL"],
        session,
    )
    accounts.refresh(box.grant("spotify", "alice")["refresh_token"])


CALLS = [("lastfm", love), ("lastfm", read_loves), ("spotify", read_likes), ("spotify", refresh)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("service", "call"), CALLS)
def test_an_answer_without_end_is_cut_off_and_not_asked_for_again(
    box: Sandbox, service: str, call: Call, packed: bool
) -> None:
    size = 50_000_000 if packed else transport.LARGEST_ANSWER + 1
    box.add_faults({"kind": "huge", "bytes": size, "gzip": packed})
    session = ServiceSession(service)
    with pytest.raises(EndlessAnswer, match=r"more than 5,000,000 bytes"):
        call(box, session)
    assert session.calls == 1


@pytest.mark.parametrize(("service", "call"), CALLS)
def test_an_answer_that_drips_ends_at_its_deadline(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, service: str, call: Call
) -> None:
    """The clock is the test's: each byte that arrives takes a second of it."""
    clock = itertools.count(0.0, 1.0)
    monkeypatch.setattr(transport, "monotonic", lambda: next(clock))
    box.add_faults({"kind": "drip", "ms": 1})
    session = ServiceSession(service)
    with pytest.raises(EndlessAnswer, match="did not end in time") as caught:
        call(box, session)
    assert (session.calls, caught.value.maybe_done) == (1, True)
    assert 40 <= next(clock) < 60


def test_a_deadline_shortens_the_wait_for_the_next_byte(box: Sandbox) -> None:
    """And is not asked for again: a drip ends while a byte is waited for."""
    box.add_faults({"kind": "stall", "seconds": 3600})
    session = ServiceSession("lastfm", deadline=0.05)
    with pytest.raises(EndlessAnswer):
        read_loves(box, session)
    assert session.calls == 1


def test_a_connection_serves_again_after_an_answer_in_time(box: Sandbox) -> None:
    session = ServiceSession("lastfm")
    lastfm = open_lastfm(box, session)
    for _ in range(3):
        lastfm.get_loved_page()
    pools = session.get_adapter(box.url).poolmanager.pools  # type: ignore[attr-defined]
    (key,) = pools.keys()
    assert pools[key].num_connections == 1
