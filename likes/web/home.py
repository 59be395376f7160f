"""The first page: counts, connections, what holds things up, and the last runs, live."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from kombu.exceptions import OperationalError

from likes import tasks
from likes.accounts import holds
from likes.like_operations import LIKED, OPEN, TO_SEND
from likes.models import Checkpoint, Like, Run, Service, SyncSettings
from likes.runs import history, removal_questions
from likes.runs.leases import is_working
from likes.web.connection_pages import describe_connections

logger = logging.getLogger(__name__)

#: While something is under way the page asks this often (seconds), else seldom.
POLL_BUSY, POLL_IDLE = 2, 20
#: A count above the first is remembered for as many seconds as the second: it takes long.
LARGE, REMEMBERED = 10_000, 60
#: After "Sync now" a worker should begin within this time (seconds).
POLL_AFTER_PRESS = 60

State = Like.State


@dataclass(frozen=True)
class Figure:
    """A number on the first page: how many likes are in some states, and where they are listed."""

    label: str
    number: int
    state: str
    query: str
    always: bool = True


#: What is told of the likes on Last.fm: a label, the states counted, the filter of the list.
ON_LASTFM = (
    ("Loved", [State.PRESENT], "loved", True),
    ("To be sent", TO_SEND, "pending", True),
    ("Needs review", [State.REVIEW], "review", True),
    ("Not found", [State.NOT_FOUND], "not_found", True),
    ("Refused", [State.FAILED], "failed", False),
    ("Not wanted there", [State.EXCLUDED], "excluded", False),
    ("To be taken back", [State.REMOVING], "removing", False),
    ("No longer there", [State.REMOVED], "removed", False),
)


def count_likes(user: AbstractBaseUser, last_run: history.ToldRun | None = None) -> dict[str, Any]:
    """Return the figures of a user's likes, in one query of three parts, each of which an index
    answers alone: what no figure tells is not read. Large counts may be ``REMEMBERED`` seconds old,
    but not older than the begin or the end of the last run."""
    told = {Service.LASTFM: tuple(State), Service.NARADA: LIKED, Service.SPOTIFY: (State.REMOVED,)}
    key = f"large-counts:{user.pk}:{last_run and f'{last_run.number}:{last_run.state}'}"
    counts: dict[tuple[str, str], int] = cache.get(key, {})
    parts = []
    for service, states in told.items():
        part = Like.objects.filter(user=user, service=service).order_by()
        lacking = [state for state in states if (service, state) not in counts]
        if len(lacking) < len(State):
            part = part.filter(state__in=lacking)
        parts.append(part.values_list("service", "state").annotate(number=Count("*")))
    found = {
        (service, state): number for service, state, number in parts[0].union(*parts[1:], all=True)
    }
    # Whoever decides on open cases sees their number go down at once.
    large = {
        (service, state): number
        for (service, state), number in found.items()
        if number > LARGE and state not in OPEN
    }
    if large:
        cache.set(key, counts | large, REMEMBERED)
    counts = counts | found
    lastfm = [
        Figure(label, sum(counts.get((Service.LASTFM, state), 0) for state in states),
               states[0].value, query, always)
        for label, states, query, always in ON_LASTFM
    ]  # fmt: skip
    return {
        "in_narada": sum(counts.get((Service.NARADA, state), 0) for state in LIKED),
        "unavailable": counts.get((Service.NARADA, State.UNAVAILABLE), 0),
        "gone_on_spotify": counts.get((Service.SPOTIFY, State.REMOVED), 0),
        "on_lastfm": [figure for figure in lastfm if figure.always or figure.number],
        "to_review": sum(counts.get((Service.LASTFM, state), 0) for state in OPEN),
        "loved": counts.get((Service.LASTFM, State.PRESENT), 0),
    }


def describe_progress(user: AbstractBaseUser, pressed: bool = False) -> dict[str, Any]:
    """Return what the live part of the page shows; ``pressed`` when a sync was just asked for."""
    runs = history.tell_runs(user)
    busy = is_working(user) or (bool(runs) and runs[0].state == Run.State.RUNNING)
    in_line = SyncSettings.objects.filter(user=user).exclude(step=SyncSettings.Step.IDLE)
    waiting = not busy and (pressed or in_line.exists())
    listing = Checkpoint.objects.filter(user=user, listing=Checkpoint.Listing.SAVED).first()
    reading = busy and listing is not None and not listing.complete and bool(listing.total)
    return {
        "counts": count_likes(user, runs[0] if runs else None),
        "runs": runs,
        "busy": busy,
        "waiting": waiting,
        "poll": POLL_BUSY if busy or waiting else POLL_IDLE,
        "listing": listing if reading else None,
    }


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    sync, _ = SyncSettings.objects.get_or_create(user=request.user)
    cards = describe_connections(request.user)
    pressed = "sync" in request.GET
    return render(
        request,
        "likes/home.html",
        {
            "connections": cards,
            "both_connected": all(card.state == "connected" for card in cards),
            "now": timezone.now(),
            "holds": holds.list_standing(),
            "questions": removal_questions.list_questions(request.user),
            "sync": sync,
            "pressed_until": int(timezone.now().timestamp()) + POLL_AFTER_PRESS if pressed else 0,
            **describe_progress(request.user, pressed),
        },
    )


@login_required
@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """The live part of the first page, asked for again and again."""
    until = request.GET.get("until", "")
    until_time = int(until) if until.isdecimal() and len(until) < 12 else 0
    begun = Run.objects.filter(
        user=request.user, started_at__gte=_from_seconds(until_time - POLL_AFTER_PRESS)
    )
    waiting = timezone.now().timestamp() < until_time and not begun.exists()
    context = {"pressed_until": until_time if waiting else 0}
    return render(
        request, "likes/_progress.html", context | describe_progress(request.user, waiting)
    )


def _from_seconds(seconds: int) -> datetime:
    return datetime.fromtimestamp(max(0, seconds), tz=UTC)


@login_required
@require_POST
def sync_now(request: HttpRequest) -> HttpResponse:
    """Queue a sync of the user's likes."""
    if not tasks.find_usable_services(request.user.pk):
        messages.error(
            request,
            "Nothing can be synced now: connect Spotify and Last.fm first, or wait until a service "
            "that holds us back lets us in again.",
        )
        return redirect("home")
    try:
        tasks.ask_for_sync(request.user.pk, "button")
    except (OperationalError, OSError):
        logger.exception("a sync of user %s could not be queued", request.user.pk)
        messages.error(request, "The queue does not answer; tell whoever runs this Narada.")
        return redirect("home")
    return redirect("/?sync=1")


@login_required
@require_POST
def agree_to_removals(request: HttpRequest, listing: str) -> HttpResponse:
    """The user says that so much is gone indeed; the sync that follows takes note of it."""
    if not removal_questions.agree(request.user, listing):
        messages.info(request, "Nothing is asked about any more.")
        return redirect("home")
    messages.success(request, "Saved. The next sync will apply it.")
    return sync_now(request) if tasks.find_usable_services(request.user.pk) else redirect("home")


@login_required
@require_safe
def runs(request: HttpRequest) -> HttpResponse:
    """The history of runs, as far back as one page goes."""
    told = history.tell_runs(request.user, most=history.MOST_SLICES)
    return render(request, "likes/runs.html", {"runs": told})
