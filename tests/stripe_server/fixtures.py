"""Fixtures of the stand-in. A room that wants them imports them in its conftest.py:

from tests.stripe_server.fixtures import running_stripe, stripe_server, stripe_gateway
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from billing.gateways import registry
from billing.gateways.stripe import StripeGateway
from tests.stripe_server.standin import StandIn


@pytest.fixture(scope="session")
def running_stripe() -> Iterator[StandIn]:
    """One server for all tests of a run."""
    with StandIn() as running:
        yield running


@pytest.fixture
def stripe_server(running_stripe: StandIn) -> Iterator[StandIn]:
    """The stand-in as new, without an endpoint: a test brings the events itself, or sets `courier.endpoint`."""
    running_stripe.reset()
    yield running_stripe
    running_stripe.courier.endpoint = ""
    running_stripe.courier.duplicates, running_stripe.courier.disorder = 0, False


@pytest.fixture
def stripe_gateway(stripe_server: StandIn, settings: Any) -> Iterator[StripeGateway]:
    """The studio's Stripe, with the official library, against the stand-in."""
    options = {"secret_key": stripe_server.key, "webhook_secret": stripe_server.secret, "api_base": stripe_server.url}
    settings.GATEWAYS = {
        "stripe": {"BACKEND": "billing.gateways.stripe.StripeGateway", "OPTIONS": options},
        "manual": {"BACKEND": "billing.gateways.manual.ManualGateway", "OPTIONS": {"instructions": "IBAN DE00 1234\nHarbour Bank"}},
    }
    registry.gateway.cache_clear()
    found = registry.gateway("stripe")
    assert isinstance(found, StripeGateway)
    yield found
    registry.gateway.cache_clear()
