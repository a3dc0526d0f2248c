"""What an open page hears of a batch: its card, at most twice a second, and nothing of its single jobs."""

from __future__ import annotations

import re

import pytest

from studio.backends.base import GeneratedMedia, GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Batch
from studio.live import events
from studio.live.consumers import LiveConsumer
from tests.generation.pictures import picture
from tests.live.conftest import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


def submit(user, team, rows=6):
    asked = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "width": 64, "height": 64}
    items = [services.Item(GenerationRequest(prompt=f"boat {row}", seed=row, **asked)) for row in range(rows)]
    return services.submit_batch(user=user, team=team, items=items, kind=Batch.Kind.TABLE, title="Boats", idempotency_key="once")


def work(rows=1):
    for _ in range(rows):
        [job] = services.claim(["null"], "w", batch=False)
        assert services.succeed(job, [GeneratedMedia(0, 7, picture((64, 64)), width=64, height=64)])


async def test_a_new_one_is_put_on_top_of_the_feed_once_and_then_drawn_in_its_place(open_page, alice, rich, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "BATCH_SECONDS", 0.05)
    page = await open_page(alice)
    batch = await in_thread(submit, alice, rich)
    message = await page.until(f"batch-{batch.pk}")
    assert 'hx-swap-oob="afterbegin:#feed"' in message
    assert "0 of 6" in message
    await in_thread(work)
    message = await page.until("1 of 6")
    assert "afterbegin" not in message
    assert f'id="batch-{batch.pk}"' in message


async def test_many_ends_are_one_drawing(open_page, alice, rich):
    batch = await in_thread(submit, alice, rich)
    page = await open_page(alice, f"view=batch&batch={batch.pk}")
    heard = [await page.until(f'id="batch-{batch.pk}"')]
    await in_thread(work, 6)
    while "6 done" not in heard[-1]:
        heard.append(await page.until(f'id="batch-{batch.pk}"'))
    assert len(heard) <= 4
    assert not re.search(r'id="job-', "".join(heard))
    assert f'id="batch-beat-{batch.pk}"' in heard[-1]


async def test_the_job_on_the_stage_is_drawn_as_it_moves(open_page, alice, rich):
    batch = await in_thread(submit, alice, rich, 2)
    first, other = await in_thread(lambda: list(batch.jobs.order_by("batch_place").values_list("pk", flat=True)))
    page = await open_page(alice, f"view=create&job={first}")
    await in_thread(work, 2)
    message = await page.until(f'hx-swap-oob="outerMorph" id="stage-{first}" class="stage-job" data-status="succeeded"')
    assert f'id="stage-{other}"' not in message


async def test_a_page_that_comes_back_finds_it_as_it_is_now(open_page, alice, rich, monkeypatch):
    batch = await in_thread(submit, alice, rich)
    await in_thread(work, 2)
    page = await open_page(alice)
    assert page.snapshot.count(f'<article id="batch-{batch.pk}"') == 1
    assert "2 of 6" in page.snapshot


async def test_a_stranger_hears_nothing_of_it(open_page, alice, rich, mallory, other_team, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "BATCH_SECONDS", 0.05)
    batch = await in_thread(submit, alice, rich)
    page = await open_page(mallory, f"view=batch&batch={batch.pk}")
    await in_thread(services.pause, batch, by=alice)
    await in_thread(services.cancel_rest, batch, by=alice)
    assert str(batch.pk) not in page.snapshot
    events.wallet_changed(other_team.pk)
    assert str(batch.pk) not in await page.next()
