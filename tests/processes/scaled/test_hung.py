"""A worker that is there and does nothing any more, under `manage.py up`."""

from __future__ import annotations

from pathlib import Path

from tests.processes.running_scaled import RunningScaledStudio
from tests.processes.scaled.conftest import QUICK

WORDS = ("--web", "1", "--worker", "null")
IMPATIENT = {**QUICK, "DJANGO_SETTINGS_MODULE": "tests.processes.scaled.impatient_settings"}


def test_a_frozen_worker_is_ended_and_another_takes_its_place(short_dir: Path) -> None:
    with RunningScaledStudio(short_dir / "data", *WORDS, **IMPATIENT) as studio:
        studio.wait_for(r"^worker-1 +\|.*worker_ready")
        frozen = studio.process("worker-1")
        frozen.suspend()
        studio.wait_for(r"^atelier +\| worker-1 hangs: it has not been heard of for \d+ s, though the database answers")
        studio.wait_for(r"^atelier +\| worker-1 was ended by SIGKILL; starting it again")
        studio.wait_for(r"^worker-1 +\|.*worker_ready")
        assert studio.process("worker-1").pid != frozen.pid
        assert studio.stop() == 0
