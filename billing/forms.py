"""Forms of credits: what the operator grants and corrects, what is bought and given back, when a team is warned."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from billing.credits import credits, noun, to_millicredits
from billing.gateways.base import Gateway
from billing.models import Account, PackPrice, Wallet
from billing.number_fields import CreditsField

LARGEST_GRANT = Decimal(10_000_000)
"""Credits (US$100,000): a typing mistake, rather than a gift, is beyond it."""


def after(day: date) -> datetime:
    """The moment at which a day is over, in the studio's time zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time()))


class DayField(forms.DateField):
    """A day that is not over yet, as a calendar; cleaned to the moment at which it is (`after`), or None."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "widget": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs})

    def clean(self, value: Any) -> datetime | None:
        day = super().clean(value)
        if day is None:
            return None
        if day < timezone.localdate() or day.year > 9000:
            raise forms.ValidationError("This day is over, or never comes. Choose today or a later one.", code="over")
        return after(day)


class KeyField(forms.UUIDField):
    """Made when the form is drawn, and hidden in it, so that sending it twice does once what it says."""

    def __init__(self) -> None:
        again = "This form has lost its key. Open the page again."
        super().__init__(widget=forms.HiddenInput, initial=uuid.uuid4, error_messages={"required": again, "invalid": again})


class KeyedForm(forms.Form):
    """Its hidden key was made when the form was drawn, so that sending it twice moves credits once; `reference` is what services take."""

    reason = forms.CharField(
        label="Reason",
        max_length=200,
        error_messages={"required": "Say why."},
        help_text="Everyone in the team reads this on their wallet page.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    key = KeyField()

    @property
    def millicredits(self) -> int:
        return to_millicredits(self.cleaned_data["amount"])

    @property
    def reference(self) -> str:
        return f"operator:{self.cleaned_data['key']}"


class GrantForm(KeyedForm):
    """`millicredits` and `reference` of the cleaned form are what `grant` takes."""

    amount = CreditsField(
        label="Credits",
        min_value=Decimal("0.001"),
        max_value=LARGEST_GRANT,
        help_text="1 credit = US$0.01. Down to a thousandth of a credit.",
    )
    source = forms.ChoiceField(
        label="What it is",
        choices=[(Account.OPERATOR, "A grant: credits that the team needs, or is owed"), (Account.PROMOTIONS, "A gift or a promotion")],
        initial=Account.OPERATOR,
        required=False,
        help_text="The books keep the two apart.",
    )
    expires_at = DayField(
        label="Last day", help_text="What is left after this day expires. Empty: it lasts. What expires first is spent first."
    )
    field_order = ("amount", "reason", "source", "expires_at", "key")

    def clean_source(self) -> Account:
        return Account(self.cleaned_data["source"] or Account.OPERATOR)


class CorrectionForm(KeyedForm):
    """The same for `correct`: an amount with a sign, and why."""

    amount = CreditsField(
        label="Credits",
        min_value=-LARGEST_GRANT,
        max_value=LARGEST_GRANT,
        help_text="What is added, or taken when it begins with a minus. The entry that was wrong stays as it is.",
    )
    field_order = ("amount", "reason", "key")

    def clean_amount(self) -> Decimal:
        amount: Decimal = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError("A correction of nothing corrects nothing. Give an amount other than 0.")
        return amount


class BuyForm(forms.Form):
    """What is bought, and how it is paid. The hidden key was made when the form was drawn, so that sending it twice is one purchase."""

    price = forms.ModelChoiceField(
        queryset=PackPrice.objects.none(),
        error_messages={"required": "Choose a pack.", "invalid_choice": "This pack is not sold any more."},
    )
    gateway = forms.ChoiceField(
        label="How to pay", error_messages={"required": "Choose how to pay.", "invalid_choice": "Choose how to pay."}
    )
    key = KeyField()

    def __init__(self, *args: Any, currencies: Sequence[str], gateways: Sequence[Gateway], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price, gateway = self.fields["price"], self.fields["gateway"]
        price.queryset = PackPrice.objects.filter(pack__is_active=True, currency__in=currencies).select_related("pack")  # type: ignore[attr-defined]
        gateway.choices = [(one.name, one.label) for one in gateways]  # type: ignore[attr-defined]
        gateway.initial = gateways[0].name if gateways else ""


class RefundForm(forms.Form):
    """`amount` is what the button said: when less can go back by now, the form is shown again. The operator gives a reason."""

    amount = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    key = KeyField()
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        required=False,
        help_text="The team reads it at its purchase.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )


class ConfirmForm(forms.Form):
    """The operator says that the money of an invoice has come."""

    note = forms.CharField(
        label="Note",
        max_length=200,
        required=False,
        help_text="Such as the date and the line of the bank statement. Operators read it.",
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )
    sure = forms.BooleanField(widget=forms.HiddenInput, initial=True)


class AlertForm(forms.Form):
    """Below how many credits people are warned; empty: never."""

    low_below = CreditsField(
        label="Warn when fewer credits are left than",
        required=False,
        min_value=Decimal("0.001"),
        max_value=LARGEST_GRANT,
        attrs={"class": "short num", "placeholder": "never"},
        error_messages={
            "invalid": "Give a number of credits, or leave it empty for no warning.",
            "min_value": "Give a number above 0, or leave it empty for no warning.",
            "max_value": "That is more than a wallet can hold. Give a smaller number.",
        },
    )

    @classmethod
    def of(cls, wallet: Wallet) -> AlertForm:
        low = wallet.low_below
        return cls(initial={"low_below": credits(low).replace(",", "") if low else ""})

    @property
    def millicredits(self) -> int | None:
        amount = self.cleaned_data["low_below"]
        return None if amount is None else to_millicredits(amount)

    @property
    def told(self) -> str:
        """What was done, for the person who did it."""
        amount = self.millicredits
        if amount is None:
            return "Nobody is warned any more."
        return f"Those who administer the team are warned when fewer than {credits(amount)} {noun(amount)} are left."


class RedeemForm(forms.Form):
    """A code as it was typed; whether it can be redeemed, and by whom, is not the form's business."""

    code = forms.CharField(max_length=60, error_messages={"required": "Type the code that you were given."})
