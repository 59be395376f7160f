"""Each kind of file in a tiny form of its own, and what is refused."""

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.files import FileRejected, LikesFile, read_likes
from connectors.records import LikedTrack, ServiceTrack

ID_1, ID_2, ID_3 = "1a3X8Y882vwSnlnHqf9ztF", "2plbrEY59IikOBgBGLjaoe", "3vls5o2klJlXFlCO9Wq4xi"
URI_1, URI_2, URI_3 = (f"spotify:track:{track_id}" for track_id in (ID_1, ID_2, ID_3))

NEW_HEADER = (
    "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,"
    "Explicit,Added By,Added At,Genres,Record Label,Danceability"
)
OLD_NAMES = [
    *("Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album URI", "Album Name"),
    *("Album Artist URI(s)", "Album Artist Name(s)", "Album Release Date", "Album Image URL"),
    *("Disc Number", "Track Number", "Track Duration (ms)", "Track Preview URL", "Explicit"),
    *("Popularity", "ISRC", "Added By", "Added At"),
]
JAPANESE_NAMES = [
    *("トラックURI", "トラック名", "アーティストURI", "アーティスト名", "アルバムURI"),
    *("アルバム名", "アルバムアーティストURI", "アルバムアーティスト名", "アルバムのリリース日"),
    *("アルバム画像のURL", "ディスク番号", "トラック番号", "トラックの長さ（ミリ秒）", "試聴"),
    *("明示的な内容", "人気", "ISRC", "追加者", "追加日時"),
]
UNHEARD_OF_NAMES = [f"kolumna {i}" for i in range(19)]
LIBRARY = {
    "tracks": [
        {"artist": "Modena City Ramblers", "album": "Tracce", "track": "Polkas", "uri": URI_1},
        {"artist": "Earth, Wind & Fire", "album": "All 'N All", "track": "Fantasy", "uri": URI_2},
    ],
    "albums": [],
    "shows": [],
    "bannedTracks": [{"artist": "X", "track": "Y", "uri": URI_3}],
}
SAVED = {
    "added_at": "2024-05-01T18:22:10Z",
    "track": {
        "album": {"name": "Tracce"},
        "artists": [{"name": "A"}, {"name": "B, C"}],
        "duration_ms": 207959,
        "explicit": False,
        "external_ids": {"isrc": "USUM71703861"},
        "id": ID_1,
        "is_local": False,
        "name": "Polkas",
        "type": "track",
        "uri": URI_1,
    },
}
SAVED_LIKE = LikedTrack(
    ServiceTrack("Polkas", ("A", "B, C"), "Tracce", 207959, "USUM71703861", False, ID_1),
    datetime(2024, 5, 1, 18, 22, 10, tzinfo=UTC),
)


def read(path: Path, content: str | bytes | object, name: str = "anything.bin") -> LikesFile:
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    file = path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_likes(file)


def refuse(path: Path, content: str | bytes | object) -> str:
    with pytest.raises(FileRejected) as caught:
        read(path, content)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path / "anything.bin"))
    return message.removeprefix(f"{path / 'anything.bin'}: ")


