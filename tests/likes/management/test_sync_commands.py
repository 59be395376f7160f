"""The commands that sync: options, what they print, and their JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import execute_from_command_line
from world import World

from likes.models import Like, ServiceMapping, SyncSettings

Result = tuple[int, str, str]
Run = Callable[..., Result]

IMPORT_KEYS = [
    "seen", "imported", "already_known", "unavailable", "merged", "removed_on_spotify",
    "total_on_spotify", "complete", "api_calls", "seconds",
]  # fmt: skip
EXPORT_KEYS = [
    "candidates", "loved", "already_loved", "needs_review", "not_found", "failed", "remaining",
    "confirmed", "api_calls", "seconds",
]  # fmt: skip


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command line here and returns its code, output and errors."""

    def call(*words: str) -> Result:
        capsys.readouterr()
        code = 0
        try:
            execute_from_command_line(["manage.py", *words])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.mark.parametrize(
    "words",
    [
        ["import_spotify_likes", "-l", "0"],
        ["import_spotify_likes", "-l", "-3"],
        ["import_spotify_likes", "-l", "many"],
        ["import_spotify_likes", "-l", ""],
        ["import_spotify_likes", "-l", "1.5"],
        ["import_spotify_likes", "-b", "0"],
        ["import_spotify_likes", "-b", "51"],
        ["import_spotify_likes", "--colour"],
        ["import_spotify_likes", "extra"],
        ["import_spotify_likes", "--full", "--from-file", "likes.csv", "-u", "alice"],
        ["import_spotify_likes", "-u", ""],
        ["export_likes_to_lastfm", "-l", "0"],
        ["export_likes_to_lastfm", "-b", "0"],
        ["export_likes_to_lastfm", "-b", "x"],
        ["export_likes_to_lastfm", "-u", " "],
        ["sync_likes", "--all", "-u", "alice"],
        ["sync_likes", "--limit", "3"],
        ["verify_likes", "--limit", "3"],
    ],
    ids=" ".join,
)
def test_a_bad_option_gets_one_line_and_code_two(world: World, run: Run, words: list[str]) -> None:
    world.join()
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert world.count() == 0


@pytest.mark.parametrize(
    "command", ["import_spotify_likes", "export_likes_to_lastfm", "sync_likes", "verify_likes"]
)
def test_an_unknown_user_is_refused_and_told_how(world: World, run: Run, command: str) -> None:
    code, out, err = run(command, "-u", "nobody")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert "narada init-db -u nobody" in err


@pytest.mark.parametrize(
    ("command", "service"),
    [
        ("import_spotify_likes", "spotify"),
        ("export_likes_to_lastfm", "lastfm"),
        ("verify_likes", "lastfm"),
    ],
)
def test_without_a_connection_one_line_says_how_to_connect(
    world: World, run: Run, command: str, service: str
) -> None:
    world.join(spotify=False, lastfm=False)
    code, out, err = run(command, "-u", "alice")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert f"narada connect-{service}" in err


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("import_spotify_likes", "SPOTIFY_CLIENT_ID"),
        ("export_likes_to_lastfm", "LASTFM_API_KEY"),
        ("verify_likes", "LASTFM_API_KEY"),
    ],
)
def test_without_credentials_one_line_says_where_to_get_them(
    world: World, run: Run, settings: object, command: str, name: str
) -> None:
    world.join()
    setattr(settings, name, "")
    code, out, err = run(command, "-u", "alice")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert name in err
    assert "https://" in err


def test_json_is_one_object_with_the_keys_as_documented(world: World, run: Run) -> None:
    world.join()
    world.like("Song")
    code, out, err = run("import_spotify_likes", "-u", "alice", "--json")
    assert (code, err) == (0, "")
    assert list(json.loads(out)) == IMPORT_KEYS
    code, out, err = run("export_likes_to_lastfm", "-u", "alice", "--json")
    assert (code, err) == (0, "")
    assert list(json.loads(out)) == EXPORT_KEYS
    code, out, err = run("verify_likes", "-u", "alice", "--json")
    assert code == 0
    assert (json.loads(out)["loved"], json.loads(out)["likes"]) == (1, 1)
    assert "1 of 1 like is loved" in err
    code, out, _ = run("sync_likes", "-u", "alice", "--json")
    both = json.loads(out)
    assert (list(both["import"]), list(both["export"])) == (IMPORT_KEYS, EXPORT_KEYS)


