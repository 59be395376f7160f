"""Library files that are not as they should be, and the CSV form."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from library_rows import (
    DAY,
    PERSON,
    Decision,
    add_page,
    add_user,
    bring_in,
    content,
    export,
    make_rich_library,
    store,
)

from connectors.files import FileRejected, read_likes
from connectors.records import LikedTrack, ServiceTrack
from likes.importing.track_sync import store_likes
from likes.library.csv_form import is_library_csv, parse_csv
from likes.library.reading import WrongPlace, parse_library, read_text
from likes.library.storing import import_library
from likes.library.writing import COLUMNS, export_csv, export_library
from likes.models import Service, ServiceMapping, Source, Track

# Wrong files

LIKE = {"service": "narada", "state": "present"}
PAGE = {"service": "lastfm", "key": "k", "artists": ["Ada"], "decision": "accepted",
        "rule": "listed"}  # fmt: skip
RUN = '{"narada": 1, "runs": [{"kind": "import", "counts": %s}]}'
SPOTIFY = {**PAGE, "service": "spotify"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "is no library file of Narada: Expecting value: line 1 column 1"),
        ('{"narada": 1, "tracks": [', "line 1 column"),
        ("[" * 100_000, "is no library file of Narada"),
        ("[]", 'is to be an object with "narada": 1'),
        ('{"narada": 2}', "narada: version 2 is not known here"),
        ('{"narada": 1, "trakcs": []}', "trakcs is no field"),
        ('{"narada": 1, "tracks": {}}', "tracks is no list"),
        ('{"narada": 1, "tracks": [3]}', "tracks[0] is no object"),
        ('{"narada": 1, "settings": {"enabled": "no"}}', "settings.enabled is neither true nor"),
        (RUN % '{"a": NaN}', "runs[0].counts must be a number that can be stored"),
        (RUN % ("9" * 5_000), "a number has more than 4,300 digits"),
        (RUN % ('{"a": ' * 200 + "1" + "}" * 200), "runs[0].counts is nested too deeply"),
        ('{"narada": 1, "runs": [{"kind": "import"}]}', ""),
    ],
)
def test_a_bad_file_is_refused_with_the_place(text: str, place: str) -> None:
    if not place:
        assert parse_library(text).runs[0].kind == "import"
        return
    with pytest.raises(WrongPlace) as refusal:
        parse_library(text)
    assert place in str(refusal.value)


@pytest.mark.parametrize(
    ("track", "place"),
    [
        ({"title": 3}, "tracks[1].title is no text"),
        ({"title": "a\0b"}, "tracks[1].title holds a character"),
        ({"title": "a\ud800b"}, "tracks[1].title holds a character"),
        ({"artists": "Ada"}, "tracks[1].artists is no list"),
        ({"artists": ["Ada", None]}, "tracks[1].artists[1] is no text"),
        ({"duration_ms": -1}, "tracks[1].duration_ms is no whole number"),
        ({"duration_ms": 2**31}, "tracks[1].duration_ms is no whole number"),
        ({"duration_ms": True}, "tracks[1].duration_ms is no whole number"),
        ({"isrc": "X" * 13}, "tracks[1].isrc is longer than 12"),
        ({"explicit": 1}, "tracks[1].explicit is neither true nor false"),
        ({"id": 1}, "tracks[1].id is no field"),
        ({"likes": [{"service": "narada"}]}, "tracks[1].likes[0].state is missing"),
        ({"likes": [{**LIKE, "state": "loved"}]}, "tracks[1].likes[0].state: 'loved' is none of"),
        ({"likes": [{**LIKE, "liked_at": "2026-03-01"}]}, "tracks[1].likes[0].liked_at is no time"),
        ({"likes": [{**LIKE, "attempts": 40_000}]}, "tracks[1].likes[0].attempts is no whole"),
        ({"likes": [{**LIKE, "liked_at": "0001-01-01T00:00:00+05:00"}]}, "likes[0].liked_at is no"),
        ({"likes": [{**LIKE, "liked_at": "9999-12-31T23:59:59-05:00"}]}, "likes[0].liked_at is no"),
        ({"likes": [{**LIKE, "liked_at": "0001-01-01T00:00:00Z"}]}, "liked_at must be between"),
        ({"likes": [{**LIKE, "sent_at": "9999-12-31T23:59:59Z"}]}, "sent_at must be between"),
        ({"mappings": [{**PAGE, "score": 10**400}]}, "score must be a number that can be stored"),
        ({"mappings": [{**PAGE, "evidence": [float("inf")]}]}, "evidence must be a number that"),
        ({"mappings": [{**PAGE, "evidence": [{"a\0": 1}]}]}, "evidence holds a character"),
        ({"mappings": [{**PAGE, "artists": [""]}]}, "tracks[1].mappings[0].artists is empty"),
        ({"likes": [LIKE, LIKE]}, "tracks[1].likes[1].service: 'narada' is there twice"),
        ({"mappings": [PAGE, PAGE]}, "tracks[1].mappings[1].key"),
        ({"mappings": [PAGE, {**PAGE, "key": "l"}]}, "more than one accepted page"),
        ({"mappings": [{**PAGE, "artists": []}]}, "tracks[1].mappings[0].artists is empty"),
        ({"mappings": [{**PAGE, "score": float("nan")}]}, "tracks[1].mappings[0].score"),
        ({"mappings": [{**PAGE, "evidence": {}}]}, "tracks[1].mappings[0].evidence is no list"),
        ({"mappings": [SPOTIFY]}, "tracks[1].mappings[0].key is the same as tracks[0]."),
        ({"mappings": [{**SPOTIFY, "key": ""}]}, "tracks[1].mappings[0].key is empty"),
    ],
)
def test_a_bad_row_is_refused_with_the_place(track: dict[str, Any], place: str) -> None:
    whole = {"narada": 1, "tracks": [{"title": "One", "mappings": [SPOTIFY]}, track]}
    with pytest.raises(WrongPlace) as refusal:
        parse_library(json.dumps(whole))
    assert place in str(refusal.value)


ODD_VALUES = [
    *(None, True, 0, -1, 2**63, 10**400, 1.5, float("nan"), 1e308, "", "x" * 200_000, "a\ud800b"),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1969-12-31T23:00:00-05:00", "2024-02-30"),
    *("2199-12-31T23:59:59Z", {"a\0": 1}, {"a": "\ud800"}, {"a": 1e308}, ["a\0"], [{"a": 1e308}]),
    *([{"a": [10**400]}], [[[]]]),
]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("tracks", "title"), ("tracks", "album"), ("likes", "liked_at"), ("likes", "next_attempt_at"),
     ("mappings", "evidence"), ("mappings", "score"), ("mappings", "title"), ("runs", "counts"),
     ("runs", "started_at"), ("runs", "message")],
)  # fmt: skip
def test_a_value_is_refused_or_can_be_read_back(db: None, kind: str, name: str) -> None:
    make_rich_library(add_user("ada"))
    accepted = 0
    for number, odd in enumerate(ODD_VALUES):
        whole = export(User.objects.get(username="ada"))
        row = whole["runs"][0] if kind == "runs" else whole["tracks"][0]
        (row[kind][-1] if kind in ("likes", "mappings") else row)[name] = odd
        try:
            library = parse_library(json.dumps(whole))
        except WrongPlace:
            continue
        one, two = add_user(f"one{number}"), add_user(f"two{number}")
        import_library(one, library)
        bring_in(two, export(one))
        assert content(two) == content(one)
        parse_csv("".join(export_csv(one)).removeprefix("\ufeff"))
        accepted += 1
    assert accepted


def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe"), "a\0b"):
        with pytest.raises(FileRejected, match="is not a file"):
            read_text(path)


def test_a_file_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likes.library.reading.LARGEST_FILE", 10)
    (tmp_path / "file").write_text("x" * 11)
    with pytest.raises(FileRejected, match="is larger than"):
        read_text(str(tmp_path / "file"))


def test_a_library_is_not_read_as_a_list_of_likes(db: None, tmp_path: Path) -> None:
    ada = add_user("ada")
    make_rich_library(ada)
    path = tmp_path / "library.json"
    path.write_text("".join(export_library(ada)))
    with pytest.raises(FileRejected, match="is a library of Narada; bring it in with"):
        read_likes(path)


# CSV


def test_a_long_line_is_no_library_csv() -> None:
    assert not is_library_csv("x" * 200_000)


NAMES = [
    "=1+1",
    "+44",
    "-",
    "@home",
    "\t",
    "'=1",
    "''-",
    "'quoted'",
    "＝1",
    "x" * 200_000,
    '=HYPERLINK("a")',
]


def test_csv_starts_no_formula_and_is_read_back_equal(db: None, tmp_path: Path) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    items = [
        LikedTrack(ServiceTrack(name, (name, "B"), name, service_id=f"{number:022}"), DAY)
        for number, name in enumerate(NAMES)
    ]
    store_likes(ada, items, Source.FILE)
    for track in Track.objects.filter(user=ada):
        add_page(track, track.title, Decision.ACCEPTED)
    text = "".join(export_csv(ada)).removeprefix("\ufeff")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell[:1] in (*"=+-@＝\t\r",) and cell]
    import_library(bob, parse_csv(text))
    assert "".join(export_csv(bob)).removeprefix("\ufeff") == text
    names = Track.objects.filter(user=bob).order_by("pk").values_list("title", "artists", "album")
    assert list(names) == [(name, [name, "B"], name) for name in NAMES]
    (tmp_path / "likes.csv").write_text(text, encoding="utf-8")
    titles = [item.track and item.track.title for item in read_likes(tmp_path / "likes.csv").items]
    assert titles == [None if len(name) > 2_000 or name == "\t" else name for name in NAMES]


def test_csv_is_read_back_with_its_decisions(db: None) -> None:
    ada, bob = add_user("ada"), add_user("bob")
    make_rich_library(ada)

    text = "".join(export_csv(ada))
    summary = import_library(bob, parse_csv(text.removeprefix("\ufeff")))

    assert "".join(export_csv(bob)) == text
    assert summary.imported == 5
    again = import_library(bob, parse_csv(text.removeprefix("\ufeff")))
    assert again.already_known == 5
    chosen = ServiceMapping.objects.of(bob).on(Service.LASTFM).accepted().get(title="Two of Them")
    assert chosen.decided_by == PERSON


def test_csv_has_one_row_a_like_that_a_person_can_read(db: None) -> None:
    ada = add_user("ada")
    make_rich_library(ada)
    rows = list(csv.DictReader(io.StringIO("".join(export_csv(ada)).removeprefix("\ufeff"))))
    assert [row["Track Name"] for row in rows] == ["One", "Two", "Three", "Four", "Untitled Jam"]
    assert rows[0] == {
        **dict.fromkeys(COLUMNS, ""),
        "Track URI": "spotify:track:id-One",
        "Track Name": "One",
        "Artist Name(s)": "Ada, Bo\\, Jr.",
        "Album Name": "First",
        "Track Duration (ms)": "200000",
        "Explicit": "false",
        "Added At": "2026-03-01T12:00:00Z",
        "Narada": "present",
        "Spotify": "present",
        "Last.fm": "present",
        "Last.fm Artist": "Ada",
        "Last.fm Title": "One",
        "Decided By": "rule",
        "Source": "api",
    }
    assert (rows[4]["Narada"], rows[4]["Note"]) == ("unavailable", "local file")


def test_csv_is_a_file_that_from_file_reads(db: None, tmp_path: Path) -> None:
    ada = add_user("ada")
    items = [
        LikedTrack(ServiceTrack(title, artists, "Album, the", 1000, "", None, f"{title:0<22}"), DAY)
        for title, artists in (("Aa", ("Ada", "Bo")), ("Bb", ("Crosby, Stills & Nash",)))
    ]
    store_likes(ada, items, Source.API)
    path = tmp_path / "likes.csv"
    path.write_text("".join(export_csv(ada)), encoding="utf-8")
    found = [one.track for one in read_likes(path).items]
    assert [(t.title, t.artists, t.service_id) for t in found if t] == [
        ("Aa", ("Ada", "Bo"), "Aa" + "0" * 20),
        ("Bb", ("Crosby, Stills & Nash",), "Bb" + "0" * 20),
    ]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("200000", "long"), "row 2, column Track Duration (ms): 'long' is no number"),
        (("false", "maybe"), "row 2, column Explicit: 'maybe'"),
        ((",present,present,", ",liked,present,"), "row 2, column Narada.state: 'liked'"),
        (("2026-03-01T12:00:00Z", "1 March"), "row 2, column Narada.liked_at is no time"),
        (("Decided By", "Decided"), "row 1: the column 'Decided By' is missing"),
        (("200000", "9" * 5_000), "row 2, column Track Duration (ms): '9999"),
        ((",api,", ",api"), "row 2 has not as many cells as the header"),
        (("\r\n", ',"a" b\r\n'), "row 1: "),
    ],
)
def test_a_bad_csv_is_refused_with_the_place(db: None, change: tuple[str, str], place: str) -> None:
    ada = add_user("ada")
    store(ada, "One")
    text = "".join(export_csv(ada)).removeprefix("\ufeff").replace(*change)
    with pytest.raises(WrongPlace) as refusal:
        parse_csv(text)
    assert place in str(refusal.value)
