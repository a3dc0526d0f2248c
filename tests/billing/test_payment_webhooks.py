"""The door that gateways knock at: forged, stale, changed, huge, repeated, and a thousand deliveries in any order."""

from __future__ import annotations

import json
import random
import time
import uuid
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.test import Client

from accounts.models import User
from billing import ledger
from billing.gateways.errors import BadSignature
from billing.gateways.stripe import StripeGateway
from billing.models import Dispute, GatewayEvent, LedgerEntry, PaymentRefund, Purchase, Wallet
from billing.services import payments, settling
from billing.services.reconciling import reconcile
from billing.views import webhooks
from tests.billing import shop
from tests.billing.conftest import CREDIT
from tests.billing.race import at_once
from tests.stripe_server.courier import signature, written
from tests.stripe_server.standin import StandIn

pytestmark = pytest.mark.usefixtures("stripe_gateway")


def knock(body: bytes, header: str, **more: Any) -> int:
    return Client().post(shop.WEBHOOK, body, content_type="application/json", headers={"Stripe-Signature": header}, **more).status_code


def paid_event(stripe: StandIn, wallet: Wallet, buyer: User) -> dict[str, Any]:
    """The completed Checkout of a purchase that nobody has told the studio of."""
    purchase = shop.begin(wallet, buyer)
    stripe.approve(str(purchase.checkout_id))
    [event] = [one for one in stripe.events if one["type"] == "checkout.session.completed"]
    return event


def books() -> tuple[Any, ...]:
    """What must be the same, however it came about."""
    return (
        list(Wallet.objects.order_by("id").values_list("balance", "held", "frozen")),
        list(Purchase.objects.order_by("created_at").values_list("status", "refunded", "taken", "owed")),
        sorted(PaymentRefund.objects.values_list("amount", "status")),
        sorted(Dispute.objects.values_list("amount", "status", "frozen")),
    )


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["forged", "changed", "stale", "unsigned", "garbled", "another endpoint's"])
def test_what_is_not_signed_by_stripe_is_refused(stripe_server: StandIn, alice: User, wallet: Wallet, how: str) -> None:
    body = written(paid_event(stripe_server, wallet, alice))
    header = {
        "forged": f"t={int(time.time())},v1={'0' * 64}",
        "changed": signature(body, stripe_server.secret),
        "stale": signature(body, stripe_server.secret, at=int(time.time()) - 301),
        "unsigned": "",
        "garbled": "t=now,v1=",
        "another endpoint's": signature(body, "whsec_another"),
    }[how]
    if how == "changed":
        body = body.replace(b'"amount_total": 1000', b'"amount_total": 1001')
    assert knock(body, header) == 400
    wallet.refresh_from_db()
    assert (wallet.balance, GatewayEvent.objects.count(), Purchase.objects.get().status) == (10 * CREDIT, 0, "open")


@pytest.mark.django_db
def test_without_a_secret_nobody_is_believed(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    """What an empty secret signs, anybody signs."""
    purchase = shop.begin(wallet, alice)
    stripe_server.approve(str(purchase.checkout_id))
    body = written(stripe_server.events[-1])
    with pytest.raises(BadSignature, match="WEBHOOK_SECRET is missing"):
        StripeGateway(secret_key="sk_test_1", webhook_secret="").read_webhook(body, {"Stripe-Signature": signature(body, "")})


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b'{"id": "evt_1", "type": "charge.refunded"}'])
def test_what_is_signed_and_makes_no_sense_is_refused(stripe_server: StandIn, alice: User, body: bytes) -> None:
    header = signature(body, stripe_server.secret)
    assert knock(body, header) == 400
    assert not GatewayEvent.objects.exists()


@pytest.mark.django_db
def test_too_much_is_not_read(stripe_server: StandIn, alice: User) -> None:
    body = b" " * (webhooks.LARGEST + 1)
    assert knock(body, signature(body, stripe_server.secret)) == 413


@pytest.mark.django_db
def test_who_knocks_elsewhere(stripe_server: StandIn, alice: User) -> None:
    assert Client().post("/payments/paypal/webhook/", b"{}", content_type="application/json").status_code == 404
    assert Client().post("/payments/manual/webhook/", b"{}", content_type="application/json").status_code == 400
    assert Client().get(shop.WEBHOOK).status_code == 405


