"""Why a queue is paused."""

from __future__ import annotations

from django import forms

from studio.generation.services.queues import REASON


class PauseForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=REASON,
        help_text="It stands on the card of each job that waits. Left empty, people read there: “Paused by the operator.”",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "placeholder": "A new model comes, back at five"}),
    )
