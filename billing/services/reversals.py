"""Money of a plan's invoices that goes back, refunded or disputed, and the credits that it takes with it.

As with packs (`payments`, `settling`): what is told is only written down, in whatever order it comes, and `settle` works out from all of it
how many credits ought to be taken back and frozen, and moves the difference. The credits of one period are taken from whatever is left of
them, as the invoices of a period bring them together. What has expired by then is nobody's, and is not owed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from accounts import audit
from billing.credits import credits, noun
from billing.gateways.base import RefundOrder
from billing.gateways.errors import GatewayRefused, KeyRefused
from billing.gateways.facts import Disputed, Fact, InvoicePayment, Refunded, RefundTotal
from billing.gateways.registry import gateway as gateway_named
from billing.models import Account, LedgerEntry, Lot, LotUse, Reversal, SubscriptionInvoice, Wallet
from billing.money import money
from billing.services import clawbacks, payments, plans, wallets
from billing.services.payments import Waits

log = structlog.get_logger(__name__)
Status, Kind = Reversal.Status, Reversal.Kind
RANK = {Status.PENDING: 0, Status.OPEN: 0, Status.SUCCEEDED: 1, Status.FAILED: 2, Status.WON: 3, Status.LOST: 3}
"""A status only moves up: a refund that succeeded may still fail, a dispute that was decided is decided."""
DOUBLE, GONE = "Paid beside another plan", "Paid for a team that was deleted"
"""The reasons of what the studio gives back by itself."""


def write_down(gateway: str, fact: Fact) -> str:
    """For `settings.FACT_HANDLERS`: what is of no plan's payment is left to `payments`. Raises Waits."""
    if isinstance(fact, InvoicePayment):
        return _link(gateway, fact)
    payment_id = "" if getattr(fact, "key", "") else getattr(fact, "payment_id", "")
    found = invoice_paid_by(gateway, payment_id) if payment_id else None
    if found is None:
        return payments.apply(gateway, fact)
    with transaction.atomic():
        invoice = locked(found)
        match fact:
            case Refunded():
                _write(invoice, Kind.REFUND, fact.refund_id, fact.amount, Status(fact.status), fact.reason, fact.own_key)
            case Disputed():
                _write(invoice, Kind.DISPUTE, fact.dispute_id, fact.amount, Status(fact.status), fact.reason)
            case RefundTotal():
                invoice.reported = max(invoice.reported, min(fact.amount, invoice.amount_paid))
                invoice.save(update_fields=["reported"])
        settle(invoice)
    return ""


def invoice_paid_by(gateway: str, payment_id: str) -> SubscriptionInvoice | None:
    return SubscriptionInvoice.objects.filter(subscription__gateway=gateway, payment_id=payment_id).first()


def locked(invoice: SubscriptionInvoice) -> SubscriptionInvoice:
    """The invoice as it is, and stays until the commit. Its wallet's row is locked first, as everywhere."""
    Wallet.objects.select_for_update(no_key=True).get(subscriptions=invoice.subscription_id)
    return SubscriptionInvoice.objects.select_related("plan", "subscription__wallet__team").get(pk=invoice.pk)


def paid_with(invoice: SubscriptionInvoice, payment_id: str) -> str:
    """Write down what an invoice was paid with; why not, else. The wallet must be locked."""
    if invoice.payment_id == payment_id:
        return ""
    if invoice.payment_id:
        return f"It was paid in parts: what goes back of the payment {payment_id} is not heard of."
    if SubscriptionInvoice.objects.filter(payment_id=payment_id).exists():
        return f"The payment {payment_id} has paid for another invoice already."
    invoice.payment_id = payment_id
    SubscriptionInvoice.objects.filter(pk=invoice.pk).update(payment_id=payment_id)
    return ""


def _link(gateway: str, fact: InvoicePayment) -> str:
    found = SubscriptionInvoice.objects.filter(subscription__gateway=gateway, external_id=fact.invoice_id).first()
    if found is None:
        raise Waits(fact.invoice_id)
    with transaction.atomic():
        return paid_with(locked(found), fact.payment_id)


def _write(
    invoice: SubscriptionInvoice,
    kind: Reversal.Kind,
    external_id: str,
    amount: int,
    status: Reversal.Status,
    reason: str,
    own_key: str = "",
) -> None:
    row = invoice.reversals.filter(external_id=external_id).first()
    if row is None and payments.is_id(own_key):
        row = invoice.reversals.filter(pk=uuid.UUID(own_key), external_id=None).first()
    if row is None:
        row = Reversal(invoice=invoice, kind=kind, amount=amount, status=status, reason=reason[:300])
        code, what = ("credits.refunded", "went back") if kind == Kind.REFUND else ("credits.disputed", "is disputed")
        told = f"was told that {money(amount, invoice.currency)} for the {invoice.plan} plan {what}"
        audit.record(invoice.subscription.wallet.team, None, code, told)
    row.external_id = external_id
    if RANK[status] > RANK[Status(row.status)]:
        row.status = status
        if status in (Status.WON, Status.LOST):
            row.closed_at = timezone.now()
    row.save()


# --- what the studio gives back by itself ------------------------------------------------------------------------------


def give_back(invoice: SubscriptionInvoice) -> None:
    """Let all that was paid for an invoice go back, once; its credits go first. Raises GatewayUnavailable: called again, it goes on.

    Where the gateway refuses, the credits are back, and the operator reads of it in the log; it goes on once a refused key is mended.
    """
    with transaction.atomic():
        invoice = locked(invoice)
        row = invoice.reversals.filter(reason__in=(DOUBLE, GONE)).first()
        if row is None:
            amount = invoice.amount_paid - _gone(invoice) - _sum(invoice, [Status.OPEN])
            if amount <= 0 or not invoice.payment_id:
                return
            why = GONE if invoice.subscription.wallet.team.deleted_at else DOUBLE
            row = Reversal.objects.create(invoice=invoice, kind=Kind.REFUND, status=Status.PENDING, amount=amount, reason=why)
            settle(invoice)
            told = f"lets {money(amount, invoice.currency)} for the {invoice.plan} plan go back: {why.lower()}"
            audit.record(invoice.subscription.wallet.team, None, "plan.given_back", told)
    if row.status == Status.PENDING and not row.external_id:
        _send(invoice, row)


