"""A Redis that is away, or that accepts connections and never answers, stops no page."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from waiting import PATIENCE

from narada_site.cache import Client as CacheClient

ROOT = Path(__file__).parents[3]
WRONG = {"login": "ada", "password": "wrong"}


@pytest.fixture(params=["away", "hanging"])
def no_redis(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a port that is closed, or of one behind which nobody answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hanging":
            server.listen(100)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def cache_without_redis(no_redis: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = "narada_site.cache.RedisCache"
    quick = {"socket_timeout": 0.05, "socket_connect_timeout": 0.05}
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": no_redis, "OPTIONS": quick}}
    monkeypatch.setattr(CacheClient, "away_until", 0.0)
    cache.clear()


def test_the_cache_goes_on_in_the_process(
    cache_without_redis: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for away_until in (0.0, float("inf")):  # asking Redis each time, and not asking it
        cache.set("kept", 1)
        monkeypatch.setattr(CacheClient, "away_until", away_until)
        assert cache.get("kept") == 1
        assert cache.add("kept", 2) is False
        assert cache.incr("kept") == 2
        assert cache.get_many(["kept", "other"]) == {"kept": 2}
        cache.set_many({"one": 1, "two": 2}, 60)
        cache.delete_many(["one"])
        assert (cache.has_key("one"), cache.touch("two", 60)) == (False, True)
        assert cache.get_or_set("three", lambda: 3) == 3
        assert cache.delete("kept") is True
        assert cache.get("kept", "gone") == "gone"


@pytest.mark.django_db
@pytest.mark.usefixtures("cache_without_redis")
def test_signing_in_works_and_its_limits_hold(ada: User) -> None:
    client = Client()
    right = {"login": "ada", "password": "correct horse"}
    assert client.post("/accounts/login/", right).status_code == 302
    assert "_auth_user_id" in client.session
    for _ in range(30):
        last = Client().post("/accounts/login/", WRONG)
    assert "many" in last.content.decode()


@pytest.mark.redis
def test_redis_is_asked_again_after_a_while(
    settings: Any, monkeypatch: pytest.MonkeyPatch, redis_url: str
) -> None:
    backend = "narada_site.cache.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": redis_url}}
    monkeypatch.setattr(CacheClient, "away_until", float("inf"))
    cache.set("narada-test", "here")
    monkeypatch.setattr(CacheClient, "away_until", 0.0)
    assert cache.get("narada-test") is None
    cache.set("narada-test", "there", 60)
    assert cache.get("narada-test") == "there"
    cache.delete("narada-test")


USES_NARADA = """
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from connectors.errors import TemporaryError
from likes import tasks
from django.conf import settings
from connectors.limits import Budget

call_command("migrate", verbosity=0)
User.objects.create_user("ada", password="correct horse")
client = Client(headers={"host": "localhost"})
print(client.post("/accounts/login/", {"login": "ada", "password": "correct horse"}).status_code)
tasks.find_usable_services = lambda user: {"spotify"}
print("The queue does not answer" in client.post("/sync/", follow=True).content.decode())
print("The queue does not answer" in client.post("/sync/", follow=True).content.decode())
try:
    Budget("spotify", 2, redis_url=settings.REDIS_URL).acquire()
except TemporaryError:
    print("tried later")
"""


@pytest.mark.slow
def test_the_settings_let_nothing_wait_for_ever(no_redis: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", USES_NARADA], capture_output=True, text=True, timeout=PATIENCE,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT), "NARADA_VAR": str(tmp_path),
                          "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
                          "REDIS_URL": no_redis, "DJANGO_SETTINGS_MODULE": "narada_site.settings"},
    )  # fmt: skip
    assert done.stdout.split("\n") == ["302", "True", "True", "tried later", ""], done.stderr
