"""Webhooks on their way, and those that arrived nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from studio.ids import uuid7_at
from studio.metrics.registry import MAX, seconds_since
from studio.webhooks.models import Delivery, Endpoint

TRIED_FOR = timedelta(days=3)
"""Longer than a delivery is tried before it is given up: older rows say nothing of today, and need not be read."""


def families() -> Iterator[Metric]:
    """Three queries."""
    waiting = GaugeMetricFamily("atelier_webhooks_waiting", f"Webhooks that have not arrived yet. {MAX}")
    due = GaugeMetricFamily("atelier_webhooks_due", f"Those that should be sent now. {MAX}")
    retried = GaugeMetricFamily("atelier_webhooks_retried", f"Those that were refused, or not answered, at least once. {MAX}")
    late = GaugeMetricFamily("atelier_webhook_oldest_due_seconds", f"How long the longest due one has been due. {MAX}")
    parked = GaugeMetricFamily("atelier_webhooks_given_up", f"Webhooks of the last {TRIED_FOR.days} days that were given up. {MAX}")
    failing = GaugeMetricFamily("atelier_webhook_endpoints_failing", f"Addresses where nothing arrives at the moment. {MAX}")
    off = GaugeMetricFamily("atelier_webhook_endpoints_off", f"Addresses that were switched off after days without an answer. {MAX}")
    now = timezone.now()
    deliverable = Q(endpoint__is_active=True, endpoint__team__deleted_at=None)
    ripe = deliverable & Q(next_at__lte=now)
    found = Delivery.objects.filter(status=Delivery.Status.WAITING).aggregate(
        n=Count("pk", filter=deliverable),
        due=Count("pk", filter=ripe),
        retried=Count("pk", filter=deliverable & Q(attempts__gt=0)),
        since=Min("next_at", filter=ripe),
    )
    waiting.add_metric([], found["n"])
    due.add_metric([], found["due"])
    retried.add_metric([], found["retried"])
    late.add_metric([], seconds_since(found["since"]))
    parked.add_metric([], Delivery.objects.filter(status=Delivery.Status.PARKED, id__gte=uuid7_at(now - TRIED_FOR)).count())
    state = Endpoint.objects.aggregate(
        failing=Count("pk", filter=Q(is_active=True, failing_since__isnull=False)), off=Count("pk", filter=Q(switched_off_at__isnull=False))
    )
    failing.add_metric([], state["failing"])
    off.add_metric([], state["off"])
    yield from (waiting, due, retried, late, parked, failing, off)
