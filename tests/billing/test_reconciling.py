"""What reading the gateway repairs, and what it gives up; and that the books tell when a purchase and the ledger disagree."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from billing import sales_ledger
from billing.gateways import registry
from billing.gateways.facts import Event, InvoicePayment
from billing.gateways.stripe import StripeGateway
from billing.models import Dispute, GatewayEvent, Purchase, Wallet
from billing.services import deliveries, purchases
from billing.services.reconciling import hourly, reconcile
from tests.billing import shop
from tests.billing.conftest import CREDIT
from tests.stripe_server.standin import StandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stripe_gateway")]


def run(**options: Any) -> str:
    out = StringIO()
    call_command("reconcile_payments", stdout=out, **options)
    return out.getvalue().strip()


def test_the_command_finds_what_never_came(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    stripe_server.approve(str(shop.begin(wallet, alice).checkout_id))
    assert run() == "stripe: 3 events that had not come, 0 purchases and refunds repaired, 0 given up."
    wallet.refresh_from_db()
    assert wallet.balance == 1010 * CREDIT
    assert run() == "stripe: 0 events that had not come, 0 purchases and refunds repaired, 0 given up."


def test_events_that_stripe_has_forgotten_are_made_up_for_by_the_checkout(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, wallet: Wallet
) -> None:
    paid, expired = shop.begin(wallet, alice), shop.begin(wallet, alice)
    stripe_server.approve(str(paid.checkout_id))
    stripe_server.refund(stripe_server.all("payment_intent")[0]["id"], 100)
    stripe_server.expire(str(expired.checkout_id))
    stripe_server.events.clear()
    assert reconcile(stripe_gateway).repaired == 0, "a moment ago: it may still be on its way"
    assert reconcile(stripe_gateway, now=timezone.now() + timedelta(hours=1)).repaired == 2
    assert list(Purchase.objects.order_by("id").values_list("status", flat=True)) == ["part", "expired"]
    wallet.refresh_from_db()
    assert wallet.balance == 910 * CREDIT


def test_what_is_no_business_of_ours_is_given_up(stripe_server: StandIn, stripe_gateway: StripeGateway, wallet: Wallet) -> None:
    payment = stripe_server.pay(500, "usd", metadata={})["id"]
    stripe_server.dispute(payment)
    shop.bring(stripe_server, stripe_server.events)
    assert GatewayEvent.objects.get(processed_at=None).subject == payment
    assert reconcile(stripe_gateway).given_up == 0
    assert reconcile(stripe_gateway, now=timezone.now() + timedelta(days=3)).given_up == 1
    assert GatewayEvent.objects.get(type="charge.dispute.created").note == "Of a payment or an invoice that is not of this studio."


def test_invoices_of_other_programs_are_not_asked_about(
    stripe_server: StandIn, stripe_gateway: StripeGateway, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their payments are told too, where a studio shares an account."""
    deliveries.receive("stripe", Event("evt_1", "invoice_payment.paid", (InvoicePayment("in_other", "pi_other"),)))
    asked: list[object] = []
    monkeypatch.setattr(StripeGateway, "look_up", lambda gateway, **about: asked.append(about) or [])
    reconcile(stripe_gateway)
    assert asked == []
    assert reconcile(stripe_gateway, now=timezone.now() + timedelta(days=3)).given_up == 1


def test_a_purchase_that_never_got_a_checkout_is_given_up(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, wallet: Wallet
) -> None:
    stripe_server.refuse_next = 2
    with pytest.raises(Exception, match="does not answer"):
        shop.begin(wallet, alice)
    reconcile(stripe_gateway)
    assert Purchase.objects.get().status == "open"
    reconcile(stripe_gateway, now=timezone.now() + timedelta(days=3))
    assert Purchase.objects.get().status == "expired"


def test_a_checkout_that_stripe_does_not_know_is_given_up(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, wallet: Wallet
) -> None:
    purchase = shop.begin(wallet, alice)
    waits = shop.begin(wallet, alice)
    del stripe_server.things[str(purchase.checkout_id)]
    early = reconcile(stripe_gateway, now=timezone.now() + timedelta(days=1))
    assert (early.given_up, early.problems, Purchase.objects.filter(status="open").count()) == (0, None, 2)
    assert reconcile(stripe_gateway, now=timezone.now() + timedelta(days=3)).given_up == 1
    assert [one.pk for one in Purchase.objects.filter(status="open")] == [waits.pk], "a bank debit takes its time"
    stripe_server.requests.clear()
    assert reconcile(stripe_gateway, now=timezone.now() + timedelta(days=8)).given_up == 0
    assert ("GET", f"/v1/checkout/sessions/{purchase.checkout_id}") not in stripe_server.requests


def test_when_stripe_does_not_answer_the_command_says_so(stripe_server: StandIn) -> None:
    stripe_server.refuse_next = 3
    with pytest.raises(CommandError, match="1 could not be looked at"):
        run()


def test_workers_do_it_by_themselves(stripe_server: StandIn, alice: User, wallet: Wallet, settings: Any) -> None:
    assert "billing.services.reconciling.hourly" in settings.DAILY_CHORES
    stripe_server.approve(str(shop.begin(wallet, alice).checkout_id))
    hourly()
    wallet.refresh_from_db()
    assert wallet.balance == 1010 * CREDIT


def test_where_everything_is_an_invoice_nobody_is_asked(alice: User, wallet: Wallet, settings: Any) -> None:
    settings.GATEWAYS = {"manual": {"BACKEND": "billing.gateways.manual.ManualGateway"}}
    registry.gateway.cache_clear()
    purchase = shop.begin(wallet, alice, gateway="manual")
    with time_machine.travel(timezone.now() + timedelta(days=400)):
        hourly()
    purchase.refresh_from_db()
    assert purchase.status == "open", "money may come late"
    assert run().startswith("There is nobody to ask")
    assert purchases.confirm(purchase, by=alice).status == "paid"


def test_the_books_tell_of_a_purchase_that_they_do_not_know(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.buy(stripe_server, wallet, alice)
    stripe_server.dispute(str(purchase.payment_id))
    shop.bring(stripe_server, stripe_server.events)
    assert list(sales_ledger.disagreements()) == []
    Purchase.objects.filter(pk=purchase.pk).update(taken=5 * CREDIT)
    Dispute.objects.update(frozen=0)
    name = f"Purchase {purchase.pk} ({purchase.reference})"
    assert list(sales_ledger.disagreements()) == [
        f"{name}: it is disputed, so it must have brought 995 credits; it brought 1,000.",
        f"{name}: its disputes have 0 credits frozen, the entries add up to 1,000.",
    ]
