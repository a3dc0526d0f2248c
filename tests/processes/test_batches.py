"""A long batch in the real studio, killed in the middle twice: every row is made once, kept once and charged once."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from tests.browser.running import RunningStudio
from tests.processes.visitor import Visitor

ROWS = 200
SUBMIT = f"""
from accounts.models import Team, User
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Batch
user = User.objects.get()
asked = dict(engine="null", mode=Mode.TEXT_TO_IMAGE, width=64, height=64)
items = [services.Item(GenerationRequest(prompt=f"boat {{row}}", seed=row, **asked)) for row in range({ROWS})]
team = Team.objects.get(is_personal=True)
print(services.submit_batch(user=user, team=team, items=items, kind=Batch.Kind.TABLE, title="Boats", idempotency_key="once").pk)
"""


def over(message: str) -> int:
    """How many rows have ended, by the card of the batch."""
    found = re.search(rf">(\d+) of {ROWS}<|>(\d+) of {ROWS} ·", message)
    return int(found[1] or found[2]) if found else 0


def states(studio: RunningStudio) -> list[tuple[str, int]]:
    return studio.rows("SELECT status, COUNT(*) FROM generation_job GROUP BY status")


def test_a_batch_of_200_rows_that_is_killed_twice_in_the_middle_is_made_once():
    slow = {"DJANGO_SETTINGS_MODULE": "tests.processes.slow_settings", "NULL_STEPS": "3", "NULL_STEP_SECONDS": "0.05"}
    quick = {"STUDIO_NULL_ENGINE": "1", "STUDIO_LOCAL_RUNNER": "0", "STUDIO_WELCOME_CREDITS": "1000"}
    with tempfile.TemporaryDirectory(prefix="at-") as folder:
        gate = Path(folder) / "gate"
        gate.touch()
        half = {"NULL_GATE": str(gate), "NULL_GATE_FROM": str(ROWS // 2)}  # however late the page hears, the other half is still to be made
        studio = RunningStudio(Path(folder) / "data", **quick, **slow, **half)
        studio.start()
        try:
            visitor = Visitor(studio.url).arrive()
            submitted = studio.manage("shell", "--no-imports", "-c", SUBMIT)
            assert submitted.returncode == 0, submitted.stderr
            batch = submitted.stdout.strip()
            with visitor.page(f"view=batch&batch={batch}") as page:
                made = 0
                while made < ROWS // 5:
                    made = over(page.until(f"batch-{batch}"))
                studio.kill("worker")
                while made < ROWS // 2:
                    made = over(page.until(f"batch-{batch}"))
                while not dict(states(studio)).get("running"):  # those that wait at the gate, if the killed worker's have just come back
                    pass
                studio.kill()  # web, worker and the supervisor
            left = dict(states(studio))
            assert left["succeeded"] == ROWS // 2
            assert left["running"] > 0
            assert left["queued"] > 0
            gate.unlink()
            studio.start()
            with visitor.page(f"view=batch&batch={batch}") as page:
                page.until(rf'id="batch-{batch}"[^>]*data-status="succeeded"')
        finally:
            studio.kill()
        assert states(studio) == [("succeeded", ROWS)]
        assert studio.rows("SELECT COUNT(*), COUNT(DISTINCT job_id) FROM generation_artifact") == [(ROWS, ROWS)]
        assert studio.rows("SELECT status, COUNT(*) FROM billing_hold GROUP BY status") == [("captured", ROWS)]
        entries = "SELECT kind, COUNT(*), COUNT(DISTINCT hold_id) FROM billing_ledgerentry WHERE hold_id IS NOT NULL GROUP BY kind"
        assert sorted(studio.rows(entries)) == [("capture", ROWS, ROWS), ("hold", ROWS, ROWS)]
        assert studio.rows("SELECT held FROM billing_wallet WHERE held <> 0") == []
        assert studio.rows("SELECT MAX(attempt) > 1 FROM generation_job") == [(1,)]
        studio.assert_the_ledger_agrees()
