"""Libraries for the tests of library files: users with rows of every kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User

from connectors.records import LikedTrack, ServiceTrack
from likes import review
from likes.importing.track_sync import store_likes
from likes.library.reading import parse_library
from likes.library.storing import import_library
from likes.library.writing import export_library
from likes.models import Like, Run, Service, ServiceMapping, Source, SyncSettings, Track
from matching import name_key

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
State = Like.State
Decision = ServiceMapping.Decision
PERSON = ServiceMapping.DecidedBy.PERSON


def add_user(name: str) -> User:
    return User.objects.create_user(name)


def store(user: User, *titles: str, source: Source = Source.API) -> list[Track]:
    """Store likes of those titles, a day apart, each with a Spotify id made of the title."""
    items = [
        LikedTrack(
            ServiceTrack(title, ("Ada", "Bo, Jr."), "First", 200_000, "", False, f"id-{title}"),
            DAY + timedelta(days=number),
        )
        for number, title in enumerate(titles)
    ]
    store_likes(user, items, source)
    return [Track.objects.get(user=user, title=title) for title in titles]


def add_page(
    track: Track, title: str, decision: str = Decision.CANDIDATE, by: str = "rule"
) -> ServiceMapping:
    return ServiceMapping.objects.create(
        user=track.user, track=track, service=Service.LASTFM, key=name_key("Ada", title),
        title=title, artists=["Ada"], decision=decision, decided_by=by, rule="same_name",
        score=0.5, evidence=[{"field": "title", "text": "titles equal"}],
    )  # fmt: skip


def on_lastfm(track: Track) -> Like:
    return Like.objects.on(Service.LASTFM).get(track=track)


def export(user: User) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads("".join(export_library(user)))
    return whole


def content(user: User) -> dict[str, Any]:
    return {name: v for name, v in export(user).items() if name not in ("user", "exported_at")}


def bring_in(user: User, whole: dict[str, Any], **options: Any) -> Any:
    return import_library(user, parse_library(json.dumps(whole)), **options)


def make_rich_library(user: User) -> list[Track]:
    """A library with every kind of row: sent, in review, unwanted, removed, local, runs."""
    one, two, three, four = tracks = store(user, "One", "Two", "Three", "Four")
    store_likes(user, [LikedTrack(None, DAY, "local file", "Untitled Jam")], Source.FILE)
    add_page(one, "One", Decision.ACCEPTED)
    Like.objects.filter(pk=on_lastfm(one).pk).update(
        state=State.PRESENT, sent_at=DAY, confirmed_at=DAY + timedelta(microseconds=7), attempts=1
    )
    Like.objects.filter(pk=on_lastfm(two).pk).update(state=State.REVIEW, last_error="unsure")
    add_page(two, "Two (Live)")
    review.choose_name(two, "Ada", "Two of Them", user)
    add_page(two, "Too", Decision.REJECTED, PERSON)
    review.exclude(on_lastfm(three), user)
    Like.objects.filter(track=four).update(state=State.REMOVED, removed_at=DAY)
    SyncSettings.objects.create(user=user, on_unlike=SyncSettings.Unlike.FOLLOW)
    Run.objects.create(user=user, kind="import", state="done", ended_at=DAY, counts={"seen": 5})
    return tracks
