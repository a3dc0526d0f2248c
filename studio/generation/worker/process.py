"""A worker process from its first breath to its last: threads, signals, and how it ends.

SIGTERM and SIGINT mean: claim nothing more; a run that can stop does so at its next step, and its job goes back to the queue at once
without costing it an attempt, so that another worker (or this one, restarted) makes the same picture from the same seed. That is better
than to finish, which with a real model may take minutes, and better than to leave the job to its lease, which costs the person half a
minute. A call that cannot stop (a paid request that is out) is waited for, `settings.STOP_SECONDS` at most.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from studio.backends import registry
from studio.backends.base import Backend
from studio.backends.errors import BackendError
from studio.generation import services
from studio.generation.dispatch import Listener, doorbell
from studio.generation.engines import is_local
from studio.generation.worker import database
from studio.generation.worker.chores import DAILY_SECONDS, QUICK_SECONDS, Chores
from studio.generation.worker.presence import Presence
from studio.generation.worker.progress import ProgressPublisher
from studio.generation.worker.pulse import Pulse
from studio.generation.worker.runner import Runner
from studio.generation.worker.running import Halt, RunningJobs
from studio.processes.child import RESTART_PLEASE, leave_output_if_orphaned
from studio.webhooks.courier import Courier

log = structlog.get_logger(__name__)

LOCAL_STOP_SECONDS = 5.0
"""How long a run on this machine gets to reach its next step; after that its job is given back all the same, and the process ends."""

COURIER_SECONDS = 3.0
"""How long webhooks that are out get to be answered; what is not is sent again by whoever comes next."""


class _Work:
    """Wakes runner threads: one per ring, and each one that finds a job wakes the next to look whether there is more."""

    def __init__(self) -> None:
        lock = threading.Lock()
        self._changed, self._room = threading.Condition(lock), threading.Condition(lock)
        self._pending = True
        self._is_sure = True
        self._over = False
        self._idle = 0

    def ring(self, *, is_sure: bool = True) -> None:
        with self._changed:
            self._is_sure = is_sure or (self._pending and self._is_sure)
            self._pending = True
            self._changed.notify()

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
            self._room.notify_all()

    def wait(self) -> bool | None:
        """Block until somebody said that there is work (True) or that there may be more (False); None when there will be none any more."""
        with self._changed:
            if not self._pending:
                self._idle += 1
                self._room.notify_all()
                self._changed.wait_for(lambda: self._pending or self._over)
                self._idle -= 1
            self._pending = False
            return None if self._over else self._is_sure

    def wait_for_room(self, seconds: float) -> bool:
        """Block until every ring was answered and a thread has nothing to do, or the end, or for so many seconds; whether there is room."""
        with self._changed:
            self._room.wait_for(lambda: self._over or (self._idle > 0 and not self._pending), seconds)
            return self._idle > 0 and not self._pending and not self._over


class WorkerProcess:
    def __init__(
        self,
        queues: Sequence[str],
        *,
        threads: int = 1,
        batch: bool = False,
        memory_limit: int | None = None,
        has_clock: bool = True,
    ) -> None:
        """`memory_limit`: resident bytes at which the worker ends after its job, to be started anew. `has_clock`: it does the chores,
        beside those that only the process with torch can do. Raises ValueError for a bad queue.
        """
        self.queues = list(queues)
        self.threads = threads
        self.memory_limit = memory_limit
        self.exit_code = 0
        self._stopping = False
        self._warm = threading.Event()
        self._listener: Listener = doorbell().listen(self.queues)
        self._work = _Work()
        self._running = RunningJobs()
        self._presence = Presence(queues, threads=threads, running=self._running)
        self._pulse = Pulse(self._running, self._presence, on_stuck=self._end_stuck)
        self._progress = ProgressPublisher(self._running)
        self._chores = self._chores_of(has_clock)
        self._courier = Courier()
        self._runner = Runner(queues, self._presence.name, self._running, self._progress, batch=batch, on_trouble=self._say)
        self._runners = [threading.Thread(target=self._serve, name=f"runner-{n}", daemon=True) for n in range(threads)]

    def _chores_of(self, has_clock: bool) -> list[Chores]:
        local = settings.LOCAL_CHORES if "diffusers" in self.queues else []
        if not has_clock:
            return [Chores(local, QUICK_SECONDS)] if local else []
        paid = settings.PAID_CHORES if any(one.paid for one in _backends_for(self.queues)) else []
        return [Chores([*settings.DAILY_CHORES, *paid], DAILY_SECONDS), Chores([*settings.QUICK_CHORES, *local], QUICK_SECONDS)]

    # --- life --------------------------------------------------------------------------------------------------------

    def run(self) -> int:
        """Work until `stop` (or a signal, see `listen_to_signals`); returns the exit status."""
        try:
            self._presence.show("starting")
            self._pulse.start()
            self._progress.start()
            for chores in self._chores:
                chores.start()
            self._courier.start()
            threading.Thread(target=self._warm_up, name="warm-up", daemon=True).start()
            for thread in self._runners:
                thread.start()
            while not self._stopping:
                if self._listener.wait(settings.JOB_SWEEP_SECONDS):
                    self._pulse.look_now()
                self._work.ring()
            self._wind_down()
        finally:
            self._listener.close()
            self._courier.stop()
        log.info("worker_stopped", worker=self._presence.name, exit_code=self.exit_code)
        return self.exit_code

    def ring(self, *, again: bool = False) -> None:
        """There is work: for whoever takes rings elsewhere than from the doorbell's listener. `again`: who had this ring may have died."""
        if again:
            self._pulse.reap_now()
        self._pulse.look_now()
        self._work.ring()

    def wait_for_room(self, seconds: float) -> bool:
        """Block until a thread is free again that no ring has woken yet, for so many seconds at most; whether one is."""
        return self._work.wait_for_room(seconds)

    def wait_until_warm(self, seconds: float) -> bool:
        """Block until the engines are there, for so many seconds at most; whether they are, or whether they failed for good."""
        return self._warm.wait(seconds)

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        """Ask the process to end in good order; safe in a signal handler."""
        self._stopping = True
        self._listener.interrupt()

    def listen_to_signals(self) -> None:
        """Let SIGTERM and SIGINT stop the process; to be called in the main thread."""

        def heard(number: int, frame: FrameType | None) -> None:
            leave_output_if_orphaned()
            self.stop()

        signal.signal(signal.SIGTERM, heard)
        signal.signal(signal.SIGINT, heard)

    def _wind_down(self) -> None:
        self._say("stopping")
        self._work.end()
        for chores in self._chores:
            chores.stop()
        self._courier.stop()
        self._running.halt_to_release()
        patience = LOCAL_STOP_SECONDS if all(is_local(job.engine) for job in self._running.jobs()) else settings.STOP_SECONDS
        deadline = time.monotonic() + patience
        self._warm.set()  # who still waits for a model to load has nothing to lose
        for thread in self._runners:
            thread.join(max(0.0, deadline - time.monotonic()))
        if not any(thread.is_alive() for thread in self._runners):
            self._runner.finish()
        self._give_back()
        self._courier.join(COURIER_SECONDS)
        self._progress.stop()
        self._pulse.stop()
        try:
            self._presence.leave()
        except DatabaseError:
            connection.close()  # the row ages and is forgotten

    def _give_back(self) -> None:
        """What is still in work after all patience goes back to the queue. This process ends, so it can do no harm any more."""
        for job in self._running.seal():
            try:
                if self._running.halted(job) is Halt.TIMED_OUT:
                    services.time_out(job)  # not given back: it would do the same to the next worker
                else:
                    services.requeue(job, count_attempt=False)
                    log.info("job_given_back", job=str(job.pk), attempt=job.attempt)
            except DatabaseError:
                connection.close()  # the lease brings it back

    # --- threads -----------------------------------------------------------------------------------------------------

    def _warm_up(self) -> None:
        trouble = ""
        for backend in _backends_for(self.queues):
            try:
                backend.warm_up()
            except BackendError as error:
                trouble = error.message
                log.error("warm_up_failed", backend=backend.name, code=error.code)
            except Exception:  # each job will say it again, in words for its person
                trouble = "It did not start; the log of the worker says why."
                log.exception("warm_up_crashed", backend=backend.name)
        self._say("broken" if trouble else "ready", trouble)
        log.info("worker_ready", worker=self._presence.name, queues=self.queues, memory_mb=self._presence.memory() >> 20)
        database.hang_up()
        self._warm.set()

    def _serve(self) -> None:
        self._warm.wait()
        try:
            while (is_sure := self._work.wait()) is not None and not self._stopping:
                self._work_while_there_is_some(is_sure)
                database.tidy()
        finally:
            database.hang_up()

    def _work_while_there_is_some(self, is_sure: bool) -> None:
        try:
            if is_sure or self._runner.anything_waits():
                while not self._stopping and self._runner.work_once(self._jobs_came):
                    self._watch_memory()
        except DatabaseError as error:
            log.warning("worker_without_database", reason=type(error).__name__)
            connection.close()
        except Exception as error:  # the thread goes on: a worker without it would look alive and make nothing
            log.exception("runner_failed", reason=type(error).__name__)

    def _jobs_came(self) -> None:
        self._work.ring(is_sure=False)
        self._pulse.jobs_came()

    def _watch_memory(self) -> None:
        if self.memory_limit and self._presence.memory() > self.memory_limit and not self._stopping:
            log.warning("worker_too_large", memory_mb=self._presence.memory() >> 20, limit_mb=self.memory_limit >> 20)
            self.exit_code = RESTART_PLEASE
            self.stop()

    def _end_stuck(self) -> None:
        """A run never stops, and no thread can be ended from outside: the process ends, and a new one goes on without that run."""
        if not self._stopping:
            log.error("worker_stuck", worker=self._presence.name)
            self.exit_code = RESTART_PLEASE
            self.stop()

    def _say(self, state: str | None = None, detail: str = "") -> None:
        try:
            self._presence.show(state, detail)
        except DatabaseError as error:
            log.warning("worker_without_database", reason=type(error).__name__)
            connection.close()


def _backends_for(queues: Sequence[str]) -> list[Backend]:
    return [backend for backend in registry.backends() if any(engine.queue in queues for engine in backend.engines())]
