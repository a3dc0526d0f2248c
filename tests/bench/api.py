"""What a program waits for beside the picture, and what 300 that wait at once take.

On the real `manage.py up` with the null engine (SQLite, local sockets), through `/v2beta/stable-image/generate/core` from the same machine,
each request on a connection of its own, as the clients of the Stability API make them.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.browser.running import RunningStudio

JOBS, WARM_UP = 60, 10
WAITING = 300
KEYS = 4
"""One key may ask 150 times in ten seconds."""
CORE = "/v2beta/stable-image/generate/core"
FORM: list[tuple[str, tuple[None, str]]] = [("prompt", (None, "a boat, for the benchmark")), ("output_format", (None, "jpeg"))]

SEED = f"""
from accounts import keys
from accounts.services import create_team, create_user_with_team
from billing.services import wallets
from studio.api.models import EngineRoute
ana = create_user_with_team(email="ana@harbour.example", name="Ana Marques", password="a long enough password", email_verified=True)
team = create_team("Harbour Street", ana)
wallets.grant(wallets.wallet_of(team), 10_000_000, reference="bench", description="For the benchmark")
EngineRoute.objects.create(asked="stable-image/generate/core", engine="null")
for place in range({KEYS}):
    print(keys.make(team, ana, name=f"Robot {{place}}", scopes=["generate"]).secret)
"""


def run() -> list[dict[str, Any]]:
    """Rows {name, value, unit, target, met}."""
    with tempfile.TemporaryDirectory(prefix="atb-") as folder:
        quiet = {"STUDIO_LOG_LEVEL": "WARNING", "STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_MAX_OPEN_JOBS": "1000"}
        studio = RunningStudio(Path(folder) / "data", **quiet).start()
        try:
            made = studio.manage("shell", "-v", "0", "-c", SEED)
            assert made.returncode == 0, made.stderr
            secrets = made.stdout.split()
            return [*_one_after_another(studio, secrets[0]), *asyncio.run(_all_at_once(studio, secrets))]
        finally:
            studio.stop()


def _row(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit, "target": target, "met": None if target is None else value <= target}


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _headers(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", "Accept": "image/*"}


# --- one program, one picture after another --------------------------------------------------------------------------


def _one_after_another(studio: RunningStudio, secret: str) -> list[dict[str, Any]]:
    seconds = []
    for _ in range(WARM_UP + JOBS):
        began = time.perf_counter()
        answer = httpx.post(studio.url + CORE, files=FORM, headers=_headers(secret), timeout=60)
        seconds.append(time.perf_counter() - began)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), answer.text[:2000]
    # The bare job: from the moment it stands in the queue to the moment that it is settled, as its row says.
    moments = "SELECT (julianday(finished_at) - julianday(created_at)) * 86400 FROM generation_job ORDER BY created_at"
    bare = [float(took) for (took,) in studio.rows(moments)]
    assert len(bare) == len(seconds)
    beside = [whole - job for whole, job in zip(seconds, bare, strict=True)][WARM_UP:]
    return [
        _row(
            "picture through the Stability API (core, null engine), whole answer, median", statistics.median(seconds[WARM_UP:]) * 1000, "ms"
        ),
        _row("… over the bare job, median", statistics.median(beside) * 1000, "ms"),
        _row("… over the bare job, p95", _p95(beside) * 1000, "ms"),
    ]


# --- many programs at once -------------------------------------------------------------------------------------------


async def _all_at_once(studio: RunningStudio, secrets: list[str]) -> list[dict[str, Any]]:
    """The worker stands still until all of them wait, so that it is known how many do."""
    web, worker = studio.process("web"), studio.process("worker", "null")
    before, threads = _memory_mb(web), web.num_threads()
    worker.suspend()
    try:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=studio.url, timeout=300, limits=limits) as client:
            asked = [
                asyncio.create_task(client.post(CORE, files=FORM, headers=_headers(secrets[place % KEYS]))) for place in range(WAITING)
            ]
            while _queued(studio) < WAITING:
                refused = [task for task in asked if task.done()]
                assert not refused, refused[0].result().text
                await asyncio.sleep(0.2)
            while_waiting, threads_waiting = _memory_mb(web), web.num_threads()
            worker.resume()
            began = time.perf_counter()
            answers = await asyncio.gather(*asked)
            took = time.perf_counter() - began
    finally:
        worker.resume()
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.content.startswith(b"\xff\xd8") for answer in answers)
    return [
        _row(f"{WAITING} programs waiting at once, answered", sum(answer.status_code == 200 for answer in answers), "of 300"),
        _row("… threads of the web process more than without them", threads_waiting - threads, "threads"),
        _row("… memory of the web process more than without them", while_waiting - before, "MB"),
        _row("… memory of the web process while they wait", while_waiting, "MB"),
        _row("… seconds from the worker's start to the last answer", took, "s"),
        _row("… memory of the web process afterwards", _memory_mb(web), "MB"),
    ]


def _queued(studio: RunningStudio) -> int:
    return int(studio.rows("SELECT count(*) FROM generation_job WHERE status IN ('queued', 'running')")[0][0])


def _memory_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss / 2**20)


if __name__ == "__main__":
    for row in run():
        sys.stdout.write(f"{row}\n")
