"""A Redis server that belongs to one test, or to one process of the tests."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from tests.waiting import PATIENCE


def start_redis(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server that keeps nothing; return it, and its address."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        while server.poll() is None and time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return server, f"redis://127.0.0.1:{port}/0"
            time.sleep(0.01)
        server.kill()  # somebody else has taken the port
        server.wait()
    raise TimeoutError("redis-server does not start.")
