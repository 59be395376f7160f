"""The hash of the names changes with a name, ours or the user's, and with nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import matching
from matching import hash_names
from matching.reading import alias_files

PACKAGE = Path(matching.__file__).parent


def hash_apart(root: Path, own_folder: Path) -> str:
    """Return the hash of the package under ``root``, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "from matching import hash_names; print(hash_names())"],
        cwd=root,
        env={**os.environ, alias_files.OWN_FOLDER: str(own_folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_the_hash_tells_names_that_were_added_but_not_remarks(tmp_path: Path) -> None:
    assert len(hash_names()) == 32
    assert hash_apart(PACKAGE.parent, tmp_path) == hash_names()
    own = tmp_path / "titles.tsv"
    own.write_text("# nothing yet\n", encoding="utf-8")
    assert hash_apart(PACKAGE.parent, tmp_path) == hash_names()
    own.write_text("夜想曲\tNocturne\n", encoding="utf-8")
    assert hash_apart(PACKAGE.parent, tmp_path) != hash_names()


def test_the_hash_tells_our_own_names_that_changed_but_no_remark_in_the_code(
    tmp_path: Path,
) -> None:
    shutil.copytree(PACKAGE, tmp_path / "matching")
    module = tmp_path / "matching" / "evaluation.py"
    module.write_text(module.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    assert hash_apart(tmp_path, tmp_path) == hash_names()
    file = tmp_path / "matching" / "aliases" / "han.txt"
    text = file.read_text(encoding="utf-8")
    assert "餘余 " in text
    file.write_text(text.replace("餘余 ", ""), encoding="utf-8")
    assert hash_apart(tmp_path, tmp_path) != hash_names()


def test_the_hash_is_none_of_what_lies_beside_our_files(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "matching")
    for folder in (tmp_path / "matching", tmp_path / "matching" / "aliases"):
        (folder / ".DS_Store").write_bytes(b"\x00\xff")
        (folder / ".#names.py").symlink_to("ada@host.1234")
        (folder / ".#artists.tsv").symlink_to("ada@host.1234")
        (folder / "artists.tsv~").write_bytes(b"\xff")
    assert hash_apart(tmp_path, tmp_path) == hash_names()
