"""A user's connections: tokens in, fresh tokens out, and what happens when a service refuses one.

allauth's SocialAccount and SocialToken hold the tokens (encrypted, see
``likes.accounts.encryption``); Connection holds what allauth has no field for. The web and the
terminal both store through ``store_connection`` (``likes.accounts.connections``).
"""

from __future__ import annotations

import calendar
import logging
import threading
import time
from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialToken
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from connectors.errors import AuthorizationError, ServiceClosed, TemporaryError
from connectors.lastfm import LastfmConnector
from connectors.spotify import SpotifyConnector
from likes.accounts import holds
from likes.accounts.app_clients import lastfm_client, make_session, spotify_accounts
from likes.accounts.connections import get_name, store_tokens
from likes.accounts.credentials import NotConnected, check_credentials
from likes.accounts.encryption import TokenUnreadable, reveal
from likes.models import Connection, Service

logger = logging.getLogger(__name__)

SPOTIFY_SCOPES = ("user-library-read",)

#: A token that ends sooner than this is refreshed before it is used.
EXPIRY_MARGIN = timedelta(seconds=60)
#: How long a process may take to refresh a token before another takes over.
REFRESH_LEASE = timedelta(seconds=30)
#: Refusals within this time are one.
SAME_REFUSAL = timedelta(minutes=10)
POLL_SECONDS = 0.2
LONGEST_POLL_SECONDS = 75.0

#: The codes by which a service says that the token itself is dead: Spotify's OAuth error, and
#: Last.fm's "authentication failed" (also: revoked) and "invalid session key".
DEAD_TOKEN_CODES = frozenset({"invalid_grant", "4", "9"})
#: Spotify: "refresh tokens will expire six months after the user's authorization", and
#: refreshing does not extend them (developer.spotify.com/blog/2026-06-18-refresh-token-expiration).
CONSENT_MONTHS = 6
#: How many days before its end a consent is spoken of as ending, and as a thing to do now.
CONSENT_WARNING, CONSENT_URGENT = 30, 14


# Connectors


def spotify_connector(user: User, *, probe: bool = False) -> SpotifyConnector:
    """Return a connector that always has a fresh token of this user. Calls nobody yet.

    Raises CredentialsMissing, NotConnected, and ServiceClosed or RateLimited while nobody is to
    call; ``probe`` asks a closed service all the same, to see whether it is open again.
    """
    check_credentials(Service.SPOTIFY)
    _load(user, Service.SPOTIFY)
    if not probe:
        holds.check_open(Service.SPOTIFY)
    handed_out = threading.local()

    def get_token(forced: bool) -> str:
        # What this thread was last given is what Spotify has just refused: when another has
        # refreshed it meanwhile, the new one is there already.
        handed_out.token = get_fresh_token(user, refused=handed_out.token if forced else "")
        return str(handed_out.token)

    return SpotifyConnector(
        get_token, api_url=settings.SPOTIFY_API_URL, http=make_session(Service.SPOTIFY)
    )


def lastfm_connector(user: User, *, probe: bool = False) -> LastfmConnector:
    """Return a connector with this user's session key. Raises as ``spotify_connector`` does."""
    check_credentials(Service.LASTFM)
    connection, token = _load(user, Service.LASTFM)
    if not probe:
        holds.check_open(Service.LASTFM)
    return lastfm_client(_reveal(token.token, Service.LASTFM), get_name(connection))


# Fresh tokens


def get_fresh_token(user: User, *, refused: str = "") -> str:
    """Return a Spotify access token that lives for another minute at least.

    One that ends sooner, or that is the one just ``refused``, is refreshed. Of many callers, in
    threads and processes, one refreshes and the others wait for what it stores: whoever sets
    ``Connection.refreshing_until`` first. No transaction or lock is held during the call, and a
    holder that died is taken over after 30 s.

    Raises NotConnected, AuthorizationError (noted), TemporaryError.
    """
    give_up_at = time.monotonic() + LONGEST_POLL_SECONDS
    while True:
        connection, row = _load(user, Service.SPOTIFY)
        token = _reveal(row.token, Service.SPOTIFY)
        ends_soon = row.expires_at is not None and row.expires_at < timezone.now() + EXPIRY_MARGIN
        if token and token != refused and not ends_soon:
            return token
        lease = _claim_refresh(connection)
        if lease is not None:
            try:
                # Somebody may have stored a new one between the reading and the claim.
                row.refresh_from_db()
                if row.token == token and (fresh := _refresh(user, row)):
                    return fresh
            except SocialToken.DoesNotExist:
                pass  # disconnected meanwhile; the next look says so
            finally:
                _release_refresh(connection, lease)
        elif time.monotonic() > give_up_at:
            raise TemporaryError(
                "Spotify's token is being refreshed elsewhere, and that does not end.",
                service=Service.SPOTIFY,
            )
        else:
            time.sleep(POLL_SECONDS)


def _claim_refresh(connection: Connection) -> datetime | None:
    """Take the right to refresh; return its end, or None when somebody else has it."""
    now = timezone.now()
    free = Q(refreshing_until=None) | Q(refreshing_until__lt=now)
    lease = now + REFRESH_LEASE
    taken = Connection.objects.filter(free, pk=connection.pk).update(refreshing_until=lease)
    return lease if taken else None


