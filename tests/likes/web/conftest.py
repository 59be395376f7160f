"""Users, and likes in every state, for the tests of the pages and of the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from likes.models import Like, Service, ServiceMapping, Track
from matching import name_key

State = Like.State
Decision = ServiceMapping.Decision
THEN = datetime(2024, 5, 1, 12, tzinfo=UTC)

LikeSong = Callable[..., Like]
AddPage = Callable[..., ServiceMapping]


@pytest.fixture(autouse=True)
def own_cache(settings: Any, request: pytest.FixtureRequest) -> None:
    """Count the limits on signing in for each test by itself."""
    locmem = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": locmem, "LOCATION": request.node.nodeid}}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password="correct horse")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", password="battery staple")


@pytest.fixture
def as_ada(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def like_song() -> LikeSong:
    """A function that likes a song in Narada and Spotify, and returns its row on Last.fm."""

    def like(
        user: User,
        state: State = State.REVIEW,
        title: str = "Hey Jude",
        artist: str = "The Beatles",
        days: int = 0,
        **fields: object,
    ) -> Like:
        liked_at = THEN + timedelta(days=days)
        track = Track.objects.create(
            user=user, title=title, artists=[artist], album="1", duration_ms=431_000,
            isrc="GBUM71505902",
        )  # fmt: skip
        for service in (Service.NARADA, Service.SPOTIFY):
            Like.objects.create(
                user=user, track=track, service=service, state=State.PRESENT, liked_at=liked_at
            )
        ServiceMapping.objects.create(
            user=user, track=track, service=Service.SPOTIFY, key=f"{track.pk:022}",
            service_id=f"{track.pk:022}", title=title, artists=[artist], album="1",
            decision=Decision.ACCEPTED, rule="listed", listed=True, liked_at=liked_at,
        )  # fmt: skip
        return Like.objects.create(
            user=user, track=track, service=Service.LASTFM, state=state, liked_at=liked_at, **fields
        )

    return like


@pytest.fixture
def add_page() -> AddPage:
    """A function that gives a like's track a page on Last.fm, with evidence."""

    def add(
        like: Like,
        title: str,
        decision: Decision = Decision.CANDIDATE,
        artist: str = "The Beatles",
        score: float | None = 0.4,
        **fields: object,
    ) -> ServiceMapping:
        return ServiceMapping.objects.create(
            user=like.user, track=like.track, service=Service.LASTFM,
            key=name_key(artist, title), title=title, artists=[artist], decision=decision,
            rule="scrobbled", score=score,
            evidence=[
                {"field": "artists", "kind": "agrees", "text": "artists equal"},
                {"field": "title", "kind": "agrees", "text": "titles equal"},
                {"field": "version", "kind": "doubt", "text": "'Live' only on one side"},
            ],
            **fields,
        )  # fmt: skip

    return add
