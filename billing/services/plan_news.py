"""Which of two news of a plan holds: gateways tell them in any order, and some of them late."""

from __future__ import annotations

from datetime import datetime

from billing.gateways.facts import Invoice as InvoiceFact
from billing.gateways.facts import Subscription as SubscriptionFact
from billing.models import Subscription, SubscriptionInvoice

Status = Subscription.Status
RANK = {Status.INCOMPLETE: 0, Status.TRIALING: 1, Status.ACTIVE: 2, Status.PAST_DUE: 3, Status.UNPAID: 4, Status.CANCELED: 5}
"""What holds of two news of the same second. Whether what is not paid still is not, the gateway is asked each hour."""


def is_older(row: Subscription, fact: SubscriptionFact, status: Subscription.Status, as_of: datetime) -> bool:
    """Whether the row knows better. Gateways tell whole seconds, and our own questions are answered within one: of news of the same
    second the later period holds, then what ranks higher, then our own answer."""
    if row.told_at is None or as_of > row.told_at:
        return False
    if as_of < row.told_at.replace(microsecond=0):
        return True
    if fact.period_start and row.period_start and fact.period_start != row.period_start:
        return fact.period_start < row.period_start
    if status != row.status:
        return RANK[status] < RANK[Status(row.status)]
    return as_of < row.told_at


def is_news(invoice: SubscriptionInvoice, fact: InvoiceFact, as_of: datetime) -> bool:
    paid = SubscriptionInvoice.Status.PAID
    if invoice.status == paid or fact.status == paid:
        return invoice.status != paid
    return invoice.told_at is None or as_of >= invoice.told_at
