"""The list of likes, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from likes.like_operations import LIKED, OPEN, TO_SEND
from likes.models import Like, Service, ServiceMapping, Track
from likes.web.forms import NameForm
from likes.web.like_list import LikeList

PAGE_SIZE = 50
#: Of more likes than these the list says that there are more: to count them all would read them.
MOST_COUNTED = 1_000
State = Like.State

#: The filters of the list: what each is called, and the states on Last.fm that it keeps.
FILTERS: dict[str, tuple[str, list[State]]] = {
    "loved": ("loved", [State.PRESENT]),
    "pending": ("to be sent", [*TO_SEND]),
    "review": ("needs review", [State.REVIEW]),
    "not_found": ("not found", [State.NOT_FOUND]),
    "failed": ("refused", [State.FAILED]),
    "excluded": ("not wanted there", [State.EXCLUDED]),
    "removing": ("to be taken back", [State.REMOVING]),
    "removed": ("no longer there", [State.REMOVED]),
}
#: Filters that look at Narada's and Spotify's rows instead.
OTHER_FILTERS = {
    "gone": "no longer on Spotify",
    "unavailable": "unavailable",
    "ended": "removed in Narada",
}


@login_required
@require_safe
def like_list(request: HttpRequest) -> HttpResponse:
    state = request.GET.get("state", "")
    text = request.GET.get("q", "").strip()[:200]
    service, states = choose_rows(state)
    in_narada = Like.objects.of(request.user).on(Service.NARADA)
    shown = LikeList(
        request.user,
        Like.objects.of(request.user)
        .on(service)
        .select_related("track")
        .only("service", "state", "liked_at", "track__title", "track__artists"),
        states,
        Q(Exists(in_narada.filter(track=OuterRef("track")))) if service != Service.NARADA else Q(),
    )
    page, total, most = shown.find(text, request.GET.get("after", ""), PAGE_SIZE, MOST_COUNTED)
    page.rows = give_lastfm_states(request.user, page.rows)
    choices = {key: label for key, (label, _) in FILTERS.items()} | OTHER_FILTERS
    return render(
        request,
        "likes/like_list.html",
        {
            "page": page,
            "total": total,
            "most_counted": most,
            "state": state if state in choices else "",
            "text": text,
            "choices": choices,
        },
    )


def choose_rows(state: str) -> tuple[Service, list[State]]:
    """Return the service by whose rows a filter finds likes, and the states of those rows.

    The list is in the order of those rows, which an index holds for each state; to begin at the
    likes in Narada and to ask each for its state elsewhere would read all of them.
    """
    if state in FILTERS:
        return Service.LASTFM, FILTERS[state][1]
    if state == "gone":
        return Service.SPOTIFY, [State.REMOVED]
    if state == "unavailable":
        return Service.NARADA, [State.UNAVAILABLE]
    if state == "ended":
        return Service.NARADA, [State.REMOVED]
    return Service.NARADA, [*LIKED]


def give_lastfm_states(user: AbstractBaseUser, rows: Iterable[Like]) -> list[Like]:
    """Return the likes in Narada of rows of one service, in their order, with ``on_lastfm`` set to
    the row there, or None; in one query."""
    rows = list(rows)
    tracks = {row.track_id: row.track for row in rows}
    known = {row.service for row in rows}
    lacking = {Service.NARADA, Service.LASTFM} - known
    found = Like.objects.of(user).filter(track__in=tracks, service__in=lacking)
    there = {
        (like.service, like.track_id): like
        for like in [*rows, *found.only("service", "state", "liked_at", "track")]
    }
    likes = [there[Service.NARADA, pk] for pk in tracks if (Service.NARADA, pk) in there]
    for like in likes:
        like.track = tracks[like.track_id]
        like.on_lastfm = there.get((Service.LASTFM, like.track_id))  # type: ignore[attr-defined]
    return likes


@dataclass(frozen=True)
class Event:
    when: datetime
    text: str


@login_required
@require_safe
def track_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What Narada has, what each service has, each page with its evidence, and the history."""
    track = get_object_or_404(Track, pk=pk, user=request.user)
    return render(request, "likes/track_detail.html", describe_track(track))


def describe_track(track: Track) -> dict[str, object]:
    likes = {like.service: like for like in Like.objects.filter(track=track)}
    mappings = list(ServiceMapping.objects.filter(track=track))
    pages = [mapping for mapping in mappings if mapping.service == Service.LASTFM]
    on_lastfm = likes.get(Service.LASTFM)
    return {
        "track": track,
        "in_narada": likes.get(Service.NARADA),
        "on_spotify": likes.get(Service.SPOTIFY),
        "on_lastfm": on_lastfm,
        "open_states": OPEN,
        "spotify_items": [item for item in mappings if item.service == Service.SPOTIFY],
        "pages": sorted(pages, key=_likeliest_first),
        "events": tell_events(track, likes, mappings),
        "name_form": NameForm(),
        "can_exclude": on_lastfm is not None and on_lastfm.state != State.EXCLUDED,
        "can_reopen": on_lastfm is not None
        and on_lastfm.state in [*OPEN, State.EXCLUDED, State.REMOVED],
    }


def _likeliest_first(page: ServiceMapping) -> tuple[int, float, int]:
    order = [*ServiceMapping.Decision.values].index(page.decision)
    return order, -(page.score if page.score is not None else -1), page.pk


def tell_events(
    track: Track, likes: dict[str, Like], mappings: list[ServiceMapping]
) -> list[Event]:
    """Return what is known of a track's past, the oldest first."""
    found: list[tuple[datetime | None, str]] = [(track.created_at, "Came into Narada")]
    for like in likes.values():
        where = like.get_service_display()
        if like.service == Service.NARADA:
            found += [(like.liked_at, "Liked"), (like.removed_at, "Removed in Narada")]
            continue
        found += [
            (like.sent_at, f"Narada loved it on {where}"),
            (like.confirmed_at, f"Last seen in {where}’s own list"),
            (like.removed_at, f"Found to be gone on {where}"),
        ]
    for mapping in mappings:
        if mapping.decided_by == ServiceMapping.DecidedBy.PERSON:
            name = f"{', '.join(mapping.artists)} – {mapping.title}"
            text = f"A person decided: {name} {mapping.get_decision_display()}"
            found.append((mapping.updated_at, text))
    events = {Event(when, text) for when, text in found if when is not None}
    return sorted(events, key=lambda event: (event.when, event.text))
