"""How a worker reaches the browsers in the embedded mode: lines of JSON over a unix stream socket to the web process.

Stream and not datagrams: a datagram queue holds ten messages, and the next one fails. Everything is best effort: a page that misses a
message reads the rows when it looks again, so nothing here may slow or fail a job.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from studio.processes.places import run_dir

log = structlog.get_logger(__name__)

MAX_LINE = 1024 * 1024
"""Bytes of one message; the largest real one is a rendered progress fragment of a few kilobytes."""

BACK_OFF = (0.05, 2.0)
"""First and longest pause between two attempts to reach the web process, in seconds."""


def relay_path() -> Path:
    return run_dir() / "live.sock"


class RelayServer:
    """The web process's end. `deliver(group, message)` is called in the loop of `start`, in the order of each sender."""

    CHECK_SECONDS = 5.0

    def __init__(self, path: Path, deliver: Callable[[str, dict[str, Any]], None]) -> None:
        self.path = path
        self.deliver = deliver
        self._server: asyncio.Server | None = None
        self._guard: asyncio.Task[None] | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen; a socket file that a killed predecessor left is replaced. Raises OSError."""
        await self._listen()
        self._guard = asyncio.create_task(self._keep_listening())

    async def stop(self) -> None:
        if self._guard:
            self._guard.cancel()
        if self._server:
            self._server.close()
        for writer in tuple(self._open):
            writer.close()
        self.path.unlink(missing_ok=True)

    async def _listen(self) -> None:
        self.path.unlink(missing_ok=True)  # `web.lock` is held, so nobody living listens here
        # Nobody else may enter the folder, so it does not matter that the mode is set after the socket exists.
        self._server = await asyncio.start_unix_server(self._read, self.path, limit=MAX_LINE)
        self.path.chmod(0o600)

    async def _keep_listening(self) -> None:
        """Come back when somebody tidied the socket away."""
        while True:
            await asyncio.sleep(self.CHECK_SECONDS)
            if not self.path.exists():
                with contextlib.suppress(OSError):
                    await self._listen()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while line := await reader.readline():
                if not line.endswith(b"\n"):
                    break  # the sender died in the middle; it sends the whole again if it lives
                envelope = json.loads(line)
                self.deliver(envelope["group"], envelope["message"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning("relay_line_refused", reason=type(error).__name__)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


class RelayClient:
    """A worker's end: one background thread, a bounded queue. `send` takes microseconds, never waits, never raises.

    Messages with a `slot` are news of which only the newest counts: a waiting one of the same slot is replaced, and when the queue is full
    the oldest of them goes first.
    """

    def __init__(self, path: Callable[[], Path] = relay_path, *, capacity: int = 1000) -> None:
        self._path = path
        self._capacity = capacity
        self._numbers = itertools.count()
        self._lines: dict[int, tuple[bytes, str]] = {}
        self._slots: dict[str, int] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._closed = False

    def send(self, group: str, message: dict[str, Any], *, slot: str = "") -> None:
        line = json.dumps({"group": group, "message": message}, separators=(",", ":")).encode() + b"\n"
        with self._changed:
            if self._closed:
                return
            if slot and (waiting := self._slots.pop(slot, None)) is not None:
                del self._lines[waiting]
            if len(self._lines) >= self._capacity:
                self._drop_one()
            self._keep(next(self._numbers), line, slot)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-relay", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything went out, `timeout` seconds at most; say whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._busy, timeout)

    def close(self, timeout: float = 0.5) -> None:
        """Send what waits, if that goes quickly, and end the thread."""
        if self._thread:
            self.flush(timeout)
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout)

    # --- with the lock held ------------------------------------------------------------------------------------------

    def _keep(self, number: int, line: bytes, slot: str) -> None:
        self._lines[number] = (line, slot)
        if slot:
            self._slots[slot] = number

    def _drop_one(self) -> None:
        number = self._slots.pop(next(iter(self._slots))) if self._slots else next(iter(self._lines))
        del self._lines[number]

    def _take_all(self) -> list[tuple[int, bytes, str]]:
        taken = [(number, line, slot) for number, (line, slot) in self._lines.items()]
        self._lines.clear()
        self._slots.clear()
        return taken

    def _put_back(self, taken: list[tuple[int, bytes, str]]) -> None:
        """Return what could not be sent to the front, less what has been superseded meanwhile."""
        newer = self._take_all()
        slots = {slot for _, _, slot in newer if slot}
        for number, line, slot in [entry for entry in taken if entry[2] not in slots] + newer:
            self._keep(number, line, slot)
        while len(self._lines) > self._capacity:
            self._drop_one()

    # --- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        connection: socket.socket | None = None
        pause = BACK_OFF[0]
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._lines or self._closed)
                if self._closed:
                    break
                self._busy = True
                taken = self._take_all()
            try:
                connection = connection or self._connect()
                connection.sendall(b"".join(line for _, line, _ in taken))
                pause = BACK_OFF[0]
            except OSError:
                if connection:
                    connection.close()
                    connection = None
                with self._changed:
                    self._put_back(taken)
                    self._changed.wait_for(lambda: self._closed, pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads, hides nothing
                pause = min(BACK_OFF[1], pause * 2)
        if connection:
            connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(2)
            connection.connect(str(self._path()))
        except OSError:
            connection.close()
            raise
        return connection


_client: RelayClient | None = None
_client_lock = threading.Lock()


def client() -> RelayClient:
    """The one client of this process."""
    global _client
    with _client_lock:
        if _client is None:
            _client = RelayClient()
        return _client


def goodbye(timeout: float = 0.5) -> None:
    """Send what waits before the process ends, in `timeout` seconds at most."""
    if _client is not None:
        _client.close(timeout)
