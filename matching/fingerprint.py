"""One short hash of all that a key depends on: where it differs, stored keys may differ too.

It is taken over the source of this package. A version number says the same only as long as nobody
forgets to raise it, and a sample of keys only tells of what is in the sample. The price is that a
comment that changed counts as a rule that did.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from importlib import metadata, resources
from importlib.resources.abc import Traversable

from matching.reading.alias_files import read_lines

_FOLDER = resources.files("matching")


def _list_modules(folder: Traversable, prefix: str = "") -> Iterator[str]:
    """Yield the path of each module in a folder and those below it."""
    yield from (prefix + name for name in _list_files(folder, ".py"))
    for inner in sorted(entry.name for entry in folder.iterdir() if entry.is_dir()):
        yield from _list_modules(folder.joinpath(inner), f"{prefix}{inner}/")


def _list_files(folder: Traversable, *endings: str) -> list[str]:
    """Return the names of our files, without what systems and editors leave beside them."""
    names = (file.name for file in folder.iterdir())
    return sorted(name for name in names if name.endswith(endings) and not name.startswith("."))


def _hash_source() -> str:
    """Return a hash of the modules here, and of the tables of others that they read."""
    digest = hashlib.blake2b(digest_size=16)
    for name in _list_modules(_FOLDER):
        digest.update(_FOLDER.joinpath(name).read_bytes())
    tables = (unicodedata.unidata_version, metadata.version("anyascii"))
    digest.update(repr(tables).encode())
    return digest.hexdigest()


#: Taken when the package is loaded: a process goes on by the rules that it was started with,
#: whatever is installed meanwhile.
_SOURCE = _hash_source()


def hash_rules() -> str:
    """Return 32 characters that are others where a key may be another one.

    Of the alias files, ours and the user's, it tells what this process has read of them: names
    written there since are for the next process.
    """
    names = _list_files(_FOLDER.joinpath("aliases"), ".tsv", ".txt")
    text = repr((_SOURCE, [(name, read_lines(name)) for name in names]))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
