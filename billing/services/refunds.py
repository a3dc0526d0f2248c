"""Money back for credits that nobody has used. The credits are taken first, so that they cannot be spent while the money is under way."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import transaction

from accounts import audit
from accounts.models import User
from billing.errors import NothingToRefund
from billing.gateways.base import RefundOrder
from billing.gateways.errors import GatewayRefused, GatewayUnavailable, NotOffered
from billing.gateways.registry import gateway as gateway_of
from billing.models import Dispute, PaymentRefund, Purchase
from billing.money import money
from billing.services import payments
from billing.services.settling import disputed, locked, refunded, settle, unused, worth


@dataclass(frozen=True, slots=True)
class Refundable:
    """What can go back: `amount` of money for `millicredits`. Both 0 for nothing."""

    amount: int
    millicredits: int


def refundable(purchase: Purchase, limit: int | None = None) -> Refundable:
    """The price of the credits that are left, in proportion, rounded down to the minor unit, at most `limit`; and as many credits as that
    pays for."""
    if not purchase.is_paid or disputed(purchase, Dispute.Status.OPEN):
        return Refundable(0, 0)
    back = refunded(purchase) + disputed(purchase, Dispute.Status.LOST)
    covered = (purchase.taken + unused(purchase)) * purchase.amount // purchase.millicredits
    amount = min(covered, purchase.amount) - back
    amount = amount if limit is None else min(amount, limit)
    return Refundable(amount, worth(purchase, back + amount) - purchase.taken) if amount > 0 else Refundable(0, 0)


def refund(purchase: Purchase, *, by: User, form_key: uuid.UUID, reason: str = "", expected: int | None = None) -> PaymentRefund:
    """Give the money for all unused credits back. The same `form_key` again gives the same refund.

    `expected` is the amount that was on the button: so much goes back, and nothing when by now it would be less.

    Raises NothingToRefund, also for a form whose refund failed; GatewayRefused (the credits are back in the wallet); GatewayUnavailable
    (the refund is under way, and is sent again by `reconcile_payments`).
    """
    with transaction.atomic():
        purchase = locked(purchase)
        before = purchase.refunds.filter(form_key=form_key).first()
        if before is not None and before.status == PaymentRefund.Status.FAILED:
            raise NothingToRefund("This was refused before: no money went back, and the credits are in the wallet. Open the page again.")
        if before is None:
            _require_way(purchase)
            can = refundable(purchase)
            if not can.amount:
                raise NothingToRefund(
                    "There is nothing to refund: the credits of this purchase are used, held, disputed, or went back before."
                )
            if expected is not None and can.amount < expected:
                left = money(can.amount, purchase.currency)
                raise NothingToRefund(
                    f"No more than {left} can go back: the rest is used, held, or went back before. Nothing was refunded."
                )
            can = refundable(purchase, expected)
            before = purchase.refunds.create(
                amount=can.amount, millicredits=can.millicredits, form_key=form_key, reason=reason[:300], author=by
            )
            settle(purchase)
            told = f"asked for {money(can.amount, purchase.currency)} of {purchase.name} back"
            audit.record(purchase.wallet.team, by, "credits.refunded", told)
    return send(before)


def _require_way(purchase: Purchase) -> None:
    """Raises NothingToRefund where the gateway is gone: the credits would be taken, and the money would never go back."""
    try:
        gateway_of(purchase.gateway)
    except NotOffered as error:
        raise NothingToRefund(
            "The studio does not take payments this way any more, so no money can go back by it. The operator has to set it up again first."
        ) from error


def send(refund: PaymentRefund) -> PaymentRefund:
    """Ask the gateway for a refund that is written down here; it happens once, however often this is called. Raises like `refund`."""
    if refund.status != PaymentRefund.Status.PENDING or refund.external_id:
        return refund
    purchase = refund.purchase
    order = RefundOrder(
        key=str(refund.pk),
        payment_key=str(purchase.pk),
        payment_id=purchase.payment_id or "",
        amount=refund.amount,
        currency=purchase.currency,
    )
    try:
        payments.apply(purchase.gateway, gateway_of(purchase.gateway).refund(order))
    except GatewayUnavailable as error:
        raise GatewayUnavailable("The payment provider does not answer. The refund is kept, and sent again within the hour.") from error
    except GatewayRefused:
        with transaction.atomic():
            known = locked(purchase)
            known.refunds.filter(pk=refund.pk, external_id=None).update(status=PaymentRefund.Status.FAILED)
            settle(known)
        raise
    refund.refresh_from_db()
    return refund
