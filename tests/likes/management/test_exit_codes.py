"""Commands in processes of their own: dead services, broken databases, closed pipes, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import execute_from_command_line
from django.db import connection
from waiting import PATIENCE, wait_for
from world import ROOT, World

from connectors.errors import RateLimited, ServiceClosed, TemporaryError
from likes.like_sync import import_likes
from likes.management.base import explain
from likes.models import Run, ServiceHold
from likes.runs.frame import keep_run
from likes.runs.leases import Busy
from likes.runs.summaries import ExportSummary, tell_error

MakeWorld = Callable[..., World]
RunHere = Callable[..., tuple[int, str, str]]
sqlite_only = pytest.mark.skipif(
    os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="about SQLite's file"
)


def check_one_line(err: str) -> None:
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err


def get_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_a_dead_service_is_try_later(world: World) -> None:
    world.join()
    dead = f"http://127.0.0.1:{get_free_port()}"
    code, out, err = world.run("import_spotify_likes", "-u", "alice", SPOTIFY_API_URL=f"{dead}/v1")
    assert (code, out) == (75, "")
    check_one_line(err)
    assert "Spotify cannot be reached" in err


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1/v1", "http://"])
def test_an_address_that_is_none_is_one_line(world: World, address: str) -> None:
    world.join()
    code, out, err = world.run("import_spotify_likes", "-u", "alice", SPOTIFY_API_URL=address)
    assert (code, out) == (1, "")
    check_one_line(err)


def test_a_file_of_names_that_cannot_be_read_is_one_line(world: World, tmp_path: Path) -> None:
    world.join()
    (tmp_path / "artists.tsv").write_bytes("Björk\tBjork\n".encode("latin-1"))
    code, out, err = world.run("import_spotify_likes", "-u", "alice", NARADA_ALIASES=str(tmp_path))
    assert (code, out) == (1, "")
    check_one_line(err)
    assert "artists.tsv is not UTF-8" in err
    file = str(tmp_path / "artists.tsv")
    code, out, err = world.run("sync_likes", "-u", "alice", "--json", NARADA_ALIASES=file)
    assert (code, set(json.loads(out))) == (1, {"import", "export"})
    assert f"{file} is no folder" in err
    assert world.run("status", "-u", "alice", NARADA_ALIASES=file)[2] == ""


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "quota_exceeded"}, 75),
        ({"kind": "rate_limited", "retry_after": 86_236}, 75),
        ({"kind": "premium_lapsed"}, 1),
        ({"kind": "not_allowlisted"}, 1),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_what_stops_an_import_has_its_code_its_line_and_its_counts(
    make_world: MakeWorld, fault: dict[str, object], code: int
) -> None:
    world = make_world(likes=30)
    world.join()
    world.box.add_faults({**fault, "match": "/me/tracks", "after": 2})
    ended, out, err = world.run("import_spotify_likes", "-u", "alice", "-b", "10", "--json")
    assert ended == code
    check_one_line(err)
    counts = json.loads(out)
    assert (counts["seen"], counts["imported"], counts["complete"]) == (20, 20, False)
    if code == 75:
        hold = ServiceHold.objects.get(service="spotify")
        assert hold.held_until is not None
        assert f"{hold.held_until:%Y-%m-%d %H:%M}" in err
        world.box.clear_calls()
        again, _, err = world.run("import_spotify_likes", "-u", "alice")
        assert (again, world.count()) == (75, 0)
        check_one_line(err)


@pytest.mark.parametrize("words", [["-b", "51"], ["-l", "none"], ["--no-such-option"]])
def test_a_wrong_option_is_one_line_and_with_json_one_object(
    world: World, words: list[str]
) -> None:
    code, out, err = world.run("import_spotify_likes", *words)
    assert (code, out) == (2, "")
    check_one_line(err)
    code, out, err = world.run("import_spotify_likes", *words, "--json")
    assert (code, list(json.loads(out))) == (2, ["error"])
    check_one_line(err)


LATER = datetime(2026, 11, 28, 20, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            RateLimited("Too many.", service="lastfm", retry_at=LATER),
            ("Too many. Come back after {}.", 75),
        ),
        (RateLimited("Held until {}.", service="lastfm", retry_at=LATER), ("Held until {}.", 75)),
        (
            TemporaryError("It is down.", service="lastfm"),
            ("It is down. Try again later; nothing is lost.", 75),
        ),
        (Busy("A run is at work."), ("A run is at work.", 75)),
        (ServiceClosed("Bad key.", service="lastfm"), ("Bad key.", 1)),
    ],
)
def test_runs_and_commands_tell_an_error_alike(error: Exception, told: tuple[str, int]) -> None:
    """With the time when to come back, and that once."""
    time = f"{LATER:%Y-%m-%d %H:%M} UTC"
    error.args = (str(error).format(time),)
    expected = (told[0].format(time), told[1])
    assert tell_error(error) == expected
    explained = explain(error)
    assert (str(explained), explained.returncode) == expected


@pytest.mark.slow
def test_a_stop_says_what_to_do(make_world: MakeWorld) -> None:
    world = make_world(likes=3)
    world.join()
    world.box.add_faults({"kind": "html_502"})
    for command in ("import_spotify_likes", "export_likes_to_lastfm", "verify_likes"):
        code, _, err = world.run(command, "-u", "alice")
        assert (code, "Try again later; nothing is lost." in err) == (75, True)
    world.box.clear_faults()
    world.box.add_faults({"kind": "lastfm_error", "code": 9})
    code, _, err = world.run("export_likes_to_lastfm", "-u", "alice")
    assert (code, "narada connect-lastfm -u alice" in err) == (1, True)


def test_the_version_is_narada_s(world: World) -> None:
    code, out, _ = world.run("--version")
    assert (code, out.split()[0]) == (0, "Narada")


@sqlite_only
def test_a_missing_database_says_to_set_it_up(world: World, tmp_path: Path) -> None:
    for command in ("import_spotify_likes", "verify_likes"):
        code, out, err = world.run(command, DATABASE_URL=f"sqlite:///{tmp_path / 'new.sqlite3'}")
        assert (code, out) == (1, "")
        check_one_line(err)
        assert "narada init-db" in err


@sqlite_only
def test_a_database_that_cannot_be_opened_is_one_line(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "folder.sqlite3"
    folder.mkdir()
    garbage = tmp_path / "garbage.sqlite3"
    garbage.write_bytes(b"this is no database" * 300)
    for path in (folder, garbage, tmp_path / "no" / "such" / "folder.sqlite3"):
        code, out, err = world.run("import_spotify_likes", DATABASE_URL=f"sqlite:///{path}")
        assert code in (1, 75)
        assert out == ""
        check_one_line(err)


def test_a_database_server_that_is_down_is_try_later(world: World) -> None:
    url = f"postgres://postgres@127.0.0.1:{get_free_port()}/narada"
    code, out, err = world.run("import_spotify_likes", DATABASE_URL=url)
    assert (code, out) == (75, "")
    check_one_line(err)


@pytest.fixture
def run_here(capsys: pytest.CaptureFixture[str]) -> RunHere:
    """Return a function that runs a command in this process, on a database opened differently."""

    def run(*words: str, **changes: object) -> tuple[int, str, str]:
        known = connection.settings_dict["OPTIONS"]
        connection.close()
        connection.settings_dict["OPTIONS"] = {**known, **changes}
        try:
            with pytest.raises(SystemExit) as end:
                execute_from_command_line(["manage.py", *words])
        finally:
            connection.close()
            connection.settings_dict["OPTIONS"] = known
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@sqlite_only
def test_a_locked_database_is_try_later(world: World, run_here: RunHere) -> None:
    world.join()
    world.like("Song")
    other = sqlite3.connect(str(connection.settings_dict["NAME"]), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        code, out, err = run_here("import_spotify_likes", "-u", "alice", timeout=0.2)
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert (code, out) == (75, "")
    check_one_line(err)
    assert "in use by another program" in err


@sqlite_only
def test_a_full_disk_keeps_what_was_stored_and_is_try_later(make_world: MakeWorld) -> None:
    world = make_world(likes=300)
    user = world.join()
    name = str(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # other tests leave room in the file
    connection.close()
    most = os.path.getsize(name) + 300_000
    small = (
        "import resource, signal, sys;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}));"
        "from django.core.management import execute_from_command_line as go;"
        "go(sys.argv)"
    )
    environ = world.environ(DJANGO_SETTINGS_MODULE="narada_site.settings")
    ended = subprocess.run(
        [sys.executable, "-c", small, "import_spotify_likes", "-u", "alice", "-b", "10"],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert ended.returncode == 75, (ended.stdout, ended.stderr)
    check_one_line(ended.stderr)
    stored = len(world.listed(user))
    assert 0 < stored < 300
    summary = import_likes(user)
    assert (summary.exit_code, summary.complete) == (0, True)
    assert world.listed(user) == world.liked_ids()


@sqlite_only
def test_a_read_only_database_is_one_line(world: World, run_here: RunHere) -> None:
    world.join()
    world.like("Song")
    only = "PRAGMA query_only = 1;"
    code, out, err = run_here("import_spotify_likes", "-u", "alice", init_command=only)
    assert (code, out) == (1, "")
    check_one_line(err)
    assert "cannot be opened or written" in err


@pytest.mark.parametrize("words", [["sync_likes"], ["verify_likes"], ["sync_likes", "--json"]])
def test_a_closed_standard_output_is_no_traceback(world: World, words: list[str]) -> None:
    world.join()
    world.like("Song")
    process = world.start(*words, "-u", "alice")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.wait(timeout=PATIENCE)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert len(err.strip().splitlines()) <= 1, err


def test_ctrl_c_is_one_line_and_the_next_run_goes_on(make_world: MakeWorld) -> None:
    world = make_world(likes=120)
    user = world.join()
    world.box.add_faults({"kind": "stall", "seconds": 3600, "match": "/me/tracks", "after": 3})
    process = world.start("import_spotify_likes", "-u", "alice", "-b", "10")
    wait_for(lambda: world.count("/me/tracks") == 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, ""), err
    check_one_line(err)
    assert Run.objects.get().state == Run.State.LATER
    world.box.clear_faults()
    summary = import_likes(user)
    assert (summary.exit_code, summary.complete) == (0, True)
    assert world.listed(user) == world.liked_ids()


@pytest.mark.slow
def test_ctrl_c_in_an_export_loves_nothing_twice(make_world: MakeWorld) -> None:
    world = make_world(likes=40, scrobble_share=1.0)
    user = world.join()
    import_likes(user)
    # Those that are under way are waited for; the others would take many seconds more.
    world.box.add_faults({"kind": "stall", "seconds": 2, "match": "track.love", "after": 8})
    process = world.start("export_likes_to_lastfm", "-u", "alice")
    wait_for(lambda: world.count("track.love") >= 8)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, ""), err
    check_one_line(err)
    world.box.clear_faults()
    code, out, _ = world.run("export_likes_to_lastfm", "-u", "alice", "--json")
    assert (code, json.loads(out)["remaining"]) == (0, 0)
    assert len(world.loves()) == 40
    assert not world.twice()


def test_what_fails_after_ctrl_c_is_still_a_stop_by_a_person(db: None) -> None:
    user = User.objects.create_user("ada")

    def stop_and_fail() -> None:
        with keep_run(user, Run.Kind.EXPORT, ExportSummary(), "command", dry_run=False):
            try:
                raise KeyboardInterrupt
            finally:
                raise TemporaryError("The connection is lost.", service="lastfm")

    with pytest.raises(KeyboardInterrupt):
        stop_and_fail()
    assert Run.objects.get().state == Run.State.LATER


def test_a_terminal_gets_a_bar_and_json_stays_clean(make_world: MakeWorld) -> None:
    world = make_world(likes=60)
    world.join()
    world.box.add_faults({"kind": "latency", "ms": 100, "match": "/me/tracks"})
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_spotify_likes", "-u", "alice", "-b", "5", "--json"],
        cwd=ROOT,
        env=world.environ(TERM="xterm-256color", COLUMNS="100"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65_536):
            shown += piece
    except OSError:  # Linux: the other end is closed
        pass
    out, _ = process.communicate(timeout=PATIENCE)
    os.close(ours)
    assert process.returncode == 0
    assert json.loads(out)["imported"] == 60
    assert "likes read" in shown.decode()
    assert "/60" in shown.decode()
