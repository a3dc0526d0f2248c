"""A job as server-sent events, through the whole application."""

from __future__ import annotations

import asyncio
import threading

import pytest

from studio.api import events as stream
from studio.api import waiting
from studio.generation import services
from studio.generation.models import Job
from studio.live import events
from tests.api.line import Line, events_of
from tests.api.test_jobs import BOAT
from tests.api.test_waiting import begun, in_thread, reads, work_elsewhere  # noqa: F401 - fixtures
from tests.generation.conftest import media

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


@pytest.fixture
def job(robot) -> Job:
    robot.post("/jobs", BOAT)
    return Job.objects.get()


def closing(work):
    def done(*args):
        from django.db import connection

        try:
            return work(*args)
        finally:
            connection.close()

    return in_thread(done)


def claim() -> Job:
    [job] = services.claim(["null"], "w", batch=False)
    return job


async def test_progress_and_the_end(robot, job, reads):  # noqa: F811
    line = await Line(robot, f"/jobs/{job.pk}/events").open()
    await line.until("queued")
    assert (line.status, line.headers["content-type"]) == (200, "text/event-stream")
    assert line.headers["cache-control"] == "no-store"
    running = await closing(claim)()
    await line.until("running.1.0")
    events.job_progress(job.team_id, job.pk, 1, 3, 8, "<p>")
    await line.until("running.1.3")
    await closing(services.succeed)(running, media())
    await line.until("ended")
    while await line._read():
        pass

    told = events_of(line.text)
    assert line.text.startswith("retry: 2000\n\n")
    assert [(its_id, name) for its_id, name, _ in told] == [
        ("queued.0.0", "progress"),
        ("running.1.0", "progress"),
        ("running.1.3", "progress"),
        ("ended", "ended"),
    ]
    assert told[2][2] == {"status": "running", "step": 3, "total": 8}
    assert (told[-1][2]["status"], told[-1][2]["results"][0]["index"]) == ("succeeded", 0)
    shown = await Line(robot, f"/jobs/{job.pk}").open()
    assert told[-1][2] == await shown.answer()


async def test_one_that_is_over_ends_at_once_and_is_not_asked_for_again(robot, job, reads):  # noqa: F811
    await work_elsewhere()
    line = await Line(robot, f"/jobs/{job.pk}/events").open()
    while await line._read():
        pass
    assert [name for _, name, _ in events_of(line.text)] == ["ended"]

    again = await Line(robot, f"/jobs/{job.pk}/events", last_event_id="ended").open()
    assert await again.answer() is None
    assert again.status == 204


async def test_who_comes_back_goes_on_from_there(robot, job, reads):  # noqa: F811
    await closing(claim)()
    line = await Line(robot, f"/jobs/{job.pk}/events").open()
    await line.until("running.1.0")
    await line.hang_up()

    again = await Line(robot, f"/jobs/{job.pk}/events", last_event_id="running.1.0").open()
    await again.until("retry")
    await begun(reads, 3)
    events.job_progress(job.team_id, job.pk, 1, 2, 8, "<p>")
    await again.until("running.1.2")

    assert [its_id for its_id, _, _ in events_of(again.text)] == ["running.1.2"]
    await again.hang_up()


async def test_several_watch_one_job(robot, job, reads):  # noqa: F811
    lines = [await Line(robot, f"/jobs/{job.pk}/events").open() for _ in range(5)]
    for line in lines:
        await line.until("queued.0.0")
    await lines[0].hang_up()

    await work_elsewhere()

    for line in lines[1:]:
        await line.until("event: ended")


async def test_a_line_on_which_nothing_happens_is_kept_open_and_holds_no_thread(robot, job, reads, monkeypatch):  # noqa: F811
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    first = await Line(robot, f"/jobs/{job.pk}/events").open()
    await first.until("queued.0.0")
    before = threading.active_count()
    lines = [await Line(robot, f"/jobs/{job.pk}/events").open() for _ in range(40)]
    for line in lines:
        await line.until(": still here")

    assert threading.active_count() <= before + 3

    for line in (first, *lines):
        await line.hang_up()
    while waiting.watcher().listeners:
        await asyncio.sleep(0.01)
