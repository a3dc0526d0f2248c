"""Passkeys as the studio offers them: a key that signs in alone, unless somebody wants it as a second step only."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django import forms

from accounts.devices import describe

NAME = "Name of the passkey"


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """allauth leaves "passwordless" off, which makes a key that no sign-in page can find without a password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        device = describe(context.request.headers.get("User-Agent", ""))
        if device:
            kwargs["initial"] = {"name": device, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.fields["name"].label = NAME
        self.fields["name"].widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": 100})
        alone = self.fields["passwordless"]
        alone.initial = True
        alone.label = "Sign in with it alone, without a password"
        alone.help_text = "It then asks for a fingerprint, a face or a PIN. Off: only a second step after the password."


class RenamePasskeyForm(EditWebAuthnForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = NAME
        self.fields["name"].widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": 100})
