"""What leaves the program about an error: to Sentry, to a log, to a page for developers.

None of it carries a password, code, state, token or key: all text goes through ``hide_secrets``,
and of a request only its method and path are told.
"""

from __future__ import annotations

import logging
import re
from collections.abc import ItemsView, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

from allauth.core import context
from django.conf import settings
from django.http import UnreadablePostError
from django.utils.datastructures import MultiValueDict
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

HIDDEN = "[hidden]"
#: Fields, settings and parameters that hold secrets, by parts of their names.
SECRET_NAME = (
    r"[\w-]*(?:passw|passphrase|secret|token|credential|authorization|cookie|signature|verifier"
    r"|sessionid|api[_-]?key|api[_-]?sig|[_-]key|proof)[\w-]*"
)
SHORT_NAME = r"code|state|key|sk|sig"
PATTERNS = (
    # password=x, code=x&state=y, and {'token': 'x'}
    (rf"(?i)\b((?:{SECRET_NAME}|{SHORT_NAME})=)[^&\s'\",;)]+", rf"\1{HIDDEN}"),
    (rf"(?i)(['\"](?:{SECRET_NAME}|{SHORT_NAME})['\"]\s*[:,]\s*\[?['\"])[^'\"]+", rf"\1{HIDDEN}"),
    (rf"(?i)\b((?:{SECRET_NAME})\s*:\s+(?:Bearer|Basic)?\s*)[^\s'\"]+", rf"\1{HIDDEN}"),
    (r"(?i)\b((?:Bearer|Basic)\s+)[\w.~+/=-]{8,}", rf"\1{HIDDEN}"),
    (r"(\w://)[^/\s@'\"]+@", rf"\1{HIDDEN}@"),
    # Spotify's tokens, Fernet's, Last.fm's session keys and other long texts of no meaning.
    (r"\b(?:BQ|AQ|gAAAAA)[\w-]{20,}=*", HIDDEN),
    (r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{32,}\b=*", HIDDEN),
)
RULES = [(re.compile(pattern), shown) for pattern, shown in PATTERNS]
IS_SECRET_NAME = re.compile(rf"(?i)^(?:{SECRET_NAME}|{SHORT_NAME}|login)$")
#: Shorter texts are hidden by the names before them only.
SHORTEST = 6


def hide_secrets(text: str) -> str:
    """Return the text without what the settings and the request under way hold of secrets."""
    for secret in sorted({*list_settings(), *list_typed()}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for rule, shown in RULES:
        text = rule.sub(shown, text)
    return text


def list_settings() -> frozenset[str]:
    """Return the secrets that the settings hold."""
    addresses = (settings.REDIS_URL, settings.CELERY_BROKER_URL, settings.EMAIL_URL)
    passwords = [urlsplit(address).password or "" for address in addresses]
    found = [
        settings.SECRET_KEY,
        *settings.TOKEN_ENCRYPTION_KEYS,
        settings.SPOTIFY_CLIENT_SECRET,
        settings.LASTFM_API_KEY,
        settings.LASTFM_API_SECRET,
        str(settings.DATABASES["default"].get("PASSWORD") or ""),
        *passwords,
        *map(unquote, passwords),
    ]
    return frozenset(secret for secret in found if len(secret) > SHORTEST)


def list_typed() -> Iterator[str]:
    """Yield the secrets in the form, the address and the cookies of the request under way."""
    request = context.request
    if request is None:
        return
    try:
        fields: list[MultiValueDict[str, str]] = [request.POST, request.GET]
    except (UnreadablePostError, ValueError):
        fields = [request.GET]
    for name, values in (pair for field in fields for pair in field.lists()):
        if IS_SECRET_NAME.match(name):
            yield from (value for value in values if len(value) >= SHORTEST)
    yield from (value for value in request.COOKIES.values() if len(value) >= 16)


class SecretsHidden(logging.Formatter):
    """A formatter whose lines, tracebacks included, have gone through ``hide_secrets``."""

    inner: logging.Formatter | None = None

    @classmethod
    def around(cls, formatter: logging.Formatter | None) -> SecretsHidden:
        hidden = cls()
        hidden.inner = formatter
        return hidden

    def format(self, record: logging.LogRecord) -> str:
        line = self.inner.format(record) if self.inner else super().format(record)
        return hide_secrets(line)


def start_sentry(dsn: str, **options: Any) -> None:
    """Report errors to Sentry, which by itself takes nothing that tells who a user is."""
    import sentry_sdk

    sentry_sdk.init(
        dsn=dsn,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=scrub_event,
        before_breadcrumb=keep_log_lines,
        **options,
    )


def scrub_event(event: Any, hint: dict[str, Any]) -> Any:
    """Return a Sentry event that holds no secret; Sentry asks for this before it sends one."""
    request = event.pop("request", None)
    if request:
        event["request"] = {
            "method": request.get("method"),
            "url": hide_secrets(str(request.get("url", "")).partition("?")[0]),
        }
    event.pop("user", None)
    for name in ("message", "logentry", "extra", "contexts", "breadcrumbs", "tags"):
        if name in event:
            event[name] = hide_everywhere(event[name])
    for error in (event.get("exception") or {}).get("values", ()):
        error["value"] = hide_secrets(str(error.get("value") or ""))
        for frame in (error.get("stacktrace") or {}).get("frames", ()):
            frame.pop("vars", None)
    return event


def hide_everywhere(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if IS_SECRET_NAME.match(str(name)) and isinstance(inner, str)
            else inner
            if name in ("trace_id", "span_id")
            else hide_everywhere(inner)
            for name, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [hide_everywhere(inner) for inner in value]
    return hide_secrets(value) if isinstance(value, str) else value


def keep_log_lines(crumb: Any, hint: dict[str, Any]) -> Any:
    """Keep only the log's lines of what led to an error: addresses and SQL may hold secrets."""
    return crumb if "log_record" in hint else None


class SafeFilter(SafeExceptionReporterFilter):
    """Hides secrets from the pages that ``DEBUG`` shows, where Django hides them in part."""

    hidden_settings = re.compile(
        r"API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|CSRF|URL|DSN|LOCATION|QUERY_STRING"
        r"|PROVIDERS|DATABASES|CACHES|URI|REFERER",
        re.IGNORECASE,
    )

    def is_active(self, request: Any) -> bool:
        return True

    def get_post_parameters(self, request: Any) -> dict[str, str]:
        return {} if request is None else dict.fromkeys(request.POST, HIDDEN)

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> ItemsView[str, Any]:
        return dict.fromkeys(tb_frame.f_locals, "[not shown]").items()


class SafeReporter(ExceptionReporter):
    """The page that ``DEBUG`` shows, without the query and with the rest of it scrubbed."""

    def get_traceback_data(self) -> dict[str, Any]:
        data = super().get_traceback_data()
        if self.request is not None:
            data["request_GET_items"] = [(name, HIDDEN) for name in self.request.GET]
            data["request_insecure_uri"] = self.request.path
        if "exception_value" in data:
            data["exception_value"] = hide_secrets(str(data["exception_value"]))
        for frame in data.get("frames", ()):
            for error in ("exc_cause", "exc_context"):
                if frame.get(error):
                    frame[error] = hide_secrets(str(frame[error]))
        return data
