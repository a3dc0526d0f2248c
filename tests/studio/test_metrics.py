"""`/metrics`: who may read it, and that its numbers are the rows'."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Team, User
from studio.generation.models import Job, Worker
from studio.metrics import page
from studio.metrics.page import StudioCollector
from studio.metrics.registry import REGISTRY
from tests.factories import make_artifacts, make_job

TOKEN = "a-token-of-enough-characters"


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch: pytest.MonkeyPatch) -> StudioCollector:
    """Sums that start with this test's rows."""
    for collector in list(REGISTRY._collector_to_names):
        if isinstance(collector, StudioCollector):
            REGISTRY.unregister(collector)
    fresh = StudioCollector()
    REGISTRY.register(fresh)
    return fresh


def read(client: Client | None = None, **headers: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    response = (client or Client()).get("/metrics", headers=headers)
    assert response.status_code == 200
    families = text_string_to_metric_families(response.content.decode())
    return {(sample.name, frozenset(sample.labels.items())): sample.value for family in families for sample in family.samples}


def value(found: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_without_a_token_only_this_machine_may_read(db: None) -> None:
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="::1").get("/metrics").status_code == 200
    for stranger in (Client(REMOTE_ADDR="10.0.0.7"), Client(REMOTE_ADDR="127.0.0.1", headers={"X-Forwarded-For": "10.0.0.7"})):
        response = stranger.get("/metrics")
        assert (response.status_code, response.content) == (404, b"Not found\n")


def test_with_a_token_whoever_bears_it_may_read_and_nobody_else(settings: Any, db: None) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert Client(REMOTE_ADDR="10.0.0.7").get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for given in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ünïcode"):
        assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics", headers={"Authorization": given}).status_code == 404


def test_open_jobs_and_the_longest_wait(alice: User, team: Team) -> None:
    make_job(team, alice, queue="diffusers", made_at=timezone.now() - timedelta(seconds=90))
    make_job(team, alice, queue="diffusers")
    make_job(team, alice, queue="null", status=Job.Status.RUNNING)

    make_job(team, alice, queue="null", status=Job.Status.NEEDS_APPROVAL, made_at=timezone.now() - timedelta(days=2))
    approved = make_job(team, alice, queue="stability", made_at=timezone.now() - timedelta(days=2))
    Job.objects.filter(pk=approved.pk).update(decided_at=timezone.now())

    found = read()

    assert value(found, "atelier_database_up") == 1
    assert value(found, "atelier_jobs_open", queue="null", status="approval") == 1
    assert 0 <= value(found, "atelier_queue_oldest_seconds", queue="stability") < 600
    assert value(found, "atelier_jobs_open", queue="diffusers", status="queued") == 2
    assert value(found, "atelier_jobs_open", queue="null", status="running") == 1
    assert 90 <= value(found, "atelier_queue_oldest_seconds", queue="diffusers") < 600


def test_closed_jobs_their_times_and_what_was_charged(alice: User, team: Team) -> None:
    make_artifacts(team, alice, 3)
    failed = make_job(team, alice)
    Job.objects.filter(pk=failed.pk).update(status=Job.Status.FAILED, error_code="out_of_memory")

    found = read()

    assert value(found, "atelier_jobs_total", engine="null", status="succeeded", error="") == 1
    assert value(found, "atelier_jobs_total", engine="null", status="failed", error="out_of_memory") == 1
    assert value(found, "atelier_credits_charged_total", engine="null") == 3
    assert value(found, "atelier_job_run_seconds_count", engine="null") == 1
    assert value(found, "atelier_job_run_seconds_sum", engine="null") == pytest.approx(3.1)
    assert value(found, "atelier_job_run_seconds_bucket", engine="null", le="2.0") == 0
    assert value(found, "atelier_job_run_seconds_bucket", engine="null", le="5.0") == 1
    assert value(found, "atelier_job_run_seconds_bucket", engine="null", le="+Inf") == 1
    assert value(found, "atelier_job_wait_seconds_bucket", engine="null", le="0.1") == 1


def test_no_job_is_counted_twice_or_forgotten(alice: User, team: Team, counted_anew: StudioCollector) -> None:
    """Old ones are kept as sums, those around the oldest open one and the newest are read each time."""
    now = timezone.now()

    def total() -> float:
        found = read()
        return sum(number for (name, _), number in found.items() if name == "atelier_jobs_total")

    make_artifacts(team, alice, made_at=now - timedelta(hours=3), files=False)
    still_open = make_job(team, alice, made_at=now - timedelta(hours=2))
    make_artifacts(team, alice, made_at=now - timedelta(hours=1), files=False)
    make_artifacts(team, alice, files=False)
    assert [total(), total()] == [3, 3]

    Job.objects.filter(pk=still_open.pk).update(status=Job.Status.CANCELED)
    assert [total(), total()] == [4, 4]

    make_artifacts(team, alice, files=False)
    assert [total(), total()] == [5, 5]
    assert sum(counted_anew.closed._settled.jobs.values()) == 3


def test_workers_that_live_and_their_memory(db: None) -> None:
    now = timezone.now()
    for name, state, age in (("one", "ready", 1), ("two", "busy", 20), ("gone", "ready", 120)):
        Worker.objects.create(
            name=name, queues=["diffusers"], state=state, pid=1, host="h", memory=1000, heartbeat_at=now - timedelta(seconds=age)
        )

    found = read()

    assert value(found, "atelier_workers", queue="diffusers", state="ready") == 1
    assert value(found, "atelier_workers", queue="diffusers", state="busy") == 1
    assert value(found, "atelier_worker_memory_bytes", worker="one") == 1000
    assert ("atelier_worker_memory_bytes", frozenset({("worker", "gone")})) not in found


def test_requests_are_timed_by_the_name_of_their_address(alice: User, client_of: Any) -> None:
    def count(route: str, status: str) -> float:
        return read().get(("atelier_http_request_seconds_count", frozenset({("method", "GET"), ("route", route), ("status", status)})), 0)

    before = count("wallet", "2xx"), count("none", "4xx")
    client_of(alice).get("/wallet/")
    client_of(alice).get("/no/such/page/1")
    client_of(alice).get("/no/such/page/2")

    assert (count("wallet", "2xx"), count("none", "4xx")) == (before[0] + 1, before[1] + 2)


def test_the_page_says_that_the_database_is_gone(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise DatabaseError
        yield

    monkeypatch.setattr(page, "open_jobs", refuse)

    assert value(read(), "atelier_database_up") == 0
