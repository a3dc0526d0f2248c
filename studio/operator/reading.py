"""How the studio stands now, from the rows: a fixed number of queries, however many jobs wait or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import Engine
from studio.generation.engines import available
from studio.generation.models import Job, PausedQueue, Worker
from studio.generation.querysets import IN_LINE_SINCE, silence

HOUR = timedelta(hours=1)


@dataclass(slots=True)
class QueueNow:
    """`done` and `failed` ended within the last hour; `places` are the runs that its ready workers can have at a time."""

    name: str
    waiting: int = 0
    running: int = 0
    oldest: datetime | None = None
    done: int = 0
    failed: int = 0
    workers: int = 0
    places: int = 0
    paused: PausedQueue | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """Bytes; `percent` is what is taken."""

    name: str
    used: int
    total: int

    @property
    def percent(self) -> int:
        return 100 * self.used // self.total if self.total else 0


@dataclass(frozen=True, slots=True)
class WorkerNow:
    """`jobs` are those that it holds now by their rows, which may be several for one thread: a batch runs together."""

    row: Worker
    jobs: int
    silent: bool
    gpus: list[Gpu]

    @property
    def busy(self) -> int:
        return min(self.jobs, self.row.threads)

    @property
    def machine(self) -> str:
        """Its name alone: what tells apart boots and containers of one machine says nothing to people."""
        return self.row.host.partition("/")[0]

    @property
    def tone(self) -> str:
        """A class of `.tag`."""
        if self.silent or self.row.state == "broken":
            return "bad"
        return "ok" if self.row.state == "ready" else "warn"


@dataclass(frozen=True, slots=True)
class Now:
    """`serving`: living workers of queues of engines, without those that do the chores."""

    queues: Sequence[QueueNow]
    workers: Sequence[WorkerNow]
    engines: Sequence[Engine]
    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    asked: int = 0
    serving: int = 0
    at: datetime = field(default_factory=timezone.now)


def queues_of_engines() -> list[str]:
    """Queues of the engines that are offered, in their order."""
    return list(dict.fromkeys(engine.queue for engine in registry.engines()))


def now() -> Now:
    """Eight queries."""
    queues = {name: QueueNow(name) for name in queues_of_engines()}
    asked = _count(queues)
    for paused in PausedQueue.objects.select_related("paused_by"):
        queues.setdefault(paused.queue, QueueNow(paused.queue)).paused = paused
    workers = _workers()
    for one in workers:
        for name in one.row.queues:
            if name in queues and not one.silent:
                queues[name].workers += 1
                queues[name].places += one.row.threads if one.row.state == "ready" else 0
    serving = sum(not one.silent and any(name in queues for name in one.row.queues) for one in workers)
    sums = {name: sum(getattr(queue, name) for queue in queues.values()) for name in ("waiting", "running", "done", "failed")}
    return Now(list(queues.values()), workers, available(), asked=asked, serving=serving, **sums)


def _count(queues: dict[str, QueueNow]) -> int:
    """Fill in how many of each queue wait, run and ended lately; returns how many need approval."""
    since = timezone.now() - HOUR
    asked = 0
    rows = (
        Job.objects.filter(status__in=Job.OPEN).order_by().values_list("queue", "status").annotate(n=Count("pk"), oldest=Min(IN_LINE_SINCE))
    )
    for name, status, count, oldest in rows:
        queue = queues.setdefault(name, QueueNow(name))
        if status == Job.Status.QUEUED:
            queue.waiting, queue.oldest = count, oldest
        elif status == Job.Status.RUNNING:
            queue.running = count
        else:
            asked += count
    ended: Any = Job.objects.filter(finished_at__gte=since, status__in=(Job.Status.SUCCEEDED, Job.Status.FAILED)).order_by()
    for name, status, count in ended.values_list("queue", "status").annotate(n=Count("pk")):
        queue = queues.setdefault(name, QueueNow(name))
        if status == Job.Status.SUCCEEDED:
            queue.done = count
        else:
            queue.failed = count
    return asked


def _workers() -> list[WorkerNow]:
    running: Any = Job.objects.filter(status=Job.Status.RUNNING).order_by().values_list("worker").annotate(n=Count("pk"))
    held = dict(running)
    heard = timezone.now() - silence()
    rows = Worker.objects.order_by("host", "name")
    return [WorkerNow(row, held.get(row.name, 0), row.heartbeat_at < heard, _gpus(row)) for row in rows]


def _gpus(row: Worker) -> list[Gpu]:
    return [Gpu(str(one["name"]), int(one["total"]) - int(one["free"]), int(one["total"])) for one in row.devices]
