"""No text of a service or a file acts on the terminal that it is shown on."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management import execute_from_command_line
from rich.console import Console
from world import World

from connectors.text import keep_showable
from likes.management.base import NaradaCommand
from likes.status import text as status_text

#: Clears the screen, sets the title of the window, rings, turns the line around, in 7 and 8 bits.
EVIL = "a\x1b[2J\x1b]0;owned\x07\x9b31m\u202etxt.exe\u2066\x00\x08\r\x7f\u2028b"
ACTS = set(EVIL) - set("a[2J]0;owned31mtxt.exeb")
SHOWN = keep_showable(EVIL)


def acts(text: str) -> set[str]:
    return set(text) & ACTS


def test_keep_showable_writes_out_what_a_terminal_acts_on() -> None:
    assert keep_showable("\x1b[31m\u202e\x9b\ud800") == "\\x1b[31m\\u202e\\x9b\\ud800"
    assert not acts(SHOWN)


@pytest.mark.parametrize(
    "text",
    [
        "Björk – Jóga",
        "two\nlines\tand a tab",
        "宇多田ヒカル 🎵",
        "👩\u200d🎤",
        "می\u200cخواهم",
        "שלום",
    ],
)
def test_keep_showable_keeps_what_is_text(text: str) -> None:
    assert keep_showable(text) == text


class Say(NaradaCommand):
    def handle(self, **options: Any) -> None:
        self.stdout.write(EVIL)
        self.stderr.write(EVIL)


@pytest.mark.parametrize("given", [True, False])
def test_a_command_writes_nothing_that_acts(
    given: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = io.StringIO(), io.StringIO()
    Say(**({"stdout": out, "stderr": err} if given else {})).execute(
        stdout=out if given else None,
        stderr=err if given else None,
        no_color=False,
        force_color=False,
        skip_checks=True,
    )
    captured = capsys.readouterr()
    said = [out.getvalue(), err.getvalue()] if given else [captured.out, captured.err]
    assert said == [SHOWN + "\n", SHOWN + "\n"]


def test_a_log_message_holds_nothing_that_acts(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("likes").error("Spotify said %s", EVIL)
    assert caplog.messages == [f"Spotify said {SHOWN}"]


@pytest.mark.parametrize("width", [200, None])
def test_the_status_shows_nothing_that_acts(
    monkeypatch: pytest.MonkeyPatch, width: int | None
) -> None:
    """On a terminal it is a table, whose own sequences are none of the text's."""
    monkeypatch.setattr(
        status_text, "tell_sections", lambda status: [("Readings", [("Last.fm", EVIL)])]
    )
    stream = io.StringIO()
    if width:
        monkeypatch.setattr(stream, "isatty", lambda: True)
        monkeypatch.setattr(
            status_text, "Console", lambda **k: Console(**k, width=width, no_color=True)
        )
    status_text.show_status({}, stream)
    assert SHOWN in stream.getvalue()
    assert not acts(stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", ""))


def test_names_of_both_services_and_files_are_shown_as_text(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command that shows names: the proof, the undo, a file that is refused."""
    user = world.join()
    world.like(f"Song {EVIL}", f"Ada {EVIL}", listeners=0)
    broken = tmp_path / "likes.json"
    broken.write_text(f'{{"tracks": "{EVIL.replace(chr(0), "")}"', encoding="utf-8")
    for command in (
        ["import_spotify_likes"],
        ["export_likes_to_lastfm"],
        ["verify_likes"],
        ["status"],
        ["import_spotify_likes", "--from-file", str(broken)],
        ["undo", "1", "--dry-run"],
    ):
        with suppress(SystemExit):
            execute_from_command_line(["manage.py", *command, "-u", user.username])
        said = capsys.readouterr()
        assert not acts(said.out + said.err), command
