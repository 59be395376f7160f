"""What holds for every page: its policy, its errors, and what it refuses to read."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

pytestmark = pytest.mark.django_db


def looks_like_narada(text: str) -> bool:
    return 'class="brand"' in text and "/static/likes/narada.css" in text


def test_wrong_addresses_and_errors_look_like_narada(
    as_ada: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("likes.web.like_pages.describe_track", fail)
    track = ada.tracks.create(title="Hey Jude", artists=["The Beatles"])
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(ada)
    answers = {
        400: client.get("/", headers={"host": "evil.example"}),
        403: client.get("/admin/login/"),
        404: client.get("/nowhere/"),
        405: client.post("/likes/", headers={"origin": "http://testserver"}),
        500: client.get(f"/likes/{track.pk}/"),
    }
    client.cookies["csrftoken"] = ""
    assert client.post("/sync/").status_code == 403
    assert "This form was not accepted" in client.post("/sync/").text
    as_ada_answers = {405: as_ada.delete("/likes/")}
    assert as_ada_answers[405]["Allow"] == "GET, HEAD"
    answers |= as_ada_answers
    for status, answer in answers.items():
        assert answer.status_code == status
        assert looks_like_narada(answer.text), status


def test_too_many_tries_look_like_narada() -> None:
    for _ in range(40):
        answer = Client().post("/accounts/login/", {"login": "a", "password": "b"})
    assert answer.status_code == 429
    assert looks_like_narada(answer.text)


def test_every_answer_has_a_policy_without_anything_inline(as_ada: Client) -> None:
    for address in ("/", "/accounts/login/", "/nowhere/", "/settings/download/"):
        policy = as_ada.get(address)["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
        assert "unsafe" not in policy


def test_forms_may_lead_to_the_services_of_the_settings(settings: Any) -> None:
    settings.SPOTIFY_ACCOUNTS_URL = "https://accounts.spotify.com"
    settings.LASTFM_AUTH_URL = "http://127.0.0.1:8900/api/auth/"
    policy = Client().get("/accounts/login/")["Content-Security-Policy"]
    assert policy.endswith(
        "form-action 'self' https://accounts.spotify.com https://*.spotify.com "
        "http://127.0.0.1:8900"
    )


def test_no_template_has_anything_inline() -> None:
    from pathlib import Path

    folder = Path(__file__).parents[3] / "likes" / "templates"
    for path in folder.rglob("*.html"):
        text = path.read_text()
        for forbidden in (" style=", "<style", " onclick=", "<script>", "javascript:"):
            assert forbidden not in text, path


@pytest.mark.parametrize("path", ["/likes/?q=%00", "/likes/?%00=q", "/admin/likes/track/%00/"])
def test_a_null_character_in_the_address_is_refused(path: str, as_ada: Client) -> None:
    assert as_ada.get(path).status_code == 400


def test_a_null_character_in_a_form_or_cookie_is_refused(as_ada: Client) -> None:
    assert as_ada.post("/sync/", {"next": "\0"}).status_code == 400
    client = Client()
    client.cookies["sessionid"] = "\0"
    assert client.get("/").status_code == 400


def test_static_files_need_no_step() -> None:
    for name in ("likes/narada.css", "admin/css/base.css"):
        assert b"".join(Client().get(f"/static/{name}").streaming_content)
