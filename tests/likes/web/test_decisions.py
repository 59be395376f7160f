"""Decisions made in the pages: one by one, many at once, live and without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from likes import review
from likes.models import Checkpoint, Like, Service, ServiceMapping
from likes.web import review_pages

pytestmark = pytest.mark.django_db

State = Like.State
LIVE = {"HTTP_HX_REQUEST": "true"}


def page_url(mapping: ServiceMapping, decision: str) -> str:
    return reverse("decide_on_page", kwargs={"pk": mapping.pk, "decision": decision})


def track_url(like: Like, decision: str) -> str:
    return reverse("decide_on_track", kwargs={"pk": like.track_id, "decision": decision})


def state_of(like: Like) -> str:
    like.refresh_from_db()
    return like.state


def test_review_lists_what_waits_for_me_only(
    as_ada: Client, ada: User, bob: User, like_song: Any
) -> None:
    for state in State:
        like_song(ada, state, title=state.value)
    like_song(bob, title="Bob's")
    cases = as_ada.get(reverse("review")).context["page"].rows
    assert {case.track.title for case in cases} == {"review", "not_found", "failed"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "failed"}, {"C"}),
        ({"reason": "ambiguous"}, {"A", "B"}),
        ({"q": "beatles"}, {"A", "B"}),
        ({"state": "loved"}, {"A", "B", "C"}),
    ],
)
def test_review_shows_what_shares_a_pattern(
    as_ada: Client, ada: User, like_song: Any, query: dict[str, str], found: set[str]
) -> None:
    for title in "AB":
        like_song(ada, title=title, artist="The Beatles", last_error="ambiguous")
    like_song(ada, State.FAILED, title="C", artist="Abba", last_error="error 6")
    response = as_ada.get(reverse("review"), query)
    assert {case.track.title for case in response.context["page"].rows} == found
    assert response.context["reasons"] == [("ambiguous", 2)]


@pytest.mark.parametrize(
    ("decision", "state"), [("accept", State.PENDING), ("reject", State.NOT_FOUND)]
)
def test_decision_on_a_page(
    as_ada: Client, ada: User, like_song: Any, add_page: Any, decision: str, state: State
) -> None:
    like = like_song(ada)
    response = as_ada.post(page_url(add_page(like, "Hey Jude (Live)"), decision))
    assert response.url == reverse("track", args=[like.track_id])
    assert state_of(like) == state


@pytest.mark.parametrize(
    ("decision", "state"), [("exclude", State.EXCLUDED), ("reopen", State.PENDING)]
)
def test_decision_on_a_track(
    as_ada: Client, ada: User, like_song: Any, decision: str, state: State
) -> None:
    like = like_song(ada)
    as_ada.post(track_url(like, decision))
    assert state_of(like) == state


@pytest.mark.parametrize(("state", "offered"), [("not_found", True), ("review", False)])
def test_what_lastfm_does_not_know_is_loved_anyway_from_its_own_page(
    as_ada: Client, ada: User, like_song: Any, state: str, offered: bool
) -> None:
    like = like_song(ada, state)
    url = track_url(like, "love")

    shown = as_ada.get(reverse("track", args=[like.track_id])).content.decode()

    assert (f'action="{url}"' in shown) == offered
    assert ("creates its page" in shown) == offered
    as_ada.post(url)
    assert state_of(like) == ("pending" if offered else state)


def test_decision_that_is_not_possible_says_why(as_ada: Client, ada: User, like_song: Any) -> None:
    like = like_song(ada, State.PRESENT)
    response = as_ada.post(track_url(like, "reopen"), follow=True)
    assert "Nothing was changed: already loved." in response.text


def test_decision_in_the_review_list_answers_with_the_case(
    as_ada: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(ada)
    mapping = add_page(like, "Hey Jude (Mono)")
    response = as_ada.post(page_url(mapping, "accept"), {"from": "review"}, **LIVE)
    assert response.status_code == 200
    assert response.text.lstrip().startswith("<article")
    assert "Decided." in response.text

    again = as_ada.post(track_url(like, "exclude"), {"from": "review"}, **LIVE)
    assert "Left out on Last.fm" in again.text
    again = as_ada.post(track_url(like, "exclude"), {"from": "review"}, **LIVE)
    assert "Nothing was changed: already set" in again.text


def test_name_is_taken(as_ada: Client, ada: User, like_song: Any) -> None:
    like = like_song(ada, State.NOT_FOUND)
    names = {"artist": "Beatles", "title": "Hey Jude"}
    as_ada.post(reverse("name_page", args=[like.track_id]), names)
    mapping = ServiceMapping.objects.get(service=Service.LASTFM)
    assert (mapping.artists, mapping.title, mapping.decided_by) == (
        ["Beatles"], "Hey Jude", "person",
    )  # fmt: skip
    assert state_of(like) == State.PENDING


@pytest.mark.parametrize("names", [{}, {"artist": "x"}, {"artist": " ", "title": "y"}])
def test_name_that_is_none_changes_nothing(
    as_ada: Client, ada: User, like_song: Any, names: dict[str, str]
) -> None:
    like = like_song(ada)
    address = reverse("name_page", args=[like.track_id])
    assert "Nothing was changed" in as_ada.post(address, names, follow=True).text
    assert state_of(like) == State.REVIEW


def test_many_are_decided_by_their_ticks(
    as_ada: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    ticked, empty, other = like_song(ada), like_song(ada), like_song(ada)
    for like in (ticked, other):
        add_page(like, "Hey Jude (Mono)")
    form = {"decision": "accept", "case": [ticked.pk, empty.pk, "x", "9" * 30]}
    response = as_ada.post(reverse("decide_on_many"), form, follow=True)
    assert "1 changed, 1 skipped (1: there is no candidate)." in response.text
    assert [state_of(like) for like in (ticked, empty, other)] == [
        State.PENDING, State.REVIEW, State.REVIEW,
    ]  # fmt: skip


def test_many_are_decided_by_the_filter(as_ada: Client, ada: User, like_song: Any) -> None:
    found = [like_song(ada, last_error="ambiguous") for _ in range(25)]
    other = like_song(ada, last_error="'Live' only on one side")
    form = {"decision": "exclude", "scope": "all", "reason": "ambiguous"}
    as_ada.post(reverse("decide_on_many"), form)
    assert {state_of(like) for like in found} == {State.EXCLUDED}
    assert state_of(other) == State.REVIEW


def test_many_touch_only_what_waits(as_ada: Client, ada: User, like_song: Any) -> None:
    loved = like_song(ada, State.PRESENT)
    form = {"decision": "exclude", "case": [loved.pk]}
    response = as_ada.post(reverse("decide_on_many"), form, follow=True)
    assert "No case was ticked" in response.text
    assert state_of(loved) == State.PRESENT


def test_many_knows_its_decisions(as_ada: Client) -> None:
    assert as_ada.post(reverse("decide_on_many"), {"decision": "delete"}).status_code == 404


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("/review/?state=review", "/review/?state=review"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("javascript:alert(1)", None),
    ],
)
def test_decision_goes_back_only_within_narada(
    as_ada: Client, ada: User, like_song: Any, address: str, where: str | None
) -> None:
    like = like_song(ada)
    response = as_ada.post(track_url(like, "exclude"), {"next": address})
    assert response.url == (where or reverse("track", args=[like.track_id]))


@pytest.mark.parametrize(
    "address",
    ["x", "x/y", "//evil.example/", "http://evil.example/", "/" + "x" * 9000, "\\evil", ""],
)
def test_a_decision_is_answered_with_success_whatever_the_form_leads_to(
    as_ada: Client, ada: User, like_song: Any, address: str
) -> None:
    like = like_song(ada)
    page = f"/likes/{like.track_id}/"
    response = as_ada.post(f"{page}exclude/", {"next": address})
    assert (response.status_code, response["Location"]) == (302, page)
    like.refresh_from_db()
    assert like.state == "excluded"


def test_a_decision_whose_case_is_gone_takes_it_off_the_page(
    as_ada: Client, ada: User, like_song: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    like = like_song(ada)

    def take_away(row: Any, user: User) -> None:
        like.delete()

    monkeypatch.setitem(review_pages.ON_TRACK, "exclude", take_away)
    address = f"/likes/{like.track_id}/exclude/"
    response = as_ada.post(address, {"from": "review"}, headers={"hx-request": "true"})
    assert (response.status_code, response.text) == (200, "")


def test_an_answer_about_removals_is_noted_though_nothing_can_sync(
    as_ada: Client, ada: User
) -> None:
    Checkpoint.objects.create(user=ada, listing="saved", removals_asked=30)
    page = as_ada.post("/removals/saved/", follow=True).text
    assert "Saved. The next sync will apply it." in page
    assert 'role="alert"' not in page
    assert Checkpoint.objects.get().removals_agreed == 30


def test_accepting_the_likeliest_says_before_what_it_does_and_is_taken_back_as_one(
    as_ada: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    clear = [like_song(ada, title=title, last_error="ambiguous") for title in ("A", "B")]
    empty = like_song(ada, title="C")
    for like in clear:
        add_page(like, f"{like.track.title} (Mono)")
    form = {"case": [like.pk for like in (*clear, empty)]}

    preview = as_ada.post(reverse("decide_on_many"), {**form, "decision": "preview"})
    assert "2 tracks will be loved" in preview.text
    assert "1: there is no candidate" in preview.text
    assert {state_of(like) for like in clear} == {State.REVIEW}

    done = as_ada.post(reverse("decide_on_many"), {**form, "decision": "accept"}, follow=True)
    assert {state_of(like) for like in clear} == {State.PENDING}
    assert "You accepted 2 pages together" in done.text

    # One is loved by a sync meanwhile: that love is to be taken back as well.
    Like.objects.filter(pk=clear[0].pk).update(state=State.PRESENT, sent_at=timezone.now())
    undone = as_ada.post(reverse("take_back_bulk"), follow=True)
    assert "Taken back: 2 changed." in undone.text
    assert [(state_of(like), like.last_error) for like in clear] == [
        (State.REVIEW, "ambiguous"), (State.REVIEW, "ambiguous"),
    ]  # fmt: skip
    pages = ServiceMapping.objects.filter(service=Service.LASTFM).order_by("pk")
    assert [(page.decision, page.withdraw) for page in pages] == [
        ("candidate", True), ("candidate", False),
    ]  # fmt: skip
    assert "together" not in as_ada.get(reverse("review")).text


def test_what_was_decided_otherwise_since_is_not_taken_back(
    as_ada: Client, ada: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(ada)
    page = add_page(like, "Hey Jude (Mono)")
    as_ada.post(reverse("decide_on_many"), {"case": [like.pk], "decision": "accept"})
    as_ada.post(page_url(page, "reject"))
    undone = as_ada.post(reverse("take_back_bulk"), follow=True)
    assert "0 changed, 1 skipped (1: decided otherwise since)" in undone.text
    page.refresh_from_db()
    assert page.decision == "rejected"


def test_nobody_takes_back_what_another_accepted(
    as_ada: Client, bob: User, like_song: Any, add_page: Any
) -> None:
    like = like_song(bob)
    add_page(like, "Hey Jude (Mono)")
    review.accept_best_of_many([like], bob)
    assert "together" not in as_ada.get(reverse("review")).text
    as_ada.post(reverse("take_back_bulk"))
    assert state_of(like) == State.PENDING
