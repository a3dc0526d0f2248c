"""What has to be done now and then, by a worker that has a clock: functions that the settings name by their dotted paths."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog
from django.utils.module_loading import import_string

from studio.generation.worker import database

log = structlog.get_logger(__name__)

DAILY_SECONDS = 3600.0
"""How often each of `settings.DAILY_CHORES` and `PAID_CHORES` is called; it knows itself whether there is something to do."""
QUICK_SECONDS = 15.0
"""The same of `settings.QUICK_CHORES` and `LOCAL_CHORES`."""


class Chores:
    """A thread of its own: a chore may ask another machine and wait."""

    def __init__(self, paths: Sequence[str], seconds: float) -> None:
        self._paths, self._seconds = paths, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin none any more. One that is under way ends with the process."""
        self._ended.set()

    def join(self, seconds: float) -> bool:
        """Wait for the one that is under way after `stop()`; whether it has ended."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._ended.is_set():
            for path in self._paths:
                if self._ended.is_set():
                    break
                try:
                    import_string(path)()
                except Exception as error:  # the others, and the next hour, have their turn
                    log.exception("chore_failed", chore=path, reason=type(error).__name__)
            database.hang_up()
            self._ended.wait(self._seconds)
