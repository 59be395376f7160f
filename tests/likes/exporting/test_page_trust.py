"""Which page is trusted first: the order of docs/architecture.md, as a table of libraries."""

from __future__ import annotations

from typing import Any

import pytest
from world import World

from likes import review
from likes.like_sync import export_likes, import_likes
from likes.models import Like, ServiceMapping, SyncSettings
from likes.models import Service as OnService
from matching import write_plain_signs

State = Like.State
#: Songs of each kind, so that one lucky look-up proves nothing.
EACH = 20


def play(world: World, title: str, artist: str = "Ada", plays: int = 7) -> None:
    world.order("scrobble", user="alice", artist=artist, title=title, plays=plays)


def add_page(world: World, title: str, artist: str = "Ada", listeners: int = 900) -> None:
    world.order("page", artist=artist, title=title, listeners=listeners)


def name_songs(kind: str) -> list[str]:
    """Titles that are not spelled alike."""
    nouns = ("river", "candle", "harbour", "engine", "mirror", "garden", "needle", "winter",
             "pocket", "summit")  # fmt: skip
    return [f"{kind} {noun} {place}" for noun in nouns for place in ("at dawn", "of glass")]


def love_all(world: World) -> None:
    user = world.join()
    import_likes(user)
    export_likes(user)


def count_look_ups(world: World) -> int:
    return len(world.box.calls(kind="track.getinfo"))


@pytest.mark.parametrize(
    "note",
    [" - Single Version", " - Radio Edit", " - 2004 Remaster", " (feat. Ben)", " - Edit"],
)
def test_the_plain_page_that_is_played_beats_the_noted_one(world: World, note: str) -> None:
    songs = name_songs("Velvet")
    for song in songs:
        world.like(f"{song}{note}", listeners=800)  # the noted page is real, and never played
        add_page(world, song)
        play(world, song)

    love_all(world)

    assert {title for _, title in world.loves()} == set(songs)
    assert count_look_ups(world) == 0


def test_the_noted_page_is_right_where_it_is_played(world: World) -> None:
    songs = name_songs("Played")
    for song in songs:
        world.like(f"{song} - Radio Edit", listeners=800)
        play(world, song)
        play(world, f"{song} - Radio Edit", plays=1)

    love_all(world)

    assert {title for _, title in world.loves()} == {f"{song} - Radio Edit" for song in songs}


def test_the_name_as_liked_is_right_where_neither_is_played(world: World) -> None:
    songs = name_songs("Neither")
    for song in songs:
        world.like(f"{song} - Radio Edit", listeners=800)
        add_page(world, song)

    love_all(world)

    assert {title for _, title in world.loves()} == {f"{song} - Radio Edit" for song in songs}
    assert count_look_ups(world) == EACH


def test_lengths_that_contradict_make_it_a_question(world: World) -> None:
    songs = name_songs("Long")
    for song in songs:
        world.like(f"{song} - Radio Edit", listeners=800, duration_ms=180_000)
        world.order("page", artist="Ada", title=song, listeners=900, duration_ms=420_000)
        play(world, song)

    love_all(world)

    assert world.loves() == []
    for like in Like.objects.on(OnService.LASTFM).filter(state=State.REVIEW):
        plain = like.track.title.removesuffix(" - Radio Edit")
        pages = ServiceMapping.objects.on(OnService.LASTFM).filter(track=like.track)
        assert {page.title for page in pages} == {plain, like.track.title}
    assert Like.objects.on(OnService.LASTFM).filter(state=State.REVIEW).count() == EACH


def test_a_doubtful_page_that_is_played_is_a_question_with_both(world: World) -> None:
    songs = name_songs("Doubt")
    for song in songs:
        world.like(song, listeners=800)
        play(world, f"{song} - Radio Edit")

    love_all(world)

    assert world.loves() == []
    for like in Like.objects.on(OnService.LASTFM).filter(state=State.REVIEW):
        pages = ServiceMapping.objects.on(OnService.LASTFM).filter(track=like.track)
        title = like.track.title
        assert {page.title for page in pages} == {title, f"{title} - Radio Edit"}
        assert "never played" in like.last_error
    assert Like.objects.on(OnService.LASTFM).filter(state=State.REVIEW).count() == EACH


@pytest.mark.parametrize("page", [{"relation": "nowhere"}, {"listeners": 1}])
def test_a_real_plain_page_is_at_least_offered(world: World, page: dict[str, Any]) -> None:
    """Under the noted name there is no page, or one that nobody listens to."""
    songs = name_songs("¿Ghost?")
    for song in songs:
        world.like(f"{song} - Radio Edit", **page)
        add_page(world, song)

    love_all(world)

    waiting = Like.objects.on(OnService.LASTFM).filter(state=State.REVIEW)
    assert waiting.count() == EACH
    for like in waiting:
        pages = ServiceMapping.objects.on(OnService.LASTFM).filter(track=like.track)
        plain = like.track.title.removesuffix(" - Radio Edit")
        assert plain in {page.title for page in pages}
        assert review.find_best(like).title == plain
    assert count_look_ups(world) == 2 * EACH


