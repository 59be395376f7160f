"""The queue of one machine: kombu's filesystem transport, made safe against full disks and kills.

kombu writes a message under its final name and removes it when a worker takes it. A full disk then
leaves a cut file that ends every worker that reads it, and a killed worker loses its messages. Here
a message appears whole or not at all, keeps its file until its work is done, and a file that cannot
be read is set aside.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any, BinaryIO

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

logger = logging.getLogger(__name__)

#: Workers that may die over a message before it is set aside.
MOST_DEATHS = 3
#: Separates the number of such workers from the rest of a file's name.
TAKEN = "~"


class Channel(filesystem.Channel):
    """Holds a lock on the file of each message it has taken, until the message is acknowledged.

    The system releases the lock of a killed worker, so the next worker finds the message in place.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: dict[str, tuple[BinaryIO, Path]] = {}
        self._unacknowledged_queues: set[str] = set()

    # Messages

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:
        # The time first, with leading zeros, so that sorted names are in order of arrival.
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        write_whole(Path(self.data_folder_out, name), payload)

    def _get(self, queue: str) -> Any:
        try:
            names = sorted(os.listdir(self.data_folder_in))
        except OSError as error:
            raise ChannelError(f"The queue cannot be read: {error}") from error
        for name in names:
            if name.partition(".")[2] == f"{queue}.msg":
                payload = self._take(Path(self.data_folder_in, name), queue)
                if payload is not None:
                    return payload
        raise Empty

    def _take(self, path: Path, queue: str) -> Any:
        """Lock a message and return it; None if another worker has it, or if it is set aside."""
        file = lock_file(path)
        if file is None:
            return None
        stem, _, deaths = path.name.partition(".")[0].partition(TAKEN)
        try:
            payload = loads(file.read().decode())
            tag = self.Message(payload, channel=self).delivery_tag
            if not isinstance(tag, str):
                raise ValueError("its tag must be text")
            if deaths and int(deaths) >= MOST_DEATHS:
                raise ValueError(f"{deaths} workers died over it")
            taken = path.with_name(f"{stem}{TAKEN}{int(deaths or 0) + 1}.{queue}.msg")
        except Exception as error:  # noqa: BLE001 -- a garbled file may raise anything
            self._set_aside(path, error)
            file.close()
            return None
        with suppress(OSError):  # It can be worked on under its old name, too.
            path = path.rename(taken)
        self._held[tag] = file, path
        if queue in self._unacknowledged_queues:
            self._remove(tag)
        return payload

    def _set_aside(self, path: Path, error: Exception) -> None:
        folder = Path(self.transport_options["broken_folder"])
        logger.error(
            "A message in the queue cannot be used (%s: %s). It is set aside as %s; "
            "the next sync does its work.", type(error).__name__, error, folder / path.name,
        )  # fmt: skip
        try:
            folder.mkdir(exist_ok=True)
            path.rename(folder / path.name)
        except OSError:
            with suppress(OSError):
                path.unlink()

    def _remove(self, tag: str) -> None:
        """Delete the file of a message whose work is done."""
        file, path = self._held.pop(tag, (None, None))
        if file is not None and path is not None:
            path.unlink(missing_ok=True)
            file.close()

    def _restore(self, message: Any) -> None:
        """Leave a message to the next worker. It is in place already, so only unlock it."""
        file, path = self._held.pop(message.delivery_tag, (None, None))
        if file is not None and path is not None:
            stem, _, rest = path.name.partition(TAKEN)
            with suppress(OSError):  # This worker did not die over it.
                path.rename(path.with_name(f"{stem}.{rest.partition('.')[2]}"))
            file.close()

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> None:
        if no_ack:
            self._unacknowledged_queues.add(queue)
        super().basic_consume(queue, no_ack, *args, **kwargs)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        super().basic_ack(delivery_tag, multiple)
        self._remove(delivery_tag)

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().basic_reject(delivery_tag, requeue)
        self._remove(delivery_tag)

    # The table of each exchange: which of its queues gets which message

    def get_table(self, exchange: str) -> list[Any]:
        file = self._exchange_file(exchange)
        try:
            if rows := loads(file.read_bytes().decode()):
                return [filesystem.exchange_queue_t(*row) for row in rows]
        except FileNotFoundError:
            pass
        except OSError as error:
            raise ChannelError(f"{file} cannot be read: {error}") from error
        except (ValueError, TypeError):
            # As an earlier version left it on a full disk.
            logger.warning("%s is broken; it is written again.", file)
        # A message without a queue would be dropped, so use what this process knows.
        known = self.state.exchanges.get(exchange, {}).get("table", [])
        return [filesystem.exchange_queue_t(*row) for row in known]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._locked_tables():
            table = [other for other in self.get_table(exchange) if other != row]
            write_whole(self._exchange_file(exchange), [row, *table])

    def _delete(self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any,
                **kwargs: Any) -> None:  # fmt: skip
        virtual.Channel._delete(self, queue, exchange, routing_key, pattern, *args, **kwargs)
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        with self._locked_tables():
            table = self.get_table(exchange)
            if row in table:
                write_whole(
                    self._exchange_file(exchange), [other for other in table if other != row]
                )

    @contextmanager
    def _locked_tables(self) -> Iterator[None]:
        try:
            folder = os.open(self.control_folder, os.O_RDONLY)
        except OSError as error:
            raise ChannelError(f"The queue cannot be read: {error}") from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


class Transport(filesystem.Transport):
    Channel = Channel


def lock_file(path: Path) -> BinaryIO | None:
    """Open and lock a file; return None if it is gone or another holds it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ChannelError(f"{path} cannot be read: {error}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, another may have finished or renamed it.
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    except OSError:
        pass
    file.close()
    return None


def write_whole(path: Path, content: Any) -> None:
    """Write JSON so that the file appears complete or not at all."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with unfinished.open("wb") as file:
            file.write(dumps(content).encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise ChannelError(f"The queue cannot be written: {error}") from error
