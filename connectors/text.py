"""Texts from outside, in the form in which they are kept."""

from __future__ import annotations

import re

ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")


def keep_storable(text: str) -> str:
    """Return ``text`` without what no database can hold: NUL, and halves of surrogate pairs.

    Both come out of JSON's escapes, and one such name would stop every run that meets it.
    """
    if text.isprintable():
        return text
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def normalize_isrc(text: str) -> str:
    """Return an ISRC as 12 characters in upper case without hyphens, or "" if it is none."""
    code = re.sub(r"[\s\-]", "", text).upper()
    return code if ISRC.fullmatch(code) else ""
