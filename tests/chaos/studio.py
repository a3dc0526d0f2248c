"""The studio of a run: two web processes, workers and beat under their supervisor, on a Redis of the run, with leases that are short."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.processes.running_scaled import RunningScaledStudio
from tests.stability_server.standin import StandIn

WORKERS = ("stability", "null", "null")
LEASE, HEARTBEAT, SWEEP = 6.0, 1.5, 1.0
STEPS, STEP_SECONDS = 8, 0.08
"""How long the engine that draws cards takes, so that a kill meets work that is under way."""
WATCHER = "chaos-watcher"
"""How connections of this program call themselves: they are not cut."""


class ChaosStudio(RunningScaledStudio):
    def __init__(self, data_dir: Path, *, redis: str, provider: StandIn, local: bool) -> None:
        queues = (*WORKERS, "diffusers") if local else WORKERS
        super().__init__(
            data_dir,
            *("--web", "2", *(word for queue in queues for word in ("--worker", queue))),
            redis_url=redis,
            STABILITY_API_HOST=provider.url,
            STABILITY_API_KEY=provider.key,
            DJANGO_SETTINGS_MODULE="tests.processes.slow_settings",
            NULL_STEPS=str(STEPS),
            NULL_STEP_SECONDS=str(STEP_SECONDS),
            STUDIO_NULL_ENGINE="1",
            STUDIO_LOCAL_RUNNER="1" if local else "0",
            STUDIO_LOG_FORMAT="json",
            STUDIO_JOB_LEASE_SECONDS=str(LEASE),
            STUDIO_JOB_HEARTBEAT_SECONDS=str(HEARTBEAT),
            STUDIO_JOB_SWEEP_SECONDS=str(SWEEP),
            STUDIO_WEBHOOK_PRIVATE="127.0.0.1",
            STUDIO_MAX_OPEN_JOBS="10000",
            STUDIO_SUBMIT_RATE="100000/minute",
            STUDIO_API_RATE="100000/minute",
        )
        self.address = self.databases.address(self.database)

    # --- what there is to kill ---------------------------------------------------------------------------------------

    def part(self, *words: str) -> list[psutil.Process]:
        """The processes whose command line holds all these words, e.g. `part("worker", "null")`."""
        return [one for one in self.everything() if all(word in _words(one) for word in words)]

    def everything(self) -> list[psutil.Process]:
        """Also what a supervisor that was killed has left."""
        return [one for one in psutil.process_iter() if "manage.py" in " ".join(_words(one)) and self._is_mine(one)]

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("STUDIO_DATA_DIR") == str(self.data_dir)
        except psutil.Error:
            return False

    def works_for(self, queue: str) -> bool:
        """Whether a job of this queue is running."""
        return bool(self.rows("SELECT 1 FROM generation_job WHERE status = 'running' AND queue = %s LIMIT 1", queue))

    def kill_everything(self) -> None:
        """The supervisor, of which the rest ends; and start it again."""
        assert self._process
        self._process.kill()
        self._process.wait()
        self.start()

    def cut(self, chance: random.Random, most: int) -> int:
        """End some connections to the database, wherever they are in what they do. Returns how many were ended."""
        others = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name <> %s"
        with psycopg.connect(self.databases.url, autocommit=True, application_name=WATCHER) as connection:
            pids = [pid for (pid,) in connection.execute(others, [self.database, WATCHER])]
            chosen = chance.sample(pids, min(len(pids), most))
            return sum(connection.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() == (True,) for pid in chosen)

    # --- its database ------------------------------------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Over a connection of its own, which nobody cuts."""
        with psycopg.connect(self.address, application_name=WATCHER) as connection:
            return connection.execute(statement, values or None).fetchall()

    def forget(self) -> None:
        """Drop its database and its data folder, when it has ended."""
        self.close()
        shutil.rmtree(self.data_dir, ignore_errors=True)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
