"""A worker and an engine that somebody else bills: whoever dies or stops when, nothing is asked for twice and nothing lost is charged."""

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from billing.models import Hold, LedgerEntry
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GeneratedMedia
from studio.backends.errors import CoolingDown, EngineUnavailable, RequestCanceled, ResultUnknown
from studio.generation import services
from studio.generation.dispatch import doorbell
from studio.generation.ledger import disagreements
from studio.generation.models import Artifact, Job
from studio.generation.services import settling
from studio.generation.worker import pulse, runner
from tests.processes import scripted_paid
from tests.processes.conftest import PATIENCE
from tests.processes.scripted import pictures
from tests.processes.scripted_paid import WORK, billed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(script, settings, monkeypatch):
    """The paid backend beside the others, and what its provider does."""
    settings.BACKENDS["paid"] = {"BACKEND": "tests.processes.scripted_paid.PaidScriptedBackend"}
    registry.backend.cache_clear()
    fresh = scripted_paid.Provider()
    monkeypatch.setattr(scripted_paid, "provider", fresh)
    return fresh


@pytest.fixture
def start(start_worker, provider, settings, monkeypatch):
    """`start()`: a worker that hears of nothing but what it asks for, so that a test alone says what happens when."""
    monkeypatch.setattr(pulse, "LOOK_SECONDS", 60)
    monkeypatch.setattr(runner, "retry_delay", lambda attempt, retry_after: 0)
    return lambda: start_worker("paid")


@pytest.fixture
def ask(make_job):
    return lambda **fields: make_job(engine="paid", **fields)


def money(team):
    """Balance and held part, in millicredits."""
    wallet = wallets.wallet_of(team)
    return wallet.balance, wallet.held


@pytest.fixture
def start_and_bury(start, provider):
    """`start_and_bury()`: start a worker, wait until it was killed, and let its leases run out."""

    def bury():
        worker = start()
        assert provider.killed.wait(PATIENCE)
        provider.killed.clear()
        [thread] = worker.process._runners
        thread.join(PATIENCE)
        assert not thread.is_alive()
        services.abandon(worker.process._presence.name)

    return bury


dies = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


# --- what is said in the row -----------------------------------------------------------------------------------------
def test_the_row_knows_of_a_request_before_it_leaves(start, ask, told, rich, provider):
    rows = []

    def look():
        row = Job.objects.get()
        rows.append((row.sent_at is not None, row.provider_id))

    provider.at = dict.fromkeys(("asked", "sent", "submitted"), look)
    provider.submits = True
    start()
    job = told.job(ask(num_images=2), "succeeded")
    assert rows == [(False, ""), (True, ""), (True, WORK)]
    assert [(one.index, one.charged) for one in job.artifacts.order_by("index")] == [(0, 1000), (1, 1000)]
    assert (provider.billed, money(rich)) == (1, (98_000, 0))


def test_filtered_media_are_not_charged(start, ask, told, rich, provider):
    provider.end = lambda request: [*billed(request)[:1], GeneratedMedia(1, 2, filtered=True, provider_cost=1000)]
    start()
    job = told.job(ask(num_images=2), "succeeded")
    assert (job.delivered, money(rich), list(disagreements())) == (1, (99_000, 0), [])


def test_what_was_made_and_cannot_be_delivered_is_in_the_books(start, ask, told, rich, settings, monkeypatch, provider):
    settings.CHARGE_FILTERED = True
    provider.end = lambda request: [*billed(request)[:1], GeneratedMedia(1, 2, filtered=True, provider_cost=1000)]

    def broken(*args, **kwargs):
        raise ValueError("nobody thought of this")

    monkeypatch.setattr(settling, "examine", broken)
    start()
    job = told.job(ask(num_images=2), "failed")
    assert (job.error_code, job.filtered, job.filtered_charged, job.provider_cost) == ("storage_failed", 1, 0, 2000)
    assert (money(rich), list(disagreements())) == ((100_000, 0), [])


