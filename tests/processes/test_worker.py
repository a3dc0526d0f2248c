"""A worker from claim to settlement: what is made, charged, given back, stopped and refused."""

import os
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from billing.models import Hold
from billing.services import wallets
from studio.backends.errors import BackendError, InvalidRequest, KeyRefused, OutOfMemory, RateLimited
from studio.generation import files, services
from studio.generation.dispatch import doorbell
from studio.generation.images import CleanImage
from studio.generation.models import Artifact, Job, Worker
from studio.generation.sounds import CleanSound
from studio.generation.worker import presence, process, pulse, runner
from studio.generation.worker.presence import host
from studio.processes.child import RESTART_PLEASE
from studio.processes.places import run_dir
from tests.generation.pictures import picture
from tests.processes.conftest import PATIENCE
from tests.processes.scripted import STEPS

pytestmark = pytest.mark.django_db(transaction=True)


def money(team):
    """Balance and held part, in millicredits."""
    wallet = wallets.wallet_of(team)
    return wallet.balance, wallet.held


def deaf(monkeypatch):
    """Rings are lost from now on."""
    monkeypatch.setattr(type(doorbell()), "wake", lambda self, queue: None)


# --- what comes of a job ---------------------------------------------------------------------------------------------
def test_a_job_becomes_a_picture_and_is_charged(start_worker, make_job, told, rich, script):
    start_worker()
    job = told.job(make_job(prompt="a red boat", seed=7, num_images=2), "succeeded")
    assert [(one.index, one.seed, one.charged) for one in job.artifacts.order_by("index")] == [(0, 7, 1000), (1, 8, 1000)]
    assert money(rich) == (98_000, 0)
    [[request]] = script.calls
    assert (request.prompt, request.seed, request.num_images) == ("a red boat", 7, 2)


def test_a_job_that_waited_before_the_worker_came_is_made(start_worker, make_job, told):
    job = make_job()
    start_worker()
    told.job(job, "succeeded")


def test_a_lost_ring_costs_only_the_wait_for_the_sweep(start_worker, make_job, told, settings, monkeypatch):
    settings.JOB_SWEEP_SECONDS = 0.05
    start_worker()
    deaf(monkeypatch)
    told.job(make_job(), "succeeded")


@pytest.mark.parametrize("error", [InvalidRequest("Too many sailboats."), OutOfMemory()])
def test_an_engines_refusal_is_told_and_costs_nothing(start_worker, make_job, told, rich, script, error):
    script.end = lambda requests: [error] * len(requests)
    start_worker()
    job = told.job(make_job(), "failed")
    assert job.error_code == error.code
    assert ("Too many sailboats." in job.error_message) is isinstance(error, InvalidRequest)
    assert job.attempt == 1
    assert money(rich) == (100_000, 0)


def test_an_error_raised_for_the_whole_batch_is_everybodys(start_worker, make_job, told, script):
    def end(requests):
        raise OutOfMemory

    script.end = end
    jobs = [make_job(), make_job()]
    start_worker(batch=True)
    assert {told.job(job, "failed").error_code for job in jobs} == {"out_of_memory"}


def test_a_crash_ends_the_job_and_not_the_worker_and_the_log_does_not_quote_the_prompt(start_worker, make_job, told, rich, script, caplog):
    def end(requests):
        if requests[0].prompt == "a boat":
            return [BackendError()]
        raise RuntimeError(f"cannot tokenize '{requests[0].prompt}' or {requests[0].prompt!r}")

    script.end = end
    start_worker()
    job = told.job(make_job(prompt="my secret boat\nit's mine"), "failed")
    assert job.error_code == "engine_failed"
    assert "secret" not in job.error_message
    assert "RuntimeError" not in job.error_message
    assert "cannot tokenize \\'[prompt]\\'" in caplog.text
    assert "Traceback" in caplog.text
    assert "secret" not in caplog.text
    assert money(rich) == (100_000, 0)
    told.job(make_job(), "failed")  # the next one is served


def test_a_backend_that_loses_count_fails_its_jobs(start_worker, make_job, told, rich, script):
    script.end = lambda requests: []
    start_worker()
    assert told.job(make_job(), "failed").error_code == "engine_failed"
    assert money(rich) == (100_000, 0)


