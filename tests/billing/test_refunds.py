"""Money back: asked for here, or at Stripe; for credits that are unused, and for some that are not."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, User
from billing import ledger
from billing.errors import NothingToRefund
from billing.gateways import registry
from billing.gateways.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.facts import Refunded
from billing.gateways.stripe import StripeGateway
from billing.models import Dispute, GatewayEvent, PaymentRefund, Purchase, Wallet
from billing.services import payments, purchases, refunds, wallets
from billing.services.reconciling import reconcile
from tests.billing import shop
from tests.billing.conftest import CREDIT
from tests.stripe_server.standin import StandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stripe_gateway")]
ClientOf = Callable[..., Client]


@pytest.fixture
def bought(stripe_server: StandIn, alice: User, wallet: Wallet) -> Purchase:
    """1,000 credits for $10.00, in a wallet that had 10 before."""
    return shop.buy(stripe_server, wallet, alice)


def spend(wallet: Wallet, credits: int, reference: str = "work") -> None:
    wallets.capture(wallets.place_hold(wallet, credits * CREDIT, reference=reference, description="Pictures"), credits * CREDIT)


def news(stripe: StandIn, before: int = 0) -> None:
    """Bring everything that happened since; what came before comes again, and changes nothing."""
    assert set(shop.bring(stripe, stripe.events[before:])) == {200}


def state(purchase: Purchase) -> tuple[str, int, int, int, int]:
    """Status, money back in cents, credits taken and owed, credits frozen."""
    purchase.refresh_from_db()
    purchase.wallet.refresh_from_db()
    return (
        purchase.status,
        purchase.refunded,
        purchase.taken // CREDIT,
        purchase.owed // CREDIT,
        purchase.wallet.frozen // CREDIT,
    )


def balance(wallet: Wallet) -> int:
    wallet.refresh_from_db()
    assert list(ledger.disagreements()) == []
    return wallet.balance // CREDIT


def ask(purchase: Purchase, by: User, **more: object) -> PaymentRefund:
    return refunds.refund(purchase, **{"by": by, "form_key": uuid.uuid4(), **more})  # type: ignore[arg-type]


# --- asked for here --------------------------------------------------------------------------------------------------
def test_unused_credits_go_back_through_the_pages(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase
) -> None:
    spend(wallet, 260)  # 10 that were there before, which are older, and 250 of these
    client, where = client_of(alice), f"/wallet/purchases/{bought.pk}/"
    assert "Give 750 unused credits back" in client.get(where).content.decode()
    page = client.get(f"{where}refund/").content.decode()
    assert [text in page for text in ("Refund $7.50", "of $10.00 go back", "Keep the credits")] == [True] * 3
    assert balance(wallet) == 750
    form = {"key": str(uuid.uuid4()), "amount": "750"}
    answers = [client.post(f"{where}refund/", form) for _ in range(2)]
    assert {answer["Location"] for answer in answers} == {where}
    assert state(bought) == ("part", 750, 750, 0, 0)
    assert balance(wallet) == 0
    [refund] = stripe_server.all("refund")
    assert (refund["amount"], refund["metadata"]["purchase"]) == (750, str(bought.pk))
    assert wallet.entries.get(kind="revocation").actor == alice
    [row] = PaymentRefund.objects.all()
    assert (row.external_id, row.status, row.author, row.millicredits) == (refund["id"], "succeeded", alice, 750 * CREDIT)
    news(stripe_server)
    assert state(bought) == ("part", 750, 750, 0, 0)
    page = client.get(where).content.decode()
    assert "$7.50 of $10.00 went back." in page
    assert "unused credits back" not in page
    assert AuditEntry.objects.filter(action="credits.refunded").get().text == "asked for $7.50 of 1,000 credits back"


def test_what_changed_since_the_button_was_drawn_is_asked_again(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase
) -> None:
    spend(wallet, 510)
    answer = client_of(alice).post(f"/wallet/purchases/{bought.pk}/refund/", {"key": str(uuid.uuid4()), "amount": "1000"})
    assert answer.status_code == 422
    assert "No more than $5.00 can go back: the rest is used, held, or went back before." in answer.content.decode()
    assert (stripe_server.all("refund"), balance(wallet)) == ([], 500)


def test_no_more_goes_back_than_the_button_said(stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase) -> None:
    """Work that ended since has released credits: they are kept."""
    assert ask(bought, alice, expected=600).millicredits == 600 * CREDIT
    assert [one["amount"] for one in stripe_server.all("refund")] == [600]
    assert state(bought) == ("part", 600, 600, 0, 0)
    assert balance(wallet) == 410


def test_what_work_holds_stays(alice: User, wallet: Wallet, bought: Purchase) -> None:
    hold = wallets.place_hold(wallet, 1000 * CREDIT, reference="work", description="Pictures")
    assert refunds.refundable(bought) == refunds.Refundable(10, 10 * CREDIT)
    wallets.void(hold)
    assert refunds.refundable(bought) == refunds.Refundable(1000, 1000 * CREDIT)


def test_less_than_the_smallest_coin_is_nothing(stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase) -> None:
    wallets.capture(wallets.place_hold(wallet, 1_009_001, reference="work", description="Pictures"), 1_009_001)
    with pytest.raises(NothingToRefund):
        ask(bought, alice)
    assert (stripe_server.all("refund"), state(bought)) == ([], ("paid", 0, 0, 0, 0))


def test_part_of_a_cent_stays_as_credits(alice: User, wallet: Wallet, bought: Purchase) -> None:
    wallets.capture(wallets.place_hold(wallet, 677_500, reference="work", description="Pictures"), 677_500)
    refund = ask(bought, alice)
    assert (refund.amount, refund.millicredits) == (332, 332_000)
    wallet.refresh_from_db()
    assert wallet.balance == 500


def test_the_operator_refunds_an_invoice(alice: User, wallet: Wallet) -> None:
    purchase = purchases.confirm(shop.begin(wallet, alice, gateway="manual"), by=alice)
    refund = ask(purchase, alice, reason="Not needed")
    assert (refund.status, refund.reason, state(purchase)) == ("succeeded", "Not needed", ("refunded", 1000, 1000, 0, 0))


def test_an_invoice_says_how_unused_credits_go_back_while_there_are_some(
    alice: User, bob: User, wallet: Wallet, client_of: ClientOf
) -> None:
    invoice = purchases.confirm(shop.begin(wallet, alice, gateway="manual"), by=alice)
    page, ask = f"/wallet/purchases/{invoice.pk}/", f"/wallet/purchases/{invoice.pk}/refund/"
    admin = f"/admin/billing/purchase/{invoice.pk}/change/"

    def said(address: str) -> tuple[bool, bool, bool]:
        html = client_of(alice).get(address).content.decode()
        return "rite to the operator" in html, admin in html, "Nothing to give back" in html

    assert said(page) == said(ask) == (True, False, False)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    assert said(page) == said(ask) == (False, True, False)
    spend(wallet, 1010)
    assert said(page) == (False, False, False)
    assert said(ask) == (False, False, True)


def test_stripe_refuses(stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase) -> None:
    """Somebody was faster, at Stripe: the credits come back, and the other refund takes them."""
    before = len(stripe_server.events)
    stripe_server.refund(str(bought.payment_id))
    with pytest.raises(GatewayRefused):
        ask(bought, alice)
    assert state(bought) == ("paid", 0, 0, 0, 0)
    assert balance(wallet) == 1010
    news(stripe_server, before)
    assert state(bought) == ("refunded", 1000, 1000, 0, 0)
    assert balance(wallet) == 10


def test_pressed_again_after_a_refusal_it_is_not_said_to_be_under_way(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase
) -> None:
    """The form that is drawn again asks for another refund; the first one's key gets what it got."""
    stripe_server.refund(str(bought.payment_id))
    where, form = f"/wallet/purchases/{bought.pk}/refund/", {"key": str(uuid.uuid4()), "amount": "1000"}
    first = client_of(alice).post(where, form)
    assert (first.status_code, form["key"] in first.content.decode()) == (422, False)
    again = client_of(alice).post(where, form)
    assert again.status_code == 422
    assert "This was refused before: no money went back" in again.content.decode()
    assert [one.status for one in PaymentRefund.objects.all()] == ["failed"]
    assert balance(wallet) == 1010


