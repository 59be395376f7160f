"""pylast, unchanged, reads the sandbox's XML."""

from __future__ import annotations

import httpx2
import pylast
import pytest
import requests
from waiting import PATIENCE

from narada_sandbox import LASTFM_API_KEY, LASTFM_API_SECRET
from narada_sandbox.server import Sandbox


class Loopback(httpx2.BaseTransport):
    """Sends what pylast wants to send over HTTPS to the sandbox instead."""

    def __init__(self, address: str) -> None:
        self.address = address

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {"Content-Type": request.headers["Content-Type"]}
        body = request.read()
        answer = requests.post(self.address, data=body, headers=headers, timeout=PATIENCE)
        return httpx2.Response(answer.status_code, content=answer.content)


@pytest.fixture
def network(box: Sandbox) -> pylast.LastFMNetwork:
    network = pylast.LastFMNetwork(
        api_key=LASTFM_API_KEY,
        api_secret=LASTFM_API_SECRET,
        session_key=box.grant("lastfm", "alice")["key"],
    )
    network.enable_proxy({"all://": Loopback(f"{box.url}/2.0/")})
    return network


def test_pylast_loves_lists_and_unloves(box: Sandbox, network: pylast.LastFMNetwork) -> None:
    alice = network.get_user("alice")
    before = len(alice.get_loved_tracks(limit=1000))
    network.get_track("Björk & Friends", 'Jóga "+" 100%').love()
    loved = alice.get_loved_tracks(limit=1000)
    assert len(loved) == before + 1
    assert (loved[0].track.artist.name, loved[0].track.title) == (
        "Björk & Friends",
        'Jóga "+" 100%',
    )
    network.get_track("Björk & Friends", 'Jóga "+" 100%').unlove()
    assert len(alice.get_loved_tracks(limit=1000)) == before
    assert box.count_calls()["lastfm track.love"] == 1


def test_pylast_reads_pages_library_and_search(network: pylast.LastFMNetwork) -> None:
    assert network.get_authenticated_user().get_name() == "alice"
    top = network.get_user("alice").get_top_tracks(limit=10)
    assert len(top) == 10
    assert int(top[0].weight) >= int(top[9].weight) > 0
    track = network.get_track("Hikaru Utada", "First Love")
    assert track.get_correction() == "First Love"
    assert network.get_artist("Hikaru Utada").get_correction() == "宇多田ヒカル"
    found = network.search_for_track("", "Hurt").get_next_page()
    assert found[0].artist.name == "Johnny Cash"


def test_pylast_sees_error_codes(network: pylast.LastFMNetwork) -> None:
    with pytest.raises(pylast.WSError, match="User not found"):
        network.get_user("nobody").get_loved_tracks()
    network.session_key = "0" * 32
    with pytest.raises(pylast.WSError) as caught:
        network.get_track("A", "B").love()
    assert caught.value.status == "9"
