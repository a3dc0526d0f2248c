"""The row that says a worker lives, and what to do about neighbours on this machine that do not."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import structlog
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import EngineState
from studio.generation import engines as engine_list
from studio.generation import services
from studio.generation.models import Worker

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


class Presence:
    """This process's `Worker` row. `state` is starting, ready, busy, broken or stopping; engines are shown by it."""

    def __init__(self, queues: Sequence[str]) -> None:
        self.pid = os.getpid()
        self.name = f"{socket.gethostname()[:60]}-{self.pid}"
        self.queues = list(queues)
        self.state, self.detail = "starting", ""
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
                    "heartbeat_at": timezone.now(),
                },
            )

    def _troubles(self) -> dict[str, dict[str, Any]]:
        """What only this process knows: which engines elsewhere rest after a rate limit, or have a key that was refused."""
        elsewhere = [engine for engine in registry.engines() if engine.queue in self.queues and not engine.local]
        return {engine.id: engine_list.report(engine) for engine in elsewhere if engine.state is not EngineState.READY}

    def leave(self) -> None:
        Worker.objects.filter(name=self.name).delete()

    def bury_the_dead(self) -> int:
        """Bring back at once the jobs of killed workers of this machine; elsewhere the lease has to run out first.

        Returns how many workers were found dead. A pid that was given to another process meanwhile only costs the wait for the lease.
        """
        dead = [row for row in Worker.objects.filter(host=host()).exclude(name=self.name) if not psutil.pid_exists(row.pid)]
        for row in dead:
            log.info("worker_found_dead", worker=row.name, jobs=services.abandon(row.name))
            row.delete()
        if dead:
            services.reap()
        Worker.objects.filter(heartbeat_at__lt=timezone.now() - FORGOTTEN).delete()
        return len(dead)
