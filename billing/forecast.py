"""When credits run out at the pace of the last days, and which of them expire before that.

The method is plain, so that a team can check it: the mean of what was spent on the last `DAYS` days, each day like the others. Credits
are spent in their order (what expires first goes first), and what is not spent when its day comes is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from billing.models import Lot, Wallet

DAYS = 14
"""Days that the mean is taken over; fewer when the first charge is more recent."""
ENOUGH = 3
"""Days with and since the first charge without which nothing is said."""
FAR = 366
"""Days beyond which nothing exact is said."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """`pace` is millicredits a day, the mean of `over` days; `days` until the credits run out, on `day`.

    `days` is None where nothing is spent, where there is too little to go by (`over` is 0 then), or beyond a year (`is_far`). `lost` are
    the millicredits that expire before they are spent.
    """

    pace: int
    over: int
    days: int | None = None
    day: date | None = None
    lost: int = 0
    is_far: bool = False


@dataclass(frozen=True, slots=True)
class Expiring:
    """What expires next, and on which day; `later` is what else has a day."""

    amount: int
    day: date
    later: int


def forecast(wallet: Wallet, lots: Sequence[Lot], now: datetime | None = None) -> Forecast:
    """`lots` are those that something is left of, in their order (`Lot.objects.left().in_order()`). Two queries."""
    now = now or timezone.now()
    charges = wallet.entries.charges()
    first = charges.filter(created_at__lte=now).order_by("created_at").values_list("created_at", flat=True).first()
    over = min(DAYS, (now - first) // timedelta(days=1) + 1) if first else 0
    if over < ENOUGH:
        return Forecast(0, 0)
    pace = max(0, charges.spent_since(now - timedelta(days=over))) // over
    if not pace:
        return Forecast(0, over)
    days, lost = _run_out(lots, pace, wallet.held, now)
    if days > FAR:
        return Forecast(pace, over, lost=lost, is_far=True)
    return Forecast(pace, over, int(days), timezone.localdate(now + timedelta(days=days)), lost)


def _run_out(lots: Sequence[Lot], pace: int, held: int, now: datetime) -> tuple[float, int]:
    """In how many days the lots are used up, and how much of them expires before. What is held is as good as spent."""
    elapsed, lost = 0.0, 0
    for lot in lots:
        free = max(0, lot.free - held)
        held = max(0, held - lot.free)
        if lot.expires_at is None:
            elapsed += free / pace
            continue
        left = max(0.0, (lot.expires_at - now) / timedelta(days=1) - elapsed)
        spent = min(free, int(pace * left))
        lost += free - spent
        elapsed += spent / pace
    return elapsed, lost


def expiring(lots: Sequence[Lot]) -> Expiring | None:
    """What of these lots expires next, without what has; those that end on one day together."""
    dated = [(timezone.localdate(lot.expires_at), lot.remaining) for lot in lots if lot.expires_at and not lot.has_expired]
    if not dated:
        return None
    day = min(day for day, _ in dated)
    soon = sum(left for one, left in dated if one == day)
    return Expiring(soon, day, sum(left for _, left in dated) - soon)
