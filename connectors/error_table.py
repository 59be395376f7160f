"""What an answer means: the one table from statuses, codes and texts to the error tree."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import requests

from connectors.errors import (
    AuthorizationError,
    ConnectorError,
    RateLimited,
    RequestRejected,
    ServiceClosed,
    TemporaryError,
)
from connectors.text import keep_showable

Document = dict[str, Any] | list[Any] | ElementTree.Element | str | None

NAMES = {"spotify": "Spotify", "lastfm": "Last.fm"}

# Code of the service -> what it means. Last.fm: https://www.last.fm/api/errorcodes and
# https://github.com/lastfm-docs/api-docs (docs/codes.md); a number that is not here is a request
# that is wrong for good. Spotify's accounts service: RFC 6749, section 5.2. Spotify's Web API:
# "reason" since 2026-07-23 (changes of July 2026). The last group are our names for its texts.
BY_CODE: dict[str, type[ConnectorError]] = {
    "4": AuthorizationError,
    "8": TemporaryError,
    "9": AuthorizationError,
    "10": ServiceClosed,
    "11": TemporaryError,
    "13": ServiceClosed,
    "14": AuthorizationError,
    "15": AuthorizationError,
    "16": TemporaryError,
    "17": AuthorizationError,
    "26": ServiceClosed,
    "29": RateLimited,
    "invalid_grant": AuthorizationError,
    "access_denied": AuthorizationError,
    "invalid_client": ServiceClosed,
    "unauthorized_client": ServiceClosed,
    "server_error": TemporaryError,
    "temporarily_unavailable": TemporaryError,
    "QUOTA_EXCEEDED": RateLimited,
    "expired": AuthorizationError,
    "not_registered": AuthorizationError,
    "insufficient_scope": AuthorizationError,
    "premium": ServiceClosed,
    "forbidden": AuthorizationError,
    "removed": RequestRejected,
}

# Spotify's Web API gives no codes: (status, words in the text, our code), the first that fits.
# The text comes as JSON or plain. A bare "Forbidden" is what endpoints answer that were closed to
# apps in development mode in February 2026; so it is no word about the user.
BY_TEXT: tuple[tuple[int, str, str], ...] = (
    (400, r"valid bearer authentication", "expired"),
    (401, r"", "expired"),
    (403, r"premium", "premium"),
    (403, r"not registered|developer dashboard", "not_registered"),
    (403, r"scope", "insufficient_scope"),
    (403, r"^forbidden\.?$", "removed"),
    (403, r"", "forbidden"),
)

# What Spotify's OAuth error "invalid_grant" says where it is final; else it may be a false alarm.
ENDED_GRANT = r"refresh token\b.*\b(revoked|expired)"

ADVICE = {
    "premium": "The owner of the Spotify app has no active Premium subscription, so Spotify "
    "refuses every call. It can take a few hours after a renewal.",
    "not_registered": "This account is not on the Spotify app's list of users: its owner can add "
    "it in the developer dashboard, under User Management.",
    "invalid_grant": "Spotify no longer accepts this consent (revoked, used up, or older than "
    "six months): connect Spotify again.",
    "insufficient_scope": "The consent does not cover this: connect Spotify again.",
}

# How long to stay away when the service does not say (s). 29: no Retry-After was ever reported.
# QUOTA_EXCEEDED: clients that came back after 5 minutes were locked out for 4 hours
# (https://github.com/Nezreka/SoulSync/issues/376); half an hour went well.
HOLD_SECONDS = {"29": 60.0, "QUOTA_EXCEEDED": 1800.0}
LONGEST_HOLD = timedelta(days=7)


def check_answer(
    service: str, request: requests.PreparedRequest, response: requests.Response
) -> None:
    """Raise what the answer means, unless it is a success that can be read."""
    document = read_document(response)
    code, text = find_complaint(document)
    status = response.status_code
    if not code and not text and 200 <= status < 300:
        if _is_expected(service, request, document):
            return
        text = "the answer cannot be read"
    kind, code = classify(service, status, code, text)
    final = code == "invalid_grant" and bool(re.search(ENDED_GRANT, text, re.IGNORECASE))
    text = ADVICE.get(code) or _clean(text)
    message = f"{NAMES.get(service, service)} answered {status} to {name_request(request)}"
    message += (f" (error {code[:64]})" if code.isdigit() else "") + (f": {text}" if text else ".")
    common: dict[str, Any] = {"service": service, "status": status, "code": code[:64]}
    if kind is RateLimited:
        retry_at = read_retry_at(response.headers.get("Retry-After"), code)
        raise RateLimited(message, retry_at=retry_at, **common)
    if kind is TemporaryError:
        raise TemporaryError(message, maybe_done=True, **common)
    if kind is AuthorizationError:
        raise AuthorizationError(message, final=final, **common)
    raise kind(message, **common)


def classify(service: str, status: int, code: str, text: str) -> tuple[type[ConnectorError], str]:
    """Return the kind of error and its code; the body counts before the status.

    Last.fm's status says little (error bodies come with 200, 400, 403, 404, 500), so without a
    code in the body its answer is not Last.fm speaking. ``text`` is empty where the body is HTML
    or cannot be read.
    """
    if code in BY_CODE:
        return BY_CODE[code], code
    if code.isdigit():
        return RequestRejected, code
    if status == 429:
        return RateLimited, "29" if service == "lastfm" else code
    if service == "lastfm" or status in (408, 425) or not 400 <= status < 500:
        return TemporaryError, code
    if not text and status != 401:
        return TemporaryError, code
    for on_status, words, named in BY_TEXT:
        if status == on_status and re.search(words, text, re.IGNORECASE):
            return BY_CODE[named], named
    return RequestRejected, code


def read_document(response: requests.Response) -> Document:
    """Return the body as JSON, XML or a line of plain text; None when it is none of these."""
    body = response.content.strip()
    if body[:1] in (b"{", b"["):
        try:
            # Names on Last.fm may hold control characters, which strict JSON forbids.
            document: Document = json.loads(body, strict=False)
        except (ValueError, RecursionError):
            return None
        return document
    if body[:1] == b"<":
        return _read_xml(body.decode("utf-8", "replace"))
    text = body.decode("utf-8", "replace")
    return text if text and len(text) < 1000 else None


def find_complaint(document: Document) -> tuple[str, str]:
    """Return the code and text of an error body, each "" where there is none."""
    if isinstance(document, str):
        return "", document
    if isinstance(document, ElementTree.Element):
        error = document.find("error")
        if document.tag != "lfm" or document.get("status") == "ok" or error is None:
            return "", ""
        return error.get("code", ""), (error.text or "error").strip()
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not error:
        return "", ""
    if isinstance(error, dict):
        return str(error.get("reason") or ""), str(error.get("message") or "error")
    text = document.get("message") or document.get("error_description") or "error"
    return str(error), str(text)


def read_retry_at(header: str | None, code: str) -> datetime:
    """Return when to come back, from ``Retry-After`` in seconds or as an HTTP date (RFC 9110)."""
    now = datetime.now(UTC)
    seconds = HOLD_SECONDS.get(code, 60.0)
    if header:
        try:
            seconds = float(header)
        except ValueError:
            try:
                date = parsedate_to_datetime(header)
            except ValueError:
                pass
            else:
                date = date if date.tzinfo else date.replace(tzinfo=UTC)
                seconds = (date - now).total_seconds()
    if seconds != seconds:  # float("nan") is a number to float()
        seconds = 60.0
    return now + timedelta(seconds=min(max(seconds, 0.0), LONGEST_HOLD.total_seconds()))


def read_fields(request: requests.PreparedRequest) -> dict[str, str]:
    """Return the fields of the query and of the form, if any."""
    fields = dict(parse_qsl(urlsplit(request.url or "").query))
    if "form-urlencoded" in request.headers.get("Content-Type", "") and request.body:
        body = request.body
        fields.update(parse_qsl(body.decode() if isinstance(body, bytes) else str(body)))
    return fields


def _read_xml(text: str) -> ElementTree.Element | None:
    for candidate in (text, re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)):
        try:
            return ElementTree.fromstring(candidate)
        except (ElementTree.ParseError, ValueError):
            continue
    return None


def _is_expected(service: str, request: requests.PreparedRequest, document: Document) -> bool:
    if request.method in ("PUT", "DELETE"):
        return True
    if service == "lastfm":
        if read_fields(request).get("format") == "json":
            return isinstance(document, dict)
        return isinstance(document, ElementTree.Element) and document.tag == "lfm"
    wanted = list if urlsplit(request.url or "").path.endswith("/contains") else dict
    return isinstance(document, wanted)


def name_request(request: requests.PreparedRequest) -> str:
    """Name a request without anything that could be a secret."""
    path = urlsplit(request.url or "").path
    operation = read_fields(request).get("method", "")
    return operation if re.fullmatch(r"\w+\.\w+", operation) else f"{request.method} {path}"


def _clean(text: str) -> str:
    """Return a service's text as one short line; a long word in it might be a token."""
    return re.sub(r"[\w\-+/=.]{24,}", "…", keep_showable(" ".join(text[:2000].split())))[:200]
