"""Measuring the matcher on a file of labelled pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from matching import TrackDescription, Verdict
from matching.evaluation import Pair, evaluate, read_pairs


def describe(title: str, **fields: object) -> TrackDescription:
    return TrackDescription(title, ("Queen",), **fields)  # type: ignore[arg-type]


PAIRS = [
    Pair(describe("Bijou"), describe("Bijou - 2011 Remaster"), True, "remaster", "p1"),
    Pair(describe("Bijou"), describe("Bijou - Radio Edit"), True, "edit", "p2"),
    Pair(describe("Bijou"), describe("Delilah"), True, "mislabelled", "p3"),
    Pair(describe("Bijou"), describe("Bijou - Live"), False, "live", "p4"),
    Pair(describe("Bijou"), describe("BIJOU"), False, "mislabelled", "p5"),
]


def test_evaluate_counts_shares_and_names_mistakes() -> None:
    report = evaluate(PAIRS)
    assert report.precision == pytest.approx(1 / 2)
    assert report.share(Verdict.MATCH, same=True) == pytest.approx(1 / 3)
    assert report.share(Verdict.DIFFERENT, same=True) == pytest.approx(1 / 3)
    assert report.share(Verdict.MATCH, same=False) == pytest.approx(1 / 2)
    assert report.share(Verdict.MATCH, same=True, kind="remaster") == 1.0
    assert report.review_rate == pytest.approx(1 / 5)
    assert [mistake.pair.id for mistake in report.mistakes] == ["p5", "p3"]
    assert sum(n for n, _, _ in report.reliability) == 5


def test_report_renders_figures_and_worst_errors() -> None:
    text = evaluate(PAIRS).render()
    assert "5 pairs: 3 same, 2 different" in text
    assert "p5: different, called MATCH" in text
    assert f"{'differs:live-one-side':34}{0:>10}{1:>11}" in text
    assert "Queen: BIJOU" in text
    data = evaluate(PAIRS).as_json()
    assert json.loads(json.dumps(data)) == data
    assert (data["pairs"], data["recall"], data["wrong_matches"]) == (5, 0.33333, 0.5)
    assert {"rule": "agrees:plain", "same": 1, "different": 1} in data["by_rule"]  # type: ignore[operator]


def test_evaluate_of_no_pairs_is_empty() -> None:
    report = evaluate([])
    assert (report.precision, report.review_rate, report.calibration_error) == (1.0, 0.0, 0.0)
    assert "0 pairs" in report.render()


def test_read_pairs_hides_one_isrc_where_the_label_rests_on_it(tmp_path: Path) -> None:
    side = {"title": "Bijou", "artists": ["Queen"], "album": None, "duration_ms": 217000}
    row = {"id": "x", "basis": "isrc", "same": True, "a": {**side, "isrc": "A"}, "b": {**side}}
    row["b"] = {**side, "isrc": "A"}
    path = tmp_path / "pairs.jsonl"
    path.write_text("\ufeff" + json.dumps(row) + "\n\n", encoding="utf-8")
    (pair,) = read_pairs(path)
    assert pair == Pair(
        describe("Bijou", duration_ms=217000, isrc="A"),
        describe("Bijou", duration_ms=217000),
        True,
        "isrc",
        "x",
    )


def test_read_pairs_names_the_kind_by_what_differs(tmp_path: Path) -> None:
    side = {"title": "Bijou", "artists": ["Queen"]}
    path = tmp_path / "pairs.jsonl"
    row = {"basis": "rank", "diff": ["title", "album"], "same": True, "a": side, "b": side}
    path.write_text(json.dumps(row), encoding="utf-8")
    assert [pair.kind for pair in read_pairs(path)] == ["rank: title, album"]


GOOD = '{"same": true, "a": {"title": "t", "artists": []}, "b": {"title": "t", "artists": []}}'


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "line 2: not JSON"),
        ("[]", "line 2: not a JSON object"),
        ("[" * 100_000, "line 2: n"),
        ("{}", "line 2: 'same' must be true or false"),
        (GOOD.replace("true", '"yes"'), "line 2: 'same' must be true or false"),
        (GOOD.replace('"a"', '"c"'), "line 2: 'a' must be an object"),
        (GOOD.replace('"title"', '"name"'), "line 2: 'a' has no 'title'"),
        (GOOD.replace("[]", '"Queen"'), "line 2: 'a' has no list of names in 'artists'"),
        (GOOD.replace("[]", '[], "duration_ms": "3:20"'), "'duration_ms' must be a number"),
        (GOOD.replace("[]", '[], "duration_ms": NaN'), "'duration_ms' must be a number"),
        (GOOD.replace("[]", '[], "duration_ms": ' + "9" * 9_999), "line 2: not JSON"),
        (GOOD.replace("[]", '[], "album": 7'), "'album' must be text"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_read_pairs_names_the_line_that_is_wrong(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text(f"{GOOD}\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"pairs\.jsonl") as error:
        list(read_pairs(path))
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_read_pairs_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"absent\.jsonl cannot be read"):
        list(read_pairs(tmp_path / "absent.jsonl"))
    with pytest.raises(ValueError, match="cannot be read"):
        list(read_pairs(tmp_path))
    binary = tmp_path / "binary.jsonl"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        list(read_pairs(binary))
