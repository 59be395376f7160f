"""Connecting in the web, against the sandbox's real HTTP."""

import logging
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from waiting import PATIENCE

from connectors.records import ServiceUser, Tokens
from likes.accounts import connections, holds, user_clients
from likes.accounts.sign_in import AccountAdapter
from likes.models import Connection
from narada_sandbox.server import Sandbox

HOST = "127.0.0.1:8000"
HOME = "/"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shared_box():
    with Sandbox(likes=1, awkward=False) as box:
        yield box


@pytest.fixture
def box(shared_box, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.http.FIRST_PAUSE", 0.01)
    shared_box.order("reset", {"likes": 1, "awkward": False})
    shared_box.clear_faults()
    shared_box.clear_calls()
    for name, value in shared_box.environ().items():
        setattr(settings, name, value)
    settings.VAR_DIR = tmp_path
    settings.SPOTIFY_REQUESTS_PER_SECOND = settings.LASTFM_REQUESTS_PER_SECOND = 0
    settings.SOCIALACCOUNT_PROVIDERS = {
        "spotify": {
            "APPS": [
                {
                    "client_id": settings.SPOTIFY_CLIENT_ID,
                    "secret": settings.SPOTIFY_CLIENT_SECRET,
                }
            ]
        },
        "lastfm": {
            "APPS": [{"client_id": settings.LASTFM_API_KEY, "secret": settings.LASTFM_API_SECRET}]
        },
    }
    return shared_box


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create(username="ann")


@pytest.fixture
def browser(user):
    return sign_in(user)


def sign_in(user):
    client = Client(headers={"host": HOST})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def start(client, service, process="connect"):
    """Press "Connect"; return the address of the consent page."""
    answer = client.post(f"/accounts/{service}/login/?process={process}")
    assert answer.status_code == 302
    return answer["Location"]


def consent(address, name, answer="allow"):
    """Answer on the consent page; return where it sends the browser."""
    sent = requests.post(
        address, data={"user": name, "answer": answer}, allow_redirects=False, timeout=PATIENCE
    )
    assert sent.status_code in (302, 303), sent.text
    return sent.headers["Location"]


def come_back(client, address):
    parts = urlsplit(address)
    assert parts.netloc == HOST
    return client.get(f"{parts.path}?{parts.query}")


def connect(client, service, name):
    return come_back(client, consent(start(client, service), name))


def read_messages(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def describe_rows(user, service):
    """Everything that a connection stores, but for times and the tokens' own text."""
    connection = Connection.objects.select_related("account").get(user=user, service=service)
    row = SocialToken.objects.get(account=connection.account)
    return {
        "uid": connection.account.uid,
        "provider": connection.account.provider,
        "extra_data": connection.account.extra_data,
        "owner": connection.account.user,
        "state": connection.state,
        "scopes": connection.scopes,
        "authorized": connection.authorized_at is not None,
        "app": row.app,
        "token": bool(row.token),
        "refresh token": bool(row.token_secret),
        "ends": row.expires_at is not None,
    }


def test_spotify_consent_page_gets_pkce_scope_state_and_a_loopback_address(box, browser):
    query = parse_qs(urlsplit(start(browser, "spotify")).query)
    assert query["scope"] == ["user-library-read"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"http://{HOST}/accounts/spotify/login/callback/"]
    assert len(query["state"][0]) >= 16


def test_lastfm_consent_page_gets_the_state_inside_the_callback(box, browser):
    query = parse_qs(urlsplit(start(browser, "lastfm")).query)
    assert set(query) == {"api_key", "cb"}
    callback = urlsplit(query["cb"][0])
    assert callback.path == "/accounts/lastfm/login/callback/"
    assert set(parse_qs(callback.query)) == {"state"}


def test_connect_is_started_by_post_only(box, browser):
    answer = browser.get("/accounts/spotify/login/?process=connect")
    assert answer.status_code == 200
    assert "Location" not in answer


@pytest.mark.parametrize("service", ["spotify", "lastfm"])
def test_web_connects_and_ends_in_the_same_rows_as_the_terminal(
    box, user, browser, service, django_user_model
):
    answer = connect(browser, service, "alice")
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert "is connected" in read_messages(answer)
    made = describe_rows(user, service)
    reader = {"spotify": user_clients.spotify_connector, "lastfm": user_clients.lastfm_connector}[
        service
    ]
    assert reader(user).get_user().uid == made["uid"]

    connections.disconnect(user, service, purge_now=True)
    granted = box.grant(service, "alice", scopes="user-library-read")
    tokens = (
        Tokens(granted["access_token"], granted["refresh_token"], None, ("user-library-read",))
        if service == "spotify"
        else Tokens(granted["key"])
    )
    who = ServiceUser(made["uid"], made["extra_data"]["name"])
    connections.store_connection(user, service, who, tokens)
    assert describe_rows(user, service) == made | {"ends": False}


def test_spotify_account_is_named_by_its_account_id(box, user, browser):
    connect(browser, "spotify", "alice")
    people = {one["name"]: one for one in box.order("state", http="GET")["users"]}
    assert SocialAccount.objects.get().uid == people["alice"]["account_id"]


def test_token_goes_to_spotify_in_a_header_only(box, user, browser):
    connect(browser, "spotify", "alice")
    token = SocialToken.objects.get().token
    assert token not in str([{**call, "headers": ""} for call in box.calls()])


def test_connecting_again_renews_the_tokens(box, user, browser):
    connect(browser, "spotify", "alice")
    before = SocialToken.objects.get().token
    answer = connect(browser, "spotify", "alice")
    assert "is connected" in read_messages(answer)
    assert SocialToken.objects.get().token != before
    assert Connection.objects.count() == 1


@pytest.mark.parametrize("service", ["spotify", "lastfm"])
def test_account_of_another_user_is_refused_and_their_token_left(
    box, user, browser, service, django_user_model
):
    connect(browser, service, "alice")
    before = SocialToken.objects.get().token
    other = django_user_model.objects.create(username="ben")
    answer = connect(sign_in(other), service, "alice")
    assert "already connected to another user" in read_messages(answer)
    assert SocialToken.objects.get().token == before
    assert SocialAccount.objects.get().user == user
    assert not Connection.objects.filter(user=other).exists()


@pytest.mark.parametrize("service", ["spotify", "lastfm"])
def test_answer_works_once_and_in_its_own_browser_only(
    box, user, browser, service, django_user_model
):
    back = consent(start(browser, service), "alice")
    stranger = sign_in(django_user_model.objects.create(username="ben"))
    assert come_back(stranger, back).status_code == 401
    assert not SocialToken.objects.exists()
    assert come_back(browser, back).status_code == 302
    replayed = come_back(browser, back)
    assert replayed.status_code == 401
    assert "used already" in replayed.content.decode()


@pytest.mark.parametrize("service", ["spotify", "lastfm"])
def test_answer_with_a_foreign_state_is_refused(box, browser, service):
    start(browser, service)
    answer = browser.get(f"/accounts/{service}/login/callback/?state=made-up&code=x&token=x")
    assert answer.status_code == 401
    assert box.calls(kind="api/token") == box.calls(kind="auth.getsession") == []


def test_declining_at_spotify_changes_nothing(box, user, browser):
    answer = come_back(browser, consent(start(browser, "spotify"), "alice", "cancel"))
    assert (answer.status_code, answer["Location"]) == (302, HOME)
    assert "You declined at Spotify" in read_messages(answer)
    assert not SocialAccount.objects.exists()


def test_user_who_is_not_allow_listed_gets_a_page_that_says_so(box, user, browser):
    answer = connect(browser, "spotify", "mallory")
    assert answer.status_code == 401
    assert "User Management" in answer.content.decode()
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "premium_lapsed", "service": "spotify", "match": "/me"}, "Premium"),
        (
            {
                "kind": "status",
                "service": "spotify",
                "match": "/me",
                "parameters": {"status": 403, "body": '{"error":{"status":403,"message":"No"}}'},
            },
            "403",
        ),
        ({"kind": "false_invalid_grant"}, "connect Spotify again"),
        ({"kind": "rate_limited", "parameters": {"retry_after": 3600}}, "429"),
    ],
)
def test_whatever_spotify_answers_is_a_page_with_its_reason(box, browser, fault, words):
    back = consent(start(browser, "spotify"), "alice")
    box.add_faults(fault)
    answer = come_back(browser, back)
    assert answer.status_code == 401
    assert words in answer.content.decode()
    assert not SocialAccount.objects.exists()


