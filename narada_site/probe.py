"""Ask the web process of this machine whether it is alive: ``python -m narada_site.probe``.

For the health check of a container, which runs often: it loads neither Django nor the settings.
"""

from __future__ import annotations

import http.client
import os
import sys

SECONDS = 4.0


def find_address(bind: str) -> tuple[str, int]:
    """Return where to reach a web process that listens at HOST:PORT on this machine."""
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), int(port)


def main() -> int:
    bind = os.environ.get("WEB_BIND") or "127.0.0.1:8000"
    connection = http.client.HTTPConnection(*find_address(bind), timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"The web process at {bind} does not answer: {error}\n")
        return 1
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
