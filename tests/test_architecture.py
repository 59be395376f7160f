"""The arrows of docs/architecture.md, and the sizes that keep a module readable."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("matching", "connectors", "narada_sandbox", "likes", "narada_site")
MOST_LINES = 400
MOST_LINES_OF_FUNCTION = 80

DJANGO = {"django", "allauth", "django_htmx", "django_celery_beat"}
CLIENTS = {
    "requests",
    "spotipy",
    "pylast",
    "httpx2",
    "urllib3",
    "pyrate_limiter",
    "filelock",
    "redis",
}

# Folder -> what its modules may import besides the standard library and themselves. The longest
# folder that fits a module counts.
ARROWS: dict[str, set[str]] = {
    "matching": {"rapidfuzz", "anyascii"},
    "connectors": CLIENTS,
    "connectors/providers": CLIENTS | {"django", "allauth", "connectors"},
    "narada_sandbox": set(),
    "likes": DJANGO
    | {
        "matching",
        "connectors",
        "narada_sandbox",
        "celery",
        "kombu",
        "cryptography",
        "filelock",
        "gunicorn",
        "rich",
    },
    "narada_site": DJANGO
    | {
        "likes",
        "environ",
        "dotenv",
        "celery",
        "kombu",
        "redis",
        "cryptography",
        "platformdirs",
        "sentry_sdk",
        "whitenoise",
        "rich",
    },
}


def list_modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_module(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def find_arrows(path: Path) -> tuple[str, set[str]]:
    """Return the folder whose rule holds for a module, and what it may import."""
    name = name_module(path)
    fitting = [folder for folder in ARROWS if name.startswith(f"{folder}/")]
    folder = max(fitting, key=len)
    return folder, ARROWS[folder]


def read_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each absolute import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module


def is_allowed(imported: str, folder: str, allowed: set[str]) -> bool:
    top = imported.partition(".")[0]
    if top in sys.stdlib_module_names or top == "__future__":
        return True
    own_package = folder.partition("/")[0]
    if top == own_package:
        # Down the tree is private: the package does not import its providers.
        inner = "/".join(imported.split(".")[:2])
        return inner not in ARROWS or folder == inner or folder.startswith(f"{inner}/")
    return top in allowed


@pytest.mark.parametrize("path", list_modules(*PACKAGES), ids=name_module)
def test_imports_follow_the_arrows(path: Path) -> None:
    folder, allowed = find_arrows(path)
    wrong = [
        f"line {line}: {imported}"
        for line, imported in read_imports(ast.parse(path.read_text()))
        if not is_allowed(imported, folder, allowed)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("module", "imported", "right"),
    [
        ("matching/matcher.py", "rapidfuzz.fuzz", True),
        ("matching/matcher.py", "django.db", False),
        ("matching/matcher.py", "connectors.records", False),
        ("connectors/http.py", "requests", True),
        ("connectors/http.py", "django.conf", False),
        ("connectors/http.py", "likes.models", False),
        ("connectors/http.py", "narada_sandbox.server", False),
        ("narada_sandbox/services.py", "connectors.http", False),
        ("narada_sandbox/services.py", "narada_sandbox.tokens", True),
        ("connectors/providers/spotify/views.py", "allauth.socialaccount", True),
        ("connectors/providers/spotify/views.py", "connectors.http", True),
        ("connectors/providers/spotify/views.py", "likes.models", False),
        ("likes/tasks.py", "celery", True),
        ("likes/tasks.py", "requests", False),
        ("likes/tasks.py", "connectors.spotify", True),
        ("likes/tasks.py", "narada_site.settings", False),
        ("narada_site/settings.py", "connectors.http", False),
    ],
)
def test_arrows_say_what_they_should(module: str, imported: str, right: bool) -> None:
    folder, allowed = find_arrows(ROOT / module)
    assert is_allowed(imported, folder, allowed) is right


def list_measured() -> list[Path]:
    return [path for path in list_modules(*PACKAGES) if "migrations" not in path.parts]


@pytest.mark.parametrize("path", list_measured(), ids=name_module)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_FUNCTION
    ]
    assert not long
    assert len(text.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", list_measured(), ids=name_module)
def test_nothing_is_printed(path: Path) -> None:
    calls = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not calls, f"print() in lines {calls}; commands write to self.stdout"


def test_architecture_names_each_module_of_likes_and_nothing_else() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", text))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    wiring = {"likes/__init__.py", "likes/apps.py", "likes/web/urls.py"}
    modules = {name_module(path) for path in (ROOT / "likes").glob("*.py")}
    assert modules - wiring - named == set()
