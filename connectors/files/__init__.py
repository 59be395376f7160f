"""The files in which people keep their likes, read without any network.

Known by what they hold, never by their names:

* Spotify's account data: the zip, its folder, or ``YourLibrary.json``;
* Exportify CSV (exportify.net and watsonbox.github.io/exportify), old and new, in any language;
* TuneMyMusic CSV, of which rows of type Favorite are likes;
* saved tracks as JSON, as ``GET /me/tracks`` gives them or shorter;
* spotify-backup, JSON and text, and other files with a list of liked songs beside playlists;
* any CSV with a column for the title and one for the artist.

Rows that say they are no likes are left out. A history of plays, or an answer that lists anything
but likes, is refused.

Everything is read before anything is returned: a file is taken as a whole or refused as a whole.
"""

from __future__ import annotations

from pathlib import Path

from connectors.files.containers import read_path
from connectors.files.outcome import FileRejected, LikesFile

__all__ = ["FileRejected", "LikesFile", "read_likes"]


def read_likes(path: Path) -> LikesFile:
    """All likes of a file, folder or zip, in its order; each row that is a like has an item.

    A row that names no track (no title, cut short, a local file) is an item with its reason.
    Raises ``FileRejected`` with one line that says what is wrong, where, and what to do.
    """
    try:
        return read_path(path)
    except FileRejected as error:
        raise FileRejected(f"{path}: {error}") from error
