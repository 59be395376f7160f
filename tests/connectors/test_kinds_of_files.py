"""Files as programs and services write them: likes are found, the rest is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reading_files import read, refuse, titles

ID = f"{1:022}"
API = "https://api.spotify.com/v1"
SONG = {"name": "A", "artists": [{"name": "X"}], "album": {"name": "L"}, "id": ID}
LASTFM = {"name": "A", "artist": {"name": "X"}}
LOVED = {**LASTFM, "date": {"uts": "1600000000", "#text": "13 Sep 2020, 12:26"}}
SPOTDL = {"name": "A", "artists": ["X"], "artist": "X", "album_name": "L", "track_number": 1,
          "album_type": "album", "song_id": ID, "list_name": "Liked Songs"}  # fmt: skip
APPLE = {"Title": "A", "Artist": "X", "Last Played Date": "2024-01-01T10:00:00Z"}


@pytest.mark.parametrize(
    "content",
    [
        [SPOTDL],
        [SPOTDL, {**SPOTDL, "name": "B", "list_name": "Party"}],
        {"type": "sync", "query": ["saved"], "songs": [SPOTDL]},
        [{"track": [LOVED], "@attr": {"user": "ada"}}],
        [{"lovedtracks": {"track": [LOVED], "@attr": {"user": "ada"}}}],
        {"title": "Your Likes", "tracks": [
            {"title": "A", "artists": [{"name": "X", "id": "i"}], "album": {"name": "L"}}]},
        {"items": [{"created": "2020-01-01T00:00:00Z",
                    "item": {"title": "A", "artists": [{"name": "X"}], "duration": 200}}]},
        {"playlist": {"title": "Liked Songs", "track": [{"title": "A", "creator": "X"}]}},
        {"name": "My Liked Songs (12)", "tracks": [{"title": "A", "artist": "X"}]},
        {"liked": [{"title": "A", "artist": "X"}], "banned": [{"title": "B", "artist": "X"}]},
        [{**APPLE, "Favorite Status - Track": True},
         {**APPLE, "Title": "B", "Last Played Date": "2024-01-01T10:05:00Z"}],
        {"title": ["A"], "artist": ["X"]},
        {"title": {"0": "A"}, "artist": {"0": "X"}},
        {"columns": ["title", "artist"], "data": [["A", "X"]]},
        [["title", "artist"], ["A", "X"]],
        "Video ID,Song Title,Artist Name 1,Artist Name 2\nv,A,X,\n",
        json.dumps({"items": [{"track": SONG}]}, indent=1) + "\n",
    ],
)  # fmt: skip
def test_likes_are_found_where_a_program_keeps_them(content: object, tmp_path: Path) -> None:
    assert titles(read(tmp_path, content)) == "A"


def test_pages_put_together_in_one_file_are_all_read(tmp_path: Path) -> None:
    pages = [
        json.dumps({"items": [{"track": {**SONG, "name": name, "id": ""}}]}, indent=1)
        for name in "AB"
    ]
    assert titles(read(tmp_path, "\n".join(pages))) == "AB"


def test_songs_under_their_ids_keep_them(tmp_path: Path) -> None:
    other = f"{2:022}"
    songs = {ID: {"name": "A", "artist": "X"}, other: {"name": "B", "artist": "X"}}
    found = read(tmp_path, songs)
    assert [item.track.service_id for item in found.items if item.track] == [ID, other]


def test_rows_of_several_lists_of_which_none_are_likes_are_told(tmp_path: Path) -> None:
    found = read(tmp_path, "Playlist,Track,Artist\nRain,A,X\nParty,B,Y\n")
    assert titles(found) == "AB"
    assert "its rows are of 2 lists, such as “Rain”" in found.note


def test_the_time_of_a_favourite_is_that_of_its_row(tmp_path: Path) -> None:
    row = {"created": "2020-01-02T00:00:00Z", "item": {"title": "A", "artist": "X"}}
    liked_at = read(tmp_path, {"items": [row]}).items[0].liked_at
    assert liked_at is not None
    assert liked_at.day == 2


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ({"listened_at": 1, "track_metadata": {"artist_name": "X", "track_name": "A"}},
         "is a history of plays"),
        ([[{"name": "A", "artist": {"#text": "X"}, "date": {"uts": "1600000000"}}]],
         "is a history of plays"),
        ([{**LOVED, "loved": "1"}], "is a history of plays"),
        ([APPLE, {**APPLE, "Title": "B", "Last Played Date": "2024-02-01T10:00:00Z"}],
         "is a history of plays"),
        ("rank,artist,track,playcount\n1,X,A,50\n2,Y,B,20\n", "lists top tracks"),
        ("Track,Artist,Streams\nA,X,50\nB,Y,20\nC,Z,9\n", "lists top tracks"),
        ({"items": [{"position": i, "streams": 9 - i, "track": SONG} for i in (1, 2)]},
         "lists top tracks"),
        ([{**LASTFM, "playcount": "5", "@attr": {"rank": "1"}}], "lists top tracks"),
        ({"bannedtracks": {"track": [LASTFM]}}, "lists banned tracks"),
        ({"items": [{"type": {}, "title": "A"}]}, "is no saved track"),
        ({"next": "https://]/playlist/1", "data": [{"id": 1}]}, "is no saved track"),
        ("#EXTM3U\n#EXTINF:200,X - A\n/a.mp3\n", "is an M3U playlist"),
        ("[playlist]\nFile1=/a.mp3\nTitle1=X - A\n", "is a PLS playlist"),
        ('<?xml version="1.0"?>\n<!DOCTYPE plist PUBLIC "x">\n', "is a Music or iTunes library"),
        ('<?xml version="1.0"?>\n<DJ_PLAYLISTS Version="1">\n', "is a rekordbox library"),
        ([{"recording_mbid": "m", "score": 1}], "by MusicBrainz ids alone"),
        ([{**LASTFM, "pinned_until": 1}], "lists pinned recordings"),
        ({"dislikedSongs": [LASTFM]}, "lists songs that are not liked: “dislikedSongs”"),
        ({"tracks": {"track": [{**LASTFM, "listeners": "3"}]}}, "lists a chart"),
        ({"album": {"name": "L", "artist": "X", "tracks": {"track": [LASTFM]}}}, "lists an album"),
        ({"progress_ms": 3, "item": SONG}, "lists the song that plays"),
        ({"audio_features": [{"type": "audio_features", "id": ID}]}, "is no saved track"),
        ([{"added_at": "2020-01-01T00:00:00Z", "added_by": {"id": "ada"}, "track": SONG}],
         "lists a playlist"),
        ({"name": "Party", "tracks": [LASTFM]}, "holds playlists, not likes"),
        ({"playlist": {"title": "Party", "track": [{"title": "A", "creator": "X"}]}},
         "holds playlists, not likes"),
        ({"items": [{"type": "track", "cut": None, "item": {"title": "A", "artist": "X"}}]},
         "lists a playlist"),
    ],
)  # fmt: skip
def test_what_are_no_likes_is_refused_as_what_it_is(
    content: object, what: str, tmp_path: Path
) -> None:
    assert what in refuse(tmp_path, content)


@pytest.mark.parametrize(
    "rows",
    [
        "rank,Title,Artist,Plays\n1,A,X,3\n2,B,Y,50\n",
        "Title,Artist,Plays,Date Added\nA,X,50,2020-01-01\nB,Y,20,2020-01-02\nC,Z,9,2020-01-03\n",
        "Title,Artist,Plays,Loved\nA,X,50,1\nB,Y,20,1\nC,Z,9,1\n",
    ],
)
def test_likes_with_numbers_of_plays_are_no_top_list(rows: str, tmp_path: Path) -> None:
    assert titles(read(tmp_path, rows)).startswith("AB")
