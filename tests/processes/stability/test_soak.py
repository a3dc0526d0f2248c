"""Hundreds of random faults, on the wire and in the studio: afterwards the wallet, the jobs and the provider's own books agree.

`SOAK=500 SOAK_SEED=7` make it longer, and another one.
"""

from __future__ import annotations

import os
import random
import re
import threading
from collections import Counter

import pytest

from billing.models import LedgerEntry
from billing.services import wallets
from studio.generation import services
from studio.generation.ledger import disagreements
from studio.generation.models import Job
from tests.processes.stability.books import money
from tests.processes.stability.conftest import CORE, CREATIVE, SDXL
from tests.stability_server.faults import NONE, Fault, Faults
from tests.stability_server.requests import Request

pytestmark = pytest.mark.django_db(transaction=True)

FAULTS = int(os.environ.get("SOAK", "80"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
THREADS = 16
CREDITS = 10_000_000
KINDS = (
    *("drop", "drop-after", "drop-mid-body", "truncated", "wrong-type", "filtered", "delay=0.01"),
    *("status=500", "status=502", "status=503", "status=504", "html=502", "html=504", "rate-limited", "rate-limited=1"),
    *("refuse=content_moderation", "refuse=invalid_language"),
)


class Chaos(Faults):
    """Every other request goes wrong, until there were enough faults. Remembers which job each request was for."""

    def __init__(self, count: int, seed: int) -> None:
        super().__init__()
        self.left, self.given = count, Counter[str]()
        self.jobs: dict[str, str] = {}
        self._random, self._guard = random.Random(seed), threading.Lock()

    def take(self, request: Request) -> Fault:
        tag = re.search(rb"boat-\d+", request.body)
        with self._guard:
            if tag:
                self.jobs[request.request_id] = tag[0].decode()
            if not self.left or self._random.random() < 0.5:
                return NONE
            kind = self._random.choice(KINDS)
            self.left -= 1
            self.given[kind] += 1
            return Fault.read(kind)


CHARGED = {"succeeded": {1}, "all_filtered": {1}, "result_unknown": {0, 1}, "result_broken": {1}, "canceled": {0, 1}}
"""How often the provider charged a job of one call, by its end; never for any other. What it took on is charged once, come what may."""


def test_after_hundreds_of_random_faults_all_books_agree(start, ask, told, rich, standin, settings) -> None:
    wallets.grant(wallets.wallet_of(rich), CREDITS, reference="soak", description="For the soak")
    before, _ = money(rich)
    settings.MAX_OPEN_JOBS = 10_000
    standin.keys[standin.key].balance = 100_000
    standin.result_seconds = 15
    chaos, fate = Chaos(FAULTS, SEED), random.Random(SEED)
    standin.faults = chaos
    start(threads=THREADS)
    jobs: list[Job] = []
    while chaos.left:
        engine = fate.choice([CORE, CORE, "stable-image-ultra", SDXL, CREATIVE])
        jobs.append(ask(engine, f"boat-{len(jobs)}", num_images=1 if engine == CREATIVE else fate.choice([1, 1, 1, 3])))
        if fate.random() < 0.05:
            services.cancel(fate.choice(jobs))
        if len(jobs) % THREADS == 0:
            told.wait(lambda: Job.objects.open().count() < 2 * THREADS)
    told.wait(lambda: not Job.objects.open().exists())

    charges = Counter(chaos.jobs[charge.request_id] for charge in standin.books)
    captured = 0
    for number, job in enumerate(Job.objects.order_by("id").prefetch_related("artifacts")):
        charged, pictures = charges.pop(f"boat-{number}", 0), len(job.artifacts.all())
        calls = 1 if job.engine == SDXL else job.num_images
        assert charged <= calls, f"{job}: {charged} charges for {calls} calls"
        if calls == 1:
            may_be = {1} if job.provider_id else CHARGED.get(job.error_code or job.status, {0})
            assert charged in may_be, f"{job} {job.error_code}: {charged} charges"
        assert pictures <= charged * job.num_images // calls
        assert (pictures, job.hold.captured) == (job.delivered, pictures * job.price.per_image)
        captured += job.hold.captured
    assert charges == {}
    assert money(rich) == (before - captured, 0)
    assert LedgerEntry.objects.filter(kind="capture").count() == Job.objects.filter(status="succeeded").count() > 0
    assert list(disagreements()) == []
    assert chaos.given.total() == FAULTS
