"""Jobs: what waits and runs now, and sums over what has ended."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Min, Q
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from studio.generation.models import Job, PausedQueue
from studio.generation.querysets import IN_LINE_SINCE
from studio.ids import uuid7_at
from studio.metrics.registry import MAX, queues, seconds_since

WAIT_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
RUN_BUCKETS = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
COMMIT_TIME = timedelta(seconds=60)
"""A job's id is made before its row can be seen by others; this is more than that ever takes."""
ID_CHUNK = 500
"""Ids in one query: every database takes so many."""

Row = tuple[uuid.UUID, str, str, str, int, int, datetime, datetime | None, datetime | None]
"""Id, engine, status, error code, captured millicredits, attempts, in line since, started, finished."""


def open_jobs() -> Iterator[Metric]:
    """Five queries, whatever waits."""
    now = timezone.now()
    depth = GaugeMetricFamily(
        "atelier_jobs_open", f"Jobs that wait, for approval (approval) or a worker (queued), or run. {MAX}", labels=["queue", "status"]
    )
    oldest = GaugeMetricFamily("atelier_queue_oldest_seconds", f"How long the longest waiting job has waited. {MAX}", labels=["queue"])
    resting = GaugeMetricFamily(
        "atelier_jobs_resting", f"Waiting jobs that come back later: after a pause, or a provider's rest. {MAX}", labels=["queue"]
    )
    claimable = GaugeMetricFamily("atelier_jobs_claimable", f"Waiting jobs that a worker may take now. {MAX}", labels=["queue"])
    lost = GaugeMetricFamily(
        "atelier_jobs_lost",
        f"Running jobs whose lease ran out. A sweep of any worker brings them back within seconds. {MAX}",
        labels=["queue"],
    )
    paused = GaugeMetricFamily("atelier_queue_paused", f"1 when the operator has paused the queue. {MAX}", labels=["queue"])
    asked = GaugeMetricFamily("atelier_approval_oldest_seconds", f"How long the oldest request waits for approval. {MAX}")
    counted: dict[str, Any] = {
        "n": Count("pk"),
        "since": Min(IN_LINE_SINCE),
        "later": Count("pk", filter=Q(run_after__gt=now)),
        "gone": Count("pk", filter=Q(lease_expires_at__lt=Now())),
    }
    found: dict[tuple[str, str], Any] = {
        (row["queue"], status): dict(row)
        for status in Job.OPEN  # one by one: each has an index of its own, all together have none
        for row in Job.objects.filter(status=status).values("queue").annotate(**counted).order_by()
    }
    held = set(PausedQueue.objects.values_list("queue", flat=True))
    names = sorted({*queues(), *held, *(queue for queue, _ in found)})
    free = dict(Job.objects.claimable(names, now).order_by().values_list("queue").annotate(n=Count("pk")))
    waits = [row["since"] for (_, status), row in found.items() if status == Job.Status.NEEDS_APPROVAL]
    for queue in names:
        for status in Job.OPEN:
            depth.add_metric([queue, status], found[queue, status]["n"] if (queue, status) in found else 0)
        waiting, running = found.get((queue, Job.Status.QUEUED), {}), found.get((queue, Job.Status.RUNNING), {})
        oldest.add_metric([queue], seconds_since(waiting.get("since")))
        resting.add_metric([queue], waiting.get("later", 0))
        claimable.add_metric([queue], free.get(queue, 0))
        lost.add_metric([queue], running.get("gone", 0))
        paused.add_metric([queue], int(queue in held))
    asked.add_metric([], seconds_since(min(waits, default=None)))
    yield from (depth, oldest, resting, claimable, lost, paused, asked)


@dataclass
class Closed:
    """Sums over jobs that have come to an end."""

    jobs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    charged: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    wait: dict[str, list[float]] = field(default_factory=dict)
    run: dict[str, list[float]] = field(default_factory=dict)

    def add(self, rows: Iterable[Row]) -> None:
        for _, engine, status, error, captured, attempts, since, started, finished in rows:
            self.jobs[engine, status, error] += 1
            self.charged[engine] += captured
            self.again[engine] += max(0, attempts - 1)
            if started:
                _count(self.wait.setdefault(engine, [0.0] * (len(WAIT_BUCKETS) + 2)), WAIT_BUCKETS, (started - since).total_seconds())
            if started and finished:
                _count(self.run.setdefault(engine, [0.0] * (len(RUN_BUCKETS) + 2)), RUN_BUCKETS, (finished - started).total_seconds())


