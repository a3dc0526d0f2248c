"""When chores are due in the scaled mode: Celery's beat, in a thread of the worker that does them.

Any number of clocks may run: each chore knows itself whether there is something to do. Without any, jobs and webhooks go on, as their
workers look after leases by themselves; what waits is the tidying, the books' nightly look, and the plans' credits of a new month.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import structlog
from celery import Celery
from celery.beat import ScheduleEntry, Scheduler, SchedulingError, Service
from celery.schedules import schedule
from django.conf import settings
from django.db import DatabaseError
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from studio.backends import registry
from studio.backends.base import PaidBackend
from studio.celery import CHORES
from studio.generation.dispatch.broker import outage
from studio.generation.worker import database
from studio.generation.worker.chores import DAILY_SECONDS, QUICK_SECONDS
from studio.generation.worker.presence import Presence

log = structlog.get_logger(__name__)

DUE_SECONDS = 2.0
"""How often it is looked whether something has become due meanwhile: `settings.DUE_CHORES`."""
SECONDS_AT_MOST = 1.0
"""How long the clock sleeps at a time."""
RETRIES = {"max_retries": 1, "interval_start": 0, "interval_max": 1}
"""A line to the broker that had died unnoticed is made anew; what cannot be said now is said the next time."""


def due_every() -> dict[str, float]:
    """The schedule: each chore (a dotted path) and how many seconds lie between two of its calls."""
    paid = settings.PAID_CHORES if any(isinstance(registry.backend(name), PaidBackend) for name in registry.enabled()) else []
    return {
        **dict.fromkeys((*settings.DAILY_CHORES, *paid), DAILY_SECONDS),
        **dict.fromkeys(settings.QUICK_CHORES, QUICK_SECONDS),
        **dict.fromkeys(settings.DUE_CHORES, DUE_SECONDS),
    }


def task_name(path: str) -> str:
    return f"atelier.chore.{path}"


def chore(path: str) -> Callable[[], None]:
    """The task of one chore. A task for each, for one that took a path would do whatever a message names."""

    def do() -> None:
        try:
            import_string(path)()
        except Exception as error:  # the next time is another
            log.exception("chore_failed", chore=path, reason=type(error).__name__)
        finally:
            database.hang_up()

    return do


class InMemory(Scheduler):  # type: ignore[misc]
    """Begins with every chore being due: a clock that is often started anew must not put off what comes once an hour."""

    def setup_schedule(self) -> None:
        for path, seconds in due_every().items():
            entry = ScheduleEntry(
                name=path,
                task=task_name(path),
                schedule=schedule(seconds, app=self.app),
                options={"queue": CHORES, "expires": seconds, "retry": True, "retry_policy": RETRIES},
                app=self.app,
            )
            entry.last_run_at = self.app.now() - entry.schedule.run_every
            self.schedule[path] = entry

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **options: Any) -> Any:
        """A broker that is away is no error of each chore that falls due meanwhile: Celery would say so with two stacks, every second."""
        try:
            sent = super().apply_async(entry, producer=producer, advance=advance, **options)
        except SchedulingError as error:
            if not isinstance(error.__context__, (OSError, OperationalError)):
                raise
            outage.failed("clock", error.__context__)
            return None
        outage.answered("clock")
        return sent


class Clock:
    """A thread that says when something is due, and the tasks that do it; as Celery starts and stops what belongs to a worker."""

    def __init__(self, app: Celery) -> None:
        for path in due_every():
            app.task(chore(path), name=task_name(path), ignore_result=True)
        self._service = Service(app, max_interval=SECONDS_AT_MOST, scheduler_cls=InMemory)
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._presence = Presence([CHORES])
        self._ended = threading.Event()
        self._pulse = threading.Thread(target=self._live, name="pulse", daemon=True)

    def start(self, worker: Any = None) -> None:
        self._pulse.start()
        self._thread.start()

    def stop(self, worker: Any = None) -> None:
        self._ended.set()
        self._service.stop()
        self._pulse.join(5)

    terminate = stop

    def _live(self) -> None:
        """Keep the row that says so: whoever watches the studio looks for it as for those of other workers."""
        self._say(lambda: self._presence.show("ready"))
        while not self._ended.wait(settings.JOB_HEARTBEAT_SECONDS):
            self._say(self._presence.show)
        self._say(self._presence.leave)
        database.hang_up()

    def _say(self, what: Callable[[], None]) -> None:
        try:
            what()
        except DatabaseError as error:
            log.warning("clock_without_database", reason=type(error).__name__)
        finally:
            database.tidy()

    def _run(self) -> None:
        self._service.start(embedded_process=False)
