"""One short hash of all that a key depends on: where it differs, stored keys may differ too.

It is taken over the source of this package. A version number says the same only as long as nobody
forgets to raise it, and a sample of keys only tells of what is in the sample. The price is that a
comment that changed counts as a rule that did.
"""

from __future__ import annotations

import hashlib
import unicodedata
from importlib import metadata, resources

from matching.alias_files import load_aliases, load_readings, load_whole_names


def _hash_source() -> str:
    """Return a hash of the modules here, and of the tables of others that they read."""
    digest = hashlib.blake2b(digest_size=16)
    folder = resources.files("matching")
    modules = sorted((f for f in folder.iterdir() if f.name.endswith(".py")), key=lambda f: f.name)
    for file in (*modules, folder.joinpath("aliases", "han.txt")):
        digest.update(file.read_bytes())
    tables = (unicodedata.unidata_version, metadata.version("anyascii"))
    digest.update(repr(tables).encode())
    return digest.hexdigest()


#: Taken when the package is loaded: a process goes on by the rules that it was started with,
#: whatever is installed meanwhile.
_SOURCE = _hash_source()


def hash_rules() -> str:
    """Return 32 characters that are others where a key or a page's key may be another one.

    Of the alias files, ours and the user's, it tells what this process has read of them: names
    written there since are for the next process.
    """
    made_by = (
        _SOURCE,
        sorted(load_aliases().items()),
        sorted(load_readings().items()),
        sorted(load_whole_names()),
    )
    text = repr(made_by).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