def test_a_result_that_was_lost_costs_nothing_and_is_not_asked_for_again(start, ask, told, rich, provider):
    def lost(request):
        raise ResultUnknown

    provider.end = lost
    start()
    job = told.job(ask(), "failed")
    assert (job.error_code, job.attempt, provider.billed, money(rich)) == ("result_unknown", 1, 1, (100_000, 0))


# --- killed ----------------------------------------------------------------------------------------------------------
@dies
def test_killed_before_the_request_went_out_it_is_asked_for_by_the_next_worker(start, start_and_bury, ask, told, rich, provider):
    provider.at["asked"] = provider.kill
    job = ask()
    start_and_bury()
    provider.at.clear()
    start()
    assert told.job(job, "succeeded").attempt == 2
    assert (provider.calls, provider.billed, money(rich)) == (["generate", "generate"], 1, (99_000, 0))


@dies
def test_killed_while_the_request_was_out_it_fails(start, start_and_bury, ask, told, rich, provider):
    provider.at["sent"] = provider.kill
    job = ask()
    start_and_bury()
    assert Job.objects.get().status == "running"
    provider.at.clear()
    start()
    job = told.job(job, "failed")
    assert (job.error_code, job.hold.status, money(rich)) == ("worker_lost", Hold.Status.VOIDED, (100_000, 0))
    assert (provider.calls, provider.billed) == (["generate"], 1)


@dies
@pytest.mark.parametrize("deaths", [1, 2])
def test_killed_after_the_submission_the_next_worker_fetches_it(start, start_and_bury, ask, told, rich, provider, deaths):
    provider.submits = True
    provider.at["submitted"] = provider.at["resumed"] = provider.kill
    job = ask()
    for _ in range(deaths):
        start_and_bury()
    provider.at.clear()
    start()
    job = told.job(job, "succeeded")
    assert (job.attempt, job.provider_id) == (1 + deaths, WORK)
    assert (provider.calls, provider.billed) == (["generate"] + [f"resume {WORK}"] * deaths, 1)
    assert (LedgerEntry.objects.filter(kind="capture").count(), Artifact.objects.count(), money(rich)) == (1, 1, (99_000, 0))


# --- stopped, lost ---------------------------------------------------------------------------------------------------
def test_stopped_between_claim_and_request_nothing_goes_out(start, ask, told, rich, provider, monkeypatch):
    monkeypatch.setattr(type(doorbell()), "wake", lambda self, queue: None)  # nobody tells the worker
    job = ask()
    provider.at["asked"] = lambda: services.cancel(job)
    start()
    job = told.job(job, "canceled")
    assert (provider.billed, job.sent_at, job.hold.status, money(rich)) == (0, None, Hold.Status.VOIDED, (100_000, 0))


def test_lost_between_claim_and_request_nothing_goes_out(start, ask, told, rich, provider):
    job = ask()

    def lose():
        Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert services.reap() == 1
        assert services.claim(["paid"], "somebody-else")[0].attempt == 2
        provider.at.clear()

    provider.at["asked"] = lose
    start()
    told.job(ask(), "succeeded")  # the worker goes on
    job.refresh_from_db()
    assert (job.status, job.worker, job.sent_at) == ("running", "somebody-else", None)
    assert (provider.billed, money(rich)) == (1, (99_000, 1000))


def test_lost_before_the_id_came_it_stays_failed(start, ask, told, rich, provider):
    provider.submits = True
    job, reached = ask(), []

    def lose():
        Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert services.reap() == 1
        provider.at = {"submitted": lambda: reached.append(1)}

    provider.at["sent"] = lose
    start()
    told.job(ask(), "succeeded")
    job.refresh_from_db()
    assert (job.status, job.error_code, job.provider_id) == ("failed", "worker_lost", "")
    assert (provider.calls, provider.billed, money(rich)) == (["generate", "generate"], 2, (99_000, 0))
    assert reached == [1], "nobody waited for what was lost"


