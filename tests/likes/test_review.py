"""A person's decisions: what each changes, and that it is all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from likes import review
from likes.models import Like, Service, ServiceMapping, Source, Track
from matching import name_key

pytestmark = pytest.mark.django_db

State = Like.State
Decision = ServiceMapping.Decision
THEN = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def like_song(
    user: User, state: State = State.REVIEW, title: str = "Hey Jude", **fields: object
) -> Like:
    """A like in Narada, and its row on Last.fm in the state given, which is returned."""
    track = Track.objects.create(user=user, title=title, artists=["The Beatles"])
    Like.objects.create(
        user=user, track=track, service=Service.NARADA, state=State.PRESENT, liked_at=THEN
    )
    return Like.objects.create(
        user=user, track=track, service=Service.LASTFM, state=state, liked_at=THEN, **fields
    )


def add_page(
    like: Like,
    title: str,
    decision: Decision = Decision.CANDIDATE,
    artist: str = "The Beatles",
    **fields: object,
) -> ServiceMapping:
    return ServiceMapping.objects.create(
        user=like.user,
        track=like.track,
        service=Service.LASTFM,
        key=name_key(artist, title),
        title=title,
        artists=[artist],
        decision=decision,
        **{"rule": ServiceMapping.Rule.SCROBBLED, **fields},
    )


def decision_of(mapping: ServiceMapping) -> tuple[str, str, bool]:
    mapping.refresh_from_db()
    return mapping.decision, mapping.decided_by, mapping.withdraw


def test_accept_sends_the_like_again(ada: User) -> None:
    like = like_song(ada, attempts=3, next_attempt_at=THEN, last_error="the titles differ")
    mapping = add_page(like, "Hey Jude (Live)")

    review.accept(mapping, ada)

    like.refresh_from_db()
    assert decision_of(mapping) == ("accepted", "person", False)
    assert (like.state, like.attempts, like.next_attempt_at, like.last_error) == (
        State.PENDING, 0, None, "",
    )  # fmt: skip


def test_accept_demotes_the_former_page(ada: User) -> None:
    like = like_song(ada, State.PENDING)
    former = add_page(like, "Hey Jude", Decision.ACCEPTED, decided_by="person")
    better = add_page(like, "Hey Jude - Remastered")

    review.accept(better, ada)

    assert decision_of(former) == ("candidate", "rule", False)
    assert decision_of(better) == ("accepted", "person", False)


def test_accept_of_the_loved_page_keeps_the_love(ada: User) -> None:
    like = like_song(ada, State.PRESENT, sent_at=THEN, confirmed_at=THEN)
    mapping = add_page(like, "Hey Jude", Decision.ACCEPTED)

    review.accept(mapping, ada)

    like.refresh_from_db()
    assert decision_of(mapping) == ("accepted", "person", False)
    assert (like.state, like.sent_at, like.confirmed_at) == (State.PRESENT, THEN, THEN)


@pytest.mark.parametrize(
    ("state", "sent_at", "withdrawn"),
    [
        (State.PRESENT, THEN, True),  # Narada loved it
        (State.SENDING, None, True),  # Narada may just be loving it
        (State.PRESENT, None, False),  # the user had loved it: not ours to take back
        (State.PENDING, None, False),
    ],
)
def test_accept_of_another_page_takes_back_what_narada_sent(
    ada: User, state: State, sent_at: datetime | None, withdrawn: bool
) -> None:
    like = like_song(ada, state, sent_at=sent_at)
    former = add_page(like, "Hey Jude - 2015 Mix", Decision.ACCEPTED)
    better = add_page(like, "Hey Jude")

    review.accept(better, ada)

    like.refresh_from_db()
    assert decision_of(former) == ("candidate", "rule", withdrawn)
    assert (like.state, like.sent_at, like.confirmed_at) == (State.PENDING, None, None)


@pytest.mark.parametrize(
    ("other_state", "withdrawn"), [(State.PRESENT, False), (State.EXCLUDED, True)]
)
def test_accept_leaves_a_page_only_if_another_track_is_loved_on_it(
    ada: User, other_state: State, withdrawn: bool
) -> None:
    other = like_song(ada, other_state, sent_at=THEN)
    add_page(other, "Hey Jude", Decision.ACCEPTED)
    like = like_song(ada, State.PRESENT, "Hey Jude - Take 1", sent_at=THEN)
    former = add_page(like, "Hey Jude", Decision.ACCEPTED)
    better = add_page(like, "Hey Jude (Take 1)")

    review.accept(better, ada)

    assert decision_of(former) == ("candidate", "rule", withdrawn)


def test_accept_again_keeps_a_love_not_yet_taken_back(ada: User) -> None:
    like = like_song(ada, State.PRESENT, sent_at=THEN)
    first = add_page(like, "Hey Jude", Decision.ACCEPTED)
    second = add_page(like, "Hey Jude (Live)")

    review.accept(second, ada)
    review.accept(first, ada)

    assert decision_of(first) == ("accepted", "person", False)
    assert decision_of(second) == ("candidate", "rule", False)
    # Whether it still stands, and is Narada's, the loved list tells.
    assert Like.objects.get(pk=like.pk).state == State.SENDING


@pytest.mark.parametrize("decide", ["accept another", "reject", "exclude"])
def test_a_love_about_to_be_taken_back_is_so_whatever_is_decided(ada: User, decide: str) -> None:
    like = like_song(ada, State.REMOVING, sent_at=THEN)
    page = add_page(like, "Hey Jude", Decision.ACCEPTED)
    if decide == "accept another":
        review.accept(add_page(like, "Hey Jude (Live)"), ada)
    elif decide == "reject":
        review.reject(page, ada)
    else:
        review.exclude(like, ada)
    page.refresh_from_db()
    assert page.withdraw


def test_accept_of_what_is_no_longer_liked_sends_nothing(ada: User) -> None:
    like = like_song(ada, State.REMOVED)
    Like.objects.on(Service.NARADA).update(state=State.REMOVED)
    mapping = add_page(like, "Hey Jude")

    review.accept(mapping, ada)

    like.refresh_from_db()
    assert (like.state, decision_of(mapping)[0]) == (State.REMOVED, "accepted")


def test_accept_of_a_spotify_mapping_is_not_possible(ada: User) -> None:
    like = like_song(ada)
    mapping = ServiceMapping.objects.create(
        user=ada, track=like.track, service=Service.SPOTIFY, key="a" * 22, decision="accepted",
        rule="listed",
    )  # fmt: skip
    with pytest.raises(review.NotPossible):
        review.accept(mapping, ada)


def test_accept_is_all_or_nothing(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    like = like_song(ada, State.PRESENT, sent_at=THEN)
    former = add_page(like, "Hey Jude - 2015 Mix", Decision.ACCEPTED)
    better = add_page(like, "Hey Jude")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went off")

    monkeypatch.setattr(review, "ask_to_love", fail)
    with pytest.raises(RuntimeError):
        review.accept(better, ada)

    assert decision_of(former) == ("accepted", "rule", False)
    assert decision_of(better) == ("candidate", "rule", False)


def test_two_accepted_pages_of_a_track_are_refused_by_the_database(ada: User) -> None:
    like = like_song(ada)
    add_page(like, "Hey Jude", Decision.ACCEPTED)
    with pytest.raises(IntegrityError), transaction.atomic():
        add_page(like, "Hey Jude (Live)", Decision.ACCEPTED)


@pytest.mark.parametrize("state", [State.PENDING, State.PRESENT, State.FAILED])
def test_reject_of_the_accepted_page_asks_about_the_others(ada: User, state: State) -> None:
    like = like_song(ada, state, sent_at=THEN if state == State.PRESENT else None)
    wrong = add_page(like, "Hey Jude (Live)", Decision.ACCEPTED)
    add_page(like, "Hey Jude")

    review.reject(wrong, ada)

    like.refresh_from_db()
    assert decision_of(wrong) == ("rejected", "person", state == State.PRESENT)
    assert (like.state, like.sent_at) == (State.REVIEW, None)
    assert like.last_error


def test_reject_of_the_last_page_leaves_not_found(ada: User) -> None:
    like = like_song(ada, State.REVIEW)
    first, second = add_page(like, "Hey Jude (Live)"), add_page(like, "Hey Jude (Demo)")

    review.reject(first, ada)
    like.refresh_from_db()
    assert like.state == State.REVIEW

    review.reject(second, ada)
    like.refresh_from_db()
    assert like.state == State.NOT_FOUND


def test_reject_of_a_candidate_leaves_a_pending_like_alone(ada: User) -> None:
    like = like_song(ada, State.PENDING)
    add_page(like, "Hey Jude", Decision.ACCEPTED)
    other = add_page(like, "Hey Jude (Live)")

    review.reject(other, ada)

    like.refresh_from_db()
    assert like.state == State.PENDING


def test_reject_does_not_reopen_what_is_not_wanted(ada: User) -> None:
    like = like_song(ada, State.EXCLUDED)
    mapping = add_page(like, "Hey Jude", Decision.ACCEPTED)

    review.reject(mapping, ada)

    like.refresh_from_db()
    assert like.state == State.EXCLUDED


def test_reject_twice_is_not_possible(ada: User) -> None:
    mapping = add_page(like_song(ada), "Hey Jude")
    review.reject(mapping, ada)
    with pytest.raises(review.NotPossible, match="already rejected"):
        review.reject(mapping, ada)


def test_choose_name_makes_an_accepted_mapping(ada: User) -> None:
    like = like_song(ada, State.NOT_FOUND)

    mapping = review.choose_name(like, "  Beatles ", "Hey  Jude", ada)

    like.refresh_from_db()
    assert like.state == State.PENDING
    assert (mapping.artists, mapping.title, mapping.source, mapping.rule) == (
        ["Beatles"], "Hey Jude", Source.PERSON, "person",
    )  # fmt: skip
    assert decision_of(mapping) == ("accepted", "person", False)


def test_choose_name_takes_the_page_that_is_known(ada: User) -> None:
    like = like_song(ada)
    page = add_page(like, "HEY JUDE", score=0.4)

    mapping = review.choose_name(like.track, "The Beatles", "Hey Jude", ada)

    assert (mapping.pk, mapping.title, mapping.score) == (page.pk, "Hey Jude", 0.4)
    assert ServiceMapping.objects.count() == 1


def test_choose_name_overrides_a_rejection(ada: User) -> None:
    like = like_song(ada)
    page = add_page(like, "Hey Jude")
    review.reject(page, ada)

    review.choose_name(like, "The Beatles", "Hey Jude", ada)

    assert decision_of(page) == ("accepted", "person", False)


@pytest.mark.parametrize(
    ("artist", "title"), [("", "Hey Jude"), ("The Beatles", "  "), ("x" * 501, "y")]
)
def test_choose_name_refuses_what_is_no_name(ada: User, artist: str, title: str) -> None:
    with pytest.raises(review.NotPossible):
        review.choose_name(like_song(ada), artist, title, ada)
    assert not ServiceMapping.objects.exists()


def test_choose_name_gives_a_local_file_a_page(ada: User) -> None:
    track = Track.objects.create(user=ada, title="demo tape.mp3", artists=[])
    like = Like.objects.create(
        user=ada, track=track, service=Service.NARADA, state=State.UNAVAILABLE, liked_at=THEN
    )

    review.choose_name(like, "Our Band", "Demo", ada)

    added = Like.objects.on(Service.LASTFM).get()
    assert (added.state, added.liked_at, added.user) == (State.PENDING, THEN, ada)


def test_exclude_takes_back_what_narada_sent(ada: User) -> None:
    like = like_song(ada, State.PRESENT, sent_at=THEN)
    mapping = add_page(like, "Hey Jude", Decision.ACCEPTED)

    review.exclude(like, ada)

    like.refresh_from_db()
    assert like.state == State.EXCLUDED
    assert decision_of(mapping) == ("accepted", "rule", True)


def test_exclude_leaves_a_love_of_the_user(ada: User) -> None:
    like = like_song(ada, State.PRESENT)
    mapping = add_page(like, "Hey Jude", Decision.ACCEPTED)

    review.exclude(like, ada)

    assert decision_of(mapping) == ("accepted", "rule", False)


def test_exclude_by_the_narada_row_means_the_one_on_lastfm(ada: User) -> None:
    like = like_song(ada)
    review.exclude(Like.objects.on(Service.NARADA).get(), ada)
    like.refresh_from_db()
    assert like.state == State.EXCLUDED
    assert Like.objects.on(Service.NARADA).get().state == State.PRESENT


@pytest.mark.parametrize(
    "state", [State.REVIEW, State.NOT_FOUND, State.FAILED, State.EXCLUDED, State.REMOVED]
)
def test_reopen_makes_it_pending(ada: User, state: State) -> None:
    like = like_song(ada, state, attempts=5, next_attempt_at=THEN, last_error="error 6")
    review.reopen(like, ada)
    like.refresh_from_db()
    assert (like.state, like.attempts, like.next_attempt_at, like.last_error) == (
        State.PENDING, 0, None, "",
    )  # fmt: skip


def test_accept_while_a_love_is_about_to_end_leaves_the_users_own_page_alone(ada: User) -> None:
    like = like_song(ada, State.REMOVING, sent_at=THEN)
    Like.objects.on(Service.NARADA).update(state=State.REMOVED)
    former = add_page(like, "Hey Jude", Decision.ACCEPTED)
    review.choose_name(like, "The Beatles", "Mine", ada)
    like.refresh_from_db()
    assert (decision_of(former), like.state) == (("candidate", "rule", True), State.REMOVED)


def test_accept_of_what_is_no_longer_liked_still_takes_its_love_back(ada: User) -> None:
    like = like_song(ada, State.REMOVING, sent_at=THEN)
    Like.objects.on(Service.NARADA).update(state=State.REMOVED)
    former = add_page(like, "Hey Jude", Decision.ACCEPTED)
    review.choose_name(like, "The Beatles", "Mine", ada)
    review.accept(former, ada)
    assert decision_of(former) == ("accepted", "person", True)


@pytest.mark.parametrize("how", ["excluded", "about to be taken back"])
def test_reopen_of_a_love_not_yet_taken_back_keeps_it_narada_s(ada: User, how: str) -> None:
    state = State.PRESENT if how == "excluded" else State.REMOVING
    like = like_song(ada, state, sent_at=THEN)
    page = add_page(like, "Hey Jude", Decision.ACCEPTED)
    if how == "excluded":
        review.exclude(like, ada)
    review.reopen(like, ada)
    like.refresh_from_db()
    page.refresh_from_db()
    assert (like.state, page.withdraw) == (State.SENDING, False)


def test_reopen_keeps_decisions(ada: User) -> None:
    like = like_song(ada)
    wrong = add_page(like, "Hey Jude (Live)")
    review.reject(wrong, ada)
    review.reopen(like, ada)
    assert decision_of(wrong) == ("rejected", "person", False)


def test_reopen_of_what_is_loved_is_not_possible(ada: User) -> None:
    with pytest.raises(review.NotPossible, match="already loved"):
        review.reopen(like_song(ada, State.PRESENT), ada)


def test_reopen_of_what_is_no_longer_liked_is_not_possible(ada: User) -> None:
    like = like_song(ada, State.REMOVED)
    Like.objects.on(Service.NARADA).update(state=State.REMOVED)
    with pytest.raises(review.NotPossible, match="no longer liked"):
        review.reopen(like, ada)


def test_accept_best_takes_the_likeliest(ada: User) -> None:
    like = like_song(ada)
    add_page(like, "Hey Jude (Live)", score=0.2)
    best = add_page(like, "Hey Jude - Mono", score=0.9)
    add_page(like, "Hey Jude (Demo)", score=None)

    review.accept_best(like, ada)

    assert decision_of(best)[0] == "accepted"


def test_decide_many_counts_and_says_why_not(ada: User) -> None:
    clear, equal, empty = like_song(ada), like_song(ada), like_song(ada)
    add_page(clear, "Hey Jude", score=0.9)
    add_page(equal, "Hey Jude", score=0.5)
    add_page(equal, "Hey Jude (Live)", score=0.5)

    outcome = review.decide_many(review.accept_best, [clear, equal, empty], ada)

    assert outcome.done == 1
    assert outcome.skipped == {
        "two candidates are equally likely": 1,
        "there is no candidate": 1,
    }
    assert str(outcome).startswith("1 changed, 2 skipped (")


@pytest.mark.parametrize(
    ("kinds", "accepted"),
    [(["agrees", "doubt"], True), (["agrees"], True), (["doubt", "differs"], False)],
)
def test_accept_best_never_takes_another_recording(
    ada: User, kinds: list[str], accepted: bool
) -> None:
    like = like_song(ada)
    page = add_page(like, "Pts. 6-9", score=0.5, evidence=[{"kind": kind} for kind in kinds])

    outcome = review.decide_many(review.accept_best, [like], ada)

    assert outcome.done == accepted
    assert decision_of(page)[0] == ("accepted" if accepted else "candidate")
    if not accepted:
        reason = "every candidate looks like another recording, or has no listeners"
        assert outcome.skipped == {reason: 1}


@pytest.mark.parametrize(
    ("rule", "doubt", "accepted"),
    [
        ("same_name", "nobody-listens", False),
        ("scrobbled", "title-near", False),
        ("corrected", "title-near", True),
    ],
)
def test_accept_best_passes_over_pages_without_listeners_and_spelled_alike(
    ada: User, rule: str, doubt: str, accepted: bool
) -> None:
    like = like_song(ada, State.NOT_FOUND)
    evidence = [{"kind": "agrees", "rule": "artists-equal"}, {"kind": "doubt", "rule": doubt}]
    page = add_page(like, "Hey Jud", score=0.9, rule=rule, evidence=evidence)

    review.decide_many(review.accept_best, [like], ada)

    assert decision_of(page)[0] == ("accepted" if accepted else "candidate")


def test_accept_best_passes_over_what_stands_on_a_page(ada: User) -> None:
    like = like_song(ada, State.PRESENT)
    add_page(like, "Hey Jude", Decision.ACCEPTED)
    other = add_page(like, "Hey Jude - Mono", score=0.9)

    outcome = review.decide_many(review.accept_best, [like], ada)

    assert outcome.skipped == {"it stands on a page already": 1}
    assert decision_of(other)[0] == "candidate"
