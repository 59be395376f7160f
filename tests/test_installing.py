"""The wheel works wherever it is installed, and an upgrade keeps data, keys and settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from narada_site import places

ROOT = Path(__file__).parent.parent
LIKES = "Track URI,Track Name,Artist Name(s),Added At\n,Windowlicker,Aphex Twin,2020-01-02\n"


def test_a_clone_keeps_all_in_its_folder(tmp_path: Path) -> None:
    for name in ("manage.py", "pyproject.toml"):
        (tmp_path / name).touch()
    assert places.find_data_folder(tmp_path) == tmp_path / "var"
    assert places.find_settings_file(tmp_path) == tmp_path / ".env"
    assert places.find_data_folder(ROOT) == ROOT / "var"


def test_an_installed_program_keeps_nothing_beside_itself(tmp_path: Path) -> None:
    for place in (places.find_data_folder(tmp_path), places.find_settings_file(tmp_path)):
        assert place.is_absolute()
        assert tmp_path not in place.parents
        assert "narada" in place.parts


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Narada as pip installs it, beside other programs."""
    for name in places.SHARED_NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        monkeypatch.delitem(sys.modules, name, raising=False)
    add_distribution(tmp_path, "narada_music-0.1.0", "likes/models.py", "matching/__init__.py")
    add_distribution(tmp_path, "other-1.0", "other/connectors/a.py", "other/__init__.py")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    # Without the finder of the clone that these tests run in.
    monkeypatch.setattr(sys, "meta_path", [PathFinder])
    return tmp_path


def add_distribution(program: Path, name: str, *files: str) -> None:
    folder = program / f"{name}.dist-info"
    folder.mkdir()
    lines = [f"{file},sha256=x,1\n" for file in (*files, f"{name}.dist-info/RECORD")]
    (folder / "RECORD").write_text("".join(lines))


def test_a_program_alone_in_its_place_is_let_be(program: Path) -> None:
    places.check_packages(program)


def test_a_distribution_with_a_package_of_the_same_name_is_refused(program: Path) -> None:
    add_distribution(program, "connectors-0.3", "connectors/__init__.py")
    with pytest.raises(
        ImproperlyConfigured, match=r"connectors is installed .* environment of its"
    ):
        places.check_packages(program)


def test_a_package_that_shadows_one_of_naradas_is_refused(program: Path, tmp_path: Path) -> None:
    other = tmp_path / "earlier" / "matching"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    sys.path.insert(0, str(other.parent))
    with pytest.raises(ImproperlyConfigured, match=f"'matching' .* finds {other}"):
        places.check_packages(program)


def test_a_package_that_was_uninstalled_with_another_is_told(program: Path) -> None:
    shutil.rmtree(program / "matching")
    with pytest.raises(ImproperlyConfigured, match=r"'matching' .* finds none"):
        places.check_packages(program)


# The wheel itself


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy, since setuptools packs what an earlier build has left behind."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    leave = shutil.ignore_patterns(".*", "var", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, source, ignore=leave)
    done = run_pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(source))
    if done.returncode and "No matching distribution found for setuptools" in done.stderr:
        message = "the wheel needs setuptools, which cannot be fetched here"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def run_pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pip", *arguments], capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_wheel_holds_all_of_the_program(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    packages = [path.parent for path in ROOT.glob("*/__init__.py")]
    wanted = {
        path.relative_to(ROOT).as_posix()
        for package in packages
        if package.name not in ("tests", "benchmarks")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(wanted) > 200
    assert {name for name in packed if ".dist-info/" not in name} == wanted


class Installation:
    """A home, and an environment in it that can be thrown away and made again."""

    def __init__(self, home: Path) -> None:
        self.home, self.venv = home, home / "venv"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {**kept, "HOME": str(home)}

    def install(self, wheel: Path) -> None:
        shutil.rmtree(self.venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.venv], check=True)
        done = run_pip("--python", str(self.venv), "install", "--no-deps", str(wheel))
        assert done.returncode == 0, done.stderr
        # What Narada needs is here already. Narada itself is not: this Python has it as a clone.
        scheme = sysconfig.get_path("purelib", vars={"base": str(self.venv)})
        (Path(scheme) / "here.pth").write_text(sysconfig.get_path("purelib"))

    def run(self, *command: str, expect: int = 0) -> str:
        done = subprocess.run(
            [self.venv / "bin" / "narada", *command],
            cwd=self.home, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == expect, done.stderr
        return done.stdout + (done.stderr if expect else "")


@pytest.mark.slow
def test_an_upgrade_of_the_wheel_keeps_data_keys_and_settings(wheel: Path, tmp_path: Path) -> None:
    here = Installation(tmp_path / "home")
    here.home.mkdir()
    (here.home / "likes.csv").write_text(LIKES)
    (here.home / "matching").mkdir()  # of the user, who starts Narada beside it
    (here.home / "matching" / "__init__.py").touch()

    here.install(wheel)
    here.run("init-db")
    here.run("import-spotify-likes", "--from-file", "likes.csv")
    code = "from django.conf import settings as s; print(s.VAR_DIR, s.SETTINGS_FILE)"
    data, settings_file = map(Path, here.run("shell", "--no-imports", "-c", code).split())
    settings_file.parent.mkdir(parents=True, exist_ok=True)
    settings_file.write_text("SPOTIFY_CLIENT_ID=x\nSPOTIFY_CLIENT_SECRET=y\n")
    keys = {name: (data / name).read_bytes() for name in ("secret_key", "token_encryption_keys")}

    here.install(wheel)

    status = json.loads(here.run("status", "--json", "--offline", expect=1).splitlines()[0])
    assert (status["tracks"], status["credentials"]["spotify"]["set"]) == (1, True)
    assert status["database"]["where"] == str(data / "narada.sqlite3")
    assert {name: (data / name).read_bytes() for name in keys} == keys
    assert here.venv not in data.parents
    assert here.home in data.parents

    elsewhere = here.home / "elsewhere"
    here.environment["NARADA_VAR"] = str(elsewhere)
    here.run("init-db")
    assert (elsewhere / "narada.sqlite3").exists()
