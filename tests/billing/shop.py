"""Buying in tests: a pack, a Checkout that is paid at the stand-in, and its webhooks brought to the studio's door."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from billing.models import CreditPack, PackPrice, Purchase, Wallet
from billing.services import purchases
from billing.services.purchases import Addresses
from tests.stripe_server.courier import signature, written
from tests.stripe_server.standin import StandIn

WEBHOOK = "/payments/stripe/webhook/"
ADDRESSES = Addresses(success="http://studio.example/{id}/?paid=1", cancel="http://studio.example/{id}/?back=1")


def offer() -> None:
    """What a new studio sells: after a test with transactions of its own, the rows of migrations are gone."""
    for credits in (1000, 2500, 10_000):
        if not CreditPack.objects.filter(credits=credits).exists():
            pack = CreditPack.objects.create(name=f"{credits:,} credits", credits=credits, position=credits)
            pack.prices.create(currency="usd", amount=credits)


def price(credits: int = 1000, currency: str = "usd") -> PackPrice:
    return PackPrice.objects.select_related("pack").get(pack__credits=credits, currency=currency)


def begin(wallet: Wallet, buyer: User, *, gateway: str = "stripe", credits: int = 1000, key: uuid.UUID | None = None) -> Purchase:
    """A purchase with its Checkout, not paid."""
    return purchases.start(wallet, price(credits), buyer=buyer, gateway=gateway, form_key=key or uuid.uuid4(), addresses=ADDRESSES)


def bring(stripe: StandIn, events: Iterable[dict[str, Any]], client: Client | None = None) -> list[int]:
    """Bring events to the webhook's view; the statuses it answered."""
    client = client or Client()
    statuses = []
    for event in events:
        body = written(event)
        answer = client.post(WEBHOOK, body, content_type="application/json", headers={"Stripe-Signature": signature(body, stripe.secret)})
        statuses.append(answer.status_code)
    return statuses


def way_out(answer: HttpResponse) -> str:
    """Where the page leads that stands between a form and another site."""
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.content.decode())
    assert found, answer
    return found[1]


def buy(stripe: StandIn, wallet: Wallet, buyer: User, credits: int = 1000) -> Purchase:
    """A whole purchase: begun, paid, delivered."""
    purchase = begin(wallet, buyer, credits=credits)
    before = len(stripe.events)
    stripe.approve(str(purchase.checkout_id))
    assert set(bring(stripe, stripe.events[before:])) == {200}
    purchase.refresh_from_db()
    return purchase