@pytest.mark.parametrize(("filtered", "status", "charged"), [(1, "succeeded", 1), (2, "failed", 0)])
def test_only_what_was_delivered_is_charged(start_worker, make_job, told, rich, settings, filtered, status, charged):
    settings.BACKENDS["null"]["OPTIONS"]["FILTERED"] = filtered
    start_worker("null")
    job = told.job(make_job(engine="null", num_images=2, width=512, height=512), status)
    assert job.artifacts.count() == charged
    assert money(rich) == (100_000 - charged * 1000, 0)


def test_what_may_pass_is_tried_three_times_with_a_pause(start_worker, make_job, told, rich, script, monkeypatch):
    pauses = []

    def no_pause(attempt, retry_after):
        pauses.append((attempt, retry_after))
        return 0

    monkeypatch.setattr(runner, "retry_delay", no_pause)
    script.end = lambda requests: [RateLimited(retry_after=7)]
    start_worker()
    job = told.job(make_job(), "failed")
    assert (job.attempt, job.error_code) == (3, "rate_limited")
    assert pauses == [(1, 7), (2, 7)]
    assert len(script.calls) == 3
    assert money(rich) == (100_000, 0)


def test_between_attempts_the_job_waits_with_its_hold(start_worker, make_job, told, rich, script, monkeypatch):
    monkeypatch.setattr(runner, "RETRY_SECONDS", (3600.0, 3600.0))
    script.end = lambda requests: [RateLimited()]
    start_worker()
    job = make_job()
    waiting = told.wait(lambda: Job.objects.filter(pk=job.pk, status="queued", attempt=1).first())
    assert waiting.run_after - waiting.started_at >= timedelta(seconds=3600)
    assert waiting.run_after - timezone.now() <= timedelta(seconds=4500)
    assert money(rich) == (100_000, 1000)


@pytest.mark.parametrize(("attempt", "asked", "low", "high"), [(1, None, 2, 2.5), (2, None, 4, 5), (9, None, 60, 75), (1, 30, 30, 37.5)])
def test_the_pause_doubles_and_never_is_shorter_than_asked(attempt, asked, low, high):
    assert all(low <= runner.retry_delay(attempt, asked) <= high for _ in range(50))


def test_a_picture_that_a_job_starts_from_reaches_the_backend(start_worker, make_job, told, alice, rich, script):
    given = files.save_input(CleanImage(picture((64, 64)), 64, 64), team=rich, user=alice)
    start_worker()
    told.job(make_job(mode="image-to-image", inputs={"image": given}), "succeeded")
    assert script.calls[0][0].image == picture((64, 64))


def test_a_picture_that_is_gone_fails_its_job_only(start_worker, make_job, told, alice, rich, script):
    given = files.save_input(CleanImage(picture((64, 64)), 64, 64), team=rich, user=alice)
    files.default_storage.delete(given.file)
    jobs = [make_job(inputs={"image": given}), make_job()]
    start_worker(batch=True)
    assert told.job(jobs[0], "failed").error_code == "input_missing"
    told.job(jobs[1], "succeeded")
    assert money(rich) == (99_000, 0)


def test_an_engine_that_is_gone_fails_its_jobs(start_worker, make_job, told, rich, settings):
    job = make_job()
    Job.objects.filter(pk=job.pk).update(engine="of-yesterday")
    start_worker()
    assert told.job(job, "failed").error_code == "not_configured"
    assert money(rich) == (100_000, 0)


# --- batches and threads ---------------------------------------------------------------------------------------------
def test_waiting_jobs_of_one_shape_run_as_one_batch(start_worker, make_job, told, bob, script):
    jobs = [make_job(prompt="one"), make_job(bob, prompt="two"), make_job(prompt="three", width=32), make_job(prompt="four")]
    start_worker(batch=True)
    for job in jobs:
        told.job(job, "succeeded")
    assert [sorted(request.prompt for request in call) for call in script.calls] == [["four", "one", "two"], ["three"]]


def test_one_of_a_batch_is_stopped_and_the_others_go_on(start_worker, make_job, told, bob, rich, script):
    script.hold_at = 2
    mine, other = make_job(prompt="mine"), make_job(bob, prompt="other")
    worker = start_worker(batch=True)
    assert script.entered.wait(PATIENCE)
    services.cancel(mine)
    told.wait(lambda: worker.halted(mine))
    script.go.set()
    told.job(mine, "canceled")
    told.job(other, "succeeded")
    assert money(rich) == (99_000, 0)


