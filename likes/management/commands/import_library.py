from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.db import DataError

from connectors.files import FileRejected
from connectors.text import count_nouns
from likes.library.csv_form import is_library_csv, parse_csv
from likes.library.reading import WrongPlace, parse_library, read_text
from likes.library.storing import LibrarySummary, import_library
from likes.management.base import NaradaCommand


class Command(NaradaCommand):
    help = (
        "Bring in a file that export-library wrote, here or in another installation. What is new "
        "is added, what is known is kept, nothing is deleted; what a person decided in the file "
        "outranks what a rule decided here. All or nothing; doing it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "path", metavar="PATH", help="the file to read, or - for standard input"
        )
        self.add_user_argument(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and change nothing"
        )
        self.add_json_argument(parser)

    def handle(self, *, path: str, user: str, dry_run: bool, **options: Any) -> None:
        owner = self.get_user(user)
        text = read_text(path)
        try:
            library = parse_csv(text) if is_library_csv(text) else parse_library(text)
        except WrongPlace as error:
            raise FileRejected(f"{path}: {error}. Nothing was stored.") from error
        try:
            summary = import_library(owner, library, dry_run=dry_run)
        except DataError as error:
            problem = f"the database cannot store a value of it ({error})"
            raise FileRejected(f"{path}: {problem}. Nothing was stored.") from error
        if options["as_json"]:
            self.stdout.write(json.dumps(asdict(summary)))
        else:
            self.stdout.write(describe(summary, dry_run))


def describe(summary: LibrarySummary, dry_run: bool) -> str:
    line = (
        f"{count_nouns(summary.seen, 'track')} in the file: {summary.imported:,} new, "
        f"{summary.updated:,} brought up to date, {summary.already_known:,} known already. "
        f"Added: {count_nouns(summary.likes_added, 'like')}, "
        f"{count_nouns(summary.mappings_added, 'mapping')}, "
        f"{count_nouns(summary.runs_added, 'run')}; "
        f"{count_nouns(summary.decisions_taken_over, 'decision')} taken over."
    )
    return f"Would do this, and did nothing: {line}" if dry_run else line
