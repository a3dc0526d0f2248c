"""Waiting without a thread: one watcher for everybody, woken by what is told, and right when nothing is told."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from studio.api import waiting
from studio.generation import services
from studio.generation.models import Artifact, Job
from studio.live import events
from tests.api.conftest import work
from tests.api.line import PATIENCE, Line
from tests.api.test_jobs import BOAT
from tests.generation.conftest import media

pytestmark = pytest.mark.django_db(transaction=True)

in_thread = sync_to_async(thread_sensitive=False)


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


@pytest.fixture
def jobs(robot) -> list[Job]:
    for seed in range(3):
        robot.post("/jobs", {**BOAT, "seed": seed})
    return list(Job.objects.order_by("id"))


@pytest.fixture
async def reads(monkeypatch) -> AsyncIterator[list[int]]:
    """How many rows each of the watcher's queries asked for."""
    counted: list[int] = []
    real = waiting._read

    def read(ids: Any) -> Any:
        counted.append(len(ids))
        return real(ids)

    monkeypatch.setattr(waiting, "_read", read)
    yield counted
    task = waiting.watcher().task
    if task:
        await asyncio.wait_for(task, PATIENCE)


@pytest.fixture
def unheard(monkeypatch) -> None:
    """Nothing is told to anybody."""
    monkeypatch.setattr(events, "job_updated", lambda *args, **how: None)


async def begun(reads: list[int], number: int = 1) -> None:
    """Once the watcher has read so many times."""
    while len(reads) < number:
        await asyncio.sleep(0)


async def work_elsewhere() -> int:
    """In a thread with a connection of its own, as another request or a worker would."""
    return await in_thread(_worked)()


def _worked() -> int:
    from django.db import connection

    try:
        return work()
    finally:
        connection.close()


async def test_whoever_waits_is_woken_when_the_last_job_is_over(jobs, reads):
    monkey = waiting.watcher()
    monkey.SWEEP_SECONDS = 3600  # only what is told wakes it
    over = asyncio.create_task(waiting.until_over([job.pk for job in jobs], PATIENCE))
    await begun(reads, 2)

    assert await work_elsewhere() == 3

    assert await over is True


async def test_a_message_that_is_lost_is_made_up_for_by_the_sweep(jobs, reads, unheard):
    waiting.watcher().SWEEP_SECONDS = 0.05
    over = asyncio.create_task(waiting.until_over([jobs[0].pk], PATIENCE))
    await begun(reads)

    assert await work_elsewhere() == 3

    assert await over is True


async def test_the_time_runs_out(jobs, reads):
    assert await waiting.until_over([job.pk for job in jobs], 0.01) is False
    assert await waiting.until_over([], 0) is True


async def test_what_is_over_or_gone_already_is_not_waited_for(jobs, reads):
    await work_elsewhere()

    assert await waiting.until_over([jobs[0].pk, uuid.uuid4()], PATIENCE) is True


async def test_hundreds_wait_with_one_query(jobs, reads):
    waiting.watcher().SWEEP_SECONDS = 3600
    waits = [asyncio.create_task(waiting.until_over([jobs[number % 3].pk], PATIENCE)) for number in range(300)]
    await begun(reads, 2)
    before = threading.active_count()

    assert await work_elsewhere() == 3
    assert await asyncio.gather(*waits) == [True] * 300

    assert len(reads) < 20  # a few for what was told, and not one for each who waits
    assert threading.active_count() <= before + 2


async def test_the_watcher_ends_with_the_last_who_waits_and_leaves_its_groups(jobs, reads):
    from channels.layers import get_channel_layer

    for _ in range(2):
        assert await waiting.until_over([jobs[0].pk], 0.01) is False
        task = waiting.watcher().task
        if task:
            await task
        assert waiting.watcher().joined == set()
        assert waiting.watcher().listeners == {}
    groups = getattr(get_channel_layer(), "_groups", {})
    assert events.team_group(jobs[0].team_id) not in groups


