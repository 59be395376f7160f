"""The container and the units of systemd: all that they name exists, and what they start works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from programs import need_program
from waiting import PATIENCE, wait_for

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNITS = sorted((ROOT / "deploy").glob("*.service"))
PROCFILE = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))
SETTINGS = (ROOT / "narada_site" / "settings.py").read_text()
LIKES = "Track URI,Track Name,Artist Name(s),Added At\n,Windowlicker,Aphex Twin,2020-01-02\n"
#: The user that the image runs as; the tests of a user other than root run as that.
USER = 10001


def list_lines(word: str) -> list[str]:
    return re.findall(rf"^{word} +(.+)$", DOCKERFILE, re.MULTILINE)


def read_command(word: str) -> list[str]:
    """Return the last command of this kind, in its form without a shell."""
    return re.findall(r'"([^"]+)"', list_lines(word)[-1])


def read_environment() -> dict[str, str]:
    return dict(part.split("=", 1) for line in list_lines("ENV") for part in line.split())


def is_left_out(name: str) -> bool:
    """Whether .dockerignore keeps a file or folder of the top level out of the image."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return any(fnmatch(name, line) for line in lines if line and not line.startswith("#"))


def assert_is_a_command(command: list[str]) -> None:
    """Assert that the words start a program of Narada."""
    name = Path(command[0]).name
    if name == "celery":
        assert shlex.split(PROCFILE["worker"]) == ["celery", *command[1:]]
    elif name == "narada":
        assert command[1] in get_commands()
    else:
        assert (name, command[1]) == ("python", "-m")
        assert (ROOT / f"{command[2].replace('.', '/')}.py").is_file()


def test_the_image_gets_all_of_the_program_and_no_secret() -> None:
    copied = [line.split()[:-1] for line in list_lines("COPY") if not line.startswith("--from")]
    assert copied == [["requirements.txt"], ["."]]
    packages = [path.parent.name for path in ROOT.glob("*/__init__.py")]
    program = {*packages, "pyproject.toml", "README.md", "LICENSE", "requirements.txt"}
    for name in program - {"tests", "benchmarks"}:
        assert (ROOT / name).exists()
        assert not is_left_out(name), name
    for name in (".env", ".env.production", ".git", ".venv", "var", "build", "a.egg-info"):
        assert is_left_out(name), name


def test_the_image_keeps_data_in_its_one_volume_and_is_not_root() -> None:
    environment = read_environment()
    (volume,) = list_lines("VOLUME")
    assert environment["NARADA_VAR"] == volume == list_lines("WORKDIR")[-1]
    assert list_lines("USER") == ["narada"]
    assert f"--uid {USER} " in DOCKERFILE
    assert environment["WEB_BIND"].endswith(f":{list_lines('EXPOSE')[0]}")
    (program,) = [line.split()[-1] for line in list_lines("COPY") if line.startswith("--from")]
    assert environment["PATH"].startswith(f"{program}/bin:")
    for name in set(environment) - {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}:
        assert f'"{name}"' in SETTINGS


def test_the_image_starts_programs_that_exist() -> None:
    assert_is_a_command(read_command("CMD"))
    assert_is_a_command(read_command("HEALTHCHECK"))
    python = list_lines("ARG")[0].partition("=")[2]
    assert f"Python :: {python}" in (ROOT / "pyproject.toml").read_text()


