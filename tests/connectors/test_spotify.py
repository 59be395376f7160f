"""The Spotify connector: tokens, one page, a walk over a list that moves, and odd answers."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
import responses

from connectors import http
from connectors.errors import (
    AuthorizationError,
    RateLimited,
    RequestRejected,
    ServiceClosed,
    TemporaryError,
)
from connectors.http import ServiceSession
from connectors.records import LikedPage, LikedTrack, ServiceTrack, ServiceUser
from connectors.spotify import SpotifyAccounts, SpotifyConnector
from connectors.spotify_parsing import parse_liked_item
from connectors.text import normalize_isrc

ACCOUNTS = "http://127.0.0.1:9"
API = "http://127.0.0.1:9/v1"
ADDED = datetime(2024, 5, 1, 18, 22, 10, tzinfo=UTC)
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "sleep", lambda seconds: None)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def connect(token: Callable[[bool], str] = lambda force: "token") -> SpotifyConnector:
    return SpotifyConnector(token, api_url=API, http=ServiceSession("spotify"))


def open_accounts(secret: str = "secret") -> SpotifyAccounts:
    return SpotifyAccounts("client", secret, ACCOUNTS + "/", ServiceSession("spotify"))


def make_item(number: int, **track: Any) -> dict[str, Any]:
    full = {
        "id": f"{number:022d}",
        "uri": f"spotify:track:{number:022d}",
        "type": "track",
        "name": f"Title {number}",
        "artists": [{"name": "One"}, {"name": "Two"}],
        "album": {"name": "Album"},
        "duration_ms": 207959,
        "explicit": False,
        "external_ids": {"isrc": "usum7-17 03861"},
        "is_local": False,
    }
    return {"added_at": "2024-05-01T18:22:10Z", "track": full | track}


def make_track(number: int) -> ServiceTrack:
    return ServiceTrack(
        title=f"Title {number}",
        artists=("One", "Two"),
        album="Album",
        duration_ms=207959,
        isrc="USUM71703861",
        explicit=False,
        service_id=f"{number:022d}",
    )


class Library:
    """A list of likes, newest first, that changes as told just before its n-th page is read."""

    def __init__(self, size: int) -> None:
        self.numbers = list(range(size))
        self.before_page: dict[int, Callable[[list[int]], object]] = {}
        self.asked: list[dict[str, list[str]]] = []
        self.change: Callable[[dict[str, Any]], dict[str, Any]] = lambda page: page

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        query = parse_qs(urlsplit(request.url or "").query)
        self.asked.append(query)
        self.before_page.get(len(self.asked), lambda numbers: None)(self.numbers)
        offset, limit = int(query["offset"][0]), int(query["limit"][0])
        rows = self.numbers[offset : offset + limit]
        more = offset + limit < len(self.numbers)
        page = {
            "items": [make_item(number) for number in rows],
            "total": len(self.numbers),
            "offset": offset,
            "limit": limit,
            "next": f"{API}/me/tracks?offset={offset + limit}" if more else None,
        }
        return 200, {}, json.dumps(self.change(page))

    def offsets(self) -> list[int]:
        return [int(query["offset"][0]) for query in self.asked]


def serve(web: responses.RequestsMock, size: int) -> Library:
    library = Library(size)
    web.add_callback("GET", f"{API}/me/tracks", library.answer)
    return library


def list_ids(rows: Iterator[LikedTrack]) -> list[int]:
    return [int(row.track.service_id) for row in rows if row.track]


# Accounts


def test_authorize_url_carries_pkce_and_state() -> None:
    url = urlsplit(
        open_accounts().authorize_url(
            "http://127.0.0.1:8888/callback", "st", VERIFIER, ["user-library-read", "b"]
        )
    )
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{ACCOUNTS}/authorize"
    assert dict(parse_qsl(url.query)) == {
        "client_id": "client",
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1:8888/callback",
        "state": "st",
        "scope": "user-library-read b",
        "code_challenge_method": "S256",
        # RFC 7636, appendix B
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    }


TOKEN_ANSWER = {
    "access_token": "NgCXRK",
    "token_type": "Bearer",
    "scope": "user-library-read user-library-modify",
    "expires_in": 3600,
    "refresh_token": "NgAagA",
}


def test_exchange_code_returns_tokens(web: responses.RequestsMock, now: datetime) -> None:
    web.post(f"{ACCOUNTS}/api/token", json=TOKEN_ANSWER)
    tokens = open_accounts().exchange_code("code", "http://127.0.0.1:8888/callback", VERIFIER)
    assert (tokens.access_token, tokens.refresh_token) == ("NgCXRK", "NgAagA")
    assert tokens.scopes == ("user-library-read", "user-library-modify")
    assert tokens.expires_at == now + timedelta(seconds=3600)
    request = web.calls[0].request
    assert dict(parse_qsl(str(request.body))) == {
        "grant_type": "authorization_code",
        "code": "code",
        "redirect_uri": "http://127.0.0.1:8888/callback",
        "code_verifier": VERIFIER,
    }
    assert request.headers["Authorization"] == "Basic Y2xpZW50OnNlY3JldA=="
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_exchange_code_without_a_secret_names_the_client(web: responses.RequestsMock) -> None:
    web.post(f"{ACCOUNTS}/api/token", json=TOKEN_ANSWER)
    open_accounts(secret="").exchange_code("code", "http://127.0.0.1:8888/callback", VERIFIER)
    request = web.calls[0].request
    assert ("client_id", "client") in parse_qsl(str(request.body))
    assert "Authorization" not in request.headers


def test_exchange_code_is_never_sent_twice(web: responses.RequestsMock) -> None:
    web.post(f"{ACCOUNTS}/api/token", body=requests.ReadTimeout())
    with pytest.raises(TemporaryError) as caught:
        open_accounts().exchange_code("code", "http://127.0.0.1:8888/callback", VERIFIER)
    assert (len(web.calls), caught.value.maybe_done) == (1, True)


def test_refresh_may_keep_the_old_refresh_token(web: responses.RequestsMock) -> None:
    web.post(f"{ACCOUNTS}/api/token", status=503)
    web.post(f"{ACCOUNTS}/api/token", json={"access_token": "new", "token_type": "Bearer"})
    tokens = open_accounts().refresh("old")
    assert (tokens.access_token, tokens.refresh_token, tokens.scopes) == ("new", "", ())
    assert dict(parse_qsl(str(web.calls[1].request.body))) == {
        "grant_type": "refresh_token",
        "refresh_token": "old",
    }


@pytest.mark.parametrize(
    ("error", "kind"), [("invalid_grant", AuthorizationError), ("invalid_client", ServiceClosed)]
)
def test_refresh_that_is_refused_says_why(
    web: responses.RequestsMock, error: str, kind: type[Exception]
) -> None:
    web.post(f"{ACCOUNTS}/api/token", status=400, json={"error": error})
    with pytest.raises(kind) as caught:
        open_accounts().refresh("old")
    assert getattr(caught.value, "code", "") == error
    assert len(web.calls) == 1


@pytest.mark.parametrize(
    "answer", [{}, {"access_token": 3}, {"access_token": "a", "expires_in": "x"}]
)
def test_token_answer_of_another_shape_is_temporary(
    web: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    web.post(f"{ACCOUNTS}/api/token", json=answer)
    with pytest.raises(TemporaryError, match=r"access_token|expires_in"):
        open_accounts().exchange_code("code", "http://127.0.0.1:8888/callback", VERIFIER)
    assert len(web.calls) == 1


# Who


@pytest.mark.parametrize(
    ("answer", "user"),
    [
        ({"account_id": "aB3", "id": "31abc", "display_name": "Bob"}, ServiceUser("aB3", "Bob")),
        ({"id": "31abc", "display_name": None}, ServiceUser("31abc", "31abc")),
        ({"account_id": "", "id": "31abc"}, ServiceUser("31abc", "31abc")),
    ],
)
def test_get_user_prefers_the_account_id(
    web: responses.RequestsMock, answer: dict[str, Any], user: ServiceUser
) -> None:
    web.get(f"{API}/me", json=answer)
    assert connect().get_user() == user
    assert web.calls[0].request.headers["Authorization"] == "Bearer token"


def test_expired_token_is_replaced_once(web: responses.RequestsMock) -> None:
    web.get(f"{API}/me", status=401, json={"error": {"status": 401, "message": "expired"}})
    web.get(f"{API}/me", json={"id": "31abc"})
    asked: list[bool] = []

    def hand_out(force: bool) -> str:
        asked.append(force)
        return "new" if force else "old"

    assert connect(hand_out).get_user().uid == "31abc"
    assert asked == [False, True]
    tokens = [call.request.headers["Authorization"] for call in web.calls]
    assert tokens == ["Bearer old", "Bearer new"]


def test_token_that_is_refused_twice_needs_a_person(web: responses.RequestsMock) -> None:
    web.get(f"{API}/me", status=401, json={"error": {"status": 401, "message": "expired"}})
    with pytest.raises(AuthorizationError) as caught:
        connect().get_user()
    assert (caught.value.code, len(web.calls)) == ("expired", 2)


def test_user_who_is_not_listed_is_not_refreshed(web: responses.RequestsMock) -> None:
    web.get(f"{API}/me", status=403, body="User not registered in the Developer Dashboard")
    with pytest.raises(AuthorizationError, match="not on the Spotify app's list of users"):
        connect().get_user()
    assert len(web.calls) == 1


def test_day_long_limit_comes_out_of_spotipy_with_its_time(
    web: responses.RequestsMock, now: datetime
) -> None:
    web.get(f"{API}/me/tracks", status=429, headers={"Retry-After": "86236"})
    with pytest.raises(RateLimited) as caught:
        connect().get_liked_page()
    assert caught.value.retry_at == now + timedelta(seconds=86236)
    assert len(web.calls) == 1


# One page


def test_get_liked_page_never_sends_a_market(web: responses.RequestsMock) -> None:
    library = serve(web, 3)
    page = connect().get_liked_page(offset=1, limit=2)
    assert page == LikedPage(
        (LikedTrack(make_track(1), ADDED), LikedTrack(make_track(2), ADDED)), 1, 3, True
    )
    assert library.asked == [{"limit": ["2"], "offset": ["1"]}]


def test_get_liked_page_of_an_empty_library(web: responses.RequestsMock) -> None:
    serve(web, 0)
    assert connect().get_liked_page() == LikedPage((), 0, 0, True)


def test_get_liked_page_beyond_the_end_is_empty(web: responses.RequestsMock) -> None:
    serve(web, 3)
    assert connect().get_liked_page(offset=50) == LikedPage((), 50, 3, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"items": {"0": {}}}, "items"),
        ({"items": None}, "items"),
        ({"items": []}, "items"),
        ({"total": "3"}, "total"),
        ({"total": None}, "total"),
        ({"total": -1}, "total"),
        ({"total": 10**30}, "total"),
        ({"offset": 50}, "offset"),
        ({"items": [{}] * 4}, r"items\[3\].track"),
    ],
)
def test_get_liked_page_names_the_field_that_is_wrong(
    web: responses.RequestsMock, change: dict[str, Any], field: str
) -> None:
    library = serve(web, 3)
    library.change = lambda page: page | change
    with pytest.raises(TemporaryError, match=f"shape: {field} should be"):
        connect().get_liked_page()
    assert len(library.asked) == 3


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (3, "items[1]"),
        ({"added_at": "2024-05-01T18:22:10Z"}, "items[1].track"),
        (make_item(1, artists={"name": "One"}), "items[1].track.artists"),
        (make_item(1, name=["a"]), "items[1].track.name"),
    ],
)
def test_one_unreadable_row_is_marked_and_the_rest_goes_on(
    web: responses.RequestsMock, row: object, field: str
) -> None:
    library = serve(web, 3)
    library.change = lambda page: page | {"items": [make_item(0), row, make_item(2)]}
    rows = connect().get_liked_page().items
    assert [item.track is None for item in rows] == [False, True, False]
    assert f"{field} should be" in rows[1].unavailable
    if isinstance(row, dict) and "track" in row:
        assert rows[1].label == f"spotify:track:{1:022d}"
    assert len(library.asked) == 3


@pytest.mark.parametrize(
    ("row", "facts"),
    [
        (make_item(1) | {"added_at": "yesterday"}, {"liked_at": None}),
        (make_item(1) | {"added_at": 5}, {"liked_at": None}),
        (make_item(1, duration_ms="3:07"), {"duration_ms": None}),
        (make_item(1, album=[]), {"album": ""}),
        (make_item(1, album={"name": 3}), {"album": ""}),
        (make_item(1, external_ids={"isrc": 3}), {"isrc": ""}),
    ],
)
def test_a_row_with_an_odd_ornament_is_used_without_it(
    web: responses.RequestsMock, row: object, facts: dict[str, object]
) -> None:
    library = serve(web, 3)
    library.change = lambda page: page | {"items": [make_item(0), row, make_item(2)]}
    liked = connect().get_liked_page().items[1]
    assert liked.track is not None
    found = {name: getattr(liked if name == "liked_at" else liked.track, name) for name in facts}
    assert (found, liked.track.title, len(library.asked)) == (facts, "Title 1", 3)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"added_at": "0001-01-01T00:00:00+02:00"}, "liked_at"),
        ({"added_at": "9999-12-31T23:59:59-02:00"}, "liked_at"),
        ({"added_at": "1970-01-01T00:00:00Z"}, "liked_at"),
        ({"duration_ms": 10**30}, "duration_ms"),
        ({"duration_ms": -5}, "duration_ms"),
    ],
)
def test_numbers_and_dates_that_no_database_holds_are_left_out(
    changes: dict[str, Any], name: str
) -> None:
    item = make_item(7, **{k: v for k, v in changes.items() if k != "added_at"})
    row = parse_liked_item(item | {k: v for k, v in changes.items() if k == "added_at"}, "items[0]")
    assert getattr(row if name == "liked_at" else row.track, name) is None


@pytest.mark.parametrize("life", [float("nan"), float("inf"), -(10**30), 10**30])
def test_a_token_with_an_odd_life_is_taken(
    web: responses.RequestsMock, now: datetime, life: float
) -> None:
    """JSON in Python reads NaN and Infinity; neither has a time at which it ends."""
    text = json.dumps({"access_token": "a", "expires_in": life})
    web.post(f"{ACCOUNTS}/api/token", body=text)
    tokens = SpotifyAccounts("id", "secret", ACCOUNTS, ServiceSession("spotify")).refresh("r")
    assert tokens.expires_at is not None
    assert tokens.expires_at <= now + timedelta(days=1)


def test_get_liked_page_names_json_that_is_not_sound(web: responses.RequestsMock) -> None:
    web.get(f"{API}/me/tracks", body='{"items": "a\x01b"}')
    with pytest.raises(TemporaryError, match="shape: the answer should be sound JSON"):
        connect().get_liked_page()


def test_get_liked_page_asks_again_for_a_wrong_shape(web: responses.RequestsMock) -> None:
    library = serve(web, 3)
    library.change = lambda page: page | ({"items": {}} if len(library.asked) < 3 else {})
    assert len(connect().get_liked_page().items) == 3


# One row


GONE = "no longer on Spotify"
LOCAL = "spotify:local:One:Album:Title:200"


@pytest.mark.parametrize(
    ("track", "unavailable", "label"),
    [
        ({"id": None, "is_local": True, "uri": LOCAL}, "local file", "One, Two - Title 7"),
        ({"id": None, "uri": LOCAL, "name": "", "artists": []}, "local file", LOCAL),
        ({"type": "episode", "artists": None}, "not a track (episode)", "Title 7"),
        ({"name": "", "artists": [{"name": ""}]}, GONE, f"spotify:track:{7:022d}"),
        ({"id": None, "uri": None}, GONE, "One, Two - Title 7"),
    ],
)
def test_parse_liked_item_says_what_is_unavailable(
    track: dict[str, Any], unavailable: str, label: str
) -> None:
    row = parse_liked_item(make_item(7, **track), "items[0]")
    assert row == LikedTrack(None, ADDED, unavailable, label)


def test_parse_liked_item_takes_a_null_track() -> None:
    row = parse_liked_item({"added_at": "2024-05-01T18:22:10Z", "track": None}, "items[0]")
    assert row == LikedTrack(None, ADDED, GONE)


def test_parse_liked_item_takes_missing_fields_for_unknown() -> None:
    item = make_item(7, external_ids={}, album=None, duration_ms=0, explicit=None)
    del item["track"]["is_local"]
    del item["track"]["type"]
    row = parse_liked_item(item | {"added_at": None}, "items[0]")
    assert row == LikedTrack(ServiceTrack("Title 7", ("One", "Two"), service_id=f"{7:022d}"), None)


def test_parse_liked_item_leaves_out_what_no_database_can_hold() -> None:
    row = parse_liked_item(make_item(7, name="J\0ó\ud800ga", artists=[{"name": "B\0"}]), "items[0]")
    assert row.track is not None
    assert (row.track.title, row.track.artists) == ("Jó?ga", ("B",))


def test_parse_liked_item_keeps_the_saved_id_of_a_relinked_track() -> None:
    row = parse_liked_item(make_item(7, linked_from={"id": "saved"}), "items[0]")
    assert row.track is not None
    assert row.track.service_id == "saved"


@pytest.mark.parametrize(
    ("text", "isrc"),
    [
        ("USUM71703861", "USUM71703861"),
        ("us-um7-17-03861", "USUM71703861"),
        (" GBAYE0601498 ", "GBAYE0601498"),
        ("", ""),
        ("USUM7170386", ""),
        ("undefined", ""),
        ("USUM7170386X", ""),
    ],
)
def test_normalize_isrc(text: str, isrc: str) -> None:
    assert normalize_isrc(text) == isrc


# A walk over a list that moves


def test_get_liked_tracks_reads_all_in_few_calls(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    assert list_ids(connect().get_liked_tracks()) == list(range(120))
    assert library.offsets() == [0, 50, 100]


def test_walk_loses_nothing_when_likes_vanish(web: responses.RequestsMock) -> None:
    library = serve(web, 160)
    library.before_page = {
        2: lambda numbers: numbers.remove(3),
        4: lambda n: n.__delitem__(slice(0, 10)),
    }
    found = list_ids(connect().get_liked_tracks())
    assert len(found) == len(set(found))
    assert set(library.numbers) <= set(found)


def test_walk_takes_rows_once_when_likes_arrive(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    library.before_page = {2: lambda numbers: numbers.insert(0, 900), 3: lambda n: n.insert(0, 901)}
    found = list_ids(connect().get_liked_tracks())
    assert found == list(range(120))


def test_walk_loses_nothing_when_likes_come_and_go(web: responses.RequestsMock) -> None:
    library = serve(web, 200)

    def swap(numbers: list[int]) -> None:
        numbers.insert(0, 900)
        del numbers[5:8]

    library.before_page = {3: swap}
    assert set(library.numbers) - {900} <= set(list_ids(connect().get_liked_tracks()))


def test_walk_survives_a_total_that_wobbles(web: responses.RequestsMock) -> None:
    library = serve(web, 200)
    library.change = lambda page: page | {"total": 120 if len(library.asked) == 2 else 200}
    assert set(list_ids(connect().get_liked_tracks())) == set(range(200))


def test_walk_goes_on_after_a_short_page(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    library.change = lambda page: page | {"items": page["items"][:48]}
    assert list_ids(connect().get_liked_tracks()) == list(range(120))


def test_walk_does_not_believe_a_null_next(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    library.change = lambda page: page | {"next": None}
    assert list_ids(connect().get_liked_tracks()) == list(range(120))


def test_walk_raises_rather_than_ending_early(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    library.change = lambda page: page if page["offset"] < 100 else page | {"items": []}
    with pytest.raises(TemporaryError, match="items should be not empty before 120"):
        list(connect().get_liked_tracks())


def test_walk_asks_again_for_a_page_served_twice(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    first = [make_item(number) for number in range(50)]
    library.change = lambda page: page | ({"items": first} if len(library.asked) == 2 else {})
    assert list_ids(connect().get_liked_tracks()) == list(range(120))
    assert library.offsets() == [0, 50, 50, 100]


def test_walk_raises_when_every_page_is_the_first(web: responses.RequestsMock) -> None:
    library = serve(web, 120)
    first = [make_item(number) for number in range(50)]
    library.change = lambda page: page | {"items": first}
    with pytest.raises(TemporaryError, match="repeats the one before"):
        list(connect().get_liked_pages())


def test_walk_never_goes_on_for_ever(web: responses.RequestsMock) -> None:
    library = serve(web, 400)
    grow = iter(range(1000, 10_000_000))
    library.before_page = {
        n: lambda numbers: numbers.extend(next(grow) for _ in range(60)) for n in range(1, 1000)
    }
    with pytest.raises(TemporaryError, match="does not come to rest"):
        list(connect().get_liked_pages())
    assert len(library.asked) < 50


def test_walk_starts_where_it_is_told(web: responses.RequestsMock) -> None:
    serve(web, 120)
    pages = list(connect().get_liked_pages(offset=100, page_size=10))
    assert [(page.offset, len(page.items), page.last) for page in pages] == [
        (100, 10, False),
        (110, 10, True),
    ]


def test_get_liked_tracks_keeps_rows_without_a_track_apart(web: responses.RequestsMock) -> None:
    library = serve(web, 60)
    gone = {"added_at": "2024-05-01T18:22:10Z", "track": None}
    library.change = lambda page: page | {"items": [gone, *page["items"][1:]]}
    rows = list(connect().get_liked_tracks())
    assert (len(rows), sum(row.track is None for row in rows)) == (60, 2)


# Contains


def test_contains_asks_in_chunks_of_40(web: responses.RequestsMock) -> None:
    asked: list[list[str]] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        (uris,) = parse_qs(urlsplit(request.url or "").query)["uris"]
        asked.append(uris.split(","))
        return 200, {}, json.dumps([int(uri[-1]) % 2 == 0 for uri in asked[-1]])

    web.add_callback("GET", f"{API}/me/library/contains", answer)
    ids = [f"{number:022d}" for number in range(90)]
    assert connect().contains(ids) == {one: int(one) % 2 == 0 for one in ids}
    assert [len(uris) for uris in asked] == [40, 40, 10]
    assert asked[0][0] == f"spotify:track:{0:022d}"


def test_contains_nothing_asks_nothing(web: responses.RequestsMock) -> None:
    assert connect().contains([]) == {}
    assert len(web.calls) == 0


@pytest.mark.parametrize("answer", [[True], [True, False, True], [True, None], [1, 0]])
def test_contains_refuses_an_answer_that_does_not_fit(
    web: responses.RequestsMock, answer: list[Any]
) -> None:
    web.get(f"{API}/me/library/contains", json=answer)
    with pytest.raises(TemporaryError, match="contains should be 2 times true or false"):
        connect().contains([f"{1:022d}", f"{2:022d}"])


def test_contains_that_was_closed_is_rejected(web: responses.RequestsMock) -> None:
    closed = {"error": {"status": 403, "message": "Forbidden"}}
    web.get(f"{API}/me/library/contains", status=403, json=closed)
    with pytest.raises(RequestRejected):
        connect().contains([f"{1:022d}"])


def test_connector_leaves_the_shared_session_open(web: responses.RequestsMock) -> None:
    closed: list[bool] = []

    class Session(ServiceSession):
        def close(self) -> None:
            closed.append(True)

    session = Session("spotify")
    SpotifyConnector(lambda force: "t", api_url=API, http=session)
    gc.collect()
    assert closed == []