def _send(invoice: SubscriptionInvoice, row: Reversal) -> None:
    name = invoice.subscription.gateway
    order = RefundOrder(key=str(row.pk), payment_key="", payment_id=invoice.payment_id or "", amount=row.amount, currency=invoice.currency)
    try:
        write_down(name, gateway_named(name).refund(order))
    except KeyRefused:
        raise
    except GatewayRefused as error:
        log.error("plan_not_given_back", invoice=str(invoice), reason=error.message)
        with transaction.atomic():
            invoice = locked(invoice)
            invoice.reversals.filter(pk=row.pk, external_id=None).update(status=Status.FAILED)
            settle(invoice)


# --- credits -----------------------------------------------------------------------------------------------------------


def settle(invoice: SubscriptionInvoice) -> None:
    """Take back, freeze or unfreeze what is called for by what is known of the invoice's whole period. Its wallet must be locked."""
    same = list(invoice.subscription.invoices.filter(period_end=invoice.period_end).order_by("pk"))
    touched = [one for one in same if one.amount_paid and (one.reported or one.reversals.exists())]
    if not touched:
        return
    wallet, parts = invoice.subscription.wallet, plans.brought(same)
    to_take, to_freeze = {}, 0
    for one in touched:
        gone, contested = _gone(one), _sum(one, [Status.OPEN])
        to_take[one.pk] = _worth(one, parts, gone)
        to_freeze += _worth(one, parts, min(one.amount_paid, gone + contested)) - to_take[one.pk]
    clawbacks.thaw(lots_of(wallet, same), to_freeze, *_told(touched[0]))
    for one in sorted(touched, key=lambda one: to_take[one.pk] - one.taken):  # what comes back first
        _move(wallet, same, one, to_take[one.pk] - one.taken)
    clawbacks.freeze(lots_of(wallet, same), to_freeze, *_told(touched[0]))
    expired = _expired(wallet, same)
    for one in touched:
        missing = max(0, to_take[one.pk] - one.taken)
        one.owed, expired = max(0, missing - expired), max(0, expired - missing)
        one.save(update_fields=["taken", "owed", "moves"])


def lots_of(wallet: Wallet, invoices: Iterable[SubscriptionInvoice]) -> list[Lot]:
    """Those of a period's credits, and of credits that came back because a refund failed."""
    named = Q()
    for reference in map(plans.reference_of, invoices):
        named |= Q(entry__reference=reference) | Q(entry__reference__startswith=f"{reference}:")
    return list(Lot.objects.filter(named, wallet=wallet, entry__kind=LedgerEntry.Kind.GRANT).select_related("wallet").in_order())


def _gone(invoice: SubscriptionInvoice) -> int:
    """Money that went back or is to: refunds known by name, or as much as was reported without naming them all; and lost disputes."""
    known = invoice.reversals.filter(kind=Kind.REFUND)
    stands = sum(known.filter(status__in=Reversal.GONE).values_list("amount", flat=True))
    failed = sum(known.filter(status=Status.FAILED).exclude(external_id=None).values_list("amount", flat=True))
    return min(invoice.amount_paid, max(stands, invoice.reported - failed) + _sum(invoice, [Status.LOST]))


def _sum(invoice: SubscriptionInvoice, statuses: list[Reversal.Status]) -> int:
    return sum(invoice.reversals.filter(status__in=statuses).values_list("amount", flat=True))


def _worth(invoice: SubscriptionInvoice, parts: dict[int, int], amount: int) -> int:
    """Millicredits that a part of what was paid stands for, rounded up."""
    return -(-parts.get(invoice.pk, 0) * amount // invoice.amount_paid)


def _expired(wallet: Wallet, same: list[SubscriptionInvoice]) -> int:
    uses = LotUse.objects.filter(lot__in=lots_of(wallet, same), entry__kind=LedgerEntry.Kind.EXPIRY)
    return -(uses.aggregate(total=Sum("amount"))["total"] or 0)


def _next(invoice: SubscriptionInvoice) -> str:
    invoice.moves += 1
    return f"{plans.reference_of(invoice)}:{invoice.moves}"


def _part(invoice: SubscriptionInvoice, amount: int) -> str:
    return f"{credits(amount)} {noun(amount)} of the {invoice.plan} plan"


def _told(invoice: SubscriptionInvoice) -> tuple[clawbacks.Name, clawbacks.Part]:
    return partial(_next, invoice), partial(_part, invoice)


def _move(wallet: Wallet, same: list[SubscriptionInvoice], invoice: SubscriptionInvoice, missing: int) -> None:
    """Take back as much as is left; or, when a refund failed, give credits back, for as long as those of the period last."""
    if missing < 0:
        last = [lot.expires_at for lot in lots_of(wallet, same) if lot.expires_at]
        until, told = max(last, default=None), f"A refund failed: {_part(invoice, -missing)} came back"
        if until and until <= timezone.now():
            until = timezone.now() + invoice.length
        wallets.grant(wallet, -missing, reference=_next(invoice), description=told, source=Account.PLANS, expires_at=until)
        invoice.taken += missing
        return
    if missing:
        invoice.taken += clawbacks.take_back(lots_of(wallet, same), missing, *_told(invoice))
