"""The corridor: one hold per job, one end per hold, whatever happens on the way."""

import errno
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.db import connection
from django.template.loader import render_to_string
from django.utils import timezone

from billing.errors import InsufficientCredits
from billing.models import Hold, LedgerEntry
from billing.services import wallets
from studio.generation import cards, services
from studio.generation.errors import TooManyOpenJobs
from studio.generation.ledger import disagreements
from studio.generation.models import Artifact, Job
from studio.generation.services import claiming, submitting
from studio.live import events
from tests.generation.conftest import media, price_of_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich(team):
    """Harbour Street with 100 credits."""
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


def files_in_storage() -> list[str]:
    found = []
    pending = ["artifacts"]
    while pending:
        folder = pending.pop()
        if not default_storage.exists(folder):
            continue
        folders, files = default_storage.listdir(folder)
        pending += [f"{folder}/{name}" for name in folders]
        found += [f"{folder}/{name}" for name in files]
    return found


def wallet(team):
    fresh = wallets.wallet_of(team)
    fresh.refresh_from_db()
    return fresh.balance, fresh.held


def test_submit_holds_the_price_and_wakes_the_queue(rich, alice, make_job, bells, hints, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = make_job(alice, rich, num_images=4, num_inference_steps=20)
    assert (job.status, job.attempt, job.hold.amount, job.hold.status) == ("queued", 0, 4 * price_of_one(), "active")
    assert job.hold.description == "4 pictures, Null (test card), 512×512, 20 steps"
    assert wallet(rich) == (100_000, 4 * price_of_one())
    assert bells == ["null"]
    assert ("job", rich.id, job.id) in hints


def test_the_same_key_gives_the_same_job_and_one_hold(rich, alice, make_job):
    first, second = make_job(alice, rich, key="once"), make_job(alice, rich, key="once")
    assert first.pk == second.pk
    assert wallet(rich) == (100_000, price_of_one())
    assert Hold.objects.count() == Job.objects.count() == 1


def test_two_people_may_have_the_same_key(rich, alice, bob, make_job):
    assert make_job(alice, rich, key="once").pk != make_job(bob, rich, key="once").pk


def test_without_credits_nothing_is_left_behind(team, alice, make_job):
    with pytest.raises(InsufficientCredits) as caught:
        make_job(alice, team)
    assert (caught.value.needed, caught.value.available) == (price_of_one(), 0)
    assert not Job.objects.exists()
    assert not Hold.objects.exists()


def test_one_person_cannot_fill_the_queue(rich, alice, bob, make_job, settings):
    settings.MAX_OPEN_JOBS = 2
    make_job(alice, rich)
    make_job(alice, rich)
    with pytest.raises(TooManyOpenJobs, match="You have 2"):
        make_job(alice, rich)
    assert wallet(rich) == (100_000, 2 * price_of_one())
    make_job(bob, rich)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_at_the_very_same_time_is_one_job(rich, alice, make_job):
    together = Barrier(4)

    def press() -> str:
        try:
            together.wait()
            return str(make_job(alice, rich, key="same").pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        ids = {future.result() for future in [pool.submit(press) for _ in range(4)]}
    assert len(ids) == 1
    assert Job.objects.count() == Hold.objects.count() == 1
    assert wallet(rich) == (100_000, price_of_one())


def test_a_press_that_waited_for_the_first_one_sees_its_job_before_it_holds_anything(rich, alice, make_job, monkeypatch):
    """With the wallet's row, and at the key of a job that is just being settled, it and the job's worker would wait for each other."""
    keep, place_hold = submitting.keep, wallets.place_hold
    first, holds = [], []

    def wait(team_id: int) -> None:
        monkeypatch.setattr(submitting, "keep", keep)
        first.append(make_job(alice, rich, key="same"))
        keep(team_id)

    def counted(*args, **options):
        holds.append(options["reference"])
        return place_hold(*args, **options)

    monkeypatch.setattr(submitting, "keep", wait)
    monkeypatch.setattr(wallets, "place_hold", counted)
    assert make_job(alice, rich, key="same") == first[0]
    assert holds == [f"job:{first[0].pk}"]


def test_claim_gives_the_oldest_and_leases_it(rich, alice, make_job):
    first, second = make_job(alice, rich), make_job(alice, rich)
    [claimed] = services.claim(["null"], "w1", batch=False)
    assert (claimed.pk, claimed.attempt, claimed.worker, claimed.status) == (first.pk, 1, "w1", "running")
    row = Job.objects.get(pk=first.pk)
    assert (row.attempt, row.status, row.lease_expires_at > timezone.now()) == (1, "running", True)
    assert services.claim(["null"], "w2", batch=False)[0].pk == second.pk
    assert services.claim(["null"], "w3", batch=False) == []


def test_claim_looks_only_at_its_queues(rich, alice, make_job):
    make_job(alice, rich)
    assert services.claim(["diffusers"], "w", batch=False) == []


def test_the_team_with_fewer_running_goes_first(rich, alice, mallory, other_team, make_job):
    wallets.grant(wallets.wallet_of(other_team), 50_000, reference="test", description="For the test")
    busy = [make_job(alice, rich) for _ in range(3)]
    late = make_job(mallory, other_team)
    order = [services.claim(["null"], "w", batch=False)[0].pk for _ in range(4)]
    assert order == [busy[0].pk, late.pk, busy[1].pk, busy[2].pk]


def test_priority_goes_before_age_within_a_team(rich, alice, make_job):
    make_job(alice, rich)
    urgent = make_job(alice, rich)
    Job.objects.filter(pk=urgent.pk).update(priority=5)
    assert services.claim(["null"], "w", batch=False)[0].pk == urgent.pk


def test_a_job_that_waits_for_later_is_not_taken(rich, alice, make_job):
    job = make_job(alice, rich)
    services.claim(["null"], "w", batch=False)
    job.refresh_from_db()
    assert services.requeue(job, delay=60, code="engine_unavailable", reason="The hub cannot be reached.")
    assert services.claim(["null"], "w", batch=False) == []
    job.refresh_from_db()
    card = render_to_string("generation/_job_card.html", {"job": cards.load_one(job)})
    assert "The hub cannot be reached. Next try at" in card
    Job.objects.update(run_after=timezone.now())
    assert services.claim(["null"], "w", batch=False)[0].attempt == 2
    job.refresh_from_db()
    assert (job.error_code, job.error_message) == ("", "")


def test_a_batch_takes_waiting_jobs_of_the_same_shape(rich, alice, bob, make_job, monkeypatch):
    import dataclasses

    from studio.backends import registry

    engine = dataclasses.replace(registry.engine("null"), batch_limit=4)
    monkeypatch.setattr(registry, "engine", lambda _: engine)
    first = make_job(alice, rich, num_images=2)
    other_shape = make_job(alice, rich, num_inference_steps=33)
    too_big = make_job(alice, rich, num_images=3)
    fits = make_job(bob, rich, num_images=1, prompt="something else")
    claimed = services.claim(["null"], "w")
    assert {job.pk for job in claimed} == {first.pk, fits.pk}
    assert set(Job.objects.filter(status="queued").values_list("pk", flat=True)) == {other_shape.pk, too_big.pk}


@pytest.mark.django_db(transaction=True)
def test_racing_workers_never_take_the_same_job(rich, alice, make_job):
    for _ in range(12):
        make_job(alice, rich)
    together = Barrier(4)

    def work(name: str) -> list[str]:
        try:
            together.wait()
            taken = []
            while jobs := services.claim(["null"], name, batch=False):
                taken += [str(job.pk) for job in jobs]
            return taken
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        taken = [pk for future in [pool.submit(work, f"w{i}") for i in range(4)] for pk in future.result()]
    assert len(taken) == len(set(taken)) == 12


@pytest.fixture
def running(rich, alice, make_job):
    """A claimed job of four pictures."""
    make_job(alice, rich, num_images=4)
    [job] = services.claim(["null"], "w", batch=False)
    return job


def test_success_charges_what_was_delivered_and_releases_the_rest(running, rich):
    assert services.succeed(running, media(3, filtered=1))
    running.refresh_from_db()
    one = price_of_one()
    assert (running.status, running.hold.status, running.hold.captured, running.hold.released) == ("succeeded", "captured", 3 * one, one)
    assert wallet(rich) == (100_000 - 3 * one, 0)
    assert [(a.index, a.seed, a.charged) for a in running.artifacts.order_by("index")] == [(0, 100, one), (1, 101, one), (2, 102, one)]
    assert len(files_in_storage()) == 6, "an original and a thumbnail each"
    assert list(disagreements()) == []


def test_a_job_ends_once(running, rich):
    assert services.succeed(running, media(4))
    before = wallet(rich)
    assert not services.succeed(running, media(4))
    assert not services.fail(running, "engine_failed")
    assert not services.finish_canceled(running)
    assert wallet(rich) == before
    assert len(files_in_storage()) == 8, "the second delivery left no files"


def test_nothing_delivered_is_a_failure_without_charge(running, rich):
    assert not services.succeed(running, media(0, filtered=4))
    running.refresh_from_db()
    assert (running.status, running.error_code, running.hold.status) == ("failed", "all_filtered", "voided")
    assert wallet(rich) == (100_000, 0)


def test_failure_releases_the_hold_and_says_what_to_do(running, rich):
    assert services.fail(running, "bad_request", "Width is off.")
    running.refresh_from_db()
    assert running.error_message == "The engine does not accept these settings. Width is off. Change them and try again."
    assert (running.status, running.hold.status, wallet(rich)) == ("failed", "voided", (100_000, 0))


def test_a_worker_that_lost_the_job_delivers_nothing(running, rich):
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert services.reap() == 1
    [again] = services.claim(["null"], "w2", batch=False)
    assert not services.succeed(running, media(4)), "attempt 1 is over"
    assert not services.record_progress(running, 3, 4)
    assert services.heartbeat([running]) == (set(), set())
    assert files_in_storage() == []
    assert services.succeed(again, media(4))
    assert wallet(rich) == (100_000 - 4 * price_of_one(), 0)
    assert LedgerEntry.objects.filter(kind="capture").count() == 1


def test_heartbeat_renews_the_lease_and_tells_of_a_stop(running):
    Job.objects.update(lease_expires_at=timezone.now())
    assert services.heartbeat([running]) == ({running.pk}, set())
    assert Job.objects.get().lease_expires_at > timezone.now() + timedelta(seconds=5)
    services.cancel(running)
    assert services.heartbeat([running]) == ({running.pk}, {running.pk})


def test_reap_leaves_a_living_job_alone(running):
    assert services.reap() == 0
    assert Job.objects.get().status == "running"


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_the_clock_of_a_workers_machine_decides_nothing(rich, alice, make_job, seconds):
    """Seen to fail: with a clock that was slow by more than the lease, every job came back while its worker was at it."""
    make_job(alice, rich)
    with time_machine.travel(timezone.now() + timedelta(seconds=seconds)):
        [job] = services.claim(["null"], "w1", batch=False)
        assert services.heartbeat([job]) == ({job.pk}, set())
        assert services.reap() == 0
    assert services.reap() == 0
    assert services.abandon("w1") == 1
    assert services.reap() == 1


def test_a_job_that_kills_its_workers_fails_after_three(running, rich, settings):
    for attempt in (1, 2, 3):
        Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert services.reap() == 1
        if attempt < 3:
            [job] = services.claim(["null"], f"w{attempt}", batch=False)
            assert job.attempt == attempt + 1
    job = Job.objects.get()
    assert (job.status, job.error_code, job.hold.status) == ("failed", "worker_lost", "voided")
    assert job.error_message == "The worker stopped in the middle, 3 times. Try again."
    assert wallet(rich) == (100_000, 0)


def test_stop_while_waiting_ends_at_once(rich, alice, make_job):
    job = services.cancel(make_job(alice, rich))
    assert (job.status, Hold.objects.get().status, wallet(rich)) == ("canceled", "voided", (100_000, 0))
    assert services.claim(["null"], "w", batch=False) == []


def test_stop_while_running_ends_when_the_worker_notices(running, rich):
    assert services.cancel(running).status == "running"
    assert services.finish_canceled(running)
    assert (Job.objects.get().status, Hold.objects.get().status, wallet(rich)) == ("canceled", "voided", (100_000, 0))


def test_a_picture_that_arrives_after_stop_is_neither_kept_nor_charged(running, rich):
    services.cancel(running)
    assert not services.succeed(running, media(4))
    assert (Job.objects.get().status, wallet(rich), files_in_storage()) == ("canceled", (100_000, 0), [])
    assert not Artifact.objects.exists()


def test_stop_of_a_job_whose_worker_died(running, rich):
    services.cancel(running)
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert services.reap() == 1
    assert (Job.objects.get().status, wallet(rich)) == ("canceled", (100_000, 0))


def test_finish_canceled_needs_a_stop(running):
    assert not services.finish_canceled(running)
    assert Job.objects.get().status == "running"


def test_stop_after_the_end_changes_nothing(running, rich):
    services.succeed(running, media(4))
    before = wallet(rich)
    assert services.cancel(running).status == "succeeded"
    assert wallet(rich) == before


def test_a_worker_that_stops_in_good_order_burns_no_attempt(running):
    assert services.requeue(running, count_attempt=False)
    assert (Job.objects.get().status, Job.objects.get().attempt) == ("queued", 0)


def test_requeue_after_stop_is_a_stop(running, rich):
    services.cancel(running)
    assert not services.requeue(running)
    assert (Job.objects.get().status, wallet(rich)) == ("canceled", (100_000, 0))


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "storage_full"), (errno.EIO, "storage_failed")])
def test_a_disk_that_fails_costs_nothing(running, rich, monkeypatch, number, code):
    from django.core.files.storage import FileSystemStorage

    real, saved = FileSystemStorage._save, []

    def save(self, name, content):
        if len(saved) == 3:
            raise OSError(number, "no")
        saved.append(name)
        return real(self, name, content)

    monkeypatch.setattr(FileSystemStorage, "_save", save)
    assert not services.succeed(running, media(4))
    running.refresh_from_db()
    assert (running.status, running.error_code, running.hold.status) == ("failed", code, "voided")
    assert wallet(rich) == (100_000, 0)
    assert files_in_storage() == [], "what was written before the failure is gone"


