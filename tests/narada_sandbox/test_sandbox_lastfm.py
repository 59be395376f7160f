"""The stand-in for Last.fm's API, over real HTTP."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
import requests
from sandbox_clients import LastfmClient, sign_by_hand
from waiting import PATIENCE

from narada_sandbox import LASTFM_API_KEY
from narada_sandbox.lastfm.form import ERRORS, sign
from narada_sandbox.server import Sandbox

LOVE = {"artist": "Björk", "track": "Jóga"}


def error_of(answer: requests.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize(
    ("params", "secret", "expected"),
    [
        (
            {
                "api_key": "YOUR_API_KEY",
                "method": "auth.getSession",
                "token": "YOUR_REQUESTED_TOKEN",
            },
            "YOUR_SECRET",
            "94539006de89b3c6b3c030bb1e52b9c4",
        ),
        (
            {
                "api_key": "YOUR_API_KEY",
                "artist": "KITANO REM",
                "method": "track.love",
                "sk": "YOUR_SESSION_KEY",
                "track": "RAINSICK",
            },
            "YOUR_SECRET",
            "800b8884b00c9343d1d425ed271e0f42",
        ),
        (
            {"api_key": "k", "method": "track.love", "sk": "s", **LOVE},
            "x",
            "b05e0cfa75f508cca9f578c1e4b06e33",
        ),
    ],
)
def test_signature_equals_published_vectors(
    params: dict[str, str], secret: str, expected: str
) -> None:
    received = [*params.items(), ("format", "json"), ("callback", "f"), ("api_sig", "?")]
    assert sign(received, secret) == expected == sign_by_hand(params, secret)


def test_love_and_unlove_change_the_public_list(box: Sandbox, lastfm: LastfmClient) -> None:
    before = lastfm.list_loved("alice")
    for word, expected in (("loved", True), ("loved again", False)):
        answer = lastfm.write("track.love", artist="Quiet Ghost", track=f"Nobody's {'Song'}")
        assert (word, answer.status_code, answer.json()) == (word, 200, {})
        assert box.calls(kind="track.love")[-1]["effect"] is expected
    assert lastfm.list_loved("alice") == [("Quiet Ghost", "Nobody's Song"), *before]
    assert lastfm.write("track.unlove", artist="QUIET GHOST", track="nobody's song").json() == {}
    assert lastfm.list_loved("alice") == before
    assert lastfm.write("track.unlove", artist="quiet ghost", track="nobody's song").json() == {}


def test_love_keeps_its_date_and_shows_catalogue_casing(box: Sandbox, lastfm: LastfmClient) -> None:
    box.order("unlove", {"user": "alice", "artist": "Björk", "title": "Jóga"})
    now = box.order("clock", {"offset": 0})["now"]
    box.services.state.now = lambda: now  # type: ignore[method-assign]
    lastfm.write("track.love", artist="BJÖRK", track="jóga")
    first = lastfm.read("user.getLovedTracks", user="alice", limit=1).json()
    box.services.state.now = lambda: now + 100  # type: ignore[method-assign]
    lastfm.write("track.love", artist="Björk", track="Jóga")
    again = lastfm.read("user.getLovedTracks", user="alice", limit=1).json()
    assert first == again
    row = first["lovedtracks"]["track"][0]
    assert (row["artist"]["name"], row["name"]) == ("Björk", "Jóga")
    assert int(row["date"]["uts"]) == int(now)


def test_love_takes_names_literally(lastfm: LastfmClient) -> None:
    names = [
        ("Hikaru Utada", "Automatic"),
        ("C+C", "100%25 + %41"),
        ('"&"', "<b> & 'x'"),
        ("🦋", "ζ"),
    ]
    for artist, title in names:
        assert lastfm.write("track.love", artist=artist, track=title).status_code == 200
    assert lastfm.list_loved("alice")[:4] == names[::-1]


def test_write_refuses_get_and_missing_names(box: Sandbox, lastfm: LastfmClient) -> None:
    params = {"method": "track.love", "api_key": LASTFM_API_KEY, "sk": lastfm.key, **LOVE}
    params |= {"api_sig": sign_by_hand(params), "format": "json"}
    assert error_of(requests.get(f"{box.url}/2.0/", params=params, timeout=PATIENCE)) == (400, 6)
    assert error_of(lastfm.write("track.love", artist="Björk")) == (400, 6)
    assert not any(call["effect"] for call in box.calls(kind="track.love"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"api_sig": "0" * 32}, (403, 13)),
        ({"extra": "unsigned"}, (403, 13)),
        ({"track": "Another"}, (403, 13)),
        ({"api_key": "f" * 32}, (403, 10)),
        ({"api_key": ""}, (403, 10)),
        ({"method": "track.hate"}, (400, 3)),
        ({"method": "library.addTrack"}, (400, 3)),
    ],
)
def test_write_checks_key_and_signature(
    box: Sandbox, lastfm: LastfmClient, change: dict[str, str], expected: tuple[int, int]
) -> None:
    params = {"method": "track.love", "api_key": LASTFM_API_KEY, "sk": lastfm.key, **LOVE}
    params |= {"api_sig": sign_by_hand(params), "format": "json", **change}
    answer = requests.post(f"{box.url}/2.0/", data=params, timeout=PATIENCE)
    assert error_of(answer) == expected
    assert answer.json()["message"] == ERRORS[expected[1]][1]


def test_signature_is_accepted_in_upper_case_and_method_in_any(
    box: Sandbox, lastfm: LastfmClient
) -> None:
    params = {"method": "TRACK.Love", "api_key": LASTFM_API_KEY, "sk": lastfm.key, **LOVE}
    params["api_sig"] = sign_by_hand(params).upper()
    answer = requests.post(f"{box.url}/2.0/", data=params, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=UTF-8")
    assert ElementTree.fromstring(answer.text).attrib == {"status": "ok"}


def test_session_key_must_be_known_and_not_revoked(box: Sandbox, lastfm: LastfmClient) -> None:
    stranger = LastfmClient(box)
    stranger.key = "0" * 32
    assert error_of(stranger.write("track.love", **LOVE)) == (403, 9)
    box.order("revoke", {"user": "alice", "service": "lastfm"})
    assert error_of(lastfm.write("track.love", **LOVE)) == (403, 9)


def test_loved_list_has_strings_and_attributes(box: Sandbox, lastfm: LastfmClient) -> None:
    total = len(box.order("loves/alice", http="GET")["loves"])
    assert total > 5
    answer = lastfm.read("user.getLovedTracks", user="ALICE", limit=2, page=2).json()
    listing = answer["lovedtracks"]
    assert listing["@attr"] == {
        "user": "alice",
        "totalPages": str(-(-total // 2)),
        "page": "2",
        "perPage": "2",
        "total": str(total),
    }
    row = listing["track"][0]
    assert sorted(row) == ["artist", "date", "image", "mbid", "name", "streamable", "url"]
    assert sorted(row["artist"]) == ["mbid", "name", "url"]
    assert isinstance(row["date"]["uts"], str)
    assert row["streamable"] == {"fulltrack": "0", "#text": "0"}
    assert [image["size"] for image in row["image"]] == ["small", "medium", "large", "extralarge"]


def test_loved_list_pages_cover_everything_newest_first(box: Sandbox, lastfm: LastfmClient) -> None:
    rows: list[dict[str, Any]] = []
    pages = 1
    page = 1
    while page <= pages:
        answer = lastfm.read("user.getLovedTracks", user="alice", limit=3, page=page).json()
        pages = int(answer["lovedtracks"]["@attr"]["totalPages"])
        rows += answer["lovedtracks"]["track"]
        page += 1
    dates = [int(row["date"]["uts"]) for row in rows]
    assert dates == sorted(dates, reverse=True)
    assert [(row["artist"]["name"], row["name"]) for row in rows] == lastfm.list_loved("alice")
    beyond = lastfm.read("user.getLovedTracks", user="alice", limit=3, page=pages + 5).json()
    assert beyond["lovedtracks"]["track"] == []


def test_loved_list_is_empty_for_a_new_user(box: Sandbox, lastfm: LastfmClient) -> None:
    box.order("users", {"name": "nina"})
    listing = lastfm.read("user.getLovedTracks", user="nina").json()["lovedtracks"]
    assert listing["track"] == []
    assert (listing["@attr"]["totalPages"], listing["@attr"]["perPage"]) == ("0", "50")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limit": 1001}, "limit param out of bounds (1-1000)"),
        ({"limit": 0}, "limit param out of bounds (1-1000)"),
        ({"page": 0}, "page param out of bounds (1-1000000)"),
        ({"page": "x"}, "page param out of bounds (1-1000000)"),
    ],
)
@pytest.mark.parametrize("method", ["user.getLovedTracks", "user.getTopTracks"])
def test_listing_refuses_bad_paging(
    lastfm: LastfmClient, method: str, params: dict[str, Any], message: str
) -> None:
    answer = lastfm.read(method, user="alice", **params)
    assert (answer.status_code, answer.json()) == (400, {"error": 6, "message": message})


def test_listing_needs_a_user_who_exists_and_is_public(box: Sandbox, lastfm: LastfmClient) -> None:
    missing = lastfm.read("user.getLovedTracks")
    assert missing.json()["message"].endswith("missing the [user] parameter")
    unknown = lastfm.read("user.getLovedTracks", user="nobody")
    assert (unknown.status_code, unknown.json()) == (
        404,
        {"error": 6, "message": "User not found"},
    )
    box.order("users", {"name": "alice", "private": True})
    assert error_of(lastfm.read("user.getLovedTracks", user="alice")) == (403, 17)
    assert "lovedtracks" in lastfm.write("user.getLovedTracks", user="alice").json()


def test_top_tracks_rank_by_plays_with_seconds(box: Sandbox, lastfm: LastfmClient) -> None:
    box.order(
        "scrobble", {"user": "alice", **{"artist": "Björk", "title": "Jóga"}, "playcount": 9000}
    )
    listing = lastfm.read("user.getTopTracks", user="alice", limit=1000).json()["toptracks"]
    rows = listing["track"]
    assert (rows[0]["artist"]["name"], rows[0]["name"], rows[0]["@attr"]) == (
        "Björk",
        "Jóga",
        {"rank": "1"},
    )
    plays = [int(row["playcount"]) for row in rows]
    assert plays == sorted(plays, reverse=True)
    assert int(listing["@attr"]["total"]) == len(rows) > 40
    durations = {int(row["duration"]) for row in rows}
    assert 0 in durations
    assert max(durations) < 1000
    week = lastfm.read("user.getTopTracks", user="alice", period="7day").json()["toptracks"]
    assert 0 < int(week["@attr"]["total"]) < len(rows)
    assert error_of(lastfm.read("user.getTopTracks", user="alice", period="ever")) == (400, 6)


def test_track_info_shows_page_plays_and_love(box: Sandbox, lastfm: LastfmClient) -> None:
    box.order("love", {"user": "alice", "artist": "Björk", "title": "Jóga"})
    names = {"artist": "björk", "track": "jóga"}
    track = lastfm.read("track.getInfo", username="alice", **names).json()["track"]
    assert (track["name"], track["artist"]["name"]) == ("Jóga", "Björk")
    assert (track["listeners"], track["userloved"]) == ("880000", "1")
    assert int(track["userplaycount"]) >= 0
    plain = lastfm.read("track.getInfo", **names).json()["track"]
    assert "userloved" not in plain


def test_track_info_corrects_only_when_asked(lastfm: LastfmClient) -> None:
    names = {"artist": "Hikaru Utada", "track": "First Love"}
    right = lastfm.read("track.getInfo", autocorrect=1, **names).json()["track"]
    assert (right["artist"]["name"], right["listeners"]) == ("宇多田ヒカル", "281000")
    wrong = lastfm.read("track.getInfo", **names).json()["track"]
    assert (wrong["artist"]["name"], wrong["listeners"]) == ("Hikaru Utada", "1")
    assert "/+noredirect/" in wrong["url"]


def test_track_info_of_unknown_names_is_a_ghost_or_error_6(lastfm: LastfmClient) -> None:
    answer = lastfm.read("track.getInfo", artist="Nobody Ever", track="Never Sung")
    assert (answer.status_code, answer.json()) == (200, {"error": 6, "message": "Track not found"})
    seen = set()
    for number in range(30):
        track = lastfm.read("track.getInfo", artist="Queen", track=f"Unsung {number}").json()
        seen.add(track["track"]["listeners"] if "track" in track else "error")
    assert seen == {"0", "1", "error"}
    lastfm.write("track.love", artist="Nobody Ever", track="Never Sung")
    ghost = lastfm.read("track.getInfo", artist="Nobody Ever", track="Never Sung").json()["track"]
    assert (ghost["listeners"], ghost["duration"]) == ("1", "0")


def test_track_info_decodes_names_twice(lastfm: LastfmClient) -> None:
    once = lastfm.read("track.getInfo", artist="Plus % Minus", track="C+C Music Factory 100%")
    assert once.json()["track"]["name"] == "C C Music Factory 100%"
    names = {"artist": "Plus %25 Minus", "track": "C%2BC Music Factory 100%25"}
    for method in ("track.getInfo", "track.getCorrection"):
        answer = lastfm.read(method, **names).json()
        track = answer.get("track") or answer["corrections"]["correction"]["track"]
        assert (track["artist"]["name"], track["name"]) == (
            "Plus % Minus",
            "C+C Music Factory 100%",
        )


def test_corrections_have_flags_or_nothing(lastfm: LastfmClient) -> None:
    def correct(artist: str, track: str) -> dict[str, Any]:
        answer = lastfm.read("track.getCorrection", artist=artist, track=track).json()
        found: dict[str, Any] = answer["corrections"]["correction"]
        return found

    right = correct("Kanye West", "Black Skinhead")
    assert right["track"]["artist"]["name"] == "Ye"
    assert right["@attr"] == {"index": "0", "artistcorrected": "1", "trackcorrected": "0"}
    same = correct("Queen", "Bohemian Rhapsody")
    assert same["@attr"] == {"index": "0", "artistcorrected": "0", "trackcorrected": "0"}
    assert same["track"]["name"] == "Bohemian Rhapsody"
    assert correct("Nobody", "Nothing")["track"] == {"url": "", "artist": {"url": ""}}
    artist = lastfm.read("artist.getCorrection", artist="kanye west").json()
    assert artist["corrections"]["correction"]["artist"]["name"] == "Ye"
    nothing = lastfm.read("artist.getCorrection", artist="Nobody Ever").json()
    assert nothing["corrections"].strip() == ""


def test_search_finds_pages_by_listeners(lastfm: LastfmClient) -> None:
    results = lastfm.read("track.search", track="hurt").json()["results"]
    rows = results["trackmatches"]["track"]
    assert [row["artist"] for row in rows[:2]] == ["Johnny Cash", "Nine Inch Nails"]
    assert results["opensearch:totalResults"] == str(len(rows))
    assert results["@attr"] == {"for": "hurt"}
    empty = lastfm.read("track.search", track="hurt", artist="Fairuz").json()["results"]
    assert (empty["trackmatches"], empty["@attr"]) == ({"track": []}, {})


def test_user_info_and_recent_tracks(lastfm: LastfmClient) -> None:
    named = lastfm.read("user.getInfo", user="alice").json()["user"]
    own = lastfm.write("user.getInfo").json()["user"]
    assert named == own
    assert named["name"] == "alice"
    assert isinstance(named["playcount"], str)
    assert named["registered"]["unixtime"] == str(named["registered"]["#text"])
    recent = lastfm.read("user.getRecentTracks", user="alice", limit=5).json()["recenttracks"]
    dates = [int(row["date"]["uts"]) for row in recent["track"]]
    assert (len(dates), dates) == (5, sorted(dates, reverse=True))


def test_xml_says_the_same_as_json(box: Sandbox, lastfm: LastfmClient) -> None:
    lastfm.write("track.love", artist='A & "B"', track="<i>\x0bodd's</i>")
    params = {"method": "user.getLovedTracks", "api_key": LASTFM_API_KEY, "user": "alice"}
    answer = requests.post(f"{box.url}/2.0/", data=params, timeout=PATIENCE)
    root = ElementTree.fromstring(answer.text)
    listing = root.find("lovedtracks")
    assert root.attrib == {"status": "ok"}
    assert listing is not None
    same = lastfm.read("user.getLovedTracks", user="alice").json()["lovedtracks"]
    assert listing.attrib == same["@attr"]
    for element, row in zip(listing.findall("track"), same["track"], strict=True):
        date = element.find("date")
        assert date is not None
        assert (element.findtext("artist/name"), element.findtext("name")) == (
            row["artist"]["name"],
            row["name"].replace("\x0b", "?"),
        )
        assert (date.attrib["uts"], date.text) == (row["date"]["uts"], row["date"]["#text"])
    wrong = requests.get(f"{box.url}/2.0/", params={"method": "user.getInfo"}, timeout=PATIENCE)
    failed = ElementTree.fromstring(wrong.text)
    error = failed.find("error")
    assert (wrong.status_code, failed.attrib) == (403, {"status": "failed"})
    assert error is not None
    assert error.attrib == {"code": "10"}


def test_auth_desktop_flow_ends_in_a_session(box: Sandbox) -> None:
    client = LastfmClient(box)
    token = client.write("auth.getToken").json()["token"]
    assert len(token) == 32
    assert error_of(client.write("auth.getSession", token=token)) == (403, 14)
    page = f"{box.url}/api/auth/?api_key={LASTFM_API_KEY}&token={token}"
    assert "not Last.fm" in requests.get(page, timeout=PATIENCE).text
    granted = requests.post(page, data={"user": "bob", "answer": "allow"}, timeout=PATIENCE)
    assert "You have connected the app" in granted.text
    session = client.write("auth.getSession", token=token).json()["session"]
    assert (session["name"], session["subscriber"], len(session["key"])) == ("bob", 0, 32)
    assert error_of(client.write("auth.getSession", token=token)) == (403, 4)
    client.key = session["key"]
    assert client.write("user.getInfo").json()["user"]["name"] == "bob"


def test_auth_web_flow_appends_the_token(box: Sandbox) -> None:
    for back, joined in (
        ("http://127.0.0.1:9/done", "http://127.0.0.1:9/done?token="),
        ("http://127.0.0.1:9/done?state=a%20b", "http://127.0.0.1:9/done?state=a%20b&token="),
    ):
        page = requests.Request(
            "GET", f"{box.url}/api/auth/", params={"api_key": LASTFM_API_KEY, "cb": back}
        ).prepare()
        form = {"user": "alice", "answer": "allow"}
        answer = requests.post(str(page.url), data=form, allow_redirects=False, timeout=PATIENCE)
        address = answer.headers["Location"]
        assert address.startswith(joined)
        client = LastfmClient(box)
        session = client.write("auth.getSession", token=address.removeprefix(joined)).json()
        assert session["session"]["name"] == "alice"


def test_auth_callback_cannot_add_headers(box: Sandbox) -> None:
    back = "http://127.0.0.1:9/\u00e9?x=1\r\nX-Added: 1"
    params = {"api_key": LASTFM_API_KEY, "cb": back}
    page = requests.Request("GET", f"{box.url}/api/auth/", params=params).prepare()
    form = {"user": "alice", "answer": "allow"}
    answer = requests.post(str(page.url), data=form, allow_redirects=False, timeout=PATIENCE)
    assert answer.headers["Location"].startswith("http://127.0.0.1:9/%C3%A9?x=1%0D%0AX-Added:%201&")
    assert "X-Added" not in answer.headers


def test_auth_declined_calls_nothing(box: Sandbox) -> None:
    page = f"{box.url}/api/auth/?api_key={LASTFM_API_KEY}&cb=http://127.0.0.1:9/"
    answer = requests.post(page, data={"answer": "cancel"}, allow_redirects=False, timeout=PATIENCE)
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    wrong = requests.get(f"{box.url}/api/auth/?api_key=no&cb=http://127.0.0.1:9/", timeout=PATIENCE)
    assert (wrong.status_code, "Invalid API key" in wrong.text) == (400, True)


def test_auth_tokens_expire_and_are_checked(box: Sandbox) -> None:
    client = LastfmClient(box)
    assert error_of(client.write("auth.getSession", token="f" * 32)) == (403, 4)
    token = client.write("auth.getToken").json()["token"]
    box.order("clock", {"advance": 3601})
    assert error_of(client.write("auth.getSession", token=token)) == (403, 15)


def test_limits_answer_error_29(box: Sandbox, lastfm: LastfmClient) -> None:
    box.order("limits", {"lastfm_per_five_minutes": 4})
    answers = [lastfm.read("user.getInfo", user="alice") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    assert answers[-1].json()["error"] == 29
    box.order("clock", {"advance": 301})
    assert lastfm.read("user.getInfo", user="alice").status_code == 200
    box.order("limits", {"lastfm_per_second": 2})
    statuses = [lastfm.read("user.getInfo", user="alice").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    box.order("limits", {})
    assert lastfm.read("user.getInfo", user="alice").status_code == 200
