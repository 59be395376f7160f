"""Keys change only together with KEYS_VERSION, by which stored keys are found to be old."""

from __future__ import annotations

import pytest
from key_table import make_keys, read_table

from likes import blocking_keys
from likes.blocking_keys import KEYS_VERSION, fingerprint
from matching import index


def list_changed() -> list[str]:
    return [row["title"] for row in read_table()[1] if make_keys(row) != row["keys"]]


def test_no_key_changes_without_its_number() -> None:
    version, rows = read_table()
    assert len(rows) >= 200
    advice = "raise KEYS_VERSION in likes/blocking_keys.py, then run tests/likes/key_table.py"
    assert list_changed() == [], advice
    assert version == KEYS_VERSION, advice


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        (index, "_LENGTH", 6),
        (index, "_ARTISTS", 2),
        (index, "_LITTLE_WORDS", frozenset()),
        (blocking_keys, "name_plainly", lambda name: {name}),
        (blocking_keys, "list_merge_keys", lambda track: []),
    ],
)
def test_the_table_shows_a_rule_that_changed(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, value: object
) -> None:
    monkeypatch.setattr(module, name, value)
    assert list_changed()


def test_the_number_and_the_names_make_keys_old(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    monkeypatch.setattr(blocking_keys, "KEYS_VERSION", KEYS_VERSION + 1)
    raised = fingerprint()
    monkeypatch.setattr(blocking_keys, "hash_names", lambda: "other names")
    assert len({before, raised, fingerprint()}) == 3