def test_lastfm_error_is_a_page_with_its_reason(box, browser):
    back = consent(start(browser, "lastfm"), "alice")
    box.add_faults({"kind": "lastfm_error", "parameters": {"code": 10}})
    answer = come_back(browser, back)
    assert answer.status_code == 401
    assert "Last.fm" in answer.content.decode()


def test_hold_is_obeyed_and_shared_by_the_web(box, browser):
    back = consent(start(browser, "spotify"), "alice")
    box.add_faults({"kind": "rate_limited", "parameters": {"retry_after": 3600}})
    come_back(browser, back)
    assert holds.held_until("spotify") is not None


@pytest.mark.parametrize("service", ["spotify", "lastfm"])
def test_missing_credentials_are_a_message_and_no_crash(box, browser, settings, service):
    settings.SOCIALACCOUNT_PROVIDERS = {}
    for address in (f"/accounts/{service}/login/", f"/accounts/{service}/login/callback/"):
        answer = browser.get(address)
        assert (answer.status_code, answer["Location"]) == (302, HOME)
        assert "are not set" in read_messages(answer)


# Signing in


def test_lastfm_neither_signs_in_nor_up(box, user, browser):
    connect(browser, "lastfm", "alice")
    stranger = Client(headers={"host": HOST})
    answer = come_back(stranger, consent(start(stranger, "lastfm", "login"), "alice"))
    assert "_auth_user_id" not in stranger.session
    assert "Sign in first" in read_messages(answer)


