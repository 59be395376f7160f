"""The users, what they like, and the catalogue behind it."""

from __future__ import annotations

import re
from typing import Any
from urllib.error import HTTPError

import pytest
from sandbox_clients import LastfmClient, SpotifyClient

from narada_sandbox.server import Sandbox
from narada_sandbox.world.catalogue import Catalogue, make_id, make_isrc, name_key
from narada_sandbox.world.invention import invent_artist, invent_title


def list_likes(box: Sandbox, user: str = "alice") -> list[dict[str, Any]]:
    likes: list[dict[str, Any]] = box.order(f"likes/{user}", http="GET")["likes"]
    return likes


def test_usual_people_are_there(box: Sandbox) -> None:
    users = {user["name"]: user for user in box.order("state", http="GET")["users"]}
    assert {name: user["likes"] for name, user in users.items()} == {
        "alice": 60,
        "bob": 60,
        "carol": 50,
        "mallory": 50,
    }
    assert [name for name, user in users.items() if not user["allowlisted"]] == ["mallory"]
    assert 0 < users["alice"]["loves"] < 30
    assert list_likes(box) != list_likes(box, "bob")


def test_same_seed_makes_the_same_people() -> None:
    def songs(seed: int) -> list[Any]:
        with Sandbox(likes=300, seed=seed) as box:
            loves = [
                (x["artist"], x["title"]) for x in box.order("loves/alice", http="GET")["loves"]
            ]
            return [[like["service_id"] for like in list_likes(box)], loves]

    assert songs(5) == songs(5)
    assert songs(5) != songs(6)


def test_plain_people_have_no_oddities() -> None:
    with Sandbox(likes=700, seed=2, awkward=False, loved_share=0, scrobble_share=1) as box:
        likes = list_likes(box)
        scrobbles = box.order("scrobbles/alice", http="GET")["scrobbles"]
        loves = box.order("loves/alice", http="GET")["loves"]
    assert len(likes) == 700
    assert {like["relation"] for like in likes} == {"same"}
    assert len({like["isrc"] for like in likes}) == 700
    assert len({name_key(like["artists"][0], like["title"]) for like in likes}) == 700
    heard = {name_key(row["artist"], row["title"]) for row in scrobbles}
    assert {name_key(like["artists"][0], like["title"]) for like in likes} <= heard
    assert loves == []


def test_scrobbles_cover_most_likes_under_lastfm_names() -> None:
    with Sandbox(likes=1000, seed=1) as box:
        likes = [like for like in list_likes(box) if like["kind"] == "track"]
        rows = box.order("scrobbles/alice", http="GET")["scrobbles"]
        heard = {name_key(row["artist"], row["title"]) for row in rows}
        names = [name_key(like["lastfm"]["artist"], like["lastfm"]["title"]) for like in likes]
        share = sum(name in heard for name in names) / len(names)
        dates = [like["added_at"] for like in list_likes(box)]
    assert 0.9 < share < 0.97
    assert len(rows) > len(likes)
    assert max(dates.count(date) for date in set(dates)) >= 5
    other = [like for like in likes if like["lastfm"]["title"] != like["title"]]
    assert len(other) > 50


def test_like_and_unlike_by_order(box: Sandbox) -> None:
    new = box.order("like", {"user": "alice", "n": 3})
    assert (len(new["liked"]), new["total"]) == (3, 63)
    assert {like["service_id"] for like in list_likes(box)[:3]} == set(new["liked"])
    gone = box.order("unlike", {"user": "alice", "service_ids": new["liked"][:2]})
    assert gone == {"unliked": new["liked"][:2], "total": 61}
    assert box.order("unlike", {"user": "alice", "n": 5})["total"] == 56
    assert box.order("unlike", {"user": "alice", "all": True})["total"] == 0
    own = {"user": "alice", "title": "Mine", "artists": ["Me", "You"], "isrc": "", "album": ""}
    box.order("like", {**own, "added_at": 1_600_000_000})
    box.order("like", {"user": "alice", "kind": "null", "added_at": 1_500_000_000})
    box.order("like", {"user": "alice", "kind": "local", "added_at": 1_400_000_000})
    mine, lost, local = SpotifyClient(box).api("/me/tracks").json()["items"]
    assert mine["added_at"] == "2020-09-13T12:26:40Z"
    assert [artist["name"] for artist in mine["track"]["artists"]] == ["Me", "You"]
    assert (mine["track"]["external_ids"], mine["track"]["album"]["name"]) == ({}, "")
    assert lost["track"] is None
    assert (local["track"]["id"], local["track"]["name"]) == (None, "Untitled Jam / Take 3")