def test_a_database_that_fails_inside_the_settlement_leaves_everything_as_it_was(running, rich, monkeypatch):
    def refuse(*_: object) -> None:
        raise RuntimeError("database is gone")

    monkeypatch.setattr(wallets, "capture", refuse)
    with pytest.raises(RuntimeError):
        services.succeed(running, media(4))
    job = Job.objects.get()
    assert (job.status, job.hold.status, Artifact.objects.count(), files_in_storage()) == ("running", "active", 0, [])


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_the_commit_leaves_the_pictures_that_were_paid_for(running, rich, monkeypatch):
    def break_off(*_: object, **how: object) -> None:
        raise OSError("the line went down")

    monkeypatch.setattr(events, "job_updated", break_off)
    with pytest.raises(OSError, match="the line"):
        services.succeed(running, media(4))
    assert (Job.objects.get().status, Artifact.objects.count()) == ("succeeded", 4)
    assert wallet(rich) == (100_000 - 4 * price_of_one(), 0)
    assert all(default_storage.exists(one.variant("original")) for one in Artifact.objects.all())


def test_a_worker_that_gave_its_job_back_cannot_touch_the_next_ones_run(running, rich):
    """The attempt's number was given back too, so the next worker has the same one."""
    assert services.requeue(running, count_attempt=False)
    [again] = services.claim(["null"], "w2", batch=False)
    assert again.attempt == running.attempt
    assert not services.fail(running, "engine_failed")
    assert not services.requeue(running, count_attempt=False)
    assert services.heartbeat([running]) == (set(), set())
    assert not services.succeed(running, media(4))
    assert (Job.objects.get().status, Job.objects.get().worker, files_in_storage()) == ("running", "w2", [])
    assert services.succeed(again, media(4))
    assert wallet(rich) == (100_000 - 4 * price_of_one(), 0)


