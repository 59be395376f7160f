"""Many processes and threads that need a fresh token at once, on a database of their own."""

import json
import os
import subprocess
import sys

import pytest

from narada_sandbox.server import Sandbox

SET_UP = """
import json, sys
import django
django.setup()
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils import timezone
from connectors.records import ServiceUser, Tokens
from likes.accounts.connections import store_connection
granted = json.load(sys.stdin)
call_command("migrate", verbosity=0)
user = get_user_model().objects.create(username="ann")
tokens = Tokens(granted["access_token"], granted["refresh_token"], timezone.now())
store_connection(user, "spotify", ServiceUser(granted["account_id"], "Alice"), tokens)
"""

ASK = """
import json, sys, threading
from concurrent.futures import ThreadPoolExecutor
import django
django.setup()
from django.contrib.auth import get_user_model
from django.db import connections
from likes.accounts import user_clients
user = get_user_model().objects.get(username="ann")
connector = user_clients.spotify_connector(user)
barrier = threading.Barrier(4)

def ask(number):
    barrier.wait()
    try:
        return [user_clients.get_fresh_token(user), connector.get_user().name]
    finally:
        connections.close_all()

def ask_four_times():
    with ThreadPoolExecutor(4) as pool:
        print(json.dumps(list(pool.map(ask, range(4)))), flush=True)

print("ready", flush=True)
for line in sys.stdin:
    ask_four_times()
"""


def start(script, environ):
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, **environ, "DJANGO_SETTINGS_MODULE": "narada_site.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def count_refreshes(box):
    return sum(1 for call in box.calls(service="accounts") if call["kind"].endswith("/api/token"))


def ask_all(processes):
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return [answer for process in processes for answer in json.loads(process.stdout.readline())]


@pytest.mark.slow
def test_eight_threads_in_two_processes_refresh_once(tmp_path):
    with Sandbox(likes=1, awkward=False) as box:
        environ = {
            **box.environ(),
            "NARADA_VAR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'test.sqlite3'}",
            "SPOTIFY_REQUESTS_PER_SECOND": "0",
        }
        setting_up = start(SET_UP, environ)
        setting_up.communicate(json.dumps(box.grant("spotify", "alice")))
        assert setting_up.returncode == 0
        processes = [start(ASK, environ) for _ in range(2)]
        try:
            assert [process.stdout.readline() for process in processes] == ["ready\n"] * 2
            box.add_faults({"kind": "latency", "service": "accounts", "parameters": {"ms": 300}})
            # The stored token has ended: one of the eight refreshes it.
            first = ask_all(processes)
            assert len(first) == 8
            assert len({token for token, name in first}) == 1
            assert {name for token, name in first} == {"Alice"}
            assert count_refreshes(box) == 1
            # Spotify ends it early: eight calls are refused, and one of the eight refreshes it.
            box.order("expire", {"user": "alice"})
            second = ask_all(processes)
            assert [name for token, name in second] == ["Alice"] * 8
            assert count_refreshes(box) == 2
        finally:
            for process in processes:
                process.kill()
                process.communicate()