def test_pages_and_corrections_by_order(box: Sandbox, lastfm: LastfmClient) -> None:
    box.order("page", {"artist": "Right", "title": "Name", "listeners": 77})
    box.order("correction", {"from": ["Wrong", "Nmae"], "to": ["Right", "Name"]})
    wrong = {"artist": "wrong", "track": "nmae"}
    track = lastfm.read("track.getInfo", autocorrect=1, **wrong).json()["track"]
    assert (track["artist"]["name"], track["name"], track["listeners"]) == ("Right", "Name", "77")


def test_allow_list_has_five_places(box: Sandbox) -> None:
    for name in ("dora", "egon"):
        box.order("users", {"name": name, "likes": 3})
    with pytest.raises(HTTPError) as caught:
        box.order("users", {"name": "sixth"})
    assert caught.value.code == 409
    box.order("users", {"name": "sixth", "allowlisted": False, "likes": 4})
    assert SpotifyClient(box, "sixth").api("/me").status_code == 403
    box.order("users", {"name": "carol", "allowlisted": False})
    box.order("users", {"name": "sixth", "allowlisted": True})
    assert SpotifyClient(box, "sixth").api("/me/tracks").json()["total"] == 4


def test_reset_starts_anew(box: Sandbox) -> None:
    old = SpotifyClient(box)
    box.add_faults({"kind": "status"})
    box.order("limits", {"lastfm_per_second": 1})
    state = box.order("reset", {"likes": 8, "seed": 9})
    assert {user["name"]: user["likes"] for user in state["users"]}["alice"] == 8
    assert (box.calls(), state["faults"]) == ([], 0)
    assert old.api("/me").status_code == 401
    assert SpotifyClient(box).api("/me/tracks").json()["total"] == 8


def test_catalogue_has_the_awkward_cases() -> None:
    songs = list(Catalogue().songs.values())
    titles = " | ".join(song.title for song in songs)
    for part in (
        "- 2011 Remaster",
        "- Live",
        "feat.",
        "- Radio Edit",
        "Pts. 1-5",
        "Remix",
        "Pt. 2",
    ):
        assert part in titles
    for script in (
        "[぀-ヿ]",
        "[가-힣]",
        "[а-я]",
        "[α-ω]",
        "[؀-ۿ]",
        "[א-ת]",
        "[🌀-🫿]",
        r"\+",
        "%",
        '"',
    ):
        assert re.search(script, titles), script
    assert max(len(song.title) for song in songs) > 250
    assert {"Earth, Wind & Fire", "Simon & Garfunkel", "Tyler, The Creator"} <= {
        song.artists[0] for song in songs
    }
    assert any(song.album == "" for song in songs)
    assert any(song.isrc == "" for song in songs)
    isrcs: dict[str, set[str]] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for song in songs:
        isrcs.setdefault(song.isrc, set()).add(song.title)
        names.setdefault(song.spotify_name, set()).add(song.isrc)
    assert any(len(shared) > 1 for isrc, shared in isrcs.items() if isrc)
    assert any(len(several) > 1 for several in names.values())
    ids = [song.track_id for song in songs]
    assert 150 <= len(ids) == len(set(ids)) <= 250
    assert {song.relation for song in songs} == {
        *("same", "ghost", "both", "corrects", "absent", "nowhere")
    }


def test_curated_songs_are_where_their_relation_says() -> None:
    catalogue = Catalogue()
    for song in (catalogue.songs[item] for item in catalogue.curated):
        real = catalogue.pages.get(name_key(*song.lastfm_name))
        if song.relation == "nowhere":
            assert real is None, song
            continue
        assert real is not None
        assert real.listeners > 2, song
        assert song.relation == "same" or song.spotify_name != song.lastfm_name, song
        if song.relation == "corrects":
            assert catalogue.correct(*song.spotify_name) == song.lastfm_name, song


def test_inventions_are_distinct_and_stable() -> None:
    count = 20_000
    titles = {invent_title(number) for number in range(count)}
    artists = {invent_artist(number) for number in range(count // 6 + 2001)}
    assert len(titles) == count
    assert len(artists) == count // 6 + 2001
    assert invent_title(4711) == invent_title(4711)


def test_ids_look_like_spotifys() -> None:
    assert re.fullmatch(r"[0-9A-Za-z]{22}", make_id("a", "b"))
    assert make_id("a", "b") != make_id("ab")
    isrcs = {make_isrc("song", str(number)) for number in range(500)}
    assert all(re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}\d{7}", isrc) for isrc in isrcs)
    assert len(isrcs) == 500
