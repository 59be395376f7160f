"""Files that are not quite right: which rows are likes, and what is said of the rest."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reading_files import read, refuse, titles

ID_1, ID_2, ID_3, ID_4 = (f"{number:022}" for number in range(1, 5))
URI_1, URI_2, URI_3, URI_4 = (f"spotify:track:{track}" for track in (ID_1, ID_2, ID_3, ID_4))
HISTORY = "is a history of plays, not of likes"


# --- A history of plays is never a list of likes ------------------------------------------------


def write_table(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows])


EVENING = [f"S{i},X{i},2020-01-01 {20 + i // 15}:{i * 4 % 60:02}:00" for i in range(30)]
PLAYS = ["A,X,2020-01-01 10:00", "A,X,2020-01-05 11:00", "B,X,2020-02-01 09:00"]


@pytest.mark.parametrize(
    "content",
    [
        "Artist;Album;AlbumId;Track;Date#ada\nX;L;;A;1600000000000\nY;L;;B;1600000900000\n",
        "Artist Name,Song Name,End Reason Type,Event Start Timestamp\nX,A,NATURAL,x\n",
        "ts,ms_played,master_metadata_track_name,reason_end\n2020-01-01T00:00:00Z,1,A,x\n",
        "titre,artiste,date_ecoute\nA,X,2026-06-08T14:03:27.235Z\n",
        "Song Title,Artist,Listening Time,Date\nA,X,200,2020-01-01 10:00:00\n",
        "artist,track,album,timeMs,durationMs,event\nX,A,L,1600000000000,1,scrobble\n",
        write_table("song,band,when", PLAYS),
        write_table("Title,Artist,Streamed", [*PLAYS[:2], "B,X,2020-01-02 10:00"]),
        write_table("song,band,time", EVENING),
        write_table("song,band,time", EVENING[:6]),
        "date,time,artist,track\n01/02/2020,10:00,X,A\n01/03/2020,10:00,X,A\n",
        "Artist,Track,When,Skipped\nX,A,2020-01-01 10:00,no\nX,B,2020-01-05 10:04,yes\n",
        "Started,Ended,Song,Artist\n2020-01-01 10:00,2020-01-01 10:03,A,X\n"
        "2020-01-05 10:03,2020-01-05 10:07,B,X\n",
        "Titel,Interpret,Wiedergegeben am\nA,X,01.02.2020 10:00\nB,X,01.03.2020 10:10\n",
        "X,L,A,12 May 2013 10:05\n" + "X,L,A,12 May 2013 10:15\nX,L,B,13 May 2013 10:10\n" * 2,
        "#AUDIOSCROBBLER/1.1\n#TZ/UTC\nX\tL\tA\t1\t200\tL\t1600000000\t\n",
        {"maloja": {}, "scrobbles": [{"time": 1, "track": {"artists": ["X"], "title": "A"}}]},
        {"username": "ada", "scrobbles": [{"track": "A", "artist": "X", "date": 1600000000000}]},
        {"recenttracks": {"track": [{"name": "A", "artist": {"#text": "X"}}]}},
        {"payload": {"listens": [{"listened_at": 1, "track_metadata": {"track_name": "A"}}]}},
        '{"listened_at": 1, "track_metadata": {"artist_name": "X", "track_name": "A"}}\n' * 2,
        [{"title": "A", "artists": [{"name": "X"}], "played": "Yesterday"}],
        [{"title": "Watched A", "titleUrl": "https://y", "time": "2020-01-01T10:00:00Z"}],
        [{"song": row.split(",")[0], "artist": "X", "at": row.split(",")[2]} for row in PLAYS],
        {"href": "https://api.spotify.com/v1/me/player/recently-played", "items": [
            {"track": {"name": "A", "artists": [{"name": "X"}]}}]},
    ],
)  # fmt: skip
def test_a_history_of_plays_is_refused_as_one(content: object, tmp_path: Path) -> None:
    assert HISTORY in refuse(tmp_path, content)


@pytest.mark.parametrize("column", ["Added At", "Date", "Saved", "created"])
def test_likes_with_times_and_some_songs_twice_are_no_history(column: str, tmp_path: Path) -> None:
    rows = [f"S{i % 17},X,2020-01-{i + 1:02}T10:00:00Z" for i in range(20)]
    assert len(read(tmp_path, write_table(f"Title,Artist,{column}", rows)).items) == 20


def test_likes_added_one_after_the_other_are_no_history(tmp_path: Path) -> None:
    assert len(read(tmp_path, write_table("Title,Artist,Added At", EVENING)).items) == 30


# --- A saved answer of another endpoint ---------------------------------------------------------

SONG = {"name": "A", "artists": [{"name": "X"}], "album": {"name": "L"}, "uri": URI_1}
SAVED = {"added_at": "2020-01-01T00:00:00Z", "track": SONG}
API = "https://api.spotify.com/v1"
PAGE = {"limit": 20, "offset": 0, "next": None, "total": 1}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({"href": f"{API}/me/top/tracks?limit=2", "items": [SONG], **PAGE}, "top tracks"),
        ({"items": [SONG], **PAGE}, "top tracks"),
        ([{"next": f"{API}/me/top/tracks?offset=2", "items": [SONG]}], "top tracks"),
        ("title,artist,periode\nA,X,short_term\nB,X,long_term\n", "top tracks"),
        ({"toptracks": {"track": [{"name": "A", "artist": {"name": "X"}}]}}, "top tracks"),
        ({"href": f"{API}/playlists/x/tracks?offset=0", "items": [SAVED]}, "a playlist"),
        ({"type": "playlist", "name": "P", "tracks": {"items": [SAVED]}}, "a playlist"),
        ([{**SAVED, "added_by": {"id": "u"}, "primary_color": None}], "a playlist"),
        ({"data": [{"title": "A", "artist": {"name": "X"}}],
          "next": "https://api.deezer.com/playlist/1/tracks?index=25"}, "a playlist"),
        ({"album_type": "album", "name": "L", "tracks": {"items": [SONG]}}, "an album"),
        ([{"name": "A", "artists": [{"name": "X"}], "track_number": 1}], "an album"),
        ({"tracks": {"href": f"{API}/search?q=x", "items": [SONG]}}, "a search"),
        ({"tracks": {"href": f"{API}/search?q=x", "items": [SONG]},
          "artists": {"href": f"{API}/search?q=x", "items": [{"name": "X"}]}}, "a search"),
        ({"tracks": [SONG], "seeds": [{"id": "x"}]}, "recommendations"),
    ],
)  # fmt: skip
def test_an_answer_of_another_endpoint_is_refused_as_that(
    content: object, what: str, tmp_path: Path
) -> None:
    assert f"lists {what}" in refuse(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        {"href": f"{API}/me/tracks?offset=0&limit=50", "items": [SAVED], **PAGE},
        [{"href": f"{API}/me/tracks?offset=0", "items": [SAVED]}],
        {"data": [{"title": "A", "artist": {"name": "X"}, "time_add": 1600000000}],
         "next": "https://api.deezer.com/user/1/tracks?index=25"},
        {"lovedtracks": {"track": [{"name": "A", "artist": {"name": "X"},
                                    "date": {"uts": "1600000000"}}]}},
        [{**SONG, "href": f"{API}/tracks/{ID_1}"}],
        [{"name": "A", "artists": ["X"], "album_type": "single"}],
        [{"name": "A", "artist": "X", "rating": {"value": 1}},
         {"name": "B", "artist": "X", "rating": {"value": -1}}],
    ],
)  # fmt: skip
def test_an_answer_that_lists_likes_is_read(content: object, tmp_path: Path) -> None:
    assert titles(read(tmp_path, content)) == "A"


# --- Liked songs beside playlists ---------------------------------------------------------------

LIKED, PARTY = [{"name": "A", "artist": "X"}], [{"name": "B", "artist": "Y"}]
TEXT = (
    "Playlists: \r\n\r\nLiked Songs\r\nA\tX, Y\tL\t{0}\t2020\r\nC\tX\tL\t{1}\t2020\r\n\r\n"
    "Party\r\nB\tY\tL\t{2}\t2020\r\n\r\nLiked Albums: \r\n\r\nL\tX\t-\tspotify:album:1\t2020\r\n"
)


@pytest.mark.parametrize(
    ("content", "likes", "left_out"),
    [
        ({"playlists": [{"name": "Liked Songs", "tracks": LIKED},
                        {"name": "Party", "tracks": PARTY}], "albums": []}, "A", "“Party”"),
        ([{"name": "Party", "tracks": PARTY}, {"name": "Liked Songs", "tracks": LIKED}], "A",
         "“Party”"),
        ({"Liked Songs": LIKED, "Party": PARTY}, "A", "“Party”"),
        ({"liked_songs": LIKED, "playlists": [{"name": "Party", "tracks": PARTY}]}, "A", "“Party”"),
        ({"savedTracks": {"items": [SAVED]}, "playlists": [{"name": "Party", "tracks": PARTY}]},
         "A", "“Party”"),
        ({"library": {"tracks": LIKED, "albums": []},
          "playlists": [{"name": "Party", "tracks": PARTY}]}, "A", "“Party”"),
        ({"tracks": LIKED, "albums": [{"name": "L", "artist": "X"}]}, "A", "“albums”"),
        ({"playlists": [{"name": "Lieblingssongs", "tracks": LIKED},
                        {"name": "Favourites", "tracks": PARTY}]}, "A", "“Favourites”"),
        (TEXT.format(URI_1, URI_2, URI_3), "AC", "“Party”, “Liked Albums”"),
        (f"Liked Songs\nA\tX\tL\t{URI_1}\n\nParty\nB\tY\tL\t{URI_2}\n", "A", "“Party”"),
        ("name,type,artist,playlist_name\nA,track,X,Liked Songs\nB,track,Y,Party\n", "A",
         "“Party”"),
    ],
)  # fmt: skip
def test_the_liked_songs_are_read_and_the_other_lists_are_named(
    content: object, likes: str, left_out: str, tmp_path: Path
) -> None:
    found = read(tmp_path, content)
    assert titles(found) == likes
    assert f"was read; left out: {left_out}" in found.note


@pytest.mark.parametrize(
    "content",
    [
        {"playlists": [{"name": "Party", "tracks": PARTY}]},
        [{"name": "Party", "tracks": PARTY}, {"name": "Rain", "tracks": PARTY}],
        f"Party\r\nB\tY\tL\t{URI_2}\t2020\r\n\r\n",
    ],
)
def test_playlists_without_liked_songs_are_refused(content: object, tmp_path: Path) -> None:
    message = refuse(tmp_path, content)
    assert "holds playlists, not likes" in message
    assert "“Party”" in message
    assert "YourLibrary" not in message


def test_a_column_that_happens_to_be_called_type_is_no_tunemymusic(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"id,name,type,artist_name,playlist_name\n{ID_1},A,track,X,Liked Songs\n"
        f"{ID_2},B,track,Y,Liked Songs\n",
    )
    assert (found.kind, titles(found)) == ("csv", "AB")


# --- One odd line never costs a file ------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "likes"),
    [
        ('Track,Artist,Label\nA,X,ok\nB,Y,"The "Best" Of"\n', "AB"),
        (f'Track URI,Track Name,Artist Name(s),Label\n{URI_1},"A","X","Red"\n'
         f'{URI_2},"B","Y","ООО "Компания""\n', "AB"),
        ('Track,Artist,Label\n"A","X",""Foo", Inc."\n"B","Y","z"\n', "AB"),
        ("Shazam Library\nIndex,Title,Artist\n1,A,X\n2,B,Y\n", "AB"),
        ("My likes\n\nas of today\nTitle;Artist\nA;X\n", "A"),
        ('TITLE, ARTIST\n"A", "X, Z"\n"B", "Y"\n', "AB"),
        ('TITLE; ARTIST\n"A"; "X"\n"B"; "Y "Z" W"\n', "AB"),
        ('Track,Artist\nA,X\n"B","Y', "A-"),
        ('Track,Artist\nA,X\n"B\nC,Z\nD,W\n', "A-CD"),
        ('Track,Artist\nA,X\n"B,Y\nC,Z\nD,W"\nE,V\n', "A-CDE"),
        ("Track,Artist\nA,X\nB\nC,Z\n", "A-C"),
        ("Track,Artist\nA,X\nTrack,Artist\nB,Y\n", "AB"),
        ("# likes, of today, for me\nTrack,Artist\nA,X\n", "A"),
        ('Track ,Artist\n"A" ,"X, Z"\n"B" ,"Y"\n', "AB"),
        ("Track,Artist\rA,X\nB,Y\r\nC,Z", "ABC"),
        (b"Track,Artist\nA\0,X\nB,Y\nC,Z\n" + b"\0" * 4000, "ABC"),
        ("Track,Artist\nA,X\nB,Y\n\x1a", "AB"),
        ("Track,Artist\nA,X\nB," + "y" * 200_000 + "\nC,Z\n", "A-C"),
        ("Track,Artist\nA,X\nB," + '"' * 200_000 + "\nC,Z\n", "A-C"),
        ("Track,Artist\nA,Björk\nB,Björk\nC,Björk\nD,".encode() + b"Bj\xf6rk\n", "ABCD"),
        ('Track,Artist,Note\nA,X,"one\ntwo"\nB,Y,\n', "AB"),
        ('Track,Artist\n"A" x,X\nB,Y\n', '"A" xB'),
        ('"Track,Artist"\n"A,""X, Z"""\n"B,Y"\n', "AB"),
        ('Track,Artist\n"A,""X, Z"""\nB,Y\n', "AB"),
        ("“Track”,“Artist”\n“A”,“X, Z”\n", "A"),
        ("'Track','Artist'\n'A','X, Z'\n'B''s','Y'\n", "AB's"),
        ('"Track","Artist"\n"A","X \\"Y\\", Z"\n"B","Y"\n', "AB"),
        ("| Track | Artist |\n|---|:--|\n| A | X |\n", "A"),
        ("track,artist\nA,X\n\ufeffTrack,Artist\nB,Y\n", "AB"),
        ("Note that these are mine,,,\nNo,Track,Artist,Note\n1,A,X,\n", "A"),
        ('{"title": "A", "artist": "X"}\n{"title": "B", "artist": "Y"}\n{"title": "C", ', "AB-"),
    ],
)  # fmt: skip
def test_an_odd_line_costs_no_other(content: str | bytes, likes: str, tmp_path: Path) -> None:
    assert titles(read(tmp_path, content)) == likes


