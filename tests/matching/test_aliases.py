"""The files of names that no rule can know, and how names in other scripts are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from matching import TrackDescription, Verdict, alias_files, compare
from matching.artists import fold_name, split_names
from matching.normalize import fold, simplify_han
from matching.romanise import romanise, sound_alike

FOLDER = Path(alias_files.__file__).parent / "aliases"


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a folder whose files are read on top of ours."""
    monkeypatch.setenv(alias_files.OWN_FOLDER, str(tmp_path))
    _forget()
    yield tmp_path
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    for cached in (
        alias_files.load_aliases,
        alias_files.load_readings,
        alias_files.load_whole_names,
        fold_name,
        split_names,
    ):
        cached.cache_clear()


def test_a_user_adds_names_in_a_folder_of_their_own(own_folder: Path) -> None:
    a = TrackDescription("Nocturne", ("The Moon Rabbits",))
    b = TrackDescription("夜想曲", ("TMR",))
    assert compare(a, b).verdict is Verdict.DIFFERENT
    (own_folder / "artists.tsv").write_text("# mine\nThe Moon Rabbits\tTMR\n", encoding="utf-8")
    (own_folder / "titles.tsv").write_text("夜想曲\tNocturne\n", encoding="utf-8")
    (own_folder / "whole_names.txt").write_text("Salt, Wind & Rain\n", encoding="utf-8")
    _forget()
    assert compare(a, b).verdict is Verdict.MATCH
    assert split_names("Salt, Wind & Rain") == ("salt wind and rain",)
    assert fold_name("Pink") == fold_name("P!nk"), "ours are still there"


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_alias_files_name_source_and_licence(path: Path) -> None:
    head = path.read_text(encoding="utf-8")[:600]
    assert "# Source: " in head
    assert "Licence: CC0 1.0" in head


def test_no_alias_names_two_acts() -> None:
    seen: dict[str, str] = {}
    for line in (FOLDER / "artists.tsv").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        for name in {alias_files.drop_article(fold(cell)) for cell in cells}:
            assert seen.setdefault(name, line) == line


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("まつり", "matsuri"),
        ("がっこう", "gakkou"),
        ("シャルル", "sharuru"),
        ("きゃりーぱみゅぱみゅ", "kyaripamyupamyu"),
        ("ファースト", "fasuto"),
        ("방탄소년단", "bangtansonyeondan"),
        ("Группа крови", "gruppakrovi"),
        ("Αγάπη", "agapi"),
        ("遗憾", "yihan"),
        ("夜に駆ける", ""),  # kanji beside kana have no reading by rule
    ],
)
def test_romanise_reads_other_scripts(text: str, latin: str) -> None:
    assert romanise(text) == latin


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("がっこう", "Gakko"),
        ("Спокойная ночь", "Spokojnaja noch"),
        ("Хочу", "Khochu"),
        ("좋은 날", "Joheun Nal"),
        ("봄날", "Bomnal"),
    ],
)
def test_sound_alike_joins_romanisations(text: str, spelling: str) -> None:
    assert sound_alike(text, fold(spelling), 3)


@pytest.mark.parametrize(
    ("text", "spelling"),
    [("Мама", "Mana"), ("Кино", "Gino"), ("Рада", "Lata"), ("まつり", "Madori")],
)
def test_sound_alike_keeps_other_consonants_apart(text: str, spelling: str) -> None:
    assert not sound_alike(text, fold(spelling), 3)


def test_traditional_characters_are_read_as_simplified() -> None:
    assert simplify_han("處處遺憾") == "处处遗憾"


def test_a_users_line_joins_an_act_of_ours(own_folder: Path) -> None:
    (own_folder / "artists.tsv").write_text(
        "Yusuf Islam\tCat Stevens\nSomebody\tSomeone Else\n", encoding="utf-8"
    )
    names = {fold_name(name) for name in ("Yusuf", "Cat Stevens", "Yusuf Islam")}
    assert len(names) == 1
    assert fold_name("Someone Else") == fold_name("Somebody")


def test_a_users_file_in_another_encoding_is_named(own_folder: Path) -> None:
    (own_folder / "artists.tsv").write_bytes("Björk\tBjork\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"artists\.tsv is not UTF-8"):
        alias_files.load_aliases()
