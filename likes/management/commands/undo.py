from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from connectors.text import count_nouns
from likes.management.base import Error, NaradaCommand, whole_number
from likes.runs.undo import MEANING, Undo, UnknownRun, undo_run

#: Tracks named of each kind; --json names all.
MOST_NAMES = 20
MOST_RUNS = 2**63 - 1


class Command(NaradaCommand):
    help = (
        "Take back what a run changed: likes that it added or removed in Narada, loves that it "
        "sent to Last.fm. What another run or a person did since stays. The next export does on "
        "Last.fm what follows. What is taken back returns when it is liked on Spotify anew, or "
        "when the undo, which is a run too, is undone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "run",
            type=whole_number(1),
            metavar="RUN",
            help="the number of a run, as import, export and status print it",
        )
        self.add_user_argument(parser)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="list what would be taken back, and change nothing",
        )
        self.add_json_argument(parser)

    def handle(self, *args: Any, run: int, user: str, dry_run: bool, **options: Any) -> None:
        try:
            undo = undo_run(self.get_user(user), min(run, MOST_RUNS), dry_run=dry_run)
        except UnknownRun as error:
            raise Error(str(error)) from error
        if options["as_json"]:
            self.stdout.write(json.dumps(describe(undo)))
        else:
            for line in tell(undo, dry_run):
                self.stdout.write(line)


def describe(undo: Undo) -> dict[str, Any]:
    """Return what ``--json`` prints: ``changes = taken_back + skipped``."""
    taken_back = undo.count
    skipped = undo.skipped.total()
    return {
        "run": undo.run.pk,
        "undone_by": undo.undone_by.pk if undo.undone_by else None,
        "changes": taken_back + skipped,
        "taken_back": taken_back,
        "skipped": skipped,
        "to_unlove": undo.unloves,
        "reasons": dict(undo.skipped),
        "tracks": {what: list(undo.read_names(what)) for what in undo.changes},
    }


def tell(undo: Undo, dry_run: bool) -> Iterator[str]:
    yield f"Run {undo.run.pk}: {undo.run} UTC."
    for what, meaning in MEANING.items():
        count = len(undo.changes[what])
        if count:
            yield f"{count:,} {meaning}."
            yield from (f"  {name}" for name in undo.read_names(what, MOST_NAMES))
            if count > MOST_NAMES:
                yield f"  and {count - MOST_NAMES:,} more; --json names all"
    for reason, count in undo.skipped.most_common():
        yield f"{count:,} left: {reason}."
    if undo.unloves:
        loves = count_nouns(undo.unloves, "love")
        yield f"On Last.fm the next export takes back {loves} that Narada sent."
    if not undo.count:
        yield "There is nothing to take back."
    elif dry_run:
        yield "Nothing was changed."
    elif undo.undone_by:
        yield (
            f"Taken back. To have it as before: narada undo {undo.undone_by.pk} "
            f"-u {undo.run.user.get_username()}"
        )
