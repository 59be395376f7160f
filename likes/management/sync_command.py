"""What the commands that sync share: options, progress, the summary in words or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser

from connectors.text import count_nouns
from likes.management.base import NaradaCommand, whole_number
from likes.management.progress import Report, show_progress
from likes.runs.summaries import DONE, ExportSummary, ImportSummary, Summary, VerifySummary


class SyncCommand(NaradaCommand):
    """Runs an operation of ``likes.like_sync`` and ends with its exit code."""

    def add_sync_arguments(self, parser: CommandParser, batch: str, default_batch: int) -> None:
        most = 50 if default_batch == 50 else 1000
        parser.add_argument(
            "-l", "--limit", type=whole_number(1), metavar="N", help="at most so many"
        )
        parser.add_argument(
            "-b",
            "--batch-size",
            type=whole_number(1, most),
            default=default_batch,
            metavar="N",
            help=f"{batch} (1 to {most}, default %(default)s)",
        )
        self.add_user_argument(parser)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and change nothing"
        )
        self.add_json_argument(parser)

    @contextmanager
    def progress(self) -> Iterator[Report]:
        with show_progress(self.stderr._out) as report:  # type: ignore[attr-defined]
            yield report

    def finish(self, summaries: list[Summary], options: dict[str, Any]) -> None:
        """Print what came of it and end with the exit code that matters most."""
        for summary in summaries:
            is_result = not summary.exit_code or is_proof(summary)
            stream = self.stdout if is_result and not options.get("as_json") else self.stderr
            if not options.get("as_json"):
                counts = in_words(summary, options.get("dry_run", False))
                if counts:
                    self.stdout.write(counts)
            if summary.message:
                stream.write(summary.message)
        if options.get("as_json"):
            whole = [summary.counts for summary in summaries]
            self.stdout.write(json.dumps(whole[0] if len(whole) == 1 else merge(summaries)))
        code = choose_exit_code(summary.exit_code for summary in summaries)
        if code:
            sys.exit(code)


def choose_exit_code(codes: Iterable[int]) -> int:
    """Of several, what needs a person (1) comes before what time mends (75)."""
    return min(filter(None, codes), default=DONE)


def is_proof(summary: Summary) -> bool:
    """Tell whether both services were read to the end: then what is said is not an error."""
    return isinstance(summary, VerifySummary) and summary.complete


def merge(summaries: list[Summary]) -> dict[str, Any]:
    names: dict[type[Summary], str] = {ImportSummary: "import", ExportSummary: "export"}
    return {names[type(summary)]: summary.counts for summary in summaries}


def in_words(summary: Summary, dry_run: bool) -> str:
    """Return the counts for a person; nothing for a run that was only planned or never began."""
    writers: dict[type[Summary], Callable[[Any], list[str]]] = {
        ImportSummary: _import_in_words,
        ExportSummary: _export_in_words,
        VerifySummary: _verify_in_words,
    }
    never_begun = summary.exit_code and not summary.counts["api_calls"]
    return "" if dry_run or never_begun else "\n".join(writers[type(summary)](summary))


def _import_in_words(summary: ImportSummary) -> list[str]:
    lines = [
        f"{count_nouns(summary.seen, 'row')} seen: {summary.imported:,} imported, "
        f"{summary.already_known:,} already known, {summary.unavailable:,} unavailable, "
        f"{summary.merged:,} merged into the same recording."
    ]
    if summary.removed_on_spotify:
        gone = count_nouns(summary.removed_on_spotify, "is", "are")
        lines.append(f"{gone} no longer on Spotify.")
    if summary.total_on_spotify is not None:
        state = "all known" if summary.complete else "not all read yet; run it again to go on"
        total = count_nouns(summary.total_on_spotify, "liked song")
        refused = summary.complete and summary.exit_code
        lines.append(f"Spotify says: {total}." if refused else f"Spotify has {total}: {state}.")
    lines.append(_cost(summary.api_calls, summary.seconds) + _name_run(summary))
    return lines


def _export_in_words(summary: ExportSummary) -> list[str]:
    if not summary.candidates and not summary.exit_code:
        first = "Nothing to do: no like is waiting to be loved on Last.fm."
    else:
        first = (
            f"{count_nouns(summary.candidates, 'like')} to send: {summary.loved:,} loved, "
            f"{count_nouns(summary.already_loved, 'was', 'were')} loved already, "
            f"{count_nouns(summary.needs_review, 'needs', 'need')} review, "
            f"{summary.not_found:,} not found, {summary.failed:,} refused, "
            f"{summary.remaining:,} remaining."
        )
    lines = [first]
    if summary.loved or summary.already_loved:
        lines.append(f"Last.fm shows {summary.confirmed:,} of them in its list.")
    lines.append(_cost(summary.api_calls, summary.seconds) + _name_run(summary))
    return lines


def _verify_in_words(summary: VerifySummary) -> list[str]:
    lines = [f"  {one['track']}: {one['reason']}" for one in summary.exceptions]
    if not summary.complete:
        likes = count_nouns(summary.likes, "like")
        lines.append(f"{likes} in Narada; the services were not read to the end.")
    lines.append(_cost(summary.api_calls, summary.seconds))
    return lines


def _cost(calls: int, seconds: float) -> str:
    return f"{count_nouns(calls, 'call')}, {seconds:,.1f} s."


def _name_run(summary: Summary) -> str:
    """Under this number ``narada undo`` takes back what it changed."""
    return f" Run {summary.run}." if summary.run is not None else ""
