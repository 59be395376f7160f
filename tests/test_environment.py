"""Settings that make no sense are told in one line, before anything runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from narada_site import __version__, cli, environment

ROOT = Path(__file__).parent.parent
SETTINGS = ROOT / "narada_site" / "settings.py"


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


SECRET = "s3cr3tvalue"


@pytest.mark.parametrize("name", sorted(environment.SECRETS))
def test_a_secret_may_be_in_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_bytes(f"\ufeff{SECRET}\r\n".encode())
    monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{name}_FILE", str(file))
    assert environment.read_text(name, "default") == SECRET
    monkeypatch.setenv(name, SECRET)
    with pytest.raises(
        ImproperlyConfigured, match=f"{name} and {name}_FILE are both set"
    ) as raised:
        environment.read_text(name)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "content", [None, b"", b" \n", b"\xff" + SECRET.encode(), b"s3cr3t\0value"]
)
def test_a_secret_file_that_holds_none_is_refused(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=f"SECRET_KEY_FILE: {file}") as raised:
        environment.read_secret("SECRET_KEY", lambda: "made", tmp_path, False)
    assert "s3cr3t" not in str(raised.value)


def test_every_setting_that_is_hidden_in_logs_may_be_in_a_file() -> None:
    read = set(re.findall(r'read_\w+\(\s*"([A-Z_]+)"', SETTINGS.read_text()))
    secret = {name for name in read if re.search("SECRET|KEY|DSN|EMAIL_URL|REDIS_URL|TOKEN", name)}
    assert secret <= environment.SECRETS


def read_file(
    text: str | bytes, path: Path, monkeypatch: pytest.MonkeyPatch, **known: str
) -> dict[str, str]:
    """Read ``text`` as the ``.env`` of a process that has the variables ``known``."""
    environ = dict(known)
    monkeypatch.setattr(environment.os, "environ", environ)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    environment.read_env_file(path)
    return environ


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("\ufeffA=1\nB=2\n", {"A": "1", "B": "2"}),
        ("A=abc # my app\nB=\"d e\" # key\nC='f' #\n", {"A": "abc", "B": "d e", "C": "f"}),
        ("A=ab#cd\nB=#e\nC= # nothing\nD=\n", {"A": "ab#cd", "B": "#e", "C": "", "D": ""}),
        (f"  A = {SECRET} \r\n\r\n\tB\t=\tx y\t\r\n", {"A": SECRET, "B": "x y"}),
        ("export A=1\n# export B=2\n", {"A": "1"}),
        ("A=pa$word\nB=$start\nC='a${B}c'\nD=$$\n",
         {"A": "pa$word", "B": "$start", "C": "a${B}c", "D": "$$"}),
        ('A=1\nB=${A}/${NONE:-x}/${KNOWN}\nC="${B}"\n',
         {"A": "1", "B": "1/x/k", "C": "1/x/k"}),
        ('A="one\ntwo"\nB=\'three\n# four\'\n', {"A": "one\ntwo", "B": "three\n# four"}),
        ("A='it\\'s'\nB=\"say \\\"hi\\\"\"\nC=it's\n",
         {"A": "it's", "B": 'say "hi"', "C": "it's"}),
        ("A=1\nA=2\nKNOWN=other\n", {"A": "2"}),
        ("A=1\rB=x=y==\n", {"A": "1", "B": "x=y=="}),
        ("", {}),
    ],
)  # fmt: skip
def test_read_env_file_reads_as_others_do(
    text: str, found: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = read_file(text, tmp_path / "env", monkeypatch, KNOWN="k")
    assert environ == {"KNOWN": "k", **found}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("A=1\nnonsense s3cr3tvalue\n", "line 2: there is no “NAME=value”"),
        ("\n\n\ns3cr3tvalue\n", "line 4: there is no"),
        ("A: s3cr3tvalue\n", "line 1: there is no"),
        ('A=1\n\nB="s3cr3tvalue\nC=2\n', "line 3, B: the value must end with the quote"),
        ("B='s3cr3tvalue'x\n", "line 1, B: the value must end"),
        ("A=1\nexport B = s3cr3tvalue${s3cr3tvalue}\n", "line 2, B: the value has “${…}” with"),
        ("A=s3cr3t\0value\n", "line 1, A: there is a NUL"),
        (b"A=s3cr3tvalue\xff\n", "is not UTF-8 text"),
        ("A=s3cr3tvalue\n".encode("utf-16"), "is not UTF-8 text"),
    ],
)
def test_read_env_file_refuses_a_line_by_its_number_and_never_shows_a_value(
    text: str | bytes,
    wrong: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(wrong)) as raised:
        read_file(text, tmp_path / "env", monkeypatch)
    assert str(raised.value).startswith(str(tmp_path / "env"))
    assert "\n" not in str(raised.value)
    assert "s3cr3t" not in str(raised.value) + "".join(capfd.readouterr())


def test_env_file_must_be_there_and_must_be_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENV_FILE", str(tmp_path / "other"))
    with pytest.raises(ImproperlyConfigured, match="is not there"):
        environment.read_env_file(tmp_path / ".env")
    monkeypatch.setenv("ENV_FILE", str(tmp_path))
    with pytest.raises(ImproperlyConfigured, match="cannot be read: Is a directory"):
        environment.read_env_file(tmp_path / ".env")


def test_lists_and_texts_may_have_blanks_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTS", " a, b ,,c\t")
    monkeypatch.setenv("NAME", "$abc\r")
    assert environment.read_list("HOSTS") == ["a", "b", "c"]
    assert environment.read_text("NAME") == "$abc"


def test_a_command_reads_a_file_with_blanks_and_comments(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(
        f"\ufeffSPOTIFY_CLIENT_SECRET = {SECRET} # mine\nALLOWED_HOSTS=a, b\n", encoding="utf-8"
    )
    kept = {name: value for name, value in os.environ.items() if name != "ALLOWED_HOSTS"}
    show = "print(settings.SPOTIFY_CLIENT_SECRET, settings.ALLOWED_HOSTS)"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c",
         f"from django.conf import settings; {show}"],
        cwd=ROOT,
        env={**kept, "NARADA_VAR": str(tmp_path), "ENV_FILE": str(tmp_path / "env")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (f"{SECRET} ['a', 'b']\n", "")


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


def read_settings(folder: Path, expression: str, **environment: str) -> str:
    """Return what an expression of ``settings`` prints in an installation of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c",
         f"from django.conf import settings; print({expression})"],
        cwd=ROOT,
        env={**kept, "NARADA_VAR": str(folder), "ENV_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("environment", "printed"),
    [
        ({}, "False False True 0"),
        ({"DEBUG": "True", "ALLOWED_HOSTS": "narada.example"}, "True False True 0"),
        ({"ALLOWED_HOSTS": "narada.example"}, "False True True 0"),
        ({"REDIS_URL": "redis://127.0.0.1:6379/1", "BEHIND_PROXY": "1"}, "False False True 1"),
        ({"BEHIND_PROXY": "1", "TRUSTED_PROXY_COUNT": "2"}, "False False True 2"),
    ],
)
def test_debug_is_off_unless_asked_for(
    environment: dict[str, str], printed: str, tmp_path: Path
) -> None:
    expression = (
        "settings.DEBUG, settings.SESSION_COOKIE_SECURE, bool(settings.SECRET_KEY), "
        "settings.ALLAUTH_TRUSTED_PROXY_COUNT"
    )
    assert read_settings(tmp_path, expression, **environment) == printed


