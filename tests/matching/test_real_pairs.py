"""Pairs of real recordings, written down without knowing the rules: ``real_pairs.jsonl``.

One JSON object a line: ``same`` is true, false, or null where only a person can tell. They are from
memory, so a spelling may be off, but each label follows from what the pair says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from matching import TrackDescription, Verdict, compare

FILE = Path(__file__).with_name("real_pairs.jsonl")

# What no name tells: "In the Flesh?" and "In the Flesh" are two songs of one album,
# "Infinite_Content" is another one than "Infinite Content", "feat. More Lana Del Rey" another mix,
# and "(The Jump Off)" a sequel.
NOT_TOLD_APART = {"t160", "t161", "t075", "t097"}


def _judge(*labels: bool | None) -> Iterator[tuple[str, Verdict]]:
    for line in FILE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["same"] in labels:
            a, b = (TrackDescription(row[s]["title"], tuple(row[s]["artists"])) for s in "ab")
            yield row["id"], compare(a, b).verdict


def test_different_recordings_are_never_a_match() -> None:
    matched = {name for name, verdict in _judge(False) if verdict is Verdict.MATCH}
    assert matched == NOT_TOLD_APART


def test_nearly_all_of_the_same_recordings_are_a_match() -> None:
    judged = dict(_judge(True))
    missed = {name: verdict for name, verdict in judged.items() if verdict is not Verdict.MATCH}
    assert len(missed) <= 0.08 * len(judged), missed
    refused = {name for name, verdict in missed.items() if verdict is Verdict.DIFFERENT}
    assert refused <= {"b125", "b131"}, "classical works under a collection's and a nickname"


def test_most_that_only_a_person_can_tell_is_left_to_one() -> None:
    judged = dict(_judge(None))
    assert sum(verdict is Verdict.REVIEW for verdict in judged.values()) >= 0.75 * len(judged)
