"""The demo as a newcomer runs it: interrupted, whole, again, and with its pages."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import call_command
from environ import Env
from filelock import FileLock
from waiting import PATIENCE, wait_for

from likes.demo.script import MARK, make_environment, open_sandbox
from likes.demo.stage import Stage, StepFailed
from likes.management.base import Error
from likes.management.commands.demo import check_port

ROOT = Path(__file__).resolve().parents[3]
LIKES = 25


class Demo:
    """A demo in a folder of its own, in the environment of an installation that must not be met."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.own = folder / "demo"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "demo", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "NARADA_VAR": str(self.folder),
                "DATABASE_URL": f"sqlite:///{self.folder}/real.sqlite3",
                "LASTFM_API_URL": "http://127.0.0.1:9/real/",
                "SPOTIFY_CLIENT_ID": "real",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def list_processes(self) -> list[str]:
        """The command lines of all processes that work in the demo's folder."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if f"NARADA_VAR={self.own}".encode() in environment:
                found.append(line)
        return found


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    """Return what a process prints, up to the line that holds these words, or up to its end."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if wanted in line:
            break
    return read


def read_counts(out: str) -> dict[str, int]:
    """The numbers of the table, by the words before them."""
    return {word: int(n) for word, n in re.findall(r"│ +([a-zA-Z. ]+?) +│ +(\d+) │", out)}


@dataclass
class Played:
    """A demo that was interrupted, and then run to its end."""

    demo: Demo
    interrupted: tuple[int, str]
    left_running: list[str]
    whole: tuple[int, str]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    demo = Demo(tmp_path_factory.mktemp("demo"))
    process = demo.start("--likes", str(LIKES))
    read_until(process, "$ narada connect-spotify")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=PATIENCE)
    left_running = demo.list_processes()
    again = demo.start()
    out, _ = again.communicate(timeout=PATIENCE)
    return Played(demo, (process.returncode, rest), left_running, (again.returncode, out))


@pytest.mark.slow
def test_demo_that_is_interrupted_leaves_no_process_behind(played: Played) -> None:
    code, out = played.interrupted
    assert code == 130
    assert "Traceback" not in out
    assert out.endswith("Stopped. What was done is kept; run it again to go on.\n")
    assert played.left_running == []


@pytest.mark.slow
def test_demo_after_an_interruption_shows_the_whole_job(played: Played) -> None:
    code, out = played.whole
    assert code == 0, out
    assert "Traceback" not in out
    ran = re.findall(r"^\$ narada ([a-z-]+)", out, re.MULTILINE)
    assert ran == [
        "init-db", "connect-spotify", "connect-lastfm", "import-spotify-likes",
        "export-likes-to-lastfm", "verify-likes",
    ]  # fmt: skip
    counts = read_counts(out)
    assert counts["liked on Spotify"] == LIKES
    assert counts["imported"] + counts["merged"] + counts["unavailable"] == LIKES
    assert counts["imported"] == (
        counts["loved on Last.fm"] + counts["in review"] + counts["not found"]
    )
    assert counts["loved on Last.fm"] == counts["loved by Narada"] + counts["loved already"] > 0
    assert "waits for your review" in out
    assert "narada demo --serve" in out
    assert played.demo.list_processes() == []
    assert not list(played.demo.folder.glob("*.sqlite3")), "the real database was touched"


@pytest.mark.slow
def test_demo_again_finds_nothing_new_and_serves_its_pages(played: Played) -> None:
    demo, port = played.demo, find_free_port()
    process = demo.start("--serve", "--port", str(port))
    try:
        out = read_until(process, "Stop it all with Ctrl-C")
        assert "connect-spotify" not in out
        assert "Nothing was new since the last demo" in out
        logins = re.findall(r"user (\w+), password (\w+)", out)
        assert [name for name, _ in logins] == ["alice", "admin"]
        for name, password in logins:
            assert is_let_in(f"http://127.0.0.1:{port}", name, password) is (name == "admin")
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in rest
    assert "The demo has stopped" in rest
    assert demo.list_processes() == []


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_let_in(site: str, name: str, password: str) -> bool:
    """Sign in on the web pages, and tell whether the admin lets this user in as well."""
    browser = requests.Session()
    browser.trust_env = False

    def is_served() -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return browser.get(f"{site}/accounts/login/", timeout=PATIENCE).ok
        return False

    wait_for(is_served, every=0.1)
    page = browser.get(f"{site}/accounts/login/", timeout=PATIENCE)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
    assert token is not None
    form = {"login": name, "password": password, "csrfmiddlewaretoken": token.group(1)}
    answer = browser.post(f"{site}/accounts/login/", form, timeout=PATIENCE, allow_redirects=False)
    assert answer.status_code == 302, f"{name} cannot sign in"
    return browser.get(f"{site}/admin/", timeout=PATIENCE, allow_redirects=False).status_code == 200


def test_demo_with_another_number_of_likes_starts_over(tmp_path: Path) -> None:
    def count(likes: int | None) -> int:
        box = open_sandbox(tmp_path, likes)
        with box:
            return len(box.order("likes/alice", http="GET")["likes"])

    assert [count(3), count(None), count(4)] == [3, 3, 4]
    (tmp_path / "connected").touch()
    (tmp_path / "narada.sqlite3").touch()
    (tmp_path / "secret_key").touch()
    assert count(5) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sandbox.sqlite3", "secret_key"]


def test_demo_environment_hides_the_real_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "REDIS_URL", "DATABASE_URL", "LASTFM_API_KEY", "SENTRY_DSN"):
        monkeypatch.setenv(name, "real")
    folder = tmp_path / "50 % of #1?"
    environment = make_environment(folder, {"LASTFM_API_KEY": "sandbox"})
    assert "real" not in environment.values()
    database = Env.db_url_config(environment["DATABASE_URL"])
    assert database["NAME"] == str(folder / "narada.sqlite3")
    assert environment["LASTFM_API_KEY"] == "sandbox"
    assert environment["ENV_FILE"] == os.devnull


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    environment = make_environment(tmp_path, {})
    with Stage(environment, lambda text: None) as stage:
        yield stage


def test_stage_names_the_command_that_failed(stage: Stage) -> None:
    with pytest.raises(StepFailed, match="verify-likes ended with exit code 1"):
        stage.run("verify_likes", "-u", "nobody")


def test_stage_kills_what_does_not_end_when_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("likes.demo.stage.PATIENCE_SECONDS", 0.2)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True)"
    (tmp_path / "stubborn.py").write_text(f"{stubborn}; time.sleep(3600)")
    monkeypatch.chdir(tmp_path)
    process = stage.start("stubborn", output=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    stage.__exit__()
    assert process.returncode == -signal.SIGKILL


def test_stage_knows_a_process_that_was_started_in_the_moment_of_an_interruption(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = subprocess.Popen

    def start_and_interrupt(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        process = started(*arguments, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        stage.start("http.server", "0", output=subprocess.DEVNULL, errors=subprocess.DEVNULL)
    (process,) = stage._running
    stage.__exit__()
    assert process.returncode == -signal.SIGTERM


def test_demo_refuses_a_taken_port() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Error, match=f"cannot be served at port {port}: Address already in use"):
            check_port(port)


def test_demo_report_is_for_the_demo_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MARK, raising=False)
    with pytest.raises(Error, match="Run: narada demo"):
        call_command("demo", "--report")


def test_demo_runs_once_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    with FileLock(tmp_path / "demo" / "lock"):
        process = Demo(tmp_path).start()
        out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 75
    assert out == f"Error: Another demo is running in {tmp_path}/demo.\n"
