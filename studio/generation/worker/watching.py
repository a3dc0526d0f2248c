"""Which workers of this machine have fallen silent, for the supervisor that started them: a process may be there, and do nothing any more.

What counts is how long this process has seen the same heartbeat, and not what time that names: after a database that was away, or a machine
that slept, every heartbeat is old.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections

from studio.generation.worker.presence import host

LOOKS = 12
"""So often it is looked before a worker counts as hung. Who has missed three looks knows nothing any more."""


def heartbeats() -> dict[int, Any]:
    """The last one of each process of this machine, by its pid; over a line of its own. Raises DatabaseError."""
    line = connections["default"].copy()
    line.settings_dict["OPTIONS"].pop("pool", None)  # a pool would keep a connection for a question that is asked now and then
    try:
        with line.cursor() as cursor:
            cursor.execute("SELECT pid, heartbeat_at FROM generation_worker WHERE host = %s", [host()])
            return dict(cursor.fetchall())
    finally:
        line.close()


class Watch:
    """`read` gives the last heartbeat of each process, `now` is a clock in seconds that never goes back."""

    def __init__(self, *, read: Callable[[], Mapping[int, Any]] = heartbeats, now: Callable[[], float] = time.monotonic) -> None:
        self._read, self._now = read, now
        self._every = settings.WORKER_HUNG_SECONDS / LOOKS
        self._looked_at = now()
        self._seen: dict[int, tuple[Any, float]] = {}

    def start(self) -> None:
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        while True:
            self.look()
            time.sleep(self._every)

    def look(self) -> None:
        """Read the heartbeats; where that is not possible, all begin anew, as nobody could have written one either."""
        try:
            beats = self._read()
        except DatabaseError:
            self._seen = {}
            return
        before, self._looked_at = self._looked_at, self._now()
        seen = self._seen if self._looked_at - before <= 3 * self._every else {}
        self._seen = {pid: seen[pid] if pid in seen and seen[pid][0] == beat else (beat, self._looked_at) for pid, beat in beats.items()}

    def silence(self, pid: int) -> float:
        """For how many seconds a process has been seen without a new heartbeat; 0 for one that has none. From any thread."""
        seen = self._seen.get(pid)
        return self._looked_at - seen[1] if seen else 0.0
