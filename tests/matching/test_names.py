"""Page keys, and the simpler names under which a page may be found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching import name_key, simplify_titles


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("Queen", "Innuendo"), ("QUEEN", "innuendo")),
        (("Guns N’ Roses", "Don’t Cry"), ("Guns N' Roses", "Don't Cry")),
        (("Queen", "Bohemian – Rhapsody"), ("Queen", "Bohemian - Rhapsody")),
        (("Queen", "“Heroes”"), ("Queen", '"Heroes"')),
        (("Queen ", "Under  Pressure"), ("Queen", "Under\u00a0Pressure")),
        (("Ｑｕｅｅｎ", "Bijou"), ("Queen", "Bijou")),
        (("Beyonce\u0301", "Halo"), ("Beyonc\u00e9", "Halo")),
        (("Queen", "Bijou\u200b"), ("Queen", "Bijou")),
    ],
)
def test_name_key_joins_spellings_of_one_page(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert name_key(*a) == name_key(*b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("Beyoncé", "Halo"), ("Beyonce", "Halo")),
        (("The Beatles", "Help!"), ("Beatles", "Help!")),
        (("Queen", "Innuendo"), ("Queen", "Innuendo - Remastered")),
        (("A", "B C"), ("A B", "C")),
        (("", "?"), ("", "!")),
        (("x" * 90, "a"), ("x" * 90, "b")),
        (("Кино", "Группа крови"), ("Кино", "Звезда по имени Солнце")),
        (("\u200b", "a"), ("", "a")),
    ],
)
def test_name_key_keeps_other_pages_apart(a: tuple[str, str], b: tuple[str, str]) -> None:
    assert name_key(*a) != name_key(*b)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_name_key_is_short_and_never_empty(artist: str, title: str) -> None:
    assert 0 < len(name_key(artist, title)) <= 64


def test_name_key_of_a_short_name_is_the_name() -> None:
    assert name_key("Queen", "Innuendo") == "queen\tinnuendo"


@pytest.mark.parametrize(
    ("title", "simpler"),
    [
        ("Innuendo", []),
        ("Innuendo - 2011 Remaster", ["Innuendo"]),
        ("Innuendo - Single Version", ["Innuendo"]),
        ("Innuendo (Mono)", ["Innuendo"]),
        ("Innuendo - 1991 - Remaster", ["Innuendo"]),
        ("Innuendo - Radio Edit", []),
        ("Innuendo - 2015 Mix", ["Innuendo"]),
        ("Innuendo - Live", []),
        ("Innuendo (Kygo Remix)", []),
        ("Suite, Pt. 2 - Remastered", ["Suite, Pt. 2"]),
        ("Hello - Live / Remastered", ["Hello - Live"]),
        ("Telephone (feat. Beyoncé)", ["Telephone"]),
        (
            "Under Pressure (feat. David Bowie) - 2011 Remaster",
            ["Under Pressure (feat. David Bowie)", "Under Pressure"],
        ),
        ("Starboy (feat. Daft Punk) [Kygo Remix]", ["Starboy [Kygo Remix]"]),
        ("(I Can't Get No) Satisfaction - Mono Version", ["(I Can't Get No) Satisfaction"]),
        ("Silent Running (On Dangerous Ground)", []),
        ("- 2011 Remaster", []),
        ("(Live)", []),
    ],
)
def test_simplify_titles(title: str, simpler: list[str]) -> None:
    assert simplify_titles(title) == simpler
