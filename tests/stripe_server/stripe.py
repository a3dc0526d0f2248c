"""The stand-in's books: what was paid, refunded and disputed, and the events that tell of it. One lock; every change is one method."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.stripe_server import shapes
from tests.stripe_server.courier import Courier
from tests.stripe_server.shapes import Thing, new_id
from tests.stripe_server.wire import Idempotency, Refused, invalid, missing

VERSION = "2026-10-28.endive"
DECLINED = Refused(402, "card_error", "Your card was declined.", "card_declined")


class Stripe:
    """`key` and `secret` are what the studio is given; `clock` gives the seconds that everything is stamped with."""

    key = "sk_test_standin"
    secret = "whsec_standin"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.url = ""
        self.lock = threading.RLock()
        self.courier = Courier(self.secret)
        self.reset()

    def reset(self) -> None:
        """As new; the endpoint stays."""
        with self.lock:
            self.things: dict[str, Thing] = {}
            self.events: list[Thing] = []
            self.idempotency = Idempotency()
            self.failing: set[str] = set()
            self.balances: dict[str, int] = {}
            self.requests: list[tuple[str, str]] = []
            self.refuse_next = 0
            self.courier.log.clear()

    @property
    def now(self) -> int:
        return int(self.clock())

    # --- reading ---

    def get(self, thing_id: str, kind: str) -> Thing:
        found = self.things.get(thing_id)
        if found is None or found["object"] != kind:
            raise missing(kind, "id")
        return found

    def all(self, kind: str, **fields: Any) -> list[Thing]:
        """Oldest first."""
        return [one for one in self.things.values() if one["object"] == kind and all(one.get(n) == v for n, v in fields.items())]

    def tell(self, kind: str, thing: Thing) -> Thing:
        """An event, with the object as it is now."""
        event = {
            "id": new_id("evt"),
            "object": "event",
            "type": kind,
            "api_version": VERSION,
            "created": self.now,
            "livemode": False,
            "pending_webhooks": 1,
            "data": {"object": deepcopy(thing)},
        }
        self.events.append(event)
        self.courier.send(event)
        return event

    def keep(self, thing: Thing) -> Thing:
        self.things[thing["id"]] = thing
        return thing

    # --- Checkout ---

    def open_session(self, params: Thing) -> Thing:
        if params.get("mode") not in ("payment", "subscription") or not params.get("success_url"):
            raise invalid("Missing required param: mode, success_url.", "parameter_missing")
        made = self.keep(shapes.session(params, self.now, self.url))
        made["_params"] = params
        return made

    def approve(self, session_id: str) -> Thing:
        """Somebody pays. A Checkout is paid once: what comes later finds it complete."""
        with self.lock:
            session = self.get(session_id, "checkout.session")
            if session["status"] != "open":
                return session
            if session["mode"] == "subscription":
                from tests.stripe_server import plans

                plans.begin(self, session)
            else:
                data = session["_params"].get("payment_intent_data") or {}
                session["payment_intent"] = self.pay(
                    session["amount_total"],
                    session["currency"],
                    metadata=data.get("metadata") or {},
                    description=data.get("description", ""),
                )["id"]
            session |= {"status": "complete", "payment_status": "paid"}
            self.tell("checkout.session.completed", session)
            return session

    def decline(self, session_id: str) -> None:
        """A card that is declined: the pay page stays, and may be tried again."""
        with self.lock:
            session = self.get(session_id, "checkout.session")
            failed = shapes.intent(session["amount_total"], session["currency"], self.now, metadata={})
            self.tell("payment_intent.payment_failed", failed | {"status": "requires_payment_method", "amount_received": 0})

    def expire(self, session_id: str) -> Thing:
        with self.lock:
            session = self.get(session_id, "checkout.session")
            if session["status"] == "open":
                session["status"] = "expired"
                self.tell("checkout.session.expired", session)
            return session

    def pay(self, amount: int, currency: str, *, metadata: Thing, customer: str | None = None, description: str = "") -> Thing:
        paid = self.keep(shapes.intent(amount, currency, self.now, metadata=metadata, customer=customer, description=description))
        charge = self.keep(shapes.charge(paid, self.now, self.url))
        paid["latest_charge"] = charge["id"]
        self.tell("payment_intent.succeeded", paid)
        self.tell("charge.succeeded", charge)
        return paid

    # --- money back ---

    def refund(self, payment_id: str, amount: int | None = None, *, metadata: Thing | None = None, reason: str | None = None) -> Thing:
        """As its API and its dashboard do."""
        with self.lock:
            paid = self.get(payment_id, "payment_intent")
            charge = self.get(paid["latest_charge"], "charge")
            left = charge["amount"] - charge["amount_refunded"]
            amount = left if amount is None else amount
            if charge["disputed"]:
                raise invalid("This charge has been charged back.", "charge_disputed")
            if not left:
                raise invalid("Charge has already been refunded.", "charge_already_refunded")
            if not 0 < amount <= left:
                raise invalid("Refund amount is greater than unrefunded amount on charge.", "", "amount")
            made = self.keep(shapes.refund(paid, amount, self.now, metadata=metadata or {}, reason=reason))
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            self.tell("refund.created", made)
            self.tell("charge.refunded", charge)
            return made

    def fail_refund(self, refund_id: str) -> Thing:
        """The bank sends the money of a refund back: that happens days later."""
        with self.lock:
            refund = self.get(refund_id, "refund")
            charge = self.get(refund["charge"], "charge")
            if refund["status"] != "failed":
                refund["status"] = "failed"
                charge["amount_refunded"] -= refund["amount"]
                charge["refunded"] = False
                self.tell("refund.updated", refund)
                self.tell("refund.failed", refund)
            return refund

    def dispute(self, payment_id: str, amount: int | None = None, reason: str = "fraudulent") -> Thing:
        with self.lock:
            paid = self.get(payment_id, "payment_intent")
            charge = self.get(paid["latest_charge"], "charge")
            charge["disputed"] = True
            made = self.keep(shapes.dispute(paid, amount or charge["amount"], self.now, reason=reason))
            self.tell("charge.dispute.created", made)
            return made

    def close_dispute(self, dispute_id: str, status: str) -> Thing:
        """`status`: "won" or "lost"."""
        with self.lock:
            dispute = self.get(dispute_id, "dispute")
            dispute["status"] = "under_review"
            self.tell("charge.dispute.updated", dispute)
            dispute["status"] = status
            self.tell("charge.dispute.closed", dispute)
            return dispute
