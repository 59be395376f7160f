"""No password, code, state, token or key leaves the program with an error."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import sentry_sdk
from django.db import connection
from django.test import Client
from sentry_sdk.transport import Transport

from narada_site import celery, reporting

pytestmark = pytest.mark.django_db
PASSWORD = "Tr0ubador-and-3"
CODE, STATE, TOKEN = "AQCode0815-xyz", "St4te-of-mine", "BQAbcdefghij0123456789-klm"
REDIS = "r3dis-passw0rd"
SECRETS = (PASSWORD, CODE, STATE, TOKEN, REDIS)


class Kept(Transport):
    """A transport that sends nothing and keeps all."""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self.sent: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent += [item.payload.json for item in envelope.items]


@pytest.fixture
def sent() -> Any:
    transport = Kept()
    with sentry_sdk.isolation_scope():
        reporting.start_sentry("https://public@sentry.example/1", transport=transport)
        yield transport.sent
        sentry_sdk.get_client().close()
        sentry_sdk.init()


@pytest.fixture(autouse=True)
def redis_with_a_password(settings: Any) -> None:
    settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://:{REDIS}@cache.example:6379/0"


def check(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


def break_with(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        local = PASSWORD + TOKEN  # noqa: F841
        logging.getLogger("narada").warning("connecting with token=%s", TOKEN)
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s", [PASSWORD])
        raise RuntimeError(f"broken: {' '.join(texts)}")

    monkeypatch.setattr("likes.accounts.sign_in.AccountAdapter.is_open_for_signup", fail)
    monkeypatch.setattr("connectors.providers.views.CallbackView.fetch", fail)
    monkeypatch.setattr("connectors.providers.views.get_adapter", fail)


def sign_up(client: Client) -> Any:
    form = {"username": "carol", "password1": PASSWORD, "password2": PASSWORD}
    return client.post(f"/accounts/signup/?token={TOKEN}", form)


def come_back(client: Client) -> Any:
    client.cookies["sessionid"] = f"cookie-{TOKEN}"
    return client.get(
        f"/accounts/spotify/login/callback/?code={CODE}&state={STATE}",
        headers={"authorization": f"Bearer {TOKEN}", "referer": f"http://x/?code={CODE}"},
    )


@pytest.mark.parametrize("act", [sign_up, come_back])
def test_sentry_is_told_no_secret(
    act: Any, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    break_with(monkeypatch, PASSWORD, CODE, STATE, f"redis://:{REDIS}@cache.example/0", TOKEN)
    monkeypatch.setattr(reporting, "SHORTEST", 4)
    client = Client(raise_request_exception=False)
    client.post("/accounts/login/", {"login": PASSWORD, "password": PASSWORD})
    response = act(client)
    assert response.status_code == 500
    check(response.text)
    # A password in the text of an error is known where it was typed.
    texts = [json.dumps(event) for event in sent]
    assert any("RuntimeError" in text for text in texts)
    told = [event for event in sent if event.get("exception")][-1]
    assert told["request"].keys() == {"method", "url"}
    hidden = (PASSWORD,) if act is sign_up else (CODE, STATE)
    for secret in (*hidden, TOKEN, REDIS):
        assert all(secret not in text for text in texts)


@pytest.mark.parametrize("act", [sign_up, come_back])
def test_the_page_for_developers_shows_no_secret(
    act: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    break_with(monkeypatch)
    response = act(Client(raise_request_exception=False))
    assert "RuntimeError" in response.text
    check(response.text)


def test_a_wrong_host_shows_no_setting(settings: Any) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["narada.example"]
    client = Client(raise_request_exception=False)
    page = client.get("/", headers={"host": "evil.example", "cookie": f"sessionid={TOKEN}"}).text
    assert "DisallowedHost" in page
    check(page)
    assert settings.SECRET_KEY not in page
    assert settings.TOKEN_ENCRYPTION_KEYS[0] not in page


def test_logs_hide_secrets_the_workers_too(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("[celery] %(message)s"))
    logger = logging.Logger("worker")
    logger.addHandler(handler)
    celery.hide_secrets_in_logs(logger)
    try:
        raise RuntimeError(f"refused: redis://:{REDIS}@cache.example:6379/0")
    except RuntimeError:
        logger.exception("GET /callback/?code=%s&state=%s", CODE, STATE)
    assert stream.getvalue().startswith("[celery] GET /callback/?code=[hidden]&state=[hidden]")
    check(stream.getvalue())


def test_a_password_that_an_address_encodes_is_hidden_as_it_is_too(settings: Any) -> None:
    settings.REDIS_URL = "redis://:open%20sesame@cache.example:6379/0"
    hidden = reporting.hide_secrets("AUTH open sesame, of open%20sesame")
    assert hidden == "AUTH [hidden], of [hidden]"


@pytest.mark.parametrize(
    "text",
    [
        "Spotify answered 429 to GET /me/tracks (error 29): come back after 12:00",
        "keys of 1,000 tracks made anew",
        "user 4: spotify refuses the connection (invalid_grant)",
        "The lease on loved tracks of user 2 was lost; 3n+3 = state of the art",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert reporting.hide_secrets(text) == text
