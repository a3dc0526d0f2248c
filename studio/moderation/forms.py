"""What an admin writes about words."""

from __future__ import annotations

from typing import Any

from django import forms

from studio.moderation.rules import parse


class WordListField(forms.CharField):
    """A list of words, a line an entry; empty is fine."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "dir": "auto"})
        super().__init__(required=False, max_length=40_000, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value)).replace("\r\n", "\n")
        try:
            parse(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return text


class WordsForm(forms.Form):
    """The two lists of a team."""

    blocked = WordListField(
        label="Not allowed here",
        help_text="A word or phrase on each line; “castle*” stands for all that begin like it.",
    )
    allowed = WordListField(
        label="Allowed all the same",
        help_text="Words of the studio’s list that this team may use, as in a class of life drawing.",
    )


class SampleForm(forms.Form):
    """A prompt to try the words on."""

    sample = forms.CharField(
        label="Try a prompt",
        max_length=10_000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": "Write a prompt to try."},
    )