@pytest.mark.parametrize(
    "environment",
    [
        {"DEBUG": "False"},
        {"DATABASE_URL": "postgres://narada@db/narada"},
        {"REDIS_URL": "redis://redis:6379/0"},
    ],
)
def test_secrets_that_other_machines_need_are_not_made_up(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert "Error: SECRET_KEY is not set." in read_settings(tmp_path, "1", **environment)
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True), ("[::1]", True), ("::1", True), ("localhost", True), ("", True),
        (".localhost", True), ("/run/postgresql", True), ("127.1.2.3", True),
        ("*", False), ("0.0.0.0", False), ("db", False), ("192.168.1.5", False),
    ],
)  # fmt: skip
def test_is_this_machine(host: str, here: bool) -> None:
    assert environment.is_this_machine(host) is here


def test_pages_that_send_mail_are_there_only_where_mail_is_set_up(tmp_path: Path) -> None:
    expression = (
        "settings.EMAIL_HOST, settings.EMAIL_USE_TLS, [str(page.pattern) for page in "
        "__import__('narada_site.account_urls').account_urls.urlpatterns "
        "if 'email' in str(page.pattern) or 'reset' in str(page.pattern)].__len__()"
    )
    mail = {"EMAIL_URL": "smtp+tls://narada:secret@mail.example:587"}
    assert read_settings(tmp_path, expression) == "localhost False 0"
    assert read_settings(tmp_path, expression, **mail) == "mail.example True 7"
    for wrong in ("mail.example", "ftp://mail.example", "smtp://", "smtp://[host:1"):
        said = read_settings(tmp_path, "1", EMAIL_URL=wrong)
        assert said.startswith("Error: EMAIL_URL must name a mail server")


