"""Every example of the README runs: its commands in their order, against the sandbox."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import PATIENCE

from narada_sandbox.server import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
EXAMPLES = re.findall(r"^\$ (.+?)(?:\s+#.*)?$", README, re.MULTILINE)
TARGETS = re.findall(r"^ {4}make ([a-z-]+)", README, re.MULTILINE)

#: A browser in which alice agrees to whatever page is opened.
BROWSER = """
import sys, urllib.parse, urllib.request
answer = urllib.parse.urlencode({"user": "alice", "answer": "allow"}).encode()
urllib.request.urlopen(sys.argv[1], answer, timeout=20).read()
"""
LIKES = "Track URI,Track Name,Artist Name(s),Added At\n,Windowlicker,Aphex Twin,2020-01-02\n"
PAIR = (
    '{"a": {"title": "Hey Jude", "artists": ["The Beatles"]}, '
    '"b": {"title": "Hey Jude - Remastered 2009", "artists": ["The Beatles"]}, "same": true}\n'
)


def test_readme_commands_are_of_every_kind() -> None:
    commands = {example.split()[1].replace("-", "_") for example in EXAMPLES}
    in_text = {"sandbox", "demo", "run"}  # explained in a sentence; both have tests of their own
    folder = ROOT / "likes" / "management" / "commands"
    assert commands | in_text == {path.stem for path in folder.glob("[a-z]*.py")}


@pytest.mark.slow
def test_readme_commands_run(tmp_path: Path) -> None:
    (tmp_path / "likes.csv").write_text(LIKES)
    (tmp_path / "pairs.jsonl").write_text(PAIR)
    (tmp_path / "browser.py").write_text(BROWSER)
    with Sandbox(likes=120) as box:
        environment = {
            **os.environ,
            **box.environ(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "BROWSER": f"{sys.executable} {tmp_path / 'browser.py'} %s",
            "DISPLAY": ":0",  # without a screen no browser is opened
            "NARADA_VAR": str(tmp_path / "var"),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'narada.sqlite3'}",
            "LASTFM_REQUESTS_PER_SECOND": "0",
            "SPOTIFY_REQUESTS_PER_SECOND": "0",
        }
        for example in EXAMPLES:
            done = subprocess.run(
                shlex.split(example),
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            assert done.returncode == 0, f"{example}: {done.stdout}{done.stderr}"
            assert "Traceback" not in done.stderr, example
        calls = box.count_calls()
    assert calls["lastfm track.love"] > 50
    assert (tmp_path / "library.json").stat().st_size > 10_000


@pytest.mark.parametrize("target", TARGETS)
def test_readme_make_targets_exist(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
