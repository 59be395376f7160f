"""What ``status`` tells: the state of everything as one object, what blocks, and what is next.

No secret is in it: of credentials and tokens it says only whether they are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count
from django.utils import timezone

from connectors.errors import (
    AuthorizationError,
    ConnectorError,
    RateLimited,
    ServiceClosed,
    TemporaryError,
)
from connectors.text import count_nouns
from likes.accounts import connections, user_clients
from likes.accounts.app_clients import (
    WHERE_TO_GET,
    CredentialsMissing,
    NotConnected,
    has_credentials,
)
from likes.models import (
    Checkpoint,
    Connection,
    Like,
    Run,
    Service,
    ServiceHold,
    ServiceMapping,
    SyncSettings,
    Track,
)
from likes.runs import clock

SERVICES = (Service.SPOTIFY, Service.LASTFM)
#: Days before the end of Spotify's consent from which on it is told, and from which on it blocks.
CONSENT_WARNING, CONSENT_URGENT = 30, 14
MOST_RUNS = 5

#: What a real call came to. Unusable: the connection's tokens are gone or cannot be decrypted.
ANSWERED, REFUSED, HELD_BACK, DOWN = "ok", "refused", "held_back", "down"
WRONG, UNUSABLE, NOT_ASKED = "wrong", "unusable", None

State = Connection.State
#: Something is still to be sent to Last.fm for a like in these states.
WAITING = (Like.State.PENDING, Like.State.SENDING, Like.State.REMOVING)
Status = dict[str, Any]


def collect_status(username: str, *, offline: bool = False) -> Status:
    """Return the state of everything, as ``status --json`` prints it.

    Calls each connected service once, unless ``offline``, and writes down what it answered. Times
    are ISO 8601 in UTC. What cannot be known yet is None.
    """
    status: Status = {
        "user": username,
        "user_exists": None,
        "database": check_database(),
        "credentials": {service.value: describe_credentials(service) for service in SERVICES},
        "connections": None,
        "services": None,
        "tracks": None,
        "merged": None,
        "likes": None,
        "review": None,
        "unavailable": None,
        "checkpoints": None,
        "settings": None,
        "runs": None,
    }
    if status["database"]["works"] and status["database"]["migrated"]:
        with suppress(DatabaseError):  # one that is only read from
            if told := clock.set_right(timezone.now()):
                status["clock"] = told
        user = get_user_model().objects.filter(username=username).first()
        if user is not None:
            calls = {} if offline else {s.value: call_service(user, s) for s in SERVICES}
            status["connections"] = describe_connections(user, calls)
            status |= describe_likes(user)
            status["checkpoints"] = describe_checkpoints(user)
            status["settings"] = describe_settings(user)
            status["runs"] = [describe_run(run) for run in _last_runs(user)]
        # After the calls: what they learned of a service is in there.
        status["services"] = {service.value: describe_hold(service) for service in SERVICES}
        status["user_exists"] = user is not None
    status["blockers"] = list(find_blockers(status))
    status["next"] = [
        *(find_next_steps(status) if status["connections"] else ()),
        *_find_broken_messages(),
    ]
    return status


def check_database() -> Status:
    """Say which database it is, whether it answers and whether its tables are up to date."""
    engine = settings.DATABASES["default"]
    is_file = engine["ENGINE"].endswith("sqlite3")
    where = str(engine["NAME"]) if is_file else f"{engine['NAME']} at {engine['HOST'] or 'local'}"
    found: Status = {"kind": connection.display_name, "where": where, "works": False,
                     "migrated": None, "problem": ""}  # fmt: skip
    try:
        connection.ensure_connection()
        found["works"] = True
        executor = MigrationExecutor(connection)
        found["migrated"] = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        found["works"] = False
        found["problem"] = " ".join(str(error).split())
    return found


def describe_credentials(service: Service) -> Status:
    names, where = WHERE_TO_GET[service]
    return {"set": has_credentials(service), "names": names.split(" and "), "where_to_get": where}


def call_service(user: User, service: Service) -> tuple[str | None, str]:
    """Make one real call as this user; write down and return what came of it, and its text."""
    is_spotify = service == Service.SPOTIFY
    make = user_clients.spotify_connector if is_spotify else user_clients.lastfm_connector
    try:
        # A service that was closed is asked all the same, to see whether it is open again.
        make(user, probe=_is_closed(service)).get_user()
    except CredentialsMissing:
        return NOT_ASKED, ""
    except NotConnected as error:
        return UNUSABLE, str(error)
    except (AuthorizationError, ServiceClosed) as error:
        user_clients.note_refusal(user, service, error)
        return REFUSED, str(error)
    except RateLimited as error:
        return HELD_BACK, str(error)
    except TemporaryError as error:
        return DOWN, str(error)
    except ConnectorError as error:
        return WRONG, str(error)
    user_clients.note_answer(user, service)
    return ANSWERED, ""


def _is_closed(service: Service) -> bool:
    return ServiceHold.objects.filter(service=service, closed=True).exists()


def describe_connections(user: User, calls: dict[str, tuple[str | None, str]]) -> Status:
    """Return each service's connection. ``state`` is "none" where there never was one."""
    rows = Connection.objects.filter(user=user).select_related("account")
    known = {row.service: row for row in rows}
    described = {}
    for service in SERVICES:
        row = known.get(service)
        asked = row is not None and row.state != State.DISCONNECTED
        answer, text = calls.get(service, (NOT_ASKED, "")) if asked else (NOT_ASKED, "")
        ends_at = user_clients.consent_ends_at(row) if row and asked else None
        described[service.value] = {
            "state": row.state if row else "none",
            "name": connections.get_name(row) if row else "",
            "reason": row.reason if row else "",
            "answer": answer,
            "answer_text": text,
            "connected_at": iso(row.authorized_at) if row else None,
            "consent_ends_at": iso(ends_at),
            "consent_days_left": (ends_at - timezone.now()).days if ends_at else None,
            "purge_at": iso(row.purge_at) if row else None,
        }
    return described


