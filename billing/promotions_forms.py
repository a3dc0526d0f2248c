"""The operator's form for making codes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms

from billing.credits import to_millicredits
from billing.forms import LARGEST_GRANT, DayField, KeyField
from billing.models import PromoCode
from billing.models.promotions import key_of
from billing.number_fields import CountField, CreditsField

MOST = 1000
"""Codes that are made by one press."""


class CodesForm(forms.Form):
    """`terms` of the cleaned form are what `promotions.make_codes` takes. A form that is sent twice (its key) makes codes once."""

    label = forms.CharField(
        label="What for",
        max_length=100,
        error_messages={"required": "Say what for."},
        help_text="Everyone in a team that redeems a code reads this on its wallet page.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    credits = CreditsField(label="Credits", min_value=Decimal("0.001"), max_value=LARGEST_GRANT, help_text="What each redemption brings.")
    count = CountField(label="How many codes", min_value=1, max_value=MOST, initial=1)
    own = forms.CharField(
        label="A code of your own",
        max_length=40,
        required=False,
        help_text="Letters and digits, at least 6; it can be guessed. Empty: codes that nobody guesses, like 7K2M-9QXV-3D4T.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    max_redemptions = CountField(
        label="Redeemed at most", min_value=1, max_value=1_000_000, initial=1, required=False, help_text="Times, each. Empty: any number."
    )
    who = forms.ChoiceField(label="Who may", choices=PromoCode.For.choices, initial=PromoCode.For.ANY)
    valid_from = forms.DateTimeField(label="Can be redeemed from", required=False, help_text="Empty: at once.")
    valid_until = DayField(label="Can be redeemed until", help_text="The last day. Empty: until it is used up or stopped.")
    expires_in_days = CountField(
        label="Credits last", min_value=1, max_value=3660, required=False, help_text="Days after they were redeemed. Empty: they last."
    )
    expires_at = DayField(label="or until", help_text="The last day of the credits, whenever they were redeemed.")
    key = KeyField()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        own = data.get("own", "")
        if own and not key_of(own):
            self.add_error("own", "A code has 6 to 40 letters (A to Z) and digits.")
        if own and (data.get("count") or 1) > 1:
            self.add_error("count", "A code of your own is one code.")
        if data.get("expires_in_days") and data.get("expires_at"):
            self.add_error("expires_at", "Give days or a last day, not both.")
        begin, end = data.get("valid_from"), data.get("valid_until")
        if begin and end and begin >= end:
            self.add_error("valid_until", "This lies before it begins.")
        return data

    @property
    def terms(self) -> dict[str, Any]:
        same = ("label", "max_redemptions", "who", "valid_from", "valid_until", "expires_in_days", "expires_at")
        return {"amount": to_millicredits(self.cleaned_data["credits"]), **{name: self.cleaned_data[name] for name in same}}
