"""A wallet with 10 credits, and a record of what billing tells the studio."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from accounts.models import Team, User
from billing.models import Wallet
from billing.services.wallets import grant, wallet_of
from tests.billing import listening, shop
from tests.billing.pages import NOON, autumn
from tests.stripe_server.fixtures import running_stripe, stripe_gateway, stripe_server

__all__ = ["running_stripe", "stripe_gateway", "stripe_server"]

CREDIT = 1000
"""Millicredits."""


@pytest.fixture
def wallet(team: Team) -> Wallet:
    """Harbour Street's, with 10 credits in it: a shared team gets no welcome grant."""
    shop.offer()
    wallet = wallet_of(team)
    grant(wallet, 10 * CREDIT, reference="first", description="First credits")
    return wallet


@pytest.fixture
def heard(settings: Any) -> list[tuple[int, int, int]]:
    """(team id, balance, held) for each call of the listener, in order; nothing before the fixture is asked for."""
    settings.BILLING_LISTENER = "tests.billing.listening.hear"
    listening.heard.clear()
    return listening.heard


@pytest.fixture
def books(team: Team, alice: User, bob: User) -> Iterator[Wallet]:
    """Harbour Street's wallet after an autumn of work (`pages.autumn`), seen at noon of its last day."""
    wallet = wallet_of(team)
    autumn(wallet, alice, bob)
    with time_machine.travel(NOON, tick=False):
        yield wallet