def test_a_worker_that_renewed_its_lease_in_time_keeps_a_job_that_the_reaper_had_in_hand(running, settings, monkeypatch):
    settings.JOB_MAX_ATTEMPTS = 1
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    reap_one = claiming._reap_one

    def renewed_first(job):
        services.heartbeat([running])
        return reap_one(job)

    monkeypatch.setattr(claiming, "_reap_one", renewed_first)
    assert services.reap() == 0
    assert (Job.objects.get().status, Job.objects.get().hold.status) == ("running", "active")


def test_one_wrong_book_does_not_keep_the_reaper_from_the_others(running, rich, alice, make_job):
    services.cancel(running)
    Hold.objects.update(status="captured")
    make_job(alice, rich)
    services.claim(["null"], "w2", batch=False)
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert services.reap() == 1
    assert sorted(Job.objects.values_list("status", flat=True)) == ["queued", "running"]


def test_retry_is_a_new_job_with_the_same_settings(running, alice, rich):
    services.fail(running, "engine_failed")
    again = services.retry(running, user=alice, idempotency_key="again")
    assert (again.request, again.retry_of_id, again.status) == (running.request, running.pk, "queued")
    assert services.retry(running, user=alice, idempotency_key="again").pk == again.pk
    assert wallet(rich) == (100_000, 4 * price_of_one())


def test_pictures_that_left_the_trash_for_good_are_no_disagreement(running):
    assert services.succeed(running, media(4))
    Artifact.objects.filter(index__lt=2).delete()
    assert list(disagreements()) == []
    Artifact.objects.all().delete()
    assert list(disagreements()) == []


def test_disagreements_are_found(running):
    assert list(disagreements()) == []
    Job.objects.update(status="failed")
    assert list(disagreements()) == [f"Job {running.pk} is failed, but its hold is active."]


def test_a_charge_for_pictures_that_never_came_is_a_disagreement(running):
    assert services.succeed(running, media(2))
    assert list(disagreements()) == []
    Job.objects.update(delivered=1)
    charged, each = 2 * price_of_one(), price_of_one()
    assert list(disagreements()) == [
        f"Job {running.pk} delivered 1 of 4 pictures, but was charged {charged} of {4 * each} millicredits.",
        f"Job {running.pk} was charged {charged} for 1 pictures, but has 2 worth {charged}.",
    ]
