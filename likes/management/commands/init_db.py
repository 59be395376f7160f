from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser

from likes.management.base import NaradaCommand
from likes.models import SyncSettings
from likes.tasks import ensure_periodic_tasks


class Command(NaradaCommand):
    help = "Set up the database, the user and the periodic tasks. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_user_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        user = self.get_user(options["user"], create=True)
        SyncSettings.objects.get_or_create(user=user)
        ensure_periodic_tasks()
        self.stdout.write(f"The database is ready, and so is the user {user.username!r}.")