def quote(cells: list[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def make_zip(path: Path, files: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    file = path / "export.dat"
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return file


def credits_of(likes: LikesFile) -> list[tuple[str, ...]]:
    return [item.track.artists for item in likes.items if item.track]


# --- Spotify's account data ---------------------------------------------------------------------


def test_account_data_library_with_uris_is_read(tmp_path: Path) -> None:
    likes = read(tmp_path, LIBRARY)
    assert likes.kind == "account data"
    assert likes.items == (
        LikedTrack(ServiceTrack("Polkas", ("Modena City Ramblers",), "Tracce", service_id=ID_1)),
        LikedTrack(ServiceTrack("Fantasy", ("Earth, Wind & Fire",), "All 'N All", service_id=ID_2)),
    )


def test_account_data_library_without_uris_is_read(tmp_path: Path) -> None:
    likes = read(tmp_path, {"tracks": [{"artist": "A", "album": "B", "track": "C"}]})
    assert likes == LikesFile(
        "account data",
        (LikedTrack(ServiceTrack("C", ("A",), "B")),),
        "account data has no dates of liking",
    )


def test_account_data_library_has_one_artist_a_track(tmp_path: Path) -> None:
    names = ["TH;EN", "nothing,nowhere.", *(f"A, B{i}" for i in range(9))]
    tracks = [{"artist": name, "album": "X", "track": "T"} for name in names]
    assert credits_of(read(tmp_path, {"tracks": tracks})) == [(name,) for name in names]


@pytest.mark.parametrize("missing", ["tracks", ""])
def test_account_data_library_without_likes_is_empty(tmp_path: Path, missing: str) -> None:
    library = {**LIBRARY, "tracks": [], "artists": []}
    library.pop(missing, None)
    assert read(tmp_path, library).items == ()


def test_account_data_library_row_without_title_stays_a_row(tmp_path: Path) -> None:
    tracks = [{"artist": "A", "album": "B", "track": "", "uri": URI_1}, "?", *LIBRARY["tracks"]]
    items = read(tmp_path, {**LIBRARY, "tracks": tracks}).items
    assert len(items) == 4
    assert items[0] == LikedTrack(None, None, "tracks[0] has no title", URI_1)
    assert items[1] == LikedTrack(None, None, "tracks[1] is no object", "?")


@pytest.mark.parametrize("folder", ["", "Spotify Account Data/", "MyData/2026/"])
def test_account_data_zip_is_read_with_any_folder_inside(tmp_path: Path, folder: str) -> None:
    files = {
        f"{folder}Userdata.json": "{}",
        f"{folder}YourLibrary.json": json.dumps(LIBRARY),
        f"{folder}Playlist1.json": '{"playlists": []}',
        f"{folder}StreamingHistory_music_0.json": "[]",
        f"__MACOSX/{folder}._YourLibrary.json": "\0\0",
    }
    assert read_likes(make_zip(tmp_path, files)) == read(tmp_path, LIBRARY)


def test_account_data_folder_is_read(tmp_path: Path) -> None:
    inside = tmp_path / "export" / "Spotify Account Data"
    inside.mkdir(parents=True)
    (inside / "Playlist1.json").write_text('{"playlists": []}')
    (inside / "YourLibrary.json").write_text(json.dumps(LIBRARY))
    assert read_likes(tmp_path / "export").items == read(tmp_path, LIBRARY).items


def test_zip_with_a_library_of_another_name_is_read(tmp_path: Path) -> None:
    files = {"Follow.json": '{"userIsFollowing": ["a"]}', "mine.json": json.dumps(LIBRARY)}
    assert len(read_likes(make_zip(tmp_path, files)).items) == 2


def test_exportify_zip_of_everything_gives_the_likes(tmp_path: Path) -> None:
    playlist = f"{NEW_HEADER}\n{URI_2},P,A,B,2020,200000,1,false,,2024-01-01T00:00:00Z,,,\n"
    liked = f"{NEW_HEADER}\n{URI_1},L,A,B,2020,200000,1,false,,2024-01-01T00:00:00Z,,,\n"
    files = {"road_trip.csv": playlist, "Liked_Songs.csv": liked}
    likes = read_likes(make_zip(tmp_path, files))
    assert [item.track.title for item in likes.items if item.track] == ["L"]
    assert likes.note == "only Liked_Songs.csv was read; 1 other file was not"


# --- Exportify ----------------------------------------------------------------------------------


def test_exportify_new_is_read(tmp_path: Path) -> None:
    text = (
        f"\ufeff{NEW_HEADER}\n"
        f'{URI_1},"Say ""Hi""",Album,"Tyler, The Creator;Kali Uchis",2020-01-01,132666,68,true,,'
        '2025-08-05T17:34:48Z,"rap,soul",YZY,0.5\n'
        f"{URI_2},Solo,Album,Tyler,2020,100000,1,false,,2025-08-03T20:08:17Z,,,\n"
    )
    assert read(tmp_path, text) == LikesFile(
        "exportify",
        (
            LikedTrack(
                ServiceTrack(
                    'Say "Hi"',
                    ("Tyler, The Creator", "Kali Uchis"),
                    "Album",
                    132666,
                    explicit=True,
                    service_id=ID_1,
                ),
                datetime(2025, 8, 5, 17, 34, 48, tzinfo=UTC),
            ),
            LikedTrack(
                ServiceTrack("Solo", ("Tyler",), "Album", 100000, explicit=False, service_id=ID_2),
                datetime(2025, 8, 3, 20, 8, 17, tzinfo=UTC),
            ),
        ),
    )


def make_old_row(
    title: str, artists: str, uris: int, isrc: str = "USUM71800001", uri: str = URI_1
) -> list[str]:
    ids = ", ".join([f"spotify:artist:{ID_3}"] * uris)
    return [
        *(uri, title, ids, artists, f"spotify:album:{ID_2}", "Album", ids, artists),
        *("2021-02-05", "https://i.scdn.co/image/a", "1", "7", "211420", "", "true", "80"),
        *(isrc, "", "2018-12-23T10:12:16Z"),
    ]


@pytest.mark.parametrize("names", [OLD_NAMES, JAPANESE_NAMES, UNHEARD_OF_NAMES])
def test_exportify_old_is_read_in_any_language(tmp_path: Path, names: list[str]) -> None:
    rows = [
        make_old_row("One", "Karthik\\, Shreya Ghoshal", 1),
        make_old_row("Two", "The Weeknd, Earth\\, Wind & Fire", 2, "undefined", URI_2),
    ]
    likes = read(tmp_path, quote(names) + "".join(map(quote, rows)))
    liked_at = datetime(2018, 12, 23, 10, 12, 16, tzinfo=UTC)
    one = ServiceTrack(
        "One", ("Karthik, Shreya Ghoshal",), "Album", 211420, "USUM71800001", True, ID_1
    )
    two = ServiceTrack("Two", ("The Weeknd", "Earth, Wind & Fire"), "Album", 211420, "", True, ID_2)
    assert likes == LikesFile("exportify", (LikedTrack(one, liked_at), LikedTrack(two, liked_at)))


@pytest.mark.parametrize(
    ("artists", "uris", "credit"),
    [
        ("Tyler, The Creator", 1, ("Tyler, The Creator",)),
        ("Kali Uchis, Tyler, The Creator", 2, ("Kali Uchis", "Tyler, The Creator")),
        ("Karthik, Chinmayee, Anirudh", 3, ("Karthik", "Chinmayee", "Anirudh")),
        ("Karthik,Chinmayee", 2, ("Karthik", "Chinmayee")),
        ("Karthik, Chinmayee, Anirudh", 2, ("Karthik, Chinmayee, Anirudh",)),
    ],
)
def test_exportify_artists_are_as_many_as_their_uris(
    tmp_path: Path, artists: str, uris: int, credit: tuple[str, ...]
) -> None:
    text = quote(OLD_NAMES) + quote(make_old_row("One", artists, uris))
    assert credits_of(read(tmp_path, text)) == [credit]


def test_exportify_with_track_id_and_tight_commas_is_read(tmp_path: Path) -> None:
    text = (
        "Track ID,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Popularity,"
        "Added By,Added At,Genres\n"
        f'{ID_1},"One","Album","Ye,Tyler, The Creator",2020,132666,68,,2022-08-05T17:34:48Z,""\n'
        f'{ID_2},"Two","Album","Black Country, New Road",2020,1000,1,,2022-08-05T17:34:47Z,""\n'
    )
    likes = read(tmp_path, text)
    assert likes.kind == "exportify"
    assert credits_of(likes) == [("Ye", "Tyler, The Creator"), ("Black Country, New Road",)]
    assert [item.track.service_id for item in likes.items if item.track] == [ID_1, ID_2]


def test_exportify_of_2015_is_read(tmp_path: Path) -> None:
    text = (
        "Spotify URI,Track Name,Artist Name,Album Name,Disc Number,Track Number,"
        "Track Duration (ms),Added By,Added At\n"
        f'"{URI_1}","One","A","Album","1","2","211420","me","2015-05-20T10:00:00Z"\n'
    )
    assert read(tmp_path, text) == LikesFile(
        "exportify",
        (
            LikedTrack(
                ServiceTrack("One", ("A",), "Album", 211420, service_id=ID_1),
                datetime(2015, 5, 20, 10, tzinfo=UTC),
            ),
        ),
    )


def test_exportify_with_renamed_headers_is_known_by_position(tmp_path: Path) -> None:
    header = "a,b,c,d,e,f,g,h,i,j,k,l,m"
    text = (
        f"{header}\n{URI_1},One,Album,A;B,2020-01-01,132666,68,true,,2025-08-05T17:34:48Z,,,0.5\n"
    )
    english = text.replace(header, NEW_HEADER)
    assert read(tmp_path, text) == read(tmp_path, english)
    assert credits_of(read(tmp_path, text)) == [("A", "B")]


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8-sig", ";"), ("utf-16", "\t"), ("utf-16-le", "\t"), ("cp1252", ";"), ("utf-8", ",")],
)
def test_exportify_saved_by_a_spreadsheet_is_read(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    names = "Track URI,Track Name,Album Name,Artist Name(s),Release Date,Duration (ms),Added At"
    rows = [
        names.split(","),
        [URI_1, "Café", "Album", '"Beyoncé;Tyler, The Creator"', "2/7/2021", "132666", "7/2/2021"],
        [URI_2, "Two", "Album", "B", "7/13/2021", "132666", "12/31/2021 14:05"],
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n,,,,,,\r\n"
    likes = read(tmp_path, text.replace("\r\n,,,,,,", "").encode(encoding))
    assert credits_of(likes) == [("Beyoncé", "Tyler, The Creator"), ("B",)]
    assert [item.liked_at for item in likes.items] == [
        datetime(2021, 7, 2, tzinfo=UTC),
        datetime(2021, 12, 31, 14, 5, tzinfo=UTC),
    ]


def test_exportify_row_of_a_local_file_is_unavailable(tmp_path: Path) -> None:
    local = "spotify:local:Me:Tapes:My+Song:200"
    text = f"{NEW_HEADER}\n{local},My Song,Tapes,Me,,200000,0,false,,2020-01-01T00:00:00Z,,,\n"
    assert read(tmp_path, text).items == (
        LikedTrack(None, datetime(2020, 1, 1, tzinfo=UTC), "local file", "Me - My Song"),
    )


def test_rows_that_name_no_track_keep_their_place(tmp_path: Path) -> None:
    good = f"{URI_1},One,Album,A,2020,200000,1,false,,2024-01-01T00:00:00Z,,,"
    rows = [
        good,
        f"{URI_2},,,,2020,0,0,false,,2024-01-01T00:00:00Z,,,",
        "",
        f"{URI_2},undefined,null,undefined,,0,0,,,2024-01-01T00:00:00Z,,,",
        f"{URI_2},Two,Album,A,2020",
        f"{URI_2},Two, or Three,Album,A,2020,200000,1,false,,2024-01-01T00:00:00Z,,,",
        f"{URI_3},Three,Album,,2020,200000,1,false,,2024-13-01T00:00:00Z,,,",
        f"{URI_3},Four,Album,A,2020,200000,1,false,,2024-02-30",
        good.removesuffix(",,") + ",rock",
    ]
    items = read(tmp_path, "\n".join([NEW_HEADER, *rows])).items
    assert [(item.unavailable, item.label) for item in items] == [
        ("", ""),
        ("row 3 has no title and no artist", URI_2),
        ("row 5 has no title and no artist", URI_2),
        ("row 6 has 5 instead of 13 cells", f"{URI_2}, Two, Album, A, 2020"),
        ("row 7 has 14 instead of 13 cells", items[4].label),
        ("row 8 has no artist", URI_3),
        ("row 9 has 10 instead of 13 cells", items[6].label),
        ("", ""),
    ]
    assert items[5].liked_at is None


# --- TuneMyMusic --------------------------------------------------------------------------------


def test_tunemymusic_counts_only_favourites(tmp_path: Path) -> None:
    text = (
        "Track name,Artist name,Album,Playlist name,Type,ISRC,Spotify - id\n"
        f'"One","Earth, Wind & Fire","X","Favorite Songs","Favorite","se-6sa-22-27610","{ID_1}"\n'
        f'"Two","B","X","My list","Playlist","USUM72409273","{ID_2}"\n'
        '"","","X","","Album","",""\n'
        f'"","","","Favorite Songs","Favorite","","{ID_3}"\n'
    )
    likes = read(tmp_path, text)
    assert likes.kind == "tunemymusic"
    assert likes.items == (
        LikedTrack(
            ServiceTrack("One", ("Earth, Wind & Fire",), "X", isrc="SE6SA2227610", service_id=ID_1)
        ),
        LikedTrack(None, None, "row 5 has no title and no artist", URI_3),
    )
    assert "rows of playlists, albums or artists left out: 2" in likes.note


def test_tunemymusic_ids_of_other_services_are_not_spotifys(tmp_path: Path) -> None:
    text = (
        "Track name,Artist name,Album,Playlist name,Type,ISRC,Deezer - id\n"
        '"Aria","Argy","Aria","Favorite Tracks","Favorite","2563894342","2563894342"\n'
        f'"Mama","Argy","Aria","Favorite Tracks","Favorite","USUM72409273","{ID_1}"\n'
    )
    assert [item.track for item in read(tmp_path, text).items] == [
        ServiceTrack("Aria", ("Argy",), "Aria"),
        ServiceTrack("Mama", ("Argy",), "Aria", isrc="USUM72409273"),
    ]


def test_tunemymusic_without_favourites_has_no_likes(tmp_path: Path) -> None:
    text = "Track name,Artist name,Album,Playlist name,Type,ISRC\nA,B,C,D,Playlist,\n"
    likes = read(tmp_path, text)
    assert likes.items == ()
    assert likes.note == "rows of playlists, albums or artists left out: 1"


# --- Saved tracks as JSON -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        [SAVED],
        {"items": [SAVED]},
        {"href": "https://api.spotify.com/v1/me/tracks", "total": 1, "items": [SAVED]},
        [{"items": [SAVED], "next": None}],
        [[SAVED]],
        SAVED,
        json.dumps(SAVED) + "\n\n" + json.dumps(SAVED),
        {"saved": [SAVED]},
    ],
)
def test_saved_tracks_are_read_in_every_wrapping(tmp_path: Path, content: object) -> None:
    likes = read(tmp_path, content)
    assert likes.kind == "saved tracks"
    assert set(likes.items) == {SAVED_LIKE}


def test_saved_tracks_of_several_pages_keep_their_order(tmp_path: Path) -> None:
    other = {"added_at": "2020-01-01T00:00:00Z", "track": None}
    likes = read(tmp_path, [{"items": [SAVED, other]}, {"items": []}, {"items": [SAVED]}])
    gone = LikedTrack(None, datetime(2020, 1, 1, tzinfo=UTC), "no longer on Spotify")
    assert likes.items == (SAVED_LIKE, gone, SAVED_LIKE)


def test_saved_tracks_without_names_are_unavailable_with_their_id(tmp_path: Path) -> None:
    likes = read(tmp_path, [{"added_at": "2022-11-19T10:36:51Z", "trackId": ID_1}])
    assert likes.items == (
        LikedTrack(
            None,
            datetime(2022, 11, 19, 10, 36, 51, tzinfo=UTC),
            "[0] has no title and no artist",
            URI_1,
        ),
    )


def test_saved_tracks_without_dates_are_read(tmp_path: Path) -> None:
    likes = read(tmp_path, {"tracks": [SAVED["track"]]})
    assert likes.items == (LikedTrack(SAVED_LIKE.track),)
    assert likes.note == "rows without a readable date of liking: 1"


def test_saved_tracks_missing_pages_are_noted(tmp_path: Path) -> None:
    likes = read(tmp_path, {"items": [SAVED], "total": 1234})
    assert likes.note == "the file holds 1 of 1,234 likes; its other pages are missing"


def test_saved_tracks_in_short_form_are_read(tmp_path: Path) -> None:
    rows = [
        {"name": "One", "artists": ["A", "B, C"], "album": "X", "url": f"https://x/{ID_1}"},
        {"name": "Two", "artists": "D", "isrc": "USUM71703861", "added_at": "2020-02-29"},
        {"date_added": "2020-02-29", "track": {"title": "Four", "artist": "E", "uri": URI_3}},
        {"name": 1999, "artists": [{"name": "Prince"}], "duration": "6:15", "spotify_id": ID_2},
    ]
    assert read(tmp_path, rows).items == (
        LikedTrack(ServiceTrack("One", ("A", "B, C"), "X")),
        LikedTrack(
            ServiceTrack("Two", ("D",), isrc="USUM71703861"), datetime(2020, 2, 29, tzinfo=UTC)
        ),
        LikedTrack(
            ServiceTrack("Four", ("E",), service_id=ID_3), datetime(2020, 2, 29, tzinfo=UTC)
        ),
        LikedTrack(ServiceTrack("1999", ("Prince",), "", 375000, service_id=ID_2)),
    )


def test_saved_track_that_was_swapped_keeps_the_id_that_was_saved(tmp_path: Path) -> None:
    swapped = {**SAVED, "track": {**SAVED["track"], "linked_from": {"id": ID_2}}}
    assert read(tmp_path, [swapped]).items[0].track.service_id == ID_2


def test_saved_rows_that_are_no_tracks_are_unavailable(tmp_path: Path) -> None:
    local = {"track": {"name": "S", "artists": [{"name": "A"}], "uri": "spotify:local:A::S:200"}}
    episode = {"track": {"name": "E", "artists": [], "uri": f"spotify:episode:{ID_1}"}}
    broken = {"track": {"name": ["?"], "artists": 7, "duration_ms": "x", "album": 3}}
    assert [
        (item.unavailable, item.label)
        for item in read(tmp_path, [local, episode, broken, None]).items
    ] == [
        ("local file", "A - S"),
        ("podcast episode", "E"),
        ("[2] has no title", "7"),
        ("no longer on Spotify", "[3]"),
    ]


def test_saved_text_that_no_database_can_hold_is_cleaned(tmp_path: Path) -> None:
    track = {**SAVED["track"], "name": "a\x00b\ud800\nc"}
    assert read(tmp_path, [{"track": track}]).items[0].track.title == "ab? c"


# --- Other CSV files ----------------------------------------------------------------------------


def test_other_csv_with_clear_columns_is_read(tmp_path: Path) -> None:
    text = (
        ",title,artist,album,release_date,duration,explicit,added_at,spotify_url\n"
        f"0,One,A,X,1963-01-01,2:26,False,2026-07-20,https://open.spotify.com/track/{ID_1}?si=1\n"
        f"1,Two,B,X,1963,1:02:03,True,,https://open.spotify.com/intl-de/track/{ID_2}\n"
    )
    assert read(tmp_path, text) == LikesFile(
        "csv",
        (
            LikedTrack(
                ServiceTrack("One", ("A",), "X", 146000, explicit=False, service_id=ID_1),
                datetime(2026, 7, 20, tzinfo=UTC),
            ),
            LikedTrack(ServiceTrack("Two", ("B",), "X", 3723000, explicit=True, service_id=ID_2)),
        ),
        "rows without a readable date of liking: 1",
    )


@pytest.mark.parametrize(
    "header",
    [
        "Song Name,Artist,Album",
        "Track Name,Artist Name(s),Album Name",
        "track_name;artist_name;album_name",
        "Título\tArtista\tÁlbum",
        "название|исполнитель|альбом",
        "sep=,\nTrack,Artists,Album",
        "\n\nTITLE,ARTIST,ALBUM,",
    ],
)
def test_other_csv_headers_are_recognised(tmp_path: Path, header: str) -> None:
    sign = next(sign for sign in ";\t|," if sign in header)
    likes = read(tmp_path, f"{header}\n" + sign.join(["One", "A", "X"]) + "\n")
    assert [item.track for item in likes.items] == [ServiceTrack("One", ("A",), "X")]


def test_other_csv_artists_stay_whole_where_unsure(tmp_path: Path) -> None:
    cells = ["Muse", "Tyler, The Creator", "Grover Washington, Jr.", "Xyz, Abc", "nothing,nowhere."]
    text = "Song Name,Artist\n" + "".join(f'S,"{cell}"\n' for cell in cells)
    assert credits_of(read(tmp_path, text)) == [(cell,) for cell in cells]


def test_other_csv_artists_are_split_where_the_column_is_a_list(tmp_path: Path) -> None:
    cells = {
        "Drake, Future": ("Drake", "Future"),
        "Kali Uchis, Tyler, The Creator": ("Kali Uchis", "Tyler, The Creator"),
        "Bill Withers, Grover Washington, Jr.": ("Bill Withers", "Grover Washington, Jr."),
        "Crosby, Stills & Nash": ("Crosby, Stills & Nash",),
        "Florence, The Machine": ("Florence, The Machine",),
        "Ann, Bob & Carol": ("Ann, Bob & Carol",),
        "The Weeknd": ("The Weeknd",),
        "Ariana Grande, The Weeknd": ("Ariana Grande", "The Weeknd"),
        "['A', 'B, C']": ("A", "B, C"),
    }
    text = "name,artists\n" + "".join(f'S,"{cell}"\n' for cell in cells)
    assert credits_of(read(tmp_path, text)) == list(cells.values())


def test_other_csv_of_flattened_json_is_read(tmp_path: Path) -> None:
    text = (
        "added_at,track.album.name,track.artists,track.external_ids.isrc,track.name,track.uri\n"
        "2020-02-29T00:00:00Z,X,\"[{'name': 'A', 'id': 1}, {'name': 'B, C'}]\","
        f"USUM71703861,S,{URI_1}\n"
    )
    track = ServiceTrack("S", ("A", "B, C"), "X", isrc="USUM71703861", service_id=ID_1)
    assert read(tmp_path, text).items == (LikedTrack(track, datetime(2020, 2, 29, tzinfo=UTC)),)


def test_other_csv_lengths_in_minutes_are_read(tmp_path: Path) -> None:
    text = "id,track_name,artist,duration_ms\n" + "".join(
        f"{ID_1},S,A,{minutes}\n" for minutes in ("5.152933333333333", "3.5", "x", "")
    )
    items = read(tmp_path, text).items
    assert [item.track.duration_ms for item in items if item.track] == [309176, 210000, None, None]


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (bytes(range(256)) * 4, "NUL byte"),
        (b"\x89PNG\r\n\x1a\n", "is a picture"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        ("Название,Артист\nПесня,Группа\n".encode("cp1251"), "save it again as CSV UTF-8"),
        (b"\xff\xfeT\x00r", "byte"),
        ("<!doctype html><title>x</title>", "web page"),
        ("hello", "names no column"),
        ("id,price\n1,2\n", "for the title and the artist: id, price"),
        ("Album,Artist\nX,Y\n", "names no column for the title: Album, Artist"),
        ('Track,Artist\n"A,B\n', "row 2"),
        ("Track,Artist\nonly one\nand one\n", "row 2 has 1 instead of 2 cells"),
        ("Name,Artist,URI\nX,Y,spotify:album:1\n", "no tracks"),
        ("endTime,artistName,trackName,msPlayed\n2023-01-02 06:15,A,B,1\n", "history of plays"),
        ('{"items": [', "line 1, column 12"),
        ('[{"track":\n 3;}]', "line 2, column 3"),
        ("[" * 100_000, "nested too deeply"),
        ("[" + "9" * 5_000 + "]", "no sound JSON"),
        ({"playlists": [{"name": "x", "items": []}]}, "in YourLibrary.json beside it"),
        ([{"endTime": "2023-01-02 06:15", "artistName": "A", "trackName": "B"}], "history"),
        (
            [{"ts": "2020-04-11T00:27:53Z", "master_metadata_track_name": "A", "ms_played": 1}],
            "history of plays",
        ),
        ({"items": [{"played_at": "2024-01-01T00:00:00Z", "track": {}}]}, "history of plays"),
        ({"items": [{"added_at": "2024-01-01T00:00:00Z", "album": {"name": "X"}}]}, "items[0]"),
        ({"albums": [{"artist": "A", "album": "B", "uri": "spotify:album:1"}]}, "albums[0]"),
        ({"tracks": 3, "albums": [], "shows": []}, "tracks: is not a list"),
        ({"a": 1}, "no list of items"),
        ([1, 2, 3], "[0] is no saved track"),
        ('{"a": 1}\n{"b": ', "line 2"),
        ("PK\x03\x04 but no zip", "damaged zip"),
    ],
)
def test_other_content_is_refused_in_one_line(
    tmp_path: Path, content: str | bytes | object, words: str
) -> None:
    assert words in refuse(tmp_path, content)


def test_history_zip_is_refused_with_the_export_to_ask_for(tmp_path: Path) -> None:
    name = "Spotify Extended Streaming History/Streaming_History_Audio_2019-2020_3.json"
    with pytest.raises(FileRejected, match='ask Spotify for "Account data"'):
        read_likes(make_zip(tmp_path, {name: "[]"}))


def refuse_zip(path: Path) -> str:
    with pytest.raises(FileRejected) as caught:
        read_likes(path)
    return str(caught.value)


def test_zip_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.files.containers.MAX_BYTES", 10_000)
    path = make_zip(tmp_path, {"YourLibrary.json": " " * 20_000})
    assert path.stat().st_size < 10_000
    assert "unpacks to more than" in refuse_zip(path)


def test_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.files.containers.MAX_BYTES", 10)
    assert "is larger than" in refuse(tmp_path, "Track,Artist\nA,B\n")


def test_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = make_zip(tmp_path, {"YourLibrary.json": "{}"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "YourLibrary.json: is encrypted" in refuse_zip(path)


@pytest.mark.parametrize("cut", [10, 60, -30])
def test_damaged_zip_is_refused(tmp_path: Path, cut: int) -> None:
    path = make_zip(tmp_path, {"YourLibrary.json": json.dumps(LIBRARY)})
    path.write_bytes(path.read_bytes()[:cut])
    assert "damaged zip" in refuse_zip(path)


def test_zip_names_the_place_inside(tmp_path: Path) -> None:
    path = make_zip(tmp_path, {"a/YourLibrary.json": '{"tracks": [}'})
    assert "a/YourLibrary.json: is no sound JSON: line 1, column 13" in refuse_zip(path)


@pytest.mark.parametrize("name", ["Favorites.csv", "liked_songs_backup.tsv", "Titres likés.json"])
def test_zip_of_several_lists_gives_the_one_that_is_called_the_likes(
    tmp_path: Path, name: str
) -> None:
    table, rows = "Track,Artist\nB,Y\n", json.dumps([{"title": "A", "artist": "X"}])
    others = {"party.csv": table, "StreamingHistory0.json": "[]"}
    likes = read_likes(make_zip(tmp_path, {name: rows, **others}))
    assert len(likes.items) == 1
    assert f"only {name} was read; 2 other files were not" in likes.note


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"user.json": "{}", "1.csv": "artist,track,utc_time\nX,A,1\n"}, "is a history of plays"),
        ({"Playlist1.json": "{}", "StreamingHistory0.json": "[]"}, "holds a history of plays"),
        ({}, "without YourLibrary.json"),
        ({"notes.txt": "x"}, "without YourLibrary.json"),
        ({"[Content_Types].xml": "", "xl/workbook.xml": ""}, "save it as CSV"),
        ({"a.csv": "Track,Artist\nA,B\n", "b.csv": "Track,Artist\nA,B\n"}, "holds 2 lists"),
        ({"Playlist1.json": '{"playlists": []}', "x.json": "{}"}, "holds no list of likes"),
        ({f"{n}/YourLibrary.json": '{"tracks": []}' for n in "ab"}, "more than one library"),
    ],
)
def test_zip_without_one_list_of_likes_is_refused(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    assert words in refuse_zip(make_zip(tmp_path, files))


def test_paths_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "Playlist1.json").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    for path, words in [
        (tmp_path / "missing.csv", "no such file"),
        (tmp_path / "folder", "folder without YourLibrary.json"),
        (tmp_path / "pipe", "neither a file nor a folder"),
        (Path("a\0b"), "no path"),
    ]:
        assert words in refuse_zip(path)


