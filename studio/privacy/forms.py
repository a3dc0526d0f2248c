"""What somebody says who wants to go."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import User


class DeleteAccountForm(forms.Form):
    """What becomes of the work, and the address, typed, so that nobody does it by mistake."""

    work = forms.ChoiceField(
        label="What you made in teams of others",
        choices=[("erase", "Erase it: pictures, prompts and files"), ("leave", "Leave it to those teams, without your name")],
        widget=forms.RadioSelect,
        initial="erase",
        error_messages={"required": "Say what shall become of it."},
    )
    email = forms.EmailField(
        label="Your email address, to be sure",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type your address to delete the account.", "invalid": "This does not look like an email address."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"])
        if email.casefold() != self.user.email.casefold():
            raise forms.ValidationError(f"This is not the address of your account, {self.user.email}.")
        return email
