"""The arrows of docs/architecture.md, and the sizes that keep a module readable."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("matching", "connectors", "narada_sandbox", "likes", "narada_site")
MOST_LINES = 400
MOST_LINES_OF_FUNCTION = 80
MOST_ENTRIES = 22

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

# The rooms, the highest first. A module imports its own room and the rooms of its package on
# lower lines.
FLOORS: tuple[set[str], ...] = (
    {"matching"},
    {"matching/comparing"},
    {"matching/reading"},
    {"matching/descriptions"},
    {"connectors/providers", "connectors/files"},
    {"connectors"},
    {"likes/apps"},
    {"likes/management/commands"},
    {"likes/web", "likes/admin", "likes/demo"},
    {"likes/management"},
    {"likes/tasks"},
    {"likes/like_sync"},
    {"likes/verification"},
    {"likes/library", "likes/status"},
    {"likes/importing", "likes/exporting"},
    {"likes/runs"},
    {"likes/accounts", "likes/review"},
    {"likes/like_operations", "likes/blocking_keys"},
    {"likes/templatetags"},
    {"likes/models"},
    {"likes/migrations"},
)

# Room -> what its modules may import besides the standard library, their own room and the rooms
# below in their package. The longest name that fits a module counts.
ARROWS: dict[str, set[str]] = {
    "matching": set(),
    "matching/comparing": {"rapidfuzz"},
    "matching/reading": {"anyascii"},
    "matching/descriptions": set(),
    "connectors": CLIENTS,
    "connectors/providers": {"django", "allauth"},
    "connectors/files": set(),
    "narada_sandbox": set(),
    "likes": set(),
    "likes/apps": {"django", "matching"},
    "likes/management/commands": {
        *(
            "django",
            "matching",
            "connectors",
            "connectors/files",
            "narada_sandbox",
            "filelock",
            "rich",
        ),
    },
    "likes/web": {"django", "allauth", "django_htmx", "kombu"},
    "likes/admin": {"django", "allauth"},
    "likes/demo": {"django", "connectors", "narada_sandbox", "rich"},
    "likes/management": {
        "django",
        "matching",
        "connectors",
        "connectors/files",
        "gunicorn",
        "rich",
    },
    "likes/tasks": {"django", "django_celery_beat", "celery", "kombu"},
    "likes/like_sync": {"django", "connectors", "connectors/files"},
    "likes/verification": {"django", "matching", "connectors"},
    "likes/library": {"django", "matching", "connectors", "connectors/files"},
    "likes/status": {"django", "connectors", "rich"},
    "likes/importing": {"django", "matching", "connectors", "connectors/files"},
    "likes/exporting": {"django", "matching", "connectors"},
    "likes/runs": {"django", "django_celery_beat", "matching", "connectors"},
    "likes/accounts": {"django", "allauth", "connectors", "cryptography"},
    "likes/review": {"django", "matching"},
    "likes/like_operations": {"django"},
    "likes/blocking_keys": {"matching", "connectors"},
    "likes/templatetags": {"django"},
    "likes/models": {"django"},
    "likes/migrations": {"django", "matching", "likes/models"},
    "narada_site": DJANGO
    | {
        "likes/management",
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

# What a room leaves alone although it is below.
APART: dict[str, set[str]] = {
    "likes/demo": set().union(*FLOORS) - {"likes/models", "likes/management"},
}


def list_modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_module(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def find_room(name: str) -> str:
    """Return the room that a path or a dotted name is in; the package, where it has no rooms."""
    parts = name.removesuffix(".py").replace(".", "/").split("/")
    prefixes = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((prefix for prefix in prefixes if prefix in ARROWS), parts[0])


def list_allowed(room: str) -> set[str]:
    """Return the rooms and packages that a room may import."""
    floor = next((number for number, floor in enumerate(FLOORS) if room in floor), len(FLOORS))
    below = {
        name
        for lower in FLOORS[floor + 1 :]
        for name in lower
        if name.partition("/")[0] == room.partition("/")[0] and name != "likes/migrations"
    }
    return {room} | ARROWS[room] | (below - APART.get(room, set()))


def read_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each absolute import, also those inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def is_allowed(imported: str, room: str) -> bool:
    if imported.partition(".")[0] in sys.stdlib_module_names:
        return True
    return find_room(imported) in list_allowed(room)


@pytest.mark.parametrize("path", list_modules(*PACKAGES), ids=name_module)
def test_imports_follow_the_arrows(path: Path) -> None:
    room = find_room(name_module(path))
    wrong = [
        f"line {line}: {imported}"
        for line, imported in read_imports(ast.parse(path.read_text()))
        if not is_allowed(imported, room)
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("module", "imported", "right"),
    [
        ("matching/comparing/titles.py", "rapidfuzz.fuzz", True),
        ("matching/comparing/titles.py", "matching.reading.titles", True),
        ("matching/reading/titles.py", "matching.comparing.titles", False),
        ("matching/reading/titles.py", "matching.matcher", False),
        ("connectors/files/rows.py", "connectors.records", True),
        ("connectors/files/rows.py", "connectors.providers", False),
        ("connectors/http.py", "connectors.files", False),
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
        ("likes/runs/undo.py", "likes.models.Like", True),
        ("likes/runs/undo.py", "likes.exporting.own_lists", False),
        ("likes/runs/undo.py", "likes.runs.leases", True),
        ("likes/importing/merging.py", "likes.exporting.own_lists", False),
        ("likes/admin/music.py", "likes.web.paging", False),
        ("likes/web/home.py", "likes.tasks", True),
        ("likes/web/home.py", "likes.demo.stage", False),
        ("likes/demo/stage.py", "likes.runs.leases", False),
        ("likes/management/commands/demo.py", "likes.demo.stage", True),
        ("likes/models/music.py", "likes.accounts.holds", False),
        ("likes/tasks.py", "celery", True),
        ("likes/tasks.py", "requests", False),
        ("likes/like_sync.py", "connectors.spotify", True),
        ("likes/tasks.py", "narada_site.settings", False),
        ("narada_site/settings.py", "connectors.http", False),
    ],
)
def test_arrows_say_what_they_should(module: str, imported: str, right: bool) -> None:
    assert is_allowed(imported, find_room(module)) is right


def test_every_room_is_on_a_floor() -> None:
    found = {
        find_room(name_module(path)) for path in list_modules("matching", "connectors", "likes")
    }
    assert found - {"likes"} == set().union(*FLOORS)
    assert len([*(ROOT / "likes").glob("[!_]*")]) <= MOST_ENTRIES


def test_no_import_leads_back_to_its_module() -> None:
    modules = {
        name_module(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for path in list_modules(*PACKAGES)
    }
    graph: dict[str, set[str]] = {}
    for name, path in modules.items():
        imported = {full for _, full in read_imports(ast.parse(path.read_text()))}
        # A name that is no module is one of the module before its last dot.
        found = {full if full in modules else full.rpartition(".")[0] for full in imported}
        graph[name] = found & modules.keys() - {name}
    TopologicalSorter(graph).prepare()  # raises a CycleError that names the circle


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


# What only likes/like_operations/ writes of a like; and what else has a state.
FIELDS_OF_STATE = {
    *("state", "sent_at", "confirmed_at", "removed_at"),
    *("attempts", "failing_since", "next_attempt_at", "last_error"),
}
OTHER_STATES = ("choice", "run", "Run", "connection", "Connection", "checkpoint")


def find_state_writes(tree: ast.Module) -> Iterator[str]:
    """Yield each write of a like's state, or of a field beside it."""
    for node in ast.walk(tree):
        written: set[str] = set()
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            places = [place for target in targets for place in ast.walk(target)]
            written = {place.attr for place in places if isinstance(place, ast.Attribute)}
        elif isinstance(node, ast.Call):
            function = ast.unparse(node.func).rpartition(".")[2]
            names = {keyword.arg or "" for keyword in node.keywords}
            if function in ("Like", "update", "create", "get_or_create", "update_or_create"):
                written = names
            if function in ("bulk_update", "save"):
                texts = [one for one in ast.walk(node) if isinstance(one, ast.Constant)]
                written = {str(text.value) for text in texts}
        elif isinstance(node, ast.Dict):  # reports tell a state and an error, too
            keys = {str(key.value) for key in node.keys if isinstance(key, ast.Constant)}
            written = keys - {"state", "last_error"}
        text = ast.unparse(node) if written & FIELDS_OF_STATE else ""
        if text and not re.search(rf"\b({'|'.join(OTHER_STATES)})\b", text):
            yield f"line {getattr(node, 'lineno', 0)}: {text}"


