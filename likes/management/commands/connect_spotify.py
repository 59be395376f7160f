from __future__ import annotations

import errno
import secrets
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from connectors.spotify import SpotifyAccounts, SpotifyConnector
from likes.accounts import app_clients, connections, user_clients
from likes.accounts.loopback import HOST, LoopbackCallback, open_browser
from likes.management.base import Error, NaradaCommand, whole_number
from likes.models import Service


class Command(NaradaCommand):
    help = (
        "Connect a Spotify account: prints the address of Spotify's consent page and waits for "
        "your answer there. Register http://127.0.0.1:8888/callback as a redirect address of your "
        "Spotify app first. Creates the user if there is none of that name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_user_argument(parser)
        parser.add_argument(
            "--no-browser", action="store_true", help="only print the address, open no browser"
        )
        parser.add_argument(
            "--port",
            type=whole_number(0, 65535),
            default=8888,
            help="where the answer arrives on this machine (default: %(default)s); the redirect "
            "address with this port must be registered",
        )
        parser.add_argument(
            "--timeout",
            type=whole_number(1),
            default=300,
            metavar="SECONDS",
            help="how long to wait for your answer (default: %(default)s)",
        )

    def handle(
        self, *, user: str, no_browser: bool, port: int, timeout: int, **options: Any
    ) -> None:
        client = app_clients.spotify_accounts()
        owner = self.get_user(user, create=True)
        verifier = secrets.token_urlsafe(64)
        code, redirect_uri = self._ask_for_code(client, verifier, port, timeout, not no_browser)
        tokens = client.exchange_code(code, redirect_uri, verifier)
        service_user = SpotifyConnector(
            lambda forced: tokens.access_token,
            api_url=settings.SPOTIFY_API_URL,
            http=app_clients.make_session(Service.SPOTIFY),
        ).get_user()
        connections.store_connection(owner, Service.SPOTIFY, service_user, tokens)
        self.stderr.write(f"Spotify is connected for {owner.username} as {service_user.name}.")

    def _ask_for_code(
        self,
        client: SpotifyAccounts,
        verifier: str,
        port: int,
        timeout: int,
        browser: bool,
    ) -> tuple[str, str]:
        """Return the code of a consent, and the redirect address it was given for."""
        state = secrets.token_urlsafe(24)
        try:
            with LoopbackCallback(port) as callback:
                address = client.authorize_url(
                    callback.address, state, verifier, user_clients.SPOTIFY_SCOPES
                )
                self.stdout.write(f"Open: {address}")
                self.stdout.flush()
                if browser:
                    open_browser(address)
                if sys.stdin.isatty():
                    self._offer_to_paste(callback)
                answer = callback.wait(timeout)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise Error(
                f"Port {port} on {HOST} cannot be used ({error.strerror}). Choose another with "
                "--port, and register that redirect address with Spotify too."
            ) from error
        return read_code(answer, state, timeout), callback.address

    def _offer_to_paste(self, callback: LoopbackCallback) -> None:
        self.stderr.write(
            "Is your browser on another machine? Then paste here the address at which it ends, "
            f"which begins with {callback.address}."
        )
        threading.Thread(target=callback.read_pasted, args=(sys.stdin,), daemon=True).start()


def read_code(answer: dict[str, str] | None, state: str, timeout: int) -> str:
    """Return the code of Spotify's answer. Raises Error, in one line, for every other answer."""
    if answer is None:
        raise Error(f"There was no answer within {timeout} s. Run the command again.")
    if not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise Error(
            "The answer belongs to another attempt (its state differs), so it was not used. "
            "Run the command again, and open the address that it then prints."
        )
    if answer.get("error") == "access_denied":
        raise Error("You declined at Spotify. Nothing was changed.")
    if "error" in answer or not answer.get("code"):
        raise Error(f"Spotify gave no consent: {answer.get('error', 'no code')[:100]}.")
    return answer["code"]
