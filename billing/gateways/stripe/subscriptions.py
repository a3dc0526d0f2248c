"""Plans through Stripe. Each of our plans is a product at Stripe, made when it is first sold; its price travels with every order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import stripe

from billing.gateways.base import Checkout, Gateway, PlanOrder, Proration, ProrationLine, SubscriptionOrder
from billing.gateways.errors import GatewayRefused
from billing.gateways.facts import Invoice, Subscription
from billing.gateways.patience import has_time
from billing.gateways.stripe import reading
from billing.gateways.stripe.calls import clients, plain, told_in_words


class StripeSubscriptions(Gateway):
    """The half of `StripeGateway` that plans need."""

    offers_subscriptions = True

    def __init__(self, secret_key: str, api_base: str = "") -> None:
        self._quick, self._patient = clients(secret_key, api_base)
        self._products: set[str] = set()

    @property
    def client(self) -> stripe.StripeClient:
        return self._patient if has_time() else self._quick

    def start_subscription(self, order: SubscriptionOrder) -> Checkout:
        metadata = {reading.SUBSCRIPTION: order.key}
        params: dict[str, Any] = {
            "mode": "subscription",
            "client_reference_id": order.key,
            "metadata": metadata,
            "subscription_data": {"metadata": metadata},
            "line_items": [{"quantity": 1, "price_data": self._price(order.plan)}],
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
        }
        params |= {"customer": order.customer_id} if order.customer_id else {"customer_email": order.email}
        with told_in_words():
            made = self.client.v1.checkout.sessions.create(params, {"idempotency_key": f"subscription-{order.key}"})  # type: ignore[arg-type]
        return Checkout(id=made.id, url=made.url or "", expires_at=reading.moment(made.expires_at))

    def _end_session(self, checkout_id: str) -> Mapping[str, Any]:
        """A Checkout Session as it stands once it cannot be begun any more; empty for one that Stripe does not know."""
        sessions = self.client.v1.checkout.sessions
        with told_in_words():
            try:
                return plain(sessions.expire(checkout_id))
            except stripe.InvalidRequestError as error:
                # Only an open one can be expired.
                return {} if error.http_status == 404 else plain(sessions.retrieve(checkout_id))

    def end_subscription_checkout(self, checkout_id: str) -> Subscription | None:
        session = self._end_session(checkout_id)
        return self.subscription(str(session["subscription"])) if session.get("subscription") else None

    def subscription(self, subscription_id: str) -> Subscription:
        with told_in_words():
            return _read(self.client.v1.subscriptions.retrieve(subscription_id))

    def invoices(self, subscription_id: str) -> list[Invoice]:
        with told_in_words():
            asked: Any = {"subscription": subscription_id, "limit": 100, "expand": ["data.payments"]}
            listed = [plain(one) for one in self.client.v1.invoices.list(asked).auto_paging_iter()]
        found = [fact for one in listed for fact in reading.invoice(one, datetime.now(UTC))]
        return found[::-1]

    def preview_change(self, subscription_id: str, plan: PlanOrder) -> Proration:
        as_of = datetime.now(UTC).replace(microsecond=0)
        details: Any = {
            "items": [{"id": self._item(subscription_id), "price_data": self._price(plan)}],
            "proration_behavior": "always_invoice",
            "proration_date": int(as_of.timestamp()),
        }
        with told_in_words():
            made = plain(self.client.v1.invoices.create_preview({"subscription": subscription_id, "subscription_details": details}))
        currency = str(made["currency"])
        lines = tuple(
            ProrationLine(str(one.get("description") or ""), reading.ours(int(one["amount"]), currency))
            for one in made["lines"]["data"]
            if reading.is_proration(one)
        )
        return Proration(sum(line.amount for line in lines), currency, lines, as_of)

    def change_subscription(self, subscription_id: str, plan: PlanOrder, *, key: str, as_of: datetime | None = None) -> Subscription:
        params: dict[str, Any] = {
            "items": [{"id": self._item(subscription_id), "price_data": self._price(plan)}],
            "proration_behavior": "always_invoice",
            # A card that is declined leaves the plan as it was.
            "payment_behavior": "error_if_incomplete",
            "cancel_at_period_end": False,
        }
        if as_of:
            params["proration_date"] = int(as_of.timestamp())
        with told_in_words():
            changed = self.client.v1.subscriptions.update(subscription_id, params, {"idempotency_key": f"change-{key}"})  # type: ignore[arg-type]
        return _read(changed)

    def cancel_subscription(self, subscription_id: str, *, at_period_end: bool = True) -> Subscription:
        with told_in_words():
            if at_period_end:
                return _read(self.client.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": True}))
            return _read(self.client.v1.subscriptions.cancel(subscription_id))

    def resume_subscription(self, subscription_id: str) -> Subscription:
        with told_in_words():
            return _read(self.client.v1.subscriptions.update(subscription_id, {"cancel_at_period_end": False}))

    def forget_customer(self, customer_id: str) -> None:
        with told_in_words():
            try:
                self.client.v1.customers.delete(customer_id)
            except stripe.InvalidRequestError as error:
                if error.http_status != 404:
                    raise

    def payment_page(self, customer_id: str, *, return_url: str) -> str:
        with told_in_words():
            return self.client.v1.billing_portal.sessions.create({"customer": customer_id, "return_url": return_url}).url

    def _price(self, plan: PlanOrder) -> dict[str, Any]:
        return {
            "currency": plan.currency,
            "unit_amount": reading.theirs(plan.amount, plan.currency),
            "recurring": {"interval": plan.interval},
            "product": self._product(plan),
        }

    def _product(self, plan: PlanOrder) -> str:
        """The plan's product at Stripe; its id names the plan, so it can be made only once. Each process asks for that once."""
        product = f"{reading.PRODUCT}{plan.key}"
        if product in self._products:
            return product
        with told_in_words():
            try:
                self.client.v1.products.create({"id": product, "name": plan.title})
            except stripe.InvalidRequestError as error:
                if error.code != "resource_already_exists":
                    raise
        self._products.add(product)
        return product

    def _item(self, subscription_id: str) -> str:
        with told_in_words():
            found = plain(self.client.v1.subscriptions.retrieve(subscription_id))
        return str(found["items"]["data"][0]["id"])


def _read(told: stripe.Subscription) -> Subscription:
    """Raises GatewayRefused for a subscription that the studio did not start."""
    found = next(reading.subscription(plain(told), datetime.now(UTC)), None)
    if found is None:
        raise GatewayRefused("This subscription was not started here.")
    return found
