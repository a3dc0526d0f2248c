"""A Redis of a test's own, which may be killed, stopped and started again without anybody else noticing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

PATIENCE = 60
"""Seconds in which a server that was started must answer."""


class OwnRedis:
    """One redis-server on a free port. It keeps nothing on disk: started again, it is empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> OwnRedis:
        """`options` are those of redis-server's command line. Comes back when it answers."""
        kept = ("--save", "", "--appendonly", "no", "--dir", str(self.folder), "--bind", "127.0.0.1", "--loglevel", "warning")
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), *kept, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert self.process.poll() is None, "redis-server has ended"
            assert time.monotonic() < deadline, "redis-server does not answer"
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def kill(self) -> None:
        """At once, as a crash would; connections break."""
        if self.process is not None:
            self.resume()
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def forget_connections(self) -> None:
        """Cut every line to it, as a firewall or a fail-over does; it goes on."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as line:
            line.sendall(b"CLIENT KILL TYPE normal SKIPME yes\r\nCLIENT KILL TYPE pubsub\r\n")
            line.recv(64)
