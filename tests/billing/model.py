"""What credits do, in plain Python: lists of lots and holds, and no database. The studio's books are compared with it after every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.utils.timezone import localdate

from tests.billing.model_limits import Limits

GRACE = timedelta(days=30)
"""How long a refund lasts whose credits have expired."""
FOREVER = datetime.max


class Refused(Exception):
    """The model would not do it; then nothing has changed."""


@dataclass
class ModelLot:
    source: str
    amount: int
    left: int
    expires: datetime | None = None
    frozen: int = 0

    @property
    def free(self) -> int:
        return self.left - self.frozen


@dataclass
class ModelHold:
    """`took`: what was charged to which lot (its place in the list), less what came back. `who` asked for it, on the day `on`."""

    amount: int
    who: str
    on: date
    status: str = "active"
    captured: int = 0
    refunded: int = 0
    took: dict[int, int] = field(default_factory=dict)

    @property
    def cost(self) -> int:
        return self.amount if self.status == "active" else self.captured - self.refunded


class Purse:
    """One wallet. `moved` is what came from an account (negative) or went to it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.lots: list[ModelLot] = []
        self.holds: dict[str, ModelHold] = {}
        self.moved: dict[str, int] = {}
        self.lines = 0
        """Entries that the ledger should have."""
        self.limits = Limits()

    # --- what there is ------------------------------------------------------------------------------------------------------
    @property
    def balance(self) -> int:
        return sum(lot.left for lot in self.lots)

    @property
    def held(self) -> int:
        return sum(hold.amount for hold in self.holds.values() if hold.status == "active")

    @property
    def frozen(self) -> int:
        return sum(lot.frozen for lot in self.lots)

    @property
    def available(self) -> int:
        return self.balance - self.held - self.frozen

    @property
    def spendable(self) -> int:
        """What a hold may set aside: what has expired is gone, taken out or not."""
        return self.available - sum(amount for _, amount in self.to_expire())

    def costs(self) -> list[tuple[str, date, int]]:
        """Of all work: who asked for it, when, and what it takes from a budget."""
        return [(hold.who, hold.on, hold.cost) for hold in self.holds.values()]

    def in_order(self) -> list[int]:
        """Places of the lots that something is left of: what expires first, then what came first."""
        left = [place for place, lot in enumerate(self.lots) if lot.left]
        return sorted(left, key=lambda place: (self._end(place), place))

    def _end(self, place: int) -> datetime:
        expires = self.lots[place].expires
        return FOREVER if expires is None else expires.replace(tzinfo=None)

    # --- what is done ---------------------------------------------------------------------------------------------------------
    def bring(self, source: str, amount: int, expires: datetime | None = None) -> None:
        self.lots.append(ModelLot(source, amount, amount, expires))
        self._move(source, -amount)

    def hold(self, reference: str, amount: int, who: str = "") -> None:
        """Raises `model_limits.OverLimit` as well. `who`: a name; "" for nobody."""
        if self.spendable < amount:
            raise Refused
        self.limits.spend(self.costs(), localdate(self.now), who, amount)
        self.expire()
        self.holds[reference] = ModelHold(amount, who, localdate(self.now))
        self.lines += 1

    def capture(self, reference: str, amount: int) -> None:
        hold = self.holds[reference]
        if hold.status != "active" or amount > hold.amount:
            raise Refused
        hold.status, hold.captured = "captured", amount
        hold.took = self.take(amount)
        self._move("spent", amount)

    def void(self, reference: str) -> None:
        hold = self.holds[reference]
        if hold.status == "captured":
            raise Refused
        if hold.status == "active":
            hold.status = "voided"
            self.lines += 1

    def refund(self, reference: str, amount: int) -> None:
        hold = self.holds[reference]
        if amount > hold.captured - hold.refunded:
            raise Refused
        self.expire()
        hold.refunded += amount
        self._move("spent", -amount)
        used = sorted((place for place, took in hold.took.items() if took), key=lambda place: (self._end(place), place))
        for place in reversed(used):
            lot, back = self.lots[place], min(hold.took[place], amount)
            if back and lot.expires and lot.expires <= self.now:
                lot.expires = self.now + GRACE
            lot.left += back
            hold.took[place] -= back
            amount -= back

    def to_expire(self) -> list[tuple[int, int]]:
        """What of which lot expires now: holds keep what they need, of what would be spent first."""
        due = [place for place in self.in_order() if self._end(place) <= self.now.replace(tzinfo=None)]
        left, found = sum(self.lots[place].free for place in due) - self.held, []
        for place in reversed(due):
            amount = min(self.lots[place].free, max(0, left))
            left -= amount
            if amount:
                found.append((place, amount))
        return found

    def expire(self) -> int:
        expiring = self.to_expire()
        for place, amount in expiring:
            self.lots[place].left -= amount
            self._move("expired", amount)
        return sum(amount for _, amount in expiring)

    def revoke(self, place: int, amount: int) -> None:
        lot = self.lots[place]
        if amount > min(lot.free, self.available):
            raise Refused
        lot.left -= amount
        self._move(lot.source, amount)

    def freeze(self, place: int, amount: int) -> int:
        change = min(amount, self.lots[place].free, self.available)
        return self._frozen(place, change)

    def thaw(self, place: int, amount: int) -> int:
        return self._frozen(place, -min(amount, self.lots[place].frozen))

    def correct(self, amount: int) -> None:
        if -amount > self.available - sum(due for _, due in self.to_expire()):
            raise Refused
        if amount > 0:
            self.bring("operator", amount)
        else:
            self.expire()
            self.take(-amount)
            self._move("operator", -amount)

    # --- how ------------------------------------------------------------------------------------------------------------------
    def take(self, amount: int) -> dict[int, int]:
        took = {}
        for place in self.in_order():
            part = min(self.lots[place].free, amount)
            if part:
                self.lots[place].left -= part
                took[place] = part
                amount -= part
        assert not amount, "the model has lost credits"
        return took

    def _frozen(self, place: int, change: int) -> int:
        self.lots[place].frozen += change
        self.lines += bool(change)
        return change

    def _move(self, account: str, amount: int) -> None:
        self.moved[account] = self.moved.get(account, 0) + amount
        self.lines += 1
