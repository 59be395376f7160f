import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.utils import timezone
from driven_clock import DrivenClock

from connectors.errors import AuthorizationError, RateLimited, ServiceClosed
from connectors.records import ServiceUser, Tokens
from likes.accounts import app_clients, connections, credentials, holds, purge, user_clients
from likes.models import Checkpoint, Connection, ServiceHold
from likes.runs.leases import Busy, hold_lease, save_checkpoint
from narada_sandbox.server import Sandbox

State = Connection.State


@pytest.fixture(scope="module")
def shared_box():
    with Sandbox(likes=3, awkward=False) as box:
        yield box


@pytest.fixture
def box(shared_box, settings, tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.http.FIRST_PAUSE", 0.01)
    shared_box.order("reset", {"likes": 3, "awkward": False})
    shared_box.clear_faults()
    shared_box.clear_calls()
    for name, value in shared_box.environ().items():
        setattr(settings, name, value)
    settings.VAR_DIR = tmp_path
    settings.SPOTIFY_REQUESTS_PER_SECOND = settings.LASTFM_REQUESTS_PER_SECOND = 0
    return shared_box


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create(username="ann")


def connect_spotify(box, user, name="alice", *, lifetime=3600):
    granted = box.grant("spotify", name)
    tokens = Tokens(
        granted["access_token"],
        granted["refresh_token"],
        timezone.now() + timedelta(seconds=lifetime),
        ("user-library-read",),
    )
    who = ServiceUser(granted["account_id"], name)
    return connections.store_connection(user, "spotify", who, tokens)


def connect_lastfm(box, user, name="alice"):
    granted = box.grant("lastfm", name)
    return connections.store_connection(
        user, "lastfm", ServiceUser(name.lower(), name), Tokens(granted["key"])
    )


def count_refreshes(box):
    return sum(1 for call in box.calls(service="accounts") if call["kind"].endswith("/api/token"))


def stored_token(user, service="spotify"):
    return SocialToken.objects.get(account__user=user, account__provider=service)


def reload(connection):
    return Connection.objects.get(pk=connection.pk)


# Connectors


@pytest.mark.django_db
def test_connectors_speak_for_the_connected_accounts(box, user):
    connect_spotify(box, user)
    connect_lastfm(box, user, "bob")
    assert user_clients.spotify_connector(user).get_user().name == "Alice"
    assert user_clients.lastfm_connector(user).get_user() == ServiceUser("bob", "bob")


@pytest.mark.django_db
@pytest.mark.parametrize("service", ["spotify", "lastfm"])
def test_user_without_a_connection_is_told_what_to_do(box, user, service):
    make = {"spotify": user_clients.spotify_connector, "lastfm": user_clients.lastfm_connector}[
        service
    ]
    with pytest.raises(credentials.NotConnected, match=f"narada connect-{service}") as caught:
        make(user)
    assert caught.value.service == service


@pytest.mark.django_db
def test_missing_credentials_are_named_with_where_to_get_them(box, user, settings):
    connect_spotify(box, user)
    settings.SPOTIFY_CLIENT_ID = ""
    with pytest.raises(credentials.CredentialsMissing) as caught:
        user_clients.spotify_connector(user)
    assert "SPOTIFY_CLIENT_ID" in str(caught.value)
    assert "https://developer.spotify.com/dashboard" in str(caught.value)
    settings.LASTFM_API_SECRET = ""
    with pytest.raises(credentials.CredentialsMissing, match="LASTFM_API_SECRET"):
        user_clients.lastfm_connector(user)


@pytest.mark.django_db
def test_token_of_a_lost_key_asks_for_the_key_or_a_new_consent(box, user, settings):
    connect_lastfm(box, user)
    settings.TOKEN_ENCRYPTION_KEYS = ["x" * 43 + "="]
    with pytest.raises(credentials.NotConnected, match="TOKEN_ENCRYPTION_KEYS"):
        user_clients.lastfm_connector(user)


@pytest.mark.django_db
def test_held_or_closed_service_gives_no_connector(box, user):
    connect_spotify(box, user)
    holds.hold_back("spotify", timezone.now() + timedelta(days=1), "QUOTA_EXCEEDED")
    with pytest.raises(RateLimited):
        user_clients.spotify_connector(user)
    holds.reopen("spotify")
    holds.close_service("spotify", "Invalid client")
    with pytest.raises(ServiceClosed):
        user_clients.spotify_connector(user)
    assert user_clients.spotify_connector(user, probe=True).get_user().name == "Alice"


@pytest.mark.django_db
def test_hold_that_grows_is_what_the_error_says(box, user):
    connect_lastfm(box, user)
    box.add_faults({"kind": "rate_limited", "service": "lastfm", "retry_after": None})
    for seconds in (60, 120):
        app_clients._get_budget.cache_clear()  # it asks for holds but once a second
        asked_at = timezone.now()
        with pytest.raises(RateLimited) as caught:
            user_clients.lastfm_connector(user).get_user()
        assert caught.value.retry_at == holds.held_until("lastfm")
        assert round((caught.value.retry_at - asked_at).total_seconds()) == seconds
        ServiceHold.objects.update(held_until=timezone.now())


@pytest.mark.django_db
def test_hold_that_a_service_asks_for_is_written_for_everybody(box, user):
    connect_spotify(box, user)
    box.add_faults({"kind": "quota_exceeded", "service": "spotify"})
    with pytest.raises(RateLimited):
        user_clients.spotify_connector(user).get_user()
    assert holds.held_until("spotify") > timezone.now() + timedelta(hours=23)
    before = len(box.calls())
    with pytest.raises(RateLimited):
        user_clients.spotify_connector(user, probe=True).get_user()
    assert len(box.calls()) == before


# Fresh tokens


@pytest.mark.django_db
def test_token_with_time_left_is_used_as_it_is(box, user):
    connect_spotify(box, user, lifetime=61)
    assert user_clients.get_fresh_token(user) == stored_token(user).token
    assert count_refreshes(box) == 0


@pytest.mark.django_db
def test_token_that_ends_within_a_minute_is_refreshed_and_stored(box, user):
    connection = connect_spotify(box, user, lifetime=59)
    old = stored_token(user)
    fresh = user_clients.get_fresh_token(user)
    new = stored_token(user)
    assert fresh == new.token != old.token
    assert new.expires_at > timezone.now() + timedelta(minutes=59)
    assert new.token_secret == old.token_secret  # the answer had none: the old one stays good
    assert count_refreshes(box) == 1
    assert reload(connection).refreshing_until is None


@pytest.mark.django_db
def test_rotated_refresh_token_replaces_the_old(box, user):
    connect_spotify(box, user, lifetime=0)
    box.order("limits", {"rotate_refresh_tokens": True})
    old = stored_token(user).token_secret
    user_clients.get_fresh_token(user)
    rotated = stored_token(user).token_secret
    assert rotated not in ("", old)
    user_clients.get_fresh_token(user, refused=stored_token(user).token)
    assert stored_token(user).token_secret not in (rotated, old)


@pytest.mark.django_db
def test_token_that_spotify_ended_early_is_replaced_within_the_call(box, user):
    connect_spotify(box, user)
    box.order("expire", {"user": "alice"})
    assert user_clients.spotify_connector(user).get_user().name == "Alice"
    assert count_refreshes(box) == 1


@pytest.mark.django_db
def test_token_that_lives_for_seconds_only_is_refreshed_once_a_use(box, user):
    box.order("limits", {"access_token_seconds": 20})
    connect_spotify(box, user, lifetime=0)
    user_clients.get_fresh_token(user)
    assert count_refreshes(box) == 1


@pytest.mark.django_db
def test_refresh_of_a_process_that_died_is_taken_over(box, user, monkeypatch, now):
    connection = connect_spotify(box, user, lifetime=0)
    clock = DrivenClock()
    start = clock.now
    monkeypatch.setattr(user_clients, "time", clock)
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=clock.now - start))
    soon = now + timedelta(seconds=20)
    Connection.objects.filter(pk=connection.pk).update(refreshing_until=soon)
    user_clients.get_fresh_token(user)
    assert soon <= timezone.now() <= soon + timedelta(seconds=1)
    assert count_refreshes(box) == 1


