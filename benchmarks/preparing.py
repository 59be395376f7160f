"""Prepare a benchmark: a database, a user whom the sandbox knows, a run that ends early."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from connectors.records import ServiceUser, Tokens
from narada_sandbox.server import Sandbox


@contextmanager
def open_database(**environment: str) -> Iterator[None]:
    """Set up Django and the database of DATABASE_URL, else a SQLite file of its own.

    ``environment`` are further settings; without them there is no rate limit.
    """
    with tempfile.TemporaryDirectory() as var:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{var}/narada.sqlite3")
        os.environ |= {
            "NARADA_VAR": var,
            "DJANGO_SETTINGS_MODULE": "narada_site.settings",
            "LASTFM_REQUESTS_PER_SECOND": "0",
            "SPOTIFY_REQUESTS_PER_SECOND": "0",
            **environment,
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


@contextmanager
def open_sandbox(**options: Any) -> Iterator[Sandbox]:
    """Serve a sandbox to which the settings of this process point."""
    from django.conf import settings

    with Sandbox(**options) as box:
        for name, value in box.environ().items():
            setattr(settings, name, value)
        yield box


def join(box: Sandbox, name: str, number: int) -> Any:
    """Make a user of Narada, connected as a sandbox user; one of an earlier benchmark goes."""
    from django.contrib.auth.models import User

    from likes.accounts import connections

    uid = f"{name}{number}"
    User.objects.filter(username=uid).delete()
    user = User.objects.create_user(uid)
    granted = box.grant("spotify", name)
    expires = datetime.now(UTC) + timedelta(seconds=granted["expires_in"])
    tokens = Tokens(granted["access_token"], granted["refresh_token"], expires)
    connections.store_connection(user, "spotify", ServiceUser(uid, name), tokens)
    key = Tokens(box.grant("lastfm", name)["key"])
    connections.store_connection(user, "lastfm", ServiceUser(uid, name), key)
    return user


def after(batches: int) -> Callable[[], bool]:
    """Return a ``time_is_up`` that ends a slice after so many pages or batches."""
    asked = count(1)
    return lambda: next(asked) >= batches


@contextmanager
def counting_statements() -> Iterator[Counter[str]]:
    """Count the statements of this thread; those that send only ask whether a hold stands."""
    from django.db import connection

    counts: Counter[str] = Counter()

    def count(execute: Callable[..., Any], *args: Any) -> Any:
        counts["all"] += 1
        return execute(*args)

    with connection.execute_wrapper(count):
        yield counts
