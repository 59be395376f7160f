"""The commands that connect and disconnect, with a person who answers in a browser."""

import io
import os
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from queue import Queue
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core.management import call_command
from django.utils import timezone
from waiting import PATIENCE, wait_for

from likes.accounts import holds, user_clients
from likes.management.base import Error
from likes.management.commands import connect_lastfm
from likes.models import Connection
from narada_sandbox.server import Sandbox

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shared_box():
    with Sandbox(likes=1, awkward=False) as box:
        yield box


@pytest.fixture
def box(shared_box, settings, tmp_path, monkeypatch):
    shared_box.order("reset", {"likes": 1, "awkward": False})
    shared_box.clear_faults()
    shared_box.clear_calls()
    for name, value in shared_box.environ().items():
        setattr(settings, name, value)
    settings.VAR_DIR = tmp_path
    settings.SPOTIFY_REQUESTS_PER_SECOND = settings.LASTFM_REQUESTS_PER_SECOND = 0
    monkeypatch.setattr(connect_lastfm, "POLL_SECONDS", 0.05)
    monkeypatch.setattr("connectors.http.FIRST_PAUSE", 0.01)
    return shared_box


class Person(io.StringIO):
    """Standard output, read by a person who opens the printed address and does something there."""

    def __init__(self, act):
        super().__init__()
        self.act = act
        self.threads = []

    def write(self, text):
        if text.startswith("Open: "):
            thread = threading.Thread(target=self.act, args=(text.removeprefix("Open: ").strip(),))
            self.threads.append(thread)
            thread.start()
        return super().write(text)


def answer_as(name, answer="allow"):
    """Answer on the consent page, and go where it leads."""

    def act(address):
        sent = requests.post(
            address, data={"user": name, "answer": answer}, allow_redirects=False, timeout=PATIENCE
        )
        if "Location" in sent.headers:
            page = requests.get(sent.headers["Location"], timeout=PATIENCE).text
            assert "the terminal says what came of it" in page

    return act


def come_back_with(**changed):
    """Come back to the callback with an answer of one's own making."""

    def act(address):
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        answer = {"code": "made-up", "state": query["state"], **changed}
        requests.get(f"{query['redirect_uri']}?{urlencode(answer)}", timeout=PATIENCE)

    return act


def run(command, act=lambda address: None, *arguments, **options):
    """Run a command with a person; return its two outputs."""
    person, errors = Person(act), io.StringIO()
    try:
        call_command(command, *arguments, stdout=person, stderr=errors, **options)
    finally:
        for thread in person.threads:
            thread.join(PATIENCE)
    return person.getvalue(), errors.getvalue()


def connect_spotify(act, *arguments):
    return run("connect_spotify", act, "--no-browser", "--port", "0", *arguments)


def connect_lastfm_account(act, *arguments):
    return run("connect_lastfm", act, "--no-browser", *arguments)


def test_spotify_is_connected_and_one_line_printed(box, django_user_model):
    out, err = connect_spotify(answer_as("alice"), "-u", "ann")
    assert out.startswith("Open: http://127.0.0.1:")
    assert out.count("\n") == 1
    assert err == "Spotify is connected for ann as Alice.\n"
    user = django_user_model.objects.get(username="ann")
    connection = Connection.objects.get(user=user, service="spotify")
    assert (connection.state, connection.scopes) == ("connected", "user-library-read")
    assert user_clients.spotify_connector(user).get_user().uid == connection.account.uid


def test_spotify_is_asked_with_pkce_and_a_loopback_address(box):
    out, _ = connect_spotify(answer_as("alice"))
    query = parse_qs(urlsplit(out.removeprefix("Open: ")).query)
    assert query["code_challenge_method"] == ["S256"]
    assert query["scope"] == ["user-library-read"]
    redirect = urlsplit(query["redirect_uri"][0])
    assert (redirect.hostname, redirect.path) == ("127.0.0.1", "/callback")


