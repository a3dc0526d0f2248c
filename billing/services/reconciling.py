"""For the deliveries that never came: reads what the gateway knows, and writes down what the books do not have.

What is read goes the same way as what is delivered (`deliveries`, `payments`), so reading too much, or twice, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.gateways.base import Gateway
from billing.gateways.errors import GatewayError, NotKnown
from billing.gateways.patience import patiently
from billing.gateways.registry import gateways
from billing.models import Dispute, GatewayEvent, PaymentRefund, Purchase, Reversal, SubscriptionInvoice
from billing.services import deliveries, payments, refunds, reversals
from billing.services.settling import locked, settle

Thing = TypeVar("Thing")
log = structlog.get_logger(__name__)
DAYS = 3
"""How far back events are read: as long as Stripe tries to deliver one."""
LATEST = timedelta(minutes=10)
"""What is younger may still be on its way, or in somebody's browser."""
FORGOTTEN = timedelta(days=2)
"""A purchase without a Checkout that the gateway knows, and a message about a payment that nobody knows, are given up after this long."""


@dataclass
class Report:
    """`events` that no delivery had brought, `repaired` purchases whose state changed, `given_up`; `problems` in words."""

    events: int = 0
    repaired: int = 0
    given_up: int = 0
    problems: list[str] | None = None

    def tell(self, problem: str) -> None:
        self.problems = [*(self.problems or []), problem]


def hourly() -> None:
    """For `settings.DAILY_CHORES`; where every purchase is an invoice there is nobody to ask."""
    for gateway in gateways():
        if not gateway.confirms_by_hand:
            report = reconcile(gateway)
            if report.events or report.repaired or report.problems:
                log.warning("payments_reconciled", gateway=gateway.name, events=report.events, repaired=report.repaired)


@patiently()
def reconcile(gateway: Gateway, *, days: int = DAYS, now: datetime | None = None) -> Report:
    """Read the events of the last days, then everything that is still open, one by one."""
    now, report = now or timezone.now(), Report()
    _each(report, [now - timedelta(days=days)], lambda since: _read_events(gateway, since, report))
    _each(report, deliveries.unprocessed(gateway.name, now), lambda event: _event(gateway, event, now, report))
    _each(report, _open_purchases(gateway.name, now), lambda one: _purchase(gateway, one, now, report))
    _each(report, _pending_refunds(gateway.name), lambda one: _refund(gateway, one, report))
    _each(report, _troubled(gateway.name), lambda one: _look_again(gateway, one, report))
    _each(report, _troubled_invoices(gateway.name), lambda one: _look_at_invoice(gateway, one, report))
    return report


def _each(report: Report, things: Iterable[Thing], act: Callable[[Thing], None]) -> None:
    """One that cannot be repaired keeps nobody else from it."""
    for thing in things:
        try:
            act(thing)
        except GatewayError as error:
            report.tell(f"{thing}: {error.message}")


def _read_events(gateway: Gateway, since: datetime, report: Report) -> None:
    for event in gateway.events_since(since):
        known = GatewayEvent.objects.filter(gateway=gateway.name, event_id=event.id).exists()  # what waits has its turn below
        if event.facts and not known:
            deliveries.receive(gateway.name, event)
            report.events += 1


def _event(gateway: Gateway, event: GatewayEvent, now: datetime, report: Report) -> None:
    if deliveries.process(event) or not event.subject:
        return
    # A plan's payment whose invoice it is was never told of, or was before invoices were asked what they were paid with.
    # Those that wait for an invoice are mostly of other programs with the same account.
    if not deliveries.waits_for_an_invoice(event):
        for fact in gateway.look_up(payment_id=event.subject):
            with suppress(payments.Waits):
                deliveries.write(gateway.name, fact)
    if deliveries.process(event):
        report.repaired += 1
    elif event.received_at < now - FORGOTTEN:
        deliveries.give_up(event, "Of a payment or an invoice that is not of this studio.")
        report.given_up += 1


