"""`manage.py up`: the whole studio of the embedded mode in one command, until Ctrl+C."""

from __future__ import annotations

import importlib.util
import threading
import time
from argparse import ArgumentParser
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from studio.backends import registry
from studio.processes.listen import PortRefused, PortTaken, open_sockets
from studio.processes.locks import AlreadyHeld, FileLock
from studio.processes.prepare import prepare
from studio.processes.program import Program, end_leftovers, manage_py
from studio.processes.supervisor import Supervisor

LOCAL = "diffusers"
ANSWER_SECONDS = 60.0


class Command(BaseCommand):
    help = "Prepare the data folder, start the site and its workers, restart what ends, and stop everything on Ctrl+C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="Port of the site (STUDIO_PORT); 0 picks a free one.")

    def handle(self, *args: Any, **options: Any) -> None:
        lock = take_lock(Path(settings.DATA_DIR) / "up.lock")
        left = lock.left_behind
        if left:
            self.stdout.write("The last run did not end in good order. What it left unfinished goes on now.")
            end_leftovers(left.get("children", []))
        try:
            port = settings.STUDIO_PORT if options["port"] is None else options["port"]
            sockets = open_sockets(settings.STUDIO_BIND, port)
        except (PortTaken, PortRefused) as error:
            raise CommandError(str(error)) from error
        try:
            prepare(lambda text: self.stdout.write(f"{text} …"))
        except (OSError, OperationalError) as error:
            raise CommandError(not_prepared(error)) from error
        code = self._supervise(lock, sockets)
        lock.release()
        if code:
            raise SystemExit(code)

    def _supervise(self, lock: FileLock, sockets: list[socket]) -> int:
        url = address(sockets[0])
        programs = plan(sockets)
        supervisor = Supervisor(
            programs,
            on_ready=lambda name: greeter.come(name),
            on_change=lambda: lock.note(url=url, children=[i for child in supervisor.children if (i := child.identity())]),
        )
        greeter = Greeter(supervisor, url, sockets[0])
        for line in remarks(programs):
            supervisor.say(line)
        connections.close_all()
        return supervisor.run()


def not_prepared(error: OSError | OperationalError) -> str:
    """What the operator reads when the database or the data folder cannot be used."""
    if isinstance(error, OperationalError) and connections["default"].vendor != "sqlite":
        return f"The database of DATABASE_URL cannot be used: {error}"
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f"The data folder {settings.DATA_DIR} could not be brought up to date: {reason}. "
        "Make room there or make it writable, or name another folder with STUDIO_DATA_DIR, and start again."
    )


def take_lock(path: Path) -> FileLock:
    """Raises CommandError when another `up` has this data folder."""
    try:
        return FileLock(path)
    except AlreadyHeld as error:
        where = error.holder.get("url", "it is just starting")
        raise CommandError(
            f"Atelier runs from this data folder already: {where} (process {error.holder.get('pid', 'unknown')}). "
            "Stop that one first, or give this one a folder of its own with STUDIO_DATA_DIR."
        ) from None


def address(one: socket) -> str:
    """What to open in a browser. `localhost` and not 127.0.0.1: a passkey belongs to a name."""
    if f"http://localhost:{settings.STUDIO_PORT}" != settings.STUDIO_URL:
        return str(settings.STUDIO_URL)
    return f"http://localhost:{one.getsockname()[1]}"


def plan(sockets: list[socket]) -> list[Program]:
    """What this installation runs: the site, a worker for the local runner, one for all other queues. Workers stop before the site."""
    manage = manage_py()
    environment = {"STUDIO_PORT": str(sockets[0].getsockname()[1])}
    fds = tuple(one.fileno() for one in sockets)
    listen = tuple(word for fd in fds for word in ("--fd", str(fd)))
    programs = [Program("web", (manage, "web", *listen), 1, 10, essential=True, pass_fds=fds, environment=environment)]
    enabled = registry.enabled()
    if LOCAL in enabled and can_run_models():
        programs.append(Program("local", (manage, "worker", "--queue", LOCAL), 0, settings.STOP_SECONDS + 5, environment=environment))
    remote = [name for name in enabled if name != LOCAL]
    if remote:
        queues = tuple(word for name in remote for word in ("--queue", name))
        programs.append(Program("remote", (manage, "worker", *queues), 0, settings.STOP_SECONDS + 5, environment=environment))
    return programs


def can_run_models() -> bool:
    """Whether the local runner's libraries are installed; looked up without importing them, which takes seconds and much memory."""
    return all(importlib.util.find_spec(name) for name in ("torch", "diffusers"))


def remarks(programs: list[Program]) -> list[str]:
    names = {program.name for program in programs}
    if "local" in names:
        return []
    if LOCAL not in registry.enabled():
        return ["The local runner is switched off (STUDIO_LOCAL_RUNNER)."]
    return ["The local runner is not installed (torch and diffusers are missing), so its engines make no pictures."]


class Greeter:
    """Says where the site is, once it really answers; and, after a restart, that it answers again."""

    def __init__(self, supervisor: Supervisor, url: str, one: socket) -> None:
        self._supervisor = supervisor
        self._url = url
        host, self._port = one.getsockname()[:2]
        self._host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        self._greeted = False

    def come(self, name: str) -> None:
        if name == "web":
            threading.Thread(target=self._greet, name="greeter", daemon=True).start()

    def _greet(self) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                self._supervisor.say("The site does not answer. The lines of web may say why.")
                return
            time.sleep(0.1)
        self._supervisor.say("The site answers again." if self._greeted else f"Open {self._url}   (Ctrl+C stops it)")
        self._greeted = True

    def _answers(self) -> bool:
        connection = HTTPConnection(self._host, self._port, timeout=5)
        try:
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            return connection.getresponse().status < 500
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