def test_lastfm_is_connected_after_the_person_has_allowed_it(box, django_user_model):
    def hesitate(address):
        wait_for(lambda: box.calls(kind="auth.getsession"))
        answer_as("bob")(address)

    out, err = connect_lastfm_account(hesitate, "-u", "ann")
    assert out.startswith("Open: ")
    assert out.count("\n") == 1
    assert err == "Last.fm is connected for ann as bob.\n"
    assert len(box.calls(kind="auth.getsession")) > 1
    user = django_user_model.objects.get(username="ann")
    assert user_clients.lastfm_connector(user).get_user().name == "bob"


def test_default_user_is_created(box, django_user_model):
    connect_lastfm_account(answer_as("alice"))
    assert [user.username for user in django_user_model.objects.all()] == ["default"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (answer_as("alice", "cancel"), "You declined at Spotify"),
        (come_back_with(state="another"), "belongs to another attempt"),
        (come_back_with(state=""), "belongs to another attempt"),
        (come_back_with(code=""), "no code"),
        (come_back_with(error="server_error"), "server_error"),
        (come_back_with(), "connect Spotify again"),
        (answer_as("mallory"), "User Management"),
    ],
)
def test_no_consent_is_one_line_and_stores_nothing(box, act, words):
    with pytest.raises(Error, match=words) as caught:
        connect_spotify(act)
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)
    assert not SocialAccount.objects.exists()


def test_other_requests_to_the_callback_port_are_not_taken_for_the_answer(box):
    def act(address):
        redirect = parse_qs(urlsplit(address).query)["redirect_uri"][0]
        assert (
            requests.get(
                redirect.replace("/callback", "/favicon.ico"), timeout=PATIENCE
            ).status_code
            == 404
        )
        idle = socket.create_connection((urlsplit(redirect).hostname, urlsplit(redirect).port))
        answer_as("alice")(address)
        idle.close()

    connect_spotify(act)
    assert Connection.objects.get().state == "connected"


def test_address_of_a_browser_elsewhere_can_be_pasted(box, monkeypatch):
    pasted = Queue()

    class Terminal:
        def isatty(self):
            return True

        def __iter__(self):
            yield "what?\n"
            yield pasted.get(timeout=PATIENCE)

    def paste(address):
        sent = requests.post(
            address,
            data={"user": "alice", "answer": "allow"},
            allow_redirects=False,
            timeout=PATIENCE,
        )
        pasted.put(sent.headers["Location"] + "\n")

    monkeypatch.setattr(sys, "stdin", Terminal())
    _, err = connect_spotify(paste)
    assert "paste here" in err
    assert Connection.objects.get().state == "connected"


@pytest.mark.parametrize("command", ["connect_spotify", "connect_lastfm"])
def test_waiting_for_a_person_ends(box, command):
    port = ["--port", "0"] if command == "connect_spotify" else []
    with pytest.raises(Error, match="within 1 s") as caught:
        run(command, lambda address: None, "--no-browser", "--timeout", "1", *port)
    assert caught.value.returncode == 1


def test_taken_port_is_one_clear_line(box):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Error, match=f"Port {port}.*--port") as caught:
            run("connect_spotify", lambda address: None, "--no-browser", "--port", str(port))
    assert caught.value.returncode == 1


def test_expired_lastfm_token_is_one_clear_line(box):
    box.add_faults({"kind": "lastfm_error", "match": "auth.getsession", "parameters": {"code": 15}})
    with pytest.raises(Error, match="older than an hour") as caught:
        connect_lastfm_account(lambda address: None)
    assert caught.value.returncode == 1


