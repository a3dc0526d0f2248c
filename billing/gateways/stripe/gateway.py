"""Packs through Stripe: Checkout, webhooks, refunds, and what is read to repair the books."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import stripe

from billing.gateways.base import Checkout, Order, RefundOrder, flat
from billing.gateways.errors import BadSignature, NotKnown
from billing.gateways.facts import Event, Fact, Refunded
from billing.gateways.stripe import reading
from billing.gateways.stripe.calls import plain, told_in_words
from billing.gateways.stripe.subscriptions import StripeSubscriptions


class StripeGateway(StripeSubscriptions):
    """`api_base` is for tests: another server that speaks Stripe's API."""

    label = "Card and more"

    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str = "") -> None:
        super().__init__(secret_key, api_base)
        self._webhook_secret = webhook_secret

    def start(self, order: Order) -> Checkout:
        product: Any = {"name": order.title, "description": order.details}
        amount = reading.theirs(order.amount, order.currency)
        metadata = {reading.PURCHASE: order.key}
        params: Any = {
            "mode": "payment",
            "client_reference_id": order.key,
            "metadata": metadata,
            "payment_intent_data": {"metadata": metadata, "description": order.title},
            "line_items": [{"quantity": 1, "price_data": {"currency": order.currency, "unit_amount": amount, "product_data": product}}],
            "customer_email": order.email,
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
        }
        with told_in_words():
            # The key of the order is new for every purchase, so Stripe never hands back a session that has ended.
            made = self.client.v1.checkout.sessions.create(params, {"idempotency_key": f"checkout-{order.key}"})
        return Checkout(id=made.id, url=made.url or "", expires_at=reading.moment(made.expires_at))

    def end_checkout(self, checkout_id: str) -> bool:
        session = self._end_session(checkout_id)
        return (session.get("status"), session.get("payment_status")) != ("complete", "unpaid")

    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Event:
        if not self._webhook_secret:
            raise BadSignature("STUDIO_STRIPE_WEBHOOK_SECRET is missing, and with an empty one anybody could sign.")
        try:
            stripe.WebhookSignature.verify_header(
                body, flat(headers).get("stripe-signature"), self._webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
            return reading.event(json.loads(body))
        except stripe.SignatureVerificationError as error:
            raise BadSignature from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadSignature("The body is no event of Stripe’s.") from error

    def refund(self, order: RefundOrder) -> Refunded:
        params: Any = {
            "payment_intent": order.payment_id,
            "amount": reading.theirs(order.amount, order.currency),
            "metadata": {reading.REFUND: order.key, **({reading.PURCHASE: order.payment_key} if order.payment_key else {})},
        }
        with told_in_words():
            made = self.client.v1.refunds.create(params, {"idempotency_key": f"refund-{order.key}"})
        return next(reading.refund(plain(made)))

    def look_up(self, *, checkout_id: str = "", payment_id: str = "") -> list[Fact]:
        found: list[Fact] = []
        with told_in_words():
            try:
                if checkout_id:
                    session = plain(self.client.v1.checkout.sessions.retrieve(checkout_id))
                    found += reading.session(session)
                    payment_id = payment_id or str(session.get("payment_intent") or "")
                if payment_id:
                    intent = plain(self.client.v1.payment_intents.retrieve(payment_id, {"expand": ["latest_charge"]}))
                    found += reading.payment(intent)
                    found += self._invoice_of(intent)
                    found += reading.charge(intent.get("latest_charge") or {})
                    for refund in self.client.v1.refunds.list({"payment_intent": payment_id}).auto_paging_iter():
                        found += reading.refund(plain(refund))
                    for dispute in self.client.v1.disputes.list({"payment_intent": payment_id}).auto_paging_iter():
                        found += reading.dispute(plain(dispute))
            except stripe.InvalidRequestError as error:
                if error.http_status != 404 and error.code != "resource_missing":
                    raise
                if checkout_id and not found:
                    raise NotKnown from error
        return found

    def _invoice_of(self, intent: Mapping[str, Any]) -> Iterator[Fact]:
        """A payment of a plan says nothing of its invoice: that is asked for. One of a pack has our key, and none."""
        if not (intent.get("metadata") or {}).get(reading.PURCHASE):
            asked: Any = {"payment": {"type": "payment_intent", "payment_intent": intent["id"]}}
            for one in self.client.v1.invoice_payments.list(asked).auto_paging_iter():
                yield from reading.invoice_payment(plain(one))

    def events_since(self, moment: datetime) -> Iterator[Event]:
        # Stripe keeps events for 30 days, takes at most 20 types a call, and lists the newest first.
        types = sorted(reading.READERS)
        listed: list[Mapping[str, Any]] = []
        with told_in_words():
            for first in range(0, len(types), 20):
                params: Any = {"created": {"gte": int(moment.timestamp())}, "types": types[first : first + 20], "limit": 100}
                listed += [plain(one) for one in self.client.v1.events.list(params).auto_paging_iter()]
        for one in sorted(listed, key=lambda one: int(one["created"])):
            yield reading.event(one)

    def problems(self) -> list[str]:
        return [] if self._webhook_secret else ["STUDIO_STRIPE_WEBHOOK_SECRET is missing: nothing that is bought would be delivered."]
