from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from connectors.errors import AuthorizationError
from connectors.lastfm import LastfmConnector
from connectors.records import ServiceUser, Tokens
from likes.accounts import app_clients, connections
from likes.accounts.loopback import open_browser
from likes.management.base import Error, NaradaCommand, whole_number
from likes.models import Service

#: Last.fm's error codes (https://www.last.fm/api/errorcodes).
NOT_YET_ALLOWED, EXPIRED = "14", "15"
POLL_SECONDS = 2.0


class Command(NaradaCommand):
    help = (
        "Connect a Last.fm account: prints the address of Last.fm's page, waits until you have "
        "allowed access there, and goes on by itself. Creates the user if there is none of that "
        "name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.add_user_argument(parser)
        parser.add_argument(
            "--no-browser", action="store_true", help="only print the address, open no browser"
        )
        parser.add_argument(
            "--timeout",
            type=whole_number(1),
            default=600,
            metavar="SECONDS",
            help="how long to wait for your answer (default: %(default)s)",
        )

    def handle(self, *, user: str, no_browser: bool, timeout: int, **options: Any) -> None:
        client = app_clients.lastfm_client()
        owner = self.get_user(user, create=True)
        token = client.get_token()
        address = client.authorize_url(token=token)
        self.stdout.write(f"Open: {address}")
        self.stdout.flush()
        if not no_browser:
            open_browser(address)
        service_user, tokens = wait_for_session(client, token, timeout)
        connections.store_connection(owner, Service.LASTFM, service_user, tokens)
        self.stderr.write(f"Last.fm is connected for {owner.username} as {service_user.name}.")


def wait_for_session(
    client: LastfmConnector, token: str, timeout: float
) -> tuple[ServiceUser, Tokens]:
    """Ask every two seconds whether the user has allowed the token; return what it then gives.

    Last.fm tells nobody that a user declined. Raises Error when the token has ended or time is up.
    """
    give_up_at = time.monotonic() + timeout
    while True:
        try:
            return client.get_session(token)
        except AuthorizationError as error:
            if error.code == EXPIRED:
                raise Error(
                    "The address is older than an hour and no longer works. Run the command again."
                ) from error
            if error.code != NOT_YET_ALLOWED:
                raise
        left = give_up_at - time.monotonic()
        if left <= 0:
            raise Error(
                f"Access was not allowed within {timeout:.0f} s. Run the command again."
            ) from None
        time.sleep(min(POLL_SECONDS, left))