@pytest.mark.parametrize(
    ("command", "setting", "where"),
    [
        ("connect_spotify", "SPOTIFY_CLIENT_ID", "developer.spotify.com/dashboard"),
        ("connect_lastfm", "LASTFM_API_SECRET", "www.last.fm/api/account/create"),
    ],
)
def test_missing_credentials_are_one_clear_line(
    box, settings, django_user_model, command, setting, where
):
    setattr(settings, setting, "")
    with pytest.raises(Error, match=setting) as caught:
        run(command, lambda address: None, "--no-browser")
    assert caught.value.returncode == 1
    assert where in str(caught.value)
    assert not django_user_model.objects.exists()


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "html_502", "service": "lastfm"},
        {"kind": "lastfm_error", "parameters": {"code": 29}},
        {"kind": "lastfm_error", "parameters": {"code": 11}},
    ],
)
def test_service_that_is_down_or_limits_ends_with_75(box, fault):
    box.add_faults(fault)
    with pytest.raises(Error) as caught:
        connect_lastfm_account(answer_as("alice"))
    assert caught.value.returncode == 75


def test_account_of_another_user_is_refused(box):
    connect_spotify(answer_as("alice"), "-u", "ann")
    before = SocialToken.objects.get().token
    with pytest.raises(Error, match="another user") as caught:
        connect_spotify(answer_as("alice"), "-u", "ben")
    assert caught.value.returncode == 1
    assert SocialToken.objects.get().token == before


def test_connecting_opens_a_closed_service_again(box):
    holds.close_service("lastfm", "Invalid API key")
    connect_lastfm_account(answer_as("alice"))
    holds.check_open("lastfm")


# Disconnect


def test_disconnect_says_when_the_purge_comes(box):
    connect_spotify(answer_as("alice"))
    out, _ = run("disconnect", lambda address: None, "spotify")
    day = timezone.now() + timedelta(days=4)
    assert out.startswith("Spotify is disconnected for default.")
    assert f"purged on {day:%Y-%m-%d}" in out
    assert "narada export-library" in out
    assert not SocialToken.objects.exists()
    connect_spotify(answer_as("alice"))
    assert Connection.objects.get().purge_at is None


def test_disconnect_can_purge_at_once(box):
    connect_lastfm_account(answer_as("alice"))
    out, _ = run("disconnect", lambda address: None, "lastfm", "--purge-now")
    assert "is purged" in out
    assert not Connection.objects.exists()
    assert not SocialAccount.objects.exists()


def test_disconnect_says_so_where_nothing_is_ever_purged(box, settings):
    settings.PURGE_AFTER_DAYS = -1
    connect_lastfm_account(answer_as("alice"))
    out, _ = run("disconnect", lambda address: None, "lastfm")
    assert "is kept" in out


def test_disconnect_of_an_unknown_user_says_how_to_create_one(box):
    with pytest.raises(Error, match="narada init-db -u nobody"):
        run("disconnect", lambda address: None, "spotify", "-u", "nobody")


def test_disconnect_of_what_is_not_connected_says_so(box, django_user_model):
    django_user_model.objects.create(username="default")
    with pytest.raises(Error, match="Spotify is not connected") as caught:
        run("disconnect", lambda address: None, "spotify")
    assert caught.value.returncode == 1


# As a person runs them


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["connect_spotify", "--port", "x"], 2),
        (["connect_spotify", "--port", "70000"], 2),
        (["connect_lastfm", "--timeout", "0"], 2),
        (["disconnect"], 2),
        (["disconnect", "tidal"], 2),
    ],
)
def test_wrong_value_is_one_line_and_no_traceback(capsys, arguments, status):
    from django.core.management import execute_from_command_line

    with pytest.raises(SystemExit) as caught:
        execute_from_command_line(["narada", *arguments])
    shown = capsys.readouterr()
    assert caught.value.code == status
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert shown.err.count("\n") == 1


def test_program_without_credentials_ends_with_1_and_no_traceback(tmp_path):
    cleared = dict.fromkeys(["SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"], "")
    environ = {**os.environ, **cleared, "NARADA_VAR": str(tmp_path), "ENV_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "manage.py", "connect_spotify", "--no-browser"],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert "SPOTIFY_CLIENT_ID" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
