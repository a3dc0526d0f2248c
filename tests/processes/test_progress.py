"""What pages are told of a run, how often, and that telling them can do no harm."""

import threading
import time

import pytest

from studio.backends.base import Progress
from studio.generation import previews, services
from studio.generation.models import Job
from studio.generation.worker import progress as room
from studio.generation.worker.progress import ProgressPublisher, render
from studio.generation.worker.running import Halt, RunningJobs
from tests.processes.conftest import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def running():
    return RunningJobs()


@pytest.fixture
def job(make_job, running):
    make_job()
    [job] = services.claim(["scripted"], "worker-1")
    running.add([job])
    return job


@pytest.fixture
def publisher(running, told):
    made = ProgressPublisher(running)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def seldom(monkeypatch):
    """Between two messages about a job lies more time than any test takes; `soon` ends it."""
    monkeypatch.setattr(room, "SEND_SECONDS", 3600)
    monkeypatch.setattr(room, "RECORD_SECONDS", 3600)


def soon(publisher, line):
    """The next message is due in a moment: the publisher has to wake up for it by itself."""
    with publisher._changed:
        line.send_at = time.monotonic() + 0.05
        publisher._changed.notify()


@pytest.mark.parametrize("fault", [None, RuntimeError("no template")], ids=["well", "not"])
def test_what_the_first_message_needs_is_there_before_it(running, job, told, monkeypatch, fault):
    """Seen: half a second went by in the first run of each worker, in which no page was told of its steps."""
    drawn = []

    def first(*args, **named):
        monkeypatch.setattr(room, "render", render)
        drawn.append(render(*args, **named))
        if fault:
            raise fault

    monkeypatch.setattr(room, "render", first)
    publisher = ProgressPublisher(running)
    publisher.start()
    try:
        publisher.report(job, Progress(1, 4, b"jpeg"))
        told.wait(lambda: told.progress)
    finally:
        publisher.stop()
    [html] = drawn
    assert "/preview/1.jpg" in html
    assert str(job.pk) not in html


def test_of_a_fast_run_pages_hear_the_first_step_and_then_the_newest(publisher, job, make_job, told, seldom):
    make_job()
    [other] = services.claim(["scripted"], "worker-1")

    def heard():
        return [args[3] for args in told.progress if args[1] == job.pk]

    publisher.report(job, Progress(1, 100))
    told.wait(heard)
    publisher.report(job, Progress(2, 100))
    publisher.report(other, Progress(1, 100))
    told.wait(lambda: told.progress[-1][1] == other.pk)  # somebody tells, and holds the second step back
    assert heard() == [1]
    for step in range(3, 101):
        publisher.report(job, Progress(step, 100))
    soon(publisher, publisher._lines[job.pk])
    told.wait(lambda: heard()[-1] == 100)
    assert heard() == [1, 100]
    assert {(args[0], args[2], args[4]) for args in told.progress} == {(job.team_id, 1, 100)}


def test_the_newest_preview_goes_out_even_if_the_newest_step_has_none(publisher, job, told, seldom):
    publisher.report(job, Progress(1, 100))
    told.wait(lambda: told.progress)
    publisher.report(job, Progress(2, 100, b"jpeg of 2"))
    publisher.report(job, Progress(3, 100))
    soon(publisher, publisher._lines[job.pk])
    told.wait(lambda: told.progress[-1][3] == 3)
    assert previews.get(job.pk, 3) == b"jpeg of 2"
    assert previews.latest(job.pk) == 3
    assert f"/jobs/{job.pk}/preview/3.jpg" in told.progress[-1][5]


def test_jobs_of_a_batch_do_not_wait_for_each_other(publisher, job, make_job, running, told):
    make_job()
    [other] = services.claim(["scripted"], "worker-1")
    publisher.report(job, Progress(1, 100))
    publisher.report(other, Progress(1, 100))
    told.wait(lambda: {args[1] for args in told.progress} == {job.pk, other.pk})


def test_the_row_is_told_at_most_once_a_second(publisher, job, told, seldom, monkeypatch):
    written, rounds = [], []
    monkeypatch.setattr(services, "record_progress", lambda job, step, total: written.append((step, total)) or True)
    monkeypatch.setattr(room.database, "tidy", told.after(lambda: rounds.append(None)))  # the end of each
    monkeypatch.setattr(room, "SEND_SECONDS", 0)

    def tell(step):
        publisher.report(job, Progress(step, 20))
        told.wait(lambda: len(rounds) == step)
        assert told.progress[-1][3] == step

    for step in range(1, 11):
        tell(step)
    assert written == [(1, 20)]
    publisher._lines[job.pk].record_at = 0  # the second is over
    tell(11)
    tell(12)
    assert written == [(1, 20), (11, 20)]


def test_a_page_that_is_loaded_in_the_middle_finds_the_step_in_the_row(publisher, job, told):
    publisher.report(job, Progress(7, 20))
    told.wait(lambda: Job.objects.get(pk=job.pk).step == 7)
    assert Job.objects.get(pk=job.pk).total_steps == 20


def test_a_job_that_is_no_longer_held_is_noticed(publisher, job, running, told):
    Job.objects.filter(pk=job.pk).update(attempt=2)
    publisher.report(job, Progress(7, 20))
    told.wait(lambda: running.halted(job) is Halt.LOST)


def test_nothing_is_told_after_the_run_and_the_preview_is_dropped(publisher, job, told, seldom, monkeypatch):
    monkeypatch.setattr(room, "KEEP_SECONDS", 0)
    publisher.report(job, Progress(1, 20, b"jpeg"))
    told.wait(lambda: told.progress)
    publisher.report(job, Progress(2, 20, b"jpeg"))
    dropped = threading.Event()
    monkeypatch.setattr(previews, "forget", lambda job_id: dropped.set())
    with publisher._changed:  # the second step is due, and the run over, in the same moment
        publisher._lines[job.pk].send_at = 0
        publisher.forget(job)
    assert dropped.wait(PATIENCE)
    assert len(told.progress) == 1


@pytest.mark.parametrize("broken", ["put", "render"])
def test_what_fails_here_costs_a_message_and_nothing_else(publisher, job, told, monkeypatch, broken):
    with monkeypatch.context() as patch:
        failed = threading.Event()

        def fail(*args):
            failed.set()
            raise OSError("no space left")

        patch.setattr(previews if broken == "put" else room, broken, fail)
        publisher.report(job, Progress(1, 20, b"jpeg"))
        assert failed.wait(PATIENCE)
    publisher.report(job, Progress(2, 20))
    told.wait(lambda: told.progress)
    assert told.progress[0][3] == 2


def test_report_does_not_wait_for_whoever_tells(publisher, job, told, monkeypatch):
    held, go = threading.Event(), threading.Event()

    def slow(*args):
        held.set()
        assert go.wait(PATIENCE)
        return ""

    monkeypatch.setattr(room, "render", slow)
    publisher.report(job, Progress(1, 20))
    assert held.wait(PATIENCE)
    for step in range(2, 20):
        publisher.report(job, Progress(step, 20))  # returns, though the publisher is stuck
    go.set()
    told.wait(lambda: told.progress and told.progress[-1][3] == 19)


def test_one_message_has_the_card_and_the_stage_ready_to_be_swapped(job):
    html = render(job, Progress(5, 20, b"jpeg"), 5)
    assert html.count('hx-swap-oob="outerMorph"') == 2
    assert f'id="job-{job.pk}-progress"' in html
    assert f'id="stage-{job.pk}-progress"' in html
    assert "25 %" in html
    assert html.count(f"/jobs/{job.pk}/preview/5.jpg") == 2
