"""The endpoints of the API that the studio calls, and no others: anything else is a 404 that says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.stripe_server import plans
from tests.stripe_server.shapes import Thing, new_id
from tests.stripe_server.stripe import Stripe
from tests.stripe_server.wire import Refused, fields, invalid, listing

Endpoint = Callable[[Stripe, dict[str, Any], str], Thing]


def answer(stripe: Stripe, method: str, target: str, headers: dict[str, str], body: str) -> tuple[int, Thing]:
    """Status and JSON. A POST with an idempotency key is done once."""
    path = urlsplit(target).path
    with stripe.lock:
        stripe.requests.append((method, path))
        try:
            if headers.get("authorization") != f"Bearer {stripe.key}":
                raise Refused(401, "invalid_request_error", "Invalid API Key provided.")
            if stripe.refuse_next:
                stripe.refuse_next -= 1
                raise Refused(503, "api_error", "Stripe is taking a rest.")
            key, request = headers.get("idempotency-key", ""), (path, body)
            kept = stripe.idempotency.before(key, request) if key and method == "POST" else None
            if kept:
                return kept.status, kept.body
            status, made = _act(stripe, method, path, fields(body or urlsplit(target).query))
            if key and method == "POST":
                stripe.idempotency.keep(key, request, status, made)
            return status, made
        except Refused as refused:
            return refused.status, refused.body


def _act(stripe: Stripe, method: str, path: str, given: dict[str, Any]) -> tuple[int, Thing]:
    """Errors of a request are kept for its idempotency key too, as Stripe does; those of the way to it are not."""
    try:
        for verb, pattern, endpoint in ENDPOINTS:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                made = endpoint(stripe, given, found.group(1) if found.groups() else "")
                shown = {name: value for name, value in made.items() if not name.startswith("_")}
                return 200, json.loads(json.dumps(shown))
    except Refused as refused:
        return refused.status, refused.body
    raise Refused(404, "invalid_request_error", f"The stand-in does not know {method} {path}.")


def _retrieve(kind: str) -> Endpoint:
    return lambda stripe, given, thing_id: stripe.get(thing_id, kind)


def _list(kind: str, *filters: str) -> Endpoint:
    def endpoint(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
        asked = {name: given[name] for name in filters if name in given}
        return listing(stripe.all(kind, **asked), given, "/v1")

    return endpoint


def _session(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    return stripe.open_session(given)


def _expire(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    if (status := stripe.get(thing_id, "checkout.session")["status"]) != "open":
        raise Refused(400, "invalid_request_error", f"Only Checkout Sessions that are open can be expired; this one is {status}.")
    return stripe.expire(thing_id)


def _payment(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    found = stripe.get(thing_id, "payment_intent")
    if "latest_charge" in given.get("expand", []):
        return found | {"latest_charge": stripe.get(found["latest_charge"], "charge")}
    return found


def _refund(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    amount = int(given["amount"]) if "amount" in given else None
    return stripe.refund(given["payment_intent"], amount, metadata=given.get("metadata"), reason=given.get("reason"))


def _events(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    since = int((given.get("created") or {}).get("gte", 0))
    kinds = given.get("types")
    if kinds and len(kinds) > 20:
        raise invalid("You may pass up to 20 event types.", "", "types")
    found = [one for one in stripe.events if one["created"] >= since and (not kinds or one["type"] in kinds)]
    return listing(found, given, "/v1/events")


def _product(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    if given.get("id") in stripe.things:
        raise invalid("Product already exists.", "resource_already_exists", "id")
    return stripe.keep({"id": given.get("id") or new_id("prod"), "object": "product", "name": given["name"], "active": True})


def _change(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    return plans.update(stripe, stripe.get(thing_id, "subscription"), given)


def _cancel(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    return plans.cancel(stripe, stripe.get(thing_id, "subscription"))


def _preview(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    return plans.preview(stripe, given)


def _invoices(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    wanted = given.get("subscription")
    found = [one for one in stripe.all("invoice") if wanted in (None, one["parent"]["subscription_details"]["subscription"])]
    if "data.payments" in given.get("expand", []):
        found = [one | {"payments": {"object": "list", "data": stripe.all("invoice_payment", invoice=one["id"])}} for one in found]
    return listing(found, given, "/v1/invoices")


def _invoice_payments(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    wanted = given.get("payment", {}).get("payment_intent")
    found = [one for one in stripe.all("invoice_payment") if wanted in (None, one["payment"]["payment_intent"])]
    return listing(found, given, "/v1/invoice_payments")


def _forget(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    gone = stripe.get(thing_id, "customer")
    for one in stripe.all("subscription", customer=thing_id):
        plans.cancel(stripe, one)
    del stripe.things[thing_id]
    return {"id": gone["id"], "object": "customer", "deleted": True}


def _portal(stripe: Stripe, given: dict[str, Any], thing_id: str) -> Thing:
    made = new_id("bps")
    url = f"{stripe.url}/p/{made}"
    return stripe.keep(
        {"id": made, "object": "billing_portal.session", "customer": given["customer"], "return_url": given["return_url"], "url": url}
    )


ENDPOINTS: tuple[tuple[str, str, Endpoint], ...] = (
    ("POST", r"/v1/checkout/sessions", _session),
    ("GET", r"/v1/checkout/sessions/(\w+)", _retrieve("checkout.session")),
    ("POST", r"/v1/checkout/sessions/(\w+)/expire", _expire),
    ("GET", r"/v1/payment_intents/(\w+)", _payment),
    ("GET", r"/v1/charges/(\w+)", _retrieve("charge")),
    ("POST", r"/v1/refunds", _refund),
    ("GET", r"/v1/refunds", _list("refund", "payment_intent")),
    ("GET", r"/v1/refunds/(\w+)", _retrieve("refund")),
    ("GET", r"/v1/disputes", _list("dispute", "payment_intent")),
    ("GET", r"/v1/events", _events),
    ("POST", r"/v1/products", _product),
    ("GET", r"/v1/subscriptions/(\w+)", _retrieve("subscription")),
    ("POST", r"/v1/subscriptions/(\w+)", _change),
    ("DELETE", r"/v1/subscriptions/(\w+)", _cancel),
    ("POST", r"/v1/invoices/create_preview", _preview),
    ("GET", r"/v1/invoices", _invoices),
    ("GET", r"/v1/invoices/(\w+)", _retrieve("invoice")),
    ("GET", r"/v1/invoice_payments", _invoice_payments),
    ("GET", r"/v1/customers/(\w+)", _retrieve("customer")),
    ("DELETE", r"/v1/customers/(\w+)", _forget),
    ("POST", r"/v1/billing_portal/sessions", _portal),
)
