"""The thread that keeps a worker's promises while a step of a model may take minutes: leases, cancels, the Worker row, the reaper."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from studio.generation import services
from studio.generation.engines import is_local
from studio.generation.models import Job
from studio.generation.worker import database
from studio.generation.worker.presence import Presence
from studio.generation.worker.running import Halt, RunningJobs

log = structlog.get_logger(__name__)

STUCK_SECONDS = 60.0
"""An engine that has not stopped so long after its time was over will not. Only the end of its process ends one of this machine; a call to
one elsewhere is left to its own time-outs, and its job is ended without it."""

LOOK_SECONDS = 0.5
"""How often a worker asks whether a running job was stopped, should the doorbell's ring for it be lost."""


class Pulse:
    def __init__(self, running: RunningJobs, presence: Presence, *, on_stuck: Callable[[], None] = lambda: None) -> None:
        """`on_stuck` is called, again and again, while a run does not stop although its time is over."""
        self._running = running
        self._presence = presence
        self._on_stuck = on_stuck
        self._wanted = threading.Event()
        self._ended = False
        self._rang = False
        self._reap_at = 0.0
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def look_now(self) -> None:
        """The bell rang: somebody may have pressed Stop."""
        self._rang = True
        self._wanted.set()

    def reap_now(self) -> None:
        """Another worker may have died."""
        self._reap_at = 0.0
        self._wanted.set()

    def jobs_came(self) -> None:
        """There is something to look after again."""
        self._wanted.set()

    def stop(self) -> None:
        self._ended = True
        self._wanted.set()
        self._thread.join(5)

    def _run(self) -> None:
        beat_at = look_at = time.monotonic()
        while not self._ended:
            self._wanted.clear()
            self._watch_the_time()
            try:
                rang, self._rang = self._rang, False
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
                    self._beat()
                elif rang or time.monotonic() >= look_at:
                    self._look()
                    look_at = time.monotonic() + LOOK_SECONDS
                if time.monotonic() >= self._reap_at:
                    self._reap_at = time.monotonic() + settings.JOB_SWEEP_SECONDS
                    self._reap()
                self._leave_stuck_calls()
            except DatabaseError as error:
                # The next beat may do better. If none does before the lease ends, the job goes to another attempt and ours is refused.
                log.warning("pulse_without_database", reason=type(error).__name__)
                connection.close()
                beat_at = min(beat_at, time.monotonic() + 1)
            except Exception as error:  # without this thread every job of this worker would lose its lease
                log.exception("pulse_failed", reason=type(error).__name__)
            database.tidy()
            due = min(beat_at, self._reap_at) - time.monotonic()
            self._wanted.wait(max(0.0, min(due, LOOK_SECONDS) if self._running.jobs() else due))
        database.hang_up()

    def _watch_the_time(self) -> None:
        """Celery's own limits are not for threads, and nothing can end a thread: a run is asked to stop, and then the process ends."""
        limit = float(settings.JOB_SECONDS)
        if not limit:
            return
        for job in self._running.older_than(limit):
            if self._running.halted(job) is None:
                log.warning("job_timed_out", job=str(job.pk), attempt=job.attempt, engine=job.engine, limit=limit)
                self._running.halt(job, Halt.TIMED_OUT)
        if any(is_local(job.engine) for job in self._running.older_than(limit + STUCK_SECONDS)):
            self._on_stuck()

    def _leave_stuck_calls(self) -> None:
        """The other calls of this process are paid for: it must not end for the sake of one."""
        for job in self._running.older_than(settings.JOB_SECONDS + STUCK_SECONDS) if settings.JOB_SECONDS else ():
            if not is_local(job.engine) and self._running.halted(job) is not Halt.LOST:
                log.error("job_stuck", job=str(job.pk), attempt=job.attempt, engine=job.engine)
                services.time_out(job)
                self._running.halt(job, Halt.LOST)

    def _beat(self) -> None:
        jobs = self._running.jobs()
        held, canceled = services.heartbeat(jobs)
        self._running.note_held(jobs, held, canceled)
        self._presence.show()

    def _look(self) -> None:
        """Only a read, and cheap: this happens twice a second during every run."""
        jobs = self._running.jobs()
        if not jobs:
            return
        ours = {job.pk: job.attempt for job in jobs}
        rows = Job.objects.filter(pk__in=ours, status=Job.Status.RUNNING).values_list("pk", "attempt", "cancel_requested_at")
        held = {pk: canceled for pk, attempt, canceled in rows if attempt == ours[pk]}
        self._running.note_held(jobs, held, {pk for pk, canceled in held.items() if canceled})

    def _reap(self) -> None:
        self._presence.bury_the_dead()
        count = services.reap()
        if count:
            log.info("jobs_reaped", count=count)