@pytest.mark.parametrize(
    "words",
    [
        ["import_spotify_likes", "--dry-run"],
        ["export_likes_to_lastfm", "--dry-run"],
        ["import_spotify_likes", "-l", "1"],
    ],
    ids=" ".join,
)
def test_json_of_every_kind_of_run_has_the_same_keys(
    world: World, run: Run, words: list[str]
) -> None:
    world.join()
    world.like("Song")
    code, out, _ = run(*words, "-u", "alice", "--json")
    assert code == 0
    assert list(json.loads(out)) in (IMPORT_KEYS, EXPORT_KEYS)


def test_json_of_a_run_that_stops_is_one_object_still(world: World, run: Run) -> None:
    world.join()
    world.like("Song")
    world.box.add_faults({"kind": "html_502"})
    for command, keys in (
        ("import_spotify_likes", IMPORT_KEYS),
        ("export_likes_to_lastfm", EXPORT_KEYS),
    ):
        code, out, err = run(command, "-u", "alice", "--json")
        assert code == 75
        assert list(json.loads(out)) == keys
        assert len(err.strip().splitlines()) == 1
    code, out, _ = run("import_spotify_likes", "-u", "nobody", "--json")
    assert (code, list(json.loads(out))) == (1, ["error"])


def test_words_add_up_and_say_what_happened(world: World, run: Run) -> None:
    world.join()
    for title in ("One", "Two", "Three"):
        world.like(title)
    world.order("like", user="alice", kind="null")
    world.order("love", user="alice", artist="Ada", title="One")
    code, out, err = run("sync_likes", "-u", "alice")
    assert (code, err) == (0, "")
    assert "4 rows seen: 3 imported, 0 already known, 1 unavailable, 0 merged" in out
    assert "Spotify has 4 liked songs: all known." in out
    assert "3 likes to send: 2 loved, 1 was loved already" in out
    assert "Last.fm shows 3 of them" in out
    code, out, _ = run("export_likes_to_lastfm", "-u", "alice")
    assert (code, "Nothing to do" in out) == (0, True)
    code, out, _ = run("verify_likes", "-u", "alice")
    assert (code, "3 of 3 likes are loved." in out) == (0, True)


def test_limit_and_batch_size_reach_the_services(world: World, run: Run) -> None:
    world.join()
    for number in range(7):
        world.like(f"Song {number}")
    code, out, _ = run("import_spotify_likes", "-u", "alice", "-l", "5", "-b", "2")
    assert (code, "5 imported" in out, "not all read yet" in out) == (0, True, True)
    assert [call["params"]["limit"] for call in world.box.calls(kind="/me/tracks")] == ["2"] * 3
    code, out, _ = run("export_likes_to_lastfm", "-u", "alice", "-l", "3")
    assert (code, "3 loved" in out, "2 remaining" in out) == (0, True, True)
    assert len(world.loves()) == 3


def test_a_dry_run_says_would_and_changes_nothing(world: World, run: Run) -> None:
    world.join()
    world.like("Song")
    code, out, _ = run("import_spotify_likes", "-u", "alice", "--dry-run")
    assert (code, out.startswith("Would read 1 of 1")) == (0, True)
    assert not Like.objects.exists()
    run("import_spotify_likes", "-u", "alice")
    code, out, _ = run("export_likes_to_lastfm", "-u", "alice", "--dry-run")
    assert (code, out.startswith("Would love 1 track ")) == (0, True)
    assert world.loves() == []
    assert not ServiceMapping.objects.on("lastfm").exists()