def test_what_was_made_together_is_settled_side_by_side(start_worker, make_job, told, bob, monkeypatch):
    monkeypatch.setattr(runner, "SETTLERS", 2)
    both, succeed = threading.Barrier(2), services.succeed
    monkeypatch.setattr(services, "succeed", lambda job, media: succeed(job, media) if both.wait(PATIENCE) >= 0 else False)
    jobs = [make_job(), make_job(bob)]
    worker = start_worker(batch=True)
    for job in jobs:
        told.job(job, "succeeded")
    assert worker.stop() == 0


def test_light_threads_work_at_the_same_time(start_worker, make_job, told, script):
    together = threading.Barrier(4)
    script.end = lambda requests: [BackendError()] if together.wait(PATIENCE) >= 0 else []
    jobs = [make_job() for _ in range(4)]
    start_worker(threads=4)
    for job in jobs:
        told.job(job, "failed")


# --- stop ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ring", ["heard", "lost"])
def test_a_running_job_stops_at_its_next_step(start_worker, make_job, told, rich, script, monkeypatch, ring):
    monkeypatch.setattr(pulse, "LOOK_SECONDS", 0.02 if ring == "lost" else 60)
    script.hold_at = 3
    worker = start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    if ring == "lost":
        deaf(monkeypatch)
    services.cancel(job)
    told.wait(lambda: worker.halted(job))
    script.go.set()
    told.job(job, "canceled")
    assert script.steps == [1, 2, 3]
    assert money(rich) == (100_000, 0)
    assert Artifact.objects.count() == 0


def test_a_backend_that_stops_though_nobody_asked_fails_the_job(start_worker, make_job, told, rich, script):
    from studio.backends.errors import RequestCanceled

    script.end = lambda requests: [RequestCanceled()]
    start_worker()
    assert told.job(make_job(), "failed").error_code == "engine_failed"
    assert money(rich) == (100_000, 0)


def test_a_worker_that_is_told_to_stop_gives_its_job_back_and_the_next_one_makes_it(start_worker, make_job, told, rich, script):
    script.hold_at = 2
    first = start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    first.process.stop()
    told.wait(lambda: first.halted(job))
    script.go.set()
    assert first.join() == 0
    job.refresh_from_db()
    assert (job.status, job.attempt, job.hold.status) == ("queued", 0, Hold.Status.ACTIVE)
    assert script.steps == [1, 2]
    start_worker()
    assert told.job(job, "succeeded").attempt == 1
    assert money(rich) == (99_000, 0)


def test_a_run_that_does_not_come_to_its_next_step_is_given_back_all_the_same(start_worker, make_job, told, rich, script, monkeypatch):
    monkeypatch.setattr(process, "LOCAL_STOP_SECONDS", 0.05)
    script.hold_at = 2
    worker = start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    assert worker.stop() == 0
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("queued", 0)
    script.go.set()  # the thread goes on, in a process that in truth has ended by now, and may settle nothing
    for thread in worker.process._runners:
        thread.join(PATIENCE)
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("queued", 0)
    assert money(rich) == (100_000, 1000)


def test_a_paid_call_that_is_out_is_waited_for(start_worker, make_job, told, rich, script, monkeypatch):
    monkeypatch.setattr(process, "LOCAL_STOP_SECONDS", 0)
    script.local = False
    script.hold_at = STEPS
    worker = start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    worker.process.stop()
    told.wait(lambda: worker.halted(job))
    script.go.set()
    assert worker.join() == 0
    job.refresh_from_db()
    assert job.status == "succeeded"
    assert money(rich) == (99_000, 0)


def test_a_worker_that_grew_too_large_ends_after_its_job_and_asks_to_be_started_anew(start_worker, make_job, told):
    job = make_job()
    worker = start_worker(memory_limit=1)
    told.job(job, "succeeded")
    assert worker.join() == RESTART_PLEASE
    after = make_job()
    assert Job.objects.get(pk=after.pk).status == "queued"


