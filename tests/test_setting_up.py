"""``make`` sets itself up; a try that ends early never breaks the next. A script is the Python."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Makes a "virtual environment" of a copy of itself, and installs by writing a line. The file
#: "fails" in the project makes pip fail, "dies" kills make as well.
PYTHON = """#!/bin/sh
case "$1 $2" in
"-c "*) exit 0 ;;
"-m venv") mkdir -p "$3/bin"; [ -e dies-early ] && kill -9 $PPID && exit 1
    cp "$0" "$3/bin/python" ;;
"-m pip") case "$*" in
    *--version*) ;;
    *) echo "$*" >> "$(dirname "$0")/../installed"
       [ -e dies ] && kill -9 $PPID
       [ -e fails ] && exit 1 ;;
    esac ;;
*) echo "runs $*" ;;
esac
exit 0
"""
OLD = '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.12\nexit 1\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name, text in (("good", PYTHON), ("old", OLD)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(project: Path, *arguments: str, python: str = "good") -> tuple[int, list[str]]:
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        ["make", *arguments, f"PYTHON={project / python}"], cwd=project, env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


def assert_works(project: Path) -> None:
    for target, runs in (("demo", "runs manage.py demo"), (".venv/.installed-dev", "")):
        code, lines = make(project, target)
        assert (code, runs in lines[-1]) == (0, True)
    assert make(project, ".venv/.installed-dev") == (
        0,
        ["make: '.venv/.installed-dev' is up to date."],
    )
    assert not (project / ".venv/.unfinished").exists()


@pytest.mark.parametrize(
    ("python", "line"),
    [
        ("old", "{} (PYTHON) is Python 3.10.12. Narada needs Python 3.1"),
        ("missing", "There is no {} here (PYTHON). Narada needs Python 3.1"),
    ],
)
def test_a_python_that_does_not_suit_is_said_and_leaves_nothing(
    python: str, line: str, project: Path
) -> None:
    code, lines = make(project, "demo", python=python)
    assert code != 0
    assert lines[0].startswith(line.format(project / python))
    assert len(lines) == 2  # and make's own
    assert not (project / ".venv").exists()
    assert_works(project)


@pytest.mark.parametrize("when", ["fails", "dies", "dies-early"])
@pytest.mark.parametrize("target", ["demo", ".venv/.installed-dev"])
@pytest.mark.parametrize("installed", ["nothing", "an older version"])
def test_a_set_up_that_ends_in_the_middle_does_not_break_the_next(
    when: str, target: str, installed: str, project: Path
) -> None:
    if installed != "nothing":
        assert_works(project)
        os.utime(project / ".venv/.installed", (0, 0))
    (project / when).touch()
    code, _ = make(project, target)
    if installed != "nothing" and when == "dies-early":
        assert code == 0  # the virtual environment is there already
    else:
        assert code != 0
    (project / when).unlink()
    assert_works(project)


def test_a_set_up_that_was_killed_starts_over_and_one_that_failed_goes_on(project: Path) -> None:
    for when, starts_over in (("fails", False), ("dies", True)):
        (project / when).touch()
        make(project, ".venv/.installed")
        (project / when).unlink()
        mark = project / ".venv/of-the-first-try"
        mark.touch()
        make(project, ".venv/.installed")
        assert mark.exists() != starts_over
        os.utime(project / ".venv/.installed", (0, 0))


def test_a_virtual_environment_of_an_old_python_is_made_again(project: Path) -> None:
    (project / ".venv/bin").mkdir(parents=True)
    shutil.copy(project / "old", project / ".venv/bin/python")
    assert_works(project)