def _open_purchases(gateway: str, now: datetime) -> list[Purchase]:
    """Those too that were given up: a payment may have been faster than the end of its Checkout."""
    ended = (Purchase.Status.EXPIRED, Purchase.Status.FAILED, Purchase.Status.CANCELED)
    young = Q(created_at__gte=now - timedelta(days=DAYS), status__in=ended)
    return list(
        Purchase.objects.filter(Q(status=Purchase.Status.OPEN) | young, gateway=gateway, created_at__lt=now - LATEST).order_by("id")
    )


def _purchase(gateway: Gateway, purchase: Purchase, now: datetime, report: Report) -> None:
    before = purchase.status
    try:
        is_known = bool(purchase.checkout_id)
        if is_known:
            _write(gateway, purchase, checkout_id=purchase.checkout_id or "")
    except NotKnown:
        is_known = False
    if not is_known and purchase.created_at < now - FORGOTTEN:
        # Whoever began it was told that it did not work; or its Checkout was made by another account at the gateway.
        same = Purchase.objects.filter(pk=purchase.pk, status=Purchase.Status.OPEN, checkout_id=purchase.checkout_id)
        report.given_up += same.update(status=Purchase.Status.EXPIRED)
    purchase.refresh_from_db()
    report.repaired += purchase.status != before


def _pending_refunds(gateway: str) -> list[PaymentRefund]:
    pending = PaymentRefund.objects.filter(purchase__gateway=gateway, status=PaymentRefund.Status.PENDING)
    return list(pending.select_related("purchase").order_by("id"))


def _refund(gateway: Gateway, refund: PaymentRefund, report: Report) -> None:
    if refund.external_id:
        _write(gateway, refund.purchase, payment_id=refund.purchase.payment_id or "")
    else:
        refunds.send(refund)
    refund.refresh_from_db()
    report.repaired += refund.status != PaymentRefund.Status.PENDING


def _troubled(gateway: str) -> list[Purchase]:
    """Disputed ones, and those of which credits are owed that may be free by now."""
    open_dispute = Q(disputes__status=Dispute.Status.OPEN)
    return list(Purchase.objects.filter(open_dispute | Q(owed__gt=0), gateway=gateway).distinct().order_by("id"))


def _look_again(gateway: Gateway, purchase: Purchase, report: Report) -> None:
    before = (purchase.status, purchase.owed)
    _write(gateway, purchase, payment_id=purchase.payment_id or "")
    with transaction.atomic():
        settle(locked(purchase))
    purchase.refresh_from_db()
    report.repaired += (purchase.status, purchase.owed) != before


def _troubled_invoices(gateway: str) -> list[SubscriptionInvoice]:
    """Plans' invoices of which money may yet go back, or credits are owed that may be free by now."""
    undecided = Q(reversals__status__in=Reversal.UNDECIDED, reversals__external_id__isnull=False)
    found = SubscriptionInvoice.objects.filter(undecided | Q(owed__gt=0), subscription__gateway=gateway).exclude(payment_id=None)
    return list(found.distinct().order_by("id"))


def _look_at_invoice(gateway: Gateway, invoice: SubscriptionInvoice, report: Report) -> None:
    before = _state(invoice)
    for fact in gateway.look_up(payment_id=invoice.payment_id or ""):
        with suppress(payments.Waits):
            deliveries.write(gateway.name, fact)
    with transaction.atomic():
        reversals.settle(reversals.locked(invoice))
    report.repaired += _state(invoice) != before


def _state(invoice: SubscriptionInvoice) -> tuple[object, ...]:
    invoice.refresh_from_db()
    return invoice.owed, *invoice.reversals.values_list("pk", "status")


def _write(gateway: Gateway, purchase: Purchase, *, checkout_id: str = "", payment_id: str = "") -> None:
    for fact in gateway.look_up(checkout_id=checkout_id, payment_id=payment_id):
        try:
            payments.apply(purchase.gateway, fact)
        except payments.Waits:
            # Its payment was not written down because it is not what was asked for: the note at the purchase says so.
            log.warning("payment_unknown", gateway=purchase.gateway, purchase=str(purchase.pk))
