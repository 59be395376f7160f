"""The Last.fm connector: signatures, loves, sessions, listings and odd answers."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import responses
from waiting import PATIENCE

from connectors import http
from connectors.errors import AuthorizationError, ConnectorError, RequestRejected, TemporaryError
from connectors.http import ServiceSession
from connectors.lastfm import LastfmConnector, sign
from connectors.records import (
    LibraryPage,
    LovedPage,
    LovedTrack,
    ScrobbledTrack,
    ServiceUser,
    Tokens,
    TrackPage,
)

API = "http://127.0.0.1:9/2.0/"
AUTH = "http://127.0.0.1:9/api/auth/"
OK = '<?xml version="1.0" encoding="UTF-8"?>\n<lfm status="ok">\n</lfm>\n'
KEY, SECRET, SESSION = "YOUR_API_KEY", "YOUR_SECRET", "YOUR_SESSION_KEY"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "sleep", lambda seconds: None)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def connect(**options: Any) -> LastfmConnector:
    given = {
        "api_key": KEY,
        "api_secret": SECRET,
        "api_url": API,
        "auth_url": AUTH,
        "http": ServiceSession("lastfm"),
        "session_key": SESSION,
        "username": "ann",
    }
    return LastfmConnector(**(given | options))


def read_form(request: requests.PreparedRequest) -> dict[str, str]:
    body = request.body
    text = body.decode() if isinstance(body, bytes) else str(body)
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


def fail(code: int, message: str) -> str:
    return f'<lfm status="failed"><error code="{code}">{message}</error></lfm>'


# Signatures: the first two are published (lastfm-docs, docs/auth/signature.md)

GET_SESSION = {"api_key": KEY, "method": "auth.getSession", "token": "YOUR_REQUESTED_TOKEN"}
LOVE = {"method": "track.love", "api_key": KEY, "sk": SESSION}
LOVE_KITANO = LOVE | {"artist": "KITANO REM", "track": "RAINSICK"}
LOVE_JOGA = LOVE | {"api_key": "k", "sk": "s", "artist": "Björk", "track": "Jóga"}
VECTORS = [
    (GET_SESSION, SECRET, "94539006de89b3c6b3c030bb1e52b9c4"),
    (LOVE_KITANO, SECRET, "800b8884b00c9343d1d425ed271e0f42"),
    (LOVE_JOGA, "x", "b05e0cfa75f508cca9f578c1e4b06e33"),
]


@pytest.mark.parametrize(("fields", "secret", "signature"), VECTORS)
def test_sign_gives_the_published_signatures(
    fields: dict[str, str], secret: str, signature: str
) -> None:
    assert sign(fields, secret) == signature


@pytest.mark.parametrize(("fields", "secret", "signature"), VECTORS)
def test_connector_sends_the_published_signatures(
    web: responses.RequestsMock, fields: dict[str, str], secret: str, signature: str
) -> None:
    session = "<session><name>Ann</name><key>k</key><subscriber>0</subscriber></session>"
    web.post(API, body=OK.replace("\n</lfm>", session + "</lfm>"))
    lastfm = connect(api_key=fields["api_key"], api_secret=secret, session_key=fields.get("sk", ""))
    if "token" in fields:
        lastfm.get_session(fields["token"])
    else:
        lastfm.love_track(fields["artist"], fields["track"])
    assert read_form(web.calls[0].request) == fields | {"api_sig": signature}


def check_signature(request: requests.PreparedRequest) -> dict[str, str]:
    """Return what was sent, after checking its signature as the server does."""
    sent = read_form(request)
    signed = sorted(
        (name, value) for name, value in sent.items() if name not in ("format", "api_sig")
    )
    text = "".join(name + value for name, value in signed) + SECRET
    assert sent["api_sig"] == hashlib.md5(text.encode()).hexdigest()
    return sent


# Love and unlove


@pytest.mark.parametrize(
    ("artist", "title"),
    [
        ("Björk", "Jóga"),
        ("Bjo\u0308rk", "Jo\u0301ga"),
        ("宇多田ヒカル", "Automatic"),
        ("AC/DC", "100% + more & a=b; c?#"),
        ("Sigur Rós", "( )"),
        ("a", "one\ntwo 🎵"),
    ],
)
@pytest.mark.parametrize("verb", ["love", "unlove"])
def test_love_sends_the_name_as_it_is(
    web: responses.RequestsMock, verb: str, artist: str, title: str
) -> None:
    web.post(API, body=OK)
    lastfm = connect()
    getattr(lastfm, f"{verb}_track")(artist, title)
    (call,) = web.calls
    sent = check_signature(call.request)
    del sent["api_sig"]
    assert sent == {
        "method": f"track.{verb}",
        "artist": artist,
        "track": title,
        "api_key": KEY,
        "sk": SESSION,
    }
    assert call.request.url == API
    assert call.request.headers["User-Agent"].startswith("Narada/")
    assert call.request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_love_goes_to_the_configured_address_over_https(web: responses.RequestsMock) -> None:
    web.post("https://music.example/2.0/", body=OK)
    connect(api_url="https://music.example/2.0/").love_track("a", "b")
    assert web.calls[0].request.url == "https://music.example/2.0/"


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, fail(11, "Service Offline")), (200, fail(16, "Try again")), (502, "<html>"), (200, "")],
)
def test_love_is_tried_again_after_a_temporary_failure(
    web: responses.RequestsMock, status: int, body: str
) -> None:
    web.post(API, status=status, body=body)
    web.post(API, body=requests.ConnectionError("reset"))
    web.post(API, body=OK)
    connect().love_track("a", "b")
    assert len(web.calls) == 3


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, 9, AuthorizationError), (400, 6, RequestRejected), (500, 8, TemporaryError)],
)
def test_love_raises_our_errors_out_of_pylast(
    web: responses.RequestsMock, status: int, code: int, kind: type[ConnectorError]
) -> None:
    web.post(API, status=status, body=fail(code, "Because"))
    with pytest.raises(ConnectorError) as caught:
        connect().love_track("a", "b")
    assert (type(caught.value), caught.value.code) == (kind, str(code))
    assert str(caught.value) == f"Last.fm answered {status} to track.love (error {code}): Because"


def test_love_of_nothing_is_rejected_without_a_call(web: responses.RequestsMock) -> None:
    for artist, title in (("", "b"), ("a", " ")):
        with pytest.raises(RequestRejected):
            connect().love_track(artist, title)
    assert len(web.calls) == 0


def test_love_may_be_in_flight_many_times(web: responses.RequestsMock) -> None:
    together = threading.Barrier(6, timeout=PATIENCE)
    loved: list[str] = []

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        together.wait()
        loved.append(check_signature(request)["track"])
        return 200, {}, OK

    web.add_callback("POST", API, answer)
    lastfm = connect()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: lastfm.love_track("artist", f"title {n}"), range(30)))
    assert sorted(loved) == sorted(f"title {n}" for n in range(30))


# Consent


def test_authorize_url_for_each_flow() -> None:
    lastfm = connect()
    assert lastfm.authorize_url("tok") == f"{AUTH}?api_key={KEY}&token=tok"
    url = urlsplit(lastfm.authorize_url(callback="http://127.0.0.1:8000/cb/?state=s"))
    assert dict(parse_qsl(url.query)) == {"api_key": KEY, "cb": "http://127.0.0.1:8000/cb/?state=s"}


def test_get_token_is_signed_without_a_session(web: responses.RequestsMock) -> None:
    web.post(API, body='<lfm status="ok"><token>cf45fe5a3e3cebe168480a086d7fe481</token></lfm>')
    assert connect().get_token() == "cf45fe5a3e3cebe168480a086d7fe481"
    assert set(check_signature(web.calls[0].request)) == {"api_key", "method", "api_sig"}


def test_get_session_returns_user_and_key(web: responses.RequestsMock) -> None:
    session = "<session><name>MyName</name><key>d580</key><subscriber>0</subscriber></session>"
    web.post(API, body=f'<?xml version="1.0"?><lfm status="ok">{session}</lfm>')
    assert connect().get_session("t") == (ServiceUser("myname", "MyName"), Tokens("d580"))


def test_get_session_is_never_sent_twice(web: responses.RequestsMock) -> None:
    web.post(API, body=requests.ReadTimeout())
    with pytest.raises(TemporaryError) as caught:
        connect().get_session("t")
    assert (len(web.calls), caught.value.maybe_done) == (1, True)


@pytest.mark.parametrize(("code", "status"), [(4, 403), (14, 403), (15, 403), (14, 200)])
def test_get_session_says_why_not(web: responses.RequestsMock, code: int, status: int) -> None:
    web.post(API, status=status, body=fail(code, "Unauthorized Token"))
    with pytest.raises(AuthorizationError) as caught:
        connect().get_session("t")
    assert caught.value.code == str(code)


@pytest.mark.parametrize("inside", ["", "<session/>", "<session><name>a</name></session>"])
def test_get_session_of_another_shape_is_temporary(
    web: responses.RequestsMock, inside: str
) -> None:
    web.post(API, body=f'<lfm status="ok">{inside}</lfm>')
    with pytest.raises(TemporaryError, match="expected shape"):
        connect().get_session("t")
    assert len(web.calls) == 1


@pytest.mark.parametrize("session_key", [SESSION, ""])
def test_get_user_is_the_sessions_own(web: responses.RequestsMock, session_key: str) -> None:
    web.post(API, json={"user": {"name": "Pepito", "playcount": "3"}})
    assert connect(session_key=session_key).get_user() == ServiceUser("pepito", "Pepito")
    sent = check_signature(web.calls[0].request)
    assert ("user" in sent, "sk" in sent) == (not session_key, bool(session_key))


# Listings


def make_loved(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "artist": {"url": "u", "name": f"Artist {number}", "mbid": ""},
        "date": {"uts": str(1_700_000_000 - number), "#text": "14 Nov 2023, 22:13"},
        "mbid": "m",
        "url": "u",
        "name": f"Title {number}",
        "image": [{"size": "small", "#text": "i"}],
        "streamable": {"fulltrack": "0", "#text": "0"},
    } | changes


def make_row(number: int) -> LovedTrack:
    loved_at = datetime.fromtimestamp(1_700_000_000 - number, UTC)
    return LovedTrack(f"Artist {number}", f"Title {number}", loved_at, "m")


class Loves:
    """Answers user.getLovedTracks from a list that may change before the n-th call."""

    def __init__(self, size: int, page_size: int | None = None) -> None:
        self.numbers = list(range(size))
        self.page_size = page_size
        self.sent: list[dict[str, str]] = []
        self.before_call: dict[int, Callable[[list[int]], object]] = {}
        self.change: Callable[[dict[str, Any]], object] = lambda listing: None

    def answer(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        sent = check_signature(request)
        self.sent.append(sent)
        self.before_call.get(len(self.sent), lambda numbers: None)(self.numbers)
        size, page = self.page_size or int(sent["limit"]), int(sent["page"])
        rows = self.numbers[(page - 1) * size : page * size]
        listing: dict[str, Any] = {
            "track": [make_loved(number) for number in rows],
            "@attr": {
                "user": "Ann",
                "page": str(page),
                "perPage": str(size),
                "total": str(len(self.numbers)),
                "totalPages": str(-(-len(self.numbers) // size)),
            },
        }
        self.change(listing)
        return 200, {}, json.dumps({"lovedtracks": listing})

    def pages(self) -> list[int]:
        return [int(sent["page"]) for sent in self.sent]


def serve(web: responses.RequestsMock, size: int, page_size: int | None = None) -> Loves:
    loves = Loves(size, page_size)
    web.add_callback("POST", API, loves.answer)
    return loves


def test_get_loved_page_reads_a_thousand_signed_as_json(web: responses.RequestsMock) -> None:
    loves = serve(web, 2)
    assert connect().get_loved_page() == LovedPage((make_row(0), make_row(1)), 1, 1, 2)
    (sent,) = loves.sent
    del sent["api_sig"]
    assert sent == {
        "method": "user.getLovedTracks",
        "api_key": KEY,
        "sk": SESSION,
        "user": "ann",
        "limit": "1000",
        "page": "1",
        "format": "json",
    }
    assert web.calls[0].request.url == API


def test_get_loved_page_takes_an_object_for_a_list_of_one(web: responses.RequestsMock) -> None:
    serve(web, 1).change = lambda listing: listing.update(track=listing["track"][0])
    assert connect().get_loved_page().items == (make_row(0),)


def test_get_loved_page_takes_a_missing_key_for_none(web: responses.RequestsMock) -> None:
    serve(web, 0).change = lambda listing: listing.pop("track")
    assert connect().get_loved_page() == LovedPage((), 1, 0, 0)


def test_get_loved_page_takes_a_missing_date_for_unknown(web: responses.RequestsMock) -> None:
    serve(web, 2).change = lambda listing: [
        listing["track"][0].pop("date"),
        listing["track"][1].update(date={"uts": "", "#text": ""}),
    ]
    assert [row.loved_at for row in connect().get_loved_page().items] == [None, None]


def test_get_loved_page_is_not_stopped_by_an_empty_name(web: responses.RequestsMock) -> None:
    serve(web, 2).change = lambda listing: listing["track"][0].update(name="")
    assert [row.title for row in connect().get_loved_page().items] == ["", "Title 1"]


def test_get_loved_page_leaves_out_what_no_database_can_hold(web: responses.RequestsMock) -> None:
    serve(web, 1).change = lambda listing: listing["track"][0].update(name="J\0ó\ud800ga")
    assert [row.title for row in connect().get_loved_page().items] == ["Jó?ga"]


def test_get_loved_page_finds_out_whose_it_is(web: responses.RequestsMock) -> None:
    web.post(API, json={"user": {"name": "Ann"}})
    web.post(API, json={"lovedtracks": {"@attr": {"user": "ann", "total": "0", "totalPages": "0"}}})
    lastfm = connect(username="")
    lastfm.get_loved_page()
    lastfm.get_loved_page()
    methods = [read_form(call.request)["method"] for call in web.calls]
    assert methods == ["user.getInfo", "user.getLovedTracks", "user.getLovedTracks"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda listing: listing["@attr"].update(user="bob"), "@attr.user"),
        (lambda listing: listing["@attr"].pop("user"), "@attr.user"),
        (lambda listing: listing.pop("@attr"), "lovedtracks.@attr"),
        (lambda listing: listing["@attr"].update(page="2"), "@attr.page"),
        (lambda listing: listing["@attr"].update(total="many"), "@attr.total"),
        (lambda listing: listing["@attr"].update(totalPages="0"), "@attr.totalPages"),
        (lambda listing: listing["track"].pop(), "track should be 3 rows"),
        (lambda listing: listing.update(track=[3, 4, 5]), r"track\[0\]"),
        (lambda listing: listing["@attr"].update(total=10**30), "@attr.total"),
        (lambda listing: listing["@attr"].update(total="-1"), "@attr.total"),
        (lambda listing: listing["@attr"].update(total="0"), "@attr.total"),
        (lambda listing: listing["@attr"].update(totalPages=10**30), "@attr.totalPages"),
        (lambda listing: listing["@attr"].update(perPage="-1000"), "@attr.perPage"),
        (lambda listing: listing["@attr"].update(total=float("nan")), "@attr.total"),
    ],
)
def test_get_loved_page_names_the_field_that_is_wrong(
    web: responses.RequestsMock, change: Callable[[Any], object], field: str
) -> None:
    loves = serve(web, 3)
    loves.change = change
    with pytest.raises(TemporaryError, match=field):
        connect().get_loved_page()
    assert len(loves.sent) == 3


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (None, r"track[1] should be an object"),
        (make_loved(1, name=None), "track[1].name"),
        (make_loved(1, name=7), "track[1].name"),
        (make_loved(1, name="x" * 5001), "track[1].name"),
        (make_loved(1, artist={}), "track[1].artist"),
        (make_loved(1, artist=None), "track[1].artist"),
        ([], "track[1] should be an object"),
    ],
)
def test_a_row_without_names_is_set_aside(
    web: responses.RequestsMock, row: object, field: str
) -> None:
    """It is there: the page is as long as it should be, and is not asked for again."""
    loves = serve(web, 3)
    loves.change = lambda listing: listing["track"].__setitem__(1, row)
    page = connect().get_loved_page()
    assert page.items == (make_row(0), make_row(2))
    assert (page.lacking, page.total, len(loves.sent)) == (0, 3, 1)
    assert [field in reason for reason in page.unreadable] == [True]


@pytest.mark.parametrize(
    "uts",
    [
        "x",
        None,
        {},
        "9" * 20,
        10**400,
        "-62135596800",
        "253402300799",
        "0",
        1.5,
        float("nan"),
        True,
    ],
)
def test_a_love_with_an_odd_date_is_used_without_it(
    web: responses.RequestsMock, uts: object
) -> None:
    serve(web, 1).change = lambda listing: listing["track"][0].update(date={"uts": uts})
    page = connect().get_loved_page()
    assert (page.items, page.unreadable) == ((LovedTrack("Artist 0", "Title 0", None, "m"),), ())


def test_pages_beyond_the_total_are_not_asked_for(web: responses.RequestsMock) -> None:
    """The number of pages has one meaning: it is not believed where it says more than the rows."""
    loves = serve(web, 3)
    loves.change = lambda listing: listing["@attr"].update(totalPages="9")
    assert len(list(connect().get_loved_tracks())) == 3
    assert loves.pages() == [1]


def test_get_loved_page_asks_again_when_it_is_another_users(web: responses.RequestsMock) -> None:
    loves = serve(web, 3)
    loves.change = lambda listing: (
        listing["@attr"].update(user="bob") if len(loves.sent) == 1 else None
    )
    assert len(connect().get_loved_page().items) == 3


def test_get_loved_tracks_reads_every_page(web: responses.RequestsMock) -> None:
    loves = serve(web, 2300)
    assert list(connect().get_loved_tracks()) == [make_row(number) for number in range(2300)]
    assert loves.pages() == [1, 2, 3]


def test_get_loved_tracks_follows_a_server_with_smaller_pages(web: responses.RequestsMock) -> None:
    loves = serve(web, 120, page_size=50)
    assert len(list(connect().get_loved_tracks())) == 120
    assert loves.pages() == [1, 2, 3]


def test_get_loved_tracks_loses_nothing_when_loves_vanish(web: responses.RequestsMock) -> None:
    loves = serve(web, 120, page_size=50)
    loves.before_call = {2: lambda numbers: numbers.__delitem__(slice(10, 13))}
    found = list(connect().get_loved_tracks())
    assert {make_row(number) for number in loves.numbers} <= set(found)
    assert len(found) == len(set(found))


def test_get_loved_tracks_takes_rows_once_when_loves_arrive(web: responses.RequestsMock) -> None:
    loves = serve(web, 120, page_size=50)
    loves.before_call = {2: lambda numbers: numbers.insert(0, -5)}
    found = list(connect().get_loved_tracks())
    assert found == [make_row(number) for number in range(120)]


def test_get_loved_tracks_raises_when_every_page_is_the_first(web: responses.RequestsMock) -> None:
    loves = serve(web, 120, page_size=50)
    first = [make_loved(number) for number in range(50)]
    loves.change = lambda listing: listing.update(track=first)
    with pytest.raises(TemporaryError, match="do not fit together"):
        list(connect().get_loved_tracks())
    assert len(loves.sent) < 15


def test_get_loved_tracks_never_goes_on_for_ever(web: responses.RequestsMock) -> None:
    loves = serve(web, 1000, page_size=50)
    loves.before_call = {n: lambda numbers: numbers.pop() for n in range(2, 1000)}
    with pytest.raises(TemporaryError, match="do not come to rest"):
        list(connect().get_loved_tracks())
    assert len(loves.sent) < 50


def test_private_profile_needs_a_person(web: responses.RequestsMock) -> None:
    web.post(API, status=403, json={"message": "Login: User required to be logged in", "error": 17})
    with pytest.raises(AuthorizationError, match="error 17"):
        list(connect().get_loved_tracks())


def make_scrobbled(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "artist": {"url": "u", "name": "Crystal Kay", "mbid": ""},
        "name": f"Title {number}",
        "mbid": "",
        "duration": "226",
        "playcount": "2",
        "@attr": {"rank": str(number)},
    } | changes


def make_library(page: int, pages: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    attributes = {"user": "ann", "page": str(page), "totalPages": str(pages), "total": "3"}
    return {"toptracks": {"track": rows, "@attr": attributes}}


def test_get_library_page_reads_lengths_in_seconds_or_milliseconds(
    web: responses.RequestsMock,
) -> None:
    rows = [
        make_scrobbled(1),
        make_scrobbled(2, duration="0"),
        make_scrobbled(3, duration="226000"),
    ]
    web.post(API, json=make_library(1, 1, rows))
    assert connect().get_library_page() == LibraryPage(
        (
            ScrobbledTrack("Crystal Kay", "Title 1", 2, 226_000),
            ScrobbledTrack("Crystal Kay", "Title 2", 2, None),
            ScrobbledTrack("Crystal Kay", "Title 3", 2, 226_000),
        ),
        1,
        1,
        3,
    )
    sent = check_signature(web.calls[0].request)
    assert (sent["method"], sent["period"], sent["limit"]) == (
        "user.getTopTracks",
        "overall",
        "1000",
    )


@pytest.mark.parametrize("odd", ["FIXME", None, "-5", 10**30, float("nan"), [], "1e5", ""])
def test_a_scrobbled_row_with_an_odd_length_or_count_is_used_without_it(
    web: responses.RequestsMock, odd: object
) -> None:
    web.post(API, json=make_library(1, 1, [make_scrobbled(1, duration=odd, playcount=odd)]))
    page = connect().get_library_page()
    assert page.items == (ScrobbledTrack("Crystal Kay", "Title 1", 0, None),)
    assert page.unreadable == ()


def test_a_scrobbled_row_without_a_name_is_set_aside(web: responses.RequestsMock) -> None:
    rows = [make_scrobbled(1), make_scrobbled(2, name=None), make_scrobbled(3)]
    web.post(API, json=make_library(1, 1, rows))
    page = connect().get_library_page()
    assert [row.title for row in page.items] == ["Title 1", "Title 3"]
    assert len(page.unreadable) == 1


@pytest.mark.parametrize("pages", [10**30, -1])
def test_a_library_of_a_number_of_pages_that_cannot_be_is_not_read(
    web: responses.RequestsMock, pages: int
) -> None:
    web.post(API, json=make_library(1, pages, [make_scrobbled(1)]))
    with pytest.raises(TemporaryError, match="totalPages"):
        connect().get_library_page()


def test_get_library_reads_every_page_once(web: responses.RequestsMock) -> None:
    web.post(API, json=make_library(1, 2, [make_scrobbled(1), make_scrobbled(2)]))
    web.post(API, json=make_library(2, 2, [make_scrobbled(2), make_scrobbled(3)]))
    titles = [row.title for row in connect().get_library()]
    assert titles == ["Title 1", "Title 2", "Title 3"]


def test_get_library_raises_for_an_empty_page_before_the_last(web: responses.RequestsMock) -> None:
    web.post(API, json=make_library(1, 2, []))
    with pytest.raises(TemporaryError, match="not empty on page 1 of 2"):
        list(connect().get_library())


# Look-ups


INFO = {
    "name": "Jóga",
    "url": "u",
    "duration": "302000",
    "listeners": "19",
    "playcount": "136",
    "artist": {"name": "Björk", "url": "u"},
    "album": {"artist": "Björk", "title": "Homogenic", "url": "u"},
    "userplaycount": "48",
    "userloved": "1",
    "toptags": "",
}


def test_get_track_returns_what_is_known(web: responses.RequestsMock) -> None:
    web.post(API, json={"track": INFO})
    assert connect().get_track("bjork", "joga") == TrackPage(
        "Björk", "Jóga", 19, 48, True, 302_000, "Homogenic"
    )
    sent = check_signature(web.calls[0].request)
    assert (sent["autocorrect"], sent["username"]) == ("1", "ann")


def test_get_track_takes_missing_fields_for_unknown(web: responses.RequestsMock) -> None:
    web.post(API, json={"track": {"name": "b", "artist": {"name": "a"}, "duration": "0"}})
    assert connect(username="").get_track("a", "b", autocorrect=False) == TrackPage("a", "b", 0)
    sent = check_signature(web.calls[0].request)
    assert sent["autocorrect"] == "0"
    assert "username" not in sent


def test_get_track_encodes_twice_what_is_decoded_twice(web: responses.RequestsMock) -> None:
    web.post(API, json={"track": INFO})
    connect().get_track("Mamamoo+", "100% %41")
    sent = check_signature(web.calls[0].request)
    assert (sent["artist"], sent["track"]) == ("Mamamoo%2B", "100%25 %2541")


@pytest.mark.parametrize("status", [200, 400, 404])
def test_get_track_is_none_only_when_not_found(web: responses.RequestsMock, status: int) -> None:
    web.post(API, status=status, json={"error": 6, "message": "Track not found", "links": []})
    assert connect().get_track("a", "b") is None


def test_get_track_raises_for_the_other_meanings_of_error_6(web: responses.RequestsMock) -> None:
    web.post(API, status=400, json={"error": 6, "message": "Invalid parameters"})
    with pytest.raises(RequestRejected):
        connect().get_track("a", "b")


@pytest.mark.parametrize("answer", [{}, {"track": []}, {"track": {"artist": {"name": "a"}}}])
def test_get_track_of_another_shape_is_temporary(
    web: responses.RequestsMock, answer: dict[str, Any]
) -> None:
    web.post(API, json=answer)
    with pytest.raises(TemporaryError, match=r"track(.name)? should be"):
        connect().get_track("a", "b")


def test_connector_shows_no_secret(web: responses.RequestsMock) -> None:
    lastfm = connect()
    web.post(API, status=403, body=fail(9, "Invalid session key"))
    with pytest.raises(AuthorizationError) as caught:
        lastfm.love_track("a", "b")
    track = lastfm._name_track("a", "b")
    said = (repr(lastfm), repr(track), repr(caught.value), str(caught.value.__cause__))
    for text in (*said, repr(track.network), str(track.network)):
        assert not [secret for secret in (KEY, SECRET, SESSION) if secret in text]
