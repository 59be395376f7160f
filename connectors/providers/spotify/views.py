"""To Spotify's consent page, and back with a code."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from django.conf import settings
from django.http import HttpRequest

from connectors.errors import RequestRejected
from connectors.providers.views import CallbackView, ConnectView, open_session
from connectors.records import ServiceUser, Tokens
from connectors.spotify import SpotifyAccounts, SpotifyConnector


class SpotifyCallbackView(CallbackView):
    """Exchanges the code and asks, with the token in a header, whose it is."""

    provider_id = "spotify"

    def fetch(
        self, request: HttpRequest, provider: Any, state: dict[str, Any]
    ) -> tuple[ServiceUser, Tokens]:
        code = request.GET.get("code", "")
        if not code:
            raise RequestRejected("Spotify came back without a code.", service="spotify")
        http = open_session("spotify")
        adapter: OAuth2Adapter = provider.get_oauth2_adapter(request)
        accounts = SpotifyAccounts(
            provider.app.client_id, provider.app.secret, settings.SPOTIFY_ACCOUNTS_URL, http
        )
        tokens = accounts.exchange_code(
            code, adapter.get_callback_url(request, provider.app), state["pkce_code_verifier"]
        )
        connector = SpotifyConnector(
            lambda forced: tokens.access_token, api_url=settings.SPOTIFY_API_URL, http=http
        )
        return connector.get_user(), tokens


oauth_login = ConnectView.as_view(provider_id="spotify")
oauth_callback = SpotifyCallbackView.as_view()
