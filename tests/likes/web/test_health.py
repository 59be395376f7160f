"""What monitors are told."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.test import Client

from narada_site import probe


def test_a_monitor_is_answered_by_any_name_and_without_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (answer.status_code, answer.json()) == (200, {"alive": True})
    assert client.get("/healthzz").status_code == 301


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("0.0.0.0:80", ("127.0.0.1", 80)),
        ("[::]:81", ("::1", 81)),
        (":82", ("127.0.0.1", 82)),
        ("localhost:83", ("localhost", 83)),
    ],
)
def test_the_probe_asks_on_this_machine(bind: str, address: tuple[str, int]) -> None:
    assert probe.find_address(bind) == address


def serve(status: int) -> HTTPServer:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        log_message: Callable[..., None] = lambda *_: None

    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_probe_ends_as_the_web_process_answers(
    status: int, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve(status)
    monkeypatch.setenv("WEB_BIND", f"127.0.0.1:{server.server_port}")
    assert probe.main() == code
    server.shutdown()
    server.server_close()
    assert probe.main() == 1
    assert "does not answer" in capsys.readouterr().err
