"""Brings a purchase's credits in step with what is known of its payment: the one place where money becomes credits, and goes back.

Facts arrive in any order, more than once, and late. So nothing here is done "when" something arrives: whatever is known (paid or not, each
refund, each dispute) is written down first, then `settle` works out how many credits ought to be delivered, taken back and frozen, and
moves the difference. What it works out depends on the facts alone and not on their order; called again, it moves nothing.
"""

from __future__ import annotations

from functools import partial

from django.db.models import Q

from accounts import audit
from billing.credits import credits, noun
from billing.models import Account, Dispute, LedgerEntry, Lot, PaymentRefund, Purchase, Wallet
from billing.money import money
from billing.services import clawbacks, payment_news, wallets

Status = Purchase.Status


def locked(purchase: Purchase) -> Purchase:
    """The purchase as it is, and stays until the commit. Its wallet's row is locked first, as everywhere."""
    Wallet.objects.select_for_update(no_key=True).get(pk=purchase.wallet_id)
    return Purchase.objects.select_related("wallet", "buyer").get(pk=purchase.pk)


def settle(purchase: Purchase) -> None:
    """Deliver, take back, freeze or unfreeze what the facts call for, and say in its status how it stands. `purchase` must be `locked`."""
    if purchase.is_paid:
        if purchase.lot is None:
            _deliver(purchase)
        purchase.refunded = refunded(purchase)
        gone = min(purchase.amount, purchase.refunded + disputed(purchase, Dispute.Status.LOST))
        contested = min(purchase.amount - gone, disputed(purchase, Dispute.Status.OPEN))
        to_take = worth(purchase, gone)
        to_freeze = min(worth(purchase, gone + contested), purchase.millicredits) - to_take
        clawbacks.thaw(lots_of(purchase), to_freeze, *_told(purchase))
        _take_back(purchase, to_take)
        _freeze(purchase, to_freeze)
        purchase.owed = max(0, to_take - purchase.taken)
        purchase.status = _status(purchase, gone, contested)
    purchase.save()


def worth(purchase: Purchase, amount: int) -> int:
    """Millicredits that a part of the price stands for, rounded up."""
    return -(-purchase.millicredits * amount // purchase.amount)


def refunded(purchase: Purchase) -> int:
    """Money that went back or is to: the refunds that are known by name, or as much as the gateway reported without naming them all."""
    stands = failed = 0
    for status, amount, external_id in purchase.refunds.values_list("status", "amount", "external_id"):
        if status != PaymentRefund.Status.FAILED:
            stands += amount
        elif external_id:  # one that the gateway refused at once was never in what it reports
            failed += amount
    return min(purchase.amount, max(stands, purchase.reported - failed))


def disputed(purchase: Purchase, status: Dispute.Status) -> int:
    return sum(purchase.disputes.filter(status=status).values_list("amount", flat=True))


def lots_of(purchase: Purchase) -> list[Lot]:
    """The purchase's lot, and those of credits that came back because a refund failed."""
    own = Q(entry__reference=_reference(purchase)) | Q(entry__reference__startswith=f"{_reference(purchase)}:")
    return list(
        Lot.objects.filter(own, wallet=purchase.wallet_id, entry__kind=LedgerEntry.Kind.GRANT).select_related("wallet").order_by("id")
    )


def unused(purchase: Purchase) -> int:
    """Millicredits of it that can be taken back: neither spent, nor set aside for work, nor frozen."""
    free = Wallet.objects.get(pk=purchase.wallet_id).free
    return max(0, min(free, sum(lot.free for lot in lots_of(purchase))))


def _reference(purchase: Purchase) -> str:
    return f"purchase:{purchase.pk}"


def _next(purchase: Purchase) -> str:
    purchase.moves += 1
    return f"{_reference(purchase)}:{purchase.moves}"


def _part(purchase: Purchase, amount: int) -> str:
    """How many of its credits: "996 of 1,000 credits", or "1,000 credits" for all of them."""
    whole = f"{credits(purchase.millicredits)} {noun(purchase.millicredits)}"
    return whole if amount == purchase.millicredits else f"{credits(amount)} of {whole}"


def _told(purchase: Purchase) -> tuple[clawbacks.Name, clawbacks.Part]:
    return partial(_next, purchase), partial(_part, purchase)


def _deliver(purchase: Purchase) -> None:
    told = f"Bought: {purchase.name}"
    entry = wallets.grant(
        purchase.wallet,
        purchase.millicredits,
        reference=_reference(purchase),
        description=told,
        source=Account.SALES,
        actor=purchase.buyer,
    )
    purchase.lot = entry.lot
    audit.record(purchase.wallet.team, purchase.buyer, "credits.bought", f"bought {purchase.name} for {purchase.price}")
    payment_news.bought(purchase)


def _take_back(purchase: Purchase, to_take: int) -> None:
    """As much as is left; or, when a refund failed, give the credits back as a lot of their own."""
    missing = to_take - purchase.taken
    if missing < 0:
        told = f"A refund failed: {_part(purchase, -missing)} came back"
        wallets.grant(purchase.wallet, -missing, reference=_next(purchase), description=told, source=Account.SALES, actor=purchase.buyer)
        purchase.taken += missing
        return
    if missing:
        newest = purchase.refunds.select_related("author").order_by("-id").first()
        actor = newest.author if newest else None
        purchase.taken += clawbacks.take_back(lots_of(purchase), missing, *_told(purchase), actor=actor)


def _freeze(purchase: Purchase, target: int) -> None:
    """Freeze up to `target` in all, and note for each open dispute what is frozen for it."""
    clawbacks.freeze(lots_of(purchase), target, *_told(purchase))
    frozen = clawbacks.frozen(lots_of(purchase))
    for dispute in purchase.disputes.all():
        part = min(frozen, worth(purchase, dispute.amount)) if dispute.status == Dispute.Status.OPEN else 0
        frozen -= part
        if part != dispute.frozen:
            Dispute.objects.filter(pk=dispute.pk).update(frozen=part)


def _status(purchase: Purchase, gone: int, contested: int) -> Purchase.Status:
    if contested:
        return Status.DISPUTED
    if gone >= purchase.amount:
        return Status.REFUNDED
    return Status.PARTLY_REFUNDED if gone else Status.PAID


def in_words(purchase: Purchase) -> str:
    """How it stands where the status alone does not say it; for the operator, and the purchase's page."""
    if purchase.owed:
        return f"{credits(purchase.owed)} {noun(purchase.owed)} were spent before the money went back."
    if purchase.refunded and purchase.refunded < purchase.amount:
        return f"{money(purchase.refunded, purchase.currency)} of {purchase.price} went back."
    return ""
