"""A name that a person types is looked up before it is taken, and an odd one is asked about."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from world import World

from likes.like_sync import export_likes, import_likes
from likes.models import Like, ServiceMapping
from likes.models import Service as OnService

State = Like.State


@pytest.fixture
def case(world: World, client: Client) -> Like:
    """A like of the user who is signed in, which Last.fm does not know."""
    user = world.join()
    world.like("Nowhere", relation="nowhere")
    import_likes(user)
    export_likes(user)
    client.force_login(user)
    return Like.objects.on(OnService.LASTFM).get()


def type_name(client: Client, case: Like, title: str, **more: str) -> Any:
    names = {"artist": "Ada", "title": title, **more}
    return client.post(reverse("name_page", args=[case.track_id]), names, follow=True)


def accepted(case: Like) -> list[str]:
    pages = ServiceMapping.objects.on(OnService.LASTFM).filter(track=case.track_id)
    return [page.title for page in pages if page.decision == "accepted"]


def test_a_name_with_listeners_is_taken_at_once(world: World, client: Client, case: Like) -> None:
    world.order("page", artist="Ada", title="Somewhere", listeners=900)
    type_name(client, case, "Somewhere")
    assert accepted(case) == ["Somewhere"]


@pytest.mark.parametrize(
    ("listeners", "objection"),
    [(0, "Last.fm does not know this name"), (1, "Only 1 person listens to this page")],
)
def test_a_name_without_listeners_needs_a_second_yes(
    world: World, client: Client, case: Like, listeners: int, objection: str
) -> None:
    if listeners:
        world.order("page", artist="Ada", title="Nobody’s", listeners=listeners)
    answer = type_name(client, case, "Nobody’s")
    assert objection in answer.text
    assert accepted(case) == []

    type_name(client, case, "Nobody’s", sure="1")
    assert accepted(case) == ["Nobody’s"]


def test_the_second_yes_is_asked_in_the_case_itself(client: Client, case: Like) -> None:
    address = reverse("name_page", args=[case.track_id])
    names = {"artist": "Ada", "title": "Elsewhere", "from": "review"}
    answer = client.post(address, names, HTTP_HX_REQUEST="true")
    assert answer.text.lstrip().startswith("<article")
    assert "Take this name all the same" in answer.text


def test_a_service_that_is_down_is_said(world: World, client: Client, case: Like) -> None:
    world.box.add_faults({"kind": "status", "status": 500, "match": "track.getinfo"})
    answer = type_name(client, case, "Elsewhere")
    assert "Last.fm could not be asked whether it knows this name" in answer.text
    assert accepted(case) == []
