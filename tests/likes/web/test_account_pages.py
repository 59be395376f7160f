"""Connections, settings, the download and leaving."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connectors.records import ServiceUser, Tokens
from likes.accounts import connections, credentials, purge
from likes.models import Connection, Like, Run, Service, ServiceMapping, SyncSettings, Track

pytestmark = pytest.mark.django_db


def connect(user: User, service: Service = Service.SPOTIFY, **fields: Any) -> Connection:
    account = SocialAccount.objects.create(
        user=user, provider=service, uid=f"{user}-there", extra_data={"name": f"{user} there"}
    )
    SocialToken.objects.create(account=account, token="t-secret", token_secret="r-secret")
    return Connection.objects.create(
        user=user, service=service, account=account, authorized_at=timezone.now(), **fields
    )


def test_connections_show_names_and_never_tokens(as_ada: Client, ada: User) -> None:
    connect(ada)
    page = as_ada.get(reverse("connections")).text
    assert "ada there" in page
    assert "secret" not in page


def test_connections_say_where_to_get_what_is_missing(as_ada: Client, settings: Any) -> None:
    settings.SPOTIFY_CLIENT_ID = settings.LASTFM_API_KEY = ""
    page = as_ada.get(reverse("connections")).text
    for text in (
        "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET",
        "https://developer.spotify.com/dashboard",
        "https://www.last.fm/api/account/create",
        "http://testserver/accounts/spotify/login/callback/",
    ):
        assert text in page


def test_allauths_own_connections_page_leads_to_ours(as_ada: Client) -> None:
    response = as_ada.get(reverse("socialaccount_connections"))
    assert response.url == reverse("connections")


def test_disconnect_says_what_is_deleted_and_when(as_ada: Client, ada: User, settings: Any) -> None:
    settings.PURGE_AFTER_DAYS = 4
    connect(ada)
    page = as_ada.get(reverse("disconnect", args=["spotify"])).text
    assert f"{timezone.now() + timedelta(days=4):%-d %B %Y}" in page
    assert reverse("download") in page
    assert SocialToken.objects.exists()


def test_disconnect_deletes_the_tokens_at_once(as_ada: Client, ada: User, bob: User) -> None:
    connect(ada)
    connect(bob)
    response = as_ada.post(reverse("disconnect", args=["spotify"]), follow=True)
    assert "Spotify is disconnected. What came from it is deleted on" in response.text
    assert [token.account.user for token in SocialToken.objects.all()] == [bob]
    assert Connection.objects.get(user=ada).state == "disconnected"
    assert Connection.objects.get(user=bob).state == "connected"


@pytest.fixture
def as_nopass(ada: User) -> Client:
    """A user who signs in with Spotify only."""
    ada.set_unusable_password()
    ada.save()
    client = Client()
    client.force_login(ada)
    connect(ada)
    return client


def test_whoever_disconnects_their_only_way_to_sign_in_chooses_a_password_first(
    as_nopass: Client, ada: User
) -> None:
    address = reverse("disconnect", args=["spotify"])
    assert "You sign in to Narada with Spotify only." in as_nopass.get(address).text
    for form in ({}, {"purge_now": "on"}, {"password1": "x", "password2": "y"}):
        assert as_nopass.post(address, form).status_code == 200
        assert SocialToken.objects.exists()
    form = {"password1": "a long enough one", "password2": "a long enough one"}
    response = as_nopass.post(address, form | {"purge_now": "on"}, follow=True)
    assert "Spotify is disconnected" in response.text
    assert not SocialToken.objects.exists()
    assert Client().login(username="ada", password="a long enough one")


def test_disconnecting_lastfm_asks_for_no_password(as_nopass: Client, ada: User) -> None:
    connect(ada, Service.LASTFM)
    as_nopass.post(reverse("disconnect", args=["lastfm"]))
    assert Connection.objects.get(service="lastfm").state == "disconnected"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_purge_leaves_the_only_way_to_sign_in(
    as_nopass: Client, ada: User, like_song: Any, at_once: bool
) -> None:
    """Disconnected from a terminal, or by an earlier version, that asked for no password."""
    like_song(ada)
    connections.disconnect(ada, "spotify", purge_now=at_once)
    purge.purge_due(timezone.now() + timedelta(days=30))
    assert not Track.objects.exists()
    assert SocialAccount.objects.get().extra_data == {}
    assert Connection.objects.get().state == "disconnected"
    assert "Only its id is kept" in as_nopass.get(reverse("connections")).text
    assert purge.purge_due(timezone.now() + timedelta(days=60)) == 0


def test_another_user_does_not_take_the_only_way_to_sign_in(
    as_nopass: Client, ada: User, bob: User
) -> None:
    connections.disconnect(ada, "spotify")
    who = ServiceUser("ada-there", "ada there")
    with pytest.raises(credentials.AccountRefused, match="signs in another user"):
        connections.store_connection(bob, "spotify", who, Tokens("token"))
    assert SocialAccount.objects.get().user == ada


def test_the_admin_does_not_delete_the_only_way_to_sign_in(as_nopass: Client, ada: User) -> None:
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator"))
    account = SocialAccount.objects.get()
    address = f"/admin/socialaccount/socialaccount/{account.pk}/delete/"
    page = operator.post(address, {"post": "yes"}, follow=True).text
    assert "signs in with this account only" in page
    assert SocialAccount.objects.exists()
    operator.post(f"/admin/auth/user/{ada.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=ada.pk).exists()


def test_disconnect_can_delete_now(as_ada: Client, ada: User, like_song: Any) -> None:
    connect(ada)
    like_song(ada)
    as_ada.post(reverse("disconnect", args=["spotify"]), {"purge_now": "on"})
    assert not Track.objects.exists()
    assert not Connection.objects.exists()


@pytest.mark.parametrize("service", ["narada", "tidal", "lastfm"])
def test_disconnect_of_what_is_not_connected_is_404(
    as_ada: Client, ada: User, service: str
) -> None:
    connect(ada)
    assert as_ada.post(reverse("disconnect", args=[service])).status_code == 404


def test_settings_are_kept_and_the_next_sync_is_not_touched(as_ada: Client, ada: User) -> None:
    due = timezone.now() + timedelta(minutes=7)
    SyncSettings.objects.create(user=ada, next_sync_at=due)
    as_ada.post(reverse("settings"), {"on_unlike": "follow"})
    kept = SyncSettings.objects.get()
    assert (kept.enabled, kept.on_unlike, kept.next_sync_at) == (False, "follow", due)


def test_settings_refuse_an_unknown_choice(as_ada: Client) -> None:
    response = as_ada.post(reverse("settings"), {"enabled": "on", "on_unlike": "burn"})
    assert response.status_code == 200
    assert SyncSettings.objects.get().on_unlike == "keep"


def test_download_has_everything_of_mine_and_nothing_else(
    as_ada: Client, ada: User, bob: User, like_song: Any, add_page: Any
) -> None:
    connect(ada)
    add_page(like_song(ada), "Hey Jude (Live)")
    like_song(bob, title="Bob's own")

    response = as_ada.get(reverse("download"))

    assert "attachment" in response["Content-Disposition"]
    text = b"".join(response.streaming_content).decode()
    json.loads(text)
    assert "Hey Jude (Live)" in text
    assert "Bob" not in text
    assert "secret" not in text


def test_delete_account_wants_the_password(as_ada: Client, ada: User, like_song: Any) -> None:
    like_song(ada)
    for proof in ("", "wrong", "ada"):
        response = as_ada.post(reverse("delete_account"), {"proof": proof})
        assert response.status_code == 200
    assert Track.objects.exists()


def test_delete_account_deletes_every_row_of_mine_only(
    as_ada: Client, ada: User, bob: User, like_song: Any, add_page: Any
) -> None:
    for user in (ada, bob):
        connect(user)
        add_page(like_song(user), "Hey Jude (Live)")
        Run.objects.create(user=user, kind="import")
        SyncSettings.objects.create(user=user)

    response = as_ada.post(reverse("delete_account"), {"proof": "correct horse"}, follow=True)

    assert "is deleted" in response.text
    assert list(User.objects.all()) == [bob]
    for model in (Track, Like, ServiceMapping, Run, SyncSettings, Connection, SocialAccount):
        assert {row.user for row in model.objects.all()} == {bob}
    assert SocialToken.objects.get().account.user == bob
    assert as_ada.get(reverse("home")).status_code == 302
    assert not any(session.get_decoded().get("_auth_user_id") for session in Session.objects.all())


def test_delete_account_without_a_password_wants_the_name(ada: User) -> None:
    ada.set_unusable_password()
    ada.save()
    client = Client()
    client.force_login(ada)
    client.post(reverse("delete_account"), {"proof": "bob"})
    assert User.objects.exists()
    client.post(reverse("delete_account"), {"proof": "ada"})
    assert not User.objects.exists()
