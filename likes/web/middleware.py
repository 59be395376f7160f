"""Rules that hold for every page, Narada's, allauth's and the admin's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.views.defaults import bad_request, server_error

from likes.models.database_failures import name_failure

logger = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]


def dress_answers(get_response: GetResponse) -> GetResponse:
    """Give each answer its Content-Security-Policy, and a wrong method a page of ours."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code == 405 and not response.content:
            page = render(request, "405.html", status=405)
            page["Allow"] = response["Allow"]
            response = page
        # Django's own pages for developers bring their styles along.
        if not (settings.DEBUG and response.status_code >= 400):
            response.setdefault("Content-Security-Policy", make_policy())
        return response

    return answer


def make_policy() -> str:
    """Return the policy: all comes from here, nothing is inline, and forms lead to the services.

    A form that connects is sent to Narada, which redirects to the service; Chromium holds
    ``form-action`` against each redirect.
    """
    consents = (settings.SPOTIFY_ACCOUNTS_URL, settings.LASTFM_AUTH_URL)
    targets = " ".join(target for address in consents for target in list_origins(address))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {targets}"
    )


def list_origins(address: str) -> Iterator[str]:
    """Yield an address's origin and, as services sign people in beside it, its domain's others.

    >>> list(list_origins("https://www.last.fm/api/auth/"))
    ['https://www.last.fm', 'https://*.last.fm']
    """
    parts = urlsplit(address)
    yield f"{parts.scheme}://{parts.netloc}"
    first, _, domain = (parts.hostname or "").partition(".")
    if "." in domain and not first.isdecimal():
        yield f"{parts.scheme}://*.{domain}"


def refuse_bad_filters(get_response: GetResponse) -> GetResponse:
    """Answer 400 where a list of the admin is filtered by an impossible number or date.

    Django 5.2 catches some of these mistakes itself and lets others through, as ``id__in`` with a
    number of 20 digits or a year before the first.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, error: Exception) -> HttpResponse | None:
        filtered = request.method in ("GET", "HEAD") and bool(request.GET)
        at = request.resolver_match
        if not filtered or at is None or "admin" not in at.app_names:
            return None
        if not isinstance(error, (ValueError, OverflowError, DataError)):
            return None
        logger.warning("a filter of %s could not be read", request.path, exc_info=error)
        return bad_request(request, error)

    answer.process_exception = process_exception  # type: ignore[attr-defined]
    return answer


def refuse_null_characters(get_response: GetResponse) -> GetResponse:
    """Answer 400 where a NUL is in the address, a cookie or a form: PostgreSQL stores none.

    No text that a person types has one. Raises BadRequest.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        texts = [request.path, *request.COOKIES.values()]
        try:
            forms = (request.GET, request.POST)
        except UnreadablePostError as error:
            raise BadRequest("The form was cut off.") from error
        for fields in forms:
            for name, values in fields.lists():
                texts += [name, *values]
        if any("\0" in text for text in texts):
            raise BadRequest("A NUL character is in the request.")
        return get_response(request)

    return answer


class TellDatabaseFailures:
    """Answers with a page that says so where the database is full, read-only or away."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if failure := name_failure(error):
            return tell_database_failure(request, failure, error)
        return None


def tell_database_failure(
    request: HttpRequest, failure: str, error: BaseException | None
) -> HttpResponse:
    logger.error("%s was not served, as the database failed: %s", request.path, error)
    return render(request, "503.html", {"failure": failure}, status=503)


def answer_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that no view or middleware has answered, such as one in storing a session."""
    error = sys.exc_info()[1]
    if failure := name_failure(error):
        return tell_database_failure(request, failure, error)
    return server_error(request)
