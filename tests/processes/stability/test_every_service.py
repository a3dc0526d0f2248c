"""Every engine in every mode that it does, from a press on Generate to what lies in the library and in the provider's books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import Mode
from studio.generation import files
from studio.generation.ledger import disagreements
from studio.generation.models import Job
from tests.generation.stability import EVERYTHING, filled, pressed
from tests.stability_server.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def quick_pictures() -> None:
    """Here the stand-in draws what it is asked for, with transparency where the provider has some."""


@pytest.mark.parametrize(("engine_id", "mode"), EVERYTHING, ids=[f"{engine_id}-{mode}" for engine_id, mode in EVERYTHING])
def test_a_press_ends_in_the_library(
    engine_id: str, mode: Mode, start: Any, told: Any, standin: StandIn, rich: Team, alice: User, client_of: Callable[..., Client]
) -> None:
    client = client_of(alice, rich)
    assert pressed(client, filled(client, registry.engine(engine_id), mode)).status_code == 200
    start()
    job = told.job(Job.objects.get(), "succeeded")

    [made] = job.artifacts.all()
    assert (made.kind, made.bytes) == (mode.makes, len(files.read(made.variant("original"))))
    assert files.read(made.variant("thumb"))
    [charge] = standin.books
    assert (charge.credits * 1000, job.provider_cost) == (Decimal(job.price.amount), job.price.amount)
    wallet = wallets.wallet_of(rich)
    assert (wallet.balance, wallet.held, list(disagreements())) == (100_000 - job.price.amount, 0, [])
