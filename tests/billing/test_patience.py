"""How long Stripe is waited for: a page's reader for seconds, a chore for a minute; and what is asked of it for a plan."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from billing.gateways.base import PlanOrder, SubscriptionOrder
from billing.gateways.errors import GatewayUnavailable
from billing.gateways.patience import patiently
from billing.gateways.stripe import StripeGateway
from billing.services import reconciling, subscriptions
from tests.stripe_server.standin import StandIn

ORDER = SubscriptionOrder(
    "ours", PlanOrder("creator", "Creator", 1000, "usd"), "alice@harbour.example", "http://studio/ok", "http://studio/"
)


def test_a_page_asks_twice_and_a_chore_three_times(stripe_server: StandIn, stripe_gateway: StripeGateway) -> None:
    stripe_server.refuse_next = 2
    with pytest.raises(GatewayUnavailable):
        stripe_gateway.look_up(payment_id="pi_1")
    assert len(stripe_server.requests) == 2
    stripe_server.refuse_next = 2
    with patiently():
        assert stripe_gateway.look_up(payment_id="pi_1") == []
    assert len(stripe_server.requests) == 5


def test_a_page_waits_for_seconds(stripe_server: StandIn, stripe_gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    def answer(self: Any, method: str, url: str, **given: Any) -> Any:
        waited.append(given["timeout"])
        raise requests.Timeout

    monkeypatch.setattr("requests.Session.request", answer)
    with pytest.raises(GatewayUnavailable):
        stripe_gateway.look_up(payment_id="pi_1")
    with pytest.raises(GatewayUnavailable), patiently():
        stripe_gateway.look_up(payment_id="pi_1")
    assert waited == [6, 6, 20, 20, 20]


@pytest.mark.django_db
def test_chores_have_time(stripe_server: StandIn, stripe_gateway: StripeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    clients: list[Any] = []
    monkeypatch.setattr(StripeGateway, "events_since", lambda self, moment: clients.append(self.client) or iter(()))
    reconciling.hourly()
    monkeypatch.setattr(subscriptions, "_tidy", lambda: clients.append(stripe_gateway.client))
    subscriptions.hourly()
    assert clients == [stripe_gateway._patient] * 2
    assert stripe_gateway.client is stripe_gateway._quick


def test_the_same_key_goes_with_the_second_try(stripe_server: StandIn, stripe_gateway: StripeGateway) -> None:
    stripe_gateway.start_subscription(ORDER)
    stripe_server.refuse_next = 1
    again = stripe_gateway.start_subscription(ORDER)
    assert again.id == stripe_server.all("checkout.session")[0]["id"]
    assert (len(stripe_server.all("checkout.session")), stripe_server.idempotency.replayed) == (1, 1)


def test_a_plan_is_made_at_stripe_once(stripe_server: StandIn, stripe_gateway: StripeGateway) -> None:
    for _ in range(3):
        stripe_gateway.start_subscription(ORDER)
    assert stripe_server.requests.count(("POST", "/v1/products")) == 1
