"""Reads settings from the environment or a ``.env`` file, and says in one line what is wrong."""

from __future__ import annotations

import math
import os
import re
import secrets
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from dotenv.parser import parse_stream
from dotenv.variables import Variable, parse_variables

NEWLINE = re.compile(r"\r\n|\n|\r")
#: The name of a variable, and the quote with which its value begins.
ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)[^\S\r\n]*=[^\S\r\n]*(['\"]?)")


def read_env_file(default: Path) -> Path:
    """Put ``ENV_FILE``, which must exist, or else ``default`` into the environment.

    Return which of the two it was.

    The file is read as python-dotenv and docker compose read it. What the environment has already
    outranks it. No message here ever shows a value.
    """
    given = read_text("ENV_FILE")
    if given and not Path(given).exists():
        raise ImproperlyConfigured(f"ENV_FILE names {given}, which is not there.")
    path = Path(given) if given else default
    if path.exists():
        for name, value in read_variables(path).items():
            os.environ.setdefault(name, value)
    return path


def read_variables(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImproperlyConfigured(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}.") from error
    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(text)):
        if binding.key is None and not binding.error:
            continue  # a comment, or the blank end of the file
        line = binding.original.string.lstrip()
        blank = binding.original.string.removesuffix(line)
        place = f"{path}, line {binding.original.line + len(NEWLINE.findall(blank))}"
        shown = ASSIGNMENT.match(line)
        if shown:
            place += f", {shown[1]}"
        if binding.key is None or binding.value is None:
            raise ImproperlyConfigured(
                f"{place}: the value must end with the quote it begins with."
                if shown
                else f"{place}: there is no “NAME=value”."
            )
        if "\0" in binding.value or "\0" in binding.key:
            raise ImproperlyConfigured(f"{place}: there is a NUL character.")
        is_literal = shown is not None and shown[2] == "'"
        known = found | dict(os.environ)
        found[binding.key] = binding.value if is_literal else fill_in(binding.value, known, place)
    return found


def fill_in(value: str, known: Mapping[str, str], place: str) -> str:
    """Return a value with each ``${NAME}`` and ``${NAME:-default}`` replaced."""
    parts = list(parse_variables(value))
    for part in parts:
        if isinstance(part, Variable) and part.default is None and part.name not in known:
            raise ImproperlyConfigured(
                f"{place}: the value has “${{…}}” with a name that is not set. "
                "Write the value in single quotes to keep it as it is."
            )
    return "".join(part.resolve(known) for part in parts)


#: Settings that may be in a file instead, which ``NAME_FILE`` names, as Docker keeps secrets.
SECRETS = {
    "DATABASE_URL",
    "EMAIL_URL",
    "LASTFM_API_KEY",
    "LASTFM_API_SECRET",
    "REDIS_URL",
    "SECRET_KEY",
    "SENTRY_DSN",
    "SPOTIFY_CLIENT_ID",
    "SPOTIFY_CLIENT_SECRET",
    "TOKEN_ENCRYPTION_KEYS",
}


def read_text(name: str, default: str = "") -> str:
    file = os.environ.get(f"{name}_FILE", "").strip() if name in SECRETS else ""
    return read_secret_file(name, Path(file)) if file else os.environ.get(name, default).strip()


def read_secret_file(name: str, path: Path) -> str:
    """Return the setting that a file holds; no message shows any of it."""
    if os.environ.get(name, "").strip():
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set. Remove one of them.")
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is not UTF-8 text.") from error
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name}_FILE: {path} cannot be read: {error.strerror}."
        ) from error
    if not text or "\0" in text:
        raise ImproperlyConfigured(f"{name}_FILE: {path} holds no value.")
    return text


def read_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """Read values with commas between them; blanks around each are dropped."""
    text = read_text(name, ",".join(default))
    return [part.strip() for part in text.split(",") if part.strip()]


