"""Which days the operator's report is about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import timezone

DAYS = 30
LONGEST = timedelta(days=366)


class DaysForm(forms.Form):
    """`first` and `last`, both included; without them the last 30 days."""

    first = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    last = forms.DateField(label="to", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, asked: Any) -> None:
        today = timezone.localdate()
        usual = {"first": today - timedelta(days=DAYS - 1), "last": today}
        super().__init__({name: asked.get(name) or value for name, value in usual.items()}, label_suffix="")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        first, last = data.get("first"), data.get("last")
        if first and last and first > last:
            raise forms.ValidationError("The first day is after the last. Choose an earlier one.")
        if first and last and last - first >= LONGEST:
            raise forms.ValidationError("That is more than a year. Choose fewer days.")
        if last and last > date.max - timedelta(days=2):
            raise forms.ValidationError("That day is too far away. Choose an earlier one.")
        return data
