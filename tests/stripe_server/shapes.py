"""What Stripe's objects look like, in the version of the API that the official library pins (2026-10-28), as far as anybody reads them."""

from __future__ import annotations

import secrets
from typing import Any

Thing = dict[str, Any]
MONTH, DAY = 30 * 86400, 86400
"""Seconds. A month of the stand-in has thirty days, so that prorations can be worked out by hand."""


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


def session(params: Thing, now: int, url: str) -> Thing:
    item = params["line_items"][0]
    made = new_id("cs_test")
    return {
        "id": made,
        "object": "checkout.session",
        "mode": params["mode"],
        "status": "open",
        "payment_status": "unpaid",
        "amount_total": int(item["price_data"]["unit_amount"]) * int(item.get("quantity", 1)),
        "currency": item["price_data"]["currency"],
        "client_reference_id": params.get("client_reference_id"),
        "metadata": params.get("metadata") or {},
        "customer": params.get("customer"),
        "customer_email": params.get("customer_email"),
        "payment_intent": None,
        "subscription": None,
        "success_url": params["success_url"],
        "cancel_url": params.get("cancel_url"),
        "created": now,
        "expires_at": now + DAY,
        "url": f"{url}/c/pay/{made}",
        "livemode": False,
    }


def intent(amount: int, currency: str, now: int, *, metadata: Thing, customer: str | None = None, description: str = "") -> Thing:
    return {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "currency": currency,
        "status": "succeeded",
        "metadata": metadata,
        "customer": customer,
        "description": description,
        "latest_charge": None,
        "created": now,
        "livemode": False,
    }


def charge(paid: Thing, now: int, url: str) -> Thing:
    made = new_id("ch")
    return {
        "id": made,
        "object": "charge",
        "amount": paid["amount"],
        "amount_refunded": 0,
        "currency": paid["currency"],
        "customer": paid["customer"],
        "payment_intent": paid["id"],
        "metadata": dict(paid["metadata"]),
        "receipt_url": f"{url}/receipts/{made}",
        "paid": True,
        "refunded": False,
        "disputed": False,
        "status": "succeeded",
        "created": now,
        "livemode": False,
    }


def refund(paid: Thing, amount: int, now: int, *, metadata: Thing, reason: str | None) -> Thing:
    return {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "currency": paid["currency"],
        "payment_intent": paid["id"],
        "charge": paid["latest_charge"],
        "metadata": metadata,
        "reason": reason,
        "status": "succeeded",
        "created": now,
    }


def dispute(paid: Thing, amount: int, now: int, *, reason: str) -> Thing:
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "currency": paid["currency"],
        "payment_intent": paid["id"],
        "charge": paid["latest_charge"],
        "metadata": {},
        "reason": reason,
        "status": "needs_response",
        "created": now,
        "livemode": False,
    }


def price(data: Thing) -> Thing:
    return {
        "id": new_id("price"),
        "object": "price",
        "currency": data["currency"],
        "unit_amount": int(data["unit_amount"]),
        "product": data["product"],
        "recurring": {"interval": data["recurring"]["interval"], "interval_count": 1},
    }


def subscription(customer: str, data: Thing, metadata: Thing, now: int) -> Thing:
    item = {
        "id": new_id("si"),
        "object": "subscription_item",
        "price": price(data),
        "quantity": 1,
        "current_period_start": now,
        "current_period_end": now + MONTH,
    }
    return {
        "id": new_id("sub"),
        "object": "subscription",
        "customer": customer,
        "currency": data["currency"],
        "status": "active",
        "metadata": metadata,
        "items": {"object": "list", "data": [item], "has_more": False},
        "cancel_at_period_end": False,
        "cancel_at": None,
        "canceled_at": None,
        "ended_at": None,
        "latest_invoice": None,
        "created": now,
        "livemode": False,
    }


def line(owner: Thing, amount: int, start: int, end: int, *, text: str, of: Thing, proration: bool = False) -> Thing:
    item = owner["items"]["data"][0]
    details = {"proration": proration, "subscription": owner["id"], "subscription_item": item["id"]}
    return {
        "id": new_id("il"),
        "object": "line_item",
        "amount": amount,
        "currency": of["currency"],
        "description": text,
        "period": {"start": start, "end": end},
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
        "pricing": {"type": "price_details", "price_details": {"price": of["id"], "product": of["product"]}},
        "quantity": 1,
    }


def invoice_payment(invoice: Thing, paid: Thing, now: int) -> Thing:
    return {
        "id": new_id("inpay"),
        "object": "invoice_payment",
        "amount_paid": paid["amount"],
        "amount_requested": paid["amount"],
        "currency": paid["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "payment": {"type": "payment_intent", "payment_intent": paid["id"]},
        "status": "paid",
        "created": now,
        "livemode": False,
    }


def invoice(owner: Thing, lines: list[Thing], balance: int, reason: str, now: int, url: str, number: int) -> Thing:
    """`balance` is what the customer has left over, from a cheaper plan for instance: it is used up first."""
    total = sum(one["amount"] for one in lines)
    made = new_id("in")
    return {
        "id": made,
        "object": "invoice",
        "customer": owner["customer"],
        "currency": owner["currency"],
        "billing_reason": reason,
        "status": "open",
        "total": total,
        "amount_due": max(0, total - balance),
        "amount_paid": 0,
        "amount_remaining": max(0, total - balance),
        "attempt_count": 0,
        "next_payment_attempt": None,
        "number": f"STAND-{number:04d}",
        "hosted_invoice_url": f"{url}/i/{made}",
        "lines": {"object": "list", "data": lines, "has_more": False},
        "parent": {
            "type": "subscription_details",
            "subscription_details": {"subscription": owner["id"], "metadata": dict(owner["metadata"])},
        },
        "metadata": {},
        "created": now,
        "livemode": False,
    }