@pytest.mark.django_db
def test_waiting_for_a_refresh_ends(box, user, monkeypatch):
    connection = connect_spotify(box, user, lifetime=0)
    later = timezone.now() + timedelta(minutes=5)
    Connection.objects.filter(pk=connection.pk).update(refreshing_until=later)
    monkeypatch.setattr(user_clients, "time", DrivenClock())
    with pytest.raises(user_clients.TemporaryError, match="refreshed elsewhere"):
        user_clients.get_fresh_token(user)
    assert reload(connection).refreshing_until == later
    assert count_refreshes(box) == 0


@pytest.mark.django_db
def test_failed_refresh_gives_the_claim_back(box, user):
    connection = connect_spotify(box, user, lifetime=0)
    box.add_faults({"kind": "html_502", "service": "accounts"})
    with pytest.raises(user_clients.TemporaryError):
        user_clients.get_fresh_token(user)
    assert reload(connection).refreshing_until is None
    assert reload(connection).state == State.CONNECTED


@pytest.mark.django_db
def test_refresh_does_not_bring_back_a_disconnected_account(box, user, monkeypatch):
    connect_spotify(box, user, lifetime=0)
    client = app_clients.spotify_accounts()

    class Disconnecting:
        def refresh(self, token):
            connections.disconnect(user, "spotify")
            return client.refresh(token)

    monkeypatch.setattr(user_clients, "spotify_accounts", Disconnecting)
    with pytest.raises(credentials.NotConnected):
        user_clients.get_fresh_token(user)
    assert not SocialToken.objects.exists()


