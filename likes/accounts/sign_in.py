"""Where allauth asks the site: who may sign up, and what becomes of a consent."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.ratelimit import get_ip
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base import AuthError
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url

from connectors.errors import ConnectorError
from connectors.http import ServiceSession
from connectors.records import ServiceUser
from likes.accounts import app_clients, connections, credentials
from likes.models import Connection, Service


def name_visitor(address: str) -> str:
    """Return an IPv4 address as it is, and for an IPv6 address its network: a home has a whole /64,
    with an address for each guess.

    >>> name_visitor("2001:db8::9"), name_visitor("::ffff:203.0.113.9")
    ('2001:db8::', '203.0.113.9')
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False).network_address)
    return address


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is open as the settings say, and always to the first who could ever sign in.

    Wrong passwords count against the visitor who types them: allauth 65 counts them by user name
    alone, so that five of a stranger's would lock the user out.
    """

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        return f"{credentials.get('username', '').lower()}:{get_ip(request)}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the visitor's address, by which attempts are counted.

        A request with fewer proxies than usual came from inside; allauth 65 takes it for a fault
        of the settings and breaks.
        """
        try:
            address: str = super().get_client_ip(request)
        except ImproperlyConfigured:
            address = request.META["REMOTE_ADDR"]
        return name_visitor(address)

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        if settings.SIGN_UP_OPEN:
            return True
        with_password = get_user_model().objects.exclude(password__startswith="!")
        return not with_password.exists() and not SocialAccount.objects.exists()


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """A consent connects the user who is signed in, by the same path as the terminal's.

    With nobody signed in, Spotify's also signs in or up; Last.fm's never does: its accounts have
    no id, only a name that can pass to another person.
    """

    def get_service_session(self, service: str) -> ServiceSession:
        return app_clients.make_session(service)

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: SocialAccount) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        service = sociallogin.account.provider
        if isinstance(request.user, User):
            self._connect(request, request.user, sociallogin)
        if service != Service.SPOTIFY:
            self._send_to_login(request, f"Sign in first, then connect {Service(service).label}.")
        if not sociallogin.is_existing:
            return
        # Signing in is no reconnecting: who has disconnected must be able to sign in and leave.
        left = Connection.objects.filter(
            user=sociallogin.user, service=service, state=Connection.State.DISCONNECTED
        )
        if left.exists():
            return
        try:
            self._store(sociallogin.user, sociallogin)
        except credentials.AccountRefused as error:
            self._send_to_login(request, str(error))

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            self._store(user, sociallogin)
        return user

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        """Leave disconnecting to Narada's own page, which also sees to the purge."""
        raise ValidationError(
            "Disconnect it on the page “Connections”, or with: "
            f"narada disconnect {account.provider}"
        )

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Say in the page's messages what went wrong; who is signed in goes back to theirs."""
        messages.error(request, _explain(provider.name, error, exception))
        if error == AuthError.CANCELLED and request.user.is_authenticated:
            raise ImmediateHttpResponse(redirect(settings.LOGIN_REDIRECT_URL))

    def explain_missing_app(self, request: HttpRequest, service: str) -> HttpResponse:
        """Answer whoever wants to connect while the settings lack the app's credentials."""
        messages.error(request, str(credentials.CredentialsMissing(service)))
        signed_in = request.user.is_authenticated
        return redirect(settings.LOGIN_REDIRECT_URL if signed_in else settings.LOGIN_URL)

    def _send_to_login(self, request: HttpRequest, message: str) -> NoReturn:
        messages.error(request, message)
        raise ImmediateHttpResponse(redirect(settings.LOGIN_URL))

    def _connect(self, request: HttpRequest, user: User, sociallogin: SocialLogin) -> NoReturn:
        label = Service(sociallogin.account.provider).label
        try:
            self._store(user, sociallogin)
        except credentials.AccountRefused as error:
            messages.error(request, str(error))
        else:
            name = sociallogin.account.extra_data.get("name", "")
            messages.success(request, f"{label} is connected as {name}.")
        address = sociallogin.get_redirect_url(request) or self.get_connect_redirect_url(
            request, sociallogin.account
        )
        raise ImmediateHttpResponse(HttpResponseRedirect(address))

    def _store(self, user: User, sociallogin: SocialLogin) -> None:
        account = sociallogin.account
        service_user = ServiceUser(account.uid, account.extra_data.get("name", ""))
        connections.store_connection(user, account.provider, service_user, sociallogin.tokens)


def _explain(name: str, error: str | None, exception: Exception | None) -> str:
    if error == AuthError.CANCELLED:
        return f"You declined at {name}. Nothing was changed."
    if isinstance(exception, PermissionDenied):
        return (
            f"This answer from {name} was used already, came from another browser, or took longer "
            "than ten minutes. Start again."
        )
    if isinstance(exception, ConnectorError):
        return str(exception)
    return f"{name} did not connect you, and did not say why. Try again."