# --- leases ----------------------------------------------------------------------------------------------------------
def test_a_stale_worker_is_refused(start_worker, make_job, told, rich, script, settings):
    """Frozen past its lease: the job went to somebody else, and what the first one brings is dropped."""
    settings.JOB_SWEEP_SECONDS = settings.JOB_HEARTBEAT_SECONDS = 600
    script.hold_at = STEPS
    start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert services.reap() == 1
    [again] = services.claim(["scripted"], "somebody-else")
    assert again.attempt == 2
    script.go.set()
    told.job(make_job(prompt="the next one"), "succeeded")  # the worker goes on
    job.refresh_from_db()
    assert (job.status, job.attempt, job.worker) == ("running", 2, "somebody-else")
    assert job.artifacts.count() == 0
    assert money(rich) == (99_000, 1000)


def test_the_lease_is_renewed_while_a_step_takes_long(start_worker, make_job, told, script, settings):
    settings.JOB_HEARTBEAT_SECONDS = 0.02
    script.hold_at = 2
    start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    first = Job.objects.get(pk=job.pk).lease_expires_at
    told.wait(lambda: Job.objects.get(pk=job.pk).lease_expires_at > first)
    script.go.set()
    told.job(job, "succeeded")


def test_a_job_that_was_lost_stops_at_its_next_step(start_worker, make_job, told, script, settings):
    settings.JOB_HEARTBEAT_SECONDS = 0.02
    script.hold_at = 2
    worker = start_worker()
    job = make_job()
    assert script.entered.wait(PATIENCE)
    Job.objects.filter(pk=job.pk).update(attempt=2)
    told.wait(lambda: worker.halted(job) == "lost")
    script.go.set()
    told.job(make_job(), "succeeded")
    assert script.steps[:3] == [1, 2, 1]


def test_the_jobs_of_a_dead_worker_come_back_when_their_lease_runs_out(start_worker, make_job, told, settings):
    settings.JOB_SWEEP_SECONDS = 0.05
    job = make_job()
    services.claim(["scripted"], "far-away-1")
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    start_worker()
    assert told.job(job, "succeeded").attempt == 2


def test_the_jobs_of_a_killed_neighbour_come_back_at_once(start_worker, make_job, told):
    job = make_job()
    services.claim(["scripted"], "dead-1")
    row = {"queues": ["scripted"], "state": "ready", "heartbeat_at": timezone.now()}
    Worker.objects.create(name="dead-1", pid=2**22 + 1, host=host(), **row)
    Worker.objects.create(name="elsewhere-1", pid=2**22 + 1, host="another machine", **row)
    start_worker()
    assert told.job(job, "succeeded").attempt == 2
    assert not Worker.objects.filter(name="dead-1").exists()
    assert Worker.objects.filter(name="elsewhere-1").exists()  # of another machine's pids we know nothing


def test_a_neighbour_counts_as_dead_before_its_parent_has_asked_after_it(start_worker, make_job, told, settings):
    """So it is for a moment after every kill, and the ring that a broker hands on may come just then."""
    settings.JOB_LEASE_SECONDS = 3600
    job = make_job()
    services.claim(["scripted"], "dead-1")
    with subprocess.Popen([sys.executable, "-c", "pass"]) as neighbour:
        os.waitid(os.P_PID, neighbour.pid, os.WEXITED | os.WNOWAIT)
        Worker.objects.create(
            name="dead-1", pid=neighbour.pid, host=host(), queues=["scripted"], state="ready", heartbeat_at=timezone.now()
        )
        start_worker()
        assert told.job(job, "succeeded").attempt == 2
    assert not Worker.objects.filter(name="dead-1").exists()


def test_a_settlement_that_the_database_refuses_is_reaped_and_made_again(start_worker, make_job, told, rich, settings, monkeypatch):
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS, settings.JOB_SWEEP_SECONDS = 3600, 0.05, 0.05
    succeed, failures = services.succeed, []

    def once_broken(job, media):
        if not failures:
            failures.append(job.attempt)
            raise OperationalError("the disk went away")
        return succeed(job, media)

    monkeypatch.setattr(services, "succeed", once_broken)
    worker, job = start_worker(), make_job()
    job = told.job_whose_lease_ran_out(worker, job, "succeeded", after=failures)
    assert (failures, job.attempt) == ([1], 2)
    assert money(rich) == (99_000, 0)


