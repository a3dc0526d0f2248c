"""Jobs for tests of the corridor, made through its own front door."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing import ledger
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GeneratedMedia, GenerationRequest, Mode
from studio.generation import services, throttle
from studio.generation.models import Batch, Job
from studio.generation.services import Item, submit, submit_batch
from tests.generation.paid import connected
from tests.generation.pictures import picture
from tests.stability_server.fixtures import running_standin, standin  # noqa: F401


@pytest.fixture(autouse=True)
def nobody_was_fast() -> None:
    """Counts of earlier tests (and, in Redis, of earlier runs) are forgotten."""
    throttle.limiter().storage.reset()


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues that were rung, instead of a socket."""
    rung: list[str] = []

    class Bell:
        def wake(self, queue: str) -> None:
            rung.append(queue)

    for module in ("batches", "submitting", "claiming", "deciding", "queues", "settling"):
        monkeypatch.setattr(f"studio.generation.services.{module}.doorbell", Bell)
    return rung


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What pages were told to look at again, instead of a channel layer."""
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr("studio.live.events.job_updated", lambda team_id, job_id, **how: told.append(("job", team_id, job_id)))
    monkeypatch.setattr("studio.live.events.batch_updated", lambda team_id, batch_id: told.append(("batch", team_id, batch_id)))
    monkeypatch.setattr("studio.live.events.wallet_changed", lambda team_id: told.append(("wallet", team_id)))
    return told


@pytest.fixture
def make_job(bells, hints) -> Callable[..., Job]:
    """`make_job(user, team, **request)`: a queued job of the null engine."""
    keys = itertools.count()

    def make(user: Any, team: Any, *, key: str | None = None, **fields: Any) -> Job:
        values = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "prompt": "a boat", "width": 512, "height": 512, **fields}
        return submit(user=user, team=team, request=GenerationRequest(**values), idempotency_key=key or f"key-{next(keys)}")

    return make


@pytest.fixture
def make_batch(bells, hints) -> Callable[..., Batch]:
    """`make_batch(user, team, 3)`: three jobs of the null engine; `prompts` instead of a number; other arguments are those of a request."""
    keys = itertools.count()

    def make(user: Any, team: Any, prompts: int | Sequence[str] = 3, *, key: str = "", kind: str = "table", **fields: Any) -> Batch:
        texts = [f"boat {number}" for number in range(1, prompts + 1)] if isinstance(prompts, int) else prompts
        told = {"kind": Batch.Kind(kind), "title": "Boats of all colours", "idempotency_key": key or f"batch-{next(keys)}"}
        return submit_batch(user=user, team=team, items=items(*texts, **fields), **told)

    return make


def items(*prompts: str, **fields: Any) -> list[Item]:
    values = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "width": 512, "height": 512, **fields}
    return [Item(GenerationRequest(prompt=prompt, **values), written={"prompt": f"{{{prompt}|}}"}) for prompt in prompts]


def media(count: int = 1, *, filtered: int = 0) -> list[GeneratedMedia]:
    """`count` delivered pictures and then `filtered` ones."""
    made = [GeneratedMedia(i, 100 + i, picture((64, 64), (i * 20, 90, 90)), width=64, height=64) for i in range(count)]
    return made + [GeneratedMedia(count + i, 100 + count + i, filtered=True) for i in range(filtered)]


def price_of_one() -> int:
    """Millicredits for one picture of the null engine."""
    return registry.engine("null").price.per_image


def agree() -> None:
    assert list(ledger.disagreements()) == []


def states(batch: Batch) -> list[str]:
    return list(batch.jobs.order_by("batch_place").values_list("status", flat=True))


def run(*, batch: bool = False) -> list[Job]:
    """What a worker gets, with its pictures made."""
    jobs = services.claim(["null"], "w", batch=batch)
    for job in jobs:
        assert services.succeed(job, media(job.num_images))
    return jobs


@pytest.fixture
def rich(team):
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


@pytest.fixture
def alices(client_of, alice, rich, bells, hints):
    return client_of(alice)


HTMX = {"HTTP_HX_REQUEST": "true"}


def fields(**changes):
    return {"engine": "null", "mode": "text-to-image", "prompt": "a boat", "num_images": "2", "idempotency_key": "k1", **changes}


def press(client, **changes):
    return client.post(reverse("create"), fields(**changes), **HTMX)


def wallet(team):
    fresh = wallets.wallet_of(team)
    fresh.refresh_from_db()
    return fresh.balance, fresh.held


@pytest.fixture
def done(alices, alice, rich):
    """A finished job of two pictures of alice's."""
    press(alices, prompt="a castle", seed="7", num_images="2")
    [job] = services.claim(["null"], "w", batch=False)
    assert services.succeed(job, media(2))
    return Job.objects.get()


def upload(client, data, name="picture.png", url="input_upload"):
    return client.post(reverse(url), {"file": SimpleUploadedFile(name, data)})


def initial(client, **query):
    form = client.get(reverse("create"), query).context["form"]
    return {name: form[name].value() for name in form.fields}


@pytest.fixture
def provider(standin, settings):  # noqa: F811
    """The stand-in provider, with its engines offered in the studio."""
    with connected(standin, settings):
        yield standin
