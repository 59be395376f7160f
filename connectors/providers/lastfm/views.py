"""To Last.fm's consent page, and back with a token."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from connectors.errors import RequestRejected
from connectors.providers.views import CallbackView, ConnectView
from connectors.records import ServiceUser, Tokens


class LastfmCallbackView(CallbackView):
    """Exchanges the token for a session key, which comes with the user's name."""

    provider_id = "lastfm"

    def fetch(
        self, request: HttpRequest, provider: Any, state: dict[str, Any]
    ) -> tuple[ServiceUser, Tokens]:
        token = request.GET.get("token", "")
        if not token:
            raise RequestRejected("Last.fm came back without a token.", service="lastfm")
        answer: tuple[ServiceUser, Tokens] = provider.open_connector().get_session(token)
        return answer


login = ConnectView.as_view(provider_id="lastfm")
callback = LastfmCallbackView.as_view()
