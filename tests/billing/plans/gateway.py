"""A gateway that remembers what it was asked, and answers with the subscription as it has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from billing.gateways.base import Checkout, Gateway, Order, PlanOrder, Proration, ProrationLine, RefundOrder, SubscriptionOrder
from billing.gateways.errors import BadSignature, GatewayRefused, GatewayUnavailable
from billing.gateways.facts import Event, Fact, Invoice, Refunded, Subscription

SETTING = {"card": {"BACKEND": "tests.billing.plans.gateway.CardGateway"}}


class CardGateway(Gateway):
    """`asked` are the calls in order; `fails` makes the next one end without an answer, `refuses` with a no; `is_mute` does what a change
    asks for and does not answer."""

    label = "Card"
    offers_subscriptions = True

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.now = datetime(2026, 3, 10, 12, tzinfo=UTC)
        self.has: dict[str, Subscription] = {}
        self.bills: list[Invoice] = []
        self.paid_for: dict[str, Subscription] = {}
        self.fails = self.refuses = self.is_mute = False

    def _ask(self, *call: Any) -> None:
        self.asked.append(call)
        if self.fails:
            raise GatewayUnavailable
        if self.refuses:
            raise GatewayRefused("Your card was declined. Nothing was changed: use another card.")

    def _set(self, subscription_id: str, **changes: Any) -> Subscription:
        self.has[subscription_id] = replace(self.has[subscription_id], as_of=self.now, **changes)
        return self.has[subscription_id]

    def start_subscription(self, order: SubscriptionOrder) -> Checkout:
        self._ask("start", order.key, order.plan, order.email, order.customer_id, order.success_url, order.cancel_url)
        return Checkout(id=f"cs_{order.key}", url=f"https://pay.example/{order.key}")

    def end_subscription_checkout(self, checkout_id: str) -> Subscription | None:
        self._ask("end checkout", checkout_id)
        return self.paid_for.get(checkout_id)

    def subscription(self, subscription_id: str) -> Subscription:
        self._ask("subscription", subscription_id)
        return replace(self.has[subscription_id], as_of=self.now)

    def invoices(self, subscription_id: str) -> list[Invoice]:
        self._ask("invoices", subscription_id)
        return [one for one in self.bills if one.subscription_id == subscription_id]

    def preview_change(self, subscription_id: str, plan: PlanOrder) -> Proration:
        self._ask("preview", subscription_id, plan.key)
        lines = (ProrationLine("Unused time on Creator", -500), ProrationLine("Remaining time on Pro", plan.amount // 2))
        return Proration(sum(one.amount for one in lines), plan.currency, lines, self.now)

    def change_subscription(self, subscription_id: str, plan: PlanOrder, *, key: str, as_of: datetime | None = None) -> Subscription:
        self._ask("change", subscription_id, plan.key, as_of)
        changed = self._set(subscription_id, plan=plan.key, amount=plan.amount, cancel_at_period_end=False)
        if self.is_mute:
            raise GatewayUnavailable
        return changed

    def cancel_subscription(self, subscription_id: str, *, at_period_end: bool = True) -> Subscription:
        self._ask("cancel", subscription_id, at_period_end)
        if at_period_end:
            return self._set(subscription_id, cancel_at_period_end=True)
        return self._set(subscription_id, status="canceled", ended_at=self.now)

    def resume_subscription(self, subscription_id: str) -> Subscription:
        self._ask("resume", subscription_id)
        return self._set(subscription_id, cancel_at_period_end=False)

    def forget_customer(self, customer_id: str) -> None:
        self._ask("forget", customer_id)

    def payment_page(self, customer_id: str, *, return_url: str) -> str:
        self._ask("page", customer_id, return_url)
        return f"https://pay.example/portal/{customer_id}"

    def start(self, order: Order) -> Checkout:
        raise GatewayRefused("Plans only.")

    def end_checkout(self, checkout_id: str) -> bool:
        return True

    def refund(self, order: RefundOrder) -> Refunded:
        self._ask("refund", order.payment_id, order.amount)
        return Refunded("", order.payment_id, f"re_{order.key}", order.amount, "succeeded", own_key=order.key)

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Event:
        raise BadSignature

    def look_up(self, *, checkout_id: str = "", payment_id: str = "") -> list[Fact]:
        return []

    def events_since(self, moment: datetime) -> Iterator[Event]:
        return iter(())
