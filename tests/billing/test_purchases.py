"""Buying a pack: begun by a person, delivered by a verified webhook, once."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEntry, Team, User
from billing import ledger
from billing.errors import NotForSale
from billing.gateways.base import Checkout, Order
from billing.gateways.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.stripe import StripeGateway
from billing.models import CreditPack, GatewayEvent, Purchase, Wallet
from billing.services import purchases
from tests.billing import shop
from tests.billing.conftest import CREDIT
from tests.stripe_server.standin import StandIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stripe_gateway")]
ClientOf = Callable[..., Client]


def balance(wallet: Wallet) -> int:
    wallet.refresh_from_db()
    return wallet.balance


def test_a_whole_purchase_through_the_pages(client_of: ClientOf, stripe_server: StandIn, alice: User, team: Team, wallet: Wallet) -> None:
    client = client_of(alice)
    page = client.get("/wallet/buy/").content.decode()
    assert [text in page for text in ("Buy for $10.00", "Buy for $25.00", "Buy for $100.00", "Harbour Street")] == [True] * 4
    answer = client.post("/wallet/buy/", {"price": shop.price().pk, "gateway": "stripe", "key": str(uuid.uuid4())})
    [session] = stripe_server.all("checkout.session")
    assert shop.way_out(answer) == session["url"]
    assert (session["amount_total"], session["currency"], session["customer_email"]) == (1000, "usd", alice.email)
    purchase = Purchase.objects.get()
    where = f"/wallet/purchases/{purchase.pk}/"
    assert session["success_url"] == f"http://testserver{where}?paid=1"
    assert "Waiting for the payment to be confirmed" in client.get(f"{where}?paid=1").content.decode()
    assert "No payment has been confirmed yet" in client.get(where).content.decode()
    assert "You came back without paying" in client.get(f"{where}?back=1").content.decode()
    assert balance(wallet) == 10 * CREDIT

    stripe_server.approve(session["id"])
    assert balance(wallet) == 10 * CREDIT, "the browser that comes back proves nothing"
    assert set(shop.bring(stripe_server, stripe_server.events)) == {200}

    purchase.refresh_from_db()
    assert (purchase.status, purchase.taken, purchase.owed, purchase.note) == ("paid", 0, 0, "")
    assert purchase.payment_id == stripe_server.get(session["id"], "checkout.session")["payment_intent"]
    assert purchase.receipt_url.startswith(f"{stripe_server.url}/receipts/ch_")
    assert balance(wallet) == 1010 * CREDIT
    assert (purchase.lot.source, purchase.lot.remaining, purchase.lot.expires_at) == ("sales", 1000 * CREDIT, None)
    page = client.get(f"{where}?paid=1").content.decode()
    assert "1,000 credits are in the wallet" in page
    assert "hx-trigger" not in page.split('id="purchase"')[1].split(">")[0]
    assert "Bought: 1,000 credits" in client.get("/wallet/").content.decode()
    assert purchase.reference in client.get("/wallet/purchases/").content.decode()
    assert list(AuditEntry.objects.filter(action="credits.bought").values_list("actor_name", "text")) == [
        ("Alice Harbour", "bought 1,000 credits for $10.00")
    ]
    assert ledger.accounts()["sales"] == -1000 * CREDIT
    assert list(ledger.disagreements()) == []


def test_a_double_click_is_one_purchase(client_of: ClientOf, stripe_server: StandIn, alice: User, team: Team, wallet: Wallet) -> None:
    client, key = client_of(alice), str(uuid.uuid4())
    form = {"price": shop.price().pk, "gateway": "stripe", "key": key}
    [url] = {shop.way_out(client.post("/wallet/buy/", form)) for _ in range(3)}
    assert url == stripe_server.all("checkout.session")[0]["url"]
    assert (Purchase.objects.count(), len(stripe_server.all("checkout.session"))) == (1, 1)


def test_two_forms_are_two_purchases_with_a_checkout_each(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    first, second = shop.begin(wallet, alice), shop.begin(wallet, alice)
    assert first.checkout_id != second.checkout_id
    assert len(stripe_server.idempotency.answers) == 2


def test_another_pack_chosen_after_a_refusal_is_the_one_that_is_sold(
    client_of: ClientOf, stripe_server: StandIn, alice: User, team: Team
) -> None:
    client, key = client_of(alice), str(uuid.uuid4())
    stripe_server.refuse_next = 2
    assert client.post("/wallet/buy/", {"price": shop.price(10_000).pk, "gateway": "stripe", "key": key}).status_code == 422
    client.post("/wallet/buy/", {"price": shop.price(1000).pk, "gateway": "stripe", "key": key})
    assert [one["amount_total"] for one in stripe_server.all("checkout.session")] == [1000]
    answer = client.post("/wallet/buy/", {"price": shop.price(1000).pk, "gateway": "manual", "key": key})
    assert "AT-001001" in client.get(answer["Location"]).content.decode()


def test_when_stripe_does_not_answer_the_same_form_can_be_sent_again(
    client_of: ClientOf, stripe_server: StandIn, alice: User, team: Team
) -> None:
    client, form = client_of(alice), {"price": shop.price().pk, "gateway": "stripe", "key": str(uuid.uuid4())}
    stripe_server.refuse_next = 2  # the library asks twice by itself
    answer = client.post("/wallet/buy/", form)
    assert answer.status_code == 422
    assert "The payment provider does not answer. Nothing was charged; try again in a minute." in answer.content.decode()
    assert form["key"] in answer.content.decode()
    begun = client.get(f"/wallet/purchases/{Purchase.objects.get().pk}/").content.decode()
    assert "there is no page to pay it on. Nothing was charged" in begun
    assert shop.way_out(client.post("/wallet/buy/", form)).startswith(stripe_server.url)
    assert Purchase.objects.get().status == "open"


def test_a_refusal_ends_the_purchase(stripe_server: StandIn, alice: User, wallet: Wallet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_server, "key", "sk_another")
    with pytest.raises(GatewayRefused, match="STUDIO_STRIPE_SECRET_KEY"):
        shop.begin(wallet, alice)
    assert (Purchase.objects.get().status, Purchase.objects.get().checkout_id) == ("failed", None)


def test_what_is_not_sold_cannot_be_bought(client_of: ClientOf, stripe_server: StandIn, alice: User, team: Team, wallet: Wallet) -> None:
    client, price = client_of(alice), shop.price()
    CreditPack.objects.update(is_active=False)
    answer = client.post("/wallet/buy/", {"price": price.pk, "gateway": "stripe", "key": str(uuid.uuid4())})
    assert (answer.status_code, "This pack is not sold any more." in answer.content.decode()) == (422, True)
    price.pack.refresh_from_db()
    for change in ({}, {"gateway": "paypal"}):
        with pytest.raises(NotForSale):
            purchases.start(
                wallet, price, **{"buyer": alice, "gateway": "stripe", "form_key": uuid.uuid4(), "addresses": shop.ADDRESSES, **change}
            )
    assert (Purchase.objects.count(), stripe_server.requests) == (0, [])


def test_a_checkout_that_was_not_paid_in_time(client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice)
    stripe_server.expire(str(purchase.checkout_id))
    shop.bring(stripe_server, stripe_server.events)
    purchase.refresh_from_db()
    assert purchase.status == "expired"
    assert "not paid in time" in client_of(alice).get(f"/wallet/purchases/{purchase.pk}/").content.decode()
    assert balance(wallet) == 10 * CREDIT


def test_a_payment_of_another_sum_delivers_nothing(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice)
    stripe_server.get(str(purchase.checkout_id), "checkout.session")["amount_total"] = 1
    stripe_server.approve(str(purchase.checkout_id))
    shop.bring(stripe_server, stripe_server.events)
    purchase.refresh_from_db()
    assert (purchase.status, purchase.lot, balance(wallet)) == ("open", None, 10 * CREDIT)
    assert purchase.note.endswith("is of $0.01 and not $10.00: nothing was delivered.")


def test_a_second_payment_of_the_same_purchase_is_told_to_the_operator(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.buy(stripe_server, wallet, alice)
    again = stripe_server.pay(1000, "usd", metadata={"purchase": str(purchase.pk)})
    shop.bring(stripe_server, stripe_server.events[-2:])
    purchase.refresh_from_db()
    assert purchase.note == f"Paid twice: refund the payment {again['id']} at the gateway."
    assert balance(wallet) == 1010 * CREDIT


def test_what_others_do_with_the_same_account_at_stripe_is_kept_and_changes_nothing(stripe_server: StandIn, wallet: Wallet) -> None:
    stripe_server.pay(1000, "usd", metadata={})
    stripe_server.pay(1000, "usd", metadata={"purchase": str(uuid.uuid4())})
    stripe_server.pay(1000, "usd", metadata={"purchase": "12'; --"})
    assert set(shop.bring(stripe_server, stripe_server.events)) == {200}
    assert balance(wallet) == 10 * CREDIT
    notes = set(GatewayEvent.objects.values_list("note", flat=True))
    assert notes == {"Nothing here has a use for it.", "It names no purchase of this studio."}
    assert not GatewayEvent.objects.filter(processed_at=None).exists()


def test_an_invoice_waits_for_the_operator(client_of: ClientOf, alice: User, team: Team, wallet: Wallet) -> None:
    client = client_of(alice)
    answer = client.post("/wallet/buy/", {"price": shop.price().pk, "gateway": "manual", "key": str(uuid.uuid4())})
    purchase = Purchase.objects.get()
    assert (answer["Location"], purchase.reference) == (f"/wallet/purchases/{purchase.pk}/", "AT-001001")
    page = client.get(answer["Location"]).content.decode()
    assert [text in page for text in ("AT-001001", "IBAN DE00 1234<br>Harbour Bank", "$10.00")] == [True] * 3
    assert f'hx-get="{answer["Location"]}" hx-trigger="every 15s"' in page
    assert client.get(answer["Location"], headers={"HX-Request": "true"}).status_code == 204
    for _ in range(2):
        purchases.confirm(purchase, by=alice, note="Statement of 3 March")
    news = client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "1,000 credits are in the wallet." in news
    assert "hx-get" not in news
    assert (purchase.status, purchase.note, balance(wallet)) == ("paid", "Statement of 3 March", 1010 * CREDIT)
    assert shop.begin(wallet, alice, gateway="manual").reference == "AT-001002"
    assert list(ledger.disagreements()) == []


def test_an_invoice_that_was_given_up_can_still_be_confirmed(client_of: ClientOf, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice, gateway="manual")
    client_of(alice).post(f"/wallet/purchases/{purchase.pk}/cancel/")
    purchase.refresh_from_db()
    assert purchase.status == "canceled"
    assert purchases.confirm(purchase, by=alice).status == "paid"
    assert purchases.cancel(purchase, by=alice).status == "paid"


def test_an_order_that_was_canceled_can_be_paid_no_more(client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase, client = shop.begin(wallet, alice), client_of(alice)
    where = f"/wallet/purchases/{purchase.pk}/"
    assert "Cancel this order" in client.get(where).content.decode()
    client.post(f"{where}cancel/")
    purchase.refresh_from_db()
    assert (purchase.status, stripe_server.get(purchase.checkout_id, "checkout.session")["status"]) == ("canceled", "expired")
    shop.bring(stripe_server, stripe_server.events)
    purchase.refresh_from_db()
    assert purchase.status == "canceled", "that its Checkout has ended is no news"
    page = client.get(where).content.decode()
    assert "This order was canceled, and nothing was charged" in page
    assert "Cancel this order" not in page
    assert AuditEntry.objects.get(action="credits.canceled").actor == alice


def test_a_payment_that_was_faster_than_its_cancellation_counts(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet
) -> None:
    purchase = shop.begin(wallet, alice)
    stripe_server.approve(str(purchase.checkout_id))
    client_of(alice).post(f"/wallet/purchases/{purchase.pk}/cancel/")
    purchase.refresh_from_db()
    assert (purchase.status, purchase.canceled_at, balance(wallet)) == ("paid", None, 1010 * CREDIT)
    shop.bring(stripe_server, stripe_server.events)
    assert balance(wallet) == 1010 * CREDIT


def test_what_a_bank_debit_is_under_way_for_is_not_canceled(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet
) -> None:
    purchase, client = shop.begin(wallet, alice), client_of(alice)
    session = stripe_server.get(str(purchase.checkout_id), "checkout.session")
    session |= {"status": "complete", "payment_status": "unpaid"}
    page = client.post(f"/wallet/purchases/{purchase.pk}/cancel/", follow=True).content.decode()
    assert "A payment for this order is under way" in page
    purchase.refresh_from_db()
    assert purchase.status == "open"


def test_an_order_canceled_while_its_checkout_is_made_cannot_be_paid(
    stripe_server: StandIn, alice: User, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = StripeGateway.start

    def slow(gateway: StripeGateway, order: Order) -> Checkout:
        checkout = start(gateway, order)
        purchases.cancel(Purchase.objects.get(), by=alice)
        return checkout

    monkeypatch.setattr(StripeGateway, "start", slow)
    purchase = shop.begin(wallet, alice)
    assert (purchase.status, stripe_server.get(str(purchase.checkout_id), "checkout.session")["status"]) == ("canceled", "expired")


def test_an_order_whose_checkout_nobody_knows_can_be_canceled(alice: User, wallet: Wallet, stripe_server: StandIn) -> None:
    purchase = shop.begin(wallet, alice)
    Purchase.objects.update(checkout_id="cs_of_another_account")
    purchase.refresh_from_db()
    assert purchases.cancel(purchase, by=alice).status == "canceled"


def test_a_cancellation_that_nobody_answers_changes_nothing(
    client_of: ClientOf, stripe_server: StandIn, alice: User, wallet: Wallet
) -> None:
    purchase = shop.begin(wallet, alice)
    stripe_server.refuse_next = 9
    page = client_of(alice).post(f"/wallet/purchases/{purchase.pk}/cancel/", follow=True).content.decode()
    assert "The payment provider does not answer, so the order stands as it is" in page
    purchase.refresh_from_db()
    assert purchase.status == "open"


def test_nobody_confirms_what_stripe_has_to_tell(stripe_server: StandIn, alice: User, wallet: Wallet) -> None:
    purchase = shop.begin(wallet, alice)
    with pytest.raises(NotForSale):
        purchases.confirm(purchase, by=alice)
    assert balance(wallet) == 10 * CREDIT


def test_who_may_not_buy_sees_the_packs_and_who_does(client_of: ClientOf, alice: User, bob: User, wallet: Wallet) -> None:
    client = client_of(bob)
    page = client.get("/wallet/buy/").content.decode()
    assert "Alice Harbour buys for it" in page
    assert "Buy for" not in page
    assert client.post("/wallet/buy/", {"price": shop.price().pk, "gateway": "manual", "key": str(uuid.uuid4())}).status_code == 403
    assert not Purchase.objects.exists()


def test_unavailable_says_nothing_is_known(stripe_gateway: StripeGateway, stripe_server: StandIn) -> None:
    stripe_server.refuse_next = 2
    with pytest.raises(GatewayUnavailable):
        stripe_gateway.look_up(payment_id="pi_1")
    assert stripe_gateway.look_up(payment_id="pi_1") == []
