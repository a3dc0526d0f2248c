"""Which credits are spent: what expires first, then what came first. Called by `wallets` alone, which has the wallet's row locked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from billing.errors import BooksDisagree
from billing.models import Account, LedgerEntry, Lot, LotUse

GRACE = timedelta(days=30)
"""How long refunded credits last whose lot has expired since they were spent."""


def bring(entry: LedgerEntry, source: Account | str, expires_at: datetime | None) -> Lot:
    """The lot of an entry that adds credits."""
    return Lot.objects.create(
        wallet_id=entry.wallet_id, entry=entry, source=source, amount=entry.amount, remaining=entry.amount, expires_at=expires_at
    )


def take(entry: LedgerEntry, only: Lot | None = None) -> None:
    """Take what the entry takes from the balance out of the wallet's lots, or of one alone. Raises BooksDisagree when they have less."""
    missing = -entry.amount
    if missing <= 0:
        return
    for lot in [only] if only else Lot.objects.filter(wallet_id=entry.wallet_id).left().in_order():
        amount = min(lot.free, missing)
        if amount:
            _change(entry, lot, -amount)
            missing -= amount
        if not missing:
            return
    raise BooksDisagree(f"The lots of wallet {entry.wallet_id} have {missing} millicredits less than it. Run manage.py verify_ledger.")


def put_back(entry: LedgerEntry) -> None:
    """Put what a refund gives back where its charge took it, what expires last first. A lot that has expired lasts for `GRACE` more."""
    missing, now = entry.amount, timezone.now()
    for lot, amount in _taken(entry):
        back = min(amount, missing)
        if lot.expires_at and lot.expires_at <= now:
            Lot.objects.filter(pk=lot.pk).update(expires_at=now + GRACE)
        _change(entry, lot, back)
        missing -= back
        if not missing:
            return
    raise BooksDisagree(f"Hold {entry.hold_id} took {missing} millicredits less from lots than it charged. Run manage.py verify_ledger.")


def _taken(entry: LedgerEntry) -> list[tuple[Lot, int]]:
    """The lots that the entry's hold was charged to, with what has not been given back to each; what is spent last comes first."""
    used: dict[int, int] = {}
    for use in LotUse.objects.filter(entry__hold=entry.hold):
        used[use.lot_id] = used.get(use.lot_id, 0) - use.amount
    lots = Lot.objects.filter(pk__in=[pk for pk, amount in used.items() if amount]).in_order()
    return [(lot, used[lot.pk]) for lot in reversed(lots)]


def _change(entry: LedgerEntry, lot: Lot, amount: int) -> None:
    Lot.objects.filter(pk=lot.pk).update(remaining=F("remaining") + amount)
    LotUse.objects.create(entry=entry, lot=lot, amount=amount)
    lot.remaining += amount
