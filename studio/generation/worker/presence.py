"""The row that says a worker lives, and what to do about neighbours on this machine that do not."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import structlog
from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import EngineState
from studio.generation import engines as engine_list
from studio.generation import services
from studio.generation.models import Worker
from studio.generation.worker.running import RunningJobs

log = structlog.get_logger(__name__)

FORGOTTEN = timedelta(hours=1)
"""After this long without a heartbeat a row says nothing any more."""


@cache
def host() -> str:
    """What tells apart the machines, boots and containers in which a pid means something: host name, boot id, pid namespace."""
    parts = [socket.gethostname()[:60]]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text()[:8])
        parts.append(str(os.stat("/proc/self/ns/pid").st_ino))
    return "/".join(parts)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine works. One that has ended and that its parent has not asked after yet does not."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


class Presence:
    """This process's `Worker` row. `state` is starting, ready, busy, broken or stopping; engines are shown by it.

    `threads`: runs that it can have at a time; `running` knows those that it has.
    """

    def __init__(self, queues: Sequence[str], *, threads: int = 1, running: RunningJobs | None = None) -> None:
        self.pid = os.getpid()
        self.name = f"{socket.gethostname()[:60]}-{self.pid}"
        self.queues = list(queues)
        self.threads = threads
        self.state, self.detail = "starting", ""
        self._running = running
        self._process = psutil.Process()
        self._lock = threading.Lock()

    def memory(self) -> int:
        """Resident bytes of this process now."""
        return int(self._process.memory_info().rss)

    def show(self, state: str | None = None, detail: str = "") -> None:
        """Write the row, with a fresh heartbeat; `state` changes what it says."""
        with self._lock:  # or a heartbeat that began earlier could write the earlier state later
            if state is not None:
                self.state, self.detail = state, detail[:300]
            Worker.objects.update_or_create(
                name=self.name,
                defaults={
                    "queues": self.queues,
                    "state": self.state,
                    "detail": self.detail,
                    "engines": self._troubles(),
                    "pid": self.pid,
                    "host": host(),
                    "memory": self.memory(),
                    "threads": self.threads,
                    "running": len(self._running.jobs()) if self._running else 0,
                    "devices": self._devices(),
                    "version": settings.VERSION,
                    "heartbeat_at": Now(),  # by the one clock that all machines share
                },
            )

    def _troubles(self) -> dict[str, dict[str, Any]]:
        """What only this process knows: which engines elsewhere rest after a rate limit, or have a key that was refused."""
        elsewhere = [engine for engine in registry.engines() if engine.queue in self.queues and not engine.local]
        return {engine.id: engine_list.report(engine) for engine in elsewhere if engine.state is not EngineState.READY}

    def _devices(self) -> list[dict[str, Any]]:
        """The GPUs of those backends whose engines this process runs."""
        mine = [one for one in registry.backends() if any(engine.queue in self.queues for engine in one.engines())]
        return [asdict(device) for backend in mine for device in backend.devices()]

    def leave(self) -> None:
        Worker.objects.filter(name=self.name).delete()

    def bury_the_dead(self) -> int:
        """Bring back at once the jobs of killed workers of this machine; elsewhere the lease has to run out first.

        Returns how many workers were found dead. A pid that was given to another process meanwhile only costs the wait for the lease.
        """
        dead = [row for row in Worker.objects.filter(host=host()).exclude(name=self.name) if not is_alive(row.pid)]
        for row in dead:
            log.info("worker_found_dead", worker=row.name, jobs=services.abandon(row.name))
            row.delete()
        if dead:
            services.reap()
        Worker.objects.filter(heartbeat_at__lt=timezone.now() - FORGOTTEN).delete()
        return len(dead)
