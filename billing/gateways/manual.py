"""Invoice or bank transfer: the purchase's page says how to pay, and the operator confirms in the admin that the money has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NoReturn

from billing.gateways.base import Checkout, Gateway, Order, PlanOrder, Proration, RefundOrder, SubscriptionOrder
from billing.gateways.errors import BadSignature, NotOffered
from billing.gateways.facts import Event, Fact, Invoice, Refunded, Subscription


class ManualGateway(Gateway):
    """Needs no account. `instructions` are the operator's own words on where the money goes; lines are kept."""

    label = "Invoice, bank transfer"
    confirms_by_hand = True

    def __init__(self, *, instructions: str = "", label: str = "") -> None:
        self.instructions = instructions
        self.label = label or type(self).label

    def start(self, order: Order) -> Checkout:
        return Checkout(id="", url="")

    def end_checkout(self, checkout_id: str) -> bool:
        return True

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Event:
        raise BadSignature("Nobody sends webhooks for this way to pay.")

    def refund(self, order: RefundOrder) -> Refunded:
        """The operator sends the money back by hand, and says so by asking for this."""
        return Refunded(
            key=order.payment_key,
            payment_id=order.payment_id,
            refund_id=f"manual-{order.key}",
            amount=order.amount,
            status="succeeded",
            own_key=order.key,
        )

    def look_up(self, *, checkout_id: str = "", payment_id: str = "") -> list[Fact]:
        return []

    def events_since(self, moment: datetime) -> Iterator[Event]:
        return iter(())

    def start_subscription(self, order: SubscriptionOrder) -> Checkout:
        self._refuse()

    def end_subscription_checkout(self, checkout_id: str) -> Subscription | None:
        self._refuse()

    def subscription(self, subscription_id: str) -> Subscription:
        self._refuse()

    def invoices(self, subscription_id: str) -> list[Invoice]:
        self._refuse()

    def preview_change(self, subscription_id: str, plan: PlanOrder) -> Proration:
        self._refuse()

    def change_subscription(self, subscription_id: str, plan: PlanOrder, *, key: str, as_of: datetime | None = None) -> Subscription:
        self._refuse()

    def cancel_subscription(self, subscription_id: str, *, at_period_end: bool = True) -> Subscription:
        self._refuse()

    def resume_subscription(self, subscription_id: str) -> Subscription:
        self._refuse()

    def forget_customer(self, customer_id: str) -> None:
        self._refuse()

    def payment_page(self, customer_id: str, *, return_url: str) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise NotOffered("Plans are not sold by invoice here. Ask the operator of this studio.")
