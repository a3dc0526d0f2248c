"""The inbox of the gateways: every delivery is kept first, then written into the books, once.

Between the two the studio may be killed: what is kept and not processed is processed by the next delivery of it, or by
`manage.py reconcile_payments`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.module_loading import import_string

from billing.gateways.facts import Event, Fact, Invoice, InvoicePayment, Paid, dump, load
from billing.models import GatewayEvent, Purchase, SubscriptionInvoice
from billing.services import payments
from billing.services.payments import Waits

Handler = Callable[[str, Fact], str]


def receive(gateway: str, event: Event) -> GatewayEvent:
    """Keep a verified event and write it into the books; again, it changes nothing. Outside of any transaction."""
    kept, _ = GatewayEvent.objects.get_or_create(
        gateway=gateway, event_id=event.id, defaults={"type": event.type, "payload": [dump(fact) for fact in event.facts]}
    )
    process(kept)
    _let_go(gateway, event.facts)
    return kept


def process(event: GatewayEvent) -> bool:
    """Write a kept event into the books: all of its facts or none. True when it was this call that did."""
    try:
        return _process(event)
    except Waits as waiting:
        _wait(event, waiting.subject)
        if not _is_known(event.gateway, waiting.subject):
            return False
    # The payment came between the question and the note that it was missing. Whoever wrote it did not see that note, so it is done here.
    return _process(event)


def write(gateway: str, fact: Fact) -> str:
    """Write down a fact that was asked for, where those that are told go. Raises Waits."""
    return _handler(fact)(gateway, fact)


def process_waiting(gateway: str, subject: str) -> None:
    """Write down what waited for this payment or invoice, and what waited for that."""
    for event in GatewayEvent.objects.filter(gateway=gateway, subject=subject, processed_at=None).order_by("id"):
        if process(event):
            _let_go(gateway, map(load, event.payload))


def _let_go(gateway: str, facts: Iterable[Fact]) -> None:
    """What is known now of payments and invoices is waited for no longer."""
    for fact in facts:
        for subject in (getattr(fact, "invoice_id", ""), getattr(fact, "payment_id", "")):
            if subject and isinstance(fact, Paid | Invoice | InvoicePayment):
                process_waiting(gateway, subject)


def _is_known(gateway: str, subject: str) -> bool:
    invoices = SubscriptionInvoice.objects.filter(subscription__gateway=gateway)
    is_paid = Purchase.objects.filter(gateway=gateway, payment_id=subject).exists()
    return is_paid or invoices.filter(Q(payment_id=subject) | Q(external_id=subject)).exists()


def waits_for_an_invoice(event: GatewayEvent) -> bool:
    """Rather than for a payment."""
    return any(isinstance(load(fact), InvoicePayment) for fact in event.payload)


def give_up(event: GatewayEvent, why: str) -> None:
    """Keep it, and let it wait no longer."""
    GatewayEvent.objects.filter(pk=event.pk, processed_at=None).update(processed_at=timezone.now(), note=why[:300])


def unprocessed(gateway: str, before: datetime) -> list[GatewayEvent]:
    return list(GatewayEvent.objects.filter(gateway=gateway, processed_at=None, received_at__lt=before).order_by("id"))


def _process(event: GatewayEvent) -> bool:
    with transaction.atomic():
        # The guard: of two who bring the same event, one changes this row, and the other waits for it and then changes none.
        if not GatewayEvent.objects.filter(pk=event.pk, processed_at=None).update(processed_at=timezone.now(), subject=""):
            return False
        notes = [write(event.gateway, fact) for fact in map(load, event.payload)]
        note = " ".join(filter(None, notes)) if notes else "Nothing here has a use for it."
        GatewayEvent.objects.filter(pk=event.pk).update(note=note[:300])
    event.refresh_from_db()
    return True


def _wait(event: GatewayEvent, subject: str) -> None:
    GatewayEvent.objects.filter(pk=event.pk, processed_at=None).update(subject=subject, note="Waits for its payment or invoice.")
    event.refresh_from_db()


def _handler(fact: Fact) -> Handler:
    """`settings.FACT_HANDLERS` has who writes down facts that are not of payments."""
    path = settings.FACT_HANDLERS.get(fact.name)
    found: Handler = import_string(path) if path else payments.apply
    return found
