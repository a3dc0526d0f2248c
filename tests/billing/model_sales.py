"""What is sold, in plain Python; see `model.py`. Every fact is written down, and then the purse is brought in step with all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from billing.gateways.facts import CheckoutEnded, Disputed, Fact, Paid, Refunded, RefundTotal
from tests.billing.model import Purse

LATER = ("pending", "succeeded", "failed")


@dataclass
class ModelRefund:
    """`own`: the studio's id of one that was asked for here; `named`: the gateway's, once it told that."""

    amount: int
    own: str = ""
    named: str = ""
    status: str = "pending"

    def move(self, status: str) -> None:
        self.status = max(self.status, status, key=LATER.index)


@dataclass
class ModelSale:
    key: str
    price: int
    millicredits: int
    payment: str = ""
    status: str = "open"
    reported: int = 0
    taken: int = 0
    owed: int = 0
    places: list[int] = field(default_factory=list)
    """Of its lots in the purse: what was bought, and what came back because a refund failed."""
    refunds: list[ModelRefund] = field(default_factory=list)
    disputes: dict[str, list[int | str]] = field(default_factory=dict)
    """Its id -> amount and status."""

    def worth(self, amount: int) -> int:
        return -(-self.millicredits * amount // self.price)

    def disputed(self, status: str) -> int:
        return sum(int(amount) for amount, how in self.disputes.values() if how == status)

    @property
    def refunded(self) -> int:
        stands = sum(one.amount for one in self.refunds if one.status != "failed")
        fell_through = sum(one.amount for one in self.refunds if one.status == "failed" and one.named)
        return min(self.price, max(stands, self.reported - fell_through))

    def write(self, fact: Fact) -> None:
        match fact:
            case Paid(payment_id=payment, amount=amount):
                if not self.payment and amount == self.price:
                    self.payment = payment
            case CheckoutEnded(outcome=outcome):
                self.status = outcome if self.status == "open" else self.status
            case RefundTotal(amount=amount):
                self.reported = max(self.reported, min(amount, self.price))
            case Refunded():
                known = [one for one in self.refunds if one.named == fact.refund_id]
                known += [one for one in self.refunds if fact.own_key and one.own == fact.own_key and not one.named]
                if not known:
                    known = [ModelRefund(fact.amount)]
                    self.refunds += known
                known[0].named = fact.refund_id
                known[0].move(fact.status)
            case Disputed():
                known_as = self.disputes.setdefault(fact.dispute_id, [fact.amount, "open"])
                known_as[1] = fact.status if known_as[1] == "open" else known_as[1]

    def settle(self, purse: Purse) -> None:
        if not self.payment:
            return
        if not self.places:
            self._bring(purse, self.millicredits)
        gone = min(self.price, self.refunded + self.disputed("lost"))
        contested = min(self.price - gone, self.disputed("open"))
        to_take = self.worth(gone)
        to_freeze = self.worth(gone + contested) - to_take
        self._spread(lambda place, amount: -purse.thaw(place, amount), self.frozen(purse) - to_freeze)
        if to_take < self.taken:
            self._bring(purse, self.taken - to_take)
            self.taken = to_take
        self.taken += self._spread(lambda place, amount: _take(purse, place, amount), to_take - self.taken)
        self._spread(purse.freeze, to_freeze - self.frozen(purse))
        self.owed = to_take - self.taken
        self.status = "disputed" if contested else "refunded" if gone == self.price else "part" if gone else "paid"

    def refundable(self, purse: Purse) -> int:
        """Money."""
        if not self.payment or self.disputed("open"):
            return 0
        unused = max(0, min(purse.available, sum(purse.lots[place].free for place in self.places)))
        covered = min(self.price, (self.taken + unused) * self.price // self.millicredits)
        return max(0, covered - self.refunded - self.disputed("lost"))

    def frozen(self, purse: Purse) -> int:
        return sum(purse.lots[place].frozen for place in self.places)

    def frozen_of_disputes(self, purse: Purse) -> list[int]:
        """What is frozen for each: the first dispute first."""
        left, parts = self.frozen(purse), []
        for amount, status in self.disputes.values():
            parts.append(min(left, self.worth(int(amount))) if status == "open" else 0)
            left -= parts[-1]
        return parts

    def _bring(self, purse: Purse, amount: int) -> None:
        purse.bring("sales", amount)
        self.places.append(len(purse.lots) - 1)

    def _spread(self, act: Callable[[int, int], int], amount: int) -> int:
        """Do as much of it as each lot allows, the first lot first; how much that was."""
        done = 0
        for place in self.places:
            if done < amount:
                done += act(place, amount - done)
        return done


def _take(purse: Purse, place: int, amount: int) -> int:
    part = max(0, min(amount, purse.lots[place].free, purse.available))
    if part:
        purse.revoke(place, part)
    return part


class Till:
    """All sales, and what was told of them: each event counts once, and waits for its payment where it names nothing else."""

    def __init__(self) -> None:
        self.sales: list[ModelSale] = []
        self.written: set[str] = set()
        self.waiting: dict[str, Fact] = {}

    def receive(self, event: str, fact: Fact, purse: Purse) -> None:
        self._process(event, fact, purse)
        if isinstance(fact, Paid):
            for one, late in list(self.waiting.items()):
                if getattr(late, "payment_id", "") == fact.payment_id:
                    self._process(one, late, purse)

    def _process(self, event: str, fact: Fact, purse: Purse) -> None:
        if event in self.written:
            return
        key, payment = getattr(fact, "key", ""), getattr(fact, "payment_id", "")
        about = [sale for sale in self.sales if (sale.key == key if key else sale.payment == payment)]
        if not about:
            self.waiting.setdefault(event, fact)
            return
        self.waiting.pop(event, None)
        self.written.add(event)
        about[0].write(fact)
        about[0].settle(purse)
