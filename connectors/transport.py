"""The adapter below ``connectors.http``: an answer has a largest size and a deadline.

A read timeout alone ends no answer that drips a byte at a time, in its headers or its body, and a
few MB of gzip unpack to gigabytes.
"""

from __future__ import annotations

import http.client
import io
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

# A page of 1,000 loved tracks is about 1 MB, one of 50 liked songs about 0.3 MB.
LARGEST_ANSWER = 5_000_000
CHUNK = 65_536


class AnswerTooLong(requests.RequestException):
    """An answer is larger, when unpacked, than any that a service has reason to send."""


class AnswerTooSlow(TimeoutError):
    """An answer was not complete by its deadline."""


class DeadlineAdapter(HTTPAdapter):
    """Connects as requests does; an answer must be complete ``deadline`` seconds after the request
    was sent."""

    def __init__(self, deadline: float, **options: Any) -> None:
        self._pools = _make_pools(deadline)
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._pools
        return manager


def read_body(response: requests.Response) -> None:
    """Read the body of a streamed answer into it. Raises AnswerTooLong."""
    body = io.BytesIO()
    for chunk in response.iter_content(CHUNK):
        body.write(chunk)
        if body.tell() > LARGEST_ANSWER:
            response.close()
            raise AnswerTooLong(f"more than {LARGEST_ANSWER:,} bytes")
    response._content = body.getvalue()


def _make_pools(deadline: float) -> dict[str, Any]:
    class Response(http.client.HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp: Any = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, deadline))

    class Plain(HTTPConnection):
        response_class = Response

    class Secure(HTTPSConnection):
        response_class = Response

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _DeadlineReader(io.RawIOBase):
    """A socket's bytes until a deadline; each read waits for as long as is left of it."""

    def __init__(self, raw: Any, sock: Any, deadline: float) -> None:
        self._raw, self._sock = raw, sock
        self._until = monotonic() + deadline
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - monotonic()
        if left <= 0:
            raise AnswerTooSlow("the answer was not complete by its deadline")
        is_last = self._timeout is None or left < self._timeout
        if is_last:
            self._sock.settimeout(left)
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError as error:
            if is_last:
                raise AnswerTooSlow("the answer was not complete by its deadline") from error
            raise
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
