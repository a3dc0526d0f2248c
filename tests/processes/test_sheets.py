"""The sheet of a grid is drawn by the worker that ends its last job, and by a chore when nobody did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Team, User
from studio import settings as shipped
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Batch
from studio.generation.services import Item, submit_batch
from studio.live import events

pytestmark = pytest.mark.django_db(transaction=True)

AXES = {"x": {"name": "seed", "label": "Seed", "values": ["1", "2", "3"]}, "y": {"name": "", "label": "", "values": [""]}}


@pytest.fixture
def grid(alice: User, rich: Team, told: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Batch]:
    """`grid()`: three jobs in the queue; `told` hears of the batch."""
    monkeypatch.setattr(events, "batch_updated", lambda team_id, batch_id: told.news.put((team_id, batch_id)))

    def make() -> Batch:
        request = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "prompt": "a boat", "width": 512, "height": 512}
        items = [Item(GenerationRequest(**request, seed=seed)) for seed in (1, 2, 3)]
        return submit_batch(user=alice, team=rich, items=items, kind=Batch.Kind.GRID, title="Seed", idempotency_key="grid", axes=AXES)

    return make


@pytest.mark.parametrize("threads", [1, 3])
def test_the_sheet_appears_after_the_last_job(start_worker: Any, told: Any, grid: Callable[[], Batch], threads: int) -> None:
    start_worker("null", threads=threads)
    batch = grid()

    done = told.wait(lambda: Batch.objects.filter(pk=batch.pk, sheet__isnull=False).first())
    assert not done.jobs.exclude(status="succeeded").exists()
    assert (done.sheet.width, done.sheet.info) == (3 * 512 + 2 * 6 + 2 * 38, {"batch": str(batch.pk), "sheet": True})
    assert done.team.artifacts.filter(job=None).count() == 1


def test_a_chore_draws_it_when_the_rest_was_canceled(
    settings: Any, start_worker: Any, told: Any, grid: Callable[[], Batch], alice: User
) -> None:
    batch = grid()
    [first] = services.claim(["null"], "gone", batch=False)
    backend = registry.backend("null")
    services.succeed(first, backend.generate(first.to_request(), on_progress=lambda progress: None, is_canceled=lambda: False))
    services.cancel_rest(batch, by=alice)

    settings.QUICK_CHORES = shipped.QUICK_CHORES
    start_worker("scripted")
    done = told.wait(lambda: Batch.objects.filter(pk=batch.pk, sheet__isnull=False).first())
    assert done.sheet.info["sheet"] is True
