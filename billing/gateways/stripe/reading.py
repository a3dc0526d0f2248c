"""Stripe's objects, as the JSON that they come in, read as facts. Nothing here asks Stripe.

An order's key comes back in the metadata of the payment, which Stripe copies to the charge, and of the subscription; disputes, and refunds
made in Stripe's dashboard, name the payment only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from billing.gateways.facts import (
    CheckoutEnded,
    Disputed,
    DisputeStatus,
    Event,
    Fact,
    Invoice,
    InvoicePayment,
    InvoiceStatus,
    Paid,
    Receipt,
    Refunded,
    RefundStatus,
    RefundTotal,
    Subscription,
    SubscriptionStatus,
)

Thing = Mapping[str, Any]
PURCHASE, REFUND, SUBSCRIPTION = "purchase", "refund", "subscription"
"""Names of our ids in Stripe's metadata."""
PRODUCT = "atelier_"
"""What the ids of our plans' products at Stripe begin with; a plan's key follows."""
HUNDREDFOLD = frozenset(("isk", "ugx"))
"""Currencies without a minor unit that Stripe nevertheless counts in hundredths."""

_REFUNDS: dict[str, RefundStatus] = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
_DISPUTES: dict[str, DisputeStatus] = {"won": "won", "warning_closed": "won", "prevented": "won", "lost": "lost"}
_REASONS: dict[str, Any] = {"subscription_create": "start", "subscription_cycle": "period", "subscription_update": "change"}


def event(given: Thing) -> Event:
    """An event of Stripe's; without facts when it is of a type that the studio has no use for."""
    kind = str(given["type"])
    read = READERS.get(kind)
    told = given["data"]["object"]
    as_of = moment(given.get("created"))
    return Event(id=str(given["id"]), type=kind, facts=tuple(read(told, as_of)) if read else ())


def ours(amount: int, currency: str) -> int:
    """An amount as ISO 4217 counts it."""
    return amount // 100 if currency in HUNDREDFOLD else amount


def theirs(amount: int, currency: str) -> int:
    """An amount as Stripe counts it."""
    return amount * 100 if currency in HUNDREDFOLD else amount


def session(told: Thing, as_of: datetime | None = None) -> Iterator[Fact]:
    """A Checkout Session. What a subscription's brings is told by the subscription itself."""
    if told.get("mode") != "payment":
        return
    key = _metadata(told).get(PURCHASE, "") or str(told.get("client_reference_id") or "")
    if told.get("payment_status") == "paid" and told.get("payment_intent"):
        currency = str(told["currency"])
        yield Paid(
            key=key,
            payment_id=_id(told["payment_intent"]),
            amount=ours(int(told["amount_total"]), currency),
            currency=currency,
            checkout_id=str(told["id"]),
        )
    elif told.get("status") == "expired":
        yield CheckoutEnded(key=key, checkout_id=str(told["id"]), outcome="expired")


def failed_session(told: Thing, as_of: datetime | None = None) -> Iterator[Fact]:
    """A Checkout whose payment took its time (a bank debit) and came to nothing."""
    if told.get("mode") == "payment":
        key = _metadata(told).get(PURCHASE, "") or str(told.get("client_reference_id") or "")
        yield CheckoutEnded(key=key, checkout_id=str(told["id"]), outcome="failed")


def payment(told: Thing, as_of: datetime | None = None) -> Iterator[Fact]:
    """A PaymentIntent that succeeded; those of other programs and of subscriptions have no key of ours."""
    key = _metadata(told).get(PURCHASE, "")
    if key and told.get("status") == "succeeded":
        currency = str(told["currency"])
        received = int(told.get("amount_received") or told["amount"])
        yield Paid(key=key, payment_id=str(told["id"]), amount=ours(received, currency), currency=currency)


def charge(told: Thing, as_of: datetime | None = None) -> Iterator[Fact]:
    """A charge's receipt, and what of it was refunded; Stripe names the refunds only in older versions of its API."""
    key, payment_id = _metadata(told).get(PURCHASE, ""), _id(told.get("payment_intent"))
    if not payment_id:
        return
    if key and told.get("receipt_url"):
        yield Receipt(key=key, payment_id=payment_id, url=str(told["receipt_url"]))
    for one in (told.get("refunds") or {}).get("data", ()):
        yield from refund({"payment_intent": payment_id, **one})
    if told.get("amount_refunded"):
        yield RefundTotal(key=key, payment_id=payment_id, amount=ours(int(told["amount_refunded"]), str(told["currency"])))


def refund(told: Thing, as_of: datetime | None = None) -> Iterator[Refunded]:
    payment_id, own = _id(told.get("payment_intent")), _metadata(told)
    if payment_id:
        yield Refunded(
            key=own.get(PURCHASE, ""),
            payment_id=payment_id,
            refund_id=str(told["id"]),
            amount=ours(int(told["amount"]), str(told["currency"])),
            status=_REFUNDS.get(str(told.get("status")), "pending"),
            own_key=own.get(REFUND, ""),
            reason=str(told.get("reason") or ""),
        )


def dispute(told: Thing, as_of: datetime | None = None) -> Iterator[Fact]:
    """An inquiry (`warning_…`) too: the bank may still take the money back."""
    payment_id = _id(told.get("payment_intent"))
    if payment_id:
        yield Disputed(
            key="",
            payment_id=payment_id,
            dispute_id=str(told["id"]),
            amount=ours(int(told["amount"]), str(told["currency"])),
            status=_DISPUTES.get(str(told.get("status")), "open"),
            reason=str(told.get("reason") or ""),
        )


