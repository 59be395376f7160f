"""Settings that make no sense are told in one line, before anything runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from narada_site import environment

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("text", ["abc", "-1", "nan", "inf", ""])
def test_read_number_refuses_what_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", text)
    with pytest.raises(ImproperlyConfigured, match="RATE"):
        environment.read_number("RATE", 4)


@pytest.mark.parametrize(("text", "flag"), [("True", True), ("0", False), ("off", False)])
def test_read_flag_takes_the_usual_words(
    text: str, flag: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLAG", text)
    assert environment.read_flag("FLAG", not flag) is flag


def test_read_flag_refuses_other_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLAG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="FLAG is 'maybe'"):
        environment.read_flag("FLAG", True)


@pytest.mark.parametrize("text", ["notaurl", "ftp://host/", "http://", "http://[::1"])
def test_read_address_refuses_what_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDRESS", text)
    with pytest.raises(ImproperlyConfigured, match="ADDRESS"):
        environment.read_address("ADDRESS", "https://example.com")


@pytest.mark.parametrize("text", ["foo", "foo://bar", "mysql://a@b/c"])
def test_read_database_refuses_what_narada_does_not_speak(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", text)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        environment.read_database("sqlite:///x")


def test_read_secret_makes_one_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    made = [environment.read_secret("SECRET_KEY", lambda: "made", tmp_path, False)]
    made.append(environment.read_secret("SECRET_KEY", lambda: "another", tmp_path, False))
    assert made == ["made", "made"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        environment.read_secret("SECRET_KEY", lambda: "made", tmp_path, True)


def test_read_token_keys_checks_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Fernet.generate_key().decode()
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", f"{good}, {good}")
    assert environment.read_token_keys(tmp_path, True) == [good, good]
    monkeypatch.setenv("TOKEN_ENCRYPTION_KEYS", f"{good},garbage")
    with pytest.raises(ImproperlyConfigured, match="number 2 is no key") as raised:
        environment.read_token_keys(tmp_path, True)
    assert good not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "wrong"), [("A=1\nnonsense\n", "line 2"), ("\udcff", "cannot be read")]
)
def test_read_env_file_refuses_what_is_none(
    text: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "env").write_bytes(text.encode(errors="surrogateescape"))
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "env"))
    with pytest.raises(ImproperlyConfigured, match=wrong):
        environment.read_env_file(tmp_path / ".env")
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "other"))
    with pytest.raises(ImproperlyConfigured, match="is not there"):
        environment.read_env_file(tmp_path / ".env")


def test_a_command_tells_a_wrong_setting_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "status", "--offline"],
        cwd=ROOT,
        env={**os.environ, "NARADA_VAR": str(tmp_path), "SYNC_EVERY_MINUTES": "often"},
        capture_output=True,
        text=True,
        check=False,
    )
    line = "Error: SYNC_EVERY_MINUTES is 'often', which is not a number from 1 up.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("status --offline --json >&-", 1, ""),
        ("status --offline --json | head -c 1", 0, ""),
        ("status --offline --json >/dev/full", 1, "No space left on device"),
        ("init_db >/dev/full", 1, "No space left on device"),
    ],
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_command_whose_output_is_gone_ends_without_a_traceback(
    command: str, code: int, said: str, unbuffered: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        f"{sys.executable} manage.py {command}",
        shell=True,
        cwd=ROOT,
        env={**os.environ, "NARADA_VAR": str(tmp_path), "PYTHONUNBUFFERED": unbuffered},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == bool(said)


def test_an_unknown_command_is_a_wrong_use(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "import-likes"],
        cwd=ROOT,
        env={**os.environ, "NARADA_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    line = "Error: there is no command 'import_likes'. See: narada help\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
