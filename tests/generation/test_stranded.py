"""A provider's key is taken away while jobs wait for its engines: they fail after a while, for nothing, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings as real
from django.test import Client
from django.utils import timezone

from studio.backends import registry
from studio.generation import services
from studio.generation.models import Job, Worker
from studio.generation.services import stranded
from studio.webhooks.models import Delivery
from tests.generation.conftest import agree, price_of_one, states, wallet
from tests.webhooks.conftest import endpoint, no_look_up, receiver  # noqa: F401

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_was_missed() -> Iterator[None]:
    stranded._missed.clear()
    yield
    stranded._missed.clear()


@pytest.fixture
def key(settings: Any) -> Iterator[Callable[[bool], None]]:
    """`key(False)` switches the engine off, as a start without the provider's key does; `key(True)` on again."""

    def turn(there: bool) -> None:
        settings.BACKENDS = {**real.BACKENDS, "null": {**real.BACKENDS["null"], "OPTIONS": {"ENABLED": there}}}
        registry.backend.cache_clear()

    yield turn
    registry.backend.cache_clear()


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


def told() -> list[tuple[str, str, str]]:
    """What was published: the event, of what, and the code of its failure."""
    rows = Delivery.objects.values_list("event", "payload")
    return sorted((event, body["data"]["id"], (body["data"].get("error") or {}).get("code", "")) for event, body in rows)


def test_what_waits_for_an_engine_that_is_gone_fails_after_a_quarter_of_an_hour(
    rich,
    alice,
    make_job,
    make_batch,
    key,
    clock,
    hints,
    endpoint,  # noqa: F811
    django_capture_on_commit_callbacks,
):
    alone, batch = make_job(alice, rich), make_batch(alice, rich, 2)
    held = 3 * price_of_one()
    assert wallet(rich) == (100_000, held)
    key(False)
    assert services.end_stranded() == 0
    clock.shift(15 * MINUTE - timedelta(seconds=1))
    assert services.end_stranded() == 0
    assert (states(batch), wallet(rich)) == (["queued"] * 2, (100_000, held))
    hints.clear()
    clock.shift(timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.end_stranded() == 3
    alone.refresh_from_db()
    assert (alone.status, alone.error_code, alone.hold.status, alone.finished_at) == ("failed", "engine_gone", "voided", timezone.now())
    assert alone.error_message == (
        f"{alone.engine_label} is not in this studio any more, so this could not be made. Pick another engine, or ask your operator."
    )
    assert (states(batch), wallet(rich)) == (["failed"] * 2, (100_000, 0))
    assert {hint for hint in hints if hint[0] == "job"} == {("job", rich.pk, job.pk) for job in Job.objects.all()}
    assert told() == sorted(
        [*(("job.failed", str(job.pk), "engine_gone") for job in Job.objects.all()), ("batch.finished", str(batch.pk), "")]
    )
    assert services.end_stranded() == 0
    agree()


def test_a_key_that_is_set_again_in_time_loses_nothing(rich, alice, make_job, key, clock):
    job = make_job(alice, rich)
    clock.shift(timedelta(days=2))  # how long it has waited does not count: the line may be long
    for _ in range(3):
        key(False)
        assert services.end_stranded() == 0
        clock.shift(14 * MINUTE)
        assert services.end_stranded() == 0
        key(True)
        assert services.end_stranded() == 0
        clock.shift(14 * MINUTE)
    assert [one.pk for one in services.claim(["null"], "w")] == [job.pk]


def test_a_worker_that_has_the_key_knows_better(rich, alice, make_job, key, clock):
    job = make_job(alice, rich)
    key(False)
    worker = Worker.objects.create(name="w", queues=["null"], pid=1, host="h", heartbeat_at=timezone.now())
    for _ in range(20):
        assert services.end_stranded() == 0
        clock.shift(MINUTE)
        Worker.objects.update(heartbeat_at=timezone.now())
    worker.delete()
    assert services.end_stranded() == 0
    clock.shift(15 * MINUTE)
    assert services.end_stranded() == 1
    job.refresh_from_db()
    assert job.error_code == "engine_gone"


def later(clock: Any) -> int:
    """The engine is missed for long."""
    assert services.end_stranded() == 0
    clock.shift(16 * MINUTE)
    return services.end_stranded()


def test_what_a_provider_works_on_is_left_alone(rich, alice, make_job, key, clock):
    make_job(alice, rich)
    [job] = services.claim(["null"], "w")
    assert services.mark_sent(job)
    assert services.note_submitted(job, "key.work-1")
    assert services.requeue(job, delay=1)
    held = price_of_one()
    key(False)
    assert later(clock) == 0
    assert Job.objects.get().status == "queued"
    assert wallet(rich) == (100_000, held)


def test_what_runs_and_what_is_paused_is_left_alone_until_it_goes_on(rich, alice, make_job, make_batch, key, clock):
    make_job(alice, rich)
    services.claim(["null"], "w")
    batch = make_batch(alice, rich, 2)
    services.pause(batch, by=alice)
    key(False)
    assert later(clock) == 0
    assert services.go_on(batch, by=alice)
    assert services.end_stranded() == 2
    assert (states(batch), list(Job.objects.filter(batch=None).values_list("status", flat=True))) == (["failed"] * 2, ["running"])
    agree()


def test_what_was_stopped_or_taken_meanwhile_is_not_ended(rich, alice, make_job):
    stopped, taken, waits = (make_job(alice, rich) for _ in range(3))
    services.cancel(stopped)
    [claimed] = services.claim(["null"], "w", batch=False)
    assert claimed.pk == taken.pk
    assert stranded._end([stopped.pk, taken.pk, waits.pk]) == 1
    assert list(Job.objects.order_by("pk").values_list("status", flat=True)) == ["canceled", "running", "failed"]
    assert wallet(rich) == (100_000, price_of_one())
    agree()


def test_readyz_says_which_queues_wait_for_an_engine_that_is_gone(rich, alice, make_job, key):
    make_job(alice, rich)
    assert Client().get("/readyz").json()["queues_without_engine"] == []
    key(False)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["queues_without_engine"]) == (200, ["null"])
    services.cancel(Job.objects.get())
    assert Client().get("/readyz").json()["queues_without_engine"] == []
