"""How `manage.py restart` reaches the supervisor: over a unix socket in the folder of the data folder's sockets.

Who connects sends `GO`, and then reads: lines for people, and last a line with the exit status.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from studio.processes.places import run_dir

GO = b"go\n"
ANSWER_SECONDS = 10.0


def restart_path() -> Path:
    return run_dir() / "restart.sock"


class NobodyRuns(Exception):
    """No supervisor of the scaled mode listens for this data folder."""


class Listener:
    """The supervisor's end. `is_asked()` and `tell` never wait for anybody."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._path = path
        path.unlink(missing_ok=True)  # of one that was killed: the lock of the data folder says that nobody else has it
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(path))
        self._door.listen(4)
        self._door.setblocking(False)

    def fileno(self) -> int:
        return self._door.fileno()

    def come_in(self) -> Caller | None:
        try:
            line, _ = self._door.accept()
        except OSError:
            return None
        return Caller(line)

    def close(self) -> None:
        self._door.close()
        self._path.unlink(missing_ok=True)


class Caller:
    """One who has connected."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        line.setblocking(False)

    def fileno(self) -> int:
        return self._line.fileno()

    def asks(self) -> bool:
        """Whether the word has come; False also when the caller has gone."""
        try:
            return self._line.recv(len(GO)) == GO
        except OSError:
            return False

    def tell(self, text: str) -> None:
        """A caller who went away, or reads nothing, misses it."""
        with contextlib.suppress(OSError):
            self._line.send(f"{text}\n".encode())

    def hang_up(self, status: int) -> None:
        self.tell(str(status))
        self._line.close()


class Asking:
    """The end of `manage.py restart`."""

    def __init__(self, path: Path) -> None:
        """Raises `NobodyRuns`."""
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.settimeout(ANSWER_SECONDS)
        try:
            self._line.connect(str(path))
        except OSError:
            self._line.close()
            raise NobodyRuns from None
        self.status: int | None = None
        """0: all are new; None: the supervisor went away in the middle."""

    def go(self) -> Iterator[str]:
        """Ask, and pass on what is told, until it is over."""
        with self._line:
            self._line.settimeout(None)
            try:
                self._line.sendall(GO)
                with self._line.makefile(encoding="utf-8") as told:
                    for line in told:
                        text = line.rstrip("\n")
                        if text.isdigit():
                            self.status = int(text)
                            return
                        yield text
            except OSError:
                return
