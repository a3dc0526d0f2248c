"""What the operator does with sales."""

from __future__ import annotations

import uuid

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEntry, User
from billing import ledger
from billing.models import CreditPack, Dispute, PaymentRefund, Purchase, Wallet
from billing.services import purchases
from tests.billing import shop
from tests.billing.conftest import CREDIT
from tests.stripe_server.standin import StandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stripe_gateway")]


def at(purchase: Purchase, act: str) -> str:
    return f"/admin/billing/purchase/{purchase.pk}/{act}/"


def test_an_invoice_is_confirmed_once(desk: Client, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice, gateway="manual")
    assert "Confirm the payment" in desk.get(at(purchase, "change")).content.decode()
    assert "$10.00 with the reference AT-001001 has come" in desk.get(at(purchase, "confirm")).content.decode()
    for _ in range(2):
        answer = desk.post(at(purchase, "confirm"), {"sure": "True", "note": "Statement 7"}, follow=True)
    assert "1,000 credits delivered to Harbour Street" in answer.content.decode()
    purchase.refresh_from_db()
    wallet.refresh_from_db()
    assert (purchase.status, purchase.note, wallet.balance) == ("paid", "Statement 7", 1010 * CREDIT)
    assert AuditEntry.objects.filter(action="credits.confirmed").get().text == "confirmed the payment of AT-001001 ($10.00)"


def test_an_invoice_that_was_given_up_says_so_before_it_is_confirmed(desk: Client, alice: User, wallet: Wallet) -> None:
    purchase, given_up = (shop.begin(wallet, alice, gateway="manual") for _ in range(2))
    with time_machine.travel("2026-05-03T10:00:00Z", tick=False):
        purchases.cancel(given_up, by=alice)
    words = "The buyer gave this order up on 3 May 2026; confirm only if the money has come all the same."
    assert [words in desk.get(at(one, "confirm")).content.decode() for one in (purchase, given_up)] == [False, True]
    Purchase.objects.update(canceled_at=None)  # as those of old
    assert "The buyer gave this order up; confirm only" in desk.get(at(given_up, "confirm")).content.decode()


def test_what_stripe_has_to_tell_is_not_confirmed(desk: Client, stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice)
    assert "Confirm the payment" not in desk.get(at(purchase, "change")).content.decode()
    answer = desk.post(at(purchase, "confirm"), {"sure": "True"})
    assert (answer.status_code, "by nobody else" in answer.content.decode()) == (422, True)
    wallet.refresh_from_db()
    assert wallet.balance == 10 * CREDIT


def test_a_refund_needs_a_reason(desk: Client, stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.buy(stripe_server, wallet, alice)
    form = {"key": str(uuid.uuid4()), "amount": "1000"}
    assert "$10.00 of $10.00 go back" in desk.get(at(purchase, "refund")).content.decode()
    assert desk.post(at(purchase, "refund"), form).status_code == 422
    assert not PaymentRefund.objects.exists()
    answer = desk.post(at(purchase, "refund"), {**form, "reason": "Wrong team"}, follow=True)
    assert "$10.00 refunded" in answer.content.decode()
    refund = PaymentRefund.objects.get()
    assert (refund.reason, refund.author, refund.status) == ("Wrong team", alice, "succeeded")
    assert "Wrong team" in desk.get(f"/wallet/purchases/{purchase.pk}/").content.decode()
    assert list(ledger.disagreements()) == []


def test_every_list_can_be_read(desk: Client, stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.buy(stripe_server, wallet, alice)
    stripe_server.dispute(str(purchase.payment_id))
    shop.bring(stripe_server, stripe_server.events)
    assert Dispute.objects.count() == 1
    for name in ("creditpack", "purchase", "gatewayevent", "paymentrefund", "dispute"):
        assert desk.get(f"/admin/billing/{name}/").status_code == 200
    page = desk.get(at(purchase, "change")).content.decode()
    assert "1,000 credits frozen" in page
    assert desk.get(f"/admin/billing/creditpack/{CreditPack.objects.first().pk}/change/").status_code == 200


def test_who_may_only_read_does_nothing(desk: Client, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice, gateway="manual")
    User.objects.filter(pk=alice.pk).update(is_superuser=False)
    for act, form in (("confirm", {"sure": "True"}), ("refund", {"key": str(uuid.uuid4()), "amount": "1", "reason": "x"})):
        assert desk.post(at(purchase, act), form).status_code == 403
    purchase.refresh_from_db()
    assert purchase.status == "open"
