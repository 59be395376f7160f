"""The sandbox as a command: what it prints, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "sandbox", *arguments],
        cwd=ROOT,
        env={**os.environ, "NARADA_VAR": str(tmp_path / "var")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(tmp_path: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox on a free port, and its address as it said itself."""
    process = start(tmp_path, "--port", "0", *arguments)
    try:
        assert process.stderr is not None
        yield process, process.stderr.readline().split(" at ")[1].split()[0]
    finally:
        process.kill()
        process.communicate()


def list_users(address: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{address}/sandbox/state", timeout=PATIENCE) as answer:
        return {user["name"]: user["likes"] for user in json.load(answer)["users"]}


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_serves_says_its_settings_and_stops(tmp_path: Path, word: signal.Signals) -> None:
    with serving(tmp_path, "--likes", "7") as (process, address):
        assert list_users(address)["alice"] == 7
        process.send_signal(word)
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert f"SPOTIFY_API_URL={address}/v1" in out.splitlines()
    assert f"LASTFM_API_URL={address}/2.0/" in out.splitlines()
    assert all(line.partition("=")[2] for line in out.splitlines())
    assert err == "The sandbox has stopped.\n"


def test_sandbox_keeps_its_state_when_asked(tmp_path: Path) -> None:
    state = str(tmp_path / "new folder" / "state.sqlite3")
    with serving(tmp_path, "--likes", "5", "--state", state) as (_, address):
        order = json.dumps({"user": "alice", "n": 2}).encode()
        urllib.request.urlopen(f"{address}/sandbox/like", order, timeout=PATIENCE).close()
    with serving(tmp_path, "--likes", "9", "--state", state) as (_, address):
        assert list_users(address)["alice"] == 7


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def refuse(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Run a sandbox that is not to start; return its exit code and its one line."""
    process = start(tmp_path, *arguments)
    out, err = process.communicate(timeout=PATIENCE)
    assert out == ""
    assert err.count("\n") == 1
    return process.returncode, err


def test_sandbox_refuses_a_taken_port_in_one_line(tmp_path: Path, taken_port: int) -> None:
    code, err = refuse(tmp_path, "--port", str(taken_port))
    assert code == 1
    assert f"port {taken_port}: Address already in use. Choose another with --port" in err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        (["--host", "0.0.0.0"], 2, "0.0.0.0 is not a loopback address"),
        (["--port", "99999"], 2, "'99999' is not a whole number from 0 to 65535"),
        (["--port", "0", "--state", "{dir}"], 1, "The state cannot be kept in {dir}"),
        (["--port", "0", "--state", "{dir}/text"], 1, "file is not a database"),
        (["--port", "0", "--state", "/dev/null/x"], 1, "The state cannot be kept in /dev/null/x"),
    ],
)
def test_sandbox_refuses_in_one_line(
    tmp_path: Path, arguments: list[str], exit_code: int, said: str
) -> None:
    (tmp_path / "text").write_text("no database, " * 20)
    code, err = refuse(tmp_path, *(argument.format(dir=tmp_path) for argument in arguments))
    assert code == exit_code
    assert said.format(dir=tmp_path) in err
