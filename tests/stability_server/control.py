"""What the provider has not: a page that shows the endpoints and the books, and `/_standin/` for tests that run in another process.

GET    /_standin/books       {"total", "charges": […], "balances": {key: credits}}
GET    /_standin/requests    the requests so far, without their bodies
GET    /_standin/faults      what is still to go wrong
POST   /_standin/faults      {"fault": "status=503", "path": "/v2beta/*", "times": 3, "key": ""}
DELETE /_standin/faults
GET    /_standin/keys
POST   /_standin/keys        {"secret": "sk-…", "balance": "100"}; of a secret that there is: its balance, or {"revoked": true}
POST   /_standin/reset
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import Any

from studio.api.stability import contract
from studio.api.stability.contract import Endpoint
from studio.api.stability.messages import Answer
from tests.stability_server.prices import CREDITS_OF, SD3, SDXL
from tests.stability_server.provider import Provider

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top }
td:last-child, th:last-child { text-align: right }
code { font: 13px ui-monospace, monospace }
"""


def answer(provider: Provider, method: str, path: str, body: bytes) -> Answer:
    if (method, path) == ("GET", "/"):
        return Answer(200, index(provider).encode(), "text/html; charset=utf-8")
    route = ROUTES.get((method, path))
    if route is None:
        return Answer.of({"error": f"{method} {path} is not here; there are {', '.join(' '.join(one) for one in ROUTES)}"}, 404)
    try:
        return Answer.of(route(provider, json.loads(body or b"{}")))
    except (ValueError, TypeError, KeyError) as error:
        return Answer.of({"error": str(error)}, 400)


def books(provider: Provider, _: dict[str, Any]) -> Any:
    balances = {key.secret: str(key.balance) for key in provider.keys}
    return {"total": str(provider.books.total()), "charges": [charge.summary() for charge in provider.books], "balances": balances}


def requests(provider: Provider, _: dict[str, Any]) -> Any:
    return [request.summary() for request in provider.requests.copy()]


def faults(provider: Provider, _: dict[str, Any]) -> Any:
    return [fault.summary() for fault in provider.faults.waiting()]


def add_fault(provider: Provider, given: dict[str, Any]) -> Any:
    provider.faults.add(given.pop("fault"), **given)
    return faults(provider, given)


def clear_faults(provider: Provider, given: dict[str, Any]) -> Any:
    provider.faults.clear()
    return faults(provider, given)


def keys(provider: Provider, _: dict[str, Any]) -> Any:
    return [{"secret": key.secret, "balance": str(key.balance), "revoked": key.revoked} for key in provider.keys]


def set_key(provider: Provider, given: dict[str, Any]) -> Any:
    known = {key.secret: key for key in provider.keys}
    key = known.get(given.get("secret", "")) or provider.keys.add(given.get("secret", ""))
    if "balance" in given:
        key.balance = given["balance"]
    key.revoked = bool(given.get("revoked", key.revoked))
    return keys(provider, given)


def reset(provider: Provider, _: dict[str, Any]) -> Any:
    provider.reset()
    return {}


ROUTES: dict[tuple[str, str], Callable[[Provider, dict[str, Any]], Any]] = {
    ("GET", "/_standin/books"): books,
    ("GET", "/_standin/requests"): requests,
    ("GET", "/_standin/faults"): faults,
    ("POST", "/_standin/faults"): add_fault,
    ("DELETE", "/_standin/faults"): clear_faults,
    ("GET", "/_standin/keys"): keys,
    ("POST", "/_standin/keys"): set_key,
    ("POST", "/_standin/reset"): reset,
}


def index(provider: Provider) -> str:
    """One page: keys, charges (newest first) and endpoints."""
    keys = [(key.secret, "revoked" if key.revoked else "valid", f"{key.balance} credits") for key in provider.keys]
    charges = [(c.endpoint, f"{c.key[:14]}…", c.request_id, c.finish_reason, c.credits) for c in reversed(list(provider.books))]
    endpoints = [(one.method, one.path, ", ".join(one.form(next(iter(one.forms)))), cost(one)) for one in contract.endpoints()]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Stability stand-in</title><style>{STYLE}</style>"
        "<h1>Stability stand-in</h1><p>Speaks the Stability REST API, draws its own pictures, costs nothing. "
        "More for tests: <code>/_standin/books</code>, <code>/requests</code>, <code>/faults</code>, <code>/keys</code>.</p>"
        f"<h2>Keys</h2>{table(('key', 'state', 'balance'), keys)}"
        f"<h2>Charges: {provider.books.total()} credits in {len(provider.books)} call{'' if len(provider.books) == 1 else 's'}</h2>"
        f"{table(('endpoint', 'key', 'request', 'finish reason', 'credits'), charges)}"
        f"<h2>Endpoints</h2>{table(('method', 'path', 'fields', 'credits'), endpoints)}"
    )


def table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td><code>{html.escape(str(cell))}</code></td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def cost(endpoint: Endpoint) -> str:
    if endpoint.method == "GET":
        return "free"
    if endpoint.dialect == "v1":
        return f"from {SDXL} a picture"
    if endpoint.path.endswith("/sd3"):
        return ", ".join(f"{model.removeprefix('sd3.5-')} {credits}" for model, credits in SD3.items())
    return str(CREDITS_OF.get(endpoint.path, "17 + 0.06 a step, or 20"))
