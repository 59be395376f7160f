from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from connectors.text import count_nouns
from likes.like_sync import import_file, import_likes
from likes.management.base import BAD_USAGE, Error
from likes.management.sync_command import SyncCommand
from likes.runs.summaries import ImportSummary


class Command(SyncCommand):
    help = (
        "Import the tracks you like on Spotify, newest first, each time only what is new. "
        "Killed anywhere, the next run carries on. With --from-file, import the likes that a "
        "file holds, without any API key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        self.add_sync_arguments(parser, "how many likes a call asks for", 50)
        parser.add_argument(
            "--full", action="store_true", help="read the whole list again, not only what is new"
        )
        parser.add_argument(
            "--accept-removals",
            action="store_true",
            help="believe it when a great many likes are gone from Spotify at once",
        )
        parser.add_argument(
            "--from-file",
            type=Path,
            metavar="PATH",
            help="a Spotify account-data zip, its folder or YourLibrary.json, an Exportify or "
            "TuneMyMusic CSV, or saved tracks as JSON",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = self.get_user(options["user"])
        path = options["from_file"]
        if path is not None and options["full"]:
            raise Error("--full and --from-file do not go together.", BAD_USAGE)
        with self.progress() as progress:
            if path is not None:
                summary = import_file(
                    user,
                    path,
                    limit=options["limit"],
                    dry_run=options["dry_run"],
                    progress=progress,
                )
                if options["dry_run"]:
                    plan = f"Would import: {describe_plan(summary)} Nothing was stored."
                    summary.message = "\n".join(filter(None, [plan, summary.message]))
            else:
                summary = import_likes(
                    user,
                    limit=options["limit"],
                    batch_size=options["batch_size"],
                    full=options["full"],
                    dry_run=options["dry_run"],
                    accept_removals=options["accept_removals"],
                    progress=progress,
                )
        self.finish([summary], options)


def describe_plan(summary: ImportSummary) -> str:
    return (
        f"{summary.imported:,} new of {count_nouns(summary.seen, 'row')}; "
        f"{count_nouns(summary.already_known, 'is', 'are')} known, "
        f"{summary.merged:,} merged, {summary.unavailable:,} unavailable."
    )
