"""Library files with damage at any place: refused in one line, or stored and readable again."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from django.db import transaction
from library_rows import add_user, bring_in, content, export, make_rich_library

from connectors.files import FileRejected
from likes.library.csv_form import is_library_csv, parse_csv
from likes.library.reading import Library, WrongPlace, parse_library
from likes.library.storing import import_library
from likes.library.writing import export_csv

RUBBISH: list[object] = [
    *(None, True, 0, -1, 2**31, 10**30, 1e308, float("nan"), 0.1, [], {}, [None], ["a", "a"]),
    *("", " ", "x" * 5_000, "a\0b", "a\ud800b", "\n", "=1+1", "²", "person", "lastfm", "removed"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-03-01", "2199-12-31T23:59:59-14:00"),
]
LETTERS = "\"{}[],:0-+eE.\\\0\n\r'=@é"


def list_places(value: object, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    parts: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    below = [inner for key, part in parts for inner in list_places(part, (*place, key))]
    return [place, *below] if place else below


def damage_value(chance: random.Random, text: str) -> str:
    """Put rubbish in one place of the JSON, or take the place away."""
    whole = json.loads(text)
    *path, last = chance.choice(list_places(whole))
    inside: Any = whole
    for key in path:
        inside = inside[key]
    if chance.random() < 0.8:
        inside[last] = chance.choice(RUBBISH)
    else:
        del inside[last]
    return json.dumps(whole)


def damage_text(chance: random.Random, text: str) -> str:
    start = chance.randrange(len(text))
    end = start + chance.choice([0, 1, 2, 50])
    return text[:start] + chance.choice(["", *LETTERS]) + text[end:]


def parse(text: str) -> Library:
    return parse_csv(text) if is_library_csv(text) else parse_library(text)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("is_csv", "damage"), [(False, damage_value), (False, damage_text), (True, damage_text)]
)
def test_damage_is_refused_or_stored_so_that_it_can_be_read_back(is_csv: bool, damage: Any) -> None:
    chance, source, target = random.Random(8), add_user("source"), add_user("target")
    make_rich_library(source)
    text = "".join(export_csv(source)).lstrip("\ufeff") if is_csv else json.dumps(export(source))
    stored = 0
    for _ in range(100):
        try:
            library = parse(damage(chance, text))
        except (WrongPlace, FileRejected):
            continue
        with transaction.atomic():
            import_library(target, library)
            fresh = add_user("fresh")
            bring_in(fresh, export(target))
            assert content(fresh) == content(target)
            parse("".join(export_csv(target)).lstrip("\ufeff"))
            transaction.set_rollback(True)
        stored += 1
    assert stored > 3