def test_cells_with_naked_quotes_are_whole(tmp_path: Path) -> None:
    text = 'Title,Artist\n"Opera, Act 3: "La canzone"","Ada, Bo & "C""\n'
    track = read(tmp_path, text).items[0].track
    assert track is not None
    assert (track.title, track.artists) == ('Opera, Act 3: "La canzone"', ('Ada, Bo & "C"',))


def test_rows_of_a_wrong_width_are_counted_and_placed(tmp_path: Path) -> None:
    found = read(tmp_path, 'Track,Artist\nA,X\n"B\nC,Z\nD\n')
    assert found.items[1].unavailable == "row 3 cannot be split into 2 cells"
    assert "rows with a wrong number of cells: 2 (rows 3, 5)" in found.note


def write_names(letters: str) -> st.SearchStrategy[str]:
    """Names without blanks around them and with a letter in them."""
    texts = st.text(st.sampled_from(letters), min_size=1, max_size=8)
    return texts.map(str.strip).filter(lambda text: any(map(str.isalpha, text)))


ODD_LINES = st.one_of(
    st.sampled_from(['"', 'x "y', '"x', '"x "y" z', 'x"', ",", '"a""', "a,b,c,d,e,f", '""x","y']),
    st.text(st.sampled_from('ab,;"\t '), max_size=12),
)


