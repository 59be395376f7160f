"""What a sync costs: the sandbox's log of calls, and the statements that reach the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from world import World

from likes.like_sync import export_likes, import_likes

MakeWorld = Callable[..., World]
LIKES = 1000


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.9])
def test_a_thousand_likes_cost_few_calls_and_statements(
    make_world: MakeWorld, share: float
) -> None:
    world = make_world(likes=LIKES, awkward=True, scrobble_share=share, loved_share=0.2)
    user = world.join()
    loved_before = set(world.loves())

    with CaptureQueriesContext(connection) as import_queries:
        first = import_likes(user)
    calls = world.count("/me/tracks")
    for call in world.box.calls(service="spotify"):
        assert (call["kind"], "market" in call["params"]) == ("GET /me/tracks", False)
    world.box.clear_calls()
    second = import_likes(user)

    assert first.exit_code == second.exit_code == 0, first.message
    assert calls <= 22
    assert len(import_queries) < LIKES
    assert first.complete
    assert world.count() == second.api_calls == 1

    world.box.clear_calls()
    export = export_likes(user)
    assert export.exit_code == 0, export.message
    sent = world.sent()
    assert not world.twice()
    assert loved_before.isdisjoint(sent)
    counts = world.box.count_calls()
    look_ups = counts.get("lastfm track.getInfo", 0)
    assert look_ups <= len(sent) * (0.12 if share == 1.0 else 0.30)
    assert counts["lastfm user.getLovedTracks"] <= 4
    assert counts["lastfm user.getTopTracks"] <= 2

    world.box.clear_calls()
    again = export_likes(user)
    assert world.count() <= 1
    assert again.loved == 0
