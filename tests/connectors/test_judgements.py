"""Rows of a file that say of themselves whether they are likes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reading_files import read, titles


@pytest.mark.parametrize(
    ("column", "rows", "likes", "said"),
    [
        ("Loved", "A:1 B:0", "A", "1 with Loved “0”"),
        ("Loved", "A:Yes B:", "A", "1 with nothing in Loved"),
        ("isLikedByUser", "A:true B:false C:False", "A", "1 with isLikedByUser “false”"),
        ("Disliked", "A: B:true C:false", "AC", "1 with Disliked “true”"),
        ("rating_interpretation", "A:thumbs-up B:thumbs-down", "A", "“thumbs-down”"),
        ("rating_interpretation", "A:thumbs-up B:not-rated", "A", "“not-rated”"),
        ("likeStatus", "A:LIKE B:DISLIKE C:INDIFFERENT", "A", "“DISLIKE”"),
        ("Feedback", "A:👍 B:👎", "A", "“👎”"),
        ("score", "A:1 B:-1 C:0", "A", "1 with score “-1”"),
        ("score", "A:1.0 B:-1.0", "A", "“-1.0”"),
        ("score", "A:0.93 B:1.0", "AB", ""),
        ("Rating", "A:5 B:1 C:0", "A", "1 with Rating “1”"),
        ("Rating", "A:5 B:3 C:2 D:1 E:0 F:", "ABEF", "2 (1 with Rating “2”"),
        ("My Rating", "A:100 B:20 C:60", "AC", "1 with My Rating “20”"),
        ("Removed", "A: B:Yes", "A", "1 with Removed “Yes”"),
        ("Status", "A:active B:removed", "A", "1 with Status “removed”"),
        ("Status", "A:active B:single", "AB", ""),
        ("Narada", "A:present B:removed C:unavailable", "AC", "1 with Narada “removed”"),
        ("Gefällt mir", "A:ja B:nein", "A", "“nein”"),
        ("Starred", "A:2024-01-01T10:00:00Z B:", "A", "1 with nothing in Starred"),
        ("Type", "A:like B:dislike", "A", "1 with Type “dislike”"),
        ("Type", "A:single B:album", "AB", ""),
        ("Liked", "A:2024-01-01T10:00:00Z B:", "AB", ""),
        ("Loved", "A:qwe B:zxc", "AB", "the column Loved has values that Narada does not know"),
        ("Rating", "A:1 B:0", "AB", "the column Rating has values that Narada does not know"),
        ("Loved", "A: B:", "AB", "the column Loved is empty; its rows were read as likes"),
        ("Loved", "A:qwe B:no", "A", "Narada does not know, such as “qwe”"),
        ("Hated", "A:qwe B:yes", "A", "Narada does not know, such as “qwe”"),
        ("likeStatus", "A:INDIFFERENT B:INDIFFERENT", "", "2 with likeStatus “INDIFFERENT”"),
        ("isPositive", "A:true B:false", "A", "“false”"),
        ("Still_Liked", "A:true B:false", "A", "“false”"),
        ("Do_you_like_it?", "A:oui B:non", "A", "“non”"),
        ("Love/Hate", "A:love B:hate", "A", "“hate”"),
        ("Favorite_Status_-_Track", "A:true B:", "A", "nothing in Favorite_Status_-_Track"),
        ("Album_Loved", "A:true B:false", "AB", ""),
        ("Favorito", "A:sí B:no", "A", "“no”"),
        ("Избранное", "A:да B:нет", "A", "“нет”"),
        ("いいね", "A:はい B:いいえ", "A", "“いいえ”"),
        ("removed_at", "A: B:2024-01-01T10:00:00Z", "A", "“2024-01-01T10:00:00Z”"),
        ("Removed_By", "A:ada B:bo", "AB", ""),
        ("Blacklisted", "A:no B:yes", "A", "“yes”"),
        ("Preference", "A:LIKE B:SUGGEST_LESS", "A", "“SUGGEST_LESS”"),
        ("rating", "A:RATING_LIKE B:RATING_DISLIKE", "A", "“RATING_DISLIKE”"),
        ("Vote", "A:upvote B:downvote", "A", "“downvote”"),
        ("Thumb", "A:👍🏽 B:👎🏽", "A", "“👎🏽”"),
        ("Rating", "A:★★★★★ B:★☆☆☆☆", "A", "“★☆☆☆☆”"),
        ("Rating", "A:5/5 B:1/5", "A", "“1/5”"),
        ("Rating", "A:4/10 B:9/10", "B", "“4/10”"),
        ("Stars", "A:255 B:51", "A", "“51”"),
        ("Your_Rating", "A:5 B:1", "A", "1 with Your_Rating “1”"),
        ("Content_Rating", "A:5 B:1", "AB", ""),
        ("Score", "A:5 B:-5", "A", "“-5”"),
        ("Action", "A:add B:remove", "A", "“remove”"),
        ("Likes", "A:1 B:0", "AB", ""),
        ("Like_Count", "A:1 B:0", "AB", ""),
        ("Popularity", "A:1 B:0", "AB", ""),
        ("Explicit", "A:true B:false", "AB", ""),
    ],
)
def test_a_row_that_says_no_is_left_out_and_counted(
    column: str, rows: str, likes: str, said: str, tmp_path: Path
) -> None:
    pairs = [row.split(":", 1) for row in rows.split(" ")]
    table = [f"Title,Artist,{column}", *(f"{title},X,{cell}" for title, cell in pairs)]
    found = read(tmp_path, "\n".join(table))
    assert titles(found) == likes
    assert said in found.note
    assert said or "no likes" not in found.note
    objects = [{"title": title, "artist": "X", column: cell} for title, cell in pairs]
    assert titles(read(tmp_path, objects)) == likes
    nested = [
        {"track": {"name": title, "artists": [{"name": "X"}]}, column: cell}
        for title, cell in pairs
    ]
    assert titles(read(tmp_path, nested)) == likes


def test_the_clearest_word_of_a_row_counts(tmp_path: Path) -> None:
    table = (
        "title,artist,rating,rating_interpretation,Loved\n"
        "A,X,5,thumbs-up,1\nB,X,1,thumbs-down,1\nC,X,0,not-rated,1\nD,X,0,not-rated,\n"
    )
    found = read(tmp_path, table)
    assert titles(found) == "AC"
    assert "not likes: 2 (1 with rating_interpretation “thumbs-down”, 1 with" in found.note


def test_loves_and_hates_of_listenbrainz_are_told_apart(tmp_path: Path) -> None:
    rows = [
        {"score": score, "created": 1600000000 + score, "recording_mbid": "x",
         "track_metadata": {"artist_name": "X", "track_name": title}}
        for title, score in (("A", 1), ("B", -1))
    ]  # fmt: skip
    found = read(tmp_path, "\n".join(map(json.dumps, rows)))
    assert titles(found) == "A"
    assert found.items[0].liked_at is not None
