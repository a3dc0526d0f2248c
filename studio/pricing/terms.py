"""The arithmetic of a price list: what it makes of the price in an engine's record. Whole millicredits, rounded in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from studio.backends.base import PriceTable

HUNDREDTH = 10
"""Millicredits in a hundredth of a credit: a price with a margin is rounded up to whole ones."""
WHOLE = 10_000
"""Hundredths of a percent in 100 %: how margins are kept."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a price list says of an engine: a margin over its record's price, in hundredths of a percent, or a price in its place, in
    millicredits for one result. A surcharge for steps bears the margin; beside a price of one's own it stays as the record has it.
    """

    margin: int = 0
    price: int | None = None

    def over(self, table: PriceTable, version: str) -> PriceTable:
        """The prices that a team pays. Their version names the list and the record's own: "Winter (stability 2026-09-22)"."""
        named = replace(table, version=f"{version} ({table.version})", over=table)
        if self.price is not None:
            return replace(named, per_image=self.price)
        per_image, per_extra_step = with_margin(table.per_image, self.margin), with_margin(table.per_extra_step, self.margin)
        return replace(named, per_image=per_image, per_extra_step=per_extra_step)

    def to_json(self) -> dict[str, int]:
        return {"margin": self.margin} if self.price is None else {"price": self.price}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Terms:
        return cls(**data)


def with_margin(price: int, margin: int) -> int:
    """`price` and a margin in hundredths of a percent, up to the next hundredth of a credit; without a margin the price as it is."""
    if not margin:
        return price
    return -(-price * (WHOLE + margin) // (WHOLE * HUNDREDTH)) * HUNDREDTH