@pytest.mark.django_db
def test_refresh_does_not_overwrite_a_new_consent(box, user, monkeypatch):
    connect_spotify(box, user, lifetime=0)
    client = app_clients.spotify_accounts()

    class Reconnecting:
        def refresh(self, token):
            connect_spotify(box, user)
            return client.refresh(token)

    monkeypatch.setattr(user_clients, "spotify_accounts", Reconnecting)
    fresh = user_clients.get_fresh_token(user)
    assert fresh == stored_token(user).token
    monkeypatch.undo()
    assert user_clients.spotify_connector(user).get_user().name == "Alice"


# Refusals


@pytest.mark.django_db
def test_first_invalid_grant_asks_for_a_person_and_keeps_the_tokens(box, user):
    connection = connect_spotify(box, user, lifetime=0)
    box.add_faults({"kind": "false_invalid_grant", "times": 1})
    with pytest.raises(AuthorizationError) as caught:
        user_clients.get_fresh_token(user)
    user_clients.note_refusal(user, "spotify", caught.value)  # as a run does: it counts once
    refused = reload(connection)
    assert (refused.state, refused.refusals) == (State.RECONNECT, 1)
    assert "connect Spotify again" in refused.reason
    assert stored_token(user).token_secret


@pytest.mark.django_db
def test_false_invalid_grant_heals_at_the_next_try(box, user):
    connection = connect_spotify(box, user, lifetime=0)
    box.add_faults({"kind": "false_invalid_grant", "times": 1})
    with pytest.raises(AuthorizationError):
        user_clients.get_fresh_token(user)
    assert user_clients.spotify_connector(user).get_user().name == "Alice"
    user_clients.note_answer(user, "spotify")
    healed = reload(connection)
    assert (healed.state, healed.refusals, healed.reason) == (State.CONNECTED, 0, "")


@pytest.mark.django_db
def test_second_invalid_grant_discards_the_tokens(box, user):
    connection = connect_spotify(box, user, lifetime=0)
    box.add_faults({"kind": "false_invalid_grant"})
    for _ in range(3):  # one outage that several commands meet
        with pytest.raises(AuthorizationError):
            user_clients.spotify_connector(user).get_user()
    assert reload(connection).refusals == 1
    assert stored_token(user).token_secret

    long_ago = timezone.now() - user_clients.SAME_REFUSAL - timedelta(seconds=1)
    Connection.objects.update(refused_at=long_ago)
    with pytest.raises(AuthorizationError):
        user_clients.spotify_connector(user).get_user()
    assert reload(connection).refusals == 2
    assert not SocialToken.objects.exists()


@pytest.mark.django_db
def test_a_token_that_spotify_calls_revoked_is_discarded_at_once(box, user):
    connection = connect_spotify(box, user, lifetime=0)
    box.order("revoke", {"user": "alice", "service": "spotify"})
    with pytest.raises(AuthorizationError):
        user_clients.spotify_connector(user).get_user()
    assert not SocialToken.objects.exists()
    with pytest.raises(credentials.NotConnected, match="connect Spotify again"):
        user_clients.spotify_connector(user)
    connect_spotify(box, user)
    assert user_clients.spotify_connector(user).get_user().name == "Alice"
    assert reload(connection).state == State.CONNECTED


