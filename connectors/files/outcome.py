"""What reading a file ends in: its likes, or one line that says why not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.records import LikedTrack

ACCOUNT_DATA = "account data"
EXPORTIFY = "exportify"
TUNEMYMUSIC = "tunemymusic"
SAVED_TRACKS = "saved tracks"
OTHER_CSV = "csv"

MAX_BYTES = 200 * 1024 * 1024
"""The most that is read of one file, and unpacked of one zip. 20,000 likes as Spotify's API gives
them, the wordiest form, are about 100 MB."""

ASK_FOR_ACCOUNT_DATA = (
    'ask Spotify for "Account data" at https://www.spotify.com/account/privacy/, '
    "its YourLibrary.json has the liked songs"
)


@dataclass(frozen=True, slots=True)
class LikesFile:
    """The likes of one file, in the file's order (newest first in most kinds).

    ``kind`` is one of the constants above. ``items`` has one entry for each row that is a like,
    readable or not. ``note`` tells a person what else is to know, or is empty.
    """

    kind: str
    items: tuple[LikedTrack, ...]
    note: str = ""

    def with_note(self, note: str) -> LikesFile:
        """The same likes, with something more told."""
        return replace(self, note="; ".join(filter(None, [self.note, note])))


class FileRejected(ValueError):
    """The file as a whole is not taken. The text is one line: what, where, and what to do."""

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        # A name inside a zip may hold anything, also what moves a terminal's cursor.
        super().__init__("".join(mark if mark.isprintable() else "?" for mark in line))
