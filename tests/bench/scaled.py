"""The same as `live.py` with many processes on PostgreSQL and Redis, and how many null jobs a second 1, 2 and 4 workers bring to their end.

BENCH_POSTGRES (or DATABASE_URL) names a PostgreSQL server, on which a database is made for each studio and dropped after; REDIS_URL a
Redis: its database eight numbers on is emptied. For the throughput the jobs of many teams wait in a paused queue before anybody looks, so
nothing but workers is measured: claim, card, files, books and news, from the first job's start to the last one's end.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from tests.bench import live
from tests.processes.running_scaled import RunningScaledStudio
from tests.processes.visitor import Visitor

WHERE = ", PostgreSQL and Redis"
WORKERS = (1, 2, 4)
TEAMS, ROWS = 25, 40
"""A batch of so many jobs in each team."""
CARDS = 200
PATIENCE = 600
"""Seconds in which all jobs of one measurement must have ended."""

FILL = f"""
from accounts.services import create_team, create_user_with_team
from billing.services import wallets
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Batch
person = create_user_with_team(email="bench@harbour.example", name="Ana Marques", password="x", email_verified=True)
services.pause_queue("null", by=person)
for number in range({TEAMS}):
    team = create_team(f"Quay {{number}}", person)
    wallets.grant(wallets.wallet_of(team), 10_000_000, reference="bench", description="For the benchmark")
    values = {{"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "width": 512, "height": 512}}
    requests = [GenerationRequest(prompt=f"boat {{place}}", seed=place, **values) for place in range({ROWS})]
    items = [services.Item(request) for request in requests]
    services.submit_batch(user=person, team=team, items=items, kind=Batch.Kind.TABLE, title="Boats", idempotency_key=f"bench-{{number}}")
"""
RESUME = """
from accounts.models import User
from studio.generation import services
services.resume_queue("null", by=User.objects.first())
"""


def run() -> list[dict[str, Any]]:
    """Rows {name, value, unit, target, met}."""
    server = os.environ.get("BENCH_POSTGRES") or os.environ.get("DATABASE_URL", "")
    if not (server.startswith("postgres") and os.environ.get("REDIS_URL")):
        sys.stderr.write("Left out: many processes. Name a server in DATABASE_URL (postgres://…) and one in REDIS_URL (redis://…).\n")
        return []
    with tempfile.TemporaryDirectory(prefix="atb-") as folder:
        rows = [*_submit_to_done(Path(folder) / "quick", server), *_watched(Path(folder) / "watched", server)]
        return [*rows, *_throughput(Path(folder), server)]


def _studio(data_dir: Path, server: str, *, web: int, workers: int, **environment: str) -> RunningScaledStudio:
    words = ("--web", str(web), *("--worker", "null") * workers)
    return RunningScaledStudio(data_dir, *words, database_url=server, **live.UNHINDERED, **environment)


def _submit_to_done(data_dir: Path, server: str) -> list[dict[str, Any]]:
    with _studio(data_dir, server, web=2, workers=1) as studio:
        visitor = Visitor(studio.url).arrive()
        visitor.http.get("/create/")
        memory = [live.memory_mb(studio.process(name)) for name in ("web-1", "worker-1", "beat")]
        rows = live.submit_to_done(visitor, WHERE)
        studio.stop()
    names = ("web process memory, idle", "worker process memory, idle, without torch", "memory of the clock's process, idle")
    targets = (live.MEMORY_MB, None, None)
    return [*rows, *(live.row(f"{name}{WHERE}", *told) for name, *told in zip(names, memory, ["MB"] * 3, targets, strict=True))]


def _watched(data_dir: Path, server: str) -> list[dict[str, Any]]:
    steps_file = data_dir.with_suffix(".steps")
    with _studio(data_dir, server, web=2, workers=1, **live.timed(steps_file)) as studio:
        rows = live.watched(studio, steps_file, WHERE)
        studio.stop()
    return rows


# --- workers alone ---------------------------------------------------------------------------------------------------
def _throughput(folder: Path, server: str) -> list[dict[str, Any]]:
    rates, busy = {}, 0.0
    for workers in WORKERS:
        rates[workers], seconds = _rate(folder / f"{workers}-workers", server, workers)
        busy = busy or seconds
    drawn = _card_seconds()
    told = [live.row(f"null jobs, {count} worker{'s' * (count > 1)}{WHERE}", rate, "per second") for count, rate in rates.items()]
    most = round(rates[WORKERS[-1]] / rates[WORKERS[0]], 2)
    ratio = {"name": f"null jobs, {WORKERS[-1]} workers over one{WHERE}", "value": most, "unit": "×", "target": 1, "met": most >= 1}
    return [
        *told,
        ratio,
        live.row(f"processor's time of a worker for a null job{WHERE}", busy * 1000, "ms"),
        live.row("of this for drawing its card", drawn * 1000, "ms"),
    ]


def _rate(data_dir: Path, server: str, workers: int) -> tuple[float, float]:
    """Jobs a second, and seconds of a processor that the workers took for each. Raises RuntimeError when not all succeed."""
    with _studio(data_dir, server, web=1, workers=workers, STUDIO_MAX_BATCH=str(TEAMS * ROWS)) as studio:
        _manage(studio, FILL)
        processes = [studio.process(f"worker-{number}") for number in range(1, workers + 1)]
        before = sum(map(_processor_seconds, processes))
        _manage(studio, RESUME)
        _wait_until_all_ended(studio)
        after = sum(map(_processor_seconds, processes))
        [(succeeded, seconds)] = studio.rows(
            "SELECT count(*), extract(epoch FROM max(finished_at) - min(started_at)) FROM generation_job WHERE status = 'succeeded'"
        )
        studio.stop()
    if succeeded != TEAMS * ROWS:
        raise RuntimeError(f"{succeeded} of {TEAMS * ROWS} jobs succeeded with {workers} workers.")
    return succeeded / float(seconds), (after - before) / succeeded


def _manage(studio: RunningScaledStudio, script: str) -> None:
    done = studio.manage("shell", "--verbosity", "0", "--command", script)
    if done.returncode:
        raise RuntimeError(done.stderr)


def _wait_until_all_ended(studio: RunningScaledStudio) -> None:
    deadline = time.monotonic() + PATIENCE
    while studio.rows("SELECT 1 FROM generation_job WHERE status IN ('queued', 'running') LIMIT 1"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"Jobs still wait after {PATIENCE} s.")
        time.sleep(0.25)


def _processor_seconds(process: psutil.Process) -> float:
    """Of the process and its children: a worker of the scaled mode may have some."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)


def _card_seconds() -> float:
    """Seconds of a processor in which the null engine draws one card."""
    from studio.backends.base import GenerationRequest, Mode
    from studio.backends.null import NullBackend

    engine = NullBackend("null", {"ENABLED": True})
    request = GenerationRequest("null", Mode.TEXT_TO_IMAGE, prompt="boat", seed=1, width=512, height=512)
    began = time.process_time()
    for _ in range(CARDS):
        engine.generate(request, on_progress=lambda progress: None, is_canceled=lambda: False)
    return (time.process_time() - began) / CARDS


if __name__ == "__main__":
    for one in run():
        sys.stdout.write(f"{one}\n")
