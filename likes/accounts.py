"""A user's connections: tokens in, fresh tokens out, and what happens when a service refuses one.

This is the only place that reads or writes a token. allauth's SocialAccount and SocialToken hold
them (encrypted, see ``likes.encryption``); Connection holds what allauth has no field for. The web
and the terminal both store through ``store_connection``.
"""

from __future__ import annotations

import calendar
import logging
import threading
import time
from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from connectors.errors import AuthorizationError, ServiceClosed, TemporaryError
from connectors.lastfm import LastfmConnector
from connectors.records import ServiceUser, Tokens
from connectors.spotify import SpotifyConnector
from likes import holds
from likes.access import (
    AccountRefused,
    CredentialsMissing,
    NotConnected,
    check_credentials,
    has_credentials,
    lastfm_client,
    make_session,
    spotify_accounts,
)
from likes.encryption import TokenUnreadable, reveal
from likes.models import Connection, Service
from likes.purge import purge, purge_due

__all__ = [
    "SPOTIFY_SCOPES",
    "AccountRefused",
    "CredentialsMissing",
    "NotConnected",
    "check_credentials",
    "consent_ends_at",
    "disconnect",
    "get_fresh_token",
    "get_name",
    "has_credentials",
    "lastfm_client",
    "lastfm_connector",
    "make_session",
    "note_answer",
    "note_refusal",
    "purge",
    "purge_due",
    "spotify_accounts",
    "spotify_connector",
    "store_connection",
]

logger = logging.getLogger(__name__)

SPOTIFY_SCOPES = ("user-library-read",)

#: A token that ends sooner than this is refreshed before it is used.
EXPIRY_MARGIN = timedelta(seconds=60)
#: How long a process may take to refresh a token before another takes over.
REFRESH_LEASE = timedelta(seconds=30)
POLL_SECONDS = 0.2
LONGEST_POLL_SECONDS = 75.0

#: The codes by which a service says that the token itself is dead: Spotify's OAuth error, and
#: Last.fm's "authentication failed" (also: revoked) and "invalid session key".
DEAD_TOKEN_CODES = frozenset({"invalid_grant", "4", "9"})
#: Spotify: "refresh tokens will expire six months after the user's authorization", and
#: refreshing does not extend them (developer.spotify.com/blog/2026-06-18-refresh-token-expiration).
CONSENT_MONTHS = 6


# Connectors


def spotify_connector(user: AbstractBaseUser, *, probe: bool = False) -> SpotifyConnector:
    """Return a connector that always has a fresh token of this user. Calls nobody yet.

    Raises CredentialsMissing, NotConnected, and ServiceClosed or RateLimited while nobody is to
    call; ``probe`` asks a closed service all the same, to see whether it is open again.
    """
    check_credentials(Service.SPOTIFY)
    _load(user, Service.SPOTIFY)
    if not probe:
        holds.check_open(Service.SPOTIFY)
    handed_out = threading.local()

    def get_token(forced: bool = False) -> str:
        # What this thread was last given is what Spotify has just refused: when another has
        # refreshed it meanwhile, the new one is there already.
        refused = getattr(handed_out, "token", "") if forced else ""
        handed_out.token = get_fresh_token(user, refused=refused, forced=forced)
        return handed_out.token

    return SpotifyConnector(
        get_token, api_url=settings.SPOTIFY_API_URL, http=make_session(Service.SPOTIFY)
    )


def lastfm_connector(user: AbstractBaseUser, *, probe: bool = False) -> LastfmConnector:
    """Return a connector with this user's session key. Raises as ``spotify_connector`` does."""
    check_credentials(Service.LASTFM)
    connection, token = _load(user, Service.LASTFM)
    if not probe:
        holds.check_open(Service.LASTFM)
    return LastfmConnector(
        settings.LASTFM_API_KEY,
        settings.LASTFM_API_SECRET,
        api_url=settings.LASTFM_API_URL,
        auth_url=settings.LASTFM_AUTH_URL,
        http=make_session(Service.LASTFM),
        session_key=_reveal(token.token, Service.LASTFM),
        username=get_name(connection),
    )


def get_name(connection: Connection) -> str:
    """Return the account's name at the service, for people; "" after it is gone."""
    account = connection.account
    return (account.extra_data.get("name") or account.uid) if account else ""


# Fresh tokens


