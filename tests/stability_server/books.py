"""Every charge, in the order in which they were made: the provider's side of the money."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from tests.stability_server.accounts import Key, Organization


class InsufficientBalance(Exception):
    def __init__(self, need: Decimal, have: Decimal) -> None:
        super().__init__(f"need {need}, have {have}")
        self.need, self.have = need, have


@dataclass(frozen=True, slots=True)
class Charge:
    """Credits taken for one call. `generation` is the id that an asynchronous submit answered with, else empty."""

    at: float
    key: str
    organization: str
    endpoint: str
    credits: Decimal
    request_id: str
    generation: str
    finish_reason: str

    def summary(self) -> dict[str, Any]:
        return asdict(self) | {"at": round(self.at, 3), "credits": str(self.credits)}


class Books:
    """Check-and-charge is one step, whichever thread asks: two calls never spend the same credit."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._charges: list[Charge] = []

    def __iter__(self) -> Iterator[Charge]:
        return iter(tuple(self._charges))

    def __len__(self) -> int:
        return len(self._charges)

    def __getitem__(self, place: int) -> Charge:
        return self._charges[place]

    def total(self, secret: str | None = None) -> Decimal:
        """Credits charged: to one key, or to all."""
        return sum((charge.credits for charge in self if secret in (None, charge.key)), Decimal(0))

    def charge(self, key: Key, organization: Organization, credits: Decimal, **what: str) -> Charge:
        """Take credits from an organization and write it down. Raises `InsufficientBalance`, and then nothing was taken."""
        charge = Charge(at=self._clock(), key=key.secret, organization=organization.id, credits=credits, **what)
        with self._lock:
            if organization.balance < credits:
                raise InsufficientBalance(credits, organization.balance)
            organization.balance -= credits
            self._charges.append(charge)
        return charge

    def take_back(self, charge: Charge, organization: Organization) -> None:
        """Undo a charge: what was to be made could not be made."""
        with self._lock:
            self._charges.remove(charge)
            organization.balance += charge.credits
