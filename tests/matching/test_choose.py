"""Choosing among candidates: what Narada acts on without asking."""

from __future__ import annotations

import json

import pytest

from matching import TrackDescription, Verdict, choose, compare


def describe(title: str, *artists: str, **fields: object) -> TrackDescription:
    return TrackDescription(title, artists or ("Queen",), **fields)  # type: ignore[arg-type]


def test_choose_without_candidates_is_different() -> None:
    choice = choose(describe("Innuendo"), [])
    assert (choice.verdict, choice.best, choice.comparisons) == (Verdict.DIFFERENT, None, ())


def test_choose_takes_the_only_match() -> None:
    candidates = [describe("Innuendo - Live"), describe("INNUENDO"), describe("Bijou")]
    choice = choose(describe("Innuendo - 2011 Remaster"), candidates)
    assert (choice.verdict, choice.best) == (Verdict.MATCH, 1)
    assert [c.verdict for c in choice.comparisons] == [
        Verdict.DIFFERENT,
        Verdict.MATCH,
        Verdict.DIFFERENT,
    ]
    assert "setting aside '2011 Remaster'" in choice.reason


def test_choose_prefers_the_same_spelling_among_matches() -> None:
    candidates = [describe("Innuendo - Remastered"), describe("innuendo"), describe("Innuendo")]
    assert choose(describe("Innuendo"), candidates).best == 2


def test_choose_of_matches_that_differ_is_ambiguous() -> None:
    candidates = [describe("Innuendo", duration_ms=390_000), describe("Innuendo", duration_ms=1)]
    assert choose(describe("Innuendo"), candidates).verdict is Verdict.MATCH
    candidates = [
        describe("Innuendo", duration_ms=390_000),
        describe("Innuendo", duration_ms=240_000),
    ]
    choice = choose(describe("Innuendo"), candidates)
    assert (choice.verdict, choice.best) == (Verdict.REVIEW, 0)
    assert choice.reason.startswith("ambiguous")


def test_choose_leaves_a_guest_on_one_side_to_a_person() -> None:
    choice = choose(describe("Forever", "Drake"), [describe("Forever (feat. Eminem)", "Drake")])
    assert (choice.verdict, choice.best) == (Verdict.REVIEW, 0)
    assert "Eminem" in choice.reason


def test_choose_prefers_the_candidate_without_the_guest() -> None:
    candidates = [describe("Forever (feat. Eminem)", "Drake"), describe("Forever", "Drake")]
    choice = choose(describe("Forever", "Drake"), candidates)
    assert (choice.verdict, choice.best) == (Verdict.MATCH, 1)


def test_choose_review_names_the_likeliest() -> None:
    candidates = [describe("Bijou"), describe("Innuendo - Radio Edit"), describe("Innuendo - Live")]
    choice = choose(describe("Innuendo"), candidates)
    assert (choice.verdict, choice.best) == (Verdict.REVIEW, 1)
    assert choice.reason == "'Radio Edit' may be another length or mix"


def test_choice_as_json_is_plain_json() -> None:
    data = choose(describe("Innuendo"), [describe("Innuendo")]).as_json()
    assert json.loads(json.dumps(data)) == data
    assert (data["verdict"], data["best"]) == ("match", 0)


def test_choose_prefers_what_needs_no_person_in_any_order() -> None:
    wanted = TrackDescription("Forever (feat. Eminem)", ("Drake",))
    plain = TrackDescription("Forever", ("Drake",))
    remaster = TrackDescription("Forever (feat. Eminem) - Remastered", ("Drake",))
    for candidates in ([plain, remaster], [remaster, plain]):
        choice = choose(wanted, candidates)
        assert choice.best is not None
        assert candidates[choice.best] is remaster


def test_choose_leaves_a_single_version_to_a_person() -> None:
    wanted = TrackDescription("Heroes - Single Version", ("David Bowie",))
    page = TrackDescription("Heroes", ("David Bowie",))
    assert compare(wanted, page).verdict is Verdict.MATCH
    assert choose(wanted, [page]).verdict is Verdict.REVIEW


def test_choose_takes_a_take_mixed_anew() -> None:
    wanted = TrackDescription("Yellow Boat - 2011 Mix", ("Ada",))
    assert choose(wanted, [TrackDescription("Yellow Boat", ("Ada",))]).verdict is Verdict.MATCH


def test_one_isrc_settles_one_step_only() -> None:
    facts = {"album": "One", "duration_ms": 200_000, "isrc": "USUM71703861"}
    one = TrackDescription("Alpha", ("X",), **facts)
    other = TrackDescription("Omega Totally", ("X",), **facts)
    assert compare(one, other).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("whole_credit", "pages", "verdict", "best"),
    [
        (True, [("Duo", "Ada & Bo")], Verdict.REVIEW, 0),
        (False, [("Duo", "Ada & Bo")], Verdict.MATCH, 0),
        (False, [("Duo", "Ada & Bo"), ("Duo", "Ada")], Verdict.MATCH, 1),
        (True, [("Duo", "Ada & Bo"), ("Duo", "Ada")], Verdict.MATCH, 1),
        # which of two others it is with, and whether it is a second recording, stay questions
        (False, [("Duo", "Ada & Bo"), ("Duo", "Ada & Cy")], Verdict.REVIEW, 0),
        (False, [("Duo", "Ada with Bo")], Verdict.REVIEW, 0),
        (False, [("Duo (feat. Bo)", "Ada")], Verdict.REVIEW, 0),
        (False, [("Duo (feat. Bo)", "Ada"), ("Duo", "Ada & Bo")], Verdict.MATCH, 1),
        (False, [("Duo - Live", "Ada & Bo")], Verdict.DIFFERENT, None),
    ],
)
def test_one_more_act_is_a_doubt_where_the_credit_is_known_to_be_whole(
    whole_credit: bool, pages: list[tuple[str, str]], verdict: Verdict, best: int | None
) -> None:
    wanted = TrackDescription("Duo", ("Ada",), whole_credit=whole_credit)
    choice = choose(wanted, [TrackDescription(title, (artist,)) for title, artist in pages])
    assert (choice.verdict, choice.best) == (verdict, best)
