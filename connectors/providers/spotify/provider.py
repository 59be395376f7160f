"""Spotify for allauth.

What allauth 65.21's own does and this does not: it puts the access token into the address, names
an account by ``id`` (Spotify, May 2026: "Use account_id rather than id when linking user
accounts"), asks for no scope, leaves PKCE off, and breaks on a 403 or a profile without pictures.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.providers.base import ProviderAccount
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.spotify.provider import SpotifyOAuth2Provider
from allauth.socialaccount.providers.spotify.views import SpotifyOAuth2Adapter
from django.conf import settings

from connectors.records import ServiceUser


class SpotifyAccount(ProviderAccount):  # type: ignore[misc]
    """A stored account: its name, and no picture or address, which Narada does not keep."""

    def to_str(self) -> str:
        return str(self.account.extra_data.get("name") or self.account.uid)


class SpotifyAdapter(SpotifyOAuth2Adapter):  # type: ignore[misc]
    """allauth's OAuth 2 steps at the addresses of the settings."""

    @property
    def authorize_url(self) -> str:
        return f"{settings.SPOTIFY_ACCOUNTS_URL.rstrip('/')}/authorize"

    @property
    def access_token_url(self) -> str:
        return f"{settings.SPOTIFY_ACCOUNTS_URL.rstrip('/')}/api/token"

    @property
    def profile_url(self) -> str:
        return f"{settings.SPOTIFY_API_URL.rstrip('/')}/me"


class SpotifyProvider(SpotifyOAuth2Provider):  # type: ignore[misc]
    """Consent by authorization code with PKCE, for reading the saved tracks."""

    account_class = SpotifyAccount
    oauth2_adapter_class = SpotifyAdapter

    def get_default_scope(self) -> list[str]:
        return ["user-library-read"]

    def get_pkce_params(self) -> dict[str, Any]:
        params: dict[str, Any] = generate_code_challenge()
        return params

    def extract_uid(self, data: ServiceUser) -> str:
        return data.uid

    def extract_extra_data(self, data: ServiceUser) -> dict[str, str]:
        return {"name": data.name}

    def extract_common_fields(self, data: ServiceUser) -> dict[str, str]:
        return {"name": data.name}


provider_classes = [SpotifyProvider]
