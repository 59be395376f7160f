"""What the services gave to the app as such, and what it means to have none."""

from __future__ import annotations

from django.conf import settings

from likes.models import Service

WHERE_TO_GET = {
    Service.SPOTIFY: (
        "SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET",
        "https://developer.spotify.com/dashboard",
    ),
    Service.LASTFM: (
        "LASTFM_API_KEY and LASTFM_API_SECRET",
        "https://www.last.fm/api/account/create",
    ),
}


class NotConnected(Exception):
    """This user has no usable connection to a service; the text says what to do."""

    def __init__(self, message: str, *, service: str) -> None:
        super().__init__(message)
        self.service = service


class AccountRefused(NotConnected):
    """This account cannot be connected to this user; nothing was stored."""


class CredentialsMissing(Exception):
    """The settings lack what a service gives to the app; the text says where to get it."""

    def __init__(self, service: str) -> None:
        names, address = WHERE_TO_GET[Service(service)]
        super().__init__(
            f"{names} are not set. Create an app at {address} and put them into the environment "
            "or the .env file."
        )
        self.service = service


def has_credentials(service: str) -> bool:
    """Tell whether the settings hold what the service gives to an app."""
    if service == Service.SPOTIFY:
        return bool(settings.SPOTIFY_CLIENT_ID and settings.SPOTIFY_CLIENT_SECRET)
    return bool(settings.LASTFM_API_KEY and settings.LASTFM_API_SECRET)


def check_credentials(service: str) -> None:
    """Raise CredentialsMissing unless the settings hold what the service gives to an app."""
    if not has_credentials(service):
        raise CredentialsMissing(service)
