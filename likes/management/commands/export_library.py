from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from connectors.text import count_nouns
from likes.library.writing import export_csv, export_library
from likes.management.base import BAD_USAGE, Error, NaradaCommand

FORMATS = {"json": export_library, "csv": export_csv}


class Command(NaradaCommand):
    help = (
        "Write the whole of a user's data to a file: tracks, likes with their states and dates, "
        "Last.fm pages with who decided and why, settings, runs; no tokens. JSON holds everything; "
        "CSV has one row a like, for a spreadsheet. import-library reads both."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", metavar="PATH", help="the file to write, or - for the screen")
        self.add_user_argument(parser)
        parser.add_argument(
            "--format", choices=list(FORMATS), help="default: by the file's ending, else json"
        )

    def handle(self, *, path: str, user: str, **options: Any) -> None:
        owner = self.get_user(user)
        ending = Path(path).suffix.lstrip(".").lower()
        pieces = FORMATS[options["format"] or (ending if ending in FORMATS else "json")](owner)
        if path == "-":
            for piece in pieces:
                self.stdout.write_data(piece)
            return
        target = Path(path)
        if target.is_dir() or not target.parent.is_dir():
            wrong = "is a folder" if target.is_dir() else "lies in a folder that does not exist"
            raise Error(f"{path} {wrong}.", BAD_USAGE)
        write_whole(target, pieces)
        size = f" ({count_nouns(target.stat().st_size, 'byte')})" if target.is_file() else ""
        self.stderr.write(f"The library of {owner.username} is in {path}{size}.")


def write_whole(target: Path, pieces: Iterator[str]) -> None:
    """Write a file that only its owner reads, under another name until it is whole.

    A link stays one. What is no file, as /dev/stdout, is written to and never replaced.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        with target.open("w", encoding="utf-8", newline="") as device:
            device.writelines(pieces)
        return
    number, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