@pytest.mark.django_db
def test_user_who_is_not_allow_listed_keeps_the_tokens(box, user):
    connection = connect_spotify(box, user)
    box.add_faults({"kind": "not_allowlisted", "service": "spotify"})
    for _ in range(3):
        with pytest.raises(AuthorizationError) as caught:
            user_clients.spotify_connector(user).get_user()
        user_clients.note_refusal(user, "spotify", caught.value)
    assert reload(connection).state == State.RECONNECT
    box.clear_faults()
    assert user_clients.spotify_connector(user).get_user().name == "Alice"


@pytest.mark.django_db
def test_revoked_session_key_is_discarded_at_the_second_refusal(box, user):
    connection = connect_lastfm(box, user)
    box.order("revoke", {"user": "alice", "service": "lastfm"})
    kept = []
    for _ in range(2):
        with pytest.raises(AuthorizationError) as caught:
            user_clients.lastfm_connector(user).get_user()
        user_clients.note_refusal(user, "lastfm", caught.value)
        kept.append(SocialToken.objects.count())
        Connection.objects.update(refused_at=timezone.now() - 2 * user_clients.SAME_REFUSAL)
    assert kept == [1, 0]
    assert reload(connection).state == State.RECONNECT


@pytest.mark.django_db
def test_lapsed_premium_marks_the_connection_and_closes_nothing(box, user):
    connection = connect_spotify(box, user)
    box.add_faults({"kind": "premium_lapsed", "service": "spotify"})
    with pytest.raises(ServiceClosed) as caught:
        user_clients.spotify_connector(user).get_user()
    user_clients.note_refusal(user, "spotify", caught.value)
    assert reload(connection).state == State.RECONNECT
    assert "Premium" in reload(connection).reason
    holds.check_open("spotify")


@pytest.mark.django_db
def test_bad_api_key_closes_the_service_and_leaves_the_connection(box, user):
    connection = connect_lastfm(box, user)
    box.add_faults({"kind": "lastfm_error", "parameters": {"code": 10}})
    with pytest.raises(ServiceClosed) as caught:
        user_clients.lastfm_connector(user).get_user()
    user_clients.note_refusal(user, "lastfm", caught.value)
    assert reload(connection).state == State.CONNECTED
    reason = ServiceHold.objects.get().reason
    with pytest.raises(ServiceClosed) as caught:
        user_clients.lastfm_connector(user)
    user_clients.note_refusal(user, "lastfm", caught.value)
    assert ServiceHold.objects.get().reason == reason
    box.clear_faults()
    user_clients.lastfm_connector(user, probe=True).get_user()
    user_clients.note_answer(user, "lastfm")
    user_clients.lastfm_connector(user)


@pytest.mark.django_db
def test_refusal_of_one_user_leaves_the_others(box, user, django_user_model):
    other = django_user_model.objects.create(username="ben")
    connect_lastfm(box, user, "alice")
    untouched = connect_lastfm(box, other, "bob")
    error = AuthorizationError("no", service="lastfm", code="9")
    user_clients.note_refusal(user, "lastfm", error)
    assert reload(untouched).state == State.CONNECTED


# Storing, the six months, and leaving


@pytest.mark.django_db
def test_stored_connection_has_one_row_of_each_kind(box, user):
    connection = connect_spotify(box, user)
    account = SocialAccount.objects.get()
    assert connection.account == account
    assert (account.user, account.provider) == (user, "spotify")
    assert account.extra_data == {"name": "alice"}
    assert connection.scopes == "user-library-read"
    assert timezone.now() - connection.authorized_at < timedelta(minutes=1)
    connect_spotify(box, user)
    counts = [m.objects.count() for m in (SocialAccount, SocialToken, Connection)]
    assert counts == [1, 1, 1]


@pytest.mark.django_db
def test_account_of_another_user_is_refused_and_left_alone(box, user, django_user_model):
    other = django_user_model.objects.create(username="ben")
    connect_lastfm(box, user)
    before = stored_token(user, "lastfm").token
    with pytest.raises(credentials.AccountRefused, match="another user"):
        connect_lastfm(box, other)
    assert stored_token(user, "lastfm").token == before
    assert not Connection.objects.filter(user=other).exists()
    assert SocialToken.objects.count() == 1


