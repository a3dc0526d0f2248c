"""A job that takes longer than STUDIO_JOB_SECONDS: stopped at its next step, or with its process; told, and never charged."""

from __future__ import annotations

from typing import Any

import pytest

from billing.models import Hold
from studio.generation import services
from studio.generation.models import Job
from studio.generation.worker import process, pulse
from studio.processes.child import RESTART_PLEASE
from tests.processes.conftest import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_whose_time_is_over_stops_at_its_next_step(start_worker: Any, make_job: Any, told: Any, script: Any, settings: Any) -> None:
    settings.JOB_SECONDS = 3600.0
    script.hold_at = 2
    worker = start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    settings.JOB_SECONDS = 0.01
    told.wait(lambda: worker.halted(job) == "timed_out")
    settings.JOB_SECONDS = 3600.0
    script.go.set()
    job = told.job(job, "failed")
    assert (job.error_code, job.attempt, job.hold.status, job.provider_cost) == ("timed_out", 1, Hold.Status.VOIDED, 0)
    assert script.steps == [1, 2]
    assert worker.process.exit_code == 0
    script.hold_at = None
    told.job(make_job(), "succeeded")  # the worker goes on


def test_a_run_that_never_returns_ends_its_worker_and_is_not_begun_again(
    start_worker: Any, make_job: Any, told: Any, script: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "STUCK_SECONDS", 0.01)
    monkeypatch.setattr(process, "LOCAL_STOP_SECONDS", 0.05)
    settings.JOB_SECONDS = 3600.0
    script.hold_at = 2
    worker = start_worker()
    stuck = make_job()
    assert script.entered.wait(PATIENCE)
    waiting = make_job()
    settings.JOB_SECONDS = 0.01
    assert worker.join() == RESTART_PLEASE
    stuck.refresh_from_db()
    waiting.refresh_from_db()
    assert (stuck.status, stuck.error_code, stuck.hold.status) == ("failed", "timed_out", Hold.Status.VOIDED)
    assert (waiting.status, waiting.attempt) == ("queued", 0)


def test_a_call_elsewhere_that_never_returns_fails_alone(
    start_worker: Any, make_job: Any, told: Any, script: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker has other calls out, which are paid for. What it answers in the end is nobody's any more."""
    monkeypatch.setattr(pulse, "STUCK_SECONDS", 0.01)
    monkeypatch.setattr(pulse, "is_local", lambda engine: False)
    settings.JOB_SECONDS = 3600.0
    script.hold_at = 2
    worker = start_worker()
    stuck = make_job()
    assert script.entered.wait(PATIENCE)
    settings.JOB_SECONDS = 0.01
    stuck = told.job(stuck, "failed")
    assert (stuck.error_code, stuck.hold.status) == ("timed_out", Hold.Status.VOIDED)
    told.wait(lambda: worker.halted(stuck) == "lost")
    settings.JOB_SECONDS = 3600.0
    script.hold_at = None
    script.go.set()
    told.job(make_job(), "succeeded")
    assert (worker.process.is_stopping, worker.stop()) == (False, 0)
    assert Job.objects.filter(status="failed").get().error_code == "timed_out"


def test_no_limit(start_worker: Any, make_job: Any, told: Any, script: Any, settings: Any) -> None:
    settings.JOB_SECONDS = 0
    told_of = []
    script.hold_at = 2
    worker = start_worker()
    worker.process._running.older_than = lambda seconds: told_of.append(seconds) or []
    job = make_job()
    assert script.entered.wait(PATIENCE)
    script.go.set()
    told.job(job, "succeeded")
    assert told_of == []


@pytest.mark.parametrize(("seconds", "words"), [(3600, "1 hour"), (5400, "90 minutes"), (60, "1 minute"), (90, "90 seconds")])
def test_the_card_says_how_long_that_was(make_job: Any, told: Any, settings: Any, seconds: float, words: str) -> None:
    settings.JOB_SECONDS = float(seconds)
    make_job()
    [job] = services.claim(["scripted"], "a-worker")
    services.time_out(job)
    job.refresh_from_db()
    assert job.error_message == (
        f"This took longer than {words} and was stopped. Try a smaller size or fewer steps, or tell your operator."
    )


def test_what_a_provider_works_on_is_fetched_by_another_attempt(make_job: Any, told: Any) -> None:
    make_job()
    [job] = services.claim(["scripted"], "a-worker")
    assert services.mark_sent(job)
    assert services.note_submitted(job, "theirs-1")
    services.time_out(job)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.provider_id, job.hold.status) == ("queued", 1, "theirs-1", Hold.Status.ACTIVE)
    while (job := Job.objects.get()).status == "queued":
        [job] = services.claim(["scripted"], "a-worker")
        services.time_out(job)
    assert (job.status, job.error_code, job.attempt, job.provider_cost) == ("failed", "timed_out", 6, None)


def test_a_request_that_went_out_and_whose_id_nobody_knows_fails_and_may_be_billed(make_job: Any, told: Any) -> None:
    make_job()
    [job] = services.claim(["scripted"], "a-worker")
    assert services.mark_sent(job)
    services.time_out(job)
    job.refresh_from_db()
    assert (job.status, job.error_code, job.provider_cost, job.hold.status) == ("failed", "timed_out", None, Hold.Status.VOIDED)
