"""Writes down what a gateway tells of payments: each fact once, whatever the order, then `settling.settle`.

Every function is one transaction. A status only moves forward: an expired Checkout that turns out to be paid is paid, a dispute that was
decided is not open again because an older message comes late.
"""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils import timezone

from accounts import audit
from billing.gateways.facts import CheckoutEnded, Disputed, Fact, Paid, Receipt, Refunded, RefundTotal
from billing.models import Dispute, PaymentRefund, Purchase
from billing.money import money
from billing.services.settling import locked, settle, worth

Status = Purchase.Status
RANK = {PaymentRefund.Status.PENDING: 0, PaymentRefund.Status.SUCCEEDED: 1, PaymentRefund.Status.FAILED: 2}
"""A refund that succeeded may still fail (a closed account); one that failed has."""


class Waits(Exception):
    """Nothing is known yet of the payment that a fact is about: it is to be told again when there is."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        super().__init__(subject)


def apply(gateway: str, fact: Fact) -> str:
    """Write a fact down. Returns what came of it where that is not plain, empty else. Raises Waits."""
    with transaction.atomic():
        found = _purchase_of(gateway, fact)
        if isinstance(found, str):
            return found
        purchase = locked(found)
        note = _write(purchase, fact)
        settle(purchase)
        if note:
            Purchase.objects.filter(pk=purchase.pk).update(note=note[:300])
        return note


def _purchase_of(gateway: str, fact: Fact) -> Purchase | str:
    """The purchase that a fact is about, or why there is none; facts that name only a payment wait for that."""
    key, payment_id = getattr(fact, "key", ""), getattr(fact, "payment_id", "")
    own = Purchase.objects.filter(gateway=gateway)
    if key:
        found = own.filter(pk=key).first() if is_id(key) else None
        if found is None:
            return "It names no purchase of this studio."
        if found.payment_id and payment_id not in ("", found.payment_id) and not isinstance(fact, Paid):
            return f"It is of the payment {payment_id}, which delivered nothing."  # the second of two for one purchase
        return found
    if not payment_id:
        return "It names neither purchase nor payment."
    paid = own.filter(payment_id=payment_id).first()
    if paid is None:
        raise Waits(payment_id)
    return paid


def _write(purchase: Purchase, fact: Fact) -> str:
    match fact:
        case Paid():
            return _paid(purchase, fact)
        case CheckoutEnded():
            if purchase.status == Status.OPEN:
                purchase.status = Status(fact.outcome)
        case Receipt():
            purchase.receipt_url = purchase.receipt_url or fact.url
        case Refunded():
            _refunded(purchase, fact)
        case RefundTotal():
            purchase.reported = max(purchase.reported, min(fact.amount, purchase.amount))
        case Disputed():
            _disputed(purchase, fact)
    return ""


def _paid(purchase: Purchase, fact: Paid) -> str:
    if purchase.is_paid:
        if purchase.payment_id == fact.payment_id:
            return ""
        return f"Paid twice: refund the payment {fact.payment_id} at the gateway."
    if (fact.amount, fact.currency) != (purchase.amount, purchase.currency):
        return f"The payment {fact.payment_id} is of {money(fact.amount, fact.currency)} and not {purchase.price}: nothing was delivered."
    if Purchase.objects.filter(payment_id=fact.payment_id).exists():
        return f"The payment {fact.payment_id} has paid for something else already."
    purchase.payment_id = fact.payment_id
    purchase.checkout_id = purchase.checkout_id or fact.checkout_id or None
    purchase.paid_at, purchase.note = timezone.now(), ""
    return ""


def _refunded(purchase: Purchase, fact: Refunded) -> None:
    refund = purchase.refunds.filter(external_id=fact.refund_id).first()
    if refund is None and is_id(fact.own_key):
        refund = purchase.refunds.filter(pk=fact.own_key, external_id=None).first()
    if refund is None:
        refund = PaymentRefund(purchase=purchase, amount=fact.amount, reason=fact.reason, millicredits=worth(purchase, fact.amount))
        audit.record(
            purchase.wallet.team, None, "credits.refunded", f"was told that {_sum(purchase, fact.amount)} of {purchase.name} went back"
        )
    refund.external_id = fact.refund_id
    status = PaymentRefund.Status(fact.status)
    if RANK[status] > RANK[PaymentRefund.Status(refund.status)]:
        refund.status = status
    refund.save()


def _disputed(purchase: Purchase, fact: Disputed) -> None:
    dispute = purchase.disputes.filter(external_id=fact.dispute_id).first()
    if dispute is None:
        dispute = Dispute(purchase=purchase, external_id=fact.dispute_id, amount=fact.amount, reason=fact.reason)
        audit.record(
            purchase.wallet.team, None, "credits.disputed", f"was told that {_sum(purchase, fact.amount)} of {purchase.name} is disputed"
        )
    if dispute.status == Dispute.Status.OPEN and fact.status != "open":
        dispute.status, dispute.closed_at = Dispute.Status(fact.status), timezone.now()
    dispute.save()


def _sum(purchase: Purchase, amount: int) -> str:
    return money(amount, purchase.currency)


def is_id(key: str) -> bool:
    """Whether it may be an id of ours."""
    try:
        return bool(uuid.UUID(key))
    except ValueError:
        return False
