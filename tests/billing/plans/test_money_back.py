"""Money of a plan that goes back at Stripe, and the credits that it takes with it, in whatever order that is told."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Team
from billing.gateways.registry import gateway
from billing.ledger import disagreements
from billing.models import GatewayEvent, Reversal, SubscriptionInvoice, Wallet
from billing.services import wallets
from billing.services.reconciling import reconcile
from tests.billing.plans.buyer import URL, Buyer, credits
from tests.stripe_server import plans as theirs

CREDIT = 1000


def payment(buyer: Buyer, number: int = 0) -> str:
    found: str = buyer.stripe.all("payment_intent")[number]["id"]
    return found


def begun(buyer: Buyer, slug: str = "creator") -> None:
    buyer.start(slug)
    buyer.hear()


def spend(wallet: Wallet, amount: int) -> None:
    wallets.capture(wallets.place_hold(wallet, amount * CREDIT, reference=f"work-{amount}", description="Work"), amount * CREDIT)


def settled(wallet: Wallet) -> tuple[int, int]:
    """Credits that can be spent, and that are frozen."""
    wallet.refresh_from_db()
    assert list(disagreements()) == []
    assert not GatewayEvent.objects.filter(processed_at=None).exists()
    return wallet.available // CREDIT, wallet.frozen // CREDIT


def test_a_refund_takes_the_credits_of_its_month(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    begun(buyer)
    spend(wallet, 300)
    buyer.stripe.refund(payment(buyer))
    buyer.hear()
    assert settled(wallet) == (0, 0)
    invoice = SubscriptionInvoice.objects.get()
    assert (invoice.payment_id, invoice.taken, invoice.owed) == (payment(buyer), 700 * CREDIT, 300 * CREDIT)
    assert wallet.entries.filter(kind="revocation").get().description == "Money went back for 700 credits of the Creator plan"
    assert AuditEntry.objects.get(action="credits.refunded").text == "was told that $10.00 for the Creator plan went back"


def test_the_books_tell_when_an_invoice_disagrees(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    begun(buyer)
    buyer.stripe.refund(payment(buyer))
    buyer.hear()
    SubscriptionInvoice.objects.update(taken=CREDIT)
    [told] = disagreements()
    assert told == "Invoice STAND-0001: 1 credits count as taken back, the entries add up to 1,000."


def test_a_part_takes_a_part(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    begun(buyer)
    buyer.stripe.refund(payment(buyer), 250)
    buyer.hear()
    assert settled(wallet) == (750, 0)
    assert SubscriptionInvoice.objects.get().owed == 0


def test_credits_that_one_bought_stay(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    wallets.grant(wallet, 50 * CREDIT, reference="gift", description="A gift")
    begun(buyer)
    buyer.stripe.refund(payment(buyer))
    buyer.hear()
    assert settled(wallet) == (50, 0)


def test_a_refund_that_fails_brings_them_back_for_as_long(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    begun(buyer)
    until = wallet.lots.get(source="plans").expires_at
    made = buyer.stripe.refund(payment(buyer))
    buyer.hear()
    buyer.stripe.fail_refund(made["id"])
    buyer.hear()
    assert settled(wallet) == (1000, 0)
    assert {lot.expires_at for lot in wallet.lots.filter(source="plans")} == {until}
    assert Reversal.objects.get().status == "failed"


@pytest.mark.parametrize(("outcome", "left"), [("won", 700), ("lost", 0)])
def test_a_dispute_freezes_them(outcome: str, left: int, buyer: Buyer, team: Team, wallet: Wallet) -> None:
    begun(buyer)
    spend(wallet, 300)
    dispute = buyer.stripe.dispute(payment(buyer))
    buyer.hear()
    assert settled(wallet) == (0, 700)
    buyer.stripe.close_dispute(dispute["id"], outcome)
    buyer.hear()
    assert settled(wallet) == (left, 0)


def test_what_expired_is_not_owed(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    begun(buyer)
    spend(wallet, 300)
    in_march.shift(timedelta(days=40))
    wallets.expire(wallet)
    buyer.stripe.refund(payment(buyer))
    buyer.hear()
    assert settled(wallet) == (0, 0)
    assert SubscriptionInvoice.objects.get().owed == 300 * CREDIT


def test_work_that_is_under_way_is_owed_until_it_is_over(buyer: Buyer, team: Team, wallet: Wallet) -> None:
    begun(buyer)
    hold = wallets.place_hold(wallet, 400 * CREDIT, reference="work", description="Work")
    buyer.stripe.refund(payment(buyer))
    buyer.hear()
    assert SubscriptionInvoice.objects.get().owed == 400 * CREDIT
    wallets.void(hold)
    reconcile(gateway("stripe"))
    assert settled(wallet) == (0, 0)
    assert SubscriptionInvoice.objects.get().owed == 0


@pytest.mark.parametrize("seed", range(12))
def test_in_any_order_some_twice(seed: int, buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    """Begun, changed, refunded in part, disputed, won, the difference refunded: told all at once."""
    dice = random.Random(seed)
    buyer.start("creator")
    buyer.hear()
    in_march.shift(timedelta(days=10))
    buyer.change("pro")
    told = buyer.told
    buyer.stripe.refund(payment(buyer), 500)
    dispute = buyer.stripe.dispute(payment(buyer), 500)
    buyer.stripe.close_dispute(dispute["id"], "lost" if seed % 2 else "won")
    buyer.stripe.refund(payment(buyer, 1))
    buyer.told = min(told, dice.randrange(len(buyer.stripe.events)))
    buyer.hear(dice)
    assert settled(wallet) == (0 if seed % 2 else 500, 0)


@pytest.mark.parametrize("seed", range(6))
def test_a_refund_that_comes_before_all_else(seed: int, buyer: Buyer, team: Team, wallet: Wallet) -> None:
    buyer.start("creator")
    buyer.stripe.refund(payment(buyer), 250)
    buyer.hear(random.Random(seed))
    assert settled(wallet) == (750, 0)


def test_what_was_never_told_is_read(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    """Neither the refund nor what the invoice was paid with: events older than those that are read."""
    begun(buyer)
    SubscriptionInvoice.objects.update(payment_id=None)
    dispute = buyer.stripe.dispute(payment(buyer))
    buyer.hear()
    assert GatewayEvent.objects.get(processed_at=None).subject == payment(buyer)
    in_march.shift(timedelta(hours=1))
    reconcile(gateway("stripe"))
    assert settled(wallet) == (0, 1000)
    buyer.stripe.close_dispute(dispute["id"], "won")
    buyer.stripe.events.clear()
    reconcile(gateway("stripe"))
    assert settled(wallet) == (1000, 0)


def test_the_next_month_is_another(buyer: Buyer, team: Team, wallet: Wallet, in_march: Any) -> None:
    begun(buyer)
    in_march.shift(timedelta(days=30))
    theirs.renew(buyer.stripe, buyer.theirs["id"])
    buyer.hear()
    buyer.stripe.refund(payment(buyer, 0))
    buyer.hear()
    assert credits(wallet) == 1000
    buyer.stripe.refund(payment(buyer, 1))
    buyer.hear()
    assert credits(wallet) == 0
    assert buyer.browser.get(URL).status_code == 200
