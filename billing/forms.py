"""The operator's form for granting credits."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django import forms

from billing.credits import to_millicredits

LARGEST_GRANT = Decimal(10_000_000)
"""Credits (US$100,000): a typing mistake, rather than a gift, is beyond it."""


class GrantForm(forms.Form):
    """`millicredits` and `reference` of the cleaned form are what `grant` takes.

    The hidden key was made when the form was drawn, so that sending it twice grants once.
    """

    amount = forms.DecimalField(
        label="Credits",
        min_value=Decimal("0.001"),
        max_value=LARGEST_GRANT,
        decimal_places=3,
        help_text="1 credit = US$0.01. Down to a thousandth of a credit.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        help_text="Everyone in the team reads this on their wallet page.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].initial = uuid.uuid4

    @property
    def millicredits(self) -> int:
        return to_millicredits(self.cleaned_data["amount"])

    @property
    def reference(self) -> str:
        return f"operator:{self.cleaned_data['key']}"