def get_fresh_token(user: AbstractBaseUser, *, refused: str = "", forced: bool = False) -> str:
    """Return a Spotify access token that lives for another minute at least.

    One that ends sooner, or that is the one just ``refused``, is refreshed; ``forced`` without a
    refused one refreshes in any case. Of many callers, in threads and processes, one refreshes and
    the others wait for what it stores: whoever sets ``Connection.refreshing_until`` first. No
    transaction or lock is held during the call, and a holder that died is taken over after 30 s.

    Raises NotConnected, AuthorizationError (noted), TemporaryError.
    """
    give_up_at = time.monotonic() + LONGEST_POLL_SECONDS
    while True:
        connection, row = _load(user, Service.SPOTIFY)
        token = _reveal(row.token, Service.SPOTIFY)
        ends_soon = row.expires_at is not None and row.expires_at < timezone.now() + EXPIRY_MARGIN
        if forced and not refused:
            refused = token
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


def _refresh(user: AbstractBaseUser, row: SocialToken) -> str:
    """Ask Spotify for a new token, store it at once with what came along, and return it.

    Returns "" when another process has replaced the tokens meanwhile.
    """
    used = _reveal(row.token_secret, Service.SPOTIFY)
    if not used:
        raise _not_connected(Service.SPOTIFY, "Spotify's consent was not stored.")
    try:
        tokens = spotify_accounts().refresh(used)
    except AuthorizationError as error:
        # A refresh token that rotates is dead once used. When a holder that was taken for dead
        # has used and replaced it meanwhile, this is no word about the consent.
        now_there = SocialToken.objects.filter(pk=row.pk).first()
        if now_there is not None and now_there.token_secret == used:
            note_refusal(user, Service.SPOTIFY, error)
            raise
        return ""
    _store_token(row, tokens)
    Connection.objects.filter(user=user, service=Service.SPOTIFY, refusals__gt=0).update(refusals=0)
    return tokens.access_token


def _store_token(row: SocialToken, tokens: Tokens) -> None:
    """Write new tokens into a row that is still there; one without a refresh token keeps the old.

    An UPDATE, never an INSERT: who disconnected meanwhile stays disconnected.
    """
    changed = {"token": tokens.access_token, "expires_at": tokens.expires_at}
    if tokens.refresh_token:
        changed["token_secret"] = tokens.refresh_token
    SocialToken.objects.filter(pk=row.pk).update(**changed)


def _load(user: AbstractBaseUser, service: str) -> tuple[Connection, SocialToken]:
    """Return a user's connection and token row. Raises NotConnected."""
    connection = (
        Connection.objects.filter(user=user, service=service).select_related("account").first()
    )
    if connection is None or connection.state == Connection.State.DISCONNECTED:
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
    return NotConnected(
        f"{reason} Connect it with: narada connect-{service}, or on the web page “Connections”.",
        service=service,
    )


# What a service says of a connection


def note_refusal(
    user: AbstractBaseUser, service: str, error: AuthorizationError | ServiceClosed
) -> None:
    """Write down that a service refused this user, or everybody. Each error counts once.

    The connection needs a person from now on. Its tokens are kept, because Spotify's outages have
    produced false refusals (metabrainz/listenbrainz-server, pull request 1921); the second refusal
    in a row of the token itself discards them, as Spotify asks. A bad key or signature closes the
    service for the whole deployment instead.
    """
    if getattr(error, "noted", False):
        return
    error.noted = True
    if isinstance(error, ServiceClosed) and error.code != "premium":
        holds.close_service(service, str(error))
        return
    with transaction.atomic():
        mine = Connection.objects.filter(user=user, service=service).exclude(
            state=Connection.State.DISCONNECTED
        )
        mine.update(state=Connection.State.RECONNECT, reason=str(error), refusals=F("refusals") + 1)
        if error.code in DEAD_TOKEN_CODES:
            dead = mine.filter(refusals__gte=2).values("account")
            SocialToken.objects.filter(account__in=dead).delete()
    logger.warning("user %s: %s refuses the connection (%s)", user.pk, service, error.code)


def note_answer(user: AbstractBaseUser, service: str) -> None:
    """Write down that a service answered this user: connected, and no refusals in a row."""
    Connection.objects.filter(user=user, service=service).filter(
        Q(state=Connection.State.RECONNECT) | Q(refusals__gt=0)
    ).exclude(state=Connection.State.DISCONNECTED).update(
        state=Connection.State.CONNECTED, reason="", refusals=0
    )
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


