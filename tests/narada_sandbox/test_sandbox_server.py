"""The sandbox as a server: where it binds, whom it answers, how fast, what it keeps."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest
import requests
from sandbox_clients import LastfmClient, SpotifyClient, sign_by_hand
from waiting import PATIENCE

from narada_sandbox import LASTFM_API_KEY
from narada_sandbox.server import MARK, NotLoopback, Sandbox, is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.org", ""])
def test_server_binds_to_loopback_only(host: str) -> None:
    with pytest.raises(NotLoopback):
        Sandbox(host=host, likes=0)


@pytest.mark.parametrize(
    ("host", "mine"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("LocalHost", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
    ],
)
def test_is_loopback(host: str, mine: bool) -> None:
    assert is_loopback(host) is mine


def test_server_refuses_other_host_names_and_marks_every_answer(box: Sandbox) -> None:
    for path in ("/", "/v1/me", "/2.0/", "/sandbox/state", "/authorize", "/nothing"):
        answer = requests.get(box.url + path, timeout=PATIENCE)
        assert answer.headers[MARK] == "1"
        other = requests.get(box.url + path, headers={"Host": "api.spotify.com"}, timeout=PATIENCE)
        assert (other.status_code, other.headers[MARK]) == (421, "1")


def test_landing_page_says_what_it_is(box: Sandbox) -> None:
    page = requests.get(box.url, timeout=PATIENCE).text
    assert "Narada's sandbox" in page
    assert "alice" in page
    for name, value in box.environ().items():
        assert f"{name}={value}" in page


def test_environ_names_every_setting(box: Sandbox) -> None:
    assert box.environ() == {
        "SPOTIFY_CLIENT_ID": "sandbox-client",
        "SPOTIFY_CLIENT_SECRET": "sandbox-secret",
        "SPOTIFY_API_URL": f"{box.url}/v1",
        "SPOTIFY_ACCOUNTS_URL": box.url,
        "LASTFM_API_KEY": LASTFM_API_KEY,
        "LASTFM_API_SECRET": "fedcba9876543210fedcba9876543210",
        "LASTFM_API_URL": f"{box.url}/2.0/",
        "LASTFM_AUTH_URL": f"{box.url}/api/auth/",
    }


def test_connection_is_kept_alive_over_many_calls(box: Sandbox) -> None:
    connection = http.client.HTTPConnection(box.url.removeprefix("http://"), timeout=PATIENCE)
    connection.connect()
    mine = connection.sock.getsockname()
    for path in ("/v1/me", "/2.0/", "/", "/sandbox/state"):
        connection.request("GET", path)
        connection.getresponse().read()
        assert connection.sock.getsockname() == mine
    connection.close()


def test_answer_leaves_in_one_packet(box: Sandbox) -> None:
    host, port = box.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall(b"GET /v1/me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        received = client.recv(65536)
    assert received.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert received.endswith(b'"message":"No token provided"}}')


def test_bad_requests_do_not_stop_the_server(box: Sandbox) -> None:
    host, port = box.url.removeprefix("http://").split(":")
    for garbage in (
        b"nonsense\r\n\r\n",
        b"POST /2.0/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
        b"POST /2.0/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n\xff\xfe=%ff&%=",
        b"GET /2.0/?method=%ff%fe&api_key=\xc3 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            client.sendall(garbage)
            assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert requests.get(box.url, timeout=PATIENCE).status_code == 200


def test_calls_are_logged_without_secrets(box: Sandbox, spotify: SpotifyClient) -> None:
    lastfm = LastfmClient(box, "bob")
    spotify.api("/me/tracks", limit=5)
    lastfm.write("track.love", artist="A", track="B")
    lastfm.write("track.love", artist="A", track="B")
    log = box.order("calls", http="GET")
    assert log["counts"] == {"lastfm track.love": 2, "spotify GET /me/tracks": 1}
    first, second, third = log["calls"]
    assert (first["kind"], first["params"], first["user"], first["status"]) == (
        "GET /me/tracks",
        {"limit": "5"},
        "alice",
        200,
    )
    assert second["params"] == {
        "method": "track.love",
        "artist": "A",
        "track": "B",
        "format": "json",
    }
    assert [call["effect"] for call in (first, second, third)] == [False, True, False]
    assert (second["user"], second["service"], second["seq"]) == ("bob", "lastfm", 2)
    whole = str(log)
    assert lastfm.key not in whole
    assert spotify.tokens["access_token"] not in whole
    assert box.order("calls", http="GET", since="2", user="bob")["total"] == 1
    box.order("calls/clear")
    assert box.calls() == []
    assert box.count_calls() == {}


@contextmanager
def run_process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    command = [sys.executable, "-m", "narada_sandbox", "--port", "0", *arguments]
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(8)]
        try:
            yield process, dict(line.split("=", 1) for line in lines)
        finally:
            process.kill()


def test_state_survives_a_kill_and_nothing_is_lost(tmp_path: Path) -> None:
    state = str(tmp_path / "deep" / "state.sqlite3")
    with run_process("--state", state, "--likes", "40") as (process, settings):
        base = settings["SPOTIFY_ACCOUNTS_URL"]
        tokens = requests.post(
            f"{base}/sandbox/grant", json={"service": "spotify", "user": "alice"}, timeout=PATIENCE
        ).json()
        key = requests.post(
            f"{base}/sandbox/grant", json={"service": "lastfm", "user": "alice"}, timeout=PATIENCE
        ).json()["key"]
        own = {"user": "alice", "title": "Kept Song", "artists": ["Kept Artist"]}
        requests.post(f"{base}/sandbox/like", json=own, timeout=PATIENCE)
        requests.post(f"{base}/sandbox/clock", json={"advance": 50}, timeout=PATIENCE)
        love = {"method": "track.love", "api_key": LASTFM_API_KEY, "sk": key}
        love |= {"artist": "Last Word", "track": "Before the End"}
        love["api_sig"] = sign_by_hand(love)
        assert requests.post(f"{base}/2.0/", data=love, timeout=PATIENCE).status_code == 200
        process.send_signal(signal.SIGKILL)
    with run_process("--state", state, "--likes", "5") as (process, settings):
        base = settings["SPOTIFY_ACCOUNTS_URL"]
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        page = requests.get(
            f"{base}/v1/me/tracks?limit=1", headers=headers, timeout=PATIENCE
        ).json()
        assert page["total"] == 41
        assert page["items"][0]["track"]["name"] == "Kept Song"
        loves = requests.get(f"{base}/sandbox/loves/alice", timeout=PATIENCE).json()["loves"]
        assert (loves[0]["artist"], loves[0]["title"]) == ("Last Word", "Before the End")
        clock = requests.post(f"{base}/sandbox/clock", json={"advance": 1}, timeout=PATIENCE).json()
        assert clock["offset"] == 51
        again = requests.post(f"{base}/2.0/", data=love, timeout=PATIENCE)
        assert again.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_process_says_in_one_line_why_it_cannot_serve(box: Sandbox) -> None:
    port = box.url.rsplit(":", 1)[1]
    for arguments in (["--port", port], ["--host", "0.0.0.0", "--port", "0"]):
        command = [sys.executable, "-m", "narada_sandbox", "--likes", "1", *arguments]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert ended.returncode == 1
        assert ended.stderr.startswith("The sandbox cannot serve: ")
        assert ended.stderr.count("\n") == 1


def test_control_refuses_in_words(box: Sandbox) -> None:
    for path, order in (
        ("like", {"user": "nobody", "n": 1}),
        ("like", {"user": "alice", "service_id": "unknown"}),
        ("reset", {"speed": 9}),
        ("reset", {"likes": -1}),
        ("reset", {"loved_share": 2}),
        ("users", {"name": 5}),
        ("users", {}),
        ("love", {"user": "alice"}),
        ("faults", [{"kind": "flood"}]),
    ):
        with pytest.raises(HTTPError) as caught:
            box.order(path, order)
        assert caught.value.code == 400
        assert b'"error"' in caught.value.read()


def test_stopped_sandbox_answers_nobody_and_its_port_is_free() -> None:
    box = Sandbox(likes=1).start()
    session = requests.Session()
    assert session.get(box.url, timeout=PATIENCE).status_code == 200
    box.stop()
    with pytest.raises(requests.ConnectionError):
        session.get(box.url, timeout=PATIENCE)
    port = int(box.url.rsplit(":", 1)[1])
    with Sandbox(likes=1, port=port) as again:
        assert session.get(again.url, timeout=PATIENCE).status_code == 200


def test_state_keeps_what_was_added_to_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite3"
    with Sandbox(likes=300, state_path=path) as box:
        box.order("page", {"artist": "Right", "title": "Name", "listeners": 77})
        box.order("correction", {"from": ["Wrong", "Name"], "to": ["Right", "Name"]})
        box.order("users", {"name": "nina", "private": True, "likes": 7})
        before = [box.order(f"{kind}/alice", http="GET") for kind in ("likes", "loves")]
    with Sandbox(likes=1, state_path=path) as box:
        assert [box.order(f"{kind}/alice", http="GET") for kind in ("likes", "loves")] == before
        names = {"artist": "Wrong", "track": "Name", "autocorrect": 1}
        track = LastfmClient(box).read("track.getInfo", **names).json()["track"]
        assert (track["artist"]["name"], track["listeners"]) == ("Right", "77")
        nina = box.order("state", http="GET")["users"][-1]
        assert (nina["name"], nina["private"], nina["likes"]) == ("nina", True, 7)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 200),
        ("POST", {"Origin": "OWN"}, 200),
        ("POST", {"Referer": "OWN/"}, 200),
        ("POST", {"Origin": "https://evil.example"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Origin": "http://127.0.0.1:1"}, 403),
        ("POST", {"Referer": "https://evil.example/page"}, 403),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ("GET", {"Host": "evil.example"}, 421),
        ("GET", {"Host": "[::1"}, 421),
    ],
)
def test_what_another_site_sends_is_refused(
    box: Sandbox, method: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.replace("OWN", box.url) for name, value in headers.items()}
    address = f"{box.url}/sandbox/{'state' if method == 'GET' else 'calls/clear'}"
    answer = requests.request(method, address, headers=sent, timeout=PATIENCE)
    assert answer.status_code == status
    assert answer.headers["X-Frame-Options"] == "DENY"
