"""Forms of budgets: limits, a request for more, and its answer. Amounts are typed in credits."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

from django import forms

from billing.credits import MILLICREDITS, credits, noun, to_millicredits
from billing.models import Budget, BudgetRequest
from billing.number_fields import CreditsField
from billing.services.budgets import Meter

LARGEST = Decimal(100_000_000)
"""Credits (US$1,000,000): a typing mistake, rather than a budget, is beyond it."""


def _amount(label: str, **more: Any) -> CreditsField:
    return CreditsField(label=label, max_value=LARGEST, **more)


class LimitsForm(forms.Form):
    """`whose`: team, everyone, or the key of a member. An empty field is no limit."""

    day = _amount("A day", required=False, min_value=Decimal(0), attrs={"placeholder": "no limit"})
    month = _amount("A month", required=False, min_value=Decimal(0), attrs={"placeholder": "no limit"})

    def __init__(self, *args: Any, whose: str, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": f"{whose}-%s", **kwargs})
        self.whose = whose

    @classmethod
    def of(cls, budget: Budget | None, whose: str) -> LimitsForm:
        limits = {"day": budget.day, "month": budget.month} if budget else {}
        return cls(whose=whose, initial={name: _typed(limit) for name, limit in limits.items() if limit is not None})

    @property
    def limits(self) -> dict[str, int | None]:
        given = {name: self.cleaned_data[name] for name in ("day", "month")}
        return {name: None if amount is None else to_millicredits(amount) for name, amount in given.items()}


class AskForm(forms.Form):
    """How much beyond which of the limits that hold for the person."""

    limit = forms.ChoiceField(label="Beyond", error_messages={"required": "Choose a limit.", "invalid_choice": "Choose a limit."})
    amount = _amount("Credits more", min_value=Decimal("0.001"))
    why = forms.CharField(
        label="What for",
        max_length=300,
        required=False,
        help_text="Whoever answers reads it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, meters: Sequence[Meter], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["limit"].choices = [(one.key, in_words(one)) for one in meters]  # type: ignore[attr-defined]

    @property
    def millicredits(self) -> int:
        return to_millicredits(self.cleaned_data["amount"])


class AnswerForm(forms.Form):
    """An approval grants `amount`, or all that was asked for where the field is not there."""

    decision = forms.ChoiceField(choices=[("approve", "Approve"), ("decline", "Decline")])
    amount = _amount("Credits to grant", required=False, min_value=Decimal("0.001"))
    note = forms.CharField(label="A word to them", max_length=300, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, asked: BudgetRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["amount"] = _typed(asked.amount)

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("decision") == "decline":
            self.errors.pop("amount", None)
        elif "amount" in self.data and given.get("amount") is None and "amount" not in self.errors:
            self.add_error("amount", "Write how many credits, or decline.")
        return given

    @property
    def answer(self) -> dict[str, Any]:
        """What `budget_requests.decide` takes."""
        approve, amount = self.cleaned_data["decision"] == "approve", self.cleaned_data.get("amount")
        granted = to_millicredits(amount) if approve and amount is not None else None
        return {"approve": approve, "amount": granted, "note": self.cleaned_data["note"]}


def in_words(meter: Meter) -> str:
    """ "Your 10 credits for today: 1.5 left"."""
    whose = "Your" if meter.person else "The team’s"
    return f"{whose} {credits(meter.cap)} {noun(meter.cap)} for {meter.period.words}: {credits(meter.left)} left"


def whole_credits(millicredits: int) -> Decimal:
    """Credits, up to a whole one: what somebody asks for."""
    return (Decimal(millicredits) / MILLICREDITS).to_integral_value(ROUND_UP)


def _typed(millicredits: int) -> str:
    return f"{Decimal(millicredits) / MILLICREDITS:f}"
