"""Subscriptions of the stand-in: periods of thirty days, prorations to the second, payments that fail, and what is left over."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.stripe_server import shapes
from tests.stripe_server.shapes import DAY, MONTH, Thing, new_id
from tests.stripe_server.stripe import DECLINED, Stripe
from tests.stripe_server.wire import invalid

TRIES = 4
"""Times that a payment is tried before the subscription ends, a day apart."""


def begin(stripe: Stripe, session: Thing) -> None:
    """The Checkout of a subscription is paid."""
    params = session["_params"]
    if not session["customer"]:
        session["customer"] = stripe.keep({"id": new_id("cus"), "object": "customer", "email": session["customer_email"]})["id"]
    metadata = (params.get("subscription_data") or {}).get("metadata") or {}
    data = params["line_items"][0]["price_data"]
    made = stripe.keep(shapes.subscription(session["customer"], data, metadata, stripe.now))
    session["subscription"] = made["id"]
    stripe.tell("customer.subscription.created", made | {"status": "incomplete"})
    charge(stripe, made, [_whole_period(made)], "subscription_create")
    stripe.tell("customer.subscription.updated", made)


def charge(stripe: Stripe, owner: Thing, lines: list[Thing], reason: str, *, may_fail: bool = True) -> Thing:
    """Write an invoice, and try to have it paid. Raises DECLINED, and leaves nothing, where `may_fail` is False."""
    customer = owner["customer"]
    balance = stripe.balances.get(customer, 0)
    number = len(stripe.all("invoice")) + 1
    made = shapes.invoice(owner, lines, balance, reason, stripe.now, stripe.url, number)
    if made["amount_due"] and customer in stripe.failing and not may_fail:
        raise DECLINED
    # What is less than nothing is left over for the next one.
    stripe.balances[customer] = max(0, balance - made["total"])
    stripe.keep(made)
    owner["latest_invoice"] = made["id"]
    stripe.tell("invoice.created", made | {"status": "draft"})
    stripe.tell("invoice.finalized", made)
    try_to_pay(stripe, made)
    return made


def try_to_pay(stripe: Stripe, invoice: Thing) -> None:
    owner = stripe.get(invoice["parent"]["subscription_details"]["subscription"], "subscription")
    if invoice["status"] != "open":
        return
    invoice["attempt_count"] += 1
    if invoice["amount_due"] and invoice["customer"] in stripe.failing:
        is_last = invoice["attempt_count"] >= TRIES
        invoice["next_payment_attempt"] = None if is_last else stripe.now + DAY
        stripe.tell("invoice.payment_failed", invoice)
        if is_last:
            _end(stripe, owner)
            invoice["status"] = "uncollectible"
            stripe.tell("invoice.marked_uncollectible", invoice)
        elif owner["status"] != "past_due":
            owner["status"] = "past_due"
            stripe.tell("customer.subscription.updated", owner)
        return
    if invoice["amount_due"]:
        paid = stripe.pay(invoice["amount_due"], invoice["currency"], metadata={}, customer=invoice["customer"])
        stripe.tell("invoice_payment.paid", stripe.keep(shapes.invoice_payment(invoice, paid, stripe.now)))
    invoice |= {"status": "paid", "amount_paid": invoice["amount_due"], "amount_remaining": 0, "next_payment_attempt": None}
    stripe.tell("invoice.paid", invoice)
    if owner["status"] == "past_due":
        owner["status"] = "active"
        stripe.tell("customer.subscription.updated", owner)


def renew(stripe: Stripe, subscription_id: str, *, draft: bool = False) -> Thing:
    """The period is over: the next one begins, or the subscription ends. Its invoice is a `draft` for an hour, until `bill`."""
    with stripe.lock:
        owner = stripe.get(subscription_id, "subscription")
        item = owner["items"]["data"][0]
        if owner["cancel_at_period_end"]:
            return _end(stripe, owner)
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] += MONTH
        stripe.tell("customer.subscription.updated", owner)
        if not draft:
            bill(stripe, subscription_id)
        return owner


def bill(stripe: Stripe, subscription_id: str) -> Thing:
    """The invoice of the period that has begun is written, and paid where that is possible."""
    with stripe.lock:
        owner = stripe.get(subscription_id, "subscription")
        return charge(stripe, owner, [_whole_period(owner)], "subscription_cycle")


def retry(stripe: Stripe, subscription_id: str) -> Thing:
    """A day later: the payment that failed is tried again."""
    with stripe.lock:
        owner = stripe.get(subscription_id, "subscription")
        for one in stripe.all("invoice", status="open"):
            if one["id"] == owner["latest_invoice"]:
                try_to_pay(stripe, one)
        return owner


def update(stripe: Stripe, owner: Thing, params: Thing) -> Thing:
    """POST /v1/subscriptions/{id}: another price, or the end of the period as its end."""
    if owner["status"] == "canceled":
        raise invalid("This subscription is canceled.", "resource_missing")
    items = params.get("items")
    if items:
        at = int(params.get("proration_date", stripe.now))
        before = deepcopy(owner)
        lines = change(owner, items[0], at)
        try:
            if params.get("proration_behavior") == "always_invoice":
                charge(stripe, owner, lines, "subscription_update", may_fail=params.get("payment_behavior") != "error_if_incomplete")
        except type(DECLINED):
            owner.clear()
            owner.update(before)
            raise
    if "cancel_at_period_end" in params:
        ends = params["cancel_at_period_end"] == "true"
        owner["cancel_at_period_end"] = ends
        owner["cancel_at"] = owner["items"]["data"][0]["current_period_end"] if ends else None
        owner["canceled_at"] = stripe.now if ends else None
    stripe.tell("customer.subscription.updated", owner)
    return owner


def change(owner: Thing, asked: Thing, at: int) -> list[Thing]:
    """Put another price in place; returns what is left of the old one, and the new one for the rest of the period."""
    item = owner["items"]["data"][0]
    if asked.get("id") != item["id"] or not asked.get("price_data", {}).get("product"):
        raise invalid("Missing required param: items[0][price_data][product].", "parameter_missing")
    start, end = item["current_period_start"], item["current_period_end"]
    old, new = item["price"], shapes.price(asked["price_data"])

    def part(price: Thing) -> int:
        return round(int(price["unit_amount"]) * (end - at) / (end - start))

    item["price"] = new
    return [
        shapes.line(owner, -part(old), at, end, text=f"Unused time on {old['product']}", of=old, proration=True),
        shapes.line(owner, part(new), at, end, text=f"Remaining time on {new['product']}", of=new, proration=True),
    ]


def preview(stripe: Stripe, params: Thing) -> Thing:
    """POST /v1/invoices/create_preview: what a change would be invoiced, without making it."""
    owner = deepcopy(stripe.get(params["subscription"], "subscription"))
    details: Any = params["subscription_details"]
    lines = change(owner, details["items"][0], int(details.get("proration_date", stripe.now)))
    balance = stripe.balances.get(owner["customer"], 0)
    made = shapes.invoice(owner, lines, balance, "subscription_update", stripe.now, stripe.url, 0)
    return made | {"id": new_id("upcoming_in"), "status": "draft"}


def cancel(stripe: Stripe, owner: Thing) -> Thing:
    return _end(stripe, owner)


def _end(stripe: Stripe, owner: Thing) -> Thing:
    if owner["status"] != "canceled":
        owner |= {"status": "canceled", "ended_at": stripe.now, "canceled_at": owner["canceled_at"] or stripe.now}
        stripe.tell("customer.subscription.deleted", owner)
    return owner


def _whole_period(owner: Thing) -> Thing:
    item = owner["items"]["data"][0]
    price = item["price"]
    text = f"1 × {price['product']}"
    return shapes.line(owner, price["unit_amount"], item["current_period_start"], item["current_period_end"], text=text, of=price)
