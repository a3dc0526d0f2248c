"""The page itself, who may read it, and what stands on it."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from studio.costs.gauges import ProviderCollector
from studio.metrics import deliveries, money, workers
from studio.metrics.jobs import ClosedJobs, open_jobs
from studio.metrics.process import OwnProcess
from studio.metrics.registry import REGISTRY, Reading

LOOPBACK = frozenset({"127.0.0.1", "::1"})


def allowed(request: HttpRequest) -> bool:
    """With `STUDIO_METRICS_TOKEN` whoever bears it; without, this machine only, and nobody through a proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    return request.META.get("REMOTE_ADDR", "") in LOOPBACK and not {"X-Forwarded-For", "Forwarded"} & set(request.headers)


def metrics(request: HttpRequest) -> HttpResponse:
    """A stranger hears that there is nothing here."""
    if not allowed(request):
        return HttpResponse("Not found\n", status=404, content_type="text/plain")
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class StudioCollector(Reading):
    """What lies in rows, all of it or nothing: half of it would read like a studio in which nothing happens."""

    def __init__(self) -> None:
        self.closed = ClosedJobs()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("atelier_database_up", "1 when the database answers this process: take the min.")
        try:
            found = [
                *open_jobs(),
                *self.closed.families(),
                *workers.families(),
                *money.families(),
                *deliveries.families(),
            ]
        except DatabaseError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found


ProcessCollector(registry=REGISTRY)
REGISTRY.register(StudioCollector())
REGISTRY.register(ProviderCollector())
REGISTRY.register(OwnProcess())
