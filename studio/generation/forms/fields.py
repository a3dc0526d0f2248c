"""A field for every kind of parameter that an engine may have."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from math import gcd, log
from typing import Any

from django import forms

from studio.backends.base import Parameter, SizeRules

TEXT_LENGTH = 2000
"""Characters of a text that has no limit of its own."""
TYPED_LENGTH = 20_000
"""Characters that are kept of what somebody types, however little of it leaves for an engine."""
MAY_VARY = re.compile(r"\{[^{}]*\||__")
"""What alternatives and lists have: of such a prompt only a part leaves for the engine."""


_WIDE = ((1, 1), (5, 4), (4, 3), (3, 2), (16, 9), (2, 1), (21, 9))
USUAL = (*_WIDE, *((high, wide) for wide, high in _WIDE[1:]))
"""Ratios that people know by name, width to height."""
NEAR = 0.05
"""So far, as a part of it, a shape may be from the ratio that it is called by."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One button of the shape picker: `value` is `512x512` or `1:1`, `label` the aspect ratio, `ratio` width over height."""

    value: str
    label: str
    ratio: float

    @classmethod
    def of_size(cls, width: int, height: int) -> Shape:
        """Labelled with the usual ratio that it is close to, else with its own."""
        shared, ratio = gcd(width, height), width / height
        label = f"{width // shared}:{height // shared}"
        near = min(USUAL, key=lambda one: abs(log(ratio * one[1] / one[0])))
        if abs(log(ratio * near[1] / near[0])) < NEAR:
            label = f"{near[0]}:{near[1]}"
        return cls(f"{width}x{height}", label, ratio)

    @classmethod
    def of_ratio(cls, text: str) -> Shape:
        wide, high = map(float, text.split(":"))
        return cls(text, text, wide / high)


class PromptField(forms.CharField):
    """Text as people write it: NFC, line ends unified, control characters become spaces (nothing draws them, PostgreSQL has no NUL).

    Marks that turn the order of letters around are dropped: text of both directions needs none, and with them a prompt reads as another.
    """

    TURNS = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))

    def __init__(self, *, label: str, most: int, length: Callable[[str], int] = len, **options: Any) -> None:
        """`most` characters, counted by `length`: an engine's own way, where only a part of what is typed leaves for it."""
        super().__init__(label=label, **options)
        self._most, self._length = most, length

    def to_python(self, value: Any) -> str:
        text = unicodedata.normalize("NFC", str(value or "")).replace("\r\n", "\n").replace("\r", "\n").translate(self.TURNS)
        return "".join(" " if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in text).strip()

    def validate(self, value: str) -> None:
        super().validate(value)
        for count, most in ((self._length, self._most), (len, TYPED_LENGTH)):
            # With alternatives it becomes shorter; then the form looks at what comes out.
            if (problem := too_long(str(self.label), value, most, count)) and (count is len or not MAY_VARY.search(value)):
                raise forms.ValidationError(problem, code="max_length")


def too_long(label: str, text: str, most: int, count: Callable[[str], int]) -> str:
    """A sentence for a text of more than `most` characters, as `count` counts them; else nothing."""
    length = count(text)
    return f"{label} may have at most {most:,} characters; this has {length:,}. Shorten it." if length > most else ""


def parameter_field(parameter: Parameter) -> forms.Field:
    """The field of a parameter; `field.parameter` is what templates draw it by. Left empty, the parameter's default counts."""
    common: dict[str, Any] = {"label": parameter.label, "help_text": parameter.help, "initial": parameter.default}
    common["required"] = parameter.required and parameter.default is None
    common["error_messages"] = {"required": f"Fill in “{parameter.label}”."}
    field = _field(parameter, common)
    field.parameter = parameter  # type: ignore[attr-defined]
    if parameter.kind == "aspect-ratio":
        field.shapes = [Shape.of_ratio(choice) for choice in parameter.choices]  # type: ignore[attr-defined]
    return field


def _field(parameter: Parameter, common: dict[str, Any]) -> forms.Field:
    label = parameter.label
    if parameter.kind == "text":
        return PromptField(most=parameter.max_length or TEXT_LENGTH, widget=forms.TextInput(attrs={"dir": "auto"}), **common)
    if parameter.kind == "boolean":
        return forms.BooleanField(**{**common, "required": False})
    if parameter.choices:
        wrong = {"invalid_choice": f"{label} “%(value)s” is not one of the choices. Pick another."}
        common["error_messages"] |= wrong
        return forms.ChoiceField(choices=[(one, words_for(one, parameter.choices)) for one in parameter.choices], **common)
    common["error_messages"] |= {
        "min_value": f"{label} must be at least %(limit_value)s.",
        "max_value": f"{label} must be at most %(limit_value)s.",
        "invalid": f"{label} must be a {'whole ' if parameter.kind == 'integer' else ''}number.",
    }
    number: Any = forms.IntegerField if parameter.kind == "integer" else forms.FloatField
    field: forms.Field = number(min_value=parameter.minimum, max_value=parameter.maximum, **common)
    field.widget.attrs["step"] = parameter.step or ("any" if parameter.kind == "float" else 1)
    return field


WORDS = {"png": "PNG", "jpeg": "JPEG", "webp": "WebP", "mp3": "MP3", "wav": "WAV", "3d-model": "3D model"}


def words_for(choice: str, among: tuple[str, ...] = ()) -> str:
    """A choice as people write it: `neon-punk` is "Neon punk", `FAST_BLUE` "Fast blue"; a name such as "DPM++ 2M" stays as it is."""
    if choice in WORDS:
        return WORDS[choice]
    if choice.islower() or any("_" in one for one in among):
        plain = choice.replace("-", " ").replace("_", " ").lower()
        return plain[:1].upper() + plain[1:]
    return choice


def size_fields(rules: SizeRules) -> dict[str, forms.Field]:
    """`size` where there is a list of them, else `width` and `height`."""
    if rules.choices:
        return {
            "size": forms.ChoiceField(
                label="Shape",
                choices=[(f"{w}x{h}", f"{w} × {h}") for w, h in rules.choices],
                initial="{}x{}".format(*rules.default),
                required=False,
                widget=forms.RadioSelect,
                error_messages={"invalid_choice": "This engine does not make that size. Pick one of the shapes."},
            )
        }
    fields: dict[str, forms.Field] = {}
    for name, value in zip(("width", "height"), rules.default, strict=True):
        whole = {"invalid": f"{name.title()} must be a whole number of pixels."}
        fields[name] = forms.IntegerField(label=name.title(), initial=value, required=False, error_messages=whole)
        fields[name].widget.attrs.update(min=rules.minimum, max=rules.maximum, step=rules.multiple_of)
    return fields


def count_field(label: str, most: int, refusal: str) -> forms.IntegerField:
    """How many at once."""
    messages = dict.fromkeys(("min_value", "max_value", "invalid"), refusal)
    return forms.IntegerField(label=label, min_value=1, max_value=most, initial=1, required=False, error_messages=messages)


def seed_field(most: int) -> forms.IntegerField:
    refusal = f"A seed is a whole number from 0 to {most}. Leave it empty for a random one."
    messages = dict.fromkeys(("min_value", "max_value", "invalid"), refusal)
    return forms.IntegerField(label="Seed", min_value=0, max_value=most, required=False, error_messages=messages)
