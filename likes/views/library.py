"""The list of likes, and everything that is known of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from likes.forms import NameForm
from likes.keyset import get_page
from likes.models import Like, LikeQuerySet, Service, ServiceMapping, Track
from likes.search import search_tracks

PAGE_SIZE = 50
State = Like.State

#: The filters of the list: what each is called, and the states on Last.fm that it keeps.
FILTERS: dict[str, tuple[str, list[State]]] = {
    "loved": ("loved", [State.PRESENT]),
    "pending": ("to be sent", [State.PENDING, State.SENDING]),
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
    likes = search_tracks(filter_likes(request.user, state), text, "track__")
    page = get_page(likes.select_related("track"), request.GET.get("after", ""), PAGE_SIZE)
    give_lastfm_states(page.rows)
    choices = {key: label for key, (label, _) in FILTERS.items()} | OTHER_FILTERS
    return render(
        request,
        "likes/like_list.html",
        {
            "page": page,
            "total": likes.count(),
            "state": state if state in choices else "",
            "text": text,
            "choices": choices,
        },
    )


def filter_likes(user: AbstractBaseUser, state: str) -> LikeQuerySet:
    """Return a user's likes in Narada, those in one state only when the filter is known."""
    likes = Like.objects.of(user).on(Service.NARADA)
    there = Like.objects.filter(track=OuterRef("track"))
    if state in FILTERS:
        on_lastfm = there.on(Service.LASTFM).filter(state__in=FILTERS[state][1])
        return likes.filter(Exists(on_lastfm))
    if state == "gone":
        return likes.filter(Exists(there.on(Service.SPOTIFY).filter(state=State.REMOVED)))
    if state == "unavailable":
        return likes.filter(state=State.UNAVAILABLE)
    if state == "ended":
        return likes.filter(state=State.REMOVED)
    return likes.exclude(state=State.REMOVED)


def give_lastfm_states(likes: Iterable[Like]) -> None:
    """Set ``on_lastfm`` of each like in Narada to its row there, or None; in one query."""
    likes = list(likes)
    tracks = [like.track_id for like in likes]
    rows = Like.objects.on(Service.LASTFM).filter(track__in=tracks)
    there = {row.track_id: row for row in rows}
    for like in likes:
        like.on_lastfm = there.get(like.track_id)  # type: ignore[attr-defined]


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
        "open_states": Like.OPEN_STATES,
        "spotify_items": [item for item in mappings if item.service == Service.SPOTIFY],
        "pages": sorted(pages, key=_likeliest_first),
        "events": tell_events(track, likes, mappings),
        "name_form": NameForm(),
        "can_exclude": on_lastfm is not None and on_lastfm.state != State.EXCLUDED,
        "can_reopen": on_lastfm is not None
        and on_lastfm.state in [*Like.OPEN_STATES, State.EXCLUDED, State.REMOVED],
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
