"""The operator's form for a price list: a line for each engine there is, drawn from the engines' records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from billing.credits import MILLICREDITS, credits, to_millicredits
from billing.number_fields import AmountField, CreditsField
from studio.backends.base import Engine, PriceTable
from studio.pricing.models import PriceList
from studio.pricing.services import Draft
from studio.pricing.terms import Terms

PERCENT = 100
"""Hundredths of a percent in one."""
LEAST_MARGIN, LARGEST_MARGIN = Decimal(-100), Decimal(1000)
LARGEST_PRICE = Decimal(100_000)
"""Credits (US$1,000) for one result: a typing mistake is beyond it."""
MOMENT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class EngineLine:
    """An engine's line: its two fields, what its record says, and what a team would pay by what stands in the form."""

    engine: Engine
    margin: forms.BoundField
    price: forms.BoundField
    pays: PriceTable | None

    @property
    def is_below(self) -> bool:
        """Whether a result is sold for less than the record says."""
        return self.pays is not None and self.pays.per_image < self.engine.price.per_image


def _margin(**more: Any) -> AmountField:
    limits = f"A margin is from {LEAST_MARGIN} to {LARGEST_MARGIN} percent."
    messages = {
        "min_value": limits,
        "max_value": limits,
        "invalid": "A margin is a number of percent, like 20 or 12.5.",
        "max_decimal_places": "A margin has two decimals at most.",
    }
    return AmountField(min_value=LEAST_MARGIN, max_value=LARGEST_MARGIN, decimal_places=2, required=False, error_messages=messages, **more)


def _price() -> CreditsField:
    messages = {
        "min_value": "A price cannot be less than 0.",
        "max_value": f"A price is at most {LARGEST_PRICE:,} credits.",
        "invalid": "A price is a number of credits, like 6.5.",
        "max_decimal_places": "A price has two decimals at most: a hundredth of a credit.",
    }
    return CreditsField(min_value=0, max_value=LARGEST_PRICE, decimal_places=2, required=False, error_messages=messages)


class PriceListForm(forms.Form):
    """`draft` of a valid form is what the services take. Without data it starts from a list: the one to change, or the one in force."""

    version = forms.CharField(
        max_length=40,
        label="Name",
        help_text="Everybody sees it beside the price: “Winter 2026”, “2026-12”. Each version has its own.",
        error_messages={"required": "Give this version a name."},
    )
    valid_from = forms.DateTimeField(
        required=False,
        label="Valid from",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        input_formats=[MOMENT],
        error_messages={"invalid": "Write date and time like 2026-12-01T08:00."},
    )
    margin = _margin(
        label="Margin on remote engines, in percent",
        help_text="For those without a line of their own below, also those that the provider adds later.",
    )
    note = forms.CharField(
        max_length=300, required=False, label="Note", help_text="Why these prices: for operators only.", widget=forms.TextInput
    )

    def __init__(self, data: Any = None, *, engines: Sequence[Engine], start: PriceList | None = None, changes: bool = False) -> None:
        """`engines` at their records' prices; `changes`: the list `start` itself is edited, else it is only what to begin with."""
        super().__init__(data, initial=_initial(start, changes), label_suffix="")
        self.engines = engines
        offered = {engine.id for engine in engines}
        # An engine that is away for a while (no key, another worker's) keeps its line.
        self._others = {name: Terms.from_json(one) for name, one in (start.terms if start else {}).items() if name not in offered}
        self.fields["valid_from"].help_text = f"Empty: at once. Times are those of {timezone.get_current_timezone_name()}."
        for engine in engines:
            terms = Terms.from_json(start.terms[engine.id]) if start and engine.id in start.terms else None
            margin, price = _margin(), _price()
            if terms and terms.price is None:
                margin.initial = Decimal(terms.margin) / PERCENT
            elif terms:
                price.initial = Decimal(terms.price or 0) / MILLICREDITS
            for name, field, words in (("margin", margin, "margin in percent"), ("price", price, "price of your own in credits")):
                field.widget.attrs["aria-label"] = f"{engine.label}, {words}"
                self.fields[f"{name}:{engine.id}"] = field

    def clean_valid_from(self) -> Any:
        """The minute that is just now is at once."""
        chosen, now = self.cleaned_data["valid_from"], timezone.now()
        if chosen and chosen < now.replace(second=0, microsecond=0):
            raise forms.ValidationError("That moment has passed. Choose a later one, or leave it empty for at once.")
        return chosen if chosen and chosen > now else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for engine in self.engines:
            margin, price = f"margin:{engine.id}", f"price:{engine.id}"
            if data.get(margin) is not None and data.get(price) is not None:
                self.add_error(price, "Give a margin or a price of your own, not both.")
        return data

    @property
    def draft(self) -> Draft:
        data = self.cleaned_data
        found = ((engine.id, self._terms(engine, data)) for engine in self.engines)
        terms = self._others | {name: one for name, one in found if one is not None}
        return Draft(data["version"], data["valid_from"], _hundredths(data.get("margin")), terms, data["note"])

    @staticmethod
    def _terms(engine: Engine, data: dict[str, Any]) -> Terms | None:
        price, margin = data.get(f"price:{engine.id}"), data.get(f"margin:{engine.id}")
        if price is not None:
            return Terms(price=to_millicredits(price))
        return None if margin is None else Terms(margin=_hundredths(margin))

    @property
    def head(self) -> list[forms.BoundField]:
        """The fields above the engines."""
        return [self[name] for name in ("version", "valid_from", "margin", "note")]

    def lines(self) -> Iterator[EngineLine]:
        """What teams pay is told of what is saved and of what was sent and is right."""
        said = self.cleaned_data if self.is_bound and self.is_valid() else {name: self[name].initial for name in self.fields}
        for engine in self.engines:
            terms = self._terms(engine, said) or Terms(0 if engine.local else _hundredths(said.get("margin")))
            pays = None if self.is_bound and self.errors else terms.over(engine.price, "")
            yield EngineLine(engine, self[f"margin:{engine.id}"], self[f"price:{engine.id}"], pays)


def _initial(start: PriceList | None, changes: bool) -> dict[str, Any]:
    if start is None:
        return {}
    begin: dict[str, Any] = {"margin": Decimal(start.margin) / PERCENT}
    if changes:
        begin |= {"version": start.version, "valid_from": start.valid_from, "note": start.note}
    return begin


def _hundredths(percent: Decimal | None) -> int:
    return int((percent or 0) * PERCENT)


def percent(hundredths: int) -> str:
    """A margin as people read it: 1250 is "12.5 %"."""
    return f"{credits(hundredths * MILLICREDITS // PERCENT)} %"
