"""Narada's settings for one process of the tests, which shares nothing with any other.

Its database, keys, queue and budgets are in a folder of its own. What a person has set for their
own Narada, in the environment or in ``.env``, is not seen, but for two names: ``DATABASE_URL``
says on which server the tests make their databases, and ``REDIS_URL`` that there shall be Redis:
the process then starts a server of its own, since the tests empty it.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.redis_server import start_redis

SETTINGS = Path(__file__).resolve().parents[1] / "narada_site" / "settings.py"
for name in re.findall(r'"([A-Z][A-Z_]+)"', SETTINGS.read_text(encoding="utf-8")):
    if name not in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.pop(f"{name}_FILE", None)

OWN_FOLDER = tempfile.mkdtemp(prefix="narada-tests-")
atexit.register(shutil.rmtree, OWN_FOLDER, ignore_errors=True)
os.environ["NARADA_VAR"] = OWN_FOLDER
os.environ["ENV_FILE"] = os.devnull
if os.environ.get("REDIS_URL"):
    server, os.environ["REDIS_URL"] = start_redis(Path(OWN_FOLDER))
    atexit.register(server.kill)

from narada_site.settings import *  # noqa: E402, F403
from narada_site.settings import DATABASES  # noqa: E402

if str(DATABASES["default"]["ENGINE"]).endswith("sqlite3"):
    # In a file: of a database in memory, threads cannot wait for a lock. What a test wrote may be
    # lost with the machine, here and on PostgreSQL.
    DATABASES["default"]["TEST"] = {"NAME": f"{OWN_FOLDER}/test.sqlite3"}
    DATABASES["default"]["OPTIONS"]["init_command"] = (  # type: ignore[index]
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
    )
else:
    DATABASES["default"]["OPTIONS"] = {"options": "-c synchronous_commit=off"}


class QuickHasher(PBKDF2PasswordHasher):
    """Its work is understood by the processes that the tests start."""

    iterations = 1


PASSWORD_HASHERS = ["tests.settings.QuickHasher"]
