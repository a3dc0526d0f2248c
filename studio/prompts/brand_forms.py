"""What an admin writes about a brand rule, and what is tried on them. What makes sense of it, `services.brand` says."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from studio.prompts.brand import Wish, read_ratio
from studio.prompts.models import BrandRule
from studio.prompts.services.brand import Draft

Kind = BrandRule.Kind


def _pixels(label: str, help_text: str) -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"class": "short", "min": 1, "inputmode": "numeric"})
    wrong = {"invalid": "Write a whole number of pixels."}
    return forms.IntegerField(label=label, required=False, help_text=help_text, widget=widget, error_messages=wrong)


class RuleForm(forms.Form):
    """What every rule has; `draft` of the cleaned form is what the services take."""

    name = forms.CharField(
        label="Name",
        max_length=200,
        help_text="A refusal begins with it, as in “No rivals” does not allow “Acme”.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
        error_messages={"required": "Give the rule a name: a refusal says it."},
    )
    advice = forms.CharField(
        label="Advice",
        required=False,
        max_length=1000,
        help_text="What to do instead, in a sentence: Say “our mug” instead.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )

    def __init__(self, data: Any = None, **kwargs: Any) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        self.order_fields([name for name in self.fields if name != "advice"])

    @property
    def draft(self) -> Draft:
        return Draft(**self.cleaned_data)


class WordsForm(RuleForm):
    words = forms.CharField(
        label="Words",
        max_length=40_000,
        help_text="A word or phrase on each line. “castle*” stands for all that begin like it; spelling tricks do not help.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "dir": "auto"}),
        error_messages={"required": "Write a word or phrase on each line."},
    )


class SizeForm(RuleForm):
    minimum = _pixels("Shorter side, at least", "Pixels. Empty: no limit.")
    maximum = _pixels("Longer side, at most", "Pixels. Empty: no limit.")
    ratios = forms.CharField(
        label="Shapes that are allowed",
        required=False,
        max_length=400,
        help_text="Width to height, as in 1:1, 4:5, 16:9. Empty: any. A picture may be 5 % off.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean_ratios(self) -> list[str]:
        return [one for one in re.split(r"[,;\n]+|\s+and\s+|(?<=\d)\s+(?=\d)", self.cleaned_data["ratios"]) if one.strip()]


def form_for(kind: str, data: Any = None, rule: BrandRule | None = None) -> RuleForm:
    """The form of a kind of rule, empty or with what a rule says now."""
    made = SizeForm if kind == Kind.SIZE else WordsForm
    now = {"ratios": ", ".join(rule.ratios)} if rule else {}
    return made(data, initial={name: getattr(rule, name) for name in made.base_fields} | now if rule else {})


class TrialForm(forms.Form):
    """A prompt, and a size or shape, to try the rules on."""

    sample = forms.CharField(
        label="Prompt", required=False, max_length=10_000, widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})
    )
    size = forms.CharField(
        label="Size or shape",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "1024 × 768 or 16:9"}),
    )

    _PIXELS = re.compile(r"\s*(\d{2,5})\s*[x×*]\s*(\d{2,5})\s*")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("sample") and not data.get("size"):
            self.add_error("sample", "Write a prompt to try, or a size.")
        if data.get("size") and not self._PIXELS.fullmatch(data["size"]):
            try:
                read_ratio(data["size"])
            except ValueError:
                self.add_error("size", "Write a size in pixels, like 1024 × 768, or a shape, like 16:9.")
        return data

    @property
    def wish(self) -> Wish:
        """What is asked of the rules; call it only on a valid form."""
        prompt, size = self.cleaned_data["sample"], self.cleaned_data["size"]
        pixels = self._PIXELS.fullmatch(size)
        if pixels and 0 not in (int(pixels[1]), int(pixels[2])):
            return Wish(prompt, int(pixels[1]), int(pixels[2]))
        return Wish(prompt, shape=size)
