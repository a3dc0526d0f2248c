"""Money that comes in is told of once: a pack, and a plan's month, whatever the gateway tells twice or late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from accounts.models import Team, User
from billing.gateways import registry
from billing.models import Wallet
from billing.services import purchases
from billing.services.wallets import wallet_of
from studio.webhooks.models import Delivery, Endpoint
from tests.billing.plans.gateway import SETTING
from tests.billing.plans.telling import at, begun, hear, invoice, stands
from tests.billing.shop import begin, offer

pytestmark = pytest.mark.django_db


def told() -> list[Any]:
    rows = list(Delivery.objects.order_by("created_at", "id"))
    Delivery.objects.all().delete()
    assert {row.event for row in rows} <= {"payment.received"}
    return [row.payload["data"] for row in rows]


@pytest.fixture
def wallet(team: Team, endpoint: Endpoint, settings: Any) -> Wallet:
    settings.STUDIO_URL = "https://studio.example"
    return wallet_of(team)


def test_a_pack(wallet: Wallet, alice: User) -> None:
    offer()
    purchase = begin(wallet, alice, gateway="manual")
    assert told() == []
    purchases.confirm(purchase, by=alice)
    purchases.confirm(purchase, by=alice)
    assert told() == [
        {
            "object": "payment",
            "id": f"purchase:{purchase.pk}",
            "kind": "pack",
            "name": "1,000 credits",
            "amount": 1000,
            "currency": "usd",
            "price": "$10.00",
            "credits": "1000",
            "url": f"https://studio.example/wallet/of/{wallet.team_id}/",
        }
    ]


@pytest.fixture
def selling(settings: Any) -> Iterator[None]:
    settings.DEFAULT_PLAN = "free"
    settings.GATEWAYS = SETTING
    registry.gateway.cache_clear()
    with time_machine.travel(at(9.5), tick=False):
        yield
    registry.gateway.cache_clear()


def test_a_month_of_a_plan(wallet: Wallet, selling: None) -> None:
    row = begun(wallet)
    hear(stands(row), invoice(row, status="open", amount_paid=0))
    assert told() == []
    hear(invoice(row, as_of=at(1)), invoice(row, as_of=at(1)), stands(row))
    [data] = told()
    assert (data["kind"], data["name"], data["amount"], data["currency"], data["credits"]) == ("plan", "Creator plan", 1000, "usd", "1000")
    assert data["id"].startswith("invoice:")


def test_what_costs_nothing_is_no_payment(wallet: Wallet, selling: None) -> None:
    row = begun(wallet)
    hear(stands(row), invoice(row, amount_due=0, amount_paid=0))
    assert told() == []
