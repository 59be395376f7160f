"""Signing in: wrong passwords are limited, for who types them and for nobody else."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from world import database_url

from narada_site import settings as site

pytestmark = pytest.mark.django_db
LOGIN, ADMIN = "/accounts/login/", "/admin/login/"


def sign_in(
    password: str,
    address: str = LOGIN,
    name: str = "ada",
    visitor: str = "127.0.0.1",
    **headers: str,
) -> bool:
    client = Client(headers=headers, REMOTE_ADDR=visitor)
    client.post(address, {"login": name, "username": name, "password": password}, follow=True)
    return "_auth_user_id" in client.session


def test_wrong_passwords_of_a_stranger_lock_nobody_else_out(ada: User, bob: User) -> None:
    for _ in range(12):
        client = Client(REMOTE_ADDR="203.0.113.9")
        client.post(LOGIN, {"login": "ada", "password": "guess"})
    assert sign_in("correct horse")
    assert sign_in("battery staple", name="bob")


def test_behind_a_proxy_the_visitor_is_who_counts(ada: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for _ in range(12):
        # The first address is what the visitor claims, the last what the proxy saw.
        sign_in("guess", **{"X-Forwarded-For": "198.51.100.7, 203.0.113.9"})
    assert not sign_in("correct horse", **{"X-Forwarded-For": "198.51.100.8, 203.0.113.9"})
    assert sign_in("correct horse", **{"X-Forwarded-For": "198.51.100.7"})


def test_a_visitor_with_many_ipv6_addresses_counts_as_one(ada: User) -> None:
    for number in range(12):
        sign_in("guess", visitor=f"2001:db8::{number:x}:1")
        sign_in("guess", visitor="::ffff:203.0.113.9")
    assert not sign_in("correct horse", visitor="2001:db8::ffff:1")
    assert not sign_in("correct horse", visitor="203.0.113.9")
    assert sign_in("correct horse", visitor="2001:db8:0:1::1")
    assert sign_in("correct horse", visitor="::ffff:198.51.100.7")


def test_without_a_proxy_nobody_invents_addresses(ada: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0
    for number in range(12):
        sign_in("guess", **{"X-Forwarded-For": f"203.0.113.{number}"})
    assert not sign_in("correct horse", **{"X-Forwarded-For": "198.51.100.7"})


def test_a_request_that_passed_too_few_proxies_signs_in(ada: User, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 2
    assert sign_in("correct horse", **{"X-Forwarded-For": "198.51.100.7"})


@pytest.mark.parametrize("address", [LOGIN, ADMIN])
def test_the_right_password_after_too_many_wrong_ones_is_refused(address: str, ada: User) -> None:
    ada.is_staff = True
    ada.save()
    for _ in range(12):
        assert not sign_in("guess", address)
    assert not sign_in("correct horse", address)


def test_the_admin_sends_operators_to_the_one_sign_in_and_others_away(
    ada: User, as_ada: Client
) -> None:
    assert Client().get("/admin/likes/track/").url == ("/admin/login/?next=/admin/likes/track/")
    assert Client().get("/admin/login/?next=/admin/likes/track/").url == (
        "/accounts/login/?next=%2Fadmin%2Flikes%2Ftrack%2F"
    )
    assert as_ada.get("/admin/login/").status_code == 403
    assert as_ada.get("/admin/password_change/").url == "/accounts/password/change/"


def test_a_password_cannot_be_guessed_at_the_deletion_of_an_account(as_ada: Client) -> None:
    for _ in range(12):
        as_ada.post("/settings/delete/", {"proof": "guess"})
    response = as_ada.post("/settings/delete/", {"proof": "correct horse"})
    assert "Too many failed login attempts" in response.text
    assert User.objects.filter(username="ada").exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_attempts_are_counted_for_all_processes(ada: User, settings: Any) -> None:
    settings.CACHES = site.CACHES
    visitor = f"203.0.113.{secrets.randbelow(256)}"
    script = (
        "import django, sys; django.setup()\n"
        "from django.test import Client\n"
        "for _ in range(12):\n"
        "    client = Client(REMOTE_ADDR=sys.argv[1], headers={'host': '127.0.0.1'})\n"
        "    client.post('/accounts/login/', {'login': 'ada', 'password': 'guess'})\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, visitor],
        env=os.environ | {"DATABASE_URL": database_url(), "SECURE_SSL_REDIRECT": "False"},
        check=True,
    )
    assert not sign_in("correct horse", visitor=visitor)
    assert sign_in("correct horse", visitor="198.51.100.7")


@pytest.mark.parametrize(
    "address",
    [
        "email/", "confirm-email/", "confirm-email/a:b/", "password/reset/", "password/reset/done/",
        "password/reset/key/1-set-password/", "login/code/confirm/", "social/signup/",
    ],
)  # fmt: skip
def test_without_mail_no_page_sends_any(address: str, as_ada: Client, mailoutbox: list) -> None:
    form = {"email": "stranger@example.org", "action_add": ""}
    for client in (as_ada, Client()):
        assert client.get(f"/accounts/{address}").status_code == 404
        assert client.post(f"/accounts/{address}", form).status_code == 404
    assert mailoutbox == []
    assert "narada changepassword" in Client().get(LOGIN).text
