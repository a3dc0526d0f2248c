"""Jobs of engines that somebody else bills: what the row says of a request that goes out, and who may still make another attempt."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from studio.galleries import search
from studio.galleries.criteria import Criteria, Span
from studio.generation import lanes, services
from studio.generation.models import Job
from studio.generation.services import claiming
from tests.factories import make_artifact
from tests.generation.conftest import media, price_of_one, wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def running(rich, alice, make_job):
    """A claimed job of four pictures."""
    make_job(alice, rich, num_images=4)
    [job] = services.claim(["null"], "w", batch=False)
    return job


@pytest.fixture
def submitted(running):
    """The same, when the provider has said under which id it works."""
    assert services.mark_sent(running)
    assert services.note_submitted(running, "key.work-1")
    return running


def lose():
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def ends(job):
    job.refresh_from_db()
    return job.status, job.error_code, job.hold.status


def test_the_row_says_when_a_request_goes_out_and_what_came_of_it(submitted):
    row = Job.objects.get()
    assert timezone.now() - row.sent_at < timedelta(minutes=1)
    assert row.provider_id == submitted.provider_id == "key.work-1"


def test_a_stopped_job_sends_nothing(running):
    services.cancel(running)
    assert not services.mark_sent(running)
    assert Job.objects.get().sent_at is None


def test_a_job_that_somebody_else_has_sends_nothing_and_notes_nothing(running):
    lose()
    assert services.reap() == 1
    [again] = services.claim(["null"], "w2", batch=False)
    assert not services.mark_sent(running)
    assert not services.note_submitted(running, "key.work-1")
    row = Job.objects.get()
    assert (row.sent_at, row.provider_id, running.provider_id, again.provider_id) == (None, "", "", "")


def test_what_a_stopped_job_submitted_is_noted(running):
    assert services.mark_sent(running)
    services.cancel(running)
    assert services.note_submitted(running, "key.work-1")
    assert Job.objects.get().provider_id == "key.work-1"


def test_a_submitted_job_comes_back_with_its_id(submitted, rich):
    sent_at = Job.objects.get().sent_at
    lose()
    assert services.reap() == 1
    assert Job.objects.get().status == "queued"
    [again] = services.claim(["null"], "w2", batch=False)
    row = Job.objects.get()
    assert (again.attempt, again.provider_id, again.sent_at) == (2, "key.work-1", sent_at)
    assert (row.attempt, row.provider_id, row.sent_at) == (2, "key.work-1", sent_at)
    assert services.succeed(again, media(4))
    assert wallet(rich) == (100_000 - 4 * price_of_one(), 0)


def test_a_sent_job_without_an_id_is_lost_with_its_worker(running, rich):
    assert services.mark_sent(running)
    lose()
    assert services.reap() == 1
    assert ends(running) == ("failed", "worker_lost", "voided")
    assert running.error_message == "The worker stopped in the middle. Try again."
    assert wallet(rich) == (100_000, 0)


def test_a_request_that_was_answered_without_a_result_may_go_out_again(running):
    assert services.mark_sent(running)
    assert services.requeue(running, code="engine_unavailable")
    [again] = services.claim(["null"], "w2", batch=False)
    assert (again.attempt, again.sent_at, Job.objects.get().sent_at) == (2, None, None)


@pytest.mark.parametrize("is_submitted", [False, True])
def test_a_worker_that_stops_gives_back_what_can_be_fetched_later(running, rich, is_submitted):
    assert services.mark_sent(running)
    if is_submitted:
        assert services.note_submitted(running, "key.work-1")
    assert services.requeue(running, count_attempt=False) is is_submitted
    if is_submitted:
        row = Job.objects.get()
        assert (row.status, row.attempt, row.provider_id, row.sent_at is not None) == ("queued", 0, "key.work-1", True)
        assert wallet(rich) == (100_000, 4 * price_of_one())
    else:
        assert ends(running) == ("failed", "worker_lost", "voided")
        assert wallet(rich) == (100_000, 0)


def test_a_worker_that_stops_lets_a_stopped_job_be_stopped(running, rich):
    assert services.mark_sent(running)
    services.cancel(running)
    assert not services.requeue(running, count_attempt=False)
    assert ends(running) == ("canceled", "", "voided")
    assert wallet(rich) == (100_000, 0)


def test_what_can_be_fetched_is_given_up_after_twice_the_attempts(submitted, rich):
    for attempt in range(1, 7):
        lose()
        assert services.reap() == 1
        if attempt < 6:
            [job] = services.claim(["null"], f"w{attempt}", batch=False)
            assert (job.attempt, job.provider_id) == (attempt + 1, "key.work-1")
    assert ends(submitted) == ("failed", "worker_lost", "voided")
    assert wallet(rich) == (100_000, 0)


def test_trying_again_after_a_failure_submits_anew(submitted, alice):
    services.fail(submitted, "result_unknown")
    again = services.retry(submitted, user=alice, idempotency_key="again")
    assert (again.status, again.sent_at, again.provider_id) == ("queued", None, "")


def test_a_reaper_that_looked_before_the_request_went_out_does_not_bring_the_job_back(running, monkeypatch):
    """Seen to fail without `repeatable` in the reaper's UPDATE: the job went back to the queue while its request was out."""
    lose()
    reap_one = claiming._reap_one

    def sent_first(job):
        assert services.mark_sent(running)
        return reap_one(job)

    monkeypatch.setattr(claiming, "_reap_one", sent_first)
    assert services.reap() == 0
    assert Job.objects.get().status == "running"
    monkeypatch.undo()
    assert services.reap() == 1
    assert ends(running) == ("failed", "worker_lost", "voided")


def test_a_worker_that_looked_before_the_submission_does_not_take_the_job(rich, alice, make_job, monkeypatch):
    """The job that it saw was not submitted yet and had the same attempt. Seen to fail without the id in the UPDATE of a claim."""
    make_job(alice, rich)
    seen = Job.objects.get()
    [job] = services.claim(["null"], "w1", batch=False)
    assert services.mark_sent(job)
    assert services.note_submitted(job, "key.work-1")
    assert services.requeue(job, count_attempt=False)
    with monkeypatch.context() as patch:
        patch.setattr(lanes, "heads", lambda queues, now, limit: [seen])
        assert services.claim(["null"], "w2", batch=False) == []
    assert (Job.objects.get().status, Job.objects.get().attempt) == ("queued", 0)
    assert services.claim(["null"], "w2", batch=False)[0].provider_id == "key.work-1"


@pytest.mark.django_db(transaction=True)
def test_the_column_comes_and_goes_and_the_search_goes_on(team, alice):
    """In SQLite a migration of a table makes it anew, and the triggers of the search are on that of the pictures."""

    def found():
        return search.find(team.pk, Criteria(text="sail"), span=Span(), limit=9)

    before = make_artifact(team, alice, prompt="a red sail", files=False)
    try:
        call_command("migrate", "generation", "0001", verbosity=0)
    finally:
        call_command("migrate", verbosity=0)
    after = make_artifact(team, alice, prompt="a blue sail", files=False)
    assert found() == [after.pk, before.pk]
    assert list(Job.objects.order_by("id").values_list("prompt", "provider_id")) == [("a red sail", ""), ("a blue sail", "")]
    before.delete()
    assert found() == [after.pk]
