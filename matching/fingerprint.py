"""One short hash of the names and tables that a key depends on besides the rules.

The rules themselves are told by a number, ``likes.blocking_keys.KEYS_VERSION``.
"""

from __future__ import annotations

import hashlib
import unicodedata
from importlib import metadata, resources

from matching.reading.alias_files import read_lines


def hash_names() -> str:
    """Return 32 characters that change with an alias file, ours or the user's, and with the tables
    of Unicode and of anyascii.

    Of the alias files they tell what this process has read: names written there since are for the
    next process. A remark in a file changes nothing.
    """
    folder = resources.files("matching").joinpath("aliases")
    files = (file.name for file in folder.iterdir())
    # Systems and editors leave hidden files beside ours.
    names = sorted(n for n in files if n.endswith((".tsv", ".txt")) and not n.startswith("."))
    tables = (unicodedata.unidata_version, metadata.version("anyascii"))
    text = repr((tables, [(name, read_lines(name)) for name in names]))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
