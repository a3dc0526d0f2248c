"""Once a day: does the provider's balance fall by what the jobs say that it took?

The balance cannot be trusted to the minute. In a live run it stood still, and too high, during 23 paid calls (`backends/stability/API.md`
1.1), and what is running now is billed there before its job is settled here. So one reading proves nothing. An alarm needs a fall that two
looks in a row show against both looks before them; it comes a day late, and a reading that was wrong once never raises it. Credits that
were bought show as a fall below zero and raise none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils import timezone

from studio.backends.base import MILLICREDITS, PaidBackend
from studio.backends.errors import BackendError
from studio.costs.balance import paid_backends
from studio.costs.models import BalanceSnapshot
from studio.generation.models import Job

log = structlog.get_logger(__name__)

APART = timedelta(hours=12)
"""Looks are at least so far apart: two around midnight would show the same late balance twice."""


def daily() -> None:
    """Look at each provider, where today's look is still to come. For whatever has a clock; called too often, it does nothing."""
    for backend in paid_backends():
        try:
            reconcile(backend)
        except BackendError as error:
            log.warning("balance_unknown", backend=backend.name, code=error.code)


def reconcile(backend: PaidBackend, now: datetime | None = None) -> BalanceSnapshot | None:
    """Write today's row; None when it is there, or the one before is not old enough. Raises `BackendError`: the balance is not known."""
    now = now or timezone.now()
    before = list(BalanceSnapshot.objects.newest_first(backend.name)[:3])
    if before and (before[0].day >= timezone.localdate(now) or now - before[0].taken_at < APART):
        return None
    balance, total = backend.balance(), recorded_total(backend)
    row = BalanceSnapshot(backend=backend.name, day=timezone.localdate(now), taken_at=now, balance=balance, recorded_total=total)
    if before:
        row.recorded = total - before[0].recorded_total
        row.drift = before[0].balance - balance - row.recorded
        drifts = [row.drift, *(one.drift or 0 for one in before[:-1])]
        row.is_alarm = is_alarm(drifts[::-1])
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return None  # another worker was as early
    _tell(row)
    return row


def recorded_total(backend: PaidBackend) -> int:
    """Millicredits that the jobs of a backend say the provider took, since there are jobs."""
    queues = {engine.queue for engine in backend.engines()}
    return int(Job.objects.filter(queue__in=queues).aggregate(total=Sum("provider_cost"))["total"] or 0)


def is_alarm(drifts: Sequence[int]) -> bool:
    """Whether the newest drifts (oldest first, three at most) mean that credits are lost.

    They are how the level "balance + all that was recorded" fell from look to look. It should not move: lost is what both of the last two
    looks are below both of those before.
    """
    levels = [0, *(-fall for fall in accumulate(drifts))]
    if len(levels) < 3:
        return False
    lost = min(levels[:-2]) - max(levels[-2:])
    return lost > int(settings.PROVIDER_DRIFT_CREDITS) * MILLICREDITS


def _tell(row: BalanceSnapshot) -> None:
    amounts = {"balance": row.balance, "recorded": row.recorded, "drift": row.drift}
    if row.is_alarm:
        log.error("provider_drift", backend=row.backend, **amounts)
    else:
        log.info("provider_reconciled", backend=row.backend, **amounts)
