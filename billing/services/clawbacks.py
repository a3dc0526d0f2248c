"""Credits that are taken back or stand still because money went back, or may: as far as they are left, and lot by lot.

Packs (`settling`) and plans (`reversals`) say of which lots and how many. `name` gives each move its reference, `part` says an amount in
words: "996 of 1,000 credits". The wallet must be locked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from accounts.models import User
from billing.models import Lot, Wallet
from billing.services import wallets

Name = Callable[[], str]
Part = Callable[[int], str]


def take_back(lots: Sequence[Lot], wanted: int, name: Name, part: Part, *, actor: User | None = None) -> int:
    """Up to `wanted` millicredits, because `actor` asked for the money; how many it were."""
    missing = wanted
    for lot in lots:
        amount = min(missing, _left(lot))
        if amount > 0:
            wallets.revoke(lot, amount, reference=name(), description=f"Money went back for {part(amount)}", actor=actor)
            missing -= amount
    return wanted - missing


def thaw(lots: Sequence[Lot], limit: int, name: Name, part: Part) -> None:
    """Leave at most `limit` frozen."""
    excess = frozen(lots) - limit
    for lot in lots:
        amount = min(excess, lot.frozen)
        if amount > 0:
            wallets.thaw(lot, amount, reference=name(), description=f"No longer disputed: {part(amount)}")
            excess -= amount


def freeze(lots: Sequence[Lot], target: int, name: Name, part: Part) -> None:
    """Freeze up to `target` in all."""
    missing = target - frozen(lots)
    for lot in lots:
        amount = min(missing, _left(lot)) if missing > 0 else 0
        if amount > 0:
            wallets.freeze(lot, amount, reference=name(), description=f"Payment disputed: {part(amount)}")
            missing -= amount


def frozen(lots: Sequence[Lot]) -> int:
    return sum(lot.frozen for lot in lots)


def _left(lot: Lot) -> int:
    """What can leave it: the wallet may have set aside what lies in its lots."""
    return min(lot.free, Wallet.objects.get(pk=lot.wallet_id).free)
