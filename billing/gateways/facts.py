"""What a gateway tells, in words that are the same for all of them.

A fact is true for ever, whenever and however often it arrives: "this payment of 1000 cents was paid", "of this refund the state is failed".
So facts may come twice, late and in any order. Amounts of money are integers in the currency's minor unit (ISO 4217, lower case: "usd").
`key` is the id of ours that the order had (`Order.key`), empty where the provider does not hand it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

RefundStatus = Literal["pending", "succeeded", "failed"]
DisputeStatus = Literal["open", "won", "lost"]
SubscriptionStatus = Literal["incomplete", "trialing", "active", "past_due", "unpaid", "paused", "canceled"]
InvoiceStatus = Literal["draft", "open", "paid", "void", "uncollectible"]


@dataclass(frozen=True, slots=True)
class Fact:
    """Base of all. `name` is what it is stored under."""

    name: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Paid(Fact):
    """The money is there. `payment_id` is unique; `checkout_id` is empty where the provider tells of the payment by itself."""

    name = "paid"
    key: str
    payment_id: str
    amount: int
    currency: str
    checkout_id: str = ""


@dataclass(frozen=True, slots=True)
class CheckoutEnded(Fact):
    """A Checkout that will not be paid any more: its time ran out, or a payment that was under way failed."""

    name = "checkout_ended"
    key: str
    checkout_id: str
    outcome: Literal["expired", "failed"]


@dataclass(frozen=True, slots=True)
class Receipt(Fact):
    """Where the payer reads the provider's receipt."""

    name = "receipt"
    key: str
    payment_id: str
    url: str


@dataclass(frozen=True, slots=True)
class Refunded(Fact):
    """Where one refund stands. `own_key` is the `RefundOrder.key` of a refund that the studio asked for; else somebody else did."""

    name = "refunded"
    key: str
    payment_id: str
    refund_id: str
    amount: int
    status: RefundStatus
    own_key: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefundTotal(Fact):
    """How much of a payment had been refunded at some time: what a provider tells without naming the refunds."""

    name = "refund_total"
    key: str
    payment_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Disputed(Fact):
    """The payer asks their bank for the money back. `open` is frozen, `won` is ours again, `lost` is gone."""

    name = "disputed"
    key: str
    payment_id: str
    dispute_id: str
    amount: int
    status: DisputeStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Subscription(Fact):
    """Where a subscription stands. `key` is `SubscriptionOrder.key`, `plan` the `PlanOrder.key` that is paid for now.

    `as_of` is when the provider said so: of two that differ, the later one holds. Periods are in UTC.
    """

    name = "subscription"
    key: str
    subscription_id: str
    customer_id: str
    status: SubscriptionStatus
    plan: str
    amount: int
    currency: str
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool = False
    ended_at: datetime | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invoice(Fact):
    """Where a subscription's invoice stands. `reason` says why it was written: the first, a new period, or a change of plan.

    A period's credits are due once for each `invoice_id` that is `paid`. `plan` and the period are those of the line for the whole period,
    not of prorations; for a change the difference is in `amount_paid`. `next_attempt_at`: when a failed payment is tried again.
    `payment_id` is empty where the provider tells it by an `InvoicePayment` alone.
    """

    name = "invoice"
    key: str
    subscription_id: str
    invoice_id: str
    status: InvoiceStatus
    reason: Literal["start", "period", "change", "other"]
    plan: str
    amount_due: int
    amount_paid: int
    currency: str
    period_start: datetime | None
    period_end: datetime | None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    number: str = ""
    url: str = ""
    as_of: datetime | None = None
    payment_id: str = ""


@dataclass(frozen=True, slots=True)
class InvoicePayment(Fact):
    """Which payment an invoice was paid with; refunds and disputes name only that."""

    name = "invoice_payment"
    invoice_id: str
    payment_id: str


KINDS: dict[str, type[Fact]] = {
    one.name: one for one in (Paid, CheckoutEnded, Receipt, Refunded, RefundTotal, Disputed, Subscription, Invoice, InvoicePayment)
}


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery, verified. `facts` is empty for what the studio has no use for."""

    id: str
    type: str
    facts: tuple[Fact, ...] = field(default=())


def dump(fact: Fact) -> dict[str, Any]:
    """A fact as JSON takes it; it holds nothing of cards and people."""
    values = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(fact).items()}
    return {"fact": fact.name, **values}


def load(stored: Mapping[str, Any]) -> Fact:
    """The fact that `dump` was given."""
    kind = KINDS[stored["fact"]]
    values = {name: value for name, value in stored.items() if name != "fact"}
    for name in ("period_start", "period_end", "ended_at", "as_of", "next_attempt_at"):
        if values.get(name):
            values[name] = datetime.fromisoformat(values[name])
    return kind(**values)
