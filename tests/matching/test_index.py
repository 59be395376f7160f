"""Blocking keys and the index of candidates."""

from __future__ import annotations

import pytest

from matching import Index, TrackDescription, blocking_keys


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("The Chain", ("Fleetwood Mac",)), ("Chain - 2004 Remaster", ("fleetwood mac",))),
        (("Déjà Vu", ("Beyoncé", "JAY-Z")), ("Deja Vu (feat. Jay-Z)", ("Beyonce",))),
        (("Mrs. Robinson", ("Simon & Garfunkel",)), ("Mrs Robinson", ("Simon", "Garfunkel"))),
        (("Kiss", ("Prince & The Revolution",)), ("Kiss", ("Prince",))),
        (("Reflections", ("The Supremes",)), ("Reflections", ("Diana Ross & The Supremes",))),
        (("Thunderstruck", ("AC/DC",)), ("Thunderstruck", ("ACDC",))),
        (("So What", ("P!nk",)), ("So What", ("Pink",))),
        (("Take Five", ("The Dave Brubeck Quartet",)), ("Take 5", ("Dave Brubeck",))),
        (
            ("(The Man Who Shot) Liberty Valance", ("Gene Pitney",)),
            ("The Man Who Shot Liberty Valance", ("Gene Pitney",)),
        ),
        (
            ("Silly Love Songs", ("Paul & Linda McCartney",)),
            ("Silly Love Songs", ("Paul McCartney",)),
        ),
        (("Группа крови", ("Кино",)), ("Gruppa krovi", ("Kino",))),
        (("まつり", ("藤井風",)), ("Matsuri", ("Fujii Kaze",))),
        (("死ぬのがいいわ", ("Fujii Kaze",)), ("Shinunoga E-Wa", ("Fujii Kaze",))),
        (("夜に駆ける", ("YOASOBI",)), ("夜に駆ける (Remastered)", ("Yoasobi",))),
        (
            ("Breathing", ("Ben Böhmer, Nils Hoffmann & Malou",)),
            ("Breathing", ("Nils Hoffmann", "Ben Böhmer")),
        ),
    ],
)
def test_blocking_keys_of_one_recording_meet(
    a: tuple[str, tuple[str, ...]], b: tuple[str, tuple[str, ...]]
) -> None:
    keys_a, keys_b = (set(blocking_keys(TrackDescription(*side))) for side in (a, b))
    assert keys_a & keys_b


def test_blocking_keys_are_few_and_short() -> None:
    plain = TrackDescription("Innuendo - 2011 Remaster", ("Queen",), isrc="GBUM71029604")
    assert blocking_keys(plain) == ("n:quen:inuen", "i:GBUM71029604")
    long = TrackDescription("x" * 500, ("y" * 500,) * 9, isrc="Z" * 500)
    assert len(blocking_keys(long)) <= 5
    assert all(len(key) <= 64 for key in blocking_keys(long))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Fuer Elise", "Für Elise"),
        ("Obsesión", "Obsession"),
        ("F**k You", "Fuck You"),
        ("강남스타일 (Gangnam Style)", "Gangnam Style"),
        ("Volare (Nel blu, dipinto di blu)", "Nel blu dipinto di blu"),
        ("うっせぇわ", "Usseewa"),
    ],
)
def test_blocking_keys_of_two_spellings_meet(a: str, b: str) -> None:
    one, other = (set(blocking_keys(TrackDescription(title, ("X",)))) for title in (a, b))
    assert one & other


def test_blocking_keys_of_other_tracks_do_not_meet() -> None:
    keys = set(blocking_keys(TrackDescription("Innuendo", ("Queen",))))
    assert not keys & set(blocking_keys(TrackDescription("Bijou", ("Queen",))))
    assert not keys & set(blocking_keys(TrackDescription("Innuendo", ("Prince",))))


def test_index_finds_candidates_once_each() -> None:
    index: Index[int] = Index()
    index.add(1, TrackDescription("Kiss", ("Prince & The Revolution",), isrc="USWB19902900"))
    index.add(2, TrackDescription("Kiss - Live", ("Prince",)))
    index.add(3, TrackDescription("Kiss", ("Tom Jones",)))
    wanted = TrackDescription("Kiss", ("Prince & The Revolution",), isrc="USWB19902900")
    assert index.candidates(wanted) == [1, 2]
    assert index.candidates(TrackDescription("Cream", ("Prince",))) == []
