"""Imports each file of a folder and exports it to the sandbox.

Run as ``python -m benchmarks.real_files DIR``. Each file gets a user of its own. The sandbox's
Last.fm is given pages for what the file names, as Last.fm has them: plain titles where Spotify's
carries a note on its mastering, nobody listening to the noted ones, no page at all for three in a
hundred; and the user has scrobbled four in five of them. Which is which follows from a hash of
the name, so that two runs see the same.

Prints a Markdown table. The last column is what ``verify_likes`` says after all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from connectors.files import FileRejected, read_likes
from connectors.records import LikedTrack
from matching import simplify_titles
from narada_sandbox.server import Sandbox

COLUMNS = (
    "file", "seen", "imported", "known", "unavailable", "merged", "candidates", "loved", "already",
    "review", "not found", "failed", "loves", "look-ups", "lists", "verified",
)  # fmt: skip


def main(folder: Path) -> None:
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    with tempfile.TemporaryDirectory() as var, Sandbox(likes=1) as box:
        environment = {
            **os.environ,
            **box.environ(),
            "NARADA_VAR": var,
            "LASTFM_REQUESTS_PER_SECOND": "0",
            "DATABASE_URL": os.environ.get("DATABASE_URL", f"sqlite:///{var}/narada.sqlite3"),
        }
        for number, path in enumerate(sorted(folder.iterdir())):
            try:
                likes = read_likes(path)
            except FileRejected as error:
                refused = str(error).replace(str(folder), "").lstrip("/")
                print(f"| {path.name} | refused: {refused} |" + " |" * (len(COLUMNS) - 2))
                continue
            user = f"user{number}"
            furnish(box, user, likes.items)
            row = run_file(box, environment, user, path)
            print("| " + " | ".join(str(cell) for cell in [path.name, *row]) + " |", flush=True)


def furnish(box: Sandbox, user: str, items: Iterable[LikedTrack]) -> None:
    """Give the sandbox a Last.fm user, and the pages of what a file names."""
    run = box.services.control.run
    run("users", {"name": user, "allowlisted": False})
    for item in items:
        if item.track is None or not item.track.artists:
            continue
        artist, title = item.track.artists[0], item.track.title
        chance = zlib.crc32(f"{artist}\x1f{title}".encode()) % 100
        if chance < 3:
            continue
        plain = [simple for simple in simplify_titles(title) if simple != title]
        page = plain[0] if plain and "feat" not in title.casefold() else title
        run("page", {"artist": artist, "title": page, "listeners": 20 + chance * 37})
        if chance >= 20:
            run("scrobble", {"user": user, "artist": artist, "title": page, "playcount": chance})


def run_file(box: Sandbox, environment: dict[str, str], user: str, path: Path) -> list[Any]:
    narada(environment, "init_db", "-u", user)
    narada(environment, "shell", "-c", CONNECT, NARADA_BENCH=json.dumps(
        {"user": user, "key": box.grant("lastfm", user)["key"]}
    ))  # fmt: skip
    brought = read(narada(environment, "import_spotify_likes", "-u", user, "--json",
                          "--from-file", str(path)))  # fmt: skip
    box.clear_calls()
    sent = read(narada(environment, "export_likes_to_lastfm", "-u", user, "--json"))
    calls = box.count_calls()
    proof = read(narada(environment, "verify_likes", "-u", user, "--json"))
    loves = calls.get("lastfm track.love", 0)
    look_ups = calls.get("lastfm track.getInfo", 0)
    return [
        *(brought[k] for k in ("seen", "imported", "already_known", "unavailable", "merged")),
        *(sent[k] for k in ("candidates", "loved", "already_loved", "needs_review", "not_found")),
        sent["failed"],
        loves,
        look_ups,
        sum(calls.values()) - loves - look_ups,
        f"{proof['loved']:,} of {proof['likes']:,}",
    ]


#: Stores the connection by the same path as the web and the terminal do.
CONNECT = """
import json, os
from django.contrib.auth import get_user_model
from connectors.records import ServiceUser, Tokens
from likes.accounts.user_clients import store_connection
given = json.loads(os.environ["NARADA_BENCH"])
user = get_user_model().objects.get(username=given["user"])
store_connection(user, "lastfm", ServiceUser(given["user"], given["user"]), Tokens(given["key"]))
"""


def narada(environment: dict[str, str], *arguments: str, **more: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, env={**environment, **more}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def read(output: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(output)
    return answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
