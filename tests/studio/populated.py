"""A studio in which something of everything happens: what `/metrics` can tell at all, it tells of this one."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from accounts.models import Team, User
from billing.models import LedgerCheck
from studio.costs import gauges
from studio.costs.balance import Balance
from studio.costs.models import BalanceSnapshot
from studio.generation.models import Job, PausedQueue, Worker
from studio.webhooks.models import Delivery, Endpoint
from tests.factories import make_artifacts, make_job

GIGABYTE = 2**30


def populate(team: Team, user: User) -> None:
    now = timezone.now()
    make_artifacts(team, user, 2)
    failed = make_job(team, user)
    Job.objects.filter(pk=failed.pk).update(status=Job.Status.FAILED, error_code="engine_failed", attempt=3)
    make_job(team, user, queue="stability", status=Job.Status.NEEDS_APPROVAL)
    make_job(team, user, queue="diffusers")
    make_job(team, user, queue="null", status=Job.Status.RUNNING)
    PausedQueue.objects.create(queue="diffusers", reason="The GPU is cleaned.")
    Worker.objects.create(
        name="gpu-1",
        queues=["diffusers"],
        state="ready",
        pid=1,
        host="gpu",
        memory=3 * GIGABYTE,
        threads=1,
        version="1.2.3",
        devices=[{"name": "A GPU", "total": 80 * GIGABYTE, "free": 60 * GIGABYTE}],
        heartbeat_at=now,
    )
    endpoint = Endpoint.objects.create(team=team, url="https://hooks.example/", secret="s", failing_since=now)
    Delivery.objects.create(endpoint=endpoint, event="test", payload={}, attempts=2, next_at=now - timedelta(seconds=90))
    Delivery.objects.create(endpoint=endpoint, event="test", payload={}, status=Delivery.Status.PARKED)
    LedgerCheck.objects.create(day=now.date(), finished_at=now)
    BalanceSnapshot.objects.create(backend="stability", day=now.date(), taken_at=now, balance=1_000_000, recorded_total=0, drift=0)


def provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider whose balance is known, and asked nobody."""
    found = Balance("stability", 1_000_000, timezone.now())
    monkeypatch.setattr(gauges, "balances", lambda patience: [found])
    monkeypatch.setattr(gauges, "paid_backends", lambda: [SimpleNamespace(name="stability")])
