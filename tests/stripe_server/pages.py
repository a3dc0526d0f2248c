"""What people see of the stand-in: the hosted pay page, receipts, a customer's own page, and a dashboard for whoever tries things out."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import parse_qs

from tests.stripe_server import plans
from tests.stripe_server.shapes import Thing
from tests.stripe_server.stripe import Stripe
from tests.stripe_server.wire import Refused

Page = tuple[int, str, str]
"""Status, HTML, and where to go instead."""
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #f6f8fa; color: #1a1f36; min-height: 100vh }
body { display: grid; place-items: center }
main { background: #fff; border-radius: 12px; box-shadow: 0 2px 12px #0002; padding: 32px; width: min(92vw, 440px) }
main { display: grid; gap: 14px; box-sizing: border-box }
h1 { font-size: 34px; margin: 0 } small { color: #697386 } .bad { color: #c0123c } table { font-size: 14px } form { margin: 0 }
button, a.b { font: inherit; padding: 12px; border-radius: 8px; border: 1px solid #ccd; background: #fff; color: inherit; cursor: pointer }
button, a.b { box-sizing: border-box; width: 100%; text-align: center; text-decoration: none }
button.go { background: #0570de; color: #fff; border-color: #0570de; font-weight: 600 }
main.wide { width: min(96vw, 1000px) } td form { display: inline } td button { width: auto; padding: 2px 8px; font-size: 13px }
"""


def page(title: str, body: str, wide: bool = False) -> Page:
    kind = ' class="wide"' if wide else ""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        200,
        f"<!doctype html><html lang=en>{head}<title>{escape(title)}</title><style>{STYLE}</style><main{kind}>{body}</main></html>",
        "",
    )


def answer(stripe: Stripe, method: str, path: str, body: str) -> Page:
    """The page at an address; a POST is a button that was pressed."""
    asked = {name: values[-1] for name, values in parse_qs(body).items()}
    try:
        for pattern, show in PAGES:
            found = re.fullmatch(pattern, path)
            if found:
                return show(stripe, found.group(1) if found.groups() else "", method, asked)
    except Refused as refused:
        return 404, escape(str(refused)), ""
    return 404, "Not here.", ""


def pay(stripe: Stripe, session_id: str, method: str, asked: dict[str, str]) -> Page:
    session = stripe.get(session_id, "checkout.session")
    declined = ""
    if method == "POST" and asked.get("do") == "approve":
        stripe.approve(session_id)
        return 303, "", str(session["success_url"])
    if method == "POST" and asked.get("do") == "decline":
        stripe.decline(session_id)
        declined = '<p class="bad" role="alert">Your card was declined. Try another one.</p>'
    if session["status"] != "open":
        return page("Checkout", f"<h1>This page is {escape(session['status'])}</h1>")
    item = session["_params"]["line_items"][0]["price_data"]
    name = item.get("product_data", {}).get("name") or item.get("product", "")
    price = sum_of(session["amount_total"], session["currency"]) + (f" per {item['recurring']['interval']}" if "recurring" in item else "")
    return page(
        "Checkout",
        f"<small>TEST MODE, no money moves</small><div>{escape(name)}</div><h1>{price}</h1>"
        f"<small>{escape(session['customer_email'] or '')}</small>{declined}"
        '<form method="post"><button class="go" name="do" value="approve">Pay</button></form>'
        '<form method="post"><button name="do" value="decline">Pay with a card that is declined</button></form>'
        f'<a class="b" href="{escape(session["cancel_url"] or "")}">Back</a>',
    )


def receipt(stripe: Stripe, charge_id: str, method: str, asked: dict[str, str]) -> Page:
    charge = stripe.get(charge_id, "charge")
    return page("Receipt", f"<h1>Receipt</h1><p>{sum_of(charge['amount'], charge['currency'])} paid</p><small>{charge['id']}</small>")


