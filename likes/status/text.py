"""The status in words: sections of labelled lines, as tables on a terminal and plain without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from rich.console import Console
from rich.table import Table
from rich.text import Text

from connectors.text import keep_showable
from likes.accounts.user_clients import CONSENT_WARNING
from likes.models import Checkpoint, Connection, Like, Run, Service, SyncSettings
from likes.runs.history import tell_counts
from likes.status.facts import ANSWERED, SERVICES

Line = tuple[str, str]


def show_status(status: dict[str, Any], stream: IO[str]) -> None:
    """Print every section; on a terminal as tables, else one ``label: text`` a line."""
    sections = [(title, list(lines)) for title, lines in tell_sections(status)]
    if stream.isatty():
        console = Console(file=stream, highlight=False)
        for title, lines in sections:
            console.print(_make_table(title, lines))
        return
    for title, lines in sections:
        stream.write(f"{title}\n")
        for label, text in lines:
            text = keep_showable(text)
            stream.write(f"  {label}: {text}\n" if label else f"  {text}\n")


def _make_table(title: str, lines: list[Line]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=False,
                  box=None, padding=(0, 2, 0, 2))  # fmt: skip
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(Text(label), Text(keep_showable(text)))
    return table


def tell_sections(status: dict[str, Any]) -> Iterator[tuple[str, Iterator[Line]]]:
    """Yield title and lines of each section that there is something to say in."""
    yield "Installation", _tell_installation(status)
    if status["services"]:
        yield "Services", _tell_services(status)
    if status["connections"]:
        yield f"Likes of {status['user']}", _tell_likes(status)
        yield "Readings", _tell_checkpoints(status["checkpoints"])
        yield "Last runs", _tell_runs(status["runs"])
    if status["blockers"]:
        yield "What blocks", _tell_steps(status["blockers"])
    if status["next"]:
        yield "What is next", _tell_steps(status["next"])


def _tell_steps(steps: list[dict[str, str]]) -> Iterator[Line]:
    for step in steps:
        yield "", f"{step['what']} → {step['do']}"


def _tell_installation(status: dict[str, Any]) -> Iterator[Line]:
    database = status["database"]
    state = "works" if database["migrated"] else "not set up, or older than the program"
    if not database["works"]:
        state = f"does not answer: {database['problem']}"
    yield "Database", f"{database['kind']} ({database['where']}): {state}"
    yield "Data folder", str(settings.VAR_DIR)
    yield "Settings file", str(settings.SETTINGS_FILE)
    for sentence in status.get("clock", ()):
        yield "Clock", sentence
    for service in SERVICES:
        credentials = status["credentials"][service]
        found = "set" if credentials["set"] else f"not set; from {credentials['where_to_get']}"
        yield f"{service.label} app", found
    sync = status["settings"]
    if sync:
        by_itself = "syncs by itself" if sync["enabled"] else "syncs only when asked"
        if sync["enabled"] and sync["next_sync_at"]:
            by_itself += f", next at {_time(sync['next_sync_at'])}"
        if sync["waits_since"]:
            by_itself += f"; in the line for a worker since {_time(sync['waits_since'])}"
        yield "Sync", by_itself
        yield "On unlike", SyncSettings.Unlike(sync["on_unlike"]).label


def _tell_services(status: dict[str, Any]) -> Iterator[Line]:
    for service in SERVICES:
        hold = status["services"][service]
        if hold["closed"]:
            yield service.label, f"refuses everybody until an operator has acted: {hold['reason']}"
        elif hold["held_until"]:
            until = _time(hold["held_until"])
            yield service.label, f"held back until {until} ({hold['reason']})"
        if status["connections"]:
            yield service.label, _tell_connection(status["connections"][service])
    if not status["connections"]:
        yield "User", f"there is no user {status['user']!r}"


def _tell_connection(one: dict[str, Any]) -> str:
    if one["state"] == "none":
        return "not connected"
    text = f"{Connection.State(one['state']).label}"
    if one["name"]:
        text += f" as {one['name']}"
    if one["reason"]:
        text += f": {one['reason'].rstrip('.')}"
    if one["answer"] == ANSWERED:
        text += "; answers"
    elif one["answer_text"] and one["answer_text"] != one["reason"]:
        text += f"; {one['answer_text'].rstrip('.')}"
    if one["consent_ends_at"]:
        soon = " (soon)" if one["consent_days_left"] < CONSENT_WARNING else ""
        text += f"; consent ends {one['consent_ends_at'][:10]}{soon}"
    if one["purge_at"]:
        text += f"; what came from there is purged at {_time(one['purge_at'])}"
    return text


def _tell_likes(status: dict[str, Any]) -> Iterator[Line]:
    yield "Tracks", f"{status['tracks']:,}, {status['merged']:,} more ids merged into them"
    for service in Service:
        counts = status["likes"][service]
        told = [f"{counts[state]:,} {state.label}" for state in Like.State if counts.get(state)]
        yield service.label, ", ".join(told) or "none"
    yield "For you to decide", f"{status['review']['total']:,}"
    yield "Unavailable", f"{status['unavailable']:,}"


def _tell_checkpoints(checkpoints: dict[str, Any]) -> Iterator[Line]:
    for listing in Checkpoint.Listing:
        row = checkpoints[listing]
        if row is None:
            yield listing.label, "not read yet"
            continue
        text = "read whole" if row["complete"] else f"read to row {row['position']:,}"
        if row["total"] is not None:
            text += f" of {row['total']:,}"
        if row["last_success_at"]:
            text += f"; last success {_time(row['last_success_at'])}"
        if row["running"]:
            text += f"; being worked on by {row['lease_holder']}"
        if row["last_error"]:
            text += f"; last error: {row['last_error']}"
        yield listing.label, text


def _tell_runs(runs: list[dict[str, Any]]) -> Iterator[Line]:
    if not runs:
        yield "", "none yet"
    for run in runs:
        text = f"run {run['run']}, {Run.Kind(run['kind']).label}: {Run.State(run['state']).label}"
        if counts := tell_counts(run["counts"]):
            text += f" ({counts})"
        yield _time(run["started_at"]), f"{text}. {run['message']}" if run["message"] else text


def _time(text: str) -> str:
    """Return an ISO time for a person: to the minute, UTC."""
    return f"{text[:16].replace('T', ' ')} UTC"
