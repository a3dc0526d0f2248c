"""`kill -9` of a real worker between the settling of a job and its delivery, and in the middle of a delivery: every event arrives."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Team, User
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Job
from studio.webhooks.models import Delivery, Endpoint
from studio.webhooks.services import make_endpoint
from tests.browser.running import ROOT
from tests.processes.conftest import PATIENCE
from tests.processes.stability.test_killed import database_url, until
from tests.webhooks.receiver import Receiver, answering

pytestmark = pytest.mark.django_db(transaction=True)

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def endpoint(team: Team, alice: User, receiver: Receiver) -> Endpoint:
    return make_endpoint(team, by=alice, url=receiver.url, events=["job.succeeded", "job.failed", "batch.finished"])


@pytest.fixture
def start(settings: Any, short_dir: Path) -> Iterator[Start]:
    """`start(**environment)`: `manage.py worker null` on this test's database; killed at the end."""
    settings.DATA_DIR, settings.MEDIA_ROOT = short_dir, short_dir / "media"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "STUDIO_DATA_DIR": str(short_dir),
        "STUDIO_JOB_SWEEP_SECONDS": "0.2",
        "STUDIO_JOB_LEASE_SECONDS": "2",
        "STUDIO_JOB_HEARTBEAT_SECONDS": "0.5",
        "STUDIO_NULL_ENGINE": "1",
        "STUDIO_LOCAL_RUNNER": "0",
        "STUDIO_WEBHOOK_PRIVATE": "127.0.0.1",
    }
    started: list[subprocess.Popen[bytes]] = []

    def begin(**more: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "worker", "null"]
        started.append(subprocess.Popen(command, cwd=ROOT, env={**environment, **more}))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait(PATIENCE)


@pytest.fixture
def submit(settings: Any, team: Team, alice: User) -> Iterator[Callable[[], Job]]:
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    registry.backend.cache_clear()
    wallets.grant(wallets.wallet_of(team), 1_000_000, reference="test", description="For the test")
    keys = itertools.count()

    def make() -> Job:
        number = next(keys)
        request = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=number, prompt="a boat", width=64, height=64)
        return services.submit(user=alice, team=team, request=request, idempotency_key=f"key-{number}")

    yield make
    registry.backend.cache_clear()


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait(PATIENCE) == -signal.SIGKILL


def leases_run_out() -> None:
    """As they do in a minute."""
    Delivery.objects.exclude(lease_until=None).update(lease_until=timezone.now())


def seen(receiver: Receiver) -> Counter[tuple[str, str]]:
    """How often each event came: (its id in the header, the job that it tells of)."""
    for one in receiver.got:
        assert one.headers["webhook-id"] == one.payload["id"]
    return Counter((one.headers["webhook-id"], one.payload["data"]["id"]) for one in receiver.got)


def test_killed_between_settling_and_delivery(start: Start, submit: Any, endpoint: Endpoint, receiver: Receiver) -> None:
    job = submit()
    first = start(STUDIO_DOORBELL="tests.processes.fatal_doorbell.FatalDoorbell")
    assert first.wait(PATIENCE) == -signal.SIGKILL
    job.refresh_from_db()
    delivery = Delivery.objects.get()
    assert (job.status, delivery.status, delivery.attempts, receiver.connections) == ("succeeded", "waiting", 0, 0)

    start()
    got = receiver.next()
    assert (got.payload["type"], got.payload["data"]["id"]) == ("job.succeeded", str(job.pk))
    assert got.headers["webhook-id"] == f"evt_{delivery.event_id.hex}"
    until(lambda: Delivery.objects.filter(status="delivered").exists())
    assert list(seen(receiver).values()) == [1]


def test_killed_during_a_delivery(start: Start, submit: Any, endpoint: Endpoint, receiver: Receiver) -> None:
    job = submit()
    receiver.answer = receiver.hold
    first = start()
    receiver.next()
    kill(first)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == ("waiting", 1)
    assert delivery.lease_until is not None
    assert delivery.lease_until > timezone.now()

    receiver.let_go.set()
    start()
    leases_run_out()
    until(lambda: Delivery.objects.filter(status="delivered", attempts=2).exists())
    assert seen(receiver) == Counter({(f"evt_{delivery.event_id.hex}", str(job.pk)): 2})


def test_stopped_in_good_order_what_is_out_gets_its_answer(start: Start, submit: Any, endpoint: Endpoint, receiver: Receiver) -> None:
    submit()
    receiver.answer = receiver.hold
    first = start()
    receiver.next()
    first.terminate()
    receiver.let_go.set()
    assert first.wait(PATIENCE) == 0
    assert Delivery.objects.get().status == "delivered"
    assert list(seen(receiver).values()) == [1]


def test_a_receiver_that_counts_sees_each_event_whenever_workers_are_killed(
    start: Start, submit: Any, endpoint: Endpoint, receiver: Receiver
) -> None:
    """Two workers, killed again and again in the middle of their work, and a receiver that refuses every fourth time."""
    chance = random.Random(7)
    jobs = {str(submit().pk) for _ in range(30)}
    counted = itertools.count(1)

    def sometimes(connection: Any, got: Any) -> None:
        answering(503 if next(counted) % 4 == 0 else 204)(connection, got)

    receiver.answer = sometimes
    for round_ in range(4):
        workers = [start(), start()]
        enough = len(receiver.got) + chance.randint(2, 6)
        until(lambda enough=enough: len(receiver.got) >= enough or not Job.objects.open().exists())
        for worker in workers[: 1 + round_ % 2]:
            kill(worker)
        leases_run_out()
        Delivery.objects.filter(status="waiting").update(next_at=timezone.now())
    start()

    def all_have_arrived() -> bool:
        Delivery.objects.filter(status="waiting", next_at__gt=timezone.now()).update(next_at=timezone.now())
        return not Job.objects.open().exists() and not Delivery.objects.exclude(status="delivered").exists()

    until(all_have_arrived)
    counts = seen(receiver)
    assert {job for _, job in counts} == jobs
    assert len(counts) == Delivery.objects.count() == len(jobs), "one id for each event, however often it came"
    assert all(times >= 1 for times in counts.values())
