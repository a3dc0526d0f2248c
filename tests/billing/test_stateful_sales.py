"""Whatever a gateway tells of payments, in whatever order and however often: books and model (`model_sales.py`) agree."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
from django.test import override_settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from billing.errors import NothingToRefund
from billing.gateways import registry
from billing.gateways.base import Checkout, Order, RefundOrder
from billing.gateways.errors import GatewayRefused, GatewayUnavailable
from billing.gateways.facts import CheckoutEnded, Disputed, Event, Fact, Paid, Refunded, RefundTotal
from billing.gateways.manual import ManualGateway
from billing.models import Account, CreditPack, Dispute, GatewayEvent, PackPrice, PaymentRefund, Purchase
from billing.services import deliveries, payments, purchases, refunds, settling, wallets
from tests.billing.model_sales import ModelRefund, ModelSale, Till
from tests.billing.shop import ADDRESSES
from tests.billing.test_stateful import Credits, Ground, keeps, mostly, notices, one_of

FEW = st.integers(min_value=0, max_value=2)
PARTS = st.integers(min_value=1, max_value=999) | st.sampled_from([333, 999])
NEWS = st.sampled_from(["paid", "paid", "paid less", "paid again", "expired", "failed"])
DECISIONS = st.sampled_from(["open", "won", "lost"])
ANSWERS = st.sampled_from(["succeeded", "pending", "refused", "silent"])
AT_ONCE = st.sampled_from([True, True, False])
"""Whether it is delivered now, or later, or never."""


class Desk(ManualGateway):
    """Answers a refund with `answer`."""

    confirms_by_hand = False
    answer: Any = "succeeded"

    def start(self, order: Order) -> Checkout:
        return Checkout(id=f"checkout-{order.key}", url="https://pay.example/")

    def refund(self, order: RefundOrder) -> Refunded:
        if self.answer == "refused":
            raise GatewayRefused("No.")
        if self.answer == "silent":
            raise GatewayUnavailable
        return Refunded(order.payment_key, order.payment_id, f"re-{order.key}", order.amount, self.answer, own_key=order.key)


class Sales(Ground):
    """Purchases, and what a gateway tells of them."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = override_settings(GATEWAYS={"desk": {"BACKEND": "tests.billing.test_stateful_sales.Desk"}})
        self.ways.enable()
        registry.gateway.cache_clear()
        self.till = Till()
        self.told: list[Event] = []
        self.amounts: dict[str, int] = {}
        """Of each refund and dispute, by its id: that stays the same whatever becomes of it."""

    def furnish(self) -> None:
        """One purchase that is paid, and one that is not."""
        super().furnish()
        packs = [CreditPack.objects.create(name=f"{size} credits", credits=size) for size in (7, 3)]
        self.prices = [PackPrice.objects.create(pack=pack, currency="usd", amount=999) for pack in packs]
        self.a_purchase((0, 0, ["paid"], True))
        self.a_purchase((1, 1, [], True))

    def teardown(self) -> None:
        self.ways.disable()
        registry.gateway.cache_clear()
        super().teardown()

    @rule(order=st.tuples(FEW, st.sampled_from([0, 1]), st.lists(NEWS, max_size=3), AT_ONCE))
    def a_purchase(self, order: tuple[int, int, list[str], bool]) -> None:
        """Number, size, and what the gateway tells of it."""
        number, size, news, at_once = order
        form_key = uuid.UUID(int=number + 1)
        price, told = self.prices[size], {"buyer": self.person, "gateway": "desk", "form_key": form_key, "addresses": ADDRESSES}
        row = purchases.start(self.wallet, price, **told)  # type: ignore[arg-type]
        key = self.known.setdefault(("purchase", f"{number}, {size}"), str(row.pk))  # another size on the same form is another purchase
        assert str(row.pk) == key
        if all(sale.key != key for sale in self.till.sales):
            self.till.sales.append(ModelSale(key, price.amount, price.pack.credits * 1000))
        [sale] = [sale for sale in self.till.sales if sale.key == key]
        for one in news:
            if one == "paid again":
                if sale.payment:
                    self.tell(Paid(key, f"again-{key}", sale.price, "usd"), at_once)
            elif one in ("expired", "failed"):
                self.tell(CheckoutEnded(key, f"checkout-{key}", one), at_once)  # type: ignore[arg-type]
            else:
                self.tell(Paid(key, f"pay-{key}", sale.price - (one == "paid less"), "usd"), at_once)

    @rule(
        data=st.data(),
        number=FEW,
        amount=PARTS,
        status=st.sampled_from(["pending", "succeeded", "failed"]),
        keyed=st.booleans(),
        at_once=AT_ONCE,
    )
    def refund_there(self, data: st.DataObject, number: int, amount: int, status: Any, keyed: bool, at_once: bool) -> None:
        sale = self.sale(data)
        name = f"re-{number}-{sale.key}"
        amount = self.amounts.setdefault(name, amount)
        self.tell(Refunded(sale.key if keyed else "", f"pay-{sale.key}", name, amount, status), at_once)

    @precondition(lambda self: any(one.own for sale in self.till.sales for one in sale.refunds))
    @rule(data=st.data(), status=st.sampled_from(["pending", "succeeded", "failed"]), at_once=AT_ONCE)
    def news_of_a_refund(self, data: st.DataObject, status: Any, at_once: bool) -> None:
        pairs = [(sale, one) for sale in self.till.sales for one in sale.refunds if one.own]
        sale, one = one_of(data, pairs)
        if one.named or one.status != "failed":
            self.tell(Refunded(sale.key, f"pay-{sale.key}", f"re-{one.own}", one.amount, status, own_key=one.own), at_once)

    @rule(data=st.data(), amount=PARTS, keyed=st.booleans(), at_once=AT_ONCE)
    def total(self, data: st.DataObject, amount: int, keyed: bool, at_once: bool) -> None:
        sale = self.sale(data)
        self.tell(RefundTotal(sale.key if keyed else "", f"pay-{sale.key}", amount), at_once)

    @rule(
        data=st.data(),
        number=FEW,
        amount=PARTS,
        news=st.lists(st.sampled_from(["open", "won", "lost"]), min_size=1, max_size=2),
        at_once=AT_ONCE,
    )
    def dispute(self, data: st.DataObject, number: int, amount: int, news: list[Any], at_once: bool) -> None:
        sale = self.sale(data)
        name = f"dispute-{number}-{sale.key}"
        amount = self.amounts.setdefault(name, amount)
        for status in news:
            self.tell(Disputed("", f"pay-{sale.key}", name, amount, status), at_once)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Something that was told before: for the first time, or again."""
        self.bring(mostly(data, [event for event in self.told if event.id not in self.till.written], self.told))

    @rule(data=st.data(), number=FEW, answers=st.lists(ANSWERS, min_size=1, max_size=2), same=st.booleans())
    def refund_here(self, data: st.DataObject, number: int, answers: list[str], same: bool) -> None:
        """Once, and then again: by the `same` form or by another one."""
        sale = self.sale(data)
        for more, answer in enumerate(answers):
            self.send_back(sale, number if same else number + more, answer)

    def send_back(self, sale: ModelSale, number: int, answer: str) -> None:
        row = Purchase.objects.get(pk=sale.key)
        registry.gateway("desk").answer = answer  # type: ignore[attr-defined]
        form_key, known = uuid.UUID(int=100 + number), ("refund here", f"{sale.key}:{number}")
        one = self.known.get(known)
        if one is not None and one.status == "failed":
            with pytest.raises(NothingToRefund):
                refunds.refund(row, by=self.person, form_key=form_key)
            return
        if one is None:
            amount = sale.refundable(self.purse)
            if not amount:
                with pytest.raises(NothingToRefund):
                    refunds.refund(row, by=self.person, form_key=form_key)
                return
            one = self.known[known] = ModelRefund(amount)
            sale.refunds.append(one)
            sale.settle(self.purse)
        fails = {"refused": GatewayRefused, "silent": GatewayUnavailable} if one.status == "pending" and not one.named else {}
        if answer in fails:
            with pytest.raises(fails[answer]):
                refunds.refund(row, by=self.person, form_key=form_key)
        else:
            refunds.refund(row, by=self.person, form_key=form_key)
        one.own = str(PaymentRefund.objects.get(purchase=row, form_key=form_key).pk)
        if one.status == "pending" and not one.named and answer != "silent":
            one.named = "" if answer == "refused" else f"re-{one.own}"
            one.move("failed" if answer == "refused" else answer)
            sale.settle(self.purse)
        self.note_lots()

    def note_lots(self) -> None:
        self.settled_elsewhere = {place for sale in self.till.sales for place in sale.places}

    def sale(self, data: st.DataObject) -> ModelSale:
        return one_of(data, self.till.sales)

    def tell(self, fact: Fact, at_once: bool) -> None:
        self.told.append(Event(f"evt-{len(self.told)}", fact.name, (fact,)))
        if at_once:
            self.bring(self.told[-1])

    def bring(self, event: Event) -> None:
        deliveries.receive("desk", event)
        self.till.receive(event.id, event.facts[0], self.purse)
        self.note_lots()

    @invariant()
    def sales_are_those_of_the_model(self) -> None:
        for sale in self.till.sales:
            row = Purchase.objects.get(pk=sale.key)
            found = (row.payment_id or "", row.status, row.refunded, row.reported, row.taken, row.owed)
            refunded = sale.refunded if sale.payment else 0
            assert found == (sale.payment, sale.status, refunded, sale.reported, sale.taken, sale.owed)
            told = row.refunds.values_list("amount", "external_id", "status")
            assert sorted((amount, name or "", status) for amount, name, status in told) == sorted(
                (one.amount, one.named, one.status) for one in sale.refunds
            )
            disputes = [(name, *how) for name, how in sale.disputes.items()]
            assert list(row.disputes.values_list("external_id", "amount", "status")) == disputes
            if sale.payment:
                assert list(row.disputes.values_list("frozen", flat=True)) == sale.frozen_of_disputes(self.purse)
        written = GatewayEvent.objects.exclude(processed_at=None).values_list("event_id", flat=True)
        assert set(written) == self.till.written


class Shop(Credits, Sales):
    """What is bought, beside what else happens to credits."""


@pytest.mark.django_db
def test_sales_end_in_the_books_of_the_model() -> None:
    keeps(Shop)


@pytest.mark.django_db
def test_the_property_notices_a_purchase_that_two_events_of_one_payment_deliver_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    paid = payments._paid

    def twice(purchase: Purchase, fact: Paid) -> str:
        if purchase.is_paid and purchase.payment_id == fact.payment_id:
            told = {"reference": settling._next(purchase), "description": "Bought", "source": Account.SALES}
            wallets.grant(purchase.wallet, purchase.millicredits, **told)  # type: ignore[arg-type]
        return paid(purchase, fact)

    monkeypatch.setattr(payments, "_paid", twice)
    notices(Shop)


@pytest.mark.django_db
def test_the_property_notices_a_purchase_that_less_was_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    paid = payments._paid
    monkeypatch.setattr(payments, "_paid", lambda purchase, fact: paid(purchase, replace(fact, amount=purchase.amount)))
    notices(Shop)


@pytest.mark.django_db
def test_the_property_notices_a_refund_that_forgets_what_went_back_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(purchase: Purchase, limit: int | None = None) -> refunds.Refundable:
        if not purchase.is_paid or settling.disputed(purchase, Dispute.Status.OPEN):
            return refunds.Refundable(0, 0)
        amount = min(purchase.amount, (purchase.taken + settling.unused(purchase)) * purchase.amount // purchase.millicredits)
        return refunds.Refundable(amount, settling.worth(purchase, amount))

    monkeypatch.setattr(refunds, "refundable", forgetful)
    notices(Shop)


@pytest.mark.django_db
def test_the_property_notices_a_refund_that_fails_and_brings_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of_them(purchase: Purchase) -> int:
        return min(purchase.amount, max(sum(purchase.refunds.values_list("amount", flat=True)), purchase.reported))

    monkeypatch.setattr(settling, "refunded", all_of_them)
    notices(Shop)


@pytest.mark.django_db
def test_the_property_notices_a_lost_dispute_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    disputed = settling.disputed
    monkeypatch.setattr(settling, "disputed", lambda purchase, status: disputed(purchase, status) if status == "open" else 0)
    notices(Shop)
