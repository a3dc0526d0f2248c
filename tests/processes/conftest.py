"""What tests of processes share: a short data folder, and a worker in threads of this process."""

from __future__ import annotations

import gc
import itertools
import queue
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from accounts.models import Team, User
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Job
from studio.generation.worker.presence import Presence
from studio.generation.worker.running import Halt, RunningJobs
from studio.live import events
from tests.processes import scripted
from tests.processes.supervised import Supervised

PATIENCE = 90


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A data folder whose path leaves room for a socket's name; pytest's own are too long for that."""
    with tempfile.TemporaryDirectory(prefix="at-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def script(settings, monkeypatch) -> Iterator[scripted.Script]:
    """The scripted backend beside the null one, and its script."""
    settings.BACKENDS = {
        "scripted": {"BACKEND": "tests.processes.scripted.ScriptedBackend"},
        "null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}},
    }
    registry.backend.cache_clear()
    fresh = scripted.Script()
    monkeypatch.setattr(scripted, "script", fresh)
    yield fresh
    fresh.go.set()
    registry.backend.cache_clear()


@pytest.fixture
def rich(team: Team) -> Team:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


@pytest.fixture
def make_job(alice: User, rich: Team, script) -> Callable[..., Job]:
    """`make_job(user=alice, **request)`: a queued job of the scripted engine."""
    keys = itertools.count()

    def make(user: User | None = None, *, inputs: Any = None, **fields: Any) -> Job:
        values = {"engine": "scripted", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "prompt": "a boat", "width": 64, "height": 64, **fields}
        request = GenerationRequest(**values)
        return services.submit(user=user or alice, team=rich, request=request, idempotency_key=f"key-{next(keys)}", inputs=inputs)

    return make


def what_everybody_does() -> str:
    """Each thread with its stack, and who has a transaction open: on a slow machine a wait may end for somebody else's reasons."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines = []
    for one in gc.get_objects():
        if isinstance(one, BaseDatabaseWrapper) and one.connection is not None:
            is_open = one.in_atomic_block or getattr(one.connection, "in_transaction", False)
            lines.append(f"connection of {names.get(one._thread_ident, 'a dead thread')}: {'in a transaction' if is_open else 'idle'}")
    for ident, frame in sys._current_frames().items():
        lines.append(f"--- {names.get(ident)}\n{''.join(traceback.format_stack(frame))}")
    return "\n".join(lines)


class Told:
    """Everything that pages are told, in order; a test waits on it instead of sleeping."""

    def __init__(self) -> None:
        self.news: queue.Queue[tuple[Any, ...]] = queue.Queue()
        self.progress: list[tuple[Any, ...]] = []

    def updated(self, team_id: int, job_id: Any, *, ended: bool = False, batch_id: Any = None) -> None:
        self.news.put((team_id, job_id))

    def stepped(self, *args: Any) -> None:
        self.progress.append(args)
        self.news.put(args)

    def after(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, with a sign afterwards that it was done."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            try:
                return work(*args, **kwargs)
            finally:
                self.news.put(())

        return wrapped

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Until `condition()` is true, looked at whenever something was told. Returns what it returned."""
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            try:
                self.news.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"it never came true\n{what_everybody_does()}")
        return found

    def job(self, job: Job, status: str) -> Job:
        """The job, once it is in that state."""
        return self.wait(lambda: Job.objects.filter(pk=job.pk, status=status).first())

    def job_whose_lease_ran_out(self, worker: WorkerThread, job: Job, status: str, *, after: list[Any]) -> Job:
        """The job, once it is in that state: when something is in `after`, and the worker has left the first attempt, the lease of that
        one is over, and of no other. With short leases for all, one late heartbeat would cost a good attempt as well.
        """
        self.wait(lambda: after and worker.left(job))

        def found() -> Job | None:
            mine = Job.objects.filter(pk=job.pk)
            mine.filter(status="running", attempt=1).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
            return mine.filter(status=status).first()

        return self.wait(found)


@pytest.fixture
def told(monkeypatch) -> Told:
    told = Told()
    monkeypatch.setattr(events, "job_updated", told.updated)
    monkeypatch.setattr(events, "job_progress", told.stepped)
    monkeypatch.setattr(events, "wallet_changed", lambda team_id: None)
    # What a worker does without telling the pages, and a test may want to wait for.
    for room, name in (
        (RunningJobs, "halt"),
        (RunningJobs, "halt_to_release"),
        (Presence, "show"),
        (services, "heartbeat"),
        (services, "record_progress"),
    ):
        monkeypatch.setattr(room, name, told.after(getattr(room, name)))
    return told


class WorkerThread:
    """A worker process's whole life in a thread of the test."""

    def __init__(self, queues: list[str], **options: Any) -> None:
        from studio.generation.worker.process import WorkerProcess

        self.process = WorkerProcess(queues, **options)
        self.code: int | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        from django.db import connection

        self.code = self.process.run()
        connection.close()

    def halted(self, job: Job) -> Halt | None:
        """Why the attempt at a job that is in work here must stop."""
        running = self.process._running
        return next((running.halted(one) for one in running.jobs() if one.pk == job.pk), None)

    def left(self, job: Job) -> bool:
        """Whether no attempt at it is in work here, so that nobody renews its lease."""
        return all(one.pk != job.pk for one in self.process._running.jobs())

    def stop(self) -> int | None:
        """As SIGTERM does; returns the exit status."""
        self.process.stop()
        return self.join()

    def join(self) -> int | None:
        """A chore that is under way would end with the process; here it would meet the emptying of the tables."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()
        assert all(chores.join(PATIENCE) for chores in self.process._chores), what_everybody_does()
        return self.code


@pytest.fixture
def start_worker(settings, short_dir, told, script) -> Iterator[Callable[..., WorkerThread]]:
    """`start_worker("scripted", threads=1, batch=True)`; stopped at the end. It asks nobody for a balance meanwhile."""
    settings.DATA_DIR = short_dir
    settings.DAILY_CHORES = settings.PAID_CHORES = settings.QUICK_CHORES = []
    started: list[WorkerThread] = []

    def start(*queues: str, **options: Any) -> WorkerThread:
        worker = WorkerThread(list(queues or ["scripted"]), **options)
        started.append(worker)
        return worker

    yield start
    script.go.set()
    for worker in started:
        worker.stop()


@pytest.fixture
def supervise() -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def start(*programs: list[Any], **options: Any) -> Supervised:
        started.append(Supervised(*programs, **options))
        return started[-1]

    yield start
    for one in started:
        for process in [psutil.Process(one.process.pid)] if one.process.poll() is None else []:
            for child in [*process.children(recursive=True), process]:
                child.kill()
        one.process.wait(PATIENCE)
