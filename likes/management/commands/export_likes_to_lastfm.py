from typing import Any

from django.core.management.base import CommandParser

from likes.like_sync import export_likes
from likes.management.sync_command import SyncCommand


class Command(SyncCommand):
    help = (
        "Love on Last.fm what you like in Narada and is not loved there yet, oldest like first. "
        "What is already loved is adopted without a call; what is uncertain waits for review."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_sync_arguments(parser, "how many loves are written down at once", 20)
        parser.add_argument(
            "--accept-removals",
            action="store_true",
            help="take note of loves that are gone from Last.fm, however many they are",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.get_user(options["user"])
        with self.progress() as progress:
            summary = export_likes(
                user,
                limit=options["limit"],
                batch_size=options["batch_size"],
                dry_run=options["dry_run"],
                accept_removals=options["accept_removals"],
                progress=progress,
            )
        self.finish([summary], options)
