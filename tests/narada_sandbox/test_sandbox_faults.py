"""Every fault, as a client sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from sandbox_clients import LastfmClient, SpotifyClient
from waiting import PATIENCE

from narada_sandbox import SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET
from narada_sandbox.faults import DAY, KINDS, BadFault, read_rule, sum_delays
from narada_sandbox.server import Sandbox

LOVE = {"artist": "Quiet Ghost", "track": "Song"}


def refresh(box: Sandbox, key: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": key}
    auth = (SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET)
    return requests.post(f"{box.url}/api/token", data=form, auth=auth, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("rule", "status", "text", "retry_after"),
    [
        ({"kind": "status"}, 500, '"status":500', None),
        ({"kind": "status", "status": 503, "body": ""}, 503, "", None),
        ({"kind": "html_502"}, 502, "<title>502 Bad Gateway</title>", None),
        ({"kind": "rate_limited", "retry_after": 7}, 429, "API rate limit exceeded", "7"),
        ({"kind": "rate_limited", "retry_after": None}, 429, "API rate limit exceeded", None),
        ({"kind": "quota_exceeded"}, 429, '"reason":"QUOTA_EXCEEDED"', str(DAY)),
        ({"kind": "expired_token"}, 401, "The access token expired", None),
        ({"kind": "revoked_token"}, 401, "Invalid access token", None),
        ({"kind": "premium_lapsed"}, 403, "Active premium subscription required", None),
        ({"kind": "not_allowlisted"}, 403, "User not registered", None),
    ],
)
def test_spotify_fault_answers_once_and_is_over(
    box: Sandbox,
    spotify: SpotifyClient,
    rule: dict[str, Any],
    status: int,
    text: str,
    retry_after: str | None,
) -> None:
    box.add_faults({"service": "spotify", "times": 1, **rule})
    answer = spotify.api("/me/tracks")
    assert (answer.status_code, text in answer.text) == (status, True)
    assert answer.headers.get("Retry-After") == retry_after
    assert spotify.api("/me/tracks").status_code == 200
    assert [(c["status"], c["faults"]) for c in box.calls("spotify")] == [
        (status, [rule["kind"]]),
        (200, []),
    ]


def test_premium_lapsed_is_the_159_bytes_of_plain_text(
    box: Sandbox, spotify: SpotifyClient
) -> None:
    box.add_faults({"kind": "premium_lapsed"})
    answer = spotify.api("/me")
    assert len(answer.content) == 159
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize(("code", "status"), [(8, 500), (11, 503), (16, 503), (29, 429), (9, 403)])
def test_lastfm_error_has_its_usual_status_or_200(
    box: Sandbox, lastfm: LastfmClient, code: int, status: int
) -> None:
    box.add_faults({"kind": "lastfm_error", "code": code, "times": 1})
    box.add_faults({"kind": "lastfm_error", "code": code, "status": 200, "after": 1})
    seen = [lastfm.write("track.love", **LOVE) for _ in range(2)]
    assert [(one.status_code, one.json()["error"]) for one in seen] == [
        (status, code),
        (200, code),
    ]
    box.clear_faults()
    assert ("Quiet Ghost", "Song") not in lastfm.list_loved("alice")


def test_reset_before_and_after_differ_in_the_effect(box: Sandbox, lastfm: LastfmClient) -> None:
    for kind, loved in (("reset_before", False), ("reset_after", True)):
        box.add_faults({"kind": kind, "match": "track.love", "times": 1})
        with pytest.raises(requests.ConnectionError, match=r"reset by peer|aborted"):
            lastfm.write("track.love", artist="Quiet Ghost", track=kind)
        assert (("Quiet Ghost", kind) in lastfm.list_loved("alice")) is loved
        call = box.calls(kind="track.love")[-1]
        assert (call["reset"], call["effect"]) == (True, loved)


def test_cut_json_cannot_be_read(box: Sandbox, spotify: SpotifyClient) -> None:
    box.add_faults({"kind": "cut_json", "times": 1})
    with pytest.raises(requests.JSONDecodeError):
        spotify.api("/me/tracks").json()
    box.add_faults({"kind": "cut_json", "how": "length", "times": 1})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        spotify.api("/me/tracks")
    assert len(spotify.api("/me/tracks").json()["items"]) == 20


def test_stall_and_latency_delay_the_answer(box: Sandbox, spotify: SpotifyClient) -> None:
    both = [{"kind": "latency", "ms": 120}, {"kind": "stall", "seconds": 1}]
    assert sum_delays([read_rule(rule) for rule in both]) == 1.12
    box.add_faults({"kind": "stall", "seconds": 600, "times": 1})
    with pytest.raises(requests.Timeout):
        spotify.get(f"{box.url}/v1/me", timeout=0.1)


def test_calls_that_are_kept_waiting_are_answered_when_faults_are_cleared(
    box: Sandbox, spotify: SpotifyClient
) -> None:
    box.add_faults({"kind": "stall", "seconds": 600, "times": 1})
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(spotify.get, f"{box.url}/v1/me", timeout=PATIENCE)
        while not box.services.faults.describe()[0]["fired"]:
            assert not call.done()
        assert box.calls() == []
        box.clear_faults()
        assert call.result().status_code == 200


def test_object_stands_where_a_list_should(
    box: Sandbox, spotify: SpotifyClient, lastfm: LastfmClient
) -> None:
    box.add_faults({"kind": "object_for_list"})
    assert isinstance(spotify.api("/me/tracks", limit=1).json()["items"], dict)
    for method, name in (
        ("user.getLovedTracks", "lovedtracks"),
        ("user.getTopTracks", "toptracks"),
    ):
        assert isinstance(lastfm.read(method, user="alice", limit=1).json()[name]["track"], dict)


def test_missing_date_and_other_users_answer(box: Sandbox, lastfm: LastfmClient) -> None:
    box.add_faults({"kind": "missing_date", "match": "getLovedTracks", "times": 1})
    rows = lastfm.read("user.getLovedTracks", user="alice").json()["lovedtracks"]["track"]
    assert ["date" in row for row in rows[:2]] == [False, True]
    box.add_faults({"kind": "other_user", "match": "getLovedTracks", "times": 1})
    wrong = lastfm.read("user.getLovedTracks", user="alice").json()["lovedtracks"]
    assert wrong["@attr"]["user"] == "bob"
    right = lastfm.read("user.getLovedTracks", user="alice").json()["lovedtracks"]
    assert (right["@attr"]["user"], right["track"][1:]) == ("alice", rows[1:])


def test_total_wobbles(box: Sandbox, spotify: SpotifyClient, lastfm: LastfmClient) -> None:
    box.add_faults({"kind": "wobble", "by": -5, "service": "spotify", "times": 1})
    assert [spotify.api("/me/tracks").json()["total"] for _ in range(2)] == [55, 60]
    total = int(
        lastfm.read("user.getTopTracks", user="alice").json()["toptracks"]["@attr"]["total"]
    )
    box.add_faults({"kind": "wobble", "by": 3, "service": "lastfm", "times": 1})
    seen = lastfm.read("user.getTopTracks", user="alice").json()["toptracks"]["@attr"]["total"]
    assert int(seen) == total + 3


def test_page_is_served_twice(box: Sandbox, spotify: SpotifyClient, lastfm: LastfmClient) -> None:
    first, second = (spotify.api("/me/tracks", limit=10, offset=n).json() for n in (0, 10))
    box.add_faults({"kind": "page_twice"})
    assert spotify.api("/me/tracks", limit=10).json() == first
    doubled = spotify.api("/me/tracks", limit=10, offset=10).json()
    assert doubled == {**second, "items": first["items"]}
    pages = [
        lastfm.read("user.getTopTracks", user="alice", limit=5, page=page).json()["toptracks"]
        for page in (1, 2)
    ]
    assert pages[0]["track"] == pages[1]["track"]
    assert pages[1]["@attr"]["page"] == "2"


def test_list_moves_while_it_is_read(box: Sandbox, spotify: SpotifyClient) -> None:
    order = {"user": "alice", "n": 2}
    rule = {"kind": "meanwhile", "match": "/me/tracks", "after": 1, "times": 1}
    box.add_faults({**rule, "path": "like", "order": order})
    first = spotify.api("/me/tracks", limit=10).json()
    second = spotify.get(first["next"], timeout=PATIENCE).json()
    assert (first["total"], second["total"]) == (60, 62)
    assert second["items"][:2] == first["items"][8:]


def test_false_invalid_grant_spares_the_token(box: Sandbox) -> None:
    key = box.grant("spotify", "alice")["refresh_token"]
    box.add_faults({"kind": "false_invalid_grant", "service": "accounts", "times": 1})
    answers = [refresh(box, key) for _ in range(2)]
    assert answers[0].json()["error"] == "invalid_grant"
    assert [answer.status_code for answer in answers] == [400, 200]


def test_revoked_token_fits_each_service(box: Sandbox, lastfm: LastfmClient) -> None:
    key = box.grant("spotify", "alice")["refresh_token"]
    box.add_faults({"kind": "revoked_token"})
    assert refresh(box, key).json()["error_description"] == "Refresh token revoked"
    assert lastfm.write("track.love", **LOVE).json()["error"] == 9


def test_rule_fires_for_its_user_after_some_calls(box: Sandbox, spotify: SpotifyClient) -> None:
    other = SpotifyClient(box, "bob")
    box.add_faults({"kind": "status", "user": "alice", "after": 1, "times": 2})
    assert [spotify.api("/me").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert [other.api("/me").status_code for _ in range(3)] == [200, 200, 200]


def test_probability_is_about_right_and_seeded(box: Sandbox) -> None:
    def run() -> list[int]:
        box.order("reset", {"likes": 5, "seed": 4})
        client = SpotifyClient(box)
        box.add_faults({"kind": "status", "probability": 0.3})
        return [client.api("/me").status_code for _ in range(100)]

    first = run()
    assert 15 <= first.count(500) <= 45
    assert run() == first


def test_faults_are_listed_and_cleared_over_http(box: Sandbox, spotify: SpotifyClient) -> None:
    rules = [{"kind": "status", "status": 503, "match": "/me", "times": 5}, {"kind": "latency"}]
    assert len(box.order("faults", rules)["faults"]) == 2
    spotify.api("/me")
    listed = box.order("faults", http="GET")["faults"][0]
    assert (listed["kind"], listed["seen"], listed["fired"]) == ("status", 1, 1)
    assert box.order("faults", http="DELETE") == {"faults": []}
    assert spotify.api("/me").status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "flood"},
        {"kind": "status", "service": "deezer"},
        {"kind": "status", "probability": 2},
    ],
)
def test_nonsense_rule_is_refused(box: Sandbox, rule: dict[str, Any]) -> None:
    with pytest.raises(BadFault):
        box.add_faults(rule)


def test_every_kind_can_be_switched_on(box: Sandbox) -> None:
    box.add_faults(*({"kind": kind, "times": 0} for kind in KINDS))
    assert len(set(KINDS)) == len(KINDS) >= 20
    assert len(box.order("faults", http="GET")["faults"]) == len(KINDS)