def invoice(stripe: Stripe, invoice_id: str, method: str, asked: dict[str, str]) -> Page:
    found = stripe.get(invoice_id, "invoice")
    if method == "POST":
        plans.retry(stripe, found["parent"]["subscription_details"]["subscription"])
    lines = "".join(f"<li>{escape(one['description'])}: {sum_of(one['amount'], found['currency'])}</li>" for one in found["lines"]["data"])
    button = '<form method="post"><button class="go">Pay now</button></form>' if found["status"] == "open" else ""
    return page("Invoice", f"<h1>Invoice {found['number']}</h1><ul>{lines}</ul><p>{found['status']}</p>{button}")


def portal(stripe: Stripe, portal_id: str, method: str, asked: dict[str, str]) -> Page:
    """A customer changes the card: to one that works, or one that does not; a payment that failed is then tried again."""
    session = stripe.get(portal_id, "billing_portal.session")
    customer = session["customer"]
    if method == "POST":
        (stripe.failing.add if asked.get("do") == "bad" else stripe.failing.discard)(customer)
        for one in stripe.all("subscription", customer=customer):
            plans.retry(stripe, one["id"])
        return 303, "", str(session["return_url"])
    return page(
        "Your card",
        '<h1>Your card</h1><form method="post"><button class="go" name="do" value="good">Use a card that works</button></form>'
        '<form method="post"><button name="do" value="bad">Use a card that is declined</button></form>'
        f'<a class="b" href="{escape(session["return_url"])}">Back</a>',
    )


def dashboard(stripe: Stripe, nothing: str, method: str, asked: dict[str, str]) -> Page:
    if method == "POST":
        act(stripe, asked)
        return 303, "", "/"
    paid, plans_ = "", ""
    for one in stripe.all("payment_intent"):
        paid += f"<tr><td>{one['id']}<td>{sum_of(one['amount'], one['currency'])}<td>{buttons(one['id'], 'refund', 'dispute')}"
    for one in stripe.all("dispute"):
        paid += f"<tr><td>{one['id']}<td>{one['status']}<td>{buttons(one['id'], 'won', 'lost')}"
    for one in stripe.all("refund"):
        paid += f"<tr><td>{one['id']}<td>{one['status']}<td>{buttons(one['id'], 'fail')}"
    for one in stripe.all("subscription"):
        plans_ += f"<tr><td>{one['id']}<td>{one['status']}<td>{buttons(one['id'], 'renew', 'card fails', 'card works', 'retry')}"
    told = "".join(f"<tr><td>{one['type']}<td>{one['id']}" for one in stripe.events[:-40:-1])
    return page(
        "Stand-in",
        f"<h1>Stripe stand-in</h1><p>Webhooks go to {escape(stripe.courier.endpoint) or 'nobody'}.</p><table>{paid}</table>"
        f"<table>{plans_}</table><h2>Events</h2><table>{told}</table>",
        wide=True,
    )


def act(stripe: Stripe, asked: dict[str, str]) -> None:
    thing, do = asked.get("id", ""), asked.get("do", "")
    customer = stripe.things.get(thing, {}).get("customer", "")
    acts = {
        "refund": lambda: stripe.refund(thing),
        "fail": lambda: stripe.fail_refund(thing),
        "dispute": lambda: stripe.dispute(thing),
        "won": lambda: stripe.close_dispute(thing, "won"),
        "lost": lambda: stripe.close_dispute(thing, "lost"),
        "renew": lambda: plans.renew(stripe, thing),
        "retry": lambda: plans.retry(stripe, thing),
        "card fails": lambda: stripe.failing.add(customer),
        "card works": lambda: stripe.failing.discard(customer),
    }
    if do in acts:
        acts[do]()


def buttons(thing_id: str, *names: str) -> str:
    pressed = "".join(f'<button name="do" value="{name}">{name}</button>' for name in names)
    return f'<form method="post" action="/"><input type="hidden" name="id" value="{thing_id}">{pressed}</form>'


def sum_of(amount: int, currency: str) -> str:
    return f"{amount / 100:,.2f} {currency.upper()}"


PAGES = (
    (r"/c/pay/(\w+)", pay),
    (r"/receipts/(\w+)", receipt),
    (r"/i/(\w+)", invoice),
    (r"/p/(\w+)", portal),
    (r"/()", dashboard),
)
"""Address → what is there."""

__all__ = ["Page", "Thing", "answer"]
