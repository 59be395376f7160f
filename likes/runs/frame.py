"""The frame of every run: its row in the history, its lease, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError
from django.utils import timezone

from connectors.errors import (
    AuthorizationError,
    ConnectorError,
    ServiceClosed,
)
from likes.accounts import user_clients
from likes.accounts.credentials import CredentialsMissing, NotConnected
from likes.accounts.leaving import is_leaving
from likes.models import Checkpoint, Run
from likes.runs import clock
from likes.runs.key_renewal import renew_keys
from likes.runs.leases import Busy, hold_lease
from likes.runs.summaries import (
    NEEDS_A_PERSON,
    TRY_LATER,
    ExportSummary,
    ImportSummary,
    Progress,
    Summary,
    VerifySummary,
    tell_error,
)
from matching import NamesUnreadable

#: Errors that end a run with a sentence.
EXPECTED = (ConnectorError, Busy, NotConnected, CredentialsMissing, NamesUnreadable)

#: The kinds of run that read a listing, one at a time.
LEASED = {
    Checkpoint.Listing.SAVED: [Run.Kind.IMPORT, Run.Kind.FILE],
    Checkpoint.Listing.LOVED: [Run.Kind.EXPORT, Run.Kind.VERIFY],
}
#: Refusals that a new consent mends and whose text does not say so.
RECONNECT_CODES = {"4", "9", "14", "15", "17", "expired"}


@contextmanager
def keep_run(
    user: User, kind: Run.Kind, summary: Summary, started_by: str, dry_run: bool
) -> Iterator[Run]:
    """Keep the history of a run and turn what ended it into the summary's outcome."""
    if started_by == "command":
        clock.set_right(timezone.now())  # beat, which does it too, may not run
    run = Run(user=user, kind=kind, started_by=started_by)
    if not dry_run:
        with suppress(IntegrityError):  # the user is deleted already: found below
            run.save()
            summary.run = run.pk
    started = time.monotonic()
    state = Run.State.FAILED
    try:
        try:
            yield run
        except Exception as error:  # whatever a deletion broke; anything unknown is raised again
            if _follows_an_interrupt(error):
                raise KeyboardInterrupt from error
            if _is_leaving(user):
                _explain_deletion(user, summary)
            elif isinstance(error, EXPECTED):
                _explain_stop(user, error, summary)
                if isinstance(error, Busy) and run.pk and not summary.counts["api_calls"]:
                    summary.run = None
                    run.delete()  # it found another at work and did nothing: no history
            else:
                raise
        state = _state_of(summary)
    except KeyboardInterrupt:
        state, summary.message = Run.State.LATER, "Stopped by a person; the next run goes on."
        raise
    finally:
        summary.seconds = round(time.monotonic() - started, 2)  # type: ignore[attr-defined]
        if summary.run is not None:
            # Not saved: that would create a row again which was deleted with its user.
            kept = Run.objects.filter(pk=summary.run).update(
                state=state, ended_at=timezone.now(), counts=summary.counts, message=summary.message
            )
            if not kept and _is_leaving(user):
                _explain_deletion(user, summary)
            _note_on_checkpoint(user, kind, summary, state)


def _follows_an_interrupt(error: BaseException | None) -> bool:
    """Tell whether Ctrl-C broke what then failed, as a statement that the database had begun."""
    while error is not None:
        error = error.__context__
        if isinstance(error, KeyboardInterrupt):
            return True
    return False


def _is_leaving(user: User) -> bool:
    try:
        return is_leaving(user.pk)
    except DatabaseError:
        return False  # the error that led here tells what is wrong with the database


def _explain_deletion(user: User, summary: Summary) -> None:
    summary.run, summary.more, summary.exit_code = None, False, NEEDS_A_PERSON
    summary.message = (
        f"The user {user} was deleted while this ran, so it ended. None of their data is left."
    )


@contextmanager
def hold_run_lease(
    run: Run, listing: Checkpoint.Listing, progress: Progress
) -> Iterator[Checkpoint]:
    """Hold the lease for a run; one that held it before and did not say how it ended was killed.

    The run finds stored keys as its own rules make them.
    """
    with hold_lease(run.user, listing) as checkpoint:
        others = Run.objects.filter(
            user=run.user, state=Run.State.RUNNING, started_at__lt=run.started_at
        )
        others.filter(kind__in=LEASED[listing]).update(
            state=Run.State.FAILED, ended_at=timezone.now(), message="Cut off before its end."
        )
        renew_keys(checkpoint, progress)
        yield checkpoint


def _explain_stop(user: User, error: Exception, summary: Summary) -> None:
    """Note how the error ends the run, and what the service says of the connection."""
    summary.message, summary.exit_code = tell_error(error)
    if isinstance(error, AuthorizationError) and error.code in RECONNECT_CODES:
        connect = f"narada connect-{error.service} -u {user}"
        summary.message = f"{summary.message.rstrip('.')}. Connect it again: {connect}"
    if isinstance(error, AuthorizationError | ServiceClosed):
        user_clients.note_refusal(user, error.service, error)


def _state_of(summary: Summary) -> Run.State:
    if summary.more or summary.exit_code == TRY_LATER:
        return Run.State.LATER
    return Run.State.STOPPED if summary.exit_code else Run.State.DONE


def _note_on_checkpoint(user: User, kind: Run.Kind, summary: Summary, state: Run.State) -> None:
    listings = {
        Run.Kind.IMPORT: Checkpoint.Listing.SAVED,
        Run.Kind.EXPORT: Checkpoint.Listing.LOVED,
    }
    if kind not in listings:
        return
    fields: dict[str, object] = {"last_error": summary.message if summary.exit_code else ""}
    if state == Run.State.DONE:
        fields["last_success_at"] = timezone.now()
    Checkpoint.objects.filter(user=user, listing=listings[kind]).update(**fields)


class Counting(Protocol):
    @property
    def calls(self) -> int: ...


@contextmanager
def counting_calls(
    summary: ImportSummary | ExportSummary | VerifySummary, connector: Counting | None
) -> Iterator[None]:
    try:
        yield
    finally:
        summary.api_calls += connector.calls if connector else 0
