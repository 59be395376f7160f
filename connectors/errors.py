"""The error tree of all connectors; raised in ``http.py`` from one table.

ConnectorError            the service, not us: has .service, .status
  TemporaryError          try later: timeout, 5xx, unreadable answer
    RateLimited           the service said when: .retry_at
  AuthorizationError      the user must reconnect: revoked, expired, not allow-listed
  ServiceClosed           nobody gets through: bad key, bad signature, premium lapsed
  RequestRejected         wrong for good: never retry
"""

from __future__ import annotations

from datetime import datetime


class ConnectorError(Exception):
    """A service did not do what was asked. The text is for a person and holds no secret.

    ``status`` is the HTTP status, None when no answer came; ``code`` is the service's own error
    code: Last.fm's number as text, Spotify's ``reason`` or OAuth ``error``, else empty.
    """

    def __init__(
        self, message: str, *, service: str, status: int | None = None, code: str = ""
    ) -> None:
        super().__init__(message)
        self.service = service
        self.status = status
        self.code = code


class TemporaryError(ConnectorError):
    """Try later: a timeout, a reset, a 5xx, an answer that cannot be read.

    ``maybe_done`` is True when the request may have reached the service and had its effect.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str,
        status: int | None = None,
        code: str = "",
        maybe_done: bool = False,
    ) -> None:
        super().__init__(message, service=service, status=status, code=code)
        self.maybe_done = maybe_done


class RateLimited(TemporaryError):
    """Nobody of this deployment should call the service before ``retry_at`` (UTC)."""

    def __init__(
        self,
        message: str,
        *,
        service: str,
        retry_at: datetime,
        status: int | None = None,
        code: str = "",
    ) -> None:
        super().__init__(message, service=service, status=status, code=code)
        self.retry_at = retry_at


class AuthorizationError(ConnectorError):
    """This user must connect again, or the app's owner must allow-list them.

    ``final`` is True when the service says that the consent has ended, which is no false alarm.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str,
        status: int | None = None,
        code: str = "",
        final: bool = False,
    ) -> None:
        super().__init__(message, service=service, status=status, code=code)
        self.final = final


class ServiceClosed(ConnectorError):
    """Nobody gets through: a bad API key or signature, a suspended key, a lapsed subscription."""


class RequestRejected(ConnectorError):
    """This request is wrong for good; sending it again changes nothing."""
