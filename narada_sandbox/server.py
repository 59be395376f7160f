"""The sandbox as an HTTP server on a loopback address.

    with Sandbox(likes=1000, seed=1) as box:
        os.environ.update(box.environ())

Plain ``http.server`` with keep-alive: it gives the control over the socket that faults need, and
each answer leaves in one write.
"""

from __future__ import annotations

import contextlib
import http
import json
import socket
import struct
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from narada_sandbox.messages import Answer, Call, answer_json
from narada_sandbox.services import Services, name_call
from narada_sandbox.settings import make_settings
from narada_sandbox.world.people import Taste

MARK = "X-Narada-Sandbox"
_MAX_BODY = 16 * 1024 * 1024
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_FORM = "application/x-www-form-urlencoded"


class NotLoopback(ValueError):
    """The sandbox serves the machine it runs on and nobody else."""


def is_loopback(host: str) -> bool:
    """Say whether a host name or address can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_host(address: str) -> str:
    """Return the host of an address, or "" where there is none to read."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _handle(self) -> None:
        body = self._read_body()
        if body is None:
            return
        if not is_loopback(read_host(f"//{self.headers.get('Host', '')}")):
            self._send(answer_json({"error": "the sandbox answers to loopback names only"}, 421))
            return
        if self._is_sent_by_another_site():
            self._send(answer_json({"error": "another site sent this"}, 403))
            return
        answer = self.server.services.answer(self._read_call(body))
        if answer.reset:
            self._reset()
        else:
            self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _handle

    def _is_sent_by_another_site(self) -> bool:
        """Tell whether a page of another origin sent this; programs send none of these headers.

        Following a link is no such thing, and so is what Narada's redirect leads to.
        """
        own = f"http://{self.headers.get('Host', '')}"
        if "Origin" in self.headers:
            return self.headers["Origin"] != own
        site = self.headers.get("Sec-Fetch-Site", "none")
        if self.command in ("GET", "HEAD"):
            follows = self.headers.get("Sec-Fetch-Mode") == "navigate"
            return site not in ("none", "same-origin") and not follows
        referer = self.headers.get("Referer", own)
        return site not in ("none", "same-origin") or not f"{referer}/".startswith(f"{own}/")

    def _read_body(self) -> bytes | None:
        text = self.headers.get("Content-Length", "0")
        if not text.isdecimal() or len(text) > 9 or int(text) > _MAX_BODY:
            self.close_connection = True
            self._send(answer_json({"error": "bad Content-Length"}, 400))
            return None
        return self.rfile.read(int(text)) if text != "0" else b""

    def _read_call(self, body: bytes) -> Call:
        raw_path, _, raw_query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = tuple(parse_qsl(raw_query, keep_blank_values=True))
        is_form = headers.get("content-type", _FORM).startswith(_FORM)
        form: tuple[tuple[str, str], ...] = ()
        if body and is_form:
            form = tuple(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        path = unquote(raw_path)
        service, kind = name_call(self.command, path, {**dict(query), **dict(form)})
        return Call(
            service=service,
            kind=kind,
            http=self.command,
            path=path,
            query=query,
            form=form,
            headers=headers,
            body=body,
            address=self.client_address[0],
            base_url=self.server.url,
        )

    def _send(self, answer: Answer) -> None:
        length = len(answer.body)
        lines = [
            f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Unknown')}",
            f"Content-Type: {answer.content_type}",
            f"Content-Length: {length}",
            f"{MARK}: 1",
            "Cache-Control: no-store",
            "X-Frame-Options: DENY",
            *(f"{name}: {value}" for name, value in answer.headers),
        ]
        if answer.cut:
            self.close_connection = True
        if self.close_connection:
            lines.append("Connection: close")
        body = answer.body[: length // 2] if answer.cut else answer.body
        if self.command == "HEAD":
            body = b""
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if not answer.pause:
            self.wfile.write(head + body)
            return
        for byte in head + body:
            time.sleep(answer.pause)
            self.wfile.write(bytes([byte]))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not HTTP at all, marked like everything else."""
        self.close_connection = True
        self._send(answer_json({"error": message or _PHRASES.get(code, "")}, code))

    def _reset(self) -> None:
        """Close with a RST: the client sees "connection reset by peer"."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()  # the socket closes when its last user does
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # the call log replaces it
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, host: str, port: int, services: Services) -> None:
        if not is_loopback(host):
            raise NotLoopback(f"{host} is not a loopback address")
        if ":" in host:
            self.address_family = socket.AF_INET6
        self.services = services
        super().__init__((host, port), _Handler)
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self.server_address[1]}"
        self._connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End the connections that are kept alive: a stopped server answers nobody."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away; anything else is a fault of the sandbox."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Sandbox:
    """A sandbox in a thread of this process, on a free port unless one is named.

    ``likes`` is how many alice and bob have each; ``awkward=False`` gives plain songs only.
    """

    def __init__(
        self,
        *,
        likes: int = 200,
        seed: int = 1,
        scrobble_share: float = 0.93,
        loved_share: float = 0.1,
        awkward: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        state_path: Path | None = None,
    ) -> None:
        taste = Taste(likes, scrobble_share, loved_share, awkward, seed)
        self.services = Services(state_path, taste)
        self._server = _Server(host, port, self.services)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The base address, without a final slash."""
        return self._server.url

    def environ(self) -> dict[str, str]:
        """Return the settings that point Narada at this sandbox, credentials included."""
        return make_settings(self.url)

    def start(self) -> Sandbox:
        """Serve from a thread until ``stop``."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and close the port and the state file."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._server.hang_up()
        with self.services.state.lock:
            self.services.state.store.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def order(self, path: str, value: Any = None, *, http: str = "POST", **query: str) -> Any:
        """Give an order to the control API, ``order("like", {"user": "alice", "n": 3})``, and
        return its JSON answer; raises urllib's HTTPError when it is refused."""
        address = f"{self.url}/sandbox/{path}"
        if query:
            address += f"?{urlencode(query)}"
        body = None if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(address, data=body, headers=headers, method=http)
        with _DIRECT.open(request, timeout=60) as answer:
            return json.load(answer)

    def calls(
        self, service: str = "", kind: str = "", user: str = "", since: int = 0
    ) -> list[dict[str, Any]]:
        """Return the log of calls, oldest first."""
        return self.services.log.read(since=since, service=service, kind=kind, user=user)

    def count_calls(self) -> dict[str, int]:
        """Return how many calls of each kind came: {"spotify GET /me/tracks": 20, ...}."""
        return self.services.log.count()

    def clear_calls(self) -> None:
        """Forget the log."""
        self.services.log.clear()

    def add_faults(self, *rules: dict[str, Any]) -> None:
        """Switch faults on; see ``faults.Fault`` for what a rule may say."""
        self.services.faults.add(list(rules))

    def clear_faults(self) -> None:
        """Switch every fault off."""
        self.services.faults.clear()

    def grant(self, service: str, user: str, scopes: str | None = None) -> dict[str, Any]:
        """Return tokens as a finished consent would have given them."""
        order = {"service": service, "user": user}
        granted: dict[str, Any] = self.order(
            "grant", order if scopes is None else {**order, "scopes": scopes}
        )
        return granted


def serve(
    host: str = "127.0.0.1",
    port: int = 8900,
    *,
    state_path: Path | None = None,
    likes: int = 200,
    seed: int = 1,
    on_ready: Callable[[str, dict[str, str]], None] | None = None,
) -> None:
    """Serve in this thread until a KeyboardInterrupt, which is passed on.

    ``on_ready`` is called with the address and the settings once the port is open. With a
    ``state_path`` that holds users already, ``likes`` and ``seed`` change nothing. Raises
    NotLoopback, or OSError when the port is taken.
    """
    box = Sandbox(host=host, port=port, state_path=state_path, likes=likes, seed=seed)
    try:
        if on_ready is not None:
            on_ready(box.url, box.environ())
        box._server.serve_forever(poll_interval=0.2)
    finally:
        box.stop()
