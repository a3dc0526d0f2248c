"""The seam between the books and whoever takes the money. Gateways know no rows: services hand them orders, and write down their facts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from billing.gateways.facts import Event, Fact, Invoice, Refunded, Subscription


@dataclass(frozen=True, slots=True)
class Order:
    """Something to be paid once. `key` is our id of it: it comes back in every fact, and makes starting it twice one start.

    `amount` is in the currency's minor unit. The provider sends the browser to `success_url` after the payment, to `cancel_url` when
    somebody thinks better of it. `email` fills in a field of the pay page.
    """

    key: str
    title: str
    details: str
    amount: int
    currency: str
    email: str
    success_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Money to go back. `key` is our id of the refund: sent twice, it is refunded once. `payment_key` is the `Order.key` of the payment,
    empty for a plan's."""

    key: str
    payment_key: str
    payment_id: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class PlanOrder:
    """What a subscription costs each `interval`. `key` names the plan (letters, digits, "-", "_") and comes back as `Subscription.plan`."""

    key: str
    title: str
    amount: int
    currency: str
    interval: Literal["month", "year"] = "month"


@dataclass(frozen=True, slots=True)
class SubscriptionOrder:
    """A subscription to be started. `key` is our id of it: it comes back in every fact, and makes starting it twice one start.

    `customer_id` is the provider's, from an earlier `Subscription.customer_id`; empty for somebody new.
    """

    key: str
    plan: PlanOrder
    email: str
    success_url: str
    cancel_url: str
    customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where the browser goes to pay. `id` is the provider's; `expires_at`: until when it can be paid, None for no end.

    `url` is empty for a gateway without a pay page: the purchase's own page then says what to do.
    """

    id: str
    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProrationLine:
    """A part of a change's price: what is left of the old plan (negative), or the new one for the rest of the period."""

    text: str
    amount: int


@dataclass(frozen=True, slots=True)
class Proration:
    """What a change of plan costs now. `amount` is the sum, negative when something is left over for the next invoice; `as_of` is handed
    back to `change_subscription`, so that what is charged is what was shown."""

    amount: int
    currency: str
    lines: tuple[ProrationLine, ...]
    as_of: datetime


class Gateway(ABC):
    """One way to be paid, set up by an entry of `settings.GATEWAYS`, whose `OPTIONS` are the keyword arguments.

    Every method that asks the provider may raise `errors.GatewayUnavailable` (nothing is known; the same call may be made again, and
    counts once) and `errors.GatewayRefused` (a definite no). None is called inside a transaction.
    """

    name: str
    """Its key in `settings.GATEWAYS`, set by the registry."""
    label: str
    """How people are asked for it: "Card", "Invoice"."""
    confirms_by_hand = False
    """True: there is no webhook; the operator says that the money has come."""
    offers_subscriptions = False
    """False: the methods of subscriptions raise `errors.NotOffered`."""

    @abstractmethod
    def start(self, order: Order) -> Checkout:
        """Begin a purchase. The same `order.key` again gives the same Checkout."""

    @abstractmethod
    def end_checkout(self, checkout_id: str) -> bool:
        """Let a Checkout be paid no more. One that was paid or has ended stays as it is: `look_up` tells. False: a payment that takes its
        time is under way, and may still come."""

    @abstractmethod
    def read_webhook(self, body: bytes, headers: Mapping[str, str]) -> Event:
        """Verify and read one delivery, without asking the provider. Raises `errors.BadSignature` for one that is forged, changed or stale,
        and for one that makes no sense."""

    @abstractmethod
    def refund(self, order: RefundOrder) -> Refunded:
        """Give money back; how that stands. The same `order.key` again gives the same refund."""

    @abstractmethod
    def look_up(self, *, checkout_id: str = "", payment_id: str = "") -> list[Fact]:
        """All that the provider knows now of a Checkout or payment (with its invoice, refunds and disputes); empty for a payment that it
        does not know. Raises `errors.NotKnown` for such a Checkout: of one that waits to be paid nothing is told either."""

    @abstractmethod
    def events_since(self, moment: datetime) -> Iterator[Event]:
        """What the provider has told, or tried to, since `moment`, oldest first: for the deliveries that never came."""

    # --- subscriptions ---

    @abstractmethod
    def start_subscription(self, order: SubscriptionOrder) -> Checkout:
        """Begin a subscription. The same `order.key` again gives the same Checkout. Once paid, `Subscription` and `Invoice` facts come."""

    @abstractmethod
    def end_subscription_checkout(self, checkout_id: str) -> Subscription | None:
        """Let a subscription's Checkout be paid no longer; None when that is so, else the subscription that it was paid for before."""

    @abstractmethod
    def subscription(self, subscription_id: str) -> Subscription:
        """How a subscription stands now."""

    @abstractmethod
    def invoices(self, subscription_id: str) -> list[Invoice]:
        """A subscription's invoices, oldest first."""

    @abstractmethod
    def preview_change(self, subscription_id: str, plan: PlanOrder) -> Proration:
        """What changing to `plan` now would cost, to be shown before it is confirmed."""

    @abstractmethod
    def change_subscription(self, subscription_id: str, plan: PlanOrder, *, key: str, as_of: datetime | None = None) -> Subscription:
        """Change the plan now, with proration: the difference is invoiced at once. `key` makes it once; `as_of` is `Proration.as_of`."""

    @abstractmethod
    def cancel_subscription(self, subscription_id: str, *, at_period_end: bool = True) -> Subscription:
        """Let it end when what was paid for ends, or at once (nothing is refunded)."""

    @abstractmethod
    def resume_subscription(self, subscription_id: str) -> Subscription:
        """Undo a cancellation that has not come into force."""

    @abstractmethod
    def forget_customer(self, customer_id: str) -> None:
        """Let the provider delete what it keeps of a customer; what was paid stays in its books. Again, it changes nothing."""

    @abstractmethod
    def payment_page(self, customer_id: str, *, return_url: str) -> str:
        """The provider's page on which a customer changes the card, and pays what failed."""

    def problems(self) -> list[str]:
        """What the operator has to mend before it works, a sentence each."""
        return []


def flat(headers: Mapping[str, Any]) -> dict[str, str]:
    """Headers with names in lower case."""
    return {str(name).lower(): str(value) for name, value in headers.items()}
