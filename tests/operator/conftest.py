"""The operator, and a studio with a worker, things that wait, one that runs, and some that ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import create_user_with_team
from studio.generation.models import Job, Worker
from tests.factories import make_job

WORDS = "a secret lighthouse"


@pytest.fixture
def operator(db: None) -> User:
    return create_user_with_team(email="olga@harbour.example", name="Olga Operator", password="x", email_verified=True, is_staff=True)


@pytest.fixture
def page(client_of: Callable[..., Any], operator: User) -> Any:
    """The operator's browser."""
    return client_of(operator)


@pytest.fixture
def worker(db: None) -> Worker:
    gpus = [{"name": "NVIDIA L4", "total": 24 * 2**30, "free": 6 * 2**30}]
    return Worker.objects.create(
        name="dock-1",
        queues=["null"],
        state="ready",
        threads=4,
        running=1,
        devices=gpus,
        version="0.7.0",
        pid=1,
        host="dock",
        memory=300 * 2**20,
        heartbeat_at=timezone.now(),
    )


@pytest.fixture
def waiting(team: Any, bob: User) -> list[Job]:
    return [make_job(team, bob, prompt=WORDS) for _ in range(3)]


@pytest.fixture
def running(team: Any, bob: User, worker: Worker) -> Job:
    now = timezone.now()
    job = make_job(team, bob, prompt=WORDS, status=Job.Status.RUNNING)
    told = {"step": 7, "total_steps": 20, "attempt": 2, "worker": worker.name}
    Job.objects.filter(pk=job.pk).update(started_at=now - timedelta(seconds=30), lease_expires_at=now + timedelta(seconds=25), **told)
    job.refresh_from_db()
    return job


def ended(team: Any, user: User, *, ago: float = 60, wait: float = 2, run: float = 5, code: str = "", **fields: Any) -> Job:
    """A job that ended so many seconds ago, after so many in line and at work; with a `code` it failed."""
    job = make_job(team, user, prompt=WORDS, status=Job.Status.FAILED if code else Job.Status.SUCCEEDED, **fields)
    end = timezone.now() - timedelta(seconds=ago)
    started = end - timedelta(seconds=run)
    moments = {"finished_at": end, "started_at": started, "created_at": started - timedelta(seconds=wait)}
    Job.objects.filter(pk=job.pk).update(error_code=code, **moments)
    return job
