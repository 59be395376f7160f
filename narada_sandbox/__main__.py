"""``python -m narada_sandbox``: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from pathlib import Path

from narada_sandbox.server import NotLoopback, serve


def announce(url: str, settings: dict[str, str]) -> None:
    """Print the settings to use, one NAME=value a line."""
    sys.stderr.write(f"Narada's sandbox serves at {url} (stop it with Ctrl-C). Settings:\n")
    sys.stdout.writelines(f"{name}={value}\n" for name, value in settings.items())
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve; 0 when interrupted, 1 when the port cannot be had."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=8900, help="0 takes any free port")
    parser.add_argument("--state", type=Path, default=None, help="keep the state in this file")
    parser.add_argument("--likes", type=int, default=200, help="likes of alice and of bob")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other likes")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            serve(
                options.host,
                options.port,
                state_path=options.state,
                likes=options.likes,
                seed=options.seed,
                on_ready=announce,
            )
    except (NotLoopback, OSError) as error:
        sys.stderr.write(f"The sandbox cannot serve: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