def read_flag(name: str, default: bool) -> bool:
    text = read_text(name, str(default)).lower()
    if text in ("true", "yes", "on", "1", "y", "t", "ok"):
        return True
    if text in ("false", "no", "off", "0", "n", "f", ""):
        return False
    raise ImproperlyConfigured(f"{name} is {text!r}, which is neither true nor false.")


def read_number(name: str, default: float, low: float = 0) -> float:
    text = read_text(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number < math.inf:
        raise ImproperlyConfigured(f"{name} is {text!r}, which is not a number from {low:g} up.")
    return number


def read_address(name: str, default: str, schemes: Sequence[str] = ("http", "https")) -> str:
    """Read an address with a host; it may be empty where ``default`` is."""
    text = read_text(name, default)
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
            database: dict[str, object] = environ.Env.db_url_config(
                read_text("DATABASE_URL", default)
            )
    except (ValueError, KeyError, TypeError, ImproperlyConfigured):
        database = {}
    engine = str(database.get("ENGINE", ""))
    if not engine.endswith(("sqlite3", "postgresql")) or not database.get("NAME"):
        raise ImproperlyConfigured(
            "DATABASE_URL is no address of a database. Examples: sqlite:////path/to/file.sqlite3, "
            "postgres://user:password@host:5432/name"
        )
    return database


def read_mail_server(name: str) -> dict[str, object]:
    """Return Django's settings for the mail server that an address names."""
    try:
        found: dict[str, object] = environ.Env.email_url_config(read_text(name))
    except (ValueError, ImproperlyConfigured):
        found = {}
    if not found.get("EMAIL_HOST") and "smtp" in str(found.get("EMAIL_BACKEND", "smtp")):
        raise ImproperlyConfigured(
            f"{name} must name a mail server, as in smtp+tls://user:password@host:587"
        )
    return found


def read_contact(name: str, default: str) -> str:
    """Read a text that can stand in a header, in brackets."""
    text = read_text(name) or default
    if not re.fullmatch(r"[ -\x27*-~]+", text):
        raise ImproperlyConfigured(
            f"{name} must be an address or an e-mail address, in ASCII and without brackets."
        )
    return text


#: The names of all that Narada keeps in its folder.
OURS = re.compile(
    r"(narada\.sqlite3|secret_key|token_encryption_keys|budget|queue|demo|static|sandbox|celerybeat"
    r"|connected|pages\.log|lock)\b.*"
)


def keep_private(folder: Path, database: Mapping[str, object]) -> None:
    """Take from group and others what an earlier version left open to them.

    The folder itself is closed if nothing else is in it. Once it is, its files are not looked at
    again.
    """
    found = [path for path in folder.iterdir() if OURS.fullmatch(path.name)]
    if str(database["ENGINE"]).endswith("sqlite3"):
        file = Path(str(database["NAME"]))
        for path in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
            close_to_others(path)
    if not is_open(folder):
        return
    for path in found:
        for inside in path.rglob("*"):
            close_to_others(inside)
        close_to_others(path)
    if len(found) == sum(1 for _ in folder.iterdir()):
        close_to_others(folder)


def is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def close_to_others(path: Path) -> None:
    """Let only the owner have a file or folder; of what is not ours or not there, nothing."""
    with suppress(OSError):
        if not path.is_symlink() and is_open(path):
            path.chmod(path.stat().st_mode & 0o700)


def is_this_machine(host: str) -> bool:
    """Tell whether a host's name, address or socket can only be on this machine."""
    name = host.strip("[].").lower()
    if name in ("", "localhost") or name.endswith(".localhost") or host.startswith("/"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def read_secret(name: str, make: Callable[[], str], folder: Path, production: bool) -> str:
    """Return a secret from the environment, or one made once and kept in ``folder``.

    In production it must be given: a secret that a machine made for itself is lost with it.
    """
    given = read_text(name)
    if given:
        return given
    if production:
        raise ImproperlyConfigured(
            f"{name} is not set. With DEBUG=False, or a database or Redis on another machine, it "
            f"must be in the environment, in .env or in the file that {name}_FILE names; "
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
