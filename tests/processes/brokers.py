"""A Redis and a RabbitMQ of the tests' own, on free ports and in temporary folders; and a line to them that can be cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from tests.browser.running import ROOT

START_SECONDS = 120


def programs() -> dict[str, str]:
    """The servers' programs; installed where they are missing."""
    found = subprocess.run([str(ROOT / "requirements" / "services")], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    redis, rabbitmq = found.stdout.split()
    return {"redis": redis, "rabbitmq": rabbitmq}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """A process that listens on `port`; its output is in `folder/log`."""

    def __init__(self, folder: Path, port: int, command: list[str], **environment: str) -> None:
        self.port = port
        self._log = folder / "log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **environment}, stdout=log, stderr=subprocess.STDOUT, process_group=0
            )

    def wait(self) -> None:
        """Until somebody listens. Raises AssertionError with what the server said when nobody does."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except OSError:
                assert self._process.poll() is None, self._log.read_text()[-3000:]
                assert time.monotonic() < deadline, self._log.read_text()[-3000:]
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait(30)


def redis_server(folder: Path) -> Server:
    port = free_port()
    command = [programs()["redis"], "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return Server(folder, port, command)


def rabbitmq_server(folder: Path) -> tuple[Server, Server]:
    """The server, and the name server of Erlang, which would outlive it if it had started that itself."""
    port, names = free_port(), free_port()
    epmd_program = shutil.which("epmd")
    assert epmd_program, "epmd comes with Erlang, which RabbitMQ needs"
    epmd = Server(folder, names, [epmd_program, "-port", str(names), "-address", "127.0.0.1"])
    epmd.wait()
    (folder / "plugins").write_text("[].\n")
    (folder / "env.conf").touch()
    environment = {
        "HOME": str(folder),  # the cookie lies there
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"atelier-{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_CONFIG_FILE": str(folder / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(folder / "env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
    }
    return Server(folder, port, [programs()["rabbitmq"]], **environment), epmd


class Line:
    """A way to a server by another port: `cut` and it is as if the server were gone, `mend` and it is back."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = free_port()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(50)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="line", daemon=True).start()

    def cut(self) -> None:
        with self._lock:
            listener, self._listener = self._listener, None
            ends, self._open = self._open, set()
        if listener is not None:
            _hang_up(listener)
            listener.close()
        for end in ends:
            _hang_up(end)  # and whoever carries between them closes them

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(listener, near), name="line", daemon=True).start()

    def _connect(self, listener: socket.socket, near: socket.socket) -> None:
        """Carry what comes until one end hangs up. Only here the two are closed, when nobody waits at them any more."""
        with near, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._target)) as far:
            with self._lock:
                if self._listener is not listener:  # it was cut meanwhile
                    return
                self._open |= {near, far}
            back = threading.Thread(target=_carry, args=(far, near), name="line", daemon=True)
            back.start()
            _carry(near, far)
            back.join()
            with self._lock:
                self._open -= {near, far}


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _hang_up(source)
    _hang_up(sink)


def _hang_up(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
