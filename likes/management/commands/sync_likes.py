import json
import sys
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from likes.like_sync import export_likes, import_likes
from likes.management.sync_command import SyncCommand, choose_exit_code, in_words, merge
from likes.models import Connection
from likes.runs.summaries import Summary


class Command(SyncCommand):
    help = (
        "Import from Spotify, then export to Last.fm: for one user, or for all who are connected."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_mutually_exclusive_group()
        self.add_user_argument(who)
        who.add_argument(
            "--all", action="store_true", help="everybody with both services connected"
        )
        self.add_json_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["all"]:
            self.finish(self.sync(self.get_user(options["user"])), options)
            return
        results = {}
        code = 0
        for user in self.connected_users():
            summaries = self.sync(user)
            # One user's trouble does not stop the others.
            code = choose_exit_code([code, *(summary.exit_code for summary in summaries)])
            results[user.username] = merge(summaries)
            for summary in summaries:
                if not options["as_json"]:
                    self.stdout.write(
                        f"{user.username}: {in_words(summary, dry_run=False)} {summary.message}"
                    )
                elif summary.message:
                    self.stderr.write(f"{user.username}: {summary.message}")
        if options["as_json"]:
            self.stdout.write(json.dumps(results))
        elif not results:
            self.stdout.write("Nobody has connected both services yet.")
        sys.exit(code)

    def sync(self, user: User) -> list[Summary]:
        with self.progress() as progress:
            return [import_likes(user, progress=progress), export_likes(user, progress=progress)]

    def connected_users(self) -> list[User]:
        connected = Connection.objects.standing()
        users = get_user_model().objects.filter(is_active=True).order_by("username")
        for service in ("spotify", "lastfm"):
            users = users.filter(pk__in=connected.filter(service=service).values("user"))
        return list(users)
