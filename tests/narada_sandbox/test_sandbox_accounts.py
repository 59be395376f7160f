"""The stand-in for Spotify's accounts service: consent, codes and tokens."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from waiting import PATIENCE

from narada_sandbox import SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET
from narada_sandbox.server import Sandbox
from narada_sandbox.spotify.accounts import check_redirect

BACK = "http://127.0.0.1:8888/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
SECRET = {"client_id": SPOTIFY_CLIENT_ID, "client_secret": SPOTIFY_CLIENT_SECRET}
PKCE = {"code_challenge": CHALLENGE.decode(), "code_challenge_method": "S256"}


def ask(box: Sandbox, **changes: str) -> str:
    wish = {
        "client_id": SPOTIFY_CLIENT_ID,
        "response_type": "code",
        "redirect_uri": BACK,
        "state": "s 1",
        "scope": "user-library-read user-library-modify",
        **changes,
    }
    return str(requests.Request("GET", f"{box.url}/authorize", params=wish).prepare().url)


def consent(box: Sandbox, user: str = "alice", answer: str = "allow", **changes: str) -> Any:
    form = {"user": user, "answer": answer}
    reply = requests.post(ask(box, **changes), data=form, allow_redirects=False, timeout=PATIENCE)
    assert reply.status_code == 302
    where = urlsplit(reply.headers["Location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == BACK
    return dict(parse_qsl(where.query))


def token(box: Sandbox, auth: tuple[str, str] | None = None, **form: str) -> requests.Response:
    return requests.post(f"{box.url}/api/token", data=form, auth=auth, timeout=PATIENCE)


def exchange(box: Sandbox, code: str, **form: str) -> requests.Response:
    whole = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code, **form}
    return token(box, **whole)


def refresh(box: Sandbox, key: str, **form: str) -> requests.Response:
    return token(box, grant_type="refresh_token", refresh_token=key, **form)


def who(box: Sandbox, access: str) -> Any:
    headers = {"Authorization": f"Bearer {access}"}
    return requests.get(f"{box.url}/v1/me", headers=headers, timeout=PATIENCE).json()


def test_consent_page_offers_the_users_and_says_what_it_is(box: Sandbox) -> None:
    page = requests.get(ask(box), timeout=PATIENCE)
    assert page.status_code == 200
    assert 'value="alice"' in page.text
    assert "not Spotify" in page.text
    assert "user-library-modify" in page.text


def test_code_flow_with_secret_gives_lasting_refresh_token(box: Sandbox) -> None:
    back = consent(box)
    assert back["state"] == "s 1"
    first = exchange(box, back["code"], **SECRET).json()
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 3600)
    assert first["scope"] == "user-library-read user-library-modify"
    assert who(box, first["access_token"])["id"] == "sandbox-alice"
    for _ in range(2):
        basic = (SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET)
        again = token(
            box, basic, grant_type="refresh_token", refresh_token=first["refresh_token"]
        ).json()
        assert "refresh_token" not in again
        assert again["access_token"] != first["access_token"]


def test_code_is_single_use_and_lives_ten_minutes(box: Sandbox) -> None:
    code = consent(box)["code"]
    assert exchange(box, code, **SECRET).status_code == 200
    assert exchange(box, code, **SECRET).json() == {
        "error": "invalid_grant",
        "error_description": "Invalid authorization code",
    }
    late = consent(box)["code"]
    box.order("clock", {"advance": 601})
    assert exchange(box, late, **SECRET).json()["error_description"] == "Authorization code expired"


def test_pkce_flow_rotates_refresh_tokens(box: Sandbox) -> None:
    code = consent(box, **PKCE)["code"]
    wrong = exchange(box, code, client_id=SPOTIFY_CLIENT_ID, code_verifier="w" * 43)
    assert wrong.json()["error"] == "invalid_grant"
    first = exchange(box, code, client_id=SPOTIFY_CLIENT_ID, code_verifier=VERIFIER).json()
    second = refresh(box, first["refresh_token"], client_id=SPOTIFY_CLIENT_ID).json()
    assert second["refresh_token"] != first["refresh_token"]
    old = refresh(box, first["refresh_token"], client_id=SPOTIFY_CLIENT_ID)
    assert (old.status_code, old.json()) == (
        400,
        {"error": "invalid_grant", "error_description": "Refresh token revoked"},
    )
    assert refresh(box, second["refresh_token"], client_id=SPOTIFY_CLIENT_ID).status_code == 200


def test_pkce_with_secret_keeps_refresh_token_unless_told(box: Sandbox) -> None:
    code = consent(box, **PKCE)["code"]
    first = exchange(box, code, **SECRET, code_verifier=VERIFIER).json()
    assert "refresh_token" not in refresh(box, first["refresh_token"], **SECRET).json()
    box.order("limits", {"rotate_refresh_tokens": True})
    assert "refresh_token" in refresh(box, first["refresh_token"], **SECRET).json()
    assert refresh(box, first["refresh_token"], **SECRET).status_code == 400


def test_denial_comes_back_with_state(box: Sandbox) -> None:
    assert consent(box, answer="cancel") == {"error": "access_denied", "state": "s 1"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"client_id": "other"}, "INVALID_CLIENT: Invalid client"),
        (
            {"redirect_uri": "http://localhost:8888/callback"},
            "INVALID_CLIENT: Insecure redirect URI",
        ),
        ({"redirect_uri": "nonsense"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"response_type": "token"}, "response_type must be code"),
        ({**PKCE, "code_challenge_method": "plain"}, "code_challenge_method must be S256"),
    ],
)
def test_bad_requests_are_shown_not_redirected(
    box: Sandbox, changes: dict[str, str], text: str
) -> None:
    answer = requests.get(ask(box, **changes), allow_redirects=False, timeout=PATIENCE)
    assert (answer.status_code, text in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("https://narada.example/callback", ""),
        ("http://127.0.0.1:8888/callback", ""),
        ("http://[::1]:8888/callback", ""),
        ("http://localhost/callback", "INVALID_CLIENT: Insecure redirect URI"),
        ("https://localhost/callback", "INVALID_CLIENT: Insecure redirect URI"),
        ("http://narada.example/callback", "INVALID_CLIENT: Insecure redirect URI"),
        ("http://192.168.0.4/callback", "INVALID_CLIENT: Insecure redirect URI"),
        ("", "INVALID_CLIENT: Invalid redirect URI"),
        ("http://[::1/x", "INVALID_CLIENT: Invalid redirect URI"),
    ],
)
def test_redirect_rule(address: str, wrong: str) -> None:
    assert check_redirect(address) == wrong


def test_token_endpoint_errors_have_the_standard_shape(box: Sandbox) -> None:
    code = consent(box)["code"]
    cases = [
        (exchange(box, code), "invalid_client"),
        (exchange(box, code, client_id=SPOTIFY_CLIENT_ID, client_secret="no"), "invalid_client"),
        (exchange(box, code, client_id=SPOTIFY_CLIENT_ID), "invalid_client"),
        (exchange(box, "made-up", **SECRET), "invalid_grant"),
        (exchange(box, code, **SECRET, redirect_uri=f"{BACK}/"), "invalid_grant"),
        (token(box, **SECRET), "unsupported_grant_type"),
        (token(box, **SECRET, grant_type="refresh_token"), "invalid_request"),
        (refresh(box, "made-up", **SECRET), "invalid_grant"),
    ]
    for answer, error in cases:
        assert (answer.status_code, sorted(answer.json())) == (400, ["error", "error_description"])
        assert answer.json()["error"] == error
    assert exchange(box, code, **SECRET).status_code == 200


def test_refresh_token_ends_six_months_after_consent(box: Sandbox) -> None:
    key = exchange(box, consent(box)["code"], **SECRET).json()["refresh_token"]
    box.order("clock", {"advance": 180 * 86_400})
    assert refresh(box, key, **SECRET).status_code == 200
    box.order("clock", {"advance": 3 * 86_400})
    assert refresh(box, key, **SECRET).json()["error"] == "invalid_grant"


def test_revoked_user_cannot_refresh(box: Sandbox) -> None:
    tokens = box.grant("spotify", "alice")
    other = box.grant("spotify", "bob")
    box.order("revoke", {"user": "alice"})
    assert refresh(box, tokens["refresh_token"], **SECRET).json() == {
        "error": "invalid_grant",
        "error_description": "Refresh token revoked",
    }
    assert refresh(box, other["refresh_token"], **SECRET).status_code == 200


def test_access_token_life_can_be_set(box: Sandbox) -> None:
    box.order("limits", {"access_token_seconds": 20})
    tokens = box.grant("spotify", "alice")
    assert tokens["expires_in"] == 20
    box.order("clock", {"advance": 21})
    assert who(box, tokens["access_token"])["error"]["message"] == "The access token expired"


def test_unlisted_user_finishes_consent_and_is_then_refused(box: Sandbox) -> None:
    tokens = exchange(box, consent(box, user="mallory")["code"], **SECRET).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = requests.get(f"{box.url}/v1/me", headers=headers, timeout=PATIENCE)
    assert (answer.status_code, answer.text) == (
        403,
        "User not registered in the Developer Dashboard",
    )
