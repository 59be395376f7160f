"""Where an installation keeps its program, its data and its settings.

In a clone all three are in one folder. A program that pip or pipx installed must keep nothing
beside itself, because an upgrade replaces that folder: its data and settings are in the user's own.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from platformdirs import user_config_path, user_data_path

#: The name that pip knows Narada by; on PyPI, ``narada`` is another program.
DISTRIBUTION = "narada-music"
#: Import packages of Narada whose names other distributions use as well.
SHARED_NAMES = ("connectors", "likes", "matching")
OWN_ENVIRONMENT = "Install Narada into an environment of its own, for example with pipx."


def is_clone(program: Path) -> bool:
    return all((program / name).is_file() for name in ("manage.py", "pyproject.toml"))


def find_data_folder(program: Path) -> Path:
    """Return the folder of the data where ``NARADA_VAR`` names none."""
    return program / "var" if is_clone(program) else user_data_path("narada", appauthor=False)


def find_settings_file(program: Path) -> Path:
    """Return the file of the settings where ``ENV_FILE`` names none."""
    folder = program if is_clone(program) else user_config_path("narada", appauthor=False)
    return folder / ".env"


def check_packages(program: Path) -> None:
    """Raise ImproperlyConfigured if another distribution's package stands in for one of Narada's.

    pip installs two distributions with packages of the same name into one folder without a word:
    the files of the second replace those of the first.
    """
    for name in SHARED_NAMES:
        spec = find_spec(name)
        found = Path(spec.origin).parent if spec and spec.origin else None
        if found != program / name:
            raise ImproperlyConfigured(
                f"The package {name!r} of Narada must be in {program}, but Python finds "
                f"{found or 'none'}. {OWN_ENVIRONMENT}"
            )
    ours = re.compile(rf"(?m)^(?:{'|'.join(SHARED_NAMES)})/")
    own_name = DISTRIBUTION.replace("-", "_")
    for record in program.glob("*.dist-info/RECORD"):
        name = record.parent.name.partition("-")[0]
        if name.lower() == own_name:
            continue
        if conflict := ours.search(record.read_text(encoding="utf-8", errors="replace")):
            raise ImproperlyConfigured(
                f"{name} is installed in the same place as Narada and has files in "
                f"{conflict[0]} too, so one has replaced files of the other. {OWN_ENVIRONMENT}"
            )
