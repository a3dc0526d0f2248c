"""The embedded mode's doorbell: unix datagram sockets in the data folder, one per queue and listening worker.

A datagram is right here: when a worker's socket is full, a ring is waiting in it already.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import select
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import structlog

from studio.processes.places import run_dir

log = structlog.get_logger(__name__)

QUEUE_NAME = re.compile(r"[a-z0-9-]{1,24}")
_numbers = itertools.count(1)


class LocalDoorbell:
    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def wake(self, queue: str) -> None:
        try:
            sender = self._sender()
            for name in os.listdir(folder := run_dir()):
                if name.startswith(f"{queue}~"):
                    _ring(sender, folder / name)
        except OSError as error:
            log.warning("doorbell_unheard", queue=queue, reason=type(error).__name__)

    def listen(self, queues: Sequence[str]) -> LocalListener:
        """Raises ValueError for a queue name that makes no file name, OSError when the data folder takes no socket."""
        return LocalListener(queues)

    def flush(self) -> None:
        """A datagram is there as soon as it is sent."""

    def _sender(self) -> socket.socket:
        with self._lock:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            return self._socket


def _ring(sender: socket.socket, path: Path) -> None:
    try:
        sender.sendto(b"!", str(path))
    except (BlockingIOError, FileNotFoundError):
        pass  # full: a ring waits there already. Gone: its worker just left.
    except ConnectionRefusedError:  # a killed worker's socket: nobody holds it, and nobody will
        path.unlink(missing_ok=True)


class LocalListener:
    def __init__(self, queues: Sequence[str]) -> None:
        for queue in queues:
            if not QUEUE_NAME.fullmatch(queue):
                raise ValueError(f"{queue!r} is no name for a queue: small letters, digits and hyphens, 24 at most.")
        self._queues = tuple(queues)
        self._bells: dict[Path, socket.socket] = {}
        self._inside, self._interrupter = socket.socketpair()
        self._inside.setblocking(False)
        self._interrupter.setblocking(False)
        for queue in self._queues:
            self._bind(queue)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(self._bells)

    def wait(self, timeout: float) -> bool:
        readable, _, _ = select.select([self._inside, *self._bells.values()], [], [], timeout)
        rang = False
        for one in readable:
            rang |= _drain(one) and one is not self._inside
        if not readable:
            self._bind_again()
        return rang

    def interrupt(self) -> None:
        with contextlib.suppress(OSError):  # full or closed: the wait ends anyway
            self._interrupter.send(b"!")

    def close(self) -> None:
        for path, bell in self._bells.items():
            path.unlink(missing_ok=True)
            bell.close()
        self._bells.clear()
        self._inside.close()
        self._interrupter.close()

    def _bind(self, queue: str) -> None:
        path = run_dir() / f"{queue}~{os.getpid()}-{next(_numbers)}"
        path.unlink(missing_ok=True)  # of a dead process that had our pid
        bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bell.setblocking(False)
        bell.bind(str(path))
        self._bells[path] = bell

    def _bind_again(self) -> None:
        """Come back when somebody tidied a socket file away; looked at once per quiet sweep."""
        for path, bell in tuple(self._bells.items()):
            if not path.exists():
                bell.close()
                del self._bells[path]
                self._bind(path.name.split("~")[0])


def _drain(one: socket.socket) -> bool:
    heard = False
    try:
        while one.recv(64):
            heard = True
    except BlockingIOError:
        pass
    return heard
