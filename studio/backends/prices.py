"""What a request costs, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studio.backends.base import GenerationRequest

MILLICREDITS = 1000
"""Millicredits in one credit; one credit is US$0.01."""


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One row of a price explanation: `quantity` × `unit` millicredits = `amount` millicredits."""

    label: str
    quantity: int
    unit: int
    amount: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a request costs, in millicredits, and why. A job keeps the quote it was given.

    `record_per_image` is what one result costs by the engine's record, whatever somebody asks for it here; None in old quotes.
    """

    amount: int
    lines: tuple[QuoteLine, ...]
    price_version: str
    num_images: int
    record_per_image: int | None = None

    @property
    def per_image(self) -> int:
        """Millicredits for one delivered picture; `amount` is always this × `num_images`."""
        return self.amount // self.num_images

    def to_json(self) -> dict[str, Any]:
        return {
            "amount": self.amount,
            "lines": [{"label": x.label, "quantity": x.quantity, "unit": x.unit, "amount": x.amount} for x in self.lines],
            "price_version": self.price_version,
            "num_images": self.num_images,
            "record_per_image": self.record_per_image,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Quote:
        lines = tuple(QuoteLine(**line) for line in data["lines"])
        return cls(data["amount"], lines, data["price_version"], data["num_images"], data.get("record_per_image"))


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Millicredits per picture, and for each step above `included_steps`. `version` names the price list in every explanation.

    `default_steps` count where a request names none; `noun` is what one result is called. `over` is the table of the engine's record,
    in one that stands in its place.
    """

    version: str
    per_image: int
    included_steps: int = 0
    per_extra_step: int = 0
    default_steps: int = 0
    noun: str = "picture"
    over: PriceTable | None = None

    @property
    def usual(self) -> int:
        """Millicredits for one result when nobody changes a setting."""
        return self.per_image + max(0, self.default_steps - self.included_steps) * self.per_extra_step

    def quote(self, request: GenerationRequest) -> Quote:
        count = request.num_images
        lines = [QuoteLine(self.noun if count == 1 else f"{self.noun}s", count, self.per_image, count * self.per_image)]
        steps = request.num_inference_steps or self.default_steps
        extra = max(0, steps - self.included_steps) if self.per_extra_step else 0
        if extra:
            label = f"steps above {self.included_steps}" if self.included_steps else "steps"
            lines.append(QuoteLine(label, extra * count, self.per_extra_step, extra * count * self.per_extra_step))
        amount = sum(line.amount for line in lines)
        record_per_image = self.over.quote(request).per_image if self.over else amount // count
        return Quote(amount, tuple(lines), self.version, count, record_per_image)
