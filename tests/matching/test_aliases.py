"""The files of names that no rule can know, and how names in other scripts are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import matching
from matching import TrackDescription, Verdict, compare
from matching.reading import alias_files
from matching.reading.artists import _JOINTS, _split_all, fold_name, split_names
from matching.reading.normalize import fold, simplify_han, split_words, squash
from matching.reading.romanise import romanise, sound_alike

FOLDER = Path(matching.__file__).parent / "aliases"

# Under the kind of difference, two names of one act.
NAMES = {
    "renamed": [
        ("Lady A", "Lady Antebellum"),
        ("Sananda Maitreya", "Terence Trent D'Arby"),
        ("Maître Gims", "GIMS"),
        ("Karpe Diem", "Karpe"),
        ("Jorge Ben", "Jorge Ben Jor"),
        ("Lil Herb", "G Herbo"),
    ],
    "shorter or longer": [
        ("5SOS", "5 Seconds of Summer"),
        ("Westernhagen", "Marius Müller-Westernhagen"),
        ("Banda MS", "Banda MS de Sergio Lizárraga"),
        ("Tom Jobim", "Antônio Carlos Jobim"),
        ("Sir Simon Rattle", "Simon Rattle"),
    ],
    "spelled otherwise": [
        ("Café Tacuba", "Café Tacvba"),
        ("The Giornalisti", "Thegiornalisti"),
        ("Boehse Onkelz", "Böhse Onkelz"),
        ("Althia & Donna", "Althea & Donna"),
        ("Eightball & MJG", "8Ball & MJG"),
        ("Three Dog Night", "3 Dog Night"),
    ],
    "composer": [
        ("Tschaikowsky", "Pyotr Ilyich Tchaikovsky"),
        ("Haendel", "George Frideric Handel"),
        ("Arnold Schönberg", "Arnold Schoenberg"),
        ("Johann Strauss Jr.", "Johann Strauss II"),
        ("Liszt Ferenc", "Franz Liszt"),
    ],
    "orchestra": [
        ("Munich Philharmonic", "Münchner Philharmoniker"),
        ("Czech Philharmonic", "Česká filharmonie"),
        ("King's College Choir, Cambridge", "Choir of King's College, Cambridge"),
    ],
    "Japanese": [
        ("中森明菜", "Akina Nakamori"),
        ("Nakamori Akina", "Akina Nakamori"),
        ("荒井由実", "Yumi Matsutoya"),
        ("東京スカパラダイスオーケストラ", "Tokyo Ska Paradise Orchestra"),
    ],
    "Korean": [
        ("볼빨간사춘기", "BOL4"),
        ("여자친구", "GFRIEND"),
        ("Yoon Do Hyun Band", "윤도현밴드"),
    ],
    "Chinese": [
        ("梁靜茹", "Fish Leong"),
        ("梁静茹", "Fish Leong"),
        ("陈慧娴", "Priscilla Chan"),
        ("魚丁糸", "Sodagreen"),
    ],
    "Cyrillic or Greek, not by sound": [
        ("Ночные Снайперы", "Night Snipers"),
        ("MiyaGi & Эндшпиль", "Miyagi & Andy Panda"),
        ("Γιώργος Νταλάρας", "George Dalaras"),
    ],
    "vowels unwritten": [
        ("كاظم الساهر", "Kadim Al Sahir"),
        ("محمدرضا شجریان", "Mohammad-Reza Shajarian"),
        ("שלמה ארצי", "Shlomo Artzi"),
    ],
    "of India or Thailand": [
        ("लता मंगेशकर", "Lata Mangeshkar"),
        ("Ilayaraja", "Ilaiyaraaja"),
        ("Mohd. Rafi", "Mohammed Rafi"),
        ("ธงไชย แมคอินไตย์", "Bird Thongchai"),
    ],
}

# Names that are near each other, or were one line once, and are two acts all the same.
OTHERS = [
    ("El-P", "Emerson, Lake & Palmer"),
    ("GNR", "Guns N' Roses"),
    ("MCR", "My Chemical Romance"),
    ("Boards of Canada", "Blue Öyster Cult"),
    ("B.A.P", "Niedeckens BAP"),
    ("Carl Philipp Emanuel Bach", "Bach"),
    ("Fanny Mendelssohn", "Felix Mendelssohn"),
    ("Johann Strauss I", "Johann Strauss II"),
    ("Keyakizaka46", "Sakurazaka46"),
    ("Simon", "Simon & Garfunkel"),
    ("Art", "Art vs. Science"),
    ("Sleeping", "Sleeping with Sirens"),
    ("Between the Buried", "Between the Buried and Me"),
]

READINGS = [
    ("怪獣の花唄", "Kaiju no Hanauta"),
    ("青い珊瑚礁", "Aoi Sangosho"),
    ("残酷な天使のテーゼ", "Zankoku na Tenshi no Teeze"),
    ("プラスティック・ラブ", "Plastic Love"),
    ("結ンデ開イテ羅刹ト骸", "Musunde Hiraite Rasetsu to Mukuro"),
    ("海阔天空", "Hoi Fut Tin Hung"),
    ("تملي معاك", "Tamally Maak"),
    ("ירושלים של זהב", "Yerushalayim Shel Zahav"),
]


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
        alias_files.read_lines,
        alias_files.load_aliases,
        alias_files.load_readings,
        alias_files.load_whole_names,
        alias_files.load_composers,
        alias_files.load_apart,
        fold_name,
        split_names,
        _split_all,
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


def _read(name: str) -> list[list[str]]:
    """Return the cells of each line of one of our files."""
    lines = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def _squash_name(name: str) -> str:
    return alias_files.drop_article(fold(name)).replace(" ", "")


def _compare_names(a: str, b: str) -> Verdict:
    title = "Song of Seven Rivers"
    return compare(TrackDescription(title, (a,)), TrackDescription(title, (b,))).verdict


def _compare_titles(a: str, b: str) -> Verdict:
    artists = ("The Moon Rabbits",)
    return compare(TrackDescription(a, artists), TrackDescription(b, artists)).verdict


@pytest.mark.parametrize(
    ("a", "b"),
    [pytest.param(*row, id=f"{kind}: {row[0]}") for kind in NAMES for row in NAMES[kind]],
)
def test_two_names_are_one_act(a: str, b: str) -> None:
    assert _compare_names(a, b) is Verdict.MATCH


@pytest.mark.parametrize(("a", "b"), OTHERS)
def test_two_acts_stay_two(a: str, b: str) -> None:
    assert _compare_names(a, b) is not Verdict.MATCH


@pytest.mark.parametrize(("title", "reading"), READINGS)
def test_a_reading_is_the_title(title: str, reading: str) -> None:
    assert _compare_titles(title, reading) is Verdict.MATCH


def test_no_alias_names_two_acts() -> None:
    """Names are looked up without blanks, so that "El-P" would be "ELP"."""
    seen: dict[str, list[str]] = {}
    for cells in _read("artists.tsv"):
        for name in {_squash_name(cell) for cell in cells}:
            assert seen.setdefault(name, cells) is cells


def test_names_of_one_line_fold_to_as_many() -> None:
    for cells in _read("artists.tsv"):
        names = {_squash_name(cell) for cell in cells}
        assert "" not in names
        assert len(names) == len(cells) > 1, cells


def test_every_alias_joins_what_the_rules_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(cells[0], other) for cells in _read("artists.tsv") for other in cells[1:]]
    assert [pair for pair in lines if _compare_names(*pair) is not Verdict.MATCH] == []
    monkeypatch.setattr("matching.reading.artists.load_aliases", dict)
    _forget()
    unneeded = [pair for pair in lines if _compare_names(*pair) is Verdict.MATCH]
    monkeypatch.undo()
    _forget()
    assert unneeded == []


def test_every_reading_joins_what_the_rules_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [(cells[0], other) for cells in _read("titles.tsv") for other in cells[1:]]
    assert [pair for pair in lines if _compare_titles(*pair) is not Verdict.MATCH] == []
    monkeypatch.setattr("matching.comparing.titles.load_readings", dict)
    assert [pair for pair in lines if _compare_titles(*pair) is Verdict.MATCH] == []


def test_no_reading_is_of_two_titles() -> None:
    seen: dict[str, str] = {}
    for title, *readings in _read("titles.tsv"):
        for reading in readings:
            key = squash(split_words(reading))
            assert key not in seen, (title, seen[key])
            seen[key] = title


def test_whole_names_hold_a_joint_and_equal_a_list_of_their_people() -> None:
    seen = set()
    for (name,) in _read("whole_names.txt"):
        people = [piece for piece in _JOINTS.split(name) if piece and piece.strip()]
        assert len(people) > 1, name
        assert fold_name(name) in alias_files.load_whole_names(), name
        assert split_names(name) == (fold_name(name),)
        title = "Song of Seven Rivers"
        whole, listed = TrackDescription(title, (name,)), TrackDescription(title, tuple(people))
        if len(set(people)) > 1:  # not "Now, Now"
            assert compare(whole, listed).verdict is Verdict.MATCH, name
        assert fold_name(name) not in seen, name
        seen.add(fold_name(name))


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
    assert sound_alike(text, fold(spelling))


@pytest.mark.parametrize(
    ("text", "spelling"),
    [("Мама", "Mana"), ("Кино", "Gino"), ("Рада", "Lata"), ("まつり", "Madori")],
)
def test_sound_alike_keeps_other_consonants_apart(text: str, spelling: str) -> None:
    assert not sound_alike(text, fold(spelling))


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


def test_an_address_that_is_no_folder_is_named(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(alias_files.OWN_FOLDER, str(own_folder / "none"))
    with pytest.raises(alias_files.NamesUnreadable, match="none is no folder: set NARADA_ALIASES"):
        alias_files.load_aliases()
    monkeypatch.setenv(alias_files.OWN_FOLDER, "")
    assert alias_files.load_aliases()
