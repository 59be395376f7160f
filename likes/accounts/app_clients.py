"""What it takes to call a service for the app as such: its credentials and the shared session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from connectors.http import ServiceSession
from connectors.lastfm import LastfmConnector
from connectors.limits import Budget
from connectors.spotify import SpotifyAccounts
from likes.accounts import holds
from likes.accounts.credentials import check_credentials
from likes.models import Service


def is_only_sign_in(user: User, service: str) -> bool:
    """Tell whether the user signs in on the web with the account of this service and no other way.

    Last.fm's accounts never sign in anybody.
    """
    has_password = bool(user.password) and user.has_usable_password()
    return (
        service == Service.SPOTIFY
        and not has_password
        and SocialAccount.objects.filter(user=user, provider=service).exists()
    )


def make_session(
    service: str, *, timeout: tuple[float, float] = (5, 20), deadline: float = 40, tries: int = 4
) -> ServiceSession:
    """Return a session on the budget that the deployment shares, with holds wired in."""
    per_second = (
        settings.SPOTIFY_REQUESTS_PER_SECOND
        if service == Service.SPOTIFY
        else settings.LASTFM_REQUESTS_PER_SECOND
    )
    budget = _get_budget(service, per_second, settings.VAR_DIR / "budget", settings.REDIS_URL)
    return ServiceSession(
        service,
        budget,
        timeout=timeout,
        deadline=deadline,
        tries=tries,
        on_hold=partial(_hold_back, service),
        contact=settings.USER_AGENT_CONTACT,
    )


@cache
def _get_budget(service: str, per_second: float, directory: Path, redis_url: str) -> Budget:
    return Budget(
        service,
        per_second,
        directory=directory,
        redis_url=redis_url,
        held_until=partial(_ask_held_until, service),
    )


def _ask_held_until(service: str) -> datetime | None:
    with _without_leaving_a_connection():
        return holds.held_until(service)


def _hold_back(service: str, until: datetime, reason: str) -> datetime:
    with _without_leaving_a_connection():
        return holds.hold_back(service, until, reason)


@contextmanager
def _without_leaving_a_connection() -> Iterator[None]:
    """Close a database connection that is opened here.

    Requests are sent from short-lived threads too, whose connections nobody else closes.
    """
    opened_here = connection.connection is None
    try:
        yield
    finally:
        if opened_here:
            connection.close()


def spotify_accounts(http: ServiceSession | None = None) -> SpotifyAccounts:
    """Return the client of Spotify's accounts service. Raises CredentialsMissing."""
    check_credentials(Service.SPOTIFY)
    return SpotifyAccounts(
        settings.SPOTIFY_CLIENT_ID,
        settings.SPOTIFY_CLIENT_SECRET,
        settings.SPOTIFY_ACCOUNTS_URL,
        # Short enough to end within the lease of a refresh.
        http or make_session(Service.SPOTIFY, timeout=(4, 8), deadline=10, tries=2),
    )


def lastfm_client(
    session_key: str = "", username: str = "", http: ServiceSession | None = None
) -> LastfmConnector:
    """Return a Last.fm connector that speaks for a user, or without a key for the app alone.

    Raises CredentialsMissing.
    """
    check_credentials(Service.LASTFM)
    return LastfmConnector(
        settings.LASTFM_API_KEY,
        settings.LASTFM_API_SECRET,
        api_url=settings.LASTFM_API_URL,
        auth_url=settings.LASTFM_AUTH_URL,
        http=http or make_session(Service.LASTFM),
        session_key=session_key,
        username=username,
    )
