"""Credits that are set aside, and what the last look through all books found (`billing.nightly`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Count, Exists, Min, OuterRef, Q, Sum
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from billing.models import Hold, LedgerCheck
from studio.backends.base import MILLICREDITS
from studio.generation.models import Job
from studio.metrics.registry import MAX, seconds_since

SETTLED_WITHIN = timedelta(minutes=5)
"""A job and its hold end in one transaction: what stays behind so long is no matter of moments."""


def families() -> Iterator[Metric]:
    """Two queries."""
    yield from _holds()
    yield from _books()


def _holds() -> Iterator[Metric]:
    number = GaugeMetricFamily("atelier_holds_active", f"Holds of work that has not ended. {MAX}")
    amount = GaugeMetricFamily("atelier_holds_active_credits", f"Credits that they set aside. {MAX}")
    oldest = GaugeMetricFamily("atelier_hold_oldest_seconds", f"How long the oldest of them has stood. {MAX}")
    stray = GaugeMetricFamily(
        "atelier_holds_without_job", f"Holds that stand although their job is over: credits that nobody can use. 0 is right. {MAX}"
    )
    at_work = Exists(Job.objects.filter(hold=OuterRef("pk"), status__in=Job.OPEN))
    left = Q(created_at__lt=timezone.now() - SETTLED_WITHIN) & ~Q(at_work)
    found = Hold.objects.active().aggregate(n=Count("pk"), amount=Sum("amount"), since=Min("created_at"), left=Count("pk", filter=left))
    number.add_metric([], found["n"])
    amount.add_metric([], (found["amount"] or 0) / MILLICREDITS)
    oldest.add_metric([], seconds_since(found["since"]))
    stray.add_metric([], found["left"])
    yield from (number, amount, oldest, stray)


def _books() -> Iterator[Metric]:
    """No sample before the first look."""
    wrong = GaugeMetricFamily("atelier_ledger_disagreements", f"Disagreements in the books at the last nightly look; 0 is right. {MAX}")
    at = GaugeMetricFamily("atelier_ledger_checked_timestamp_seconds", f"When the books were last looked through. {MAX}")
    check = LedgerCheck.objects.last_done()
    if check and check.finished_at:
        wrong.add_metric([], check.found)
        at.add_metric([], check.finished_at.timestamp())
    yield from (wrong, at)
