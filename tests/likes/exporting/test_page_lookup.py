"""Which of the names that Last.fm is asked for is the page, where not all plays are known."""

from __future__ import annotations

from typing import cast

import pytest

from connectors.lastfm import LastfmConnector
from connectors.records import TrackPage
from likes.exporting.page_lookup import look_up
from likes.models import Like, Track

NOTED, PLAIN = "Mirror - Radio Edit", "Mirror"


class Pages:
    """Answers for the pages given, by title, and notes what was asked for."""

    def __init__(self, **pages: TrackPage) -> None:
        self.pages = {page.title: page for page in pages.values()}
        self.asked: list[str] = []

    def get_track(self, artist: str, title: str) -> TrackPage | None:
        self.asked.append(title)
        return self.pages.get(title)


def choose_page(pages: Pages, title: str = NOTED, *, known: bool = False) -> tuple[str, str]:
    """Return the title of the page that is accepted, "" if none is, and the like's state."""
    track = Track(pk=1, title=title, artists=["Ada"], duration_ms=180_000)
    connector = cast(LastfmConnector, pages)
    choice = look_up(connector, track, all_plays_known=known)
    return choice.accepted.title if choice.accepted else "", choice.state


def page(title: str, listeners: int = 900, plays: int = 0, length: int | None = None) -> TrackPage:
    return TrackPage("Ada", title, listeners, user_playcount=plays, duration_ms=length)


@pytest.mark.parametrize("listeners", [900, 1])
def test_the_plain_page_that_is_played_is_taken(listeners: int) -> None:
    pages = Pages(noted=page(NOTED, listeners), plain=page(PLAIN, plays=3))
    assert choose_page(pages)[0] == PLAIN


def test_the_noted_page_that_is_played_needs_no_other_question() -> None:
    pages = Pages(noted=page(NOTED, plays=1), plain=page(PLAIN, plays=3))
    assert choose_page(pages)[0] == NOTED
    assert pages.asked == [NOTED]


def test_the_noted_page_is_taken_where_neither_is_played() -> None:
    pages = Pages(noted=page(NOTED), plain=page(PLAIN))
    assert choose_page(pages)[0] == NOTED
    assert pages.asked == [NOTED, PLAIN]


def test_a_plain_page_of_another_length_that_is_played_is_a_question() -> None:
    pages = Pages(noted=page(NOTED), plain=page(PLAIN, plays=3, length=300_000))
    assert choose_page(pages) == ("", Like.State.REVIEW)


def test_no_plainer_name_is_asked_for_where_all_plays_are_known() -> None:
    pages = Pages(noted=page(NOTED), plain=page(PLAIN, plays=3))
    assert choose_page(pages, known=True)[0] == NOTED
    assert pages.asked == [NOTED]


def test_other_signs_are_no_reason_to_ask_once_more() -> None:
    pages = Pages(own=page("Don’t Stop"))
    assert choose_page(pages, "Don’t Stop")[0] == "Don’t Stop"
    assert pages.asked == ["Don’t Stop"]


@pytest.mark.parametrize("plays", [0, 7])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    "note", ["(Vinyl Edit)", "- Bob Smith Edit", "(Uncut)", "- Promo", "(Everything Reflected)"]
)
def test_a_page_without_a_note_that_may_mean_anything_is_only_a_candidate(
    note: str, known: bool, plays: int
) -> None:
    pages = Pages(plain=page(PLAIN, plays=plays))
    assert choose_page(pages, f"{PLAIN} {note}", known=known) == ("", Like.State.REVIEW)


@pytest.mark.parametrize("note", ["(Live)", "- Demo", "(Bob Smith Remix)", "- Part 2", "(Reprise)"])
def test_a_page_of_another_take_is_not_asked_for(note: str) -> None:
    pages = Pages(plain=page(PLAIN))
    assert choose_page(pages, f"{PLAIN} {note}") == ("", Like.State.NOT_FOUND)
    assert PLAIN not in pages.asked


@pytest.mark.parametrize(
    ("corrected", "accepted"),
    [
        (TrackPage("Ada & Bo", "Mirror (feat. Bo)", 900), True),
        (TrackPage("Ada & Cy", "Mirror (feat. Cy)", 900), False),
        (TrackPage("Bo", "Mirror (feat. Bo)", 900), False),
    ],
)
def test_a_correction_is_held_against_all_artists(corrected: TrackPage, accepted: bool) -> None:
    pages = Pages()
    pages.pages[PLAIN] = corrected
    track = Track(pk=1, title=PLAIN, artists=["Ada", "Bo"])
    choice = look_up(cast(LastfmConnector, pages), track)
    assert (choice.accepted is not None) == accepted
    assert accepted or choice.state == Like.State.REVIEW