def test_spotify_signs_in_who_is_connected(box, user, browser):
    connect(browser, "spotify", "alice")
    stranger = Client(headers={"host": HOST})
    answer = come_back(stranger, consent(start(stranger, "spotify", "login"), "alice"))
    assert answer["Location"] == HOME
    assert stranger.session["_auth_user_id"] == str(user.pk)


def test_signing_in_is_no_reconnecting(box, user, browser):
    connect(browser, "spotify", "alice")
    connections.disconnect(user, "spotify")
    stranger = Client(headers={"host": HOST})
    come_back(stranger, consent(start(stranger, "spotify", "login"), "alice"))
    assert stranger.session["_auth_user_id"] == str(user.pk)
    assert not SocialToken.objects.exists()
    assert Connection.objects.get().state == Connection.State.DISCONNECTED


def test_spotify_signs_up_and_connects(box, settings, django_user_model):
    settings.SIGN_UP_OPEN = True
    stranger = Client(headers={"host": HOST})
    answer = come_back(stranger, consent(start(stranger, "spotify", "login"), "alice"))
    assert answer["Location"] == HOME
    made = django_user_model.objects.get()
    assert describe_rows(made, "spotify")["state"] == "connected"
    assert user_clients.spotify_connector(made).get_user().name == "Alice"


def test_spotify_signs_nobody_up_where_sign_up_is_closed(
    box, settings, user, browser, django_user_model
):
    settings.SIGN_UP_OPEN = False
    connect(browser, "spotify", "alice")
    stranger = Client(headers={"host": HOST})
    come_back(stranger, consent(start(stranger, "spotify", "login"), "bob"))
    assert list(django_user_model.objects.all()) == [user]


def test_login_by_who_is_signed_in_connects_and_keeps_them_signed_in(box, user, browser):
    come_back(browser, consent(start(browser, "spotify", "login"), "alice"))
    assert browser.session["_auth_user_id"] == str(user.pk)
    assert describe_rows(user, "spotify")["owner"] == user


# Secrets


def test_no_secret_in_log_session_or_extra_data(box, user, browser, caplog):
    caplog.set_level(logging.DEBUG)
    connect(browser, "spotify", "alice")
    connect(browser, "lastfm", "alice")
    secrets = [text for row in SocialToken.objects.all() for text in (row.token, row.token_secret)]
    shown = caplog.text + str(dict(browser.session)) + str(list(SocialAccount.objects.values()))
    assert [secret for secret in secrets if secret and secret in shown] == []


def test_sign_up_that_is_closed_is_open_to_the_first(rf, settings, django_user_model):
    settings.SIGN_UP_OPEN = False
    adapter = AccountAdapter()
    assert adapter.is_open_for_signup(rf.get("/")) is True
    terminal_only = django_user_model(username="default")
    terminal_only.set_unusable_password()
    terminal_only.save()
    assert adapter.is_open_for_signup(rf.get("/")) is True
    django_user_model.objects.create_user(username="ann", password="correct horse")
    assert adapter.is_open_for_signup(rf.get("/")) is False
    settings.SIGN_UP_OPEN = True
    assert adapter.is_open_for_signup(rf.get("/")) is True


@pytest.mark.parametrize("page", ["/", "/connections/", "/connections/spotify/disconnect/"])
def test_no_secret_on_the_pages(box, user, browser, settings, page):
    connect(browser, "spotify", "alice")
    connect(browser, "lastfm", "alice")
    shown = browser.get(page).content.decode()
    assert "Alice" in shown
    secrets = [text for row in SocialToken.objects.all() for text in (row.token, row.token_secret)]
    secrets += [settings.SPOTIFY_CLIENT_SECRET, settings.LASTFM_API_SECRET]
    assert [secret for secret in secrets if secret and secret in shown] == []


def test_no_secret_anywhere_in_the_admin(box, user, browser, settings, django_user_model):
    connect(browser, "spotify", "alice")
    connect(browser, "lastfm", "alice")
    boss = sign_in(django_user_model.objects.create_superuser(username="boss"))
    secrets = [text for row in SocialToken.objects.all() for text in (row.token, row.token_secret)]
    seen = 0
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        pages = [address, *(f"{address}{row.pk}/change/" for row in model.objects.all()[:5])]
        for page in pages:
            shown = boss.get(page).content.decode()
            seen += len(shown) > 0
            assert [one for one in secrets if one and (one in shown or one[:12] in shown)] == []
    assert seen > 10