def test_sync_all_goes_on_past_one_users_trouble(world: World, run: Run) -> None:
    for name in ("alice", "bob"):
        world.join(name)
        world.like(f"Of {name}", user=name)
    world.join("carol", lastfm=False)
    world.order("users", name="dora")
    User.objects.filter(pk=world.join("dora").pk).update(is_active=False)
    world.order("revoke", user="alice", service="lastfm")
    code, out, _ = run("sync_likes", "--all", "--json")
    results = json.loads(out)
    assert (code, sorted(results)) == (1, ["alice", "bob"])
    assert world.loves("bob") == [("Ada", "Of bob")]
    assert results["alice"]["import"]["imported"] == 1
    assert results["alice"]["export"]["remaining"] == 1


@pytest.mark.parametrize("whom", [["-u", "alice"], ["--all"]])
def test_sync_asks_for_a_person_before_it_asks_for_patience(
    world: World, run: Run, whom: list[str]
) -> None:
    world.join()
    world.like("One")
    run("import_spotify_likes", "-u", "alice")
    world.order("revoke", user="alice", service="spotify")
    world.box.add_faults({"kind": "html_502", "service": "lastfm"})
    assert run("sync_likes", *whom)[0] == 1
    assert run("export_likes_to_lastfm", "-u", "alice")[0] == 75


def test_sync_all_of_nobody_says_so(world: World, run: Run) -> None:
    code, out, _ = run("sync_likes", "--all")
    assert (code, out) == (0, "Nobody has connected both services yet.\n")


def test_verify_names_each_exception_with_its_reason(world: World, run: Run) -> None:
    world.join()
    world.like("Loved")
    world.like("Nobody Knows", relation="nowhere")
    world.like("Taken Back")
    run("sync_likes", "-u", "alice")
    world.like("Not Imported")
    world.order("unlove", user="alice", artist="Ada", title="Taken Back")
    code, out, _ = run("verify_likes", "-u", "alice")
    assert "1 of 3 likes are loved." in out
    assert "Nobody Knows: Last.fm" in out
    assert "Taken Back: Last.fm showed it before and no longer does" in out
    assert "1 liked song of Spotify is not in Narada yet." in out
    assert code == 1


def test_many_removals_are_asked_about_in_the_command(world: World, run: Run) -> None:
    user = world.join()
    SyncSettings.objects.create(user=user, on_unlike="follow")
    for number in range(22):
        world.like(f"Song {number}")
    run("import_spotify_likes", "-u", "alice")
    world.order("unlike", user="alice", all=True)
    code, out, err = run("import_spotify_likes", "-u", "alice")
    assert (code, "--accept-removals" in err, out.count("no longer")) == (1, True, 0)
    code, out, _ = run("import_spotify_likes", "-u", "alice", "--accept-removals")
    assert (code, "22 are no longer on Spotify." in out) == (0, True)
    assert not Like.objects.filter(state="present").exists()


def test_without_a_terminal_a_line_comes_now_and_then(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likes.management.progress.SECONDS_BETWEEN_LINES", 0.0)
    world.join()
    for number in range(4):
        world.like(f"Song {number}")
    code, out, err = run("import_spotify_likes", "-u", "alice", "-b", "2", "--json")
    assert (code, json.loads(out)["imported"]) == (0, 4)
    lines = err.splitlines()
    assert [line.split(",")[0] for line in lines] == ["2 of 4 likes read", "4 of 4 likes read"]
    assert "/s" in lines[0]
    assert "s left" in lines[0]


def test_a_plan_for_a_file_says_which_rows_are_left_out(db: None, run: Run, tmp_path: Path) -> None:
    User.objects.create_user("ada")
    path = tmp_path / "likes.csv"
    path.write_text("Title,Artist,Loved\nA,X,1\nB,Y,0\n")
    code, out, _ = run("import_spotify_likes", "--from-file", str(path), "--dry-run", "-u", "ada")
    assert code == 0
    assert "Would import: 1 new of 1 row;" in out
    assert "not likes: 1 (1 with Loved “0”)" in out
