"""What has to be done once a day, by a worker that has a clock: the functions that `settings.DAILY_CHORES` names."""

from __future__ import annotations

import threading

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from studio.generation.worker import database

log = structlog.get_logger(__name__)

LOOK_SECONDS = 3600.0
"""How often each is called; it knows itself whether there is something to do."""


class Chores:
    """A thread of its own: a chore may ask another machine and wait."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="chores", daemon=True).start()

    def stop(self) -> None:
        """Begin none any more. One that is under way ends with the process."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            for path in settings.DAILY_CHORES:
                try:
                    import_string(path)()
                except Exception as error:  # the others, and the next hour, have their turn
                    log.exception("chore_failed", chore=path, reason=type(error).__name__)
            database.hang_up()
            self._ended.wait(LOOK_SECONDS)
