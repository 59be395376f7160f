"""The table of keys in blocking_keys.jsonl: read it, and write it again under a higher number.

    python tests/likes/key_table.py

The first line holds KEYS_VERSION; each other line a description and the keys stored of it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("blocking_keys.jsonl")


def read_table() -> tuple[int, list[dict[str, Any]]]:
    """Return the number of the rules that made the table, and its rows."""
    first, *rows = map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    return first["version"], rows


def make_keys(row: dict[str, Any]) -> dict[str, list[str]]:
    """Return the keys of a description, as a track and as a page of the user's lists."""
    from likes.blocking_keys import list_listed_keys, list_track_keys
    from likes.models import ListedTrack, Track

    track = Track(title=row["title"], artists=row["artists"], album=row["album"], isrc=row["isrc"])
    listed = ListedTrack(artist=row["artists"][0], title=row["title"])
    return {"track": list_track_keys(track), "listed": list_listed_keys(listed)}


def write_table() -> str:
    """Write the keys of the present rules; the number must be higher than the table's."""
    from likes.blocking_keys import KEYS_VERSION

    version, rows = read_table()
    if version >= KEYS_VERSION:
        return f"The table is of version {version}: raise KEYS_VERSION in likes/blocking_keys.py."
    for row in rows:
        row["keys"] = make_keys(row)
    lines = [{"version": KEYS_VERSION}, *rows]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    FILE.write_text(text, encoding="utf-8")
    return f"Wrote the keys of {len(rows)} descriptions as version {KEYS_VERSION}."


if __name__ == "__main__":
    import django

    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "narada_site.settings")
    django.setup()
    sys.stdout.write(write_table() + "\n")
