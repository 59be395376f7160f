"""What ``status`` tells: the state of everything as one object, what blocks, and what is next.

No secret is in it: of credentials and tokens it says only whether they are there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
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
from likes.accounts import connections, holds, user_clients
from likes.accounts.credentials import (
    WHERE_TO_GET,
    CredentialsMissing,
    NotConnected,
    has_credentials,
)
from likes.like_operations import OPEN
from likes.models import (
    Checkpoint,
    Connection,
    Like,
    Run,
    Service,
    ServiceMapping,
    SyncSettings,
    Track,
)
from likes.runs.leases import is_held

SERVICES = (Service.SPOTIFY, Service.LASTFM)
#: Days before the end of Spotify's consent from which on it is told, and from which on it blocks.
MOST_RUNS = 5

#: What a real call came to. Unusable: the connection's tokens are gone or cannot be decrypted.
ANSWERED, REFUSED, HELD_BACK, DOWN = "ok", "refused", "held_back", "down"
WRONG, UNUSABLE, NOT_ASKED = "wrong", "unusable", None

State = Connection.State
Status = dict[str, Any]


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
        hold = holds.find_standing(service)
        make(user, probe=bool(hold and hold.closed)).get_user()
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


def describe_connections(user: User, calls: dict[str, tuple[str | None, str]]) -> Status:
    """Return each service's connection. ``state`` is "none" where there never was one."""
    rows = Connection.objects.filter(user=user).select_related("account")
    known = {row.service: row for row in rows}
    described = {}
    for service in SERVICES:
        row = known.get(service)
        asked = row is not None and row.is_standing
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
    hold = holds.find_standing(service)
    return {
        "closed": bool(hold and hold.closed),
        "held_until": iso(holds.held_until(service)),
        "reason": hold.told_reason if hold else "",
    }


def describe_likes(user: User) -> Status:
    """Count the likes by service and state, and what waits for a person."""
    counts: dict[str, dict[str, int]] = {service.value: {} for service in Service}
    likes = Like.objects.of(user)
    for service, state, number in (
        likes.order_by().values_list("service", "state").annotate(number=Count("*"))
    ):
        counts[service][state] = number
    review = {state: counts[Service.LASTFM].get(state, 0) for state in OPEN}
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
    running = is_held(row)
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


def last_runs(user: User) -> list[Run]:
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
