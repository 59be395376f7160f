"""What albums, lengths and ids add to the names, and how evidence reads."""

from __future__ import annotations

import json

import pytest

from matching import Comparison, TrackDescription, Verdict, compare, prepare


def describe(title: str, artist: str = "Queen", **fields: object) -> TrackDescription:
    return TrackDescription(title, (artist,), **fields)  # type: ignore[arg-type]


def collect_rules(comparison: Comparison, kind: str) -> set[str]:
    return {item.rule for item in comparison.evidence if item.kind == kind}


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        # a live album that one side's title repeats
        (
            describe("Innuendo - Live", album="Live at Wembley"),
            describe("Innuendo", album="Live at Wembley"),
            Verdict.MATCH,
        ),
        (
            describe("Innuendo - Live", album="Live at Wembley"),
            describe("Innuendo", album="Live in Rio"),
            Verdict.REVIEW,
        ),
        (
            describe("Innuendo", album="Innuendo"),
            describe("Innuendo", album="Live in Rio"),
            Verdict.REVIEW,
        ),
        (
            describe("Innuendo", album="Innuendo"),
            describe("Innuendo", album="Spotify Singles"),
            Verdict.REVIEW,
        ),
        (
            describe("Innuendo", album="Innuendo"),
            describe("Innuendo", album="Greatest Hits II"),
            Verdict.MATCH,
        ),
        (
            describe("Breathe", album="The Fat of the Land"),
            describe("Breathe", album="The Fat Remixes"),
            Verdict.REVIEW,
        ),
        # two tracks of one album, unless their lengths say that one was renamed, or of two albums
        (
            describe("The Path", album="The Last of Us"),
            describe("The Path (A New Beginning)", album="The Last of Us"),
            Verdict.REVIEW,
        ),
        (
            describe("The Path", album="The Last of Us", duration_ms=171_000),
            describe("The Path (A New Beginning)", album="The Last of Us", duration_ms=171_400),
            Verdict.MATCH,
        ),
        (
            describe("The Path", album="The Last of Us"),
            describe("The Path (A New Beginning)", album="Best Of"),
            Verdict.REVIEW,
        ),
        # one of two artists each, on an album of both
        (
            describe("Go Crazy", "Young Thug", album="Slime & B"),
            describe("Go Crazy", "Chris Brown", album="Slime & B"),
            Verdict.REVIEW,
        ),
        (
            describe("Midnight Blue", "Puma Blue", album="Midnight Blue"),
            describe("Midnight Blue", "Kid Milli", album="Midnight Blue"),
            Verdict.DIFFERENT,
        ),
    ],
)
def test_albums_tell_versions(a: TrackDescription, b: TrackDescription, verdict: Verdict) -> None:
    assert compare(a, b).verdict is verdict


@pytest.mark.parametrize(
    ("title", "lengths", "verdict"),
    [
        ("Innuendo", (390_000, 390_800), Verdict.MATCH),
        ("Innuendo", (390_000, 397_000), Verdict.MATCH),
        ("Innuendo", (390_000, 475_000), Verdict.REVIEW),
        ("Innuendo", (390_000, None), Verdict.MATCH),
        ("Innuendo", (390_000, 6), Verdict.MATCH),  # minutes, in some exports
        ("Innuendo - Radio Edit", (390_000, None), Verdict.REVIEW),
        ("Innuendo - Radio Edit", (390_000, 390_500), Verdict.MATCH),
        ("Innuendo - Radio Edit", (230_000, 390_500), Verdict.REVIEW),
        ("Inuendo", (390_000, None), Verdict.REVIEW),
        ("Inuendo", (390_000, 390_500), Verdict.MATCH),
        ("Inuendo", (32_000, 32_000), Verdict.REVIEW),  # a skit's length tells little
        ("Innuendo - Part 1", (390_000, 390_500), Verdict.REVIEW),
        ("Innuendo - Part 2", (390_000, 390_500), Verdict.DIFFERENT),
        ("Innuendo - Live", (390_000, 390_500), Verdict.DIFFERENT),
        ("Innuendo 2", (390_000, 390_000), Verdict.DIFFERENT),
    ],
)
def test_lengths_settle_doubts_and_raise_them(
    title: str, lengths: tuple[int | None, int | None], verdict: Verdict
) -> None:
    a = describe(title, duration_ms=lengths[0])
    b = describe("Innuendo", duration_ms=lengths[1])
    assert compare(a, b).verdict is verdict


