"""The queue in files: what a full disk or a kill leaves behind costs no worker and no message."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker
from kombu import Connection, Consumer, Exchange, Producer, Queue
from waiting import PATIENCE

from narada_site import file_queue
from narada_site.celery import app as narada_app

ROOT = Path(__file__).parent.parent
QUEUE = Queue("celery", Exchange("celery"), routing_key="celery")
LAST = 1000


@pytest.fixture(autouse=True)
def forget_bindings() -> None:
    """A process remembers which queues it has bound, and each test has another folder."""
    file_queue.Transport.global_state.clear()


def make_options(folder: Path) -> dict[str, str]:
    for name in ("messages", "control", "broken"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "broken_folder": str(folder / "broken"),
        "polling_interval": 0.01,  # type: ignore[dict-item]
    }


def connect(folder: Path) -> Connection:
    return Connection(
        "filesystem://",
        transport="narada_site.file_queue:Transport",
        transport_options=make_options(folder),
    )


def send(folder: Path, *texts: str) -> None:
    with connect(folder) as connection:
        producer = Producer(connection.channel())
        for text in texts:
            producer.publish(
                text, serializer="json", exchange=QUEUE.exchange, routing_key="celery",
                declare=[QUEUE],
            )  # fmt: skip


def receive(folder: Path, act: Callable[[Any], None] = lambda message: message.ack()) -> list[str]:
    """Receive all messages that wait, as a worker does, and close the connection."""
    found: list[str] = []

    def keep(body: str, message: Any) -> None:
        found.append(body)
        act(message)

    with (
        connect(folder) as connection,
        Consumer(connection.channel(), [QUEUE], callbacks=[keep], accept=["json"]),
    ):
        while True:
            try:
                connection.drain_events(timeout=0.05)
            except TimeoutError:
                return found


def list_messages(folder: Path) -> list[Path]:
    return sorted((folder / "messages").iterdir())


def cut(text: bytes) -> bytes:
    return text[: len(text) // 2]


BROKEN = {
    "empty": b"",
    "cut": cut,
    "zeros": b"\0" * 4096,
    "no text": b"\xff\xfe\x00",
    "another shape": b"[1, 2]",
    "a number": b"7",
    "no properties": b"{}",
    "no tag": b'{"properties": {}, "body": "", "headers": {}}',
    "an odd tag": b'{"properties": {"delivery_tag": []}}',
    "no base64": b'{"properties": {"delivery_tag": "1", "body_encoding": "base64"}, "body": "x"}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_message_is_set_aside_and_the_others_arrive(
    content: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    send(tmp_path, "first", "second", "third")
    broken = list_messages(tmp_path)[1]
    broken.write_bytes(content(broken.read_bytes()) if callable(content) else content)

    assert receive(tmp_path) == ["first", "third"]
    assert [path.name for path in (tmp_path / "broken").iterdir()] == [broken.name]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert str(tmp_path / "broken" / broken.name) in caplog.text
    assert list_messages(tmp_path) == []


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_a_disk_that_is_full_leaves_no_part_of_a_message(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        if failing == "write":
            full.setattr(os, "fsync", fail)
        else:
            full.setattr(Path, "replace", fail)
        with pytest.raises(Exception, match="No space left"):
            send(tmp_path, "lost")
    assert list_messages(tmp_path) == []
    send(tmp_path, "kept")
    assert receive(tmp_path) == ["kept"]


@pytest.mark.parametrize("content", [b"", b'[["celery", "", "cel', b"{}", b"[1]"])
def test_a_broken_table_of_an_exchange_is_written_again(content: bytes, tmp_path: Path) -> None:
    send(tmp_path, "before")
    (tmp_path / "control" / "celery.exchange").write_bytes(content)
    send(tmp_path, "meanwhile")
    file_queue.Transport.global_state.clear()  # as in a process that starts
    send(tmp_path, "after")
    assert receive(tmp_path) == ["before", "meanwhile", "after"]


def test_a_message_stays_until_it_is_acknowledged_and_goes_to_one_worker(tmp_path: Path) -> None:
    send(tmp_path, "one")
    taken: list[list[str]] = []
    # While the first worker is at it, the second finds nothing.
    assert receive(tmp_path, lambda message: taken.append(receive(tmp_path))) == ["one"]
    assert taken == [[]]
    # The first one has closed its connection without an acknowledgement.
    assert receive(tmp_path) == ["one"]
    assert receive(tmp_path) == []


def test_messages_that_are_handed_back_wait_in_their_order(tmp_path: Path) -> None:
    send(tmp_path, "one", "two", "three")
    for _ in range(file_queue.MOST_DEATHS + 1):
        assert receive(tmp_path, lambda message: None) == ["one", "two", "three"]
    assert receive(tmp_path, lambda message: message.reject()) == ["one", "two", "three"]
    assert list_messages(tmp_path) == []


TAKE_AND_DIE = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests")
from test_file_queue import receive
receive(Path(sys.argv[1]), lambda message: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_message_outlives_killed_workers_but_not_one_after_another(tmp_path: Path) -> None:
    send(tmp_path, "deadly", "harmless")
    for _ in range(file_queue.MOST_DEATHS):
        killed = subprocess.run(
            [sys.executable, "-c", TAKE_AND_DIE, str(tmp_path)], cwd=ROOT, check=False
        )
        assert killed.returncode == -signal.SIGKILL
        assert len(list_messages(tmp_path)) == 2
    assert receive(tmp_path) == ["harmless"]
    assert len(list((tmp_path / "broken").iterdir())) == 1


@pytest.fixture
def default_app() -> Iterator[None]:
    """Celery's worker for tests makes its app the one of all tasks, also of later tests."""
    yield
    narada_app.set_current()
    narada_app.set_default()


@pytest.mark.slow
@pytest.mark.usefixtures("default_app")
def test_a_worker_outlives_messages_that_are_garbled_anyhow(tmp_path: Path) -> None:
    """Bytes and whole values of real messages changed at random; the worker does the rest."""
    done: list[int] = []
    finished = threading.Event()
    app = Celery("garbled", broker="filesystem://", set_as_current=False)
    app.conf.update(
        broker_transport="narada_site.file_queue:Transport",
        broker_transport_options=make_options(tmp_path),
        task_ignore_result=True,
        task_acks_late=True,
    )

    @app.task(name="note")
    def note(number: int) -> None:
        done.append(number)
        if number == LAST:
            finished.set()

    chance = random.Random(8)
    for number in range(200):
        note.delay(number)
    for path in list_messages(tmp_path)[::2]:
        text = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 4)):
            start = chance.randrange(len(text))
            text[start : start + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 9))
        path.write_bytes(text)
    app.finalize()
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False):
        note.delay(LAST)
        assert finished.wait(PATIENCE)
    assert set(range(1, 200, 2)) <= set(done)
