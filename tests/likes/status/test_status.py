"""The status: every kind of trouble named with what to do, and no secret in any of it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialToken
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from waiting import PATIENCE
from world import World

from likes.accounts import holds
from likes.accounts.encryption import reveal
from likes.like_sync import export_likes, import_likes
from likes.models import Checkpoint, Connection, Like, Run, Service, SyncSettings
from likes.status.collect import collect_status

ROOT = Path(__file__).resolve().parents[3]
KEYS = [
    "user", "user_exists", "database", "credentials", "connections", "services", "tracks",
    "merged", "likes", "review", "unavailable", "checkpoints", "settings", "runs", "blockers",
    "next",
]  # fmt: skip


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    code = 0
    try:
        call_command("status", *arguments, stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()


def run_json(*arguments: str) -> tuple[int, dict[str, Any]]:
    code, out = run("--json", *arguments)
    return code, json.loads(out)


def whats(steps: list[dict[str, str]]) -> str:
    return "; ".join(f"{step['what']}: {step['do']}" for step in steps)


@pytest.fixture
def user(world: World) -> User:
    return world.join("alice")


def connection_of(user: User, service: str = "spotify") -> Connection:
    return Connection.objects.get(user=user, service=service)


# All is well


def test_status_of_a_synced_user_says_all(world: World, user: User) -> None:
    for title in ("One", "Two", "Three"):
        world.like(title)
    world.order("like", user="alice", kind="local")
    import_likes(user)
    export_likes(user)
    Like.objects.filter(track__title="Two", service="lastfm").update(state="review")

    code, status = run_json("-u", "alice")

    assert code == 0
    assert list(status) == KEYS
    assert status["database"]["works"] is status["database"]["migrated"] is True
    assert (status["tracks"], status["merged"], status["unavailable"]) == (4, 0, 1)
    assert status["likes"] == {
        "narada": {"present": 3, "unavailable": 1},
        "spotify": {"present": 3},
        "lastfm": {"present": 2, "review": 1},
    }
    assert status["review"] == {"total": 1, "review": 1, "not_found": 0, "failed": 0}
    for service in ("spotify", "lastfm"):
        assert status["connections"][service]["state"] == "connected"
        assert status["connections"][service]["answer"] == "ok"
        assert status["services"][service] == {"closed": False, "held_until": None, "reason": ""}
    assert 180 <= status["connections"]["spotify"]["consent_days_left"] <= 184
    assert status["connections"]["lastfm"]["consent_ends_at"] is None
    saved = status["checkpoints"]["saved"]
    assert (saved["complete"], saved["total"], saved["running"]) == (True, 4, False)
    assert [run["kind"] for run in status["runs"]] == ["export", "import"]
    assert status["blockers"] == []
    assert whats(status["next"]) == (
        "1 like waits for your decision: the page “Review” on the web, or the admin; "
        "all is done; to fetch what is new: narada sync-likes -u alice"
    )


def test_status_calls_each_service_once_and_offline_none(world: World, user: User) -> None:
    run("-u", "alice", "--offline")
    assert world.count() == 0
    run("-u", "alice")
    assert sorted(call["kind"] for call in world.box.calls()) == ["GET /me", "user.getInfo"]


def test_status_holds_no_secret(world: World, user: User, settings: Any) -> None:
    spoken = json.dumps(collect_status("alice")) + run("-u", "alice")[1]
    secrets = [settings.SPOTIFY_CLIENT_SECRET, settings.LASTFM_API_SECRET, settings.SECRET_KEY]
    secrets += [settings.LASTFM_API_KEY, *settings.TOKEN_ENCRYPTION_KEYS]
    tokens = [text for row in SocialToken.objects.all() for text in (row.token, row.token_secret)]
    revealed = [reveal(text) for text in tokens if text]
    assert len(revealed) == 3
    secrets += [*tokens, *revealed]
    for secret in filter(None, secrets):
        assert secret not in spoken


def test_status_says_what_is_next_before_and_between(world: World, user: User) -> None:
    world.like("One")
    _, status = run_json("-u", "alice")
    assert whats(status["next"]) == (
        "nothing has been imported yet: narada import-spotify-likes -u alice"
    )
    assert status["checkpoints"] == {"saved": None, "loved": None, "library": None}
    import_likes(user)
    _, status = run_json("-u", "alice")
    assert whats(status["next"]) == (
        "1 like waits to be sent: narada export-likes-to-lastfm -u alice"
    )


def test_status_in_words_is_plain_without_a_terminal(world: World, user: User) -> None:
    world.like("One")
    import_likes(user)
    SyncSettings.objects.create(user=user, on_unlike="follow")
    Run.objects.create(user=user, kind="export", state="stopped", message="It is refused.")
    Checkpoint.objects.filter(listing="saved").update(
        lease_holder="host:1:x", lease_until=timezone.now() + timedelta(seconds=30)
    )
    code, out = run("-u", "alice")
    assert code == 0
    assert "  Spotify: connected as alice; answers; consent ends " in out
    assert "  Narada: 1 there\n  Spotify: 1 there\n  Last.fm: 1 to be sent\n" in out
    assert "Spotify's liked songs: read whole of 1; last success" in out
    assert "being worked on by host:1:x" in out
    assert "On unlike: remove it in Narada, and on Last.fm what Narada loved" in out
    assert "import from Spotify: done (1 read, 1 new)\n" in out
    assert "export to Last.fm: needs a person. It is refused.\n" in out
    assert "1 like waits to be sent → narada export-likes-to-lastfm -u alice" in out
    assert "\x1b" not in out


def test_status_on_a_terminal_has_the_same_content(world: World, user: User) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    call_command("status", "-u", "alice", "--offline", stdout=out)
    assert "What is next" in out.getvalue()
    assert "narada import-spotify-likes" in " ".join(out.getvalue().split())


# What needs a person


def test_status_of_an_unknown_user_says_how_to_create_one(world: World) -> None:
    code, status = run_json("-u", "nobody")
    assert code == 1
    assert list(status) == KEYS
    assert status["user_exists"] is False
    assert status["likes"] is None
    assert whats(status["blockers"]) == "there is no user 'nobody': narada init-db -u nobody"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "reconnect", "reason": "gone"}, None),
        ({"state": "disconnected"}, "Spotify is not connected: narada connect-spotify -u alice"),
        ({"days": 184}, "Spotify's consent has ended: narada connect-spotify -u alice"),
        ({"days": 175}, "Spotify's consent ends in "),
        ({"days": 160}, None),
    ],
)
def test_status_ends_with_1_when_a_connection_needs_a_person(
    world: World, user: User, change: dict[str, Any], said: str | None
) -> None:
    if days := change.pop("days", None):
        change["authorized_at"] = timezone.now() - timedelta(days=days)
    Connection.objects.filter(user=user, service="spotify").update(**change)
    code, status = run_json("-u", "alice")
    assert code == (1 if said else 0)
    assert (said or "") in whats(status["blockers"])
    if not said and "authorized_at" in change:
        assert "Spotify's consent ends in " in whats(status["next"])


def test_status_asks_again_after_a_refusal_and_believes_the_answer(
    world: World, user: User
) -> None:
    Connection.objects.filter(user=user).update(state="reconnect", reason="gone", refusals=1)
    code, status = run_json("-u", "alice", "--offline")
    assert code == 1
    assert "Last.fm has to be connected again: gone" in whats(status["blockers"])

    code, status = run_json("-u", "alice")
    assert code == 0
    assert {one["state"] for one in status["connections"].values()} == {"connected"}


def test_status_writes_a_refusal_down(world: World, user: User) -> None:
    world.order("revoke", user="alice", service="lastfm")
    code, status = run_json("-u", "alice")
    assert code == 1
    assert status["connections"]["lastfm"]["answer"] == "refused"
    assert connection_of(user, "lastfm").state == Connection.State.RECONNECT
    assert "Last.fm has to be connected again" in whats(status["blockers"])


def test_status_asks_a_closed_service_whether_it_is_open_again(world: World, user: User) -> None:
    holds.close_service(Service.LASTFM, "Invalid API key")
    _, status = run_json("-u", "alice", "--offline")
    assert "Last.fm refuses everybody: Invalid API key" in whats(status["blockers"])
    code, status = run_json("-u", "alice")
    assert (code, status["services"]["lastfm"]["closed"]) == (0, False)


def test_status_of_a_service_that_closes_ends_with_1(
    world: World, user: User, settings: Any
) -> None:
    settings.LASTFM_API_KEY = "f" * 32
    code, status = run_json("-u", "alice")
    assert (code, status["services"]["lastfm"]["closed"]) == (1, True)
    assert "Last.fm refuses everybody" in whats(status["blockers"])


def test_status_names_a_connection_without_its_token(world: World, user: User) -> None:
    SocialToken.objects.filter(account__provider="lastfm").delete()
    code, status = run_json("-u", "alice")
    assert code == 1
    assert status["connections"]["lastfm"]["answer"] == "unusable"
    assert "narada connect-lastfm" in whats(status["blockers"])


# What passes by itself


def test_status_shows_a_hold_and_calls_nobody(world: World, user: User) -> None:
    until = holds.hold_back(Service.SPOTIFY, timezone.now() + timedelta(hours=5), "QUOTA_EXCEEDED")
    code, status = run_json("-u", "alice")
    assert code == 0
    assert status["services"]["spotify"]["held_until"] == until.isoformat(timespec="seconds")
    assert status["connections"]["spotify"]["answer"] == "held_back"
    assert world.count("GET /me") == 0
    assert f"held back until {until:%Y-%m-%d %H:%M} UTC (the quota of" in run("-u", "alice")[1]


def test_status_ends_with_75_when_a_service_is_down(world: World, user: User) -> None:
    world.box.add_faults({"service": "spotify", "kind": "status", "status": 503})
    code, status = run_json("-u", "alice")
    assert code == 75
    assert status["connections"]["spotify"]["answer"] == "down"
    assert connection_of(user).state == Connection.State.CONNECTED
    assert status["blockers"] == []


# Before anything is set up


def run_process(tmp_path: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={
            **{n: v for n, v in os.environ.items() if "SPOTIFY" not in n and "LASTFM" not in n},
            "DATABASE_URL": f"sqlite:///{tmp_path}/new.sqlite3",
            "ENV_FILE": os.devnull,
            "NARADA_VAR": str(tmp_path / "var"),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout, done.stderr


def test_status_before_init_db_says_what_to_do(tmp_path: Path) -> None:
    code, out, err = run_process(tmp_path, "status")
    assert (code, err) == (1, "")
    assert "not set up, or older than the program → narada init-db\n" in out
    assert "https://developer.spotify.com/dashboard" in out
    assert "https://www.last.fm/api/account/create" in out

    code, out, _ = run_process(tmp_path, "status", "--json")
    status = json.loads(out)
    assert (code, list(status)) == (1, KEYS)
    assert status["database"]["migrated"] is False
    assert [step["do"] for step in status["blockers"]][:1] == ["narada init-db"]


def test_status_of_a_database_that_does_not_answer_names_no_password(tmp_path: Path) -> None:
    address = "postgres://ada:sesame-open@127.0.0.1:9/narada"
    code, out, err = run_process(tmp_path, "status", DATABASE_URL=address)
    assert (code, err) == (1, "")
    assert "the database does not answer" in out
    assert "check DATABASE_URL" in out
    assert "sesame-open" not in out


@pytest.mark.parametrize(("count", "told"), [(1, "1 message of"), (2, "2 messages of")])
def test_broken_messages_of_the_queue_are_counted(
    user: User, settings: Any, tmp_path: Path, count: int, told: str
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"broken_folder": str(folder)}
    assert "could not be used" not in run("-u", "alice", "--offline")[1]
    for number in range(count):
        (folder / f"{number}.celery.msg").write_text("")
    assert (
        f"{told} the queue could not be used and lies in {folder}"
        in (run("-u", "alice", "--offline")[1])
    )
