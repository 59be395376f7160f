"""What follows from the status: what blocks, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from connectors.text import count_nouns
from likes.accounts.credentials import WHERE_TO_GET
from likes.accounts.user_clients import CONSENT_URGENT, CONSENT_WARNING
from likes.like_operations import WAITING
from likes.models import Checkpoint, Service
from likes.status.facts import (
    DOWN,
    SERVICES,
    UNUSABLE,
    WRONG,
    State,
    Status,
)


def _step(what: str, do: str) -> dict[str, str]:
    return {"what": what, "do": do}


def find_blockers(status: Status) -> Iterator[dict[str, str]]:
    """Yield what only a person can put right, each with what to do."""
    yield from _find_database_blockers(status)
    for service in SERVICES:
        credentials = status["credentials"][service]
        if not credentials["set"]:
            yield _step(
                f"{' and '.join(credentials['names'])} are not set",
                f"create an app at {credentials['where_to_get']} and put them into the "
                f"environment or into {settings.SETTINGS_FILE}",
            )
        elif status["connections"]:
            yield from _find_connection_blockers(service, status)
    yield from _find_questions(status)


def _find_database_blockers(status: Status) -> Iterator[dict[str, str]]:
    database = status["database"]
    init = "narada init-db" + ("" if status["user"] == "default" else f" -u {status['user']}")
    if not database["works"]:
        yield _step(f"the database does not answer: {database['problem']}", "check DATABASE_URL")
    elif not database["migrated"]:
        yield _step("the database is not set up, or older than the program", init)
    elif not status["user_exists"]:
        yield _step(f"there is no user {status['user']!r}", init)


def _find_questions(status: Status) -> Iterator[dict[str, str]]:
    commands = {
        Checkpoint.Listing.SAVED: "import-spotify-likes",
        Checkpoint.Listing.LOVED: "export-likes-to-lastfm",
    }
    for listing, command in commands.items():
        row = (status["checkpoints"] or {}).get(listing)
        if row and row["removals_asked"]:
            yield _step(
                f"{row['removals_asked']:,} of {listing.label} are gone at once; nothing changed",
                f"if that is right: narada {command}{_option(status)} --accept-removals",
            )


def _find_connection_blockers(service: Service, status: Status) -> Iterator[dict[str, str]]:
    connection, hold = status["connections"][service], status["services"][service]
    connect = f"narada connect-{service}{_option(status)}"
    label = service.label
    if hold["closed"]:
        yield _step(
            f"{label} refuses everybody: {hold['reason']}",
            f"check the app at {WHERE_TO_GET[service][1]} and its settings, then run this again",
        )
    elif connection["state"] in (State.DISCONNECTED, "none"):
        yield _step(f"{label} is not connected", connect)
    elif connection["state"] == State.RECONNECT:
        yield _step(f"{label} has to be connected again: {connection['reason']}", connect)
    elif connection["answer"] == UNUSABLE:
        yield _step(f"{label}'s connection cannot be used", connection["answer_text"])
    elif connection["answer"] == WRONG:
        yield _step(
            f"{label} rejects the plainest call: {connection['answer_text']}",
            f"check {service.upper()}_API_URL",
        )
    elif (days := connection["consent_days_left"]) is not None and days < CONSENT_URGENT:
        when = "has ended" if days < 0 else f"ends in {count_nouns(days, 'day')}"
        yield _step(f"{label}'s consent {when}", connect)


def find_next_steps(status: Status) -> Iterator[dict[str, str]]:
    """Yield what there is to do now and can be done, each with the command that does it."""
    user = _option(status)
    saved, likes = status["checkpoints"][Checkpoint.Listing.SAVED], status["likes"]
    days = status["connections"][Service.SPOTIFY]["consent_days_left"]
    if days is not None and CONSENT_URGENT <= days < CONSENT_WARNING:
        yield _step(
            f"Spotify's consent ends in {count_nouns(days, 'day')}", f"narada connect-spotify{user}"
        )
    complete = saved is not None and saved["complete"]
    if not complete and _is_usable(status, Service.SPOTIFY):
        what = "nothing has been imported yet" if saved is None else "the import is not complete"
        yield _step(what, f"narada import-spotify-likes{user}")
    waiting = sum(likes[Service.LASTFM].get(state, 0) for state in WAITING)
    if waiting and _is_usable(status, Service.LASTFM):
        yield _step(
            f"{count_nouns(waiting, 'like waits', 'likes wait')} to be sent",
            f"narada export-likes-to-lastfm{user}",
        )
    if status["review"]["total"]:
        yield _step(
            f"{count_nouns(status['review']['total'], 'like waits', 'likes wait')} "
            "for your decision",
            "the page “Review” on the web, or the admin",
        )
    if complete and not waiting and all(_is_usable(status, service) for service in SERVICES):
        yield _step("all is done; to fetch what is new", f"narada sync-likes{user}")


def _is_usable(status: Status, service: Service) -> bool:
    held = status["services"][service]
    return (
        status["credentials"][service]["set"]
        and status["connections"][service]["state"] == State.CONNECTED
        and not held["closed"]
        and not held["held_until"]
    )


def _option(status: Status) -> str:
    return "" if status["user"] == "default" else f" -u {status['user']}"


def is_down(status: Status) -> bool:
    """Whether a service was called and did not answer."""
    return any(one["answer"] == DOWN for one in (status["connections"] or {}).values())


def find_broken_messages() -> Iterator[dict[str, str]]:
    """Yield a step where messages of one machine's queue could not be used and were set aside."""
    folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("broken_folder")
    count = sum(1 for _ in Path(str(folder)).glob("*")) if folder else 0
    if count:
        yield _step(
            f"{count_nouns(count, 'message')} of the queue could not be used and lies in {folder}, "
            "as after a full disk or a crash; nothing is lost, the next sync does the work",
            "look at the log, see that the disk has room, and delete what lies there",
        )
