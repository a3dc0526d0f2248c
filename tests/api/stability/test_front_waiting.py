"""A program that waits for its picture, through the whole application: no thread waits with it, and hanging up loses nothing."""

from __future__ import annotations

import asyncio
import base64
import io

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from PIL import Image

from studio.api.models import EngineRoute
from studio.generation.models import Artifact, Job
from tests.api.conftest import work
from tests.api.line import PATIENCE, Line

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v1/generation/stable-diffusion-xl-1024-v1-0/text-to-image"
BOAT = {"text_prompts": [{"text": "a boat"}], "width": 1152, "height": 896, "seed": 7}


@pytest.fixture
def robot(alice, rich, program, bells, hints):
    EngineRoute.objects.create(asked="v1/text-to-image", engine="null")
    return program(alice)


def with_database(read):
    def done():
        try:
            return read()
        finally:
            connection.close()

    return sync_to_async(done, thread_sensitive=False)()


async def until(read) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await with_database(read):
            await asyncio.sleep(0.02)


async def test_the_answer_comes_when_the_work_is_done(robot):
    line = await Line(robot, PATH, "POST", BOAT).open()
    await until(Job.objects.exists)
    assert line.status == 0
    await with_database(work)

    [made] = (await line.answer())["artifacts"]

    assert (line.status, line.headers["content-type"]) == (200, "application/json")
    assert line.headers["content-length"] == str(len(line.text))
    assert len(line.headers["x-request-id"]) == 32
    assert (line.headers["x-ratelimit-limit"], line.headers["x-atelier-engine"]) == ("150", "null")
    assert (made["seed"], made["finishReason"]) == (7, "SUCCESS")
    with Image.open(io.BytesIO(base64.b64decode(made["base64"]))) as picture:
        assert picture.size == (1152, 896)


async def test_who_hangs_up_finds_it_in_the_library(robot):
    line = await Line(robot, PATH, "POST", BOAT).open()
    await until(Job.objects.exists)
    await line.hang_up()
    await with_database(work)
    assert await with_database(lambda: list(Artifact.objects.values_list("prompt", flat=True))) == ["a boat"]
    assert await with_database(lambda: Job.objects.get().status) == Job.Status.SUCCEEDED


async def test_many_at_once(robot):
    lines = [await Line(robot, PATH, "POST", BOAT | {"seed": seed}).open() for seed in range(1, 13)]
    await until(lambda: Job.objects.count() == len(lines))
    await with_database(work)
    answers = await asyncio.gather(*(line.answer() for line in lines))
    assert [answer["artifacts"][0]["seed"] for answer in answers] == list(range(1, 13))