def _count(buckets: list[float], limits: tuple[float, ...], seconds: float) -> None:
    """Add one value to cumulative buckets, the last two being the count (+Inf) and the sum."""
    for place, limit in enumerate(limits):
        if seconds <= limit:
            buckets[place] += 1
    buckets[-2] += 1
    buckets[-1] += max(0.0, seconds)


class ClosedJobs:
    """Sums over all jobs that have ended, kept from one look to the next.

    Ids grow with time, and a job that has ended never changes. So a look reads the jobs that came since the last one, and those that were
    open then and are no more: what it costs depends on what happened since, and on what is open, and not on the past.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._settled = Closed()
        self._until = uuid.UUID(int=0)
        self._open: set[uuid.UUID] = set()
        """Jobs below `_until` that had not ended at the last look."""

    def families(self) -> Iterator[Metric]:
        with self._lock:
            closed = self._read_on()
        jobs = CounterMetricFamily("atelier_jobs", f"Jobs that came to an end. {MAX}", labels=["engine", "status", "error"])
        for (engine, status, error), count in sorted(closed.jobs.items()):
            jobs.add_metric([engine, status, error], count)
        credits = CounterMetricFamily("atelier_credits_charged", f"Credits charged for delivered pictures. {MAX}", labels=["engine"])
        for engine, millicredits in sorted(closed.charged.items()):
            credits.add_metric([engine], millicredits / 1000)
        again = CounterMetricFamily(
            "atelier_job_retries", f"Attempts after the first of jobs that have ended: errors, and workers lost. {MAX}", labels=["engine"]
        )
        for engine, count in sorted(closed.again.items()):
            again.add_metric([engine], count)
        yield from (jobs, credits, again)
        yield _histogram("atelier_job_wait_seconds", "From submit to the start of the last attempt.", WAIT_BUCKETS, closed.wait)
        yield _histogram("atelier_job_run_seconds", "From the start of the last attempt to the end.", RUN_BUCKETS, closed.run)

    def _read_on(self) -> Closed:
        """What was read is kept only when all of it was: a database that goes away half way makes nothing count twice."""
        border = max(self._until, uuid7_at(timezone.now() - COMMIT_TIME))
        rows = (
            Job.objects.exclude(status__in=Job.OPEN)
            .annotate(captured=F("hold__captured"), in_line_since=IN_LINE_SINCE)
            .values_list("id", "engine", "status", "error_code", "captured", "attempt", "in_line_since", "started_at", "finished_at")
            .order_by("id")
        )
        # One query, in which nothing moves from one state to the next, of three that have an index each.
        waiting, *others = [Job.objects.filter(status=one, id__lt=border).order_by().values_list("id", flat=True) for one in Job.OPEN]
        still_open = set(waiting.union(*others, all=True))
        ended = sorted(self._open - still_open)
        settled = deepcopy(self._settled)
        for start in range(0, len(ended), ID_CHUNK):
            settled.add(rows.filter(id__in=ended[start : start + ID_CHUNK]))
        # What has ended since the first query counts as open until the next look.
        with transaction.atomic():  # by a cursor of the server's: the first look reads all that ever ended, and must not hold it
            settled.add(row for row in rows.filter(id__gte=self._until, id__lt=border).iterator() if row[0] not in still_open)
        self._settled, self._until, self._open = settled, border, still_open
        everything = deepcopy(settled)
        everything.add(rows.filter(id__gte=border).iterator())
        return everything


def _histogram(name: str, text: str, limits: tuple[float, ...], sums: dict[str, list[float]]) -> Metric:
    family = HistogramMetricFamily(name, f"{text} {MAX}", labels=["engine"])
    for engine, buckets in sorted(sums.items()):
        family.add_metric([engine], [*zip(map(str, limits), buckets, strict=False), ("+Inf", buckets[-2])], sum_value=buckets[-1])
    return family