def test_a_plain_page_that_is_played_is_found_among_too_many_scrobbles(world: World) -> None:
    """Of three pages of scrobbles one is read for one like: Last.fm is asked for the plain name."""
    for number in range(2_001):
        scrobble = {"user": "alice", "artist": "Bea", "title": f"Song {number}", "playcount": 9}
        world.box.services.control.run("scrobble", scrobble)
    world.like("Faraway - Radio Edit", listeners=800)
    add_page(world, "Faraway")
    play(world, "Faraway", plays=1)

    love_all(world)

    assert world.loves() == [("Ada", "Faraway")]
    assert world.count("user.gettoptracks") == 1
    assert count_look_ups(world) == 2


def test_quotes_of_a_keyboard_are_tried_before_not_found(world: World) -> None:
    songs = [f"Don’t Call It {song} – “Live”…" for song in name_songs("Quoted")]
    for song in songs:
        world.like(f"{song} - 2011 Remaster", relation="nowhere")
        add_page(world, write_plain_signs(song))

    love_all(world)

    assert {title for _, title in world.loves()} == set(map(write_plain_signs, songs))


def test_a_title_spelled_alike_that_is_played_is_shown_where_no_page_is_found(world: World) -> None:
    user = world.join()
    world.like("Candlelight Serenades", relation="nowhere")
    play(world, "Candlelight Serenade")

    import_likes(user)
    export_likes(user)

    like = Like.objects.on(OnService.LASTFM).get()
    assert like.state == State.NOT_FOUND
    assert "spelled alike: Ada – Candlelight Serenade" in like.last_error
    page = ServiceMapping.objects.on(OnService.LASTFM).get(track=like.track)
    assert (page.title, page.decision) == ("Candlelight Serenade", "candidate")


def test_a_title_with_a_dash_of_its_own_is_found_behind_its_note(world: World) -> None:
    songs = [f"{song} – Paper?" for song in name_songs("Lantern")]
    for song in songs:
        world.like(f"{song} - 2004 Digital Remaster", relation="nowhere")
        add_page(world, song)

    love_all(world)

    assert {title for _, title in world.loves()} == set(songs)


def test_an_artist_that_lastfm_sends_on_is_that_artist(world: World) -> None:
    songs = name_songs("Highway")
    for song in songs:
        world.like(song, "Shiina Akari", relation="nowhere")
        add_page(world, song, "椎名あかり")
        world.order("correction", **{"from": ["Shiina Akari", song], "to": ["椎名あかり", song]})

    love_all(world)

    assert set(world.loves()) == {("椎名あかり", song) for song in songs}
    assert count_look_ups(world) == EACH


def test_what_no_page_knows_under_any_name_is_not_found(world: World) -> None:
    user = world.join()
    world.like("Nowhere - Radio Edit", relation="nowhere")
    import_likes(user)
    export_likes(user)
    assert world.state_of(user, "Nowhere - Radio Edit") == State.NOT_FOUND


def test_what_lastfm_does_not_know_is_loved_where_the_user_says_so(world: World) -> None:
    user = world.join()
    for title in ("Nowhere - Radio Edit", "Ruled Out"):
        world.like(title, relation="nowhere")
    import_likes(user)
    export_likes(user)
    assert world.states(user) == {"not_found": 2}
    ruled_out = Like.objects.on(OnService.LASTFM).get(track__title="Ruled Out")
    review.reject(review.choose_name(ruled_out, "Ada", "Ruled Out", user), user)

    SyncSettings.objects.update_or_create(user=user, defaults={"on_unknown": "love"})
    world.like("Later", relation="nowhere")
    import_likes(user)
    export_likes(user)

    assert set(world.loves()) == {("Ada", "Nowhere - Radio Edit"), ("Ada", "Later")}
    assert world.state_of(user, "Ruled Out") == State.NOT_FOUND


def test_one_track_that_lastfm_does_not_know_is_loved_anyway(world: World) -> None:
    user = world.join()
    world.like("Nowhere", relation="nowhere")
    world.like("Elsewhere", relation="nowhere")
    import_likes(user)
    export_likes(user)
    like = Like.objects.on(OnService.LASTFM).get(track__title="Nowhere")
    review.love_anyway(like, user)
    with pytest.raises(review.NotPossible, match="only what Last"):
        review.love_anyway(like, user)
    export_likes(user)
    assert world.loves() == [("Ada", "Nowhere")]
    assert world.state_of(user, "Elsewhere") == State.NOT_FOUND
