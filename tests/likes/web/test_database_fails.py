"""A database that is full, read-only or away gives a page that says so, on every kind of page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client

RIGHT = {"login": "ada", "password": "correct horse"}


#: What each database says of a full disk.
FULL = {
    "sqlite": "database or disk is full",
    "postgresql": 'could not extend file "base/1/2": No space left on device',
}


@pytest.fixture(params=["read-only", "full"])
def failing(request: pytest.FixtureRequest, signed_in: Client) -> Iterator[str]:
    """Make the database fail as it does on such a disk; return what the page says of it."""
    if request.param == "full":
        with connection.execute_wrapper(refuse_writes):
            yield "its disk is full"
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA query_only = ON")
        else:
            cursor.execute("SET default_transaction_read_only = on")
    yield "it is read-only"
    connection.close()


def refuse_writes(execute: Any, sql: str, *rest: Any) -> Any:
    if sql.startswith(("INSERT", "UPDATE", "DELETE")):
        raise OperationalError(FULL[connection.vendor])
    return execute(sql, *rest)


@pytest.fixture
def signed_in(transactional_db: None, ada: User) -> Client:
    ada.is_staff = ada.is_superuser = True
    ada.save()
    client = Client()
    client.force_login(ada)
    return client


def assert_said(response: Any, said: str) -> None:
    assert response.status_code == 503
    assert f"Narada cannot use its database: {said}." in response.text


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/"])
def test_signing_in_and_up_say_so(path: str, failing: str) -> None:
    form = RIGHT if "login" in path else {
        "username": "bob", "password1": "long enough 77", "password2": "long enough 77"
    }  # fmt: skip
    assert_said(Client().post(path, form), failing)


def test_a_page_says_so(failing: str, signed_in: Client) -> None:
    form = {"on_unlike": "keep", "enabled": "on", "unknown_tracks": "ask"}
    assert_said(signed_in.post("/settings/", form), failing)


def test_the_admin_says_so(failing: str, signed_in: Client) -> None:
    form = {"username": "carol", "password1": "long enough 77", "password2": "long enough 77",
            "usable_password": "true"}  # fmt: skip
    assert_said(signed_in.post("/admin/auth/user/add/", form), failing)


def test_an_error_beside_the_views_says_so(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError(FULL["sqlite"])

    middleware = "django.contrib.sessions.middleware.SessionMiddleware"
    monkeypatch.setattr(f"{middleware}.process_response", fail)
    client = Client(raise_request_exception=False)
    assert_said(client.get("/accounts/login/"), "its disk is full")


def test_a_fault_of_the_program_is_no_failure_of_the_database(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: object) -> None:
        raise OperationalError("no such column: likes_like.colour")

    monkeypatch.setattr("likes.web.home.describe_connections", fail)
    signed_in.raise_request_exception = False
    response = signed_in.get("/")
    assert (response.status_code, "Something broke" in response.text) == (500, True)


def test_a_database_that_is_away_is_said(
    signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(request: object) -> None:
        raise OperationalError("connection to server at 10.0.0.1 failed: Connection refused")

    monkeypatch.setattr("likes.web.home.describe_connections", fail)
    response = signed_in.get("/")
    assert_said(response, "it does not answer")
    assert "10.0.0.1" not in response.text
