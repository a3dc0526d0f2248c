"""A Redis of this run alone, so that it may be killed."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import redis

START_SECONDS = 30


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


class OwnRedis:
    """Keeps nothing: whoever kills it finds it empty afterwards, under the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> OwnRedis:
        """Returns when it answers. Raises RuntimeError when it does not."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis(port=self.port) as client:
            while time.monotonic() < deadline:
                with suppress(redis.ConnectionError):
                    client.ping()
                    return self
                time.sleep(0.05)
        raise RuntimeError(f"redis-server does not answer; {self._folder / 'redis.log'} says why.")

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
