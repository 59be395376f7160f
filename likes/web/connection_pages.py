"""Connecting and disconnecting the two services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.account.forms import SetPasswordForm
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from likes.accounts import app_clients, credentials, user_clients
from likes.accounts.connections import disconnect as disconnect_account
from likes.accounts.connections import get_name
from likes.models import Connection, Service

CONNECTABLE = (Service.SPOTIFY, Service.LASTFM)


@dataclass(frozen=True)
class ConnectionCard:
    """What the pages show of one service: whether it is connected, and what can be done."""

    service: str
    label: str
    connection: Connection | None
    name: str
    consent_ends_at: datetime | None
    missing: str
    where_to_get: str

    @property
    def state(self) -> str:
        return self.connection.state if self.connection else "none"

    @property
    def ends_soon(self) -> bool:
        ends = self.consent_ends_at
        return bool(ends and (ends - timezone.now()).days < user_clients.CONSENT_WARNING)

    @property
    def connect_url(self) -> str:
        """allauth's page that sends the user to the service, and back to ours."""
        return f"{reverse(f'{self.service}_login')}?process=connect&next={reverse('home')}"


def describe_connections(user: AbstractBaseUser) -> list[ConnectionCard]:
    """Return a card for each service, in one query."""
    rows = {
        row.service: row for row in Connection.objects.filter(user=user).select_related("account")
    }
    return [_describe(service, rows.get(service)) for service in CONNECTABLE]


def _describe(service: Service, connection: Connection | None) -> ConnectionCard:
    names, address = credentials.WHERE_TO_GET[service]
    known = credentials.has_credentials(service)
    return ConnectionCard(
        service=service.value,
        label=service.label,
        connection=connection,
        name=get_name(connection) if connection else "",
        consent_ends_at=user_clients.consent_ends_at(connection) if connection else None,
        missing="" if known else names,
        where_to_get="" if known else address,
    )


@login_required
@require_safe
def connections(request: HttpRequest) -> HttpResponse:
    return render(
        request,
        "likes/connections.html",
        {
            "connections": describe_connections(request.user),
            "callback": request.build_absolute_uri(reverse("spotify_callback")),
        },
    )


@sensitive_post_parameters("password1", "password2")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def disconnect(request: HttpRequest, service: str) -> HttpResponse:
    """Say what a disconnect deletes and when, offer the download first; then do it.

    Whoever signs in with this account only has to choose a password first.
    """
    if service not in CONNECTABLE:
        raise Http404
    wanted = request.method == "POST"
    connection = get_object_or_404(Connection, user=request.user, service=service)
    form = None
    if app_clients.is_only_sign_in(request.user, service):
        form = SetPasswordForm(data=request.POST if wanted else None, user=request.user)
    if wanted and (form is None or form.is_valid()):
        if form is not None:
            form.save()
            update_session_auth_hash(request, form.user)
        purge_now = request.POST.get("purge_now") == "on"
        left = disconnect_account(request.user, service, purge_now=purge_now)
        messages.success(request, _say_disconnected(Service(service), left))
        return redirect("connections")
    return render(
        request,
        "likes/disconnect.html",
        {
            "card": _describe(Service(service), connection),
            "form": form,
            "days": settings.PURGE_AFTER_DAYS,
            "purge_at": timezone.now() + timedelta(days=max(0, settings.PURGE_AFTER_DAYS)),
        },
    )


def _say_disconnected(service: Service, left: Connection | None) -> str:
    if left is None:
        return f"{service.label} is disconnected, and what came from it is deleted."
    if left.purge_at is None:
        return f"{service.label} is disconnected. What came from it stays."
    return (
        f"{service.label} is disconnected. What came from it is deleted on "
        f"{left.purge_at:%-d %B %Y at %H:%M} UTC, unless you connect again before."
    )
