"""``narada run``: three programs that live and end together."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from waiting import PATIENCE, is_alive, wait_for

from likes.management import processes
from likes.management.base import Error

ROOT = Path(__file__).parents[3]

#: Writes its number down each time it starts, and lives until it is ended.
LIVES = """
import os, sys, time
with open(sys.argv[1], "a") as file: print(os.getpid(), file=file)
time.sleep(600)
"""
DIES = "import sys; print('out of luck', file=sys.stderr); sys.exit(3)"
DEAF = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]\n" + LIVES
SUPERVISES = """
import sys
import django
django.setup()
from likes.management.processes import Supervisor
lives = sys.argv[1]
Supervisor(
    {name: [sys.executable, "-c", lives, f"{sys.argv[2]}/{name}"] for name in ("web", "worker")},
    lambda text: print(text, flush=True),
).run()
print("ended in order", flush=True)
"""


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def read_numbers(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def make_environment(folder: Path, **more: str) -> dict[str, str]:
    known = {"NARADA_VAR": str(folder / "var"), "DJANGO_SETTINGS_MODULE": "narada_site.settings"}
    ours = {name: value for name, value in os.environ.items() if "_URL" not in name}
    return {**ours, "PYTHONPATH": str(ROOT), **known, **more}


def test_the_procfile_names_the_same_programs(settings: Any) -> None:
    settings.WEB_BIND = "${WEB_BIND:-127.0.0.1:8000}"
    lines = re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
    modules = {name: command[3:] for name, command in processes.list_programs().items()}
    assert {name: shlex.split(line) for name, line in lines} == modules


def test_a_program_that_dies_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE", 0)
    web, said, killed = tmp_path / "web", list[str](), set[int]()

    def kill_twice() -> bool:
        numbers = read_numbers(web)
        if numbers and len(numbers) < 3 and numbers[-1] not in killed:
            killed.add(numbers[-1])
            os.kill(numbers[-1], signal.SIGKILL)
        if len(numbers) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return False

    programs = {"web": python(LIVES, web), "worker": python(LIVES, tmp_path / "worker")}
    processes.Supervisor(programs, said.append).run(kill_twice)

    assert said[:2] == ["web ended (SIGKILL); it is started again."] * 2
    assert len(read_numbers(tmp_path / "worker")) == 1
    started = read_numbers(web) + read_numbers(tmp_path / "worker")
    assert not any(is_alive(number) for number in started)


def test_a_program_that_always_dies_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "FIRST_PAUSE", 0)
    programs = {"web": python(LIVES, tmp_path / "web"), "worker": python(DIES)}
    with pytest.raises(
        Error, match=r"worker ended 4 times .* with exit code 3, so all was stopped"
    ):
        processes.Supervisor(programs, lambda text: None).run()
    assert not any(is_alive(number) for number in read_numbers(tmp_path / "web"))


def test_a_program_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0)
    said: list[str] = []

    def stop() -> bool:
        if read_numbers(tmp_path / "beat"):
            os.kill(os.getpid(), signal.SIGINT)
        return False

    processes.Supervisor({"beat": python(DEAF, tmp_path / "beat")}, said.append).run(stop)
    assert said[1:] == ["beat did not end in time and was killed; nothing is lost."]
    assert not is_alive(read_numbers(tmp_path / "beat")[0])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_program_outlives_the_command(number: signal.Signals, tmp_path: Path) -> None:
    if number == signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux tells a process that its parent was killed")
    command = subprocess.Popen(
        python(SUPERVISES, LIVES, tmp_path),
        cwd=tmp_path, env=make_environment(tmp_path), stdout=subprocess.PIPE, text=True,
        # Under nohup, which these tests may run under, it would be deaf to a closed terminal.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    files = [tmp_path / "web", tmp_path / "worker"]
    wait_for(lambda: all(read_numbers(file) for file in files))
    started = [read_numbers(file)[0] for file in files]

    command.send_signal(number)
    wait_for(lambda: not any(is_alive(pid) for pid in started))
    assert command.communicate()[0].endswith("ended in order\n") == (number != signal.SIGKILL)


#: Stands between a terminal and the command, and keeps SIGHUP to itself, as make does.
LEADS = """
import signal, subprocess, sys
signal.signal(signal.SIGHUP, lambda *_: None)
subprocess.run(sys.argv[1:])
"""


def test_no_program_outlives_the_terminal_of_a_command_that_make_started(tmp_path: Path) -> None:
    environment = make_environment(tmp_path)
    command = python(LEADS, *python(SUPERVISES, LIVES, tmp_path))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, command, environment)
    files = [tmp_path / "web", tmp_path / "worker"]
    wait_for(lambda: all(read_numbers(file) for file in files))

    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not any(is_alive(number) for file in files for number in read_numbers(file))


def run_command(folder: Path, *, expect: int, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "run"],
        cwd=folder, env=make_environment(folder, **more), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (expect, "")
    return done.stderr


def test_a_port_that_is_taken_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        said = run_command(tmp_path, expect=1, WEB_BIND=bind)
    assert said == (
        f"Error: The web pages cannot be served at {bind}: Address already in use. "
        "Set WEB_BIND to another address, for example WEB_BIND=127.0.0.1:8001\n"
    )


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:99999", "127.0.0.1:web", "192.0.2.1:8000"])
def test_an_address_that_cannot_be_served_is_said_in_one_line(bind: str) -> None:
    with pytest.raises(Error, match=f"cannot be served at {bind}.* Set WEB_BIND"):
        processes.check_bind(bind)


@pytest.mark.slow
def test_the_three_serve_and_end_when_their_terminal_is_closed(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = make_environment(tmp_path, WEB_BIND=bind)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, str(ROOT / "manage.py"), "run"], environment)
    text = ""

    def is_ready() -> bool:
        nonlocal text
        text += os.read(terminal, 4096).decode(errors="replace")
        return f"Narada runs at http://{bind}/" in text and " ready." in text

    wait_for(is_ready)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 3
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not any(is_alive(int(child)) for child in children)


STAGES = """
import os, time
import django
django.setup()
from likes.demo.stage import Stage
with Stage(dict(os.environ), print) as stage:
    print(stage.start("http.server", "0").pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells that a parent was killed")
def test_no_process_of_the_demo_outlives_it(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        python(STAGES), cwd=tmp_path, env=make_environment(tmp_path), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert demo.stdout is not None
    child = int(demo.stdout.readline())
    assert is_alive(child)
    demo.kill()
    demo.wait()
    wait_for(lambda: not is_alive(child))