def describe_hold(service: Service) -> Status:
    row = ServiceHold.objects.filter(service=service).first()
    held = row.held_until if row and row.held_until and row.held_until > timezone.now() else None
    closed = bool(row and row.closed)
    reason = row.told_reason if row and (held or closed) else ""
    return {"closed": closed, "held_until": iso(held), "reason": reason}


def describe_likes(user: User) -> Status:
    """Count the likes by service and state, and what waits for a person."""
    counts: dict[str, dict[str, int]] = {service.value: {} for service in Service}
    likes = Like.objects.of(user)
    for service, state, number in (
        likes.order_by().values_list("service", "state").annotate(number=Count("*"))
    ):
        counts[service][state] = number
    review = {state: counts[Service.LASTFM].get(state, 0) for state in Like.OPEN_STATES}
    merged = ServiceMapping.objects.of(user).filter(rule=ServiceMapping.Rule.MERGED).count()
    return {
        "tracks": Track.objects.filter(user=user).count(),
        "merged": merged,
        "likes": counts,
        "review": {"total": sum(review.values()), **{str(k): n for k, n in review.items()}},
        "unavailable": counts[Service.NARADA].get(Like.State.UNAVAILABLE, 0),
    }


def describe_checkpoints(user: User) -> Status:
    rows = {row.listing: row for row in Checkpoint.objects.filter(user=user)}
    return {
        listing.value: describe_checkpoint(rows[listing]) if listing in rows else None
        for listing in Checkpoint.Listing
    }


def describe_checkpoint(row: Checkpoint) -> Status:
    running = bool(row.lease_holder and row.lease_until and row.lease_until > timezone.now())
    return {
        "complete": row.complete and row.head == 0,
        "position": row.position,
        "total": row.total,
        "read_at": iso(row.read_at),
        "last_success_at": iso(row.last_success_at),
        "last_error": row.last_error,
        "removals_asked": row.removals_asked if row.removals_asked > row.removals_agreed else 0,
        "running": running,
        "lease_holder": row.lease_holder if running else "",
        "lease_until": iso(row.lease_until) if running else None,
    }


def describe_settings(user: User) -> Status:
    row = SyncSettings.objects.filter(user=user).first() or SyncSettings(user=user)
    return {
        "enabled": row.enabled,
        "on_unlike": row.on_unlike,
        "next_sync_at": iso(row.next_sync_at),
        "waits_since": iso(row.waits_since),
    }


def _last_runs(user: User) -> list[Run]:
    return list(Run.objects.filter(user=user).order_by("-started_at", "-pk")[:MOST_RUNS])


def describe_run(run: Run) -> Status:
    return {
        "run": run.pk,
        "kind": run.kind,
        "state": run.state,
        "started_by": run.started_by,
        "started_at": iso(run.started_at),
        "ended_at": iso(run.ended_at),
        "counts": run.counts,
        "message": run.message,
    }


def iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None


# What follows from it


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


def _find_broken_messages() -> Iterator[dict[str, str]]:
    """Yield a step where messages of one machine's queue could not be used and were set aside."""
    folder = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("broken_folder")
    count = sum(1 for _ in Path(str(folder)).glob("*")) if folder else 0
    if count:
        yield _step(
            f"{count_nouns(count, 'message')} of the queue could not be used and lies in {folder}, "
            "as after a full disk or a crash; nothing is lost, the next sync does the work",
            "look at the log, see that the disk has room, and delete what lies there",
        )


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
