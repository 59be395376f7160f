"""The written order in which pages are trusted: of each two neighbours the first one wins."""

from __future__ import annotations

from itertools import pairwise

import pytest
from world import World

from likes import review
from likes.like_sync import export_likes, import_likes
from likes.models import Like, Service, ServiceMapping

#: The song as liked, its plainer name, what Last.fm corrects the first to, and what a person chose.
AS_LIKED, PLAIN = ("Ada", "Mirror - Radio Edit"), ("Ada", "Mirror")
CORRECTED, CHOSEN = ("アダ", "Mirror - Radio Edit"), ("Ada", "Through the Looking Glass")
MASTERED = ("Ada", "Mirror (Radio Edit) [2011 Remaster]")
Page = tuple[str, str]


def give(world: World, step: str, page: Page) -> None:
    """Make one step of the order hold for a page."""
    artist, title = page
    world.order("page", artist=artist, title=title, listeners=900)
    if step == "loved":
        world.order("love", user="alice", artist=artist, title=title, uts=1_600_000_000)
    elif step == "scrobbled":
        world.order("scrobble", user="alice", artist=artist, title=title, playcount=7)
    elif step == "corrected":
        world.order("correction", **{"from": list(AS_LIKED), "to": list(page)})


#: The steps from the most to the least trusted, each with the page that stands for it.
ORDER: list[tuple[str, Page]] = [
    ("chosen by a person", CHOSEN),
    ("loved", PLAIN),
    ("scrobbled", MASTERED),
    ("corrected", CORRECTED),
    ("as liked", AS_LIKED),
    ("plainer", PLAIN),
]


@pytest.mark.parametrize(("first", "second"), [*pairwise(ORDER)], ids=lambda step: step[0])
def test_each_step_is_trusted_before_the_next(
    world: World, first: tuple[str, Page], second: tuple[str, Page]
) -> None:
    user = world.join()
    world.like(AS_LIKED[1], relation="nowhere")
    import_likes(user)
    for step, page in (second, first):
        give(world, step, page)
    if first[0] == "chosen by a person":
        like = Like.objects.of(user).on(Service.LASTFM).get()
        review.choose_name(like, *first[1], user)
    before = set(world.loves())

    export_likes(user)

    page = ServiceMapping.objects.of(user).on(Service.LASTFM).accepted().get()
    assert (page.artists[0], page.title) == first[1]
    assert set(world.loves()) == before | {first[1]}


@pytest.mark.parametrize("lower", ["corrected", "as liked"])
@pytest.mark.parametrize("step", ["loved", "scrobbled"])
def test_a_doubt_higher_up_is_not_overtaken_by_a_page_never_played(
    world: World, step: str, lower: str
) -> None:
    user = world.join()
    world.like(AS_LIKED[1], relation="nowhere", duration_ms=180_000)
    import_likes(user)
    doubt = ("Ada", "Mirror (Everything Reflected)")
    below = dict(ORDER)[lower]
    give(world, step, doubt)
    give(world, lower, below)

    export_likes(user)

    like = Like.objects.of(user).on(Service.LASTFM).get()
    assert like.state == Like.State.REVIEW
    shown = {
        (page.artists[0], page.title)
        for page in ServiceMapping.objects.filter(track=like.track, service="lastfm")
    }
    assert shown == {doubt, below}


def test_a_page_that_a_person_ruled_out_counts_as_missing(world: World) -> None:
    user = world.join()
    world.like(AS_LIKED[1], relation="nowhere")
    import_likes(user)
    give(world, "loved", PLAIN)
    give(world, "as liked", AS_LIKED)
    like = Like.objects.of(user).on(Service.LASTFM).get()
    review.reject(review.choose_name(like, *PLAIN, user), user)
    review.reopen(like, user)

    export_likes(user)

    page = ServiceMapping.objects.of(user).on(Service.LASTFM).accepted().get()
    assert (page.artists[0], page.title) == AS_LIKED
