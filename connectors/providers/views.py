"""The two steps of connecting, the same for both services: to the consent page, and back."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import complete_social_login, render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.base.views import BaseLoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View

from connectors.errors import ConnectorError
from connectors.http import ServiceSession
from connectors.records import ServiceUser, Tokens


def open_session(service: str) -> ServiceSession:
    """Return the site's session for a service: its budget, its error table."""
    session: ServiceSession = get_adapter().get_service_session(service)
    return session


@method_decorator(login_not_required, name="dispatch")
class ConnectView(BaseLoginView):  # type: ignore[misc]
    """Sends the user to the service's consent page, by POST (a GET asks first)."""

    provider_id: str = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().dispatch(request, *args, **kwargs)
        except SocialApp.DoesNotExist:
            response = get_adapter().explain_missing_app(request, self.provider_id)
        return response


@method_decorator(login_not_required, name="dispatch")
class CallbackView(View):
    """Receives the user with the service's answer, and hands on who they are and their tokens.

    The state is looked up in the session and works once; allauth keeps it for ten minutes.
    """

    provider_id: str

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            provider = get_adapter().get_provider(request, self.provider_id)
        except SocialApp.DoesNotExist:
            missing: HttpResponse = get_adapter().explain_missing_app(request, self.provider_id)
            return missing
        try:
            state = provider.unstash_redirect_state(request, request.GET.get("state", ""))
        except PermissionDenied as error:
            return self._refuse(request, provider, exception=error)
        if "error" in request.GET:
            declined = request.GET["error"] == "access_denied"
            code = AuthError.CANCELLED if declined else AuthError.UNKNOWN
            return self._refuse(request, provider, error=code, extra_context={"state": state})
        try:
            service_user, tokens = self.fetch(request, provider, state)
        except ConnectorError as error:
            return self._refuse(request, provider, exception=error, extra_context={"state": state})
        login = provider.sociallogin_from_response(request, service_user)
        login.state = state
        # Not as login.token: allauth 65 writes that into the account's row before it asks to which
        # of its users the account belongs (SocialLogin.lookup, then flows.connect.do_connect).
        login.tokens = tokens
        response: HttpResponse = complete_social_login(request, login)
        return response

    def fetch(
        self, request: HttpRequest, provider: Any, state: dict[str, Any]
    ) -> tuple[ServiceUser, Tokens]:
        """Ask the service who has consented, and for the tokens. Raises ConnectorError."""
        raise NotImplementedError

    def _refuse(self, request: HttpRequest, provider: Any, **why: Any) -> HttpResponse:
        response: HttpResponse = render_authentication_error(request, provider, **why)
        return response
