"""Waiting in a terminal for what a user answers in a browser."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from socketserver import TCPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

HOST = "127.0.0.1"
PATH = "/callback"
PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>Narada</title>"
    "<p style='font: 1.2rem sans-serif; margin: 3rem'>Narada has an answer; the terminal says what "
    "came of it. You can close this page.</p></html>"
)


def open_browser(address: str) -> None:
    """Open the address in a browser, where there is a screen to show it on."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return  # only a text browser could open, and would take the terminal
    webbrowser.open(address)


class LoopbackCallback:
    """A server on 127.0.0.1 that waits for one redirect to ``/callback``.

    Spotify redirects to a loopback address by number only, never to ``localhost``
    (developer.spotify.com/documentation/web-api/concepts/redirect_uri). Use as a context manager;
    entering raises OSError when the port is taken.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._answers: Queue[dict[str, str]] = Queue()

    @property
    def address(self) -> str:
        """The redirect address to register and to send."""
        return f"http://{HOST}:{self._port}{PATH}"

    def __enter__(self) -> LoopbackCallback:
        self._server = _Server((HOST, self._port), _Handler)
        self._server.answers = self._answers
        self._port = self._server.server_address[1]
        # Threads, because browsers also open connections on which they then say nothing.
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def read_pasted(self, lines: Iterable[str]) -> None:
        """Take the answer from an address that is pasted instead.

        Where the browser runs on another machine, it ends at an address that is not there: this
        one, with the answer in it.
        """
        for line in lines:
            parts = urlsplit(line.strip())
            if parts.path == PATH and parts.query:
                self._answers.put(_read_query(parts.query))
                return

    def wait(self, seconds: float) -> dict[str, str] | None:
        """Return the fields of the redirect's query, or None when none came in time."""
        try:
            return self._answers.get(timeout=seconds)
        except Empty:
            return None


def _read_query(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    answers: Queue[dict[str, str]]

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's would look up the host's name


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path != PATH:
            self.send_error(404)
            return
        body = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.server.answers.put(_read_query(parts.query))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the request line holds the code."""
