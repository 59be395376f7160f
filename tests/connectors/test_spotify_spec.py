"""What the connector sends to Spotify is what Spotify's OpenAPI allows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
import requests
import responses

from connectors.http import ServiceSession
from connectors.spotify import SpotifyConnector

BASE = "http://127.0.0.1:9/v1"
FACTS = json.loads((Path(__file__).parent / "data" / "spotify_requests.json").read_text())
OPERATIONS: dict[str, dict[str, Any]] = FACTS["operations"]


def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
    url = urlsplit(request.url or "")
    query = dict(parse_qsl(url.query))
    if url.path.endswith("/contains"):
        return 200, {}, json.dumps([True] * len(query["uris"].split(",")))
    if url.path.endswith("/me/tracks"):
        return 200, {}, json.dumps(make_page(int(query["offset"]), int(query["limit"])))
    return 200, {}, json.dumps({"account_id": "aB3dE5fG7h"})


def make_page(offset: int, limit: int, total: int = 130) -> dict[str, Any]:
    numbers = range(offset, min(offset + limit, total))
    items = [
        {
            "added_at": "2024-05-01T18:22:10Z",
            "track": {"id": f"{n:022d}", "name": f"Title {n}", "artists": [{"name": "One"}]},
        }
        for n in numbers
    ]
    return {"items": items, "offset": offset, "total": total, "next": None}


@pytest.fixture
def sent() -> Iterator[list[requests.PreparedRequest]]:
    """Do everything the connector can, and return what it sent."""
    with responses.RequestsMock() as web:
        web.add_callback("GET", re.compile(".*"), answer)
        spotify = SpotifyConnector(lambda force: "t", api_url=BASE, http=ServiceSession("spotify"))
        spotify.get_user()
        spotify.get_liked_page()
        spotify.get_liked_page(offset=129, limit=1)
        list(spotify.get_liked_pages(offset=3, page_size=20))
        spotify.contains([row.track.service_id for row in spotify.get_liked_tracks() if row.track])
        yield [call.request for call in web.calls]


def name_operation(request: requests.PreparedRequest) -> str:
    return f"{request.method} {urlsplit(request.url or '').path.removeprefix('/v1')}"


def read_query(request: requests.PreparedRequest) -> dict[str, Any]:
    pairs = parse_qsl(
        urlsplit(request.url or "").query, strict_parsing=True, keep_blank_values=True
    )
    assert len(dict(pairs)) == len(pairs)
    return {key: int(value) if value.isdecimal() else value for key, value in pairs}


def test_requests_are_valid_by_the_openapi(sent: list[requests.PreparedRequest]) -> None:
    for request in sent:
        jsonschema.validate(read_query(request), OPERATIONS[name_operation(request)])
        assert not request.body
        assert request.headers["Authorization"] == "Bearer t"
    assert {name_operation(request) for request in sent} == {
        "GET /me",
        "GET /me/tracks",
        "GET /me/library/contains",
    }


def test_requests_never_name_a_market(sent: list[requests.PreparedRequest]) -> None:
    assert not [request.url for request in sent if "market" in read_query(request)]


@pytest.mark.parametrize(
    ("operation", "query"),
    [
        ("GET /me", {"access_token": "t"}),
        ("GET /me/tracks", {"limit": 51}),
        ("GET /me/tracks", {"limit": 0}),
        ("GET /me/tracks", {"offset": -1}),
        ("GET /me/tracks", {"page": 2}),
        ("GET /me/library/contains", {}),
        ("GET /me/library/contains", {"ids": "1"}),
        ("GET /me/library/contains", {"uris": ",".join(["spotify:track:1"] * 41)}),
        ("PUT /me/library", {"uris": "1"}),
        ("DELETE /me/library", {"uris": "spotify:artist:1"}),
    ],
)
def test_facts_refuse_what_spotify_refuses(operation: str, query: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(query, OPERATIONS[operation])
