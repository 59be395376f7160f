"""A sandbox, connected users, and what both services and Narada hold of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from waiting import PATIENCE, wait_for

from connectors.records import ServiceUser, Tokens
from likes.accounts import connections
from likes.models import Like, Service, ServiceMapping
from narada_sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parent.parent
Name = tuple[str, str]


@dataclass
class World:
    """One sandbox and the Narada that is pointed at it."""

    box: Sandbox
    users: dict[str, User] = field(default_factory=dict)

    def join(self, name: str = "alice", *, spotify: bool = True, lastfm: bool = True) -> User:
        """Make a Narada user of a sandbox user's name, connected as after a consent."""
        user = User.objects.create_user(name)
        if spotify:
            granted = self.box.grant("spotify", name)
            tokens = Tokens(
                granted["access_token"],
                granted["refresh_token"],
                datetime.now(UTC) + timedelta(seconds=granted["expires_in"]),
            )
            who = ServiceUser(granted["account_id"], name)
            connections.store_connection(user, "spotify", who, tokens)
        if lastfm:
            key = self.box.grant("lastfm", name)["key"]
            connections.store_connection(user, "lastfm", ServiceUser(name, name), Tokens(key))
        self.users[name] = user
        return user

    def order(self, path: str, **order: Any) -> Any:
        return self.box.order(path, order)

    def like(self, title: str, artist: str = "Ada", *, user: str = "alice", **facts: Any) -> str:
        """Like a song of one's own; return its id."""
        order = {"user": user, "title": title, "artists": [artist], "listeners": 100, **facts}
        liked: list[str] = self.box.order("like", order)["liked"]
        return liked[0]

    def likes(self, user: str = "alice") -> list[dict[str, Any]]:
        """What Spotify lists, newest first."""
        rows: list[dict[str, Any]] = self.box.order(f"likes/{user}", http="GET")["likes"]
        return rows

    def loves(self, user: str = "alice") -> list[Name]:
        """What Last.fm lists as loved, newest first."""
        rows = self.box.order(f"loves/{user}", http="GET")["loves"]
        return [(row["artist"], row["title"]) for row in rows]

    def count(self, kind: str = "", *, user: str = "") -> int:
        return len(self.box.calls(kind=kind, user=user))

    def sent(self, kind: str = "track.love", *, user: str = "") -> list[Name]:
        """The names of the calls that Last.fm took, in their order, refused ones left out."""
        calls = [c for c in self.box.calls(kind=kind, user=user) if c["kind"] == kind]
        return [
            (call["params"]["artist"], call["params"]["track"])
            for call in calls
            if call["status"] == 200
        ]

    def twice(self, kind: str = "track.love") -> list[Name]:
        """The names that were sent more than once."""
        return [name for name, times in Counter(self.sent(kind)).items() if times > 1]

    def states(self, user: User, service: Service = Service.LASTFM) -> dict[str, int]:
        states = Like.objects.of(user).on(service).values_list("state", flat=True)
        return dict(sorted(Counter(states).items()))

    def state_of(self, user: User, title: str, service: Service = Service.LASTFM) -> str:
        return Like.objects.of(user).on(service).get(track__title=title).state

    def listed(self, user: User) -> set[str]:
        """The Spotify ids that Narada believes to be listed; null and local rows left out."""
        rows = ServiceMapping.objects.of(user).on(Service.SPOTIFY).filter(listed=True)
        return {row.service_id for row in rows if row.service_id}

    def liked_ids(self, user: str = "alice") -> set[str]:
        return {row["service_id"] for row in self.likes(user) if row["kind"] == "track"}

    def environ(self, **changes: str) -> dict[str, str]:
        """The environment of a command that works on the database of this test."""
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **keep,
            **self.box.environ(),
            "ENV_FILE": os.devnull,
            "DATABASE_URL": database_url(),
            "NARADA_VAR": str(settings.VAR_DIR),
            "SECRET_KEY": settings.SECRET_KEY,
            "TOKEN_ENCRYPTION_KEYS": ",".join(settings.TOKEN_ENCRYPTION_KEYS),
            "LASTFM_REQUESTS_PER_SECOND": "0",
            "SPOTIFY_REQUESTS_PER_SECOND": "0",
            **changes,
        }

    def start(self, *command: str, **changes: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environ(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, **changes: str) -> tuple[int, str, str]:
        """Run a command to its end; return exit code, standard output and standard error."""
        process = self.start(*command, **changes)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


def kill_in_flight(world: World, kind: str, calls: int, *command: str) -> None:
    """Start a command, and kill it when it has got so many answers to calls of a kind and waits for
    another; what is in flight arrives afterwards."""
    before = world.count(kind)
    world.box.add_faults({"kind": "stall", "seconds": 3600, "match": kind, "after": calls})
    faults = world.box.services.faults
    process = world.start(*command)
    wait_for(lambda: faults.describe()[-1]["fired"] > 0 or process.poll() is not None)
    process.kill()
    out = process.communicate()
    assert process.returncode == -signal.SIGKILL, out
    came = faults.describe()[-1]["seen"]
    world.box.clear_faults()
    wait_for(lambda: world.count(kind) >= before + came)


def database_url() -> str:
    """The address of the database that the tests write to."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    password = f":{found['PASSWORD']}" if found["PASSWORD"] else ""
    return f"postgres://{found['USER']}{password}@{found['HOST']}:{found['PORT']}/{found['NAME']}"
