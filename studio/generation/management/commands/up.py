"""`manage.py up`: the whole studio of one machine in one command, until Ctrl+C."""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from studio.backends import registry
from studio.generation.worker.watching import Watch
from studio.processes import plan
from studio.processes.listen import PortRefused, PortTaken, open_sockets
from studio.processes.locks import AlreadyHeld, FileLock
from studio.processes.prepare import prepare
from studio.processes.program import Program, end_leftovers
from studio.processes.restarting import Listener, restart_path
from studio.processes.supervisor import Supervisor

ANSWER_SECONDS = 60.0
REDIS_SECONDS = 5.0


class Command(BaseCommand):
    help = "Prepare the data folder, start the site and its workers, restart what ends, and stop everything on Ctrl+C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=None, help="Port of the site (STUDIO_PORT); 0 picks a free one.")
        parser.add_argument("--web", type=int, default=None, metavar="N", help="Web processes, with Redis (STUDIO_WEB_PROCESSES).")
        parser.add_argument(
            "--worker", action="append", default=[], metavar="QUEUE", help="A worker of its own for a queue, with Redis (STUDIO_WORKERS)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        enabled = registry.enabled()
        if settings.EMBEDDED:
            if options["worker"] or (options["web"] or 1) > 1:
                raise CommandError(
                    "Without Redis there is one web process, which finds its workers by itself. Set REDIS_URL (and DATABASE_URL) for more "
                    "of them, or leave --web and --worker out."
                )
            queues = enabled
        else:
            queues = wanted_queues(options["worker"], enabled)
            if options["web"] is not None and options["web"] < 1:
                raise CommandError("--web: at least one process has to serve the site.")
        webs = options["web"] or settings.WEB_PROCESSES
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
        if not settings.EMBEDDED and (wrong := ask_redis(settings.REDIS_URL)):
            self.stderr.write(wrong)
        try:
            prepare(lambda text: self.stdout.write(f"{text} …"))
        except (OSError, OperationalError) as error:
            raise CommandError(not_prepared(error)) from error
        programs = plan.embedded(sockets, enabled) if settings.EMBEDDED else plan.scaled(sockets, webs, queues)
        remark = plan.remark(queues, enabled)
        code = self._supervise(lock, sockets, programs, remark)
        lock.release()
        if code:
            raise SystemExit(code)

    def _supervise(self, lock: FileLock, sockets: list[socket], programs: list[Program], remark: str) -> int:
        url = address(sockets[0])
        restarts = None if settings.EMBEDDED else Listener(restart_path())
        watch = Watch()
        supervisor = Supervisor(
            programs,
            on_ready=lambda name: greeter.come(name),
            on_change=lambda: lock.note(url=url, children=[i for child in supervisor.children if (i := child.identity())]),
            restarts=restarts,
            silence=watch.silence,
            hung_seconds=settings.WORKER_HUNG_SECONDS,
        )
        greeter = Greeter(supervisor, url, sockets[0])
        if remark:
            supervisor.say(remark)
        connections.close_all()
        watch.start()
        code = supervisor.run()
        if restarts:
            restarts.close()
        return code


def wanted_queues(named: list[str], enabled: Sequence[str]) -> list[str]:
    """One worker for each: of the command line, else of STUDIO_WORKERS, else what `queues_to_serve` finds here."""
    queues = named or settings.WORKERS
    for queue in queues:
        if queue not in settings.BACKENDS:
            raise CommandError(f"No engine has the queue {queue}. There are: {', '.join(settings.BACKENDS)}.")
        if queue not in enabled:
            raise CommandError(f"The engines of the queue {queue} are switched off here, so a worker for it would have nothing to do.")
        if queue == plan.LOCAL and not plan.can_run_models():
            raise CommandError("The local runner is not installed (torch and diffusers are missing): leave the queue diffusers out.")
    return list(queues) or plan.queues_to_serve(enabled)


def not_prepared(error: OSError | OperationalError) -> str:
    """What the operator reads when the database or the data folder cannot be used."""
    if isinstance(error, OperationalError) and connections["default"].vendor != "sqlite":
        return f"The database of DATABASE_URL cannot be used: {error}"
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f"The data folder {settings.DATA_DIR} could not be brought up to date: {reason}. "
        "Make room there or make it writable, or name another folder with STUDIO_DATA_DIR, and start again."
    )


def ask_redis(url: str) -> str:
    """One PING on the very database that is named, as pages later say of every trouble that Redis is away. Redis's own words, or nothing.

    Raises CommandError for a number that this Redis does not have: that never mends itself, while one that is away may come.
    """
    import redis

    try:
        redis.Redis.from_url(url, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS).ping()
    except redis.RedisError as error:
        if isinstance(error, redis.ResponseError) and "out of range" in str(error):
            raise CommandError(f"The Redis of REDIS_URL answers, but has no database of that number: {error}") from None
        return f"The Redis of REDIS_URL cannot be used at the moment: {error}. Atelier starts without it, and asks it again and again."
    return ""


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


class Greeter:
    """Says where the site is, once it really answers; and, after a restart, that it answers again."""

    def __init__(self, supervisor: Supervisor, url: str, one: socket) -> None:
        self._supervisor = supervisor
        self._url = url
        host, self._port = one.getsockname()[:2]
        self._host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        self._greeted = False
        self._seen: set[str] = set()

    def come(self, name: str) -> None:
        """The first of several web processes is enough to say where the site is."""
        if name.startswith("web"):
            if not self._seen or name in self._seen:
                threading.Thread(target=self._greet, name="greeter", daemon=True).start()
            self._seen.add(name)

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