@given(
    rows=st.lists(
        st.tuples(write_names('abé,;|"\t '), write_names('xyü" ')), min_size=2, max_size=8
    ),
    odd=ODD_LINES,
    place=st.integers(0, 8),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
@example(
    rows=[("a", "b"), ("c", "d")],
    odd='"',
    place=0,
    delimiter=",",
    quoting=csv.QUOTE_ALL,
    end="\n",
)
def test_any_table_keeps_its_rows_beside_any_odd_line(
    rows: list[tuple[str, str]],
    odd: str,
    place: int,
    delimiter: str,
    quoting: int,
    end: str,
    tmp_path: Path,
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(["No", "Title", "Artist"])
    writer.writerows([f"n{i}", *row] for i, row in enumerate(rows))
    lines = file.getvalue().splitlines()
    lines.insert(1 + min(place, len(rows)), odd)
    found = read(tmp_path, end.join(lines) + end)
    names = [(item.track.title, item.track.artists[0]) for item in found.items if item.track]
    wanted = [(re.sub("\t+", " ", title), artist) for title, artist in rows]
    assert [name for name in names if name in wanted] == wanted


# --- An id is trusted only as far as the names agree --------------------------------------------


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        (["Isadora,X,1", "Gum,X,1", "Festa,Y,1"], ["", "", ""]),
        (["Part 1,X,1", "Part 2,X,1"], ["", ""]),
        (["Intro,The xx,1", "Intro,M83,1"], ["", ""]),
        (["Glass Tides,X,1", "Glass Tides - 2011 Remaster,X,1"], [ID_1, ID_1]),
        (["Café del Mar,X,1", "Cafe Del Mar (Live),X,1"], [ID_1, ID_1]),
        (["A,Ada & Bo,1", "A,Ada,1"], [ID_1, ID_1]),
        (["Isadora,X,1", "Gum,X,1", "Festa,Y,2", "Rain,Y,3", "Sun,Y,4"],
         ["", "", ID_2, ID_3, ID_4]),
    ],
)  # fmt: skip
def test_an_id_under_different_names_is_not_trusted(
    rows: list[str], ids: list[str], tmp_path: Path
) -> None:
    cells = [row[:-1] + f"{int(row[-1]):022}" for row in rows]
    found = read(tmp_path, write_table("title,artist,spotify_id", cells))
    assert [item.track.service_id for item in found.items if item.track] == ids
    assert ("stand under different names" in found.note) == ("" in ids)


