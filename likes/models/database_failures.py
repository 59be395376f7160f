"""Failures of the database that no program can mend: each named in a few words."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError

READ_ONLY, FULL, UNREADABLE = "it is read-only", "its disk is full", "its file cannot be opened"
IN_USE, SILENT = "another program holds it", "it does not answer"

#: What SQLite and PostgreSQL say, in lower case.
SIGNS = {
    READ_ONLY: ("readonly", "read-only"),
    FULL: ("is full", "no space left", "disk full", "disk i/o"),
    UNREADABLE: ("unable to open", "malformed", "not a database"),
    IN_USE: ("locked",),
}


def name_failure(error: BaseException | None) -> str:
    """Return what is wrong with the database; nothing if the error is not of this kind."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return ""
    text = str(error).lower()
    for failure, signs in SIGNS.items():
        if any(sign in text for sign in signs):
            return failure
    # SQLite calls a missing table or column an operational error, too.
    if isinstance(error, OperationalError) and "no such" not in text:
        return SILENT
    return ""