@pytest.mark.parametrize(
    ("text", "writes"),
    [
        ("likes.update(state=State.PENDING)", True),
        ("Like.objects.filter(pk=1).update(attempts=F('attempts') + 1)", True),
        ("like.state, like.last_error = state, why", True),
        ("like.save(update_fields=['removed_at'])", True),
        ("Like.objects.bulk_update(likes, ['sent_at', 'updated_at'])", True),
        ("Like(user=user, state=state)", True),
        ("likes.update(**{'sent_at': None})", True),
        ("like.liked_at = when", False),
        ("likes.filter(state=State.PENDING)", False),
        ("mine.update(state=Connection.State.CONNECTED)", False),
    ],
)
def test_writes_of_a_state_are_found(text: str, writes: bool) -> None:
    assert bool([*find_state_writes(ast.parse(text))]) is writes


def test_only_its_operations_write_the_state_of_a_like() -> None:
    found = {
        name_module(path): [*find_state_writes(ast.parse(path.read_text()))]
        for path in list_modules("likes")
        if find_room(name_module(path)) not in ("likes/like_operations", "likes/migrations")
    }
    assert {name: writes for name, writes in found.items() if writes} == {}


def test_architecture_names_each_module_and_nothing_else() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", text))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    wiring = ("__init__.py", "apps.py", "urls.py")
    left_out = ("migrations", "commands", "spotify", "lastfm")
    modules = {
        name_module(path)
        for path in list_modules("likes", "connectors", "matching")
        if path.name not in wiring and path.parent.name not in left_out
    }
    assert sorted(modules - named) == []
    rooms = set(re.findall(r"`(likes/[\w/]+?)(?:/|\.py)`", text))
    in_likes = {room for room in set().union(*FLOORS) if room.startswith("likes/")}
    assert sorted(in_likes - {"likes/apps", "likes/migrations"} - rooms) == []


def list_documents() -> list[Path]:
    return [*ROOT.glob("[CRS]*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("path", list_documents(), ids=name_module)
def test_documents_name_only_paths_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    folders = "|".join([*PACKAGES, "tests", "docs", "benchmarks", "deploy"])
    named = re.findall(rf"`((?:{folders})/[\w./-]*|[A-Z]+\.md)[`:]", text)
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [name for name in linked if not (path.parent / name).exists()]
    assert missing == []
