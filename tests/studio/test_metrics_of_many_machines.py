"""What an operator of many machines reads in `/metrics`: each number is the rows', and a look costs the same whatever there is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from billing.models import Hold, LedgerCheck
from studio.generation.models import Job, PausedQueue, Worker
from studio.metrics import jobs
from studio.metrics.requests import SOCKETS, CountedSockets
from studio.webhooks.models import Delivery, Endpoint
from tests.factories import make_artifacts, make_batch, make_job
from tests.studio.test_metrics import counted_anew, read, value  # noqa: F401 - a fixture

NOW = timezone.now


def test_what_waits_is_told_apart_by_why_it_waits(alice: User, team: Team) -> None:
    """Claimable, resting after an error, of a queue that is paused, of a batch that is paused."""
    make_job(team, alice, queue="null")
    later = make_job(team, alice, queue="null")
    Job.objects.filter(pk=later.pk).update(run_after=NOW() + timedelta(minutes=1))
    make_job(team, alice, queue="stability")
    PausedQueue.objects.create(queue="stability")
    batch = make_batch(team, alice, rows=2, queue="diffusers")
    batch.paused_at = NOW()
    batch.save()

    found = read()

    assert [value(found, "atelier_jobs_open", queue=one, status="queued") for one in ("null", "stability", "diffusers")] == [2, 1, 2]
    assert [value(found, "atelier_jobs_claimable", queue=one) for one in ("null", "stability", "diffusers")] == [1, 0, 0]
    assert [value(found, "atelier_jobs_resting", queue=one) for one in ("null", "stability", "diffusers")] == [1, 0, 0]
    assert [value(found, "atelier_queue_paused", queue=one) for one in ("null", "stability", "diffusers")] == [0, 1, 0]


def test_a_queue_where_nothing_happens_has_samples_too(db: None) -> None:
    """Else no rule could say that something is zero."""
    found = read()

    for name in ("atelier_queue_oldest_seconds", "atelier_jobs_claimable", "atelier_queue_threads", "atelier_queue_threads_busy"):
        assert value(found, name, queue="null") == 0
    for status in Job.OPEN:
        assert value(found, "atelier_jobs_open", queue="null", status=status) == 0


def test_jobs_without_a_lease_and_retries(alice: User, team: Team) -> None:
    lost = make_job(team, alice, status=Job.Status.RUNNING)
    Job.objects.filter(pk=lost.pk).update(lease_expires_at=NOW() - timedelta(seconds=1))
    held = make_job(team, alice, status=Job.Status.RUNNING)
    Job.objects.filter(pk=held.pk).update(lease_expires_at=NOW() + timedelta(seconds=30))
    for attempts in (3, 1, 0):
        ended = make_job(team, alice)
        Job.objects.filter(pk=ended.pk).update(status=Job.Status.FAILED, attempt=attempts)

    found = read()

    assert value(found, "atelier_jobs_lost", queue="null") == 1
    assert value(found, "atelier_job_retries_total", engine="null") == 2


def test_a_request_for_approval_ages(alice: User, team: Team) -> None:
    make_job(team, alice, status=Job.Status.NEEDS_APPROVAL, made_at=NOW() - timedelta(hours=5))
    make_job(team, alice, status=Job.Status.NEEDS_APPROVAL, queue="stability")

    assert 5 * 3600 <= value(read(), "atelier_approval_oldest_seconds") < 6 * 3600


def test_workers_their_threads_versions_and_devices(db: None) -> None:
    devices = [{"name": "A GPU", "total": 80, "free": 60}, {"name": "A GPU", "total": 80, "free": 5}]
    Worker.objects.create(
        name="a", queues=["null", "stability"], state="ready", pid=1, host="h", threads=64, running=9, version="2", heartbeat_at=NOW()
    )
    Worker.objects.create(name="b", queues=["diffusers"], state="busy", pid=2, host="h", running=1, devices=devices, heartbeat_at=NOW())
    Worker.objects.create(name="c", queues=["null"], state="busy", pid=3, host="h", heartbeat_at=NOW() - timedelta(minutes=2))

    found = read()

    assert [value(found, "atelier_queue_threads", queue=one) for one in ("null", "stability", "diffusers")] == [64, 64, 1]
    assert [value(found, "atelier_queue_threads_busy", queue=one) for one in ("null", "stability", "diffusers")] == [9, 9, 1]
    assert value(found, "atelier_workers_silent") == 1
    assert [value(found, "atelier_workers_by_version", version=one) for one in ("2", "unknown")] == [1, 1]
    assert value(found, "atelier_worker_device_memory_bytes", worker="b", device="1", model="A GPU") == 80
    assert value(found, "atelier_worker_device_memory_free_bytes", worker="b", device="1", model="A GPU") == 5


def test_a_hold_whose_job_is_over_is_trouble(alice: User, team: Team) -> None:
    waiting, over, fresh = make_job(team, alice), make_job(team, alice), make_job(team, alice)
    Job.objects.filter(pk__in=(over.pk, fresh.pk)).update(status=Job.Status.FAILED)
    Hold.objects.filter(pk__in=(waiting.hold_id, over.hold_id)).update(created_at=NOW() - timedelta(hours=1))

    found = read()

    assert value(found, "atelier_holds_active") == 3
    assert value(found, "atelier_holds_active_credits") == 3
    assert 3600 <= value(found, "atelier_hold_oldest_seconds") < 7200
    assert value(found, "atelier_holds_without_job") == 1


def test_the_books_are_told_of_once_they_were_looked_through(db: None) -> None:
    assert ("atelier_ledger_disagreements", frozenset()) not in read()

    LedgerCheck.objects.create(day=NOW().date(), finished_at=NOW(), found=2)

    assert value(read(), "atelier_ledger_disagreements") == 2


def test_webhooks_that_wait_are_late_or_arrived_nowhere(team: Team) -> None:
    good = Endpoint.objects.create(team=team, url="https://good.example/", secret="s")
    bad = Endpoint.objects.create(team=team, url="https://bad.example/", secret="s", failing_since=NOW())
    off = Endpoint.objects.create(team=team, url="https://off.example/", secret="s", is_active=False, switched_off_at=NOW())
    for endpoint, fields in (
        (good, {}),
        (good, {"status": Delivery.Status.DELIVERED}),
        (bad, {"attempts": 2, "next_at": NOW() - timedelta(minutes=10)}),
        (bad, {"attempts": 5, "next_at": NOW() + timedelta(hours=1)}),
        (bad, {"status": Delivery.Status.PARKED}),
        (off, {"attempts": 5, "next_at": NOW() - timedelta(hours=10)}),
    ):
        Delivery.objects.create(endpoint=endpoint, event="test", payload={}, **fields)

    found = read()

    names = ("waiting", "due", "retried", "given_up")
    assert [value(found, f"atelier_webhooks_{name}") for name in names] == [3, 2, 2, 1]
    assert 600 <= value(found, "atelier_webhook_oldest_due_seconds") < 1200
    assert value(found, "atelier_webhook_endpoints_failing") == 1
    assert value(found, "atelier_webhook_endpoints_off") == 1


def test_what_a_process_has_of_its_own(db: None, settings: Any) -> None:
    found = read()

    assert value(found, "atelier_info", version=settings.VERSION, mode="embedded" if settings.EMBEDDED else "scaled") == 1
    assert {labels: number for (name, labels), number in found.items() if name == "atelier_check_up"} == {
        frozenset({("check", name)}): 1 for name in ("database", "migrations", "cache", "channel_layer", "storage")
    }
    assert value(found, "atelier_disk_free_bytes", folder="data") <= value(found, "atelier_disk_bytes", folder="data")
    pooled = value(found, "atelier_database_pool_limit") if connection.vendor == "postgresql" else None
    assert pooled == (settings.STUDIO_DATABASE_POOL if connection.vendor == "postgresql" else None)


def test_what_cannot_be_written_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio import health

    def refuse(*args: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(default_storage, "save", refuse)
    monkeypatch.setitem(health.CHECKS, "storage", health._Storage())

    found = read()

    assert value(found, "atelier_check_up", check="storage") == 0
    assert value(found, "atelier_check_up", check="database") == 1


def test_open_websockets_are_counted(db: None) -> None:
    during = []

    async def page(scope: object, receive: object, send: object) -> None:
        during.append(SOCKETS._value.get())
        raise ConnectionError

    before = value(read(), "atelier_websockets_open")
    with pytest.raises(ConnectionError):
        asyncio.run(CountedSockets(page)({}, None, None))

    assert during == [before + 1]
    assert value(read(), "atelier_websockets_open") == before


def ended(found: Any) -> float:
    return sum(number for (name, _), number in found.items() if name == "atelier_jobs_total")


def test_a_job_that_ends_between_two_queries_of_a_look_counts_once(alice: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    job = make_job(team, alice, made_at=NOW() - timedelta(hours=1))
    add = jobs.Closed.add
    when = []

    def end_it(self: jobs.Closed, rows: Any) -> None:
        """The first rows are read after it was seen which jobs are open."""
        if not when:
            when.append(Job.objects.filter(pk=job.pk).update(status=Job.Status.CANCELED))
        add(self, rows)

    monkeypatch.setattr(jobs.Closed, "add", end_it)

    assert [ended(read()) for _ in range(3)] == [0, 1, 1]
    assert when == [1]


def test_a_database_that_goes_away_half_way_makes_nothing_count_twice(alice: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    make_artifacts(team, alice, made_at=NOW() - timedelta(hours=1), files=False)
    add = jobs.Closed.add

    def broken(self: jobs.Closed, rows: Any) -> None:
        add(self, rows)
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(jobs.Closed, "add", broken)
        assert value(read(), "atelier_database_up") == 0

    assert [ended(read()) for _ in range(2)] == [1, 1]


def test_a_look_costs_as_many_queries_whatever_there_is(alice: User, team: Team) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            read()
        return len(seen)

    def fill(count: int) -> None:
        for _ in range(count):
            make_job(team, alice, made_at=NOW() - timedelta(hours=2))
            make_artifacts(team, alice, made_at=NOW() - timedelta(hours=1), files=False)
        for number in range(count):
            Worker.objects.create(name=f"{count}-{number}", queues=["null"], pid=1, host="h", heartbeat_at=NOW())

    fill(1)
    queries()  # what is asked once a process is asked here
    few = queries()
    fill(12)
    assert queries() == few
    assert few <= 20