@pytest.mark.django_db
def test_a_delivery_that_comes_again_changes_nothing(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    event = paid_event(stripe_server, wallet, alice)
    assert shop.bring(stripe_server, [event] * 3) == [200] * 3
    wallet.refresh_from_db()
    assert wallet.balance == 1010 * CREDIT
    assert LedgerEntry.objects.filter(wallet=wallet, account="sales").count() == 1
    assert GatewayEvent.objects.count() == 1


@pytest.mark.django_db
def test_another_event_of_the_same_payment_changes_nothing(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    event = paid_event(stripe_server, wallet, alice)
    shop.bring(stripe_server, [event | {"id": "evt_1"}, event | {"id": "evt_2"}, *stripe_server.events])
    wallet.refresh_from_db()
    assert wallet.balance == 1010 * CREDIT


@pytest.mark.django_db
def test_what_is_kept_of_a_delivery_says_nothing_of_people(
    stripe_server: StandIn, alice: User, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    event = paid_event(stripe_server, wallet, alice)
    with caplog.at_level("INFO"):
        shop.bring(stripe_server, [event])
    assert event["data"]["object"]["customer_email"] == alice.email
    kept = GatewayEvent.objects.get()
    assert alice.email not in json.dumps(kept.payload)
    assert {one["fact"] for one in kept.payload} == {"paid"}
    assert event["id"] in caplog.text
    assert alice.email not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_delivery_that_could_not_be_written_is_kept_and_brought_again(
    stripe_server: StandIn, alice: User, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = paid_event(stripe_server, wallet, alice)

    def breaks(*args: object) -> None:
        raise OperationalError("the disk is gone")

    monkeypatch.setattr(payments, "settle", breaks)
    client = Client(raise_request_exception=False)
    assert shop.bring(stripe_server, [event], client) == [500]
    assert (GatewayEvent.objects.get().processed_at, Purchase.objects.get().status) == (None, "open")
    monkeypatch.undo()
    assert shop.bring(stripe_server, [event], client) == [200]
    wallet.refresh_from_db()
    assert wallet.balance == 1010 * CREDIT
    assert list(ledger.disagreements()) == []


# --- a thousand ------------------------------------------------------------------------------------------------------
def a_lot_happens(stripe: StandIn, wallets: list[Wallet], buyer: User, dice: random.Random) -> None:
    """Forty purchases at Stripe, and all that can become of one, told to nobody yet."""
    for number in range(40):
        purchase = shop.begin(wallets[number % len(wallets)], buyer, credits=dice.choice((1000, 2500)))
        what = number % 8
        if what == 0:
            stripe.expire(str(purchase.checkout_id))
            continue
        if what == 1:
            stripe.decline(str(purchase.checkout_id))
        session = stripe.approve(str(purchase.checkout_id))
        payment, cents = session["payment_intent"], session["amount_total"]
        if what in (2, 3):
            stripe.refund(payment, dice.randrange(1, cents))
        if what == 3:
            stripe.refund(payment)
        if what == 4:
            stripe.fail_refund(stripe.refund(payment, dice.randrange(1, cents))["id"])
        if what == 5:
            stripe.dispute(payment, dice.randrange(1, cents))
        if what in (6, 7):
            disputed = stripe.dispute(payment)
            stripe.close_dispute(disputed["id"], "won" if what == 6 else "lost")


def expected(stripe: StandIn) -> tuple[int, int]:
    """Millicredits in all wallets, and how many of them are frozen, worked out from Stripe's own books alone."""
    balance = frozen = 0
    for session in stripe.all("checkout.session", status="complete"):
        cents, payment = session["amount_total"], session["payment_intent"]
        back = sum(one["amount"] for one in stripe.all("refund", payment_intent=payment, status="succeeded"))
        back += sum(one["amount"] for one in stripe.all("dispute", payment_intent=payment, status="lost"))
        asked = sum(one["amount"] for one in stripe.all("dispute", payment_intent=payment, status="needs_response"))
        # One cent is one credit in the packs that are sold to begin with.
        balance += (cents - min(back, cents)) * CREDIT
        frozen += asked * CREDIT
    return balance, frozen


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_deliveries_in_any_order_end_in_the_same_books(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, team: Any, wallet: Wallet, seed: int
) -> None:
    """Shuffled, duplicated and delayed; one in seven never comes at all, and is found by reading Stripe."""
    dice = random.Random(seed)
    own = Wallet.objects.get(team__is_personal=True, team__members=alice)
    before = wallet.balance + own.balance
    a_lot_happens(stripe_server, [wallet, own], alice, dice)
    lost = {event["id"] for event in stripe_server.events if dice.randrange(7) == 0}
    brought = [event for event in stripe_server.events if event["id"] not in lost]
    deliveries = brought + dice.choices(brought, k=1000 - len(brought))
    dice.shuffle(deliveries)
    assert (len(deliveries), len(lost) > 10) == (1000, True)

    assert set(shop.bring(stripe_server, deliveries)) == {200}
    reconcile(stripe_gateway)

    balance, frozen = expected(stripe_server)
    found = books()
    assert sum(row[0] for row in found[0]) == before + balance
    assert sum(row[2] for row in found[0]) == frozen
    assert ledger.accounts()["sales"] == -balance
    assert not GatewayEvent.objects.filter(processed_at=None).exists()
    assert list(ledger.disagreements()) == []

    report = reconcile(stripe_gateway)
    shop.bring(stripe_server, stripe_server.events)
    assert (report.events, report.repaired, report.problems) == (0, 0, None)
    assert books() == found


@pytest.mark.django_db
def test_nothing_is_delivered_and_everything_is_found(
    stripe_server: StandIn, stripe_gateway: StripeGateway, alice: User, team: Any, wallet: Wallet
) -> None:
    before = wallet.balance
    a_lot_happens(stripe_server, [wallet], alice, random.Random(11))
    assert reconcile(stripe_gateway).events > 100
    balance, frozen = expected(stripe_server)
    wallet.refresh_from_db()
    assert (wallet.balance, wallet.frozen) == (before + balance, frozen)
    assert set(Purchase.objects.values_list("status", flat=True)) == {"paid", "part", "refunded", "disputed", "expired"}


# --- at once ---------------------------------------------------------------------------------------------------------
def sixteen(stripe: StandIn, events: list[dict[str, Any]]) -> list[Any]:
    def runner(event: dict[str, Any]) -> tuple[Any, Any]:
        return lambda: None, lambda _: shop.bring(stripe, [event])[0]

    return at_once(*(runner(events[number % len(events)]) for number in range(16)))


@pytest.mark.django_db(transaction=True)
def test_sixteen_identical_deliveries_at_once(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    event = paid_event(stripe_server, wallet, alice)
    assert sixteen(stripe_server, [event]) == [200] * 16
    wallet.refresh_from_db()
    assert wallet.balance == 1010 * CREDIT
    assert LedgerEntry.objects.filter(wallet=wallet, account="sales").count() == 1
    assert list(ledger.disagreements()) == []


@pytest.mark.django_db(transaction=True)
def test_all_that_happened_to_a_payment_at_once(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    """Also the dispute, which names only the payment, in the moment in which the payment becomes known."""
    purchase = shop.begin(wallet, alice)
    payment = stripe_server.approve(str(purchase.checkout_id))["payment_intent"]
    stripe_server.refund(payment, 250)
    stripe_server.dispute(payment, 500)
    assert set(sixteen(stripe_server, stripe_server.events)) == {200}
    wallet.refresh_from_db()
    assert (wallet.balance, wallet.frozen) == (760 * CREDIT, 500 * CREDIT)
    assert not GatewayEvent.objects.filter(processed_at=None).exists()
    assert list(ledger.disagreements()) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("act", "delivered"), [(settling.settle, 16), (lambda seen: settling.settle(settling.locked(seen)), 1)])
def test_without_the_lock_the_same_race_delivers_to_everybody(
    stripe_server: StandIn, alice: User, wallet: Wallet, monkeypatch: pytest.MonkeyPatch, act: Any, delivered: int
) -> None:
    """The ledger's unique references are taken away too: each of the two would be enough."""
    monkeypatch.setattr(settling, "_reference", lambda purchase: f"purchase:{uuid.uuid4()}")
    purchase = shop.begin(wallet, alice)
    Purchase.objects.filter(pk=purchase.pk).update(paid_at=purchase.created_at, payment_id="pi_1")

    def in_one_transaction(seen: Purchase) -> None:
        with transaction.atomic():
            act(seen)

    read = Purchase.objects.select_related("wallet", "buyer").get
    outcomes = at_once(*((lambda: read(pk=purchase.pk), in_one_transaction) for _ in range(16)))
    assert outcomes == [None] * 16
    wallet.refresh_from_db()
    assert wallet.balance == (10 + delivered * 1000) * CREDIT
