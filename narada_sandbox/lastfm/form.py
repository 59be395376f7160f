"""Last.fm's answers as XML or JSON, its signature, and its errors.

An answer is written once, in its JSON form, and turned into XML by the rule that relates the two
on the real service (observed 2026-07): an element with attributes and text is flat with
``#text``; one with attributes and children keeps the attributes under ``@attr``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from narada_sandbox.messages import Answer, answer_json

ERRORS: dict[int, tuple[int, str]] = {
    2: (400, "Invalid service - This service does not exist"),
    3: (400, "Invalid Method - No method with that name in this package"),
    4: (403, "Unauthorized Token - This token has not been issued"),
    5: (400, "Invalid format - This service doesn't exist in that format"),
    6: (400, "Invalid parameters - Your request is missing a required parameter"),
    7: (400, "Invalid resource specified"),
    8: (500, "Operation failed - Most likely the backend service failed. Please try again."),
    9: (403, "Invalid session key - Please re-authenticate"),
    10: (403, "Invalid API key - You must be granted a valid key by last.fm"),
    11: (503, "Service Offline - This service is temporarily offline. Try again later."),
    12: (403, "Subscribers Only - This station is only available to paid last.fm subscribers"),
    13: (403, "Invalid method signature supplied"),
    14: (403, "Unauthorized Token - This token has not been authorized"),
    15: (403, "This token has expired"),
    16: (503, "There was a temporary error processing your request. Please try again"),
    17: (403, "Login: User required to be logged in"),
    26: (
        403,
        "Suspended API key - Access for your account has been suspended, please contact Last.fm",
    ),
    27: (410, "Deprecated - This type of request is no longer supported"),
    29: (
        429,
        "Rate Limit Exceeded - This application has made too many requests in a short period. "
        "If this is your API key, see https://www.last.fm/api/tos#4.4 for information about "
        "raising the limit.",
    ),
}
"""Code -> usual HTTP status and text, as clients have recorded them; 7 and 15 after the list in
Last.fm's own documentation."""

_UNSIGNED = ("format", "callback", "api_sig")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class LastfmError(Exception):
    """Last.fm says no, with a code; the status and text are the usual ones unless given."""

    def __init__(self, code: int, message: str = "", status: int | None = None) -> None:
        usual_status, usual_message = ERRORS[code]
        super().__init__(message or usual_message)
        self.code = code
        self.message = message or usual_message
        self.status = usual_status if status is None else status


def sign(parameters: Iterable[tuple[str, str]], secret: str) -> str:
    """Return the ``api_sig`` of some parameters (Last.fm's authentication page, section 8).

    Names in byte order, each followed by its raw value, then the secret; ``format``, ``callback``
    and ``api_sig`` itself are left out.
    """
    chosen = [(k.encode(), v.encode()) for k, v in parameters if k not in _UNSIGNED]
    text = b"".join(name + value for name, value in sorted(chosen))
    return hashlib.md5(text + secret.encode()).hexdigest()


def write_answer(value: dict[str, Any], form: str, status: int = 200) -> Answer:
    """Write an answer in the asked form: "json", else XML."""
    if form == "json":
        return answer_json(value, status)
    body = "".join(render_element(name, child) for name, child in value.items())
    return _wrap_xml(f'<lfm status="ok">{body}</lfm>', status)


def write_error(error: LastfmError, form: str) -> Answer:
    """Write an error in the asked form."""
    if form == "json":
        return answer_json({"message": error.message, "error": error.code}, error.status)
    text = escape(error.message)
    return _wrap_xml(
        f'<lfm status="failed">\n  <error code="{error.code}">{text}</error>\n</lfm>', error.status
    )


def _wrap_xml(text: str, status: int) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8" ?>\n{text}\n'
    return Answer(status, body.encode(), "text/xml; charset=UTF-8")


def render_element(name: str, value: Any) -> str:
    """Turn one member of the JSON form into XML; a list becomes repeated elements."""
    if isinstance(value, list):
        return "".join(render_element(name, item) for item in value)
    if not isinstance(value, dict):
        return f"<{name}>{_escape(value)}</{name}>"
    if "#text" in value:
        attributes = {key: text for key, text in value.items() if key != "#text"}
        return f"<{name}{_write_attributes(attributes)}>{_escape(value['#text'])}</{name}>"
    children = "".join(render_element(k, v) for k, v in value.items() if k != "@attr")
    return f"<{name}{_write_attributes(value.get('@attr', {}))}>{children}</{name}>"


def _write_attributes(attributes: dict[str, Any]) -> str:
    return "".join(f" {key}={quoteattr(_clean(text))}" for key, text in attributes.items())


def _escape(value: Any) -> str:
    return escape(_clean(value), {'"': "&quot;", "'": "&apos;"})


def _clean(value: Any) -> str:
    return _NOT_XML.sub("?", str(value))