def _release_refresh(connection: Connection, lease: datetime) -> None:
    mine = Connection.objects.filter(pk=connection.pk, refreshing_until=lease)
    mine.update(refreshing_until=None)


def _refresh(user: User, row: SocialToken) -> str:
    """Ask Spotify for a new token, store it at once with what came along, and return it.

    Returns "" when the tokens were replaced meanwhile: by another process, or a new consent.
    """
    used = _reveal(row.token_secret, Service.SPOTIFY)
    if not used:
        raise _not_connected(Service.SPOTIFY, "Spotify's consent was not stored.")
    try:
        tokens = spotify_accounts().refresh(used)
    except AuthorizationError as error:
        # A refresh token that rotates is dead once used. When a holder that was taken for dead
        # has used and replaced it meanwhile, this is no word about the consent.
        with transaction.atomic():
            if _lock_unchanged(row, used) is None:
                return ""
            note_refusal(user, Service.SPOTIFY, error)
        raise
    with transaction.atomic():
        standing = _lock_unchanged(row, used)
        if standing is None:
            return ""
        store_tokens(standing, tokens)
        mine = Connection.objects.filter(user=user, service=Service.SPOTIFY, refusals__gt=0)
        mine.update(refusals=0, refused_at=None)
    return tokens.access_token


def _lock_unchanged(row: SocialToken, refresh_token: str) -> SocialToken | None:
    """Return the row, locked, if it is there and still has this refresh token."""
    standing = SocialToken.objects.select_for_update().filter(pk=row.pk).first()
    return standing if standing and standing.token_secret == refresh_token else None


def _load(user: User, service: str) -> tuple[Connection, SocialToken]:
    """Return a user's connection and token row. Raises NotConnected."""
    connection = (
        Connection.objects.filter(user=user, service=service).select_related("account").first()
    )
    if connection is None or not connection.is_standing:
        raise _not_connected(service, f"{Service(service).label} is not connected.")
    row = SocialToken.objects.filter(account=connection.account_id).order_by("-pk").first()
    if connection.account_id is None or row is None:
        reason = connection.reason or "The token is gone."
        raise _not_connected(
            service, f"{Service(service).label} has to be connected again: {reason}"
        )
    return connection, row


def _reveal(text: str, service: str) -> str:
    try:
        return reveal(text)
    except TokenUnreadable as error:
        raise _not_connected(
            service, f"{error} Put the key that wrote it back into TOKEN_ENCRYPTION_KEYS, or:"
        ) from error


def _not_connected(service: str, reason: str) -> NotConnected:
    reason = reason if reason.endswith((".", ":")) else f"{reason}."
    return NotConnected(
        f"{reason} Connect it with: narada connect-{service}, or on the web page “Connections”.",
        service=service,
    )


# What a service says of a connection


def note_refusal(user: User, service: str, error: AuthorizationError | ServiceClosed) -> None:
    """Write down that a service refused this user, or everybody. Each error counts once.

    The connection needs a person from now on. Its tokens are kept, because Spotify's outages have
    produced false refusals (metabrainz/listenbrainz-server, pull request 1921); from the second
    refusal in a row on, one of the token itself discards them, as Spotify asks; where Spotify calls
    the refresh token revoked or expired, the first one does. A bad key or signature closes the
    service for the whole deployment instead.
    """
    if getattr(error, "noted", False) or isinstance(error, holds.StillClosed):
        return
    error.noted = True  # type: ignore[union-attr]
    if isinstance(error, ServiceClosed) and error.code != "premium":
        holds.close_service(service, str(error))
        return
    with transaction.atomic():
        mine = Connection.objects.standing().filter(user=user, service=service)
        mine.update(state=Connection.State.RECONNECT, reason=str(error))
        # One outage is one refusal, however many commands meet it.
        now = timezone.now()
        another = Q(refused_at=None) | Q(refused_at__lt=now - SAME_REFUSAL)
        mine.filter(another).update(refusals=F("refusals") + 1, refused_at=now)
        if error.code in DEAD_TOKEN_CODES:
            enough = 1 if getattr(error, "final", False) else 2
            dead = mine.filter(refusals__gte=enough).values("account")
            SocialToken.objects.filter(account__in=dead).delete()
    logger.info("user %s: %s refuses the connection (%s)", user.pk, service, error.code)


def note_answer(user: User, service: str) -> None:
    """Write down that a service answered this user: connected, and no refusals in a row."""
    Connection.objects.standing().filter(user=user, service=service).filter(
        Q(state=Connection.State.RECONNECT) | Q(refusals__gt=0)
    ).update(state=Connection.State.CONNECTED, reason="", refusals=0, refused_at=None)
    holds.note_success(service)


def consent_ends_at(connection: Connection) -> datetime | None:
    """Return when Spotify's consent ends, six calendar months on; Last.fm's never does."""
    if connection.service != Service.SPOTIFY or connection.authorized_at is None:
        return None
    since = connection.authorized_at
    year, month = divmod(since.month - 1 + CONSENT_MONTHS, 12)
    year, month = since.year + year, month + 1
    day = min(since.day, calendar.monthrange(year, month)[1])
    return since.replace(year=year, month=month, day=day)
