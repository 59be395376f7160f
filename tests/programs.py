"""The programs that some tests need besides Python."""

from __future__ import annotations

import os
import shutil

import pytest


def need_program(name: str) -> str:
    """Return the path of a program. Without it a test is skipped, and where CI runs it fails."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and CI must have it", pytrace=False)
    return found or pytest.skip(f"{name} is not installed")
