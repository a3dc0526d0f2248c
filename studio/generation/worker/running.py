"""The jobs in work in this process, and which of them must stop, for which reason."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Collection, Iterable
from enum import StrEnum

from studio.generation.models import Job


class Halt(StrEnum):
    """Why a job stops before it is done. A later reason never replaces an earlier one, but LOST replaces all."""

    CANCELED = "canceled"  # its person pressed Stop
    TIMED_OUT = "timed_out"  # it took longer than STUDIO_JOB_SECONDS
    RELEASED = "released"  # this worker ends; another attempt goes on
    LOST = "lost"  # the lease ran out and somebody else has it, or it ended


class RunningJobs:
    """Shared by all threads of a worker. `halted` is asked at every step of a run, so it is one look into a dictionary.

    An attempt is known by the object that its claim returned, not by the job's id: the next attempt may begin in this very process while
    a thread that was asked about this one, or ends it, has not spoken yet.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._halts: dict[int, Halt] = {}
        self._since: dict[int, float] = {}
        self._sealed = False
        self._releasing = False

    def add(self, jobs: Iterable[Job]) -> None:
        with self._lock:
            for job in jobs:
                self._jobs[id(job)] = job
                self._since[id(job)] = time.monotonic()
                if self._releasing:
                    self._halts[id(job)] = Halt.RELEASED

    def remove(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(id(job), None)
            self._halts.pop(id(job), None)
            self._since.pop(id(job), None)

    def older_than(self, seconds: float) -> list[Job]:
        """Attempts that have been in work here for longer than that."""
        with self._lock:
            before = time.monotonic() - seconds
            return [job for attempt, job in self._jobs.items() if self._since[attempt] < before]

    def jobs(self) -> list[Job]:
        with self._lock:
            return list(self._jobs.values())

    def halted(self, job: Job) -> Halt | None:
        return self._halts.get(id(job))

    def halt(self, job: Job, why: Halt) -> None:
        with self._lock:
            if id(job) in self._jobs and (why is Halt.LOST or id(job) not in self._halts):
                self._halts[id(job)] = why

    def halt_to_release(self) -> None:
        """Stop everything at its next step, also what is added from now on."""
        with self._lock:
            self._releasing = True
            for attempt in self._jobs:
                self._halts.setdefault(attempt, Halt.RELEASED)

    def note_held(self, asked: Collection[Job], held: Collection[uuid.UUID], canceled: Collection[uuid.UUID]) -> None:
        """Take in what the database said about the `asked` jobs."""
        for job in asked:
            if job.pk not in held:
                self.halt(job, Halt.LOST)
            elif job.pk in canceled:
                self.halt(job, Halt.CANCELED)

    def seal(self) -> list[Job]:
        """From now on no job of this process may be settled; returns those still in work, to be given back."""
        with self._lock:
            self._sealed = True
            return list(self._jobs.values())

    @property
    def sealed(self) -> bool:
        return self._sealed