@pytest.mark.parametrize("command", ["version", "--version"])
def test_the_version_is_known_without_an_installation(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", find_nothing)
    cli.run("narada", [command])
    assert capsys.readouterr().out.startswith(f"Narada {__version__}, Django ")


@pytest.mark.parametrize(
    "command", [["createsuperuser", "--noinput", "--username=a"], ["migrate"], ["changepassword"]]
)
def test_a_command_of_django_says_in_one_line_that_the_database_fails(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "no-database").write_bytes(b"this is something else" * 300)
    done = run_with({"DATABASE_URL": f"sqlite:///{tmp_path}/no-database"}, tmp_path, *command)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: The database cannot be opened or written (")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_disk_that_is_full_at_the_start_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "narada").symlink_to("/dev/full")
    done = run_with({}, tmp_path / "narada" / "var", "status")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {tmp_path}/narada/var (NARADA_VAR) cannot be used: ")
    (tmp_path / "narada").unlink()
    (tmp_path / "queue").write_text("")
    done = run_with({}, tmp_path, "status")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1


def run_with(more: dict[str, str], var: Path, *command: str) -> subprocess.CompletedProcess[str]:
    ours = {name: text for name, text in os.environ.items() if "_URL" not in name}
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=ROOT, capture_output=True, text=True,
        env={**ours, "NARADA_VAR": str(var), **more}, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def modes(folder: Path) -> dict[str, int]:
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o077
        for path in [folder, *folder.rglob("*")]
    }


def test_what_an_installation_keeps_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    for name in ("queue/messages", "demo"):
        (folder / name).mkdir(parents=True)
    for name in ("secret_key", "narada.sqlite3", "queue/messages/1.msg", "demo/pages.log"):
        (folder / name).touch()
    for path in [folder, *folder.rglob("*")]:  # as an earlier version left it
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "secret_key").write_text("an old key")

    done = subprocess.run(
        ["sh", "-c", f"umask 022; {sys.executable} manage.py init_db"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "NARADA_VAR": str(folder), "ENV_FILE": os.devnull},
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(modes(folder)) > 8
    assert set(modes(folder).values()) == {0}


def test_a_folder_with_other_things_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    for name in ("secret_key", "diary.txt"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o644)
    tmp_path.chmod(0o755)
    environment.keep_private(tmp_path, {"ENGINE": "postgresql", "NAME": "n"})
    assert modes(tmp_path) == {".": 0o055, "diary.txt": 0o044, "secret_key": 0}


@pytest.mark.parametrize("text", ["a\nb", "(me)", "jürgen@example.org"])
def test_read_contact_refuses_what_no_header_can_hold(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER_AGENT_CONTACT", text)
    with pytest.raises(ImproperlyConfigured, match="USER_AGENT_CONTACT"):
        environment.read_contact("USER_AGENT_CONTACT", "x")
