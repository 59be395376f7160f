"""The stand-in for Spotify's Web API, over real HTTP."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import requests
import spotipy
from sandbox_clients import SpotifyClient
from waiting import PATIENCE

from narada_sandbox.server import Sandbox

STRING, NULL = {"type": "string"}, {"type": "null"}
LINKED = {
    "type": "object",
    "required": ["external_urls", "href", "id", "name", "type", "uri"],
    "properties": {"external_urls": {"type": "object"}, "name": STRING},
}
TRACK = {
    "type": "object",
    "required": [
        *("album", "artists", "disc_number", "duration_ms", "explicit", "external_ids", "href"),
        *("id", "is_local", "name", "preview_url", "track_number", "type", "uri", "external_urls"),
    ],
    "properties": {
        "album": {
            "allOf": [LINKED],
            "required": ["album_type", "artists", "images", "release_date", "total_tracks"],
            "properties": {
                "artists": {"type": "array", "items": LINKED},
                "release_date_precision": {"enum": ["year", "month", "day"]},
                "available_markets": False,
                "popularity": False,
            },
        },
        "artists": {"type": "array", "items": LINKED, "minItems": 1},
        "duration_ms": {"type": "integer", "minimum": 1},
        "explicit": {"type": "boolean"},
        "external_ids": {
            "type": "object",
            "properties": {"isrc": {"type": "string", "pattern": "^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$"}},
        },
        "id": {"type": "string", "pattern": "^[0-9A-Za-z]{22}$"},
        "is_local": {"const": False},
        "type": {"const": "track"},
        "available_markets": False,
        "popularity": False,
        "linked_from": False,
    },
}
LOCAL_TRACK = {
    "type": "object",
    "required": ["id", "uri", "is_local", "name"],
    "properties": {
        "id": NULL,
        "is_local": {"const": True},
        "uri": {"type": "string", "pattern": "^spotify:local:"},
    },
}
LINK = {"anyOf": [{"type": "string", "pattern": "^http://127"}, NULL]}
SAVED_PAGE = {
    "type": "object",
    "required": ["href", "limit", "next", "offset", "previous", "total", "items"],
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 50},
        "next": LINK,
        "previous": LINK,
        "total": {"type": "integer"},
        "items": {
            "type": "array",
            "maxItems": 50,
            "items": {
                "type": "object",
                "required": ["added_at", "track"],
                "additionalProperties": False,
                "properties": {
                    "added_at": {
                        "type": "string",
                        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$",
                    },
                    "track": {"anyOf": [NULL, LOCAL_TRACK, TRACK]},
                },
            },
        },
    },
}


def walk(client: SpotifyClient, limit: int = 50) -> list[dict[str, Any]]:
    page = client.api("/me/tracks", limit=limit).json()
    items = list(page["items"])
    while page["next"]:
        page = client.get(page["next"], timeout=PATIENCE).json()
        items += page["items"]
    return items


def error_of(answer: requests.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert error["status"] == answer.status_code
    return answer.status_code, error["message"]


def test_saved_tracks_have_the_shape_of_the_specification() -> None:
    with Sandbox(likes=260, seed=3) as box:
        client = SpotifyClient(box)
        for offset in range(0, 260, 50):
            page = client.api("/me/tracks", limit=50, offset=offset).json()
            jsonschema.validate(page, SAVED_PAGE)
        items = walk(client)
    tracks = [item["track"] for item in items]
    assert len(items) == 260
    assert sum(track is None for track in tracks) == 1
    assert sum(bool(track and track["is_local"]) for track in tracks) == 1
    assert any(track and track["external_ids"] == {} and track["id"] for track in tracks)
    assert any(track and track["album"]["name"] == "" for track in tracks)


def test_saved_tracks_walk_newest_first_and_stay_in_order_in_ties(
    box: Sandbox, spotify: SpotifyClient
) -> None:
    box.order("like", {"user": "alice", "n": 7, "added_at": "2024-05-01T18:22:10Z"})
    items = walk(spotify, limit=3)
    dates = [item["added_at"] for item in items]
    assert len(items) == 67
    assert dates == sorted(dates, reverse=True)
    assert items == walk(spotify, limit=50)
    assert dates.count("2024-05-01T18:22:10Z") == 7


def test_saved_tracks_page_links_are_absolute_and_end(box: Sandbox, spotify: SpotifyClient) -> None:
    page = spotify.api("/me/tracks", limit=50, offset=10).json()
    assert page["next"] is None
    assert page["previous"] == f"{box.url}/v1/me/tracks?offset=0&limit=50"
    first = spotify.api("/me/tracks").json()
    assert (first["limit"], len(first["items"])) == (20, 20)
    assert first["next"] == f"{box.url}/v1/me/tracks?offset=20&limit=20"
    beyond = spotify.api("/me/tracks", offset=1000).json()
    assert (beyond["items"], beyond["total"], beyond["next"]) == ([], 60, None)


@pytest.mark.parametrize(
    "params", [{"limit": 51}, {"limit": 0}, {"limit": "x"}, {"offset": -1}, {"offset": "1e3"}]
)
def test_saved_tracks_refuses_bad_paging(spotify: SpotifyClient, params: dict[str, Any]) -> None:
    assert error_of(spotify.api("/me/tracks", **params)) == (400, f"Invalid {next(iter(params))}")


def test_me_gives_account_id_and_no_email(spotify: SpotifyClient) -> None:
    user = spotify.api("/me").json()
    assert sorted(user) == [
        *("account_id", "display_name", "external_urls", "href", "id", "images", "type", "uri")
    ]
    assert user == spotify.api("/me/").json()
    assert (len(user["account_id"]), user["id"]) == (10, "sandbox-alice")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (401, "No token provided")),
        ("Bearer nonsense", (401, "Invalid access token")),
        ("Basic abc", (400, "Only valid bearer authentication supported")),
    ],
)
def test_api_refuses_other_tokens(
    box: Sandbox, header: str | None, expected: tuple[int, str]
) -> None:
    headers = {"Authorization": header} if header else {}
    answer = requests.get(f"{box.url}/v1/me", headers=headers, timeout=PATIENCE)
    assert error_of(answer) == expected
    assert ("WWW-Authenticate" in answer.headers) == (expected[0] == 401)


def test_api_expires_and_revokes_tokens(box: Sandbox, spotify: SpotifyClient) -> None:
    assert box.order("expire", {"user": "alice"}) == {"expired": 1}
    assert error_of(spotify.api("/me")) == (401, "The access token expired")
    other = SpotifyClient(box)
    box.order("clock", {"advance": 3601})
    assert error_of(other.api("/me")) == (401, "The access token expired")
    third = SpotifyClient(box)
    box.order("revoke", {"user": "alice", "service": "spotify"})
    assert error_of(third.api("/me")) == (401, "Invalid access token")


def test_api_wants_the_right_scope(box: Sandbox) -> None:
    reader = SpotifyClient(box, scopes="user-library-read")
    assert reader.api("/me/tracks").status_code == 200
    refused = reader.api("/me/library", "PUT", uris="spotify:track:" + "a" * 22)
    assert error_of(refused) == (403, "Insufficient client scope")
    nothing = SpotifyClient(box, scopes="")
    assert error_of(nothing.api("/me/tracks")) == (403, "Insufficient client scope")
    assert nothing.api("/me").status_code == 200


def test_user_off_the_list_gets_plain_403(box: Sandbox) -> None:
    answer = SpotifyClient(box, "mallory").api("/me")
    assert (answer.status_code, answer.text) == (
        403,
        "User not registered in the Developer Dashboard",
    )
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_library_adds_checks_and_removes(box: Sandbox, spotify: SpotifyClient) -> None:
    fresh = box.order("unlike", {"user": "alice", "n": 2})["unliked"]
    fresh = [item for item in fresh if len(item) == 22]
    uris = ",".join(f"spotify:track:{item}" for item in fresh)
    total = spotify.api("/me/tracks", limit=1).json()["total"]

    saved = spotify.api("/me/library", "PUT", uris=uris)
    assert (saved.status_code, saved.content) == (200, b"")
    assert spotify.api("/me/tracks", limit=1).json()["total"] == total + len(fresh)
    asked = f"{uris},spotify:track:{'0' * 22},spotify:album:{'1' * 22},spotify:artist:{'2' * 22}"
    answer = spotify.api("/me/library/contains", uris=asked).json()
    assert answer == [*[True] * len(fresh), False, False, False]
    assert [call["effect"] for call in box.calls(kind="PUT /me/library")] == [True]

    assert spotify.api("/me/library", "DELETE", uris=uris).status_code == 200
    assert spotify.api("/me/library", "DELETE", uris=uris).status_code == 200
    assert spotify.api("/me/library/contains", uris=uris).json() == [False] * len(fresh)
    assert [call["effect"] for call in box.calls(kind="DELETE /me/library")] == [True, False]


@pytest.mark.parametrize(
    "uris",
    [
        "",
        "spotify:track:short",
        "not a uri",
        "spotify:genre:rock",
        ",".join(["spotify:track:" + "a" * 22] * 41),
    ],
)
def test_library_refuses_bad_uris(spotify: SpotifyClient, uris: str) -> None:
    for method, path in (("PUT", "/me/library"), ("GET", "/me/library/contains")):
        assert spotify.api(path, method, uris=uris).status_code == 400


def test_library_write_refuses_artists(spotify: SpotifyClient) -> None:
    uri = f"spotify:artist:{'2' * 22}"
    assert spotify.api("/me/library", "PUT", uris=uri).status_code == 400
    assert spotify.api("/me/library/contains", uris=uri).json() == [False]


def test_track_is_shown_by_id_with_its_errors(box: Sandbox, spotify: SpotifyClient) -> None:
    song = next(row for row in box.order("likes/alice", http="GET")["likes"] if "isrc" in row)
    track = spotify.api(f"/tracks/{song['service_id']}").json()
    jsonschema.validate(track, TRACK)
    assert (track["name"], track["duration_ms"]) == (song["title"], song["duration_ms"])
    assert error_of(spotify.api("/tracks/" + "0" * 22)) == (404, "Resource not found")
    assert error_of(spotify.api("/tracks/nonsense")) == (400, "Invalid base62 id")


def test_search_filters_and_limits(spotify: SpotifyClient) -> None:
    found = spotify.api("/search", q="isrc:GBAYE9701376", type="track").json()["tracks"]
    assert [track["name"] for track in found["items"]] == ["No Surprises"]
    named = spotify.api("/search", q='track:"Hurt" artist:"Johnny Cash"', type="track").json()
    assert [track["artists"][0]["name"] for track in named["tracks"]["items"]] == ["Johnny Cash"]
    assert named["tracks"]["limit"] == 5
    assert error_of(spotify.api("/search", q="x", type="track", limit=11)) == (400, "Invalid limit")
    assert error_of(spotify.api("/search", type="track")) == (400, "No search query")
    pair = spotify.api("/search", q="isrc:QZABC1500001", type="track").json()["tracks"]
    assert {track["name"] for track in pair["items"]} == {
        "Two Trains at Once",
        "Letters From the Coast",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tracks?ids=" + "a" * 22),
        ("PUT", "/me/tracks?ids=" + "a" * 22),
        ("DELETE", "/me/tracks"),
        ("GET", "/me/tracks/contains?ids=x"),
        ("GET", "/artists/" + "a" * 22 + "/top-tracks"),
        ("GET", "/playlists/x/tracks"),
        ("GET", "/users/bob"),
        ("GET", "/browse/new-releases"),
    ],
)
def test_endpoints_that_development_mode_lost_are_forbidden(
    spotify: SpotifyClient, method: str, path: str
) -> None:
    assert error_of(spotify.api(path, method)) == (403, "Forbidden")


def test_rate_limit_counts_thirty_seconds(box: Sandbox, spotify: SpotifyClient) -> None:
    box.order("limits", {"spotify_per_30_seconds": 3})
    statuses = [spotify.api("/me").status_code for _ in range(4)]
    refused = spotify.api("/me")
    assert statuses == [200, 200, 200, 429]
    assert error_of(refused) == (429, "API rate limit exceeded")
    assert 1 <= int(refused.headers["Retry-After"]) <= 31
    box.order("clock", {"advance": 31})
    assert spotify.api("/me").status_code == 200


def test_spotipy_reads_it(box: Sandbox) -> None:
    token = box.grant("spotify", "alice")["access_token"]
    client = spotipy.Spotify(auth=token, requests_session=requests.Session())
    client.prefix = f"{box.url}/v1/"
    page = client.current_user_saved_tracks(limit=50)
    items = list(page["items"])
    while page["next"]:
        page = client.next(page)
        items += page["items"]
    uris = [item["track"]["uri"] for item in items if item["track"] and item["track"]["id"]]
    assert (len(items), client.me()["id"]) == (60, "sandbox-alice")
    assert client.current_user_saved_tracks_contains(uris[:40]) == [True] * 40
    client.current_user_saved_tracks_delete(uris[:3])
    assert client.current_user_saved_tracks_contains(uris[:4]) == [False, False, False, True]
    client.current_user_saved_tracks_add(uris[:3])
    assert client.current_user_saved_tracks(limit=1)["total"] == 60
    with pytest.raises(spotipy.SpotifyException) as caught:
        client.track("0" * 22)
    assert caught.value.http_status == 404