# --- presence --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("trouble", [OperationalError("the disk went away"), KeyError("mode")])
def test_a_job_whose_worker_stumbles_before_the_engine_comes_back(start_worker, make_job, told, rich, settings, monkeypatch, trouble):
    settings.JOB_LEASE_SECONDS, settings.JOB_HEARTBEAT_SECONDS, settings.JOB_SWEEP_SECONDS = 3600, 0.05, 0.05
    read, failures = runner._request, []

    def once_broken(job):
        if not failures:
            failures.append(job.attempt)
            raise trouble
        return read(job)

    monkeypatch.setattr(runner, "_request", once_broken)
    worker, job = start_worker(), make_job()
    job = told.job_whose_lease_ran_out(worker, job, "succeeded", after=failures)
    assert (failures, job.attempt) == ([1], 2)
    assert money(rich) == (99_000, 0)


def test_a_worker_shows_itself_from_start_to_end_and_leaves_nothing_behind(start_worker, make_job, told, script):
    warm = threading.Event()
    script.warm = lambda: warm.wait(PATIENCE)
    job = make_job()
    worker = start_worker("scripted", "null")
    row = told.wait(lambda: Worker.objects.first())
    assert (row.state, row.queues, row.host) == ("starting", ["scripted", "null"], host())
    assert Job.objects.get(pk=job.pk).status == "queued"  # nothing is claimed before the model is there
    warm.set()
    told.job(job, "succeeded")
    row.refresh_from_db()
    assert row.state == "ready"
    assert row.memory > 10_000_000
    assert worker.stop() == 0
    assert Worker.objects.count() == 0
    assert list(run_dir().iterdir()) == []


def test_a_backend_that_does_not_warm_up_is_shown_as_broken_and_its_jobs_get_an_answer(start_worker, make_job, told, script):
    def warm():
        raise BackendError("The model folder is empty.")

    script.warm = warm
    script.end = lambda requests: [BackendError()]
    start_worker()
    told.job(make_job(), "failed")
    row = Worker.objects.get()
    assert (row.state, row.detail) == ("broken", "The model folder is empty.")


def test_a_worker_stopped_while_it_warms_up_ends_at_once(start_worker, make_job, told, script):
    job = make_job()
    script.warm = lambda: script.go.wait(PATIENCE)
    worker = start_worker()
    told.wait(lambda: Worker.objects.exists())
    assert worker.stop() == 0
    assert Job.objects.get(pk=job.pk).status == "queued"


def test_a_queue_of_no_possible_name_is_refused(start_worker, settings):
    settings.DOORBELL = "studio.generation.dispatch.local.LocalDoorbell"  # whose rings are files
    with pytest.raises(ValueError, match="no name for a queue"):
        start_worker("Not a queue")


def test_a_queue_that_no_engine_has_is_refused_with_the_names_there_are(settings):
    settings.BACKENDS = {"diffusers": {}, "null": {}}
    with pytest.raises(CommandError, match=r"^No engine has the queue nope\. There are: diffusers, null\.$"):
        call_command("worker", "null", "nope")


def test_the_worker_says_how_its_engines_stand_before_a_job_hears_of_it(start_worker, make_job, told, script, monkeypatch):
    said = []
    monkeypatch.setattr(presence.Presence, "show", lambda self, state=None, detail="": said.append(Job.objects.get().status))
    job = make_job()
    script.end = lambda requests: said.clear() or [KeyRefused()]
    start_worker()
    assert told.job(job, "failed").error_code == "key_refused"
    assert said[0] == "running"


def test_every_file_of_a_job_reaches_the_backend_under_its_name(start_worker, make_job, told, alice, rich, script):
    picture_of, sound = (CleanImage(picture((64, 64)), 64, 64), CleanSound(b"a sound", "audio/mpeg", 7.0))
    given = {"image": files.save_input(picture_of, team=rich, user=alice), "audio": files.save_input(sound, team=rich, user=alice)}
    start_worker()
    told.job(make_job(inputs=given), "succeeded")
    request = script.calls[0][0]
    assert (request.image, dict(request.media)) == (picture((64, 64)), {"audio": b"a sound"})


def test_what_an_engine_says_of_single_settings_is_kept(start_worker, make_job, told, script):
    script.end = lambda requests: [InvalidRequest("Too odd.", fields={"prompt": "Too odd."})]
    start_worker()
    assert told.job(make_job(), "failed").error_fields == {"prompt": "Too odd."}
