"""What a person waits for beside the pictures: from Generate to "done" on the page, and from a step to the page that shows it.

On the real `manage.py up` with the null engine (SQLite, local sockets), signed in, over HTTP and the websocket, from the same machine.
`scaled.py` measures the same with PostgreSQL and Redis.
"""

from __future__ import annotations

import asyncio
import http.client
import re
import secrets
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import websockets

from tests.browser.running import RunningStudio
from tests.processes.visitor import Page, Visitor

JOBS = 100
WARM_UP = 10
PAGES = 200
STEPS = 40
STEP_SECONDS = 0.25
"""Slower than the five messages a second that a page gets at most: every step is shown, and none waits for its turn."""

MEDIAN_MS, P95_MS, PROGRESS_P95_MS, MEMORY_MB = 40, 100, 100, 150
"""Targets (DESIGN 8)."""

_DONE = re.compile(r'id="job-([0-9a-f-]{36})"[^>]*data-status="succeeded"')
_STEP = re.compile(r'step <span class="num">(\d+) of')


QUIET = {"STUDIO_LOG_LEVEL": "WARNING", "STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_WELCOME_CREDITS": "10000"}
UNHINDERED = {**QUIET, "STUDIO_SUBMIT_RATE": "100000/minute", "STUDIO_MAX_OPEN_JOBS": "1000"}
"""Variables of a studio that is measured."""


def run() -> list[dict[str, Any]]:
    """Rows {name, value, unit, target, met}."""
    with tempfile.TemporaryDirectory(prefix="atb-") as folder:
        return [*_submit_to_done(Path(folder) / "quick"), *_watched(Path(folder) / "watched")]


def row(name: str, value: float, unit: str, target: float | None = None) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit, "target": target, "met": None if target is None else value <= target}


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def memory_mb(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


# --- one person, one job after another -------------------------------------------------------------------------------
def _submit_to_done(data_dir: Path) -> list[dict[str, Any]]:
    studio = RunningStudio(data_dir, **UNHINDERED).start()
    try:
        visitor = Visitor(studio.url).arrive()
        visitor.http.get("/create/")
        memory = memory_mb(studio.process("web"))
        return [*submit_to_done(visitor), row("web process memory, idle, without torch", memory, "MB", MEMORY_MB)]
    finally:
        studio.stop()


def submit_to_done(visitor: Visitor, where: str = "") -> list[dict[str, Any]]:
    """Two rows; `where` ends their names."""
    with visitor.page() as page:
        known: set[str] = set()
        seconds = [_one_job(visitor, page, known) for _ in range(WARM_UP + JOBS)][WARM_UP:]
    name = "null-engine job, submit → done seen over the websocket"
    return [
        row(f"{name}{where}, median", statistics.median(seconds) * 1000, "ms", MEDIAN_MS),
        row(f"{name}{where}, p95", _p95(seconds) * 1000, "ms", P95_MS),
    ]


def _one_job(visitor: Visitor, page: Page, known: set[str]) -> float:
    """Seconds from the first byte of the POST to the message that shows its job as done. `known` are the jobs that were done before."""
    seen: dict[str, float] = {}

    def watch() -> None:
        while not seen:
            if new := set(_DONE.findall(page.next())) - known:
                seen[new.pop()] = time.perf_counter()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    began = time.perf_counter()
    answer = _post(visitor, prompt="a boat, for the benchmark")
    watcher.join(60)
    [(job, at)] = seen.items()
    assert f'id="job-{job}"' in answer
    known.add(job)
    return at - began


_connections: dict[str, http.client.HTTPConnection] = {}


def _post(visitor: Visitor, **fields: str) -> str:
    """Press Generate over a connection that is kept open, as a browser's is, without a client library's own time."""
    connection = _connections.setdefault(visitor.url, http.client.HTTPConnection(visitor.url.removeprefix("http://"), timeout=60))
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.http.cookies.jar)
    values = {"engine": "null", "mode": "text-to-image", "num_images": "1", "idempotency_key": secrets.token_hex(8)} | fields
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": cookies,
        "HX-Request": "true",
        "X-CSRFToken": visitor.http.cookies["csrftoken"],
    }
    connection.request("POST", "/create/", urlencode(values), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text[:2000]
    return text


# --- many pages watch one job ----------------------------------------------------------------------------------------
def _watched(data_dir: Path) -> list[dict[str, Any]]:
    steps_file = data_dir.with_suffix(".steps")
    studio = RunningStudio(data_dir, **UNHINDERED, **timed(steps_file)).start()
    try:
        rows = watched(studio, steps_file)
        return [*rows, row(f"web process memory after {PAGES} open pages", memory_mb(studio.process("web")), "MB")]
    finally:
        studio.stop()


def timed(steps_file: Path) -> dict[str, str]:
    """Variables of a studio whose null engine takes its steps slowly, and notes in the file when each happened."""
    told = {"BENCH_STEPS": str(STEPS), "BENCH_STEP_SECONDS": str(STEP_SECONDS), "BENCH_STEPS_FILE": str(steps_file)}
    return {"DJANGO_SETTINGS_MODULE": "tests.bench.timed_settings", **told}


def watched(studio: RunningStudio, steps_file: Path, where: str = "") -> list[dict[str, Any]]:
    """One row, of a studio with the variables of `timed`; `where` ends its name."""
    shown = asyncio.run(_watch(studio, Visitor(studio.url).arrive()))
    happened = {int(step): float(at) for step, at in (line.split() for line in steps_file.read_text().splitlines())}
    delays = [at - happened[step] for page in shown for step, at in page.items()]
    expected = PAGES * (STEPS - 1)  # the last step is "Finishing"
    name = f"{PAGES} open pages watching, progress shown after it happened{where}, p95"
    if len(delays) < expected * 0.98:
        name += f": only {len(delays)} of {expected} steps arrived"
        return [{"name": name, "value": 0, "unit": "ms", "target": PROGRESS_P95_MS, "met": False}]
    return [row(name, _p95(delays) * 1000, "ms", PROGRESS_P95_MS)]


async def _watch(studio: RunningStudio, visitor: Visitor) -> list[dict[int, float]]:
    """For each page: at which moment it got each step."""
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.http.cookies.jar)
    address = studio.url.replace("http", "ws", 1) + "/live/?view=create"
    ready = asyncio.Semaphore(0)

    async def page() -> dict[int, float]:
        steps: dict[int, float] = {}
        async with websockets.connect(
            address, origin=studio.url, additional_headers={"Cookie": cookies}, open_timeout=60, compression=None
        ) as line:
            await line.recv()
            ready.release()
            async for message in line:
                at = time.monotonic()
                if found := _STEP.search(message):
                    steps.setdefault(int(found[1]), at)
                elif _DONE.search(message):
                    break
        return steps

    pages = [asyncio.create_task(page()) for _ in range(PAGES)]
    for _ in pages:
        await ready.acquire()
    await asyncio.to_thread(_post, visitor, prompt="a boat that everybody watches")
    return await asyncio.gather(*pages)


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