async def test_a_database_that_is_away_for_a_moment_is_waited_out(jobs, reads, monkeypatch):
    from django.db import OperationalError

    real, failed = waiting._read, []

    def read(ids: Any) -> Any:
        if not failed:
            failed.append(1)
            raise OperationalError("away")
        return real(ids)

    monkeypatch.setattr(waiting, "_read", read)
    waiting.watcher().SWEEP_SECONDS = 0.05
    await work_elsewhere()

    assert await waiting.until_over([jobs[0].pk], PATIENCE) is True
    assert failed


# --- through the whole application -----------------------------------------------------------------------------------


async def test_a_long_poll_is_answered_when_the_job_is_over(robot, jobs, reads):
    line = await Line(robot, f"/jobs/{jobs[0].pk}?wait=60").open()
    await begun(reads)

    await work_elsewhere()

    told = await line.answer()
    assert (line.status, told["status"]) == (200, "succeeded")
    assert line.headers["ratelimit-limit"] == line.headers["x-ratelimit-limit"]
    assert line.headers["content-length"] == str(len(line.text.encode()))


async def test_a_submit_that_waits_is_answered_with_the_job_that_is_over(robot, reads):
    line = await Line(robot, "/jobs?wait=60", "POST", {**BOAT, "seed": 99}).open()
    await begun(reads)

    await work_elsewhere()

    told = await line.answer()
    assert (line.status, told["status"], told["results"][0]["seed"]) == (201, "succeeded", 99)


async def test_who_hangs_up_loses_nothing(robot, rich, reads):
    line = await Line(robot, "/jobs?wait=60", "POST", {**BOAT, "seed": 99}, idempotency_key="k").open()
    await begun(reads)

    await line.hang_up()
    assert await work_elsewhere() == 1

    artifact = await Artifact.objects.select_related("job", "api_key").aget()
    assert (artifact.team_id, artifact.seed, artifact.api_key) == (rich.pk, 99, robot.key)
    again = await Line(robot, "/jobs", "POST", {**BOAT, "seed": 99}, idempotency_key="k").open()
    told = await again.answer()
    assert (again.headers["idempotency-replayed"], told["id"], told["status"]) == ("true", str(artifact.job_id), "succeeded")


async def test_those_who_wait_hold_no_thread(robot, jobs, reads):
    """Each request has a thread for as long as it is worked on; one that waits gives it back."""
    [first, *_] = jobs
    before = threading.active_count()
    lines = [await Line(robot, f"/jobs/{first.pk}?wait=60").open() for _ in range(40)]
    while len(waiting.watcher().listeners.get(first.pk, ())) < 40:
        await asyncio.sleep(0.01)

    assert threading.active_count() <= before + 3

    await work_elsewhere()
    assert {(await line.answer())["status"] for line in lines} == {"succeeded"}


async def test_a_job_that_is_stopped_ends_the_wait(robot, jobs, reads):
    line = await Line(robot, f"/jobs/{jobs[0].pk}?wait=60").open()
    await begun(reads)

    stop = await Line(robot, f"/jobs/{jobs[0].pk}/cancel", "POST").open()

    assert (await stop.answer())["status"] == "canceled"
    assert (await line.answer())["status"] == "canceled"


async def test_a_batch_is_waited_for_as_a_whole(robot, reads):
    made = await (await Line(robot, "/batches", "POST", {"items": [{**BOAT, "seed": seed} for seed in range(2)]}).open()).answer()
    line = await Line(robot, f"/batches/{made['id']}?wait=60").open()
    await begun(reads)

    def one() -> None:
        from django.db import connection

        [job] = services.claim(["null"], "w", batch=False)
        services.succeed(job, media())
        connection.close()

    await in_thread(one)()
    await in_thread(one)()

    assert (await line.answer())["status"] == "finished"
