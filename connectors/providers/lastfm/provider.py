"""Last.fm for allauth: its web authentication (https://www.last.fm/api/webauth).

It is no OAuth: the consent page takes the app's key and a callback ``cb``, and comes back to that
with a ``token``. It knows no ``state``, but keeps the callback's own query, so the state rides
there. Who declines is not sent back at all.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.socialaccount.providers.base import Provider, ProviderAccount
from allauth.utils import build_absolute_uri
from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from connectors.lastfm import LastfmConnector
from connectors.providers.views import open_session
from connectors.records import ServiceUser


class LastfmAccount(ProviderAccount):  # type: ignore[misc]
    """A stored account; Last.fm knows its users by name alone."""

    def get_profile_url(self) -> str:
        return f"https://www.last.fm/user/{self.to_str()}"

    def to_str(self) -> str:
        return str(self.account.extra_data.get("name") or self.account.uid)


class LastfmProvider(Provider):  # type: ignore[misc]
    """Consent by Last.fm's token, which works once and for an hour."""

    id = "lastfm"
    name = "Last.fm"
    account_class = LastfmAccount
    supports_redirect = True

    def open_connector(self) -> LastfmConnector:
        """Return a connector that speaks for the app alone."""
        return LastfmConnector(
            self.app.client_id,
            self.app.secret,
            api_url=settings.LASTFM_API_URL,
            auth_url=settings.LASTFM_AUTH_URL,
            http=open_session("lastfm"),
        )

    def get_login_url(self, request: HttpRequest, **kwargs: str) -> str:
        return reverse("lastfm_login") + (f"?{urlencode(kwargs)}" if kwargs else "")

    def redirect(
        self,
        request: HttpRequest,
        process: str,
        next_url: str | None = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponseRedirect:
        state = self.stash_redirect_state(request, process, next_url, data, **kwargs)
        callback = f"{reverse('lastfm_callback')}?{urlencode({'state': state})}"
        address = build_absolute_uri(request, callback)
        return HttpResponseRedirect(self.open_connector().authorize_url(callback=address))

    def extract_uid(self, data: ServiceUser) -> str:
        return data.uid

    def extract_extra_data(self, data: ServiceUser) -> dict[str, str]:
        return {"name": data.name}

    def extract_common_fields(self, data: ServiceUser) -> dict[str, str]:
        return {"username": data.name}


provider_classes = [LastfmProvider]
