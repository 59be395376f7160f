"""Page keys, and the simpler names under which a page may be found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import list_plain_titles, name_key, simplify_titles


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


@given(st.text(max_size=200), st.text(max_size=200))
def test_name_key_is_short_and_never_empty(artist: str, title: str) -> None:
    assert 0 < len(name_key(artist, title)) <= 64


@pytest.mark.parametrize(
    ("artist", "title", "key"),
    [
        ("Queen", "Innuendo", "queen\tinnuendo"),
        ("QUEEN ", "  Bohemian   Rhapsody", "queen\tbohemian rhapsody"),
        ("The Beatles", "Help! - Remastered 2009", "the beatles\thelp! - remastered 2009"),
        ("fun.", "We Are Young (feat. X)", "fun.\twe are young (feat. x)"),
        ("AC/DC", "T.N.T.", "ac/dc\tt.n.t."),
        ("Rockʼn`Roll′s", "＇39 ʹ‘x‛", "rock'n'roll's\t'39 ''x'"),
        ("„Ada‟", "“A” ＂B＂ «C»", '"ada"\t"a" "b" "c"'),
        ("A‐ha‑b", "x‒y–z—w―v−u﹣t－s", "a-ha-b\tx-y-z-w-v-u-t-s"),
        ("Ｐｅｒｆｕｍｅ", "ﾁｮｺﾚｲﾄ･ﾃﾞｨｽｺ", "perfume\tチョコレイト・ディスコ"),
        ("Ｂ'z", "ｕｌｔｒａ\u3000ｓｏｕｌ", "b'z\tultra soul"),
        ("Beyonce\u0301", "De\u0301ja\u0300 Vu", "beyonc\xe9\td\xe9j\xe0 vu"),
        ("Die Ärzte", "Weiße Straße", "die ärzte\tweisse strasse"),
        ("ΣΊΣΥΦΟΣ", "Τέλος", "σίσυφοσ\tτέλοσ"),
        ("İlhan İrem", "Işık", "i\u0307lhan i\u0307rem\tişık"),
        ("Би-2", "Варвара", "би-2\tварвара"),
        ("宇多田ヒカル", "First Love", "宇多田ヒカル\tfirst love"),
        ("방탄소년단", "봄날", "방탄소년단\t봄날"),
        ("שלמה ארצי", "תתארו לכם", "שלמה ארצי\tתתארו לכם"),
        ("¥$", "½ ℃ ﬁ №", "¥$\t1\u20442 °c fi no"),
        ("ǅ", "ŉ ŀ", "dž\t'n l·"),
        ("Queen\u200b", "Bij\xadou\ufeff", "queen\tbijou"),
        ("Sigur\xa0Rós", "Ágætis\tbyrjun\n", "sigur rós\tágætis byrjun"),
        ("🙂", "👨\u200d👩", "🙂\t👨👩"),
        ("Zalgo", "h\u0335\u0321e\u0336", "zalgo\th\u0335\u0321e\u0336"),
        ("!!!", "…", "!!!\t..."),
        ("\u200b", "", "\u200b\t"),
        ("x" * 31, "y" * 32, "x" * 31 + "\t" + "y" * 32),
        ("x" * 31, "y" * 33, "x" * 31 + "\nd5efc029c6b744b55b0b710f3f5aaff3"),
        ("서" * 40, "歌" * 40, "서" * 31 + "\n2a62518eb4687c015994c9b3fd575697"),
    ],
)
def test_name_key_is_what_stored_rows_hold(artist: str, title: str, key: str) -> None:
    """If this fails, keys in databases and library files are no longer found: see ``name_key``."""
    assert name_key(artist, title) == key


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


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Innuendo", []),
        ("Innuendo - Live", []),
        ("Suite, Pt. 2", []),
        ("I Don't Want beyond the Ghosts - Radio Edit", ["I Don't Want beyond the Ghosts"]),
        ("¿Dancing Satellite? - Radio Edit", ["¿Dancing Satellite?"]),
        ("Lantern – Paper? - 2004 Digital Remaster", ["Lantern – Paper?"]),
        ("Gone Away - 1997", ["Gone Away"]),
        ("Friend Like Me (From Aladdin) [Live]", ["Friend Like Me [Live]"]),
        ("Hello (feat. Ben) - Radio Edit", ["Hello (feat. Ben)", "Hello"]),
        ("Hello - Live / Remastered", ["Hello - Live"]),
        ("Hello — Again - Mono / 2009 Remaster", ["Hello — Again"]),
        ("Hello — Again - Mono / Live", ["Hello — Again - Live"]),
        ("Hello — Again (Mono; Live)", ["Hello — Again (Live)"]),
        (
            "Hello — Again - Single Version; Mono",
            ["Hello — Again - Single Version", "Hello — Again"],
        ),
    ],
)
def test_list_plain_titles(title: str, plain: list[str]) -> None:
    assert list_plain_titles(title) == plain