@pytest.mark.parametrize(
    ("title", "album", "verdict"),
    [
        ("Innuendo - Extended Version", "Innuendo", Verdict.REVIEW),
        ("Bijou", "Innuendo", Verdict.REVIEW),
        ("Bijou", "Greatest Hits", Verdict.DIFFERENT),
        ("Innuendo - Instrumental", "Innuendo", Verdict.DIFFERENT),
        ("Innuendo 2", "Innuendo", Verdict.DIFFERENT),
    ],
)
def test_one_length_on_one_album_makes_a_difference_doubtful(
    title: str, album: str, verdict: Verdict
) -> None:
    a = describe(title, album=album, duration_ms=390_000)
    b = describe("Innuendo", album="Innuendo", duration_ms=390_400)
    assert compare(a, b).verdict is verdict


def test_same_isrc_settles_spelling_but_never_proves() -> None:
    isrc = "GBUM71029604"
    radio = describe("Innuendo - Radio Edit", isrc=isrc)
    live = describe("Innuendo - Live", isrc=isrc)
    plain = describe("Innuendo", isrc="gb-um7-10-29604")
    assert compare(radio, plain).verdict is Verdict.MATCH
    assert compare(live, plain).verdict is Verdict.REVIEW
    assert compare(describe("Allegro", isrc=isrc), describe("Largo", isrc=isrc)).verdict is (
        Verdict.REVIEW
    )


def test_same_isrc_with_lengths_far_apart_is_review() -> None:
    a = describe("Innuendo", isrc="GBUM71029604", duration_ms=300_000)
    b = describe("Innuendo", isrc="GBUM71029604", duration_ms=385_000)
    comparison = compare(a, b)
    assert comparison.verdict is Verdict.REVIEW
    assert "85 s apart" in {item.text for item in comparison.evidence}


def test_different_isrcs_are_neutral() -> None:
    a, b = describe("Innuendo", isrc="GBUM71029604"), describe("Innuendo", isrc="GBUM71029605")
    assert compare(a, b).verdict is Verdict.MATCH


def test_missing_artist_on_one_side_is_review() -> None:
    assert compare(describe("Innuendo"), TrackDescription("Innuendo", ())).verdict is Verdict.REVIEW


def test_evidence_reads_as_sentences() -> None:
    remaster = compare(describe("Innuendo - 2011 Remaster"), describe("Innuendo"))
    assert remaster.evidence[0].text == "titles equal after setting aside '2011 Remaster'"
    live = compare(describe("Innuendo - Live"), describe("Innuendo"))
    assert "'Live' only on one side" in {item.text for item in live.evidence}
    parts = compare(describe("Suite, Pt. 1"), describe("Suite, Pt. 2"))
    assert "part 1 against part 2" in {item.text for item in parts.evidence}
    assert collect_rules(live, "differs") == {"live-one-side"}


def test_comparison_as_json_is_plain_json() -> None:
    comparison = compare(describe("Innuendo - Live"), describe("Innuendo"))
    data = comparison.as_json()
    assert json.loads(json.dumps(data)) == data
    assert data["verdict"] == "different"
    assert data["evidence"][1] == {  # type: ignore[index]
        "field": "version",
        "kind": "differs",
        "text": "'Live' only on one side",
        "rule": "live-one-side",
    }


def test_score_orders_verdicts() -> None:
    plain = describe("Innuendo")
    match = compare(plain, plain).score
    review = compare(describe("Innuendo - Radio Edit"), plain).score
    different = compare(describe("Innuendo - Live"), plain).score
    assert different < 0.1 < 0.5 < review < match <= 1.0


def test_compare_takes_prepared_forms() -> None:
    a, b = describe("Innuendo - Remaster"), describe("Innuendo")
    assert compare(prepare(a), b) == compare(a, prepare(b)) == compare(a, b)