# Connect and disconnect


def store_connection(
    user: AbstractBaseUser, service: str, service_user: ServiceUser, tokens: Tokens
) -> Connection:
    """Store what a consent gave: account, tokens and connection, all or nothing.

    The one path of web and terminal. Raises AccountRefused, before anything is written, when the
    account is connected to another user here, or this user is connected to another account.
    """
    with transaction.atomic():
        _refuse_second_account(user, service, service_user)
        _refuse_foreign_account(user, service, service_user)
        try:
            with transaction.atomic():
                account, _ = SocialAccount.objects.update_or_create(
                    provider=service,
                    uid=service_user.uid,
                    user=user,
                    defaults={"extra_data": {"name": service_user.name}},
                )
        except IntegrityError as error:  # two users at the same moment
            raise _taken(service, service_user) from error
        old = SocialToken.objects.filter(account=account).order_by("-pk").first()
        if old is None:
            SocialToken.objects.create(
                account=account,
                token=tokens.access_token,
                token_secret=tokens.refresh_token,
                expires_at=tokens.expires_at,
            )
        else:
            _store_token(old, tokens)
        connection, _ = Connection.objects.update_or_create(
            user=user,
            service=service,
            defaults={
                "account": account,
                "state": Connection.State.CONNECTED,
                "reason": "",
                "refusals": 0,
                "scopes": " ".join(tokens.scopes),
                "authorized_at": timezone.now(),
                "refreshing_until": None,
                "purge_at": None,
            },
        )
    # The service has just answered, so it is not closed to us.
    holds.note_success(service)
    return connection


def _refuse_second_account(user: AbstractBaseUser, service: str, service_user: ServiceUser) -> None:
    connection = Connection.objects.filter(user=user, service=service).select_related("account")
    standing = connection.first()
    if standing is None or standing.account is None or standing.account.uid == service_user.uid:
        return
    name, label = get_name(standing), Service(service).label
    again = f"Disconnect it first (narada disconnect {service} --purge-now)"
    if standing.state == Connection.State.DISCONNECTED:
        raise AccountRefused(
            f"What came from the {label} account {name} has not been purged yet, so another "
            f"account ({service_user.name}) would be mixed with it. {again}, or connect {name}.",
            service=service,
        )
    raise AccountRefused(
        f"The {label} account {name} is connected, and this one is {service_user.name}. {again}, "
        "or sign in there as the other.",
        service=service,
    )


def _refuse_foreign_account(
    user: AbstractBaseUser, service: str, service_user: ServiceUser
) -> None:
    account = (
        SocialAccount.objects.filter(provider=service, uid=service_user.uid)
        .exclude(user=user)
        .first()
    )
    if account is None:
        return
    left = Connection.objects.filter(account=account, state=Connection.State.DISCONNECTED)
    if not left.exists():
        raise _taken(service, service_user)
    # Its former user has disconnected it and only waits for the purge, which needs no account.
    account.delete()


def _taken(service: str, service_user: ServiceUser) -> AccountRefused:
    return AccountRefused(
        f"The {Service(service).label} account {service_user.name} is already connected to "
        "another user of this Narada. Disconnect it there first.",
        service=service,
    )


def disconnect(user: AbstractBaseUser, service: str, purge_now: bool = False) -> Connection | None:
    """Forget the tokens at once; what came from the service's API is purged when it is due.

    Returns the connection, with ``purge_at`` (None when an operator keeps everything), or None when
    it is purged already. The account's name stays until then, so that the same account can come
    back. Raises NotConnected.
    """
    connection = Connection.objects.filter(user=user, service=service).first()
    if connection is None:
        raise NotConnected(f"{Service(service).label} is not connected.", service=service)
    days = settings.PURGE_AFTER_DAYS
    with transaction.atomic():
        SocialToken.objects.filter(account__user=user, account__provider=service).delete()
        if connection.state != Connection.State.DISCONNECTED:
            connection.purge_at = None if days < 0 else timezone.now() + timedelta(days=days)
        connection.state = Connection.State.DISCONNECTED
        connection.reason = ""
        connection.refusals = 0
        connection.refreshing_until = None
        connection.save()
    if purge_now or days == 0:
        purge(connection)
        return None
    return connection