def test_no_credits_are_taken_where_no_money_can_go_back(alice: User, wallet: Wallet, settings: Any) -> None:
    """The studio sells by card alone by now."""
    purchase = purchases.confirm(shop.begin(wallet, alice, gateway="manual"), by=alice)
    settings.GATEWAYS = {name: one for name, one in settings.GATEWAYS.items() if name != "manual"}
    registry.gateway.cache_clear()
    with pytest.raises(NothingToRefund, match="does not take payments this way any more"):
        ask(purchase, alice)
    assert (PaymentRefund.objects.count(), state(purchase)) == (0, ("paid", 0, 0, 0, 0))
    assert balance(wallet) == 1010


def test_stripe_does_not_answer_a_refund(
    client_of: ClientOf, stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, wallet: Wallet, bought: Purchase
) -> None:
    stripe_server.refuse_next = 2
    with pytest.raises(GatewayUnavailable):
        ask(bought, alice)
    assert state(bought) == ("refunded", 1000, 1000, 0, 0), "nobody can spend them meanwhile"
    assert (stripe_server.all("refund"), PaymentRefund.objects.get().status) == ([], "pending")
    pages = ("/wallet/purchases/", f"/wallet/purchases/{bought.pk}/")
    assert ["Refund under way" in client_of(alice).get(page).content.decode() for page in pages] == [True, True]
    for _ in range(2):
        reconcile(stripe_gateway)
    assert ["Refund under way" in client_of(alice).get(page).content.decode() for page in pages] == [False, False]
    assert (len(stripe_server.all("refund")), PaymentRefund.objects.get().status) == (1, "succeeded")