def test_another_column_of_ids_is_taken_where_the_first_holds_a_lists(tmp_path: Path) -> None:
    rows = [("A", ID_1, ID_2), ("B", ID_1, ID_3), ("C", ID_1, ID_4)]
    table = [f"{list_id},{song_id},{title},X" for title, list_id, song_id in rows]
    found = read(tmp_path, write_table("spotify_id,song_id,song_name,artist", table))
    assert [item.track.service_id for item in found.items if item.track] == [ID_2, ID_3, ID_4]
    objects = [
        {"spotify_id": list_id, "song_id": song_id, "title": title, "artist": "X"}
        for title, list_id, song_id in rows
    ]
    assert read(tmp_path, objects).items == found.items


def test_ids_of_a_list_in_json_are_named_where_they_are_not_read(tmp_path: Path) -> None:
    rows = [{"name": title, "artist": "X", "uri": f"spotify:track:{ID_1}"} for title in "ABC"]
    found = read(tmp_path, json.dumps(rows))
    assert [item.track.service_id for item in found.items if item.track] == ["", "", ""]
    assert "ids not read, as they stand under different names: uri" in found.note


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"title,artist\nA,X\n\0\0\0\0\nB,Y\n", "line 3"),
        (b"title,artist\nA,X\nB\0,Y\nC,Z\nD,Z\n\0\0\0", "lines 3, 6"),
        ("title,artist\nA,X\nB\0,Y\n".encode("utf-16"), "line 3"),
    ],
)
def test_lines_with_nul_characters_are_named(text: bytes, lines: str, tmp_path: Path) -> None:
    found = read(tmp_path, text)
    assert f"whatever stood in their place is lost: {lines}" in found.note
