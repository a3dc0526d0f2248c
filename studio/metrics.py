"""`/metrics` for Prometheus: what the database knows of jobs and workers, and what this process saw of requests.

Every web process tells the same about jobs, because it is read from the same rows: take the `max`, not the `sum`, over processes.
"""

from __future__ import annotations

import hmac
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, F, Min
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.models import LedgerCheck
from studio.costs.gauges import ProviderCollector
from studio.generation.models import Job, Worker

REGISTRY = CollectorRegistry()
REQUESTS = Histogram(
    "atelier_http_request_seconds",
    "Time to answer a request, by the name of its address.",
    ["method", "route", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=REGISTRY,
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LOOPBACK = frozenset({"127.0.0.1", "::1"})
WAIT_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)
RUN_BUCKETS = (0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
IN_LINE_SINCE = Coalesce("decided_at", "created_at")
"""How long people take to approve is no fault of the queue."""
COMMIT_TIME = timedelta(seconds=60)
"""A job's id is made before its row can be seen by others; this is more than that ever takes."""


def observe_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count one answered request under its route's name; unknown addresses share one name, so that nobody can make series at will."""
    match = request.resolver_match
    route = (match.view_name or "unnamed") if match else "none"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(method, route, f"{status // 100}xx").observe(seconds)


def allowed(request: HttpRequest) -> bool:
    """With `STUDIO_METRICS_TOKEN` whoever bears it; without, this machine only, and nobody through a proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    return request.META.get("REMOTE_ADDR", "") in LOOPBACK and not {"X-Forwarded-For", "Forwarded"} & set(request.headers)


def metrics(request: HttpRequest) -> HttpResponse:
    """The page itself; a stranger hears that there is nothing here."""
    if not allowed(request):
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


@dataclass
class Closed:
    """Sums over jobs that have come to an end."""

    jobs: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    charged: Counter[str] = field(default_factory=Counter)
    wait: dict[str, list[float]] = field(default_factory=dict)
    run: dict[str, list[float]] = field(default_factory=dict)

    def add(self, rows: Iterable[tuple[str, str, str, int, datetime, datetime | None, datetime | None]]) -> None:
        """Take in rows of (engine, status, error code, captured millicredits, in line since, started, finished)."""
        for engine, status, error, captured, created, started, finished in rows:
            self.jobs[engine, status, error] += 1
            self.charged[engine] += captured
            if started:
                _count(self.wait.setdefault(engine, [0.0] * (len(WAIT_BUCKETS) + 2)), WAIT_BUCKETS, (started - created).total_seconds())
            if started and finished:
                _count(self.run.setdefault(engine, [0.0] * (len(RUN_BUCKETS) + 2)), RUN_BUCKETS, (finished - started).total_seconds())


def _count(buckets: list[float], limits: tuple[float, ...], seconds: float) -> None:
    """Add one value to cumulative buckets, the last two being the count (+Inf) and the sum."""
    for place, limit in enumerate(limits):
        if seconds <= limit:
            buckets[place] += 1
    buckets[-2] += 1
    buckets[-1] += max(0.0, seconds)


class StudioCollector(Collector):
    """Reads the rows when Prometheus asks.

    Ids grow with time, so jobs below the oldest open one never change again: their sums are kept, and a later look reads on from there.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._settled = Closed()
        self._until = uuid.UUID(int=0)

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("atelier_database_up", "1 when the database answers.")
        try:
            found = [*self._open(), *self._closed(), *self._workers()]
        except DatabaseError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found

    def _open(self) -> Iterator[Metric]:
        depth = GaugeMetricFamily(
            "atelier_jobs_open", "Jobs that wait, for approval (approval) or a worker (queued), or run.", labels=["queue", "status"]
        )
        oldest = GaugeMetricFamily("atelier_queue_oldest_seconds", "How long the longest waiting job has waited.", labels=["queue"])
        rows = (
            Job.objects.filter(status__in=Job.OPEN).values("queue", "status").annotate(n=Count("pk"), since=Min(IN_LINE_SINCE)).order_by()
        )
        for row in rows:
            depth.add_metric([row["queue"], row["status"]], row["n"])
            if row["status"] == Job.Status.QUEUED:
                oldest.add_metric([row["queue"]], max(0.0, (timezone.now() - row["since"]).total_seconds()))
        yield depth
        yield oldest

    def _closed(self) -> Iterator[Metric]:
        with self._lock:
            closed = self._read_on()
        jobs = CounterMetricFamily("atelier_jobs", "Jobs that came to an end.", labels=["engine", "status", "error"])
        for (engine, status, error), count in sorted(closed.jobs.items()):
            jobs.add_metric([engine, status, error], count)
        credits = CounterMetricFamily("atelier_credits_charged", "Credits charged for delivered pictures.", labels=["engine"])
        for engine, millicredits in sorted(closed.charged.items()):
            credits.add_metric([engine], millicredits / 1000)
        yield jobs
        yield credits
        yield _histogram("atelier_job_wait_seconds", "From submit to the start of the last attempt.", WAIT_BUCKETS, closed.wait)
        yield _histogram("atelier_job_run_seconds", "From the start of the last attempt to the end.", RUN_BUCKETS, closed.run)

    def _read_on(self) -> Closed:
        """Sums over all closed jobs. What lies safely in the past is added to what is kept; the rest is read again each time."""
        first_open = Job.objects.filter(status__in=Job.OPEN).order_by("id").values_list("id", flat=True).first()
        past = uuid.UUID(int=int((timezone.now() - COMMIT_TIME).timestamp() * 1000) << 80)
        border = max(self._until, min(first_open, past) if first_open else past)
        closed = Job.objects.exclude(status__in=Job.OPEN).order_by("id")
        rows = closed.annotate(captured=F("hold__captured"), in_line_since=IN_LINE_SINCE).values_list(
            "engine", "status", "error_code", "captured", "in_line_since", "started_at", "finished_at"
        )
        self._settled.add(rows.filter(id__gte=self._until, id__lt=border).iterator())
        self._until = border
        everything = deepcopy(self._settled)
        everything.add(rows.filter(id__gte=border).iterator())
        return everything

    def _workers(self) -> Iterator[Metric]:
        alive = GaugeMetricFamily("atelier_workers", "Worker processes heard of in the last minute.", labels=["queue", "state"])
        memory = GaugeMetricFamily("atelier_worker_memory_bytes", "Resident memory of a worker process.", labels=["worker"])
        count: Counter[tuple[str, str]] = Counter()
        for worker in Worker.objects.alive():
            memory.add_metric([worker.name], worker.memory)
            count.update((queue, worker.state) for queue in worker.queues)
        for (queue, state), number in sorted(count.items()):
            alive.add_metric([queue, state], number)
        yield alive
        yield memory


class BooksCollector(Collector):
    """What the last look through all books found (`billing.nightly`). No sample before the first one."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        found = GaugeMetricFamily("atelier_ledger_disagreements", "Disagreements in the books at the last nightly look; 0 is right.")
        at = GaugeMetricFamily("atelier_ledger_checked_timestamp_seconds", "When the books were last looked through.")
        try:
            check = LedgerCheck.objects.last_done()
        except DatabaseError:
            return  # the studio's collector says that the database is away
        if check and check.finished_at:
            found.add_metric([], check.found)
            at.add_metric([], check.finished_at.timestamp())
        yield found
        yield at


def _histogram(name: str, text: str, limits: tuple[float, ...], sums: dict[str, list[float]]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=["engine"])
    for engine, buckets in sorted(sums.items()):
        family.add_metric([engine], [*zip(map(str, limits), buckets, strict=False), ("+Inf", buckets[-2])], sum_value=buckets[-1])
    return family


ProcessCollector(registry=REGISTRY)
REGISTRY.register(StudioCollector())
REGISTRY.register(ProviderCollector())
REGISTRY.register(BooksCollector())