def subscription(told: Thing, as_of: datetime | None = None) -> Iterator[Subscription]:
    """A subscription of ours. Its period stands at the item since version 2025-03-31."""
    key = _metadata(told).get(SUBSCRIPTION, "")
    items: Sequence[Thing] = (told.get("items") or {}).get("data") or ({},)
    item, price = items[0], items[0].get("price") or {}
    if not key:
        return
    status = "incomplete" if told["status"] == "incomplete" else "canceled" if told["status"] == "incomplete_expired" else told["status"]
    currency = str(price.get("currency") or told.get("currency") or "")
    yield Subscription(
        key=key,
        subscription_id=str(told["id"]),
        customer_id=_id(told.get("customer")),
        status=cast(SubscriptionStatus, status),
        plan=_plan(price.get("product")),
        amount=ours(int(price.get("unit_amount") or 0), currency),
        currency=currency,
        period_start=moment(item.get("current_period_start") or told.get("current_period_start")),
        period_end=moment(item.get("current_period_end") or told.get("current_period_end")),
        # A cancellation at the period's end is told as `cancel_at` by accounts with flexible billing.
        cancel_at_period_end=bool(told.get("cancel_at_period_end") or (told.get("cancel_at") and not told.get("ended_at"))),
        ended_at=moment(told.get("ended_at")),
        as_of=as_of,
    )


def invoice(told: Thing, as_of: datetime | None = None) -> Iterator[Invoice]:
    """An invoice of a subscription of ours. The subscription stands under `parent` since version 2025-03-31."""
    parent = (told.get("parent") or {}).get("subscription_details") or told.get("subscription_details") or {}
    key = (parent.get("metadata") or {}).get(SUBSCRIPTION, "")
    subscription_id = _id(parent.get("subscription") or told.get("subscription"))
    if not key or not subscription_id:
        return
    currency, line = str(told["currency"]), _line_of_the_period(told)
    period = line.get("period") or {}
    yield Invoice(
        key=key,
        subscription_id=subscription_id,
        invoice_id=str(told["id"]),
        status=cast(InvoiceStatus, told["status"]),
        reason=_REASONS.get(str(told.get("billing_reason")), "other"),
        plan=_plan(_product_of(line)),
        amount_due=ours(int(told.get("amount_due") or 0), currency),
        amount_paid=ours(int(told.get("amount_paid") or 0), currency),
        currency=currency,
        period_start=moment(period.get("start")),
        period_end=moment(period.get("end")),
        attempts=int(told.get("attempt_count") or 0),
        next_attempt_at=moment(told.get("next_payment_attempt")),
        number=str(told.get("number") or ""),
        url=str(told.get("hosted_invoice_url") or ""),
        as_of=as_of,
        payment_id=_payment_of(told),
    )


def invoice_payment(told: Thing, as_of: datetime | None = None) -> Iterator[InvoicePayment]:
    """What an invoice was paid with; only this says so since version 2025-03-31, when invoices and charges ceased to name each other."""
    payment_id = _id((told.get("payment") or {}).get("payment_intent"))
    if payment_id and told.get("status") == "paid":
        yield InvoicePayment(invoice_id=_id(told.get("invoice")), payment_id=payment_id)


def _payment_of(told: Thing) -> str:
    """Where it was asked to be written out (`expand`), or in an older version; empty else."""
    listed = ((told.get("payments") or {}).get("data")) or ()
    found = next((fact.payment_id for one in listed for fact in invoice_payment(one)), "")
    return found or _id(told.get("payment_intent"))


def _line_of_the_period(told: Thing) -> Thing:
    """The line that is no proration; of a change of plan, which has none, the one for the new plan: its amount is not negative."""
    lines = (told.get("lines") or {}).get("data") or ()
    whole = [one for one in lines if not is_proration(one)]
    added = [one for one in lines if int(one.get("amount") or 0) >= 0]
    return cast(Thing, (whole or added or [{}])[-1])


def is_proration(line: Thing) -> bool:
    parent = line.get("parent") or {}
    details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or {}
    return bool(line.get("proration") or details.get("proration"))


def _product_of(line: Thing) -> Any:
    return ((line.get("pricing") or {}).get("price_details") or {}).get("product") or (line.get("price") or {}).get("product")


def _plan(product: Any) -> str:
    """A plan's key, from the id of its product; empty for a product that the studio did not make."""
    name = _id(product)
    return name.removeprefix(PRODUCT) if name.startswith(PRODUCT) else ""


def _metadata(told: Thing) -> Mapping[str, str]:
    return told.get("metadata") or {}


def _id(reference: Any) -> str:
    """The id of what another object refers to, which may be written out in its place."""
    return str(reference["id"] if isinstance(reference, Mapping) else reference or "")


def moment(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


READERS: dict[str, Callable[[Thing, datetime | None], Iterator[Fact]]] = {
    "checkout.session.completed": session,
    "checkout.session.async_payment_succeeded": session,
    "checkout.session.async_payment_failed": failed_session,
    "checkout.session.expired": session,
    "payment_intent.succeeded": payment,
    "charge.succeeded": charge,
    "charge.updated": charge,
    "charge.refunded": charge,
    "refund.created": refund,
    "refund.updated": refund,
    "refund.failed": refund,
    "charge.refund.updated": refund,
    "charge.dispute.created": dispute,
    "charge.dispute.updated": dispute,
    "charge.dispute.closed": dispute,
    "customer.subscription.created": subscription,
    "customer.subscription.updated": subscription,
    "customer.subscription.deleted": subscription,
    "invoice.paid": invoice,
    "invoice.payment_failed": invoice,
    "invoice.voided": invoice,
    "invoice.marked_uncollectible": invoice,
    "invoice_payment.paid": invoice_payment,
}
"""Type of event -> how its object is read: also the list of what an endpoint at Stripe has to be sent."""
