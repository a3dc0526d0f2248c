from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Team, User
from billing.gateways import registry
from billing.models import Wallet
from billing.services.wallets import wallet_of
from tests.billing.plans.buyer import Buyer
from tests.billing.plans.gateway import SETTING, CardGateway
from tests.billing.plans.telling import at
from tests.stripe_server.fixtures import running_stripe, stripe_gateway, stripe_server
from tests.stripe_server.standin import StandIn

__all__ = ["running_stripe", "stripe_gateway", "stripe_server"]


@pytest.fixture(autouse=True)
def in_march() -> Iterator[Any]:
    """The tenth of March, at noon: a third of the month that plans are paid for here is over."""
    with time_machine.travel(at(9.5), tick=False) as moment:
        yield moment


@pytest.fixture
def selling(settings: Any) -> Iterator[CardGateway]:
    """A studio that sells plans: who has none is on Free."""
    settings.DEFAULT_PLAN = "free"
    settings.GATEWAYS = SETTING
    registry.gateway.cache_clear()
    card = registry.gateway("card")
    assert isinstance(card, CardGateway)
    yield card
    registry.gateway.cache_clear()


@pytest.fixture
def wallet(team: Team) -> Wallet:
    return wallet_of(team)


@pytest.fixture
def buyer(stripe_gateway: Any, stripe_server: StandIn, client_of: Callable[..., Client], alice: User, team: Team, settings: Any) -> Buyer:
    settings.DEFAULT_PLAN = "free"
    return Buyer(lambda: client_of(alice), stripe_server)
