from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from likes.accounts import connections
from likes.accounts.app_clients import is_only_sign_in
from likes.management.base import NaradaCommand
from likes.models import Service


class Command(NaradaCommand):
    help = (
        "Disconnect a service: its tokens are forgotten at once, and what came from its API is "
        "purged some days later (Spotify's terms ask for it within five), so that connecting the "
        "same account again in between loses nothing. What came from files stays. To keep a copy "
        "of everything, run narada export-library PATH first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("service", choices=[Service.SPOTIFY.value, Service.LASTFM.value])
        self.add_user_argument(parser)
        parser.add_argument(
            "--purge-now",
            action="store_true",
            help="purge at once what came from the service's API; it cannot be taken back",
        )

    def handle(self, *, service: str, user: str, purge_now: bool, **options: Any) -> None:
        owner = self.get_user(user)
        connection = connections.disconnect(owner, service, purge_now)
        label = Service(service).label
        if connection is None:
            said = "What came from its API is purged; what came from files stays."
        elif connection.purge_at is None:
            said = "What came from its API is kept (PURGE_AFTER_DAYS is negative)."
        else:
            said = (
                f"What came from its API is purged on {connection.purge_at:%Y-%m-%d %H:%M} UTC. "
                "Until then connecting the same account again loses nothing, and "
                "narada export-library PATH saves a copy."
            )
        if owner.last_login and is_only_sign_in(owner, service):
            said += f" To sign in without it: narada changepassword {owner.username}"
        self.stdout.write(f"{label} is disconnected for {owner.username}. {said}")