def test_the_answer_to_a_refund_is_lost(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, wallet: Wallet, bought: Purchase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was made, nobody here heard of it, and its webhook comes before it is sent again: one refund."""
    refund_at_stripe = StripeGateway.refund

    def loses(self: StripeGateway, order: object) -> None:
        refund_at_stripe(self, order)  # type: ignore[arg-type]
        raise GatewayUnavailable

    monkeypatch.setattr(StripeGateway, "refund", loses)
    with pytest.raises(GatewayUnavailable):
        ask(bought, alice)
    monkeypatch.undo()
    news(stripe_server)
    [row] = PaymentRefund.objects.all()
    assert (row.status, row.external_id) == ("succeeded", stripe_server.all("refund")[0]["id"])
    refunds.send(row)
    reconcile(stripe_gateway)
    assert (len(stripe_server.all("refund")), state(bought)) == (1, ("refunded", 1000, 1000, 0, 0))


# --- done at Stripe --------------------------------------------------------------------------------------------------
def test_a_refund_made_at_stripe(stripe_server: StandIn, wallet: Wallet, bought: Purchase) -> None:
    stripe_server.refund(str(bought.payment_id), 400, reason="requested_by_customer")
    for _ in range(2):
        news(stripe_server)
    assert state(bought) == ("part", 400, 400, 0, 0)
    assert balance(wallet) == 610
    [row] = PaymentRefund.objects.all()
    assert (row.author, row.reason, row.amount) == (None, "requested_by_customer", 400)


@pytest.mark.parametrize("heard", [("charge.refunded",), ("refund.created",), ("refund.created", "charge.refunded")])
def test_a_refund_is_known_by_either_message(stripe_server: StandIn, wallet: Wallet, bought: Purchase, heard: tuple[str, ...]) -> None:
    before = len(stripe_server.events)
    stripe_server.refund(str(bought.payment_id), 300)
    stripe_server.refund(str(bought.payment_id), 200)
    told = [event for event in stripe_server.events[before:] if event["type"] in heard]
    shop.bring(stripe_server, told[::-1])
    assert state(bought) == ("part", 500, 500, 0, 0)


def test_money_back_for_credits_that_are_spent_is_owed(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, wallet: Wallet, bought: Purchase
) -> None:
    spend(wallet, 610)
    hold = wallets.place_hold(wallet, 300 * CREDIT, reference="running", description="Pictures")
    stripe_server.refund(str(bought.payment_id))
    news(stripe_server)
    assert state(bought) == ("refunded", 1000, 100, 900, 0)
    assert balance(wallet) == 300
    wallets.void(hold)
    reconcile(stripe_gateway)
    assert state(bought) == ("refunded", 1000, 400, 600, 0)
    assert balance(wallet) == 0


def test_a_refund_that_fails_brings_the_credits_back(stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase) -> None:
    ask(bought, alice)
    assert balance(wallet) == 10
    stripe_server.fail_refund(stripe_server.all("refund")[0]["id"])
    for _ in range(2):
        news(stripe_server)
    assert state(bought) == ("paid", 0, 0, 0, 0)
    assert balance(wallet) == 1010
    assert refunds.refundable(bought).amount == 1000
    ask(bought, alice)
    news(stripe_server)
    assert state(bought) == ("refunded", 1000, 1000, 0, 0)
    assert balance(wallet) == 10


def test_a_refund_that_is_told_before_the_payment(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice)
    stripe_server.approve(str(purchase.checkout_id))
    stripe_server.refund(stripe_server.all("payment_intent")[0]["id"], 250)
    assert set(shop.bring(stripe_server, stripe_server.events[::-1])) == {200}
    assert state(purchase) == ("part", 250, 250, 0, 0)
    assert balance(wallet) == 760
    assert not GatewayEvent.objects.filter(processed_at=None).exists()


# --- disputes --------------------------------------------------------------------------------------------------------
def test_a_dispute_freezes_what_is_disputed_until_it_is_won(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase
) -> None:
    spend(wallet, 310)
    dispute = stripe_server.dispute(str(bought.payment_id))
    news(stripe_server)
    assert state(bought) == ("disputed", 0, 0, 0, 700)
    assert (balance(wallet), wallet.available) == (700, 0)
    assert (Dispute.objects.get().frozen, refunds.refundable(bought).amount) == (700 * CREDIT, 0)
    page = client_of(alice).get(f"/wallet/purchases/{bought.pk}/").content.decode()
    assert "700 credits frozen" in page
    with pytest.raises(NothingToRefund):
        ask(bought, alice)
    stripe_server.close_dispute(dispute["id"], "won")
    for _ in range(2):
        news(stripe_server)
    assert state(bought) == ("paid", 0, 0, 0, 0)
    assert (balance(wallet), wallet.available) == (700, 700 * CREDIT)
    assert (Dispute.objects.get().status, Dispute.objects.get().frozen) == ("won", 0)


def test_every_line_says_how_many_credits_moved(stripe_server: StandIn, alice: User, wallet: Wallet, bought: Purchase) -> None:
    spend(wallet, 14)  # the 10 that were there, and 4 of these
    dispute = stripe_server.dispute(str(bought.payment_id))
    news(stripe_server)
    stripe_server.close_dispute(dispute["id"], "won")
    news(stripe_server)
    with pytest.raises(GatewayRefused):
        refunds.refund(bought, by=alice, form_key=uuid.uuid4())
    assert list(wallet.entries.order_by("-id").values_list("description", flat=True)[:4]) == [
        "A refund failed: 996 of 1,000 credits came back",
        "Money went back for 996 of 1,000 credits",
        "No longer disputed: 996 of 1,000 credits",
        "Payment disputed: 996 of 1,000 credits",
    ]


def test_a_lost_dispute_takes_the_credits(stripe_server: StandIn, wallet: Wallet, bought: Purchase) -> None:
    spend(wallet, 310)
    dispute = stripe_server.dispute(str(bought.payment_id))
    stripe_server.close_dispute(dispute["id"], "lost")
    news(stripe_server)
    assert state(bought) == ("refunded", 0, 700, 300, 0)
    assert balance(wallet) == 0


def test_a_dispute_told_backwards(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    """The end first, before anything is known of the payment: it waits, and is not opened again by what comes late."""
    purchase = shop.begin(wallet, alice)
    stripe_server.approve(str(purchase.checkout_id))
    dispute = stripe_server.dispute(stripe_server.all("payment_intent")[0]["id"], 300)
    stripe_server.close_dispute(dispute["id"], "lost")
    backwards = stripe_server.events[::-1]
    shop.bring(stripe_server, backwards[:3])
    assert GatewayEvent.objects.filter(processed_at=None, note="Waits for its payment or invoice.").count() == 3
    assert balance(wallet) == 10
    shop.bring(stripe_server, backwards[3:])
    assert state(purchase) == ("part", 0, 300, 0, 0)
    assert balance(wallet) == 710
    assert not GatewayEvent.objects.filter(processed_at=None).exists()


def test_part_of_it_is_disputed_and_part_refunded(stripe_server: StandIn, wallet: Wallet, bought: Purchase) -> None:
    stripe_server.refund(str(bought.payment_id), 200)
    stripe_server.dispute(str(bought.payment_id), 500)
    news(stripe_server)
    assert state(bought) == ("disputed", 200, 200, 0, 500)
    assert (balance(wallet), wallet.available) == (810, 310 * CREDIT)


def test_a_refund_of_a_second_payment_takes_nothing_from_what_the_first_brought(bought: Purchase, wallet: Wallet) -> None:
    again = Refunded(key=str(bought.pk), payment_id="pi_second", refund_id="re_second", amount=bought.amount, status="succeeded")
    assert payments.apply(bought.gateway, again) == "It is of the payment pi_second, which delivered nothing."
    assert (state(bought), balance(wallet)) == (("paid", 0, 0, 0, 0), 1_010)
    assert payments.apply(bought.gateway, replace(again, payment_id=bought.payment_id)) == ""
    assert (state(bought), balance(wallet)) == (("refunded", 1000, 1000, 0, 0), 10)