def test_compose_starts_narada_alone_and_in_a_profile_with_servers() -> None:
    services, volumes = COMPOSE["services"], COMPOSE["volumes"]
    profiles = {name: service.get("profiles", []) for name, service in services.items()}
    assert profiles == {"narada": [], "worker": ["server"], "postgres": ["server"],
                        "redis": ["server"]}  # fmt: skip
    assert services["worker"]["deploy"]["replicas"] == 2
    assert_is_a_command(services["worker"]["command"])
    for name, service in services.items():
        for volume in service["volumes"]:
            assert volume.partition(":")[0] in volumes
        for other, wanted in service.get("depends_on", {}).items():
            assert wanted["condition"] == "service_healthy"
            # A service of a profile that is not asked for may be missing.
            assert wanted.get("required", True) is (profiles[other] == [])
        if name in ("narada", "worker"):
            assert service["volumes"] == [f"data:{list_lines('VOLUME')[0]}"]
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert services["narada"]["ports"] == [f"127.0.0.1:8000:{list_lines('EXPOSE')[0]}"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_units_and_finds_them_safe(unit: Path, tmp_path: Path) -> None:
    analyze = need_program("systemd-analyze")
    text = unit.read_text()
    (command,) = re.findall(r"^ExecStart=(.+)$", text, re.MULTILINE)
    assert_is_a_command(shlex.split(command))
    for name in re.findall(r"\b(NARADA_VAR|SECRET_KEY)(?:_FILE)?=", text):
        assert f'"{name}"' in SETTINGS
    copy = tmp_path / unit.name  # Narada is not installed under /opt here.
    copy.write_text(text.replace(command.split()[0], sys.executable))

    said = subprocess.run([analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    said = subprocess.run(
        [analyze, "security", "--offline=true", "--threshold=25", copy],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stdout


Container = tuple[Path, list[str]]


@pytest.fixture
def container() -> Iterator[Container]:
    """Yield a volume, and the words that start a program which can write nowhere else."""
    folder = Path(tempfile.mkdtemp(prefix="narada-volume-"))
    words: list[str] = []
    if os.geteuid() == 0:
        no_rights = [need_program("setpriv"), "--bounding-set=-all", "--inh-caps=-all"]
        as_user = [*no_rights, f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        version = [sys.executable, "-c", "import sys; print(sys.version, end='')"]
        said = subprocess.run([*as_user, *version], capture_output=True, text=True, check=False)
        if said.stdout == sys.version:
            words = as_user
            os.chown(folder, USER, USER)
        else:  # This Python is in a folder of root's that no other user may enter.
            mount = f"mount --bind {ROOT} {ROOT} && mount -o remount,bind,ro {ROOT}"
            words = ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh", *no_rights]
    yield folder, words
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs setpriv")
def test_the_command_of_the_image_runs_as_it_would_in_the_container(
    container: Container, tmp_path: Path
) -> None:
    volume, prefix = container
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **read_environment(),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "NARADA_VAR": str(volume),
        "WEB_BIND": f"0.0.0.0:{port}",
        "HOME": "/nonexistent",
        "ENV_FILE": os.devnull,
        "ALLOWED_HOSTS": "narada.example.org",
        "SECURE_SSL_REDIRECT": "True",
        "LOG_LEVEL": "INFO",
    }
    with (tmp_path / "log").open("ab") as log:
        command = subprocess.Popen(
            [*prefix, *read_command("CMD")], cwd=volume, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    read_log = (tmp_path / "log").read_text

    def is_ready() -> bool:
        assert command.poll() is None, read_log()
        return "Narada runs at" in read_log() and " ready." in read_log()

    try:
        wait_for(is_ready)
        healthy = subprocess.run(read_command("HEALTHCHECK"), env=environment, check=False)
        assert healthy.returncode == 0
        (volume / "likes.csv").write_text(LIKES)
        for words in (("init-db",), ("import-spotify-likes", "--from-file", "likes.csv")):
            subprocess.run([*prefix, "narada", *words], cwd=volume, env=environment, check=True)
        command.send_signal(signal.SIGTERM)
        assert command.wait(PATIENCE) == 0, read_log()
    finally:
        command.kill()
        command.wait()
    with closing(sqlite3.connect(volume / "narada.sqlite3")) as database:
        assert database.execute("select title from likes_track").fetchall() == [("Windowlicker",)]
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    # Each ended by itself in time.
    assert "was killed" not in read_log()
    assert "Read-only" not in read_log()
    assert "Permission denied" not in read_log()
    ill = subprocess.run(read_command("HEALTHCHECK"), env=environment, check=False,
                         capture_output=True)  # fmt: skip
    assert ill.returncode == 1
