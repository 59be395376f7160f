"""Says whether two descriptions of a track are the same recording, and how sure that is.

Pure Python, rapidfuzz and anyascii; knows nothing of Django or the network.
"""

from matching.descriptions import Choice, Comparison, Evidence, TrackDescription, Verdict
from matching.fingerprint import hash_names
from matching.index import Index, blocking_keys
from matching.matcher import choose, compare
from matching.page_names import (
    list_plain_titles,
    name_key,
    simplify_titles,
    write_loosely,
    write_plain_signs,
)
from matching.reading.alias_files import NamesUnreadable
from matching.reading.preparing import Prepared, prepare

__all__ = [
    "Choice",
    "Comparison",
    "Evidence",
    "Index",
    "NamesUnreadable",
    "Prepared",
    "TrackDescription",
    "Verdict",
    "blocking_keys",
    "choose",
    "compare",
    "hash_names",
    "list_plain_titles",
    "name_key",
    "prepare",
    "simplify_titles",
    "write_loosely",
    "write_plain_signs",
]
