"""These tests need a PostgreSQL and a Redis, and so they are those of a run that was given both (`.ci/run`, stage 2).

Without the two variables they are not collected at all, rather than skipped: a run on SQLite has nothing to say about this mode. With them,
a server that does not answer is a failure like any other.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.processes.running_scaled import RunningScaledStudio
from tests.processes.visitor import Visitor

if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
    collect_ignore_glob = ["test_*.py"]

WORDS = ("--web", "2", "--worker", "null", "--worker", "null")
QUICK = {
    "DJANGO_SETTINGS_MODULE": "tests.processes.scaled.breakable_settings",
    "STUDIO_NULL_ENGINE": "1",
    "STUDIO_LOCAL_RUNNER": "0",
    "STUDIO_MAX_UPLOAD_MB": "2",
    "STUDIO_MAX_OPEN_JOBS": "10000",
    "STUDIO_WELCOME_CREDITS": "100000",
    "STUDIO_API_RATE": "100000/minute",
}


@pytest.fixture(scope="module")
def studio() -> Iterator[RunningScaledStudio]:
    """Two web processes and two workers; at the end nothing is left running, and the books agree."""
    with tempfile.TemporaryDirectory(prefix="at-") as folder, RunningScaledStudio(Path(folder) / "data", *WORDS, **QUICK) as running:
        yield running
        assert running.stop() == 0
        running.assert_the_ledger_agrees()
        assert list((running.data_dir / "run").iterdir()) == []


@pytest.fixture
def visitor(studio: RunningScaledStudio) -> Visitor:
    return Visitor(studio.url).arrive()


@pytest.fixture
def has_come_back(studio: RunningScaledStudio) -> Callable[[str, int], None]:
    """`has_come_back(name, pid)`: a process of that name is there, and it is not that one any more."""

    def wait(name: str, pid: int) -> None:
        studio.wait_for(rf"^atelier +\| {name} was ended by SIGKILL; starting it again")
        studio.wait_for(rf"^{name} +\|.*(web_started|worker_ready)")
        assert studio.process(name).pid != pid

    return wait