@pytest.mark.django_db
def test_second_account_is_refused_until_the_first_is_disconnected_and_purged(box, user):
    connect_lastfm(box, user, "alice")
    with pytest.raises(credentials.AccountRefused, match="alice is connected"):
        connect_lastfm(box, user, "bob")
    connections.disconnect(user, "lastfm")
    with pytest.raises(credentials.AccountRefused, match="not been purged"):
        connect_lastfm(box, user, "bob")
    connections.disconnect(user, "lastfm", purge_now=True)
    assert connections.get_name(connect_lastfm(box, user, "bob")) == "bob"


@pytest.mark.django_db
def test_account_that_another_user_has_left_can_be_connected(box, user, django_user_model):
    other = django_user_model.objects.create(username="ben")
    left = connect_lastfm(box, user)
    connections.disconnect(user, "lastfm")
    connect_lastfm(box, other)
    assert user_clients.lastfm_connector(other).get_user().name == "alice"
    assert reload(left).purge_at is not None
    assert purge.purge_due(timezone.now() + timedelta(days=5)) == 1
    assert user_clients.lastfm_connector(other).get_user().name == "alice"


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)),
        (datetime(2026, 8, 31, tzinfo=UTC), datetime(2027, 2, 28, tzinfo=UTC)),
        (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)),
    ],
)
def test_consent_ends_after_six_calendar_months(since, until):
    connection = Connection(service="spotify", authorized_at=since)
    assert user_clients.consent_ends_at(connection) == until


def test_consent_of_lastfm_has_no_end():
    connection = Connection(service="lastfm", authorized_at=timezone.now())
    assert user_clients.consent_ends_at(connection) is None


@pytest.mark.django_db
def test_disconnect_ends_a_run_at_its_next_batch(box, user):
    connect_lastfm(box, user)
    with hold_lease(user, Checkpoint.Listing.LOVED) as checkpoint:
        save_checkpoint(checkpoint, read_at=timezone.now())
        connections.disconnect(user, "lastfm")
        with pytest.raises(Busy):
            save_checkpoint(checkpoint, read_at=timezone.now())


@pytest.mark.django_db
def test_disconnect_forgets_the_tokens_and_sets_the_day_of_the_purge(box, user):
    connect_spotify(box, user)
    connect_lastfm(box, user)
    connection = connections.disconnect(user, "spotify")
    assert connection.state == State.DISCONNECTED
    days = (connection.purge_at - timezone.now()) / timedelta(days=1)
    assert 3.99 < days < 4
    assert [token.account.provider for token in SocialToken.objects.all()] == ["lastfm"]
    with pytest.raises(credentials.NotConnected):
        user_clients.spotify_connector(user)
    again = connections.disconnect(user, "spotify")
    assert again.purge_at == connection.purge_at


@pytest.mark.django_db
def test_same_account_comes_back_before_the_purge(box, user):
    connect_spotify(box, user)
    connections.disconnect(user, "spotify")
    connection = connect_spotify(box, user)
    assert (connection.state, connection.purge_at) == (State.CONNECTED, None)
    assert purge.purge_due(timezone.now() + timedelta(days=9)) == 0


@pytest.mark.django_db
def test_negative_setting_keeps_everything(box, user, settings):
    settings.PURGE_AFTER_DAYS = -1
    connect_spotify(box, user)
    assert connections.disconnect(user, "spotify").purge_at is None
    assert purge.purge_due(timezone.now() + timedelta(days=99)) == 0


@pytest.mark.django_db
def test_disconnect_without_a_connection_says_so(user):
    with pytest.raises(credentials.NotConnected, match="Spotify is not connected"):
        connections.disconnect(user, "spotify")


@pytest.mark.django_db
def test_no_secret_is_logged_or_shown(box, user, caplog):
    caplog.set_level(logging.DEBUG)
    connection = connect_spotify(box, user, lifetime=0)
    connect_lastfm(box, user)
    row = stored_token(user)
    secrets = [row.token, row.token_secret, stored_token(user, "lastfm").token]
    spotify, lastfm = user_clients.spotify_connector(user), user_clients.lastfm_connector(user)
    spotify.get_user()
    lastfm.get_user()
    secrets.append(stored_token(user).token)
    shown = caplog.text + repr([spotify, lastfm, row, connection, str(row), str(connection)])
    assert [secret for secret in secrets if secret in shown] == []


def test_services_are_told_whom_to_ask(settings):
    settings.USER_AGENT_CONTACT = "me@example.org"
    agent = app_clients.make_session("spotify").headers["User-Agent"]
    assert re.fullmatch(r"Narada/\S+ \(me@example.org\)", agent)
