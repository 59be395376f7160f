from typing import Any

from django.core.management.base import CommandParser

from likes.like_sync import verify_likes
from likes.management.sync_command import SyncCommand


class Command(SyncCommand):
    help = "Read both services and print the proof: how many likes are loved, and each exception."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_user_argument(parser)
        self.add_json_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.get_user(options["user"])
        with self.progress() as progress:
            summary = verify_likes(user, progress=progress)
        self.finish([summary], options)
