"""Programs against the real studio: a web process, a worker of its own, and many who wait."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.browser.running import RunningStudio

MANY = 100
MAKE_A_KEY = """
from accounts import keys
from accounts.services import create_team, create_user_with_team
from billing.services import wallets
user = create_user_with_team(email="ada@harbour.example", name="Ada", password="correct horse battery", email_verified=True)
team = create_team("Harbour Street", user)
wallets.grant(wallets.wallet_of(team), 10_000_000, reference="test", description="For the test")
print("secret", keys.make(team, user, name="Robot", scopes=["generate", "library:read"]).secret)
"""
BOAT = {"engine": "null", "prompt": "a boat", "width": 512, "height": 512}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    quiet = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_MAX_OPEN_JOBS": "1000", "STUDIO_API_RATE": "100000/minute"}
    running = RunningStudio(tmp_path_factory.mktemp("api"), **quiet).start()
    running.wait_for(r"^remote.*worker_ready")
    yield running
    assert running.stop() == 0
    running.assert_the_ledger_agrees()


@pytest.fixture(scope="module")
def secret(studio: RunningStudio) -> str:
    made = studio.manage("shell", "-v0", "--no-imports", "-c", MAKE_A_KEY)
    return re.search(r"secret (sk-\w+)", made.stdout)[1]


@pytest.fixture
def worker(studio: RunningStudio) -> Iterator[psutil.Process]:
    """The worker of the drawing engine, standing still until it is told to go on: what is asked for waits."""
    process = studio.process("worker")
    with contextlib.closing(sqlite3.connect(studio.data_dir / "studio.sqlite3", timeout=60, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")  # or it might stand still while it writes itself, and nobody else could
        process.suspend()
        while process.status() != psutil.STATUS_STOPPED:
            time.sleep(0.01)
        database.rollback()
    yield process
    process.resume()


def client(studio: RunningStudio, secret: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=None)
    return httpx.AsyncClient(base_url=f"{studio.url}/api/v1", headers={"Authorization": f"Bearer {secret}"}, timeout=120, limits=limits)


async def waiting_in(studio: RunningStudio, number: int) -> None:
    """Until so many jobs are in the studio: each is one of those who wait."""
    while studio.rows("select count(*) from generation_job where status = 'queued'")[0][0] < number:
        await asyncio.sleep(0.1)


async def test_many_wait_and_the_web_process_keeps_no_thread_for_them(studio, secret, worker):
    async with client(studio, secret) as http:
        first = await http.post("/jobs", json=BOAT)
        assert first.status_code == 201, first.text
        web = studio.process("web")
        before = web.num_threads()
        waits = [asyncio.create_task(http.post("/jobs?wait=60", json={**BOAT, "seed": seed})) for seed in range(MANY)]
        await waiting_in(studio, MANY + 1)
        assert (await http.get("/engines")).status_code == 200  # and others are served meanwhile
        while web.num_threads() > before + 6:  # those that have just written end
            await asyncio.sleep(0.1)

        worker.resume()
        answers = await asyncio.gather(*waits)

    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["status"] for answer in answers} == {"succeeded"}
    assert sorted(answer.json()["results"][0]["seed"] for answer in answers) == list(range(MANY))


async def test_who_hangs_up_finds_the_picture_in_the_library(studio, secret, worker):
    async with client(studio, secret) as http:
        before = studio.rows("select count(*) from generation_job where status = 'queued'")[0][0]
        gone = asyncio.create_task(http.post("/jobs?wait=60", json={**BOAT, "seed": 4242}))
        await waiting_in(studio, before + 1)
        gone.cancel()

        worker.resume()

        [job] = [one for one in (await http.get("/jobs?limit=1")).json()["items"] if one["prompt"] == "a boat"]
        done = (await http.get(f"/jobs/{job['id']}?wait=60")).json()
        assert (done["status"], done["results"][0]["seed"]) == ("succeeded", 4242)
        data = await http.get(f"{studio.url}{done['results'][0]['path']}")
        assert data.content.startswith(b"\x89PNG")


async def test_events_come_over_a_real_line_from_a_worker_of_another_process(studio, secret, worker):
    async with client(studio, secret) as http:
        job = (await http.post("/jobs", json=BOAT)).json()
        heard = []
        async with http.stream("GET", f"/jobs/{job['id']}/events") as stream:
            assert stream.headers["content-type"] == "text/event-stream"
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    heard.append(line.removeprefix("event: "))
                    worker.resume()
    assert heard[0] == "progress"
    assert heard[-1] == "ended"


async def test_a_cookie_or_another_site_changes_nothing(studio, secret):
    async with httpx.AsyncClient(base_url=studio.url) as http:
        refused = await http.get("/api/v1/engines", cookies={"sessionid": "x" * 32})
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    assert Path(studio.data_dir).exists()
