"""Reads settings from the environment or a ``.env`` file, and says in one line what is wrong."""

from __future__ import annotations

import math
import secrets
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

env = environ.Env()


def read_env_file(default: Path) -> None:
    """Read ``ENV_FILE``, which has to be there, or else ``default``, which may be missing."""
    given = env.str("ENV_FILE", default="")
    if given and not Path(given).exists():
        raise ImproperlyConfigured(f"ENV_FILE names {given}, which is not there.")
    path = Path(given) if given else default
    for number, line in enumerate(read_lines(path), 1):
        if line.strip() and not line.lstrip().startswith("#") and "=" not in line:
            raise ImproperlyConfigured(f"{path}, line {number}: there is no “NAME=value”.")
    env.read_env(str(path))


def read_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error}") from error


def read_flag(name: str, default: bool) -> bool:
    text = env.str(name, default=str(default)).strip().lower()
    if text in ("true", "yes", "on", "1", "y", "t", "ok"):
        return True
    if text in ("false", "no", "off", "0", "n", "f", ""):
        return False
    raise ImproperlyConfigured(f"{name} is {text!r}, which is neither true nor false.")


def read_number(name: str, default: float, low: float = 0) -> float:
    text = env.str(name, default=str(default))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number < math.inf:
        raise ImproperlyConfigured(f"{name} is {text!r}, which is not a number from {low:g} up.")
    return number


def read_address(name: str, default: str, schemes: Sequence[str] = ("http", "https")) -> str:
    """Read an address with a host; it may be empty where ``default`` is."""
    text: str = env.str(name, default=default)
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good and (text or default):
        raise ImproperlyConfigured(f"{name} is no address that begins with {schemes[0]}://")
    return text


def read_database(default: str) -> dict[str, object]:
    """Read ``DATABASE_URL``."""
    try:
        with warnings.catch_warnings(action="ignore"):
            database: dict[str, object] = env.db_url("DATABASE_URL", default=default)
    except (ValueError, KeyError, TypeError, ImproperlyConfigured):
        database = {}
    engine = str(database.get("ENGINE", ""))
    if not engine.endswith(("sqlite3", "postgresql")) or not database.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL is no address of a database. Examples: sqlite:////path/to/file.sqlite3, "
            "postgres://user:password@host:5432/name"
        )
    return database


def read_secret(name: str, make: Callable[[], str], folder: Path, production: bool) -> str:
    """Return a secret from the environment, or one made once and kept in ``folder``.

    In production it must be given: a secret that a machine made for itself is lost with it.
    """
    given: str = env.str(name, default="")
    if given:
        return given
    if production:
        raise ImproperlyConfigured(
            f"{name} is not set. With DEBUG=False it must be in the environment or in .env; "
            "docs/operating.md says how to make one."
        )
    path = folder / name.lower()
    if not path.exists():
        fresh = path.with_suffix(f".{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(make())
        try:
            # A link fails where the name exists, so of two processes that start at once
            # both read the first one's secret.
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def read_token_keys(folder: Path, production: bool) -> list[str]:
    """Return the keys that encrypt tokens, newest first."""
    text = read_secret(
        "TOKEN_ENCRYPTION_KEYS", lambda: Fernet.generate_key().decode(), folder, production
    )
    keys = [key.strip() for key in text.split(",") if key.strip()]
    for number, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"TOKEN_ENCRYPTION_KEYS: number {number} is no key; docs/operating.md says how to "
                "make one."
            ) from error
    if not keys:
        raise ImproperlyConfigured("TOKEN_ENCRYPTION_KEYS holds no key.")
    return keys
