"""Whatever is counted has a singular."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from connectors.text import count_nouns
from likes.library.storing import LibrarySummary
from likes.management.commands.import_library import describe
from likes.management.commands.import_spotify_likes import describe_plan
from likes.management.sync_command import in_words
from likes.runs.history import WORDS, tell_counts
from likes.runs.summaries import ExportSummary, ImportSummary, Summary, VerifySummary

PLURAL = re.compile(
    r"\b1 (rows|likes|songs|liked songs|tracks|calls|loves|names|mappings|runs|decisions|are|were|"
    r"need|share|wait)\b"
)


def of_one(kind: type[Summary]) -> Summary:
    """A summary in which each count is 1."""
    summary = kind()
    for field in fields(kind):
        if field.name not in {"exit_code", "message", "more", "run", "exceptions"}:
            setattr(summary, field.name, 1)
    return summary


@pytest.mark.parametrize(
    ("number", "nouns", "told"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (2, ("row",), "2 rows"),
        (1, ("is", "are"), "1 is"),
        (1_000, ("is", "are"), "1,000 are"),
    ],
)
def test_count_nouns(number: int, nouns: tuple[str, ...], told: str) -> None:
    assert count_nouns(number, *nouns) == told


@pytest.mark.parametrize("kind", [ImportSummary, ExportSummary, VerifySummary])
def test_a_summary_says_one_row(kind: type[Summary]) -> None:
    words = in_words(of_one(kind), dry_run=False)
    assert re.search(r"\b1 ", words)
    assert not PLURAL.search(words)


def test_plans_and_histories_say_one_row() -> None:
    plan = of_one(ImportSummary)
    assert isinstance(plan, ImportSummary)
    library = LibrarySummary(**{field.name: 1 for field in fields(LibrarySummary)})
    for words in (
        describe_plan(plan),
        describe(library, dry_run=False),
        tell_counts(dict.fromkeys(WORDS, 1)),
    ):
        assert not PLURAL.search(words)
