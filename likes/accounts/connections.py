"""Connecting and disconnecting an account: the rows that come and go, all or nothing."""

from __future__ import annotations

from datetime import timedelta

from allauth.socialaccount.models import SocialAccount, SocialToken
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from connectors.records import ServiceUser, Tokens
from likes.accounts import holds
from likes.accounts.app_clients import is_only_sign_in
from likes.accounts.credentials import AccountRefused, NotConnected
from likes.accounts.purge import LISTINGS, purge
from likes.models import Checkpoint, Connection, Service


def store_connection(
    user: User, service: str, service_user: ServiceUser, tokens: Tokens
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
            store_tokens(old, tokens)
        connection, _ = Connection.objects.update_or_create(
            user=user,
            service=service,
            defaults={
                "account": account,
                "state": Connection.State.CONNECTED,
                "reason": "",
                "refusals": 0,
                "refused_at": None,
                "scopes": " ".join(tokens.scopes),
                "authorized_at": timezone.now(),
                "refreshing_until": None,
                "purge_at": None,
            },
        )
    # The service has just answered, so it is not closed to us.
    holds.note_success(service)
    return connection


def _refuse_second_account(user: User, service: str, service_user: ServiceUser) -> None:
    connection = Connection.objects.filter(user=user, service=service).select_related("account")
    standing = connection.first()
    if standing is None or standing.account is None or standing.account.uid == service_user.uid:
        return
    name, label = get_name(standing), Service(service).label
    again = f"Disconnect it first (narada disconnect {service} --purge-now)"
    if not standing.is_standing:
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


def _refuse_foreign_account(user: User, service: str, service_user: ServiceUser) -> None:
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
    if is_only_sign_in(account.user, service) and account.user.last_login is not None:
        raise AccountRefused(
            f"The {Service(service).label} account {service_user.name} signs in another user of "
            "this Narada, who has no password. Sign in as that user and set one first.",
            service=service,
        )
    # Its former user has disconnected it and only waits for the purge, which needs no account.
    account.delete()


def _taken(service: str, service_user: ServiceUser) -> AccountRefused:
    return AccountRefused(
        f"The {Service(service).label} account {service_user.name} is already connected to "
        "another user of this Narada. Disconnect it there first.",
        service=service,
    )


def disconnect(user: User, service: str, purge_now: bool = False) -> Connection | None:
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
        # A run at work has read its token long ago; without the lease it ends at its next batch.
        mine = Checkpoint.objects.filter(user=user, listing__in=LISTINGS[Service(service)])
        mine.update(lease_holder="", lease_until=None)
        if connection.is_standing:
            connection.purge_at = None if days < 0 else timezone.now() + timedelta(days=days)
        connection.state = Connection.State.DISCONNECTED
        connection.reason = ""
        connection.refusals, connection.refused_at = 0, None
        connection.refreshing_until = None
        connection.save()
    if purge_now or days == 0:
        purge(connection)
        return None
    return connection


def store_tokens(row: SocialToken, tokens: Tokens) -> None:
    """Write new tokens into a row that is still there; one without a refresh token keeps the old.

    An UPDATE, never an INSERT: who disconnected meanwhile stays disconnected.
    """
    changed = {"token": tokens.access_token, "expires_at": tokens.expires_at}
    if tokens.refresh_token:
        changed["token_secret"] = tokens.refresh_token
    SocialToken.objects.filter(pk=row.pk).update(**changed)


def get_name(connection: Connection) -> str:
    """Return the account's name at the service, for people; "" after it is gone."""
    account = connection.account
    return (account.extra_data.get("name") or account.uid) if account else ""
