"""How many calls a second the sandbox answers, small ones and pages of 50 likes.

Run as ``python -m benchmarks.sandbox``. The aim is 1,000 a second.
"""

from __future__ import annotations

import http.client
import time

from narada_sandbox.server import Sandbox

LIKES = 10_000


def main() -> None:
    with Sandbox(likes=LIKES, awkward=False) as box:
        token = box.grant("spotify", "alice")["access_token"]
        connection = http.client.HTTPConnection(box.url.removeprefix("http://"))
        pages = [f"/v1/me/tracks?limit=50&offset={offset}" for offset in range(0, LIKES, 50)]
        for what, addresses in (("small calls", ["/v1/me"] * 1000), ("pages of 50 likes", pages)):
            started = time.perf_counter()
            for address in addresses:
                connection.request("GET", address, headers={"Authorization": f"Bearer {token}"})
                connection.getresponse().read()
            seconds = time.perf_counter() - started
            print(f"{what}: {len(addresses) / seconds:,.0f} a second")
        connection.close()


if __name__ == "__main__":
    main()
