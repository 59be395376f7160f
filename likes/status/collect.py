"""The state of everything, gathered as one object."""

from __future__ import annotations

from contextlib import suppress

from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.utils import timezone

from likes.runs import clock
from likes.status.advice import find_blockers, find_broken_messages, find_next_steps
from likes.status.facts import (
    SERVICES,
    Status,
    call_service,
    check_database,
    describe_checkpoints,
    describe_connections,
    describe_credentials,
    describe_hold,
    describe_likes,
    describe_run,
    describe_settings,
    last_runs,
)


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
            status["runs"] = [describe_run(run) for run in last_runs(user)]
        # After the calls: what they learned of a service is in there.
        status["services"] = {service.value: describe_hold(service) for service in SERVICES}
        status["user_exists"] = user is not None
    status["blockers"] = list(find_blockers(status))
    status["next"] = [
        *(find_next_steps(status) if status["connections"] else ()),
        *find_broken_messages(),
    ]
    return status