def test_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(self: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.csv").write_text("Track,Artist\nA,B\n")
    # The tests may run as root, who may read everything.
    monkeypatch.setattr(Path, "open", deny)
    assert "may not be read" in refuse_zip(tmp_path / "x.csv")


# --- Whatever it is, it is likes or one line ----------------------------------------------------

VALUES = st.sampled_from(
    [
        *(URI_1, ID_2, "Track URI", "Track Name", "Artist Name(s)", "track", "artist", "items"),
        *("title", "tracks", "added_at", "uri", "Added At", "2020-02-30", "3:29", "1e400"),
        *("ISRC", "Favorite", "Type", "Playlist name", "Duration (ms)", "A, B", "a;b", "\\,"),
        *("['a'", "[1]", "\ud800"),
    ]
)
TEXTS = VALUES | st.text(max_size=8)
JSONS = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)
TABLES = st.lists(st.lists(TEXTS, max_size=6), max_size=6).map(
    lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace")
)


def read_or_refuse(path: Path, content: bytes) -> None:
    file = path / "x"
    file.write_bytes(content)
    try:
        likes = read_likes(file)
    except FileRejected as error:
        assert str(error).isprintable()  # noqa: PT017, either outcome is right
        return
    for item in likes.items:
        assert bool(item.track) != bool(item.unavailable)
        assert not item.track or (item.track.title and all(item.track.artists))


@given(st.binary(max_size=300))
@example(b"PK\x03\x04")
def test_any_bytes_give_likes_or_a_refusal(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path, content)


@given(TABLES)
@example(b"track,artist\n" + b"'" * 10)
def test_any_table_gives_likes_or_a_refusal(tmp_path: Path, content: bytes) -> None:
    read_or_refuse(tmp_path, content)
    read_or_refuse(tmp_path, b"Track URI,Track Name,Artist Name(s),Added At\n" + content)


@given(JSONS)
def test_any_json_gives_likes_or_a_refusal(tmp_path: Path, value: object) -> None:
    read_or_refuse(tmp_path, json.dumps(value).encode())
    read_or_refuse(tmp_path, json.dumps({"items": [value, SAVED]}).encode())


@given(st.data())
def test_any_damage_to_a_zip_gives_likes_or_a_refusal(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(make_zip(tmp_path, {"YourLibrary.json": json.dumps(LIBRARY)}).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(tmp_path, bytes(whole))
