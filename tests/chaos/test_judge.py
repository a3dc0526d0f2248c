"""The judge lets a good run pass, and each fault that is planted in it is found under its own name, and under no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db.models import F

from accounts.models import Team, User
from billing.models import Hold, LedgerEntry, Wallet
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GeneratedMedia, GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Artifact, Batch, Job
from studio.ids import uuid7
from studio.webhooks.models import Delivery
from studio.webhooks.services import make_endpoint
from tests.chaos.asks import Ask, tag
from tests.chaos.judge import Evidence, judge
from tests.chaos.receiver import Arrival
from tests.factories import draw, make_job

pytestmark = pytest.mark.django_db

PRESS, STOPPED, TABLE, PROGRAM = range(4)
"""The numbers of what is asked in the good run: a press, one that is stopped, a table of two rows, a program's request of a paid engine."""


@pytest.fixture
def good(team: Team, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Evidence:
    """A run as it should be: two pictures of a batch and two single ones were made and told of, one was stopped."""
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    registry.backend.cache_clear()
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the run")
    events = ["job.succeeded", "job.failed", "job.canceled", "batch.finished"]
    make_endpoint(team, by=alice, url="http://127.0.0.1:9/hooks", events=events)

    def request(number: int, row: int = 0) -> GenerationRequest:
        return GenerationRequest("null", Mode.TEXT_TO_IMAGE, seed=7, prompt=f"{tag(number, row)} a boat", width=64, height=64)

    def submit(number: int) -> Job:
        return services.submit(user=alice, team=team, request=request(number), idempotency_key=f"key-{number}")

    asks = [Ask(number, way, 0, "null", 1, 0.5) for number, way in enumerate(("press", "press", "table", "program"))]
    asks[PRESS].answer = str(submit(PRESS).pk)
    stopped = services.cancel(submit(STOPPED))
    asks[STOPPED].answer, asks[STOPPED].stops, asks[STOPPED].stop_sent = str(stopped.pk), True, True
    items = [services.Item(request(TABLE, row)) for row in range(2)]
    batch = services.submit_batch(user=alice, team=team, items=items, kind=Batch.Kind.TABLE, title="Boats", idempotency_key="table")
    asks[TABLE].rows, asks[TABLE].answer = 2, str(batch.pk)
    asks[PROGRAM].answer = str(submit(PROGRAM).pk)
    Job.objects.filter(pk=asks[PROGRAM].answer).update(queue="stability")
    while held := services.claim(["null", "stability"], "worker", batch=False):
        for job in held:
            assert services.succeed(job, [GeneratedMedia(0, 7, draw())])
    told = [Arrival(one.payload["id"], one.event, one.payload["data"]["id"], is_signed=True) for one in Delivery.objects.order_by("pk")]
    assert len(told) == 6
    registry.backend.cache_clear()
    return Evidence(asks, told, {tag(PROGRAM, 0): 1}, {"worker": 3, "redis": 1})


def found(evidence: Evidence) -> dict[str, list[str]]:
    """What the judge says of the rows as they are now."""
    fresh = Evidence(evidence.asks, evidence.arrivals, evidence.charges, evidence.kills, evidence.surprises, evidence.leftovers)
    return {name: sentences for name, sentences in judge(fresh).items() if sentences}


def job_of(number: int, row: int = 0) -> Job:
    return Job.objects.select_related("hold").get(prompt__startswith=tag(number, row))


def test_a_good_run_passes(good: Evidence) -> None:
    assert found(good) == {}


def leave_one_running(good: Evidence) -> None:
    Job.objects.filter(pk=good.asks[PRESS].answer).update(status="running")


def keep_a_hold(good: Evidence) -> None:
    job = job_of(STOPPED)
    Hold.objects.filter(pk=job.hold_id).update(status="active")
    Wallet.objects.filter(pk=job.hold.wallet_id).update(held=job.hold.amount)


def capture_again(good: Evidence) -> None:
    entry = LedgerEntry.objects.get(hold=job_of(PRESS).hold_id, kind="capture")
    wallet = Wallet.objects.filter(pk=entry.wallet_id)
    wallet.update(balance=F("balance") + entry.amount)
    entry.pk, entry.reference, entry.balance_after = None, f"{entry.reference} again", wallet.get().balance
    entry._state.adding = True
    entry.save(force_insert=True)


def charge_for_nothing(good: Evidence) -> None:
    job = job_of(STOPPED)
    Hold.objects.filter(pk=job.hold_id).update(status="captured", captured=job.hold.amount)


def lose_the_press(good: Evidence) -> None:
    lose(job_of(PRESS))


def lose_a_row(good: Evidence) -> None:
    lose(job_of(TABLE, 1))


def lose(job: Job) -> None:
    """The row alone: its hold and what is in the books stay."""
    Artifact.objects.filter(job=job).delete()
    Job.objects.filter(pk=job.pk).delete()


def tell_another_id(good: Evidence) -> None:
    good.asks[PRESS].answer = str(uuid7())


def make_one_twice(good: Evidence) -> None:
    services.cancel(make_job(job_of(PRESS).team, job_of(PRESS).user, prompt=f"{tag(PRESS, 0)} a boat"))
    tell(good, "job.canceled", str(Job.objects.latest("pk").pk))
    good.asks[PRESS].stop_sent = True


def make_one_for_nobody(good: Evidence) -> None:
    services.cancel(make_job(job_of(PRESS).team, job_of(PRESS).user, prompt="a boat"))
    tell(good, "job.canceled", str(Job.objects.latest("pk").pk))


def tell(good: Evidence, kind: str, about: str) -> None:
    good.arrivals.append(Arrival(f"evt_{uuid7().hex}", kind, about, is_signed=True))


def leave_one_unanswered(good: Evidence) -> None:
    good.asks[PRESS].answer = ""


def fail_one(good: Evidence) -> None:
    _fail(good, "result_broken")  # of the null engine, which has no provider


def lose_its_worker_three_times(good: Evidence) -> None:
    _fail(good, "worker_lost")


def _fail(good: Evidence, code: str) -> None:
    job = job_of(STOPPED)
    Job.objects.filter(pk=job.pk).update(status="failed", error_code=code)
    good.arrivals[:] = [one for one in good.arrivals if one.about != str(job.pk)]
    tell(good, "job.failed", str(job.pk))


def stop_one_unasked(good: Evidence) -> None:
    good.asks[STOPPED].stop_sent = False


def drop_a_picture(good: Evidence) -> None:
    Artifact.objects.filter(job=job_of(PRESS)).delete()


def drop_a_file(good: Evidence) -> None:
    default_storage.delete(Artifact.objects.get(job=job_of(PRESS)).variant("original"))


def damage_a_file(good: Evidence) -> None:
    Artifact.objects.filter(job=job_of(PRESS)).update(sha256="0" * 64)


def pay_twice(good: Evidence) -> None:
    good.charges = {tag(PROGRAM, 0): 2}


def pay_for_nobody(good: Evidence) -> None:
    good.charges = {tag(PROGRAM, 0): 1, tag(PRESS, 0): 1}


def make_for_nothing(good: Evidence) -> None:
    good.charges = {}


def miss_a_webhook(good: Evidence) -> None:
    good.arrivals[:] = [one for one in good.arrivals if one.about != good.asks[PRESS].answer]


def miss_the_batch(good: Evidence) -> None:
    good.arrivals[:] = [one for one in good.arrivals if one.kind != "batch.finished"]


def tell_under_another_id(good: Evidence) -> None:
    tell(good, "job.succeeded", good.asks[PRESS].answer)


def tell_what_is_not_so(good: Evidence) -> None:
    tell(good, "job.failed", good.asks[PRESS].answer)


def sign_wrongly(good: Evidence) -> None:
    good.arrivals.append(good.arrivals[0]._replace(is_signed=False))


def surprise(good: Evidence) -> None:
    good.surprises = {"KeyError": 2}


def leave_a_process(good: Evidence) -> None:
    good.leftovers = ["manage.py worker --queue null"]


def kill_nothing(good: Evidence) -> None:
    good.kills = {}


def kill_no_redis(good: Evidence) -> None:
    good.kills = {"worker": 3, "redis": 0}


LOST, TWICE, STUCK, HOLDS = "jobs lost", "jobs made twice", "jobs stuck", "holds unbalanced"
BOOKS, MISSING, WALLETS = "sentences of verify_ledger", "webhooks missing", "wallets that do not add up"
CHARGED, REASON = "jobs charged twice, or for what they did not deliver", "jobs that failed or were stopped for no reason of this run"
PICTURES, PAID = "pictures missing or damaged", "paid calls repeated"

PLANTED: list[tuple[Callable[[Evidence], None], set[str]]] = [
    (leave_one_running, {STUCK, HOLDS, PICTURES, BOOKS}),
    (keep_a_hold, {HOLDS, BOOKS}),
    (capture_again, {CHARGED, WALLETS, BOOKS}),
    (charge_for_nothing, {CHARGED, HOLDS, WALLETS, BOOKS}),
    (lose_the_press, {LOST, TWICE}),
    (lose_a_row, {LOST, TWICE}),
    (tell_another_id, {LOST}),
    (make_one_twice, {TWICE}),
    (make_one_for_nobody, {TWICE, REASON}),
    (leave_one_unanswered, {"requests without an answer"}),
    (fail_one, {REASON}),
    (lose_its_worker_three_times, set()),
    (stop_one_unasked, {REASON}),
    (drop_a_picture, {PICTURES}),
    (drop_a_file, {PICTURES}),
    (damage_a_file, {PICTURES}),
    (pay_twice, {PAID}),
    (pay_for_nobody, {PAID}),
    (make_for_nothing, {PAID}),
    (miss_a_webhook, {MISSING}),
    (miss_the_batch, {MISSING}),
    (tell_under_another_id, {MISSING}),
    (tell_what_is_not_so, {MISSING}),
    (sign_wrongly, {"webhooks with a wrong signature"}),
    (surprise, {"errors in the logs that nobody expects"}),
    (leave_a_process, {"processes left behind"}),
    (kill_nothing, {"kinds of kill that did not happen"}),
    (kill_no_redis, {"kinds of kill that did not happen"}),
]


@pytest.mark.parametrize(("plant", "names"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_a_planted_fault_is_found_under_its_name(good: Evidence, plant: Callable[[Evidence], None], names: set[str]) -> None:
    plant(good)
    assert set(found(good)) == names