def test_a_worker_that_ends_gives_back_what_was_submitted(start, ask, told, rich, provider):
    provider.submits = True
    job, is_known = ask(), threading.Event()

    def end():
        assert is_known.wait(PATIENCE)
        worker.process.stop()
        told.wait(lambda: worker.halted(job))
        raise RequestCanceled

    provider.at["submitted"] = end
    worker = start()
    is_known.set()
    assert worker.join() == 0
    job.refresh_from_db()
    assert (job.status, job.attempt, job.provider_id, money(rich)) == ("queued", 0, WORK, (100_000, 1000))
    start()
    assert told.job(job, "succeeded").attempt == 1
    assert (provider.calls, provider.billed, money(rich)) == (["generate", f"resume {WORK}"], 1, (99_000, 0))


# --- trouble ---------------------------------------------------------------------------------------------------------
def unavailable(request):
    raise EngineUnavailable


def limited(request):
    raise CoolingDown


@pytest.mark.parametrize(("submits", "trouble"), [(False, limited), (True, unavailable)])
def test_after_an_error_that_passes_it_goes_on_where_it_was(start, ask, told, rich, provider, submits, trouble):
    """A request that was answered with a rest was not billed, so it may go out again; what was submitted is fetched."""
    provider.submits = submits
    ends = [trouble, trouble, pictures]
    provider.end = lambda request: ends.pop(0)(request)
    start()
    assert told.job(ask(), "succeeded").attempt == 3
    assert provider.calls == ["generate", *([f"resume {WORK}"] if submits else ["generate"]) * 2]
    assert (provider.billed, money(rich)) == (1 if submits else 3, (99_000, 0))


def test_a_rest_costs_no_attempt_not_even_the_last(start, ask, told, rich, provider):
    """Two errors before anything left, then twice a key that rests: the third attempt is still to come."""
    troubles = [EngineUnavailable, EngineUnavailable, CoolingDown, CoolingDown]

    def happens():
        if troubles:
            raise troubles.pop(0)

    provider.at["asked"] = happens
    start()
    job = told.job(ask(), "succeeded")
    assert (job.attempt, len(provider.calls), provider.billed, money(rich)) == (3, 5, 1, (99_000, 0))


@pytest.mark.parametrize(("submits", "attempts"), [(False, 1), (True, 6)])
def test_an_error_that_does_not_pass_is_told_in_the_end(start, ask, told, rich, provider, submits, attempts):
    """What went out was tried again by the backend itself; what was submitted can be fetched as often as it takes."""
    provider.submits = submits
    provider.end = unavailable
    start()
    job = told.job(ask(), "failed")
    assert (job.error_code, job.attempt, len(provider.calls)) == ("engine_unavailable", attempts, attempts)
    assert (provider.calls.count("generate"), money(rich)) == (1, (100_000, 0))


@pytest.mark.parametrize(
    ("write", "status", "calls", "billed"), [("mark_sent", "succeeded", ["generate"] * 2, 1), ("note_submitted", "failed", ["generate"], 1)]
)
def test_a_row_that_cannot_be_written_is_left_to_the_reaper(
    start, ask, told, rich, provider, settings, monkeypatch, write, status, calls, billed
):
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS, settings.JOB_SWEEP_SECONDS = 3600, 0.05, 0.05
    provider.submits = True
    really, failures = getattr(services, write), []

    def once_broken(job, *values):
        if not failures:
            failures.append(job.attempt)
            raise OperationalError("the disk went away")
        return really(job, *values)

    monkeypatch.setattr(services, write, once_broken)
    worker, job = start(), ask()
    job = told.job_whose_lease_ran_out(worker, job, status, after=failures)
    assert (provider.calls, provider.billed, failures) == (calls, billed, [1])
    assert money(rich) == ((99_000, 0) if status == "succeeded" else (100_000, 0))
    assert job.error_code == ("" if status == "succeeded" else "worker_lost")
