"""Give content to the reader of files and see which likes it finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.files import FileRejected, LikesFile, read_likes


def read(folder: Path, content: str | bytes | object) -> LikesFile:
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    file = folder / "file"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_likes(file)


def titles(likes: LikesFile) -> str:
    """The titles one after the other, with "-" for each row that cannot be read."""
    return "".join(item.track.title if item.track else "-" for item in likes.items)


def refuse(folder: Path, content: str | bytes | object) -> str:
    with pytest.raises(FileRejected) as caught:
        read(folder, content)
    return str(caught.value)
