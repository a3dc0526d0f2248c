"""Telling whoever `settings.PAYMENT_LISTENER` names that money came in: billing has never heard of webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from billing.models import LedgerEntry, Purchase, SubscriptionInvoice, Wallet

Paid = SubscriptionInvoice.Status.PAID


@dataclass(frozen=True, slots=True)
class Payment:
    """What was paid for. `kind` is `pack` or `plan`, `amount` in the currency's smallest unit, `millicredits` those that it brought."""

    wallet: Wallet
    kind: str
    reference: str
    what: str
    amount: int
    currency: str
    millicredits: int


def bought(purchase: Purchase) -> None:
    """Within the transaction that delivers it."""
    about = (purchase.name, purchase.amount, purchase.currency, purchase.millicredits)
    _tell(Payment(purchase.wallet, "pack", f"purchase:{purchase.pk}", *about))


def invoiced(wallet: Wallet, invoice: SubscriptionInvoice, granted: LedgerEntry | None, *, before: str) -> None:
    """Within the transaction that heard of it; told when it is paid and was not `before`. What the operator gives is paid with nothing, and
    no payment.
    """
    if invoice.status == Paid != before and invoice.amount_paid > 0:
        about = (f"{invoice.plan} plan", invoice.amount_paid, invoice.currency, granted.amount if granted else 0)
        _tell(Payment(wallet, "plan", f"invoice:{invoice}", *about))


def _tell(payment: Payment) -> None:
    if settings.PAYMENT_LISTENER:
        import_string(settings.PAYMENT_LISTENER)(payment)
