"""The demo's script: its places and people, and the order in which it runs the commands."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from likes.demo.stage import Stage, StepFailed
from likes.management.processes import Terminal
from narada_sandbox.server import Sandbox

PERSON = "alice"
ADMIN = "admin"
DEFAULT_LIKES = 200
SANDBOX_FILE = "sandbox.sqlite3"
DATABASE_FILE = "narada.sqlite3"
#: A file that says that both services have been connected.
CONNECTED = "connected"
#: Set for the commands of a demo, and for nothing else.
MARK = "NARADA_DEMO"
#: The sandbox has no rate limit to respect.
REQUESTS_PER_SECOND = "200"
PROGRAM_DIR = Path(__file__).resolve().parents[2]
#: What a real installation may have set and the demo must not see.
FOREIGN = (
    "SECRET_KEY",
    "TOKEN_ENCRYPTION_KEYS",
    "REDIS_URL",
    "SENTRY_DSN",
    "ALLOWED_HOSTS",
    "DEBUG",
    "CSRF_TRUSTED_ORIGINS",
    "BEHIND_PROXY",
    "TRUSTED_PROXY_COUNT",
    "SECURE_COOKIES",
    "SECURE_HSTS_SECONDS",
    "SECURE_SSL_REDIRECT",
    "PURGE_AFTER_DAYS",
    "SIGN_UP_OPEN",
)


def make_environment(folder: Path, sandbox: dict[str, str]) -> dict[str, str]:
    """Return the environment of the demo's processes, given the sandbox's settings."""
    foreign = {*FOREIGN, *(f"{name}_FILE" for name in (*FOREIGN, *sandbox, "DATABASE_URL"))}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    python_path = os.pathsep.join(filter(None, [str(PROGRAM_DIR), kept.get("PYTHONPATH", "")]))
    return {
        **kept,
        **sandbox,
        MARK: "1",
        "ENV_FILE": os.devnull,
        "NARADA_VAR": str(folder),
        "DATABASE_URL": f"sqlite:///{urllib.parse.quote(str(folder / DATABASE_FILE))}",
        "LASTFM_REQUESTS_PER_SECOND": REQUESTS_PER_SECOND,
        "SPOTIFY_REQUESTS_PER_SECOND": REQUESTS_PER_SECOND,
        # A new like in the sandbox is to be seen on the other side soon.
        "SYNC_EVERY_MINUTES": "1",
        "DJANGO_SETTINGS_MODULE": "narada_site.settings",
        "PYTHONPATH": python_path,
        "PYTHONUNBUFFERED": "1",
    }


def open_sandbox(folder: Path, likes: int | None) -> Sandbox:
    """Return the demo's sandbox, not yet serving, with what an earlier demo left there.

    Another number of likes than the earlier demo's starts everything over.
    """
    box = Sandbox(likes=likes or DEFAULT_LIKES, state_path=folder / SANDBOX_FILE)
    person = box.services.state.find_user(PERSON)
    if likes is None or (person is not None and len(person.likes) == likes):
        return box
    box.stop()
    start_over(folder)
    return Sandbox(likes=likes, state_path=folder / SANDBOX_FILE)


def start_over(folder: Path) -> None:
    """Delete what a demo made, and nothing else."""
    for name in (SANDBOX_FILE, DATABASE_FILE):
        for suffix in ("", "-wal", "-shm"):
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
    for message in (folder / "queue").glob("*/*"):
        message.unlink(missing_ok=True)
    (folder / CONNECTED).unlink(missing_ok=True)


def set_the_stage(stage: Stage, folder: Path) -> None:
    """Set up, connect, import, export, verify: each by its own command. Raises StepFailed."""
    stage.run("init_db", "-u", PERSON)
    if not (folder / CONNECTED).exists():
        stage.connect("connect_spotify", PERSON)
        stage.connect("connect_lastfm", PERSON)
        (folder / CONNECTED).touch()
    stage.run("import_spotify_likes", "-u", PERSON)
    stage.run("export_likes_to_lastfm", "-u", PERSON)
    stage.run("verify_likes", "-u", PERSON)


def serve_pages(stage: Stage, port: int, log: Path) -> None:
    """Serve the web pages, and work for them, until one of the two processes ends.

    What they log goes into a file. Raises StepFailed when one ends.
    """
    bind = f"127.0.0.1:{port}"
    with log.open("w") as file:
        web = stage.start("gunicorn", "narada_site.wsgi", "--bind", bind, "--threads", "4",
                          "--graceful-timeout", "1", "--no-control-socket",
                          output=file.fileno(), errors=file.fileno())  # fmt: skip
        worker = stage.start("celery", "--quiet", "-A", "narada_site", "worker", "--beat",
                             "--pool", "solo", "--hostname", "demo@localhost",
                             "--loglevel", "WARNING",
                             output=file.fileno(), errors=file.fileno())  # fmt: skip
    terminal = Terminal()
    while not terminal.is_gone_after(0.2):
        for process, name in ((web, "the web server"), (worker, "the worker")):
            if process.poll() is not None:
                raise StepFailed(
                    f"{name} ended with exit code {process.returncode}; {log} says why"
                )
