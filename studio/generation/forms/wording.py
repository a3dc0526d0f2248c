"""What stands in place of the prompt when it is written with a template: its fields, and its sections in other words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from studio.prompts import colours
from studio.prompts.content import NEGATIVE, SECTIONS, Content, Field

FIELD, SECTION = "field_", "section_"
"""What the names of their inputs begin with."""
MAX_CHIPS = 4
"""So many short choices stand side by side; more are a list to open."""


class Blank(forms.Field):
    """A field of a template, or a section in other words: taken as it comes, and looked at with all the others (`prompts.filling`)."""

    def __init__(self, *, rules: Field | None = None, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.rules = rules


def blanks(content: Content) -> dict[str, forms.Field]:
    """The inputs for a template by their names."""
    found: dict[str, forms.Field] = {
        f"{FIELD}{one.name}": Blank(rules=one, label=one.title, help_text=one.help, initial=content.defaults[one.name])
        for one in content.fields
    }
    for name, text in rewordable(content).items():
        found[f"{SECTION}{name}"] = Blank(label=section_label(name), initial=text)
    return found


def section_label(name: str) -> str:
    return SECTIONS.get(name, "Leave out")


def rewordable(content: Content) -> dict[str, str]:
    """The sections that may be reworded, and what they say."""
    texts = {one.name: one.text for one in content.sections if not one.locked}
    return texts if content.negative.locked else texts | {NEGATIVE: content.negative.text}


def filled_in(data: Mapping[str, Any], content: Content) -> tuple[dict[str, Any], dict[str, str]]:
    """Values of fields and texts of sections, as the form has them; what it does not name is as the template has it.

    Sections that may not be reworded are passed over, whatever was sent.
    """
    values = {one.name: _plain(one, data[f"{FIELD}{one.name}"]) for one in content.fields if f"{FIELD}{one.name}" in data}
    texts = {name: str(data[f"{SECTION}{name}"]) for name in rewordable(content) if data.get(f"{SECTION}{name}") is not None}
    return values, texts


def collected(query: QueryDict) -> dict[str, Any]:
    """An address or a form as a plain dict: one value a name, the last, but for a field of a template, which may have several."""
    return {name: _several(query.getlist(name)) if name.startswith(FIELD) else query[name] for name in query}


def as_sent(template_values: Mapping[str, Any]) -> dict[str, Any]:
    """What a job was filled in with (`Job.template_values`), by the names of the inputs."""
    fields, sections = template_values.get("fields") or {}, template_values.get("sections") or {}
    return {f"{FIELD}{name}": value for name, value in fields.items()} | {f"{SECTION}{name}": text for name, text in sections.items()}


def _several(values: list[str]) -> Any:
    return values if len(values) > 1 else values[0]


def _plain(rules: Field, value: Any) -> Any:
    if isinstance(value, list) and rules.type != "multi_choice":
        return value[-1] if value else ""
    return value


@dataclass(frozen=True, slots=True)
class Drawn:
    """A field of a template as the panel draws it."""

    rules: Field
    bound: forms.BoundField

    @property
    def value(self) -> str:
        value = _plain(self.rules, self.bound.value())
        return "" if value is None or isinstance(value, list | tuple) else str(value)

    @property
    def chosen(self) -> list[str]:
        value = self.bound.value()
        return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]

    @property
    def is_yes(self) -> bool:
        return self.value.lower() in ("true", "yes", "on", "1")

    @property
    def answers(self) -> list[tuple[str, str]]:
        """What each answer to a yes/no puts into the prompt."""
        return [("Yes", self.rules.yes), ("No", self.rules.no)]

    @property
    def is_short(self) -> bool:
        """Whether all choices fit beside each other."""
        return len(self.rules.choices) <= MAX_CHIPS and sum(map(len, self.rules.choices)) <= 32

    @property
    def colour(self) -> str:
        """What goes into the prompt for the colour, or nothing while it is none."""
        try:
            return colours.words(str(self.rules.clean(self.value) or "#"))
        except (ValueError, KeyError):
            return ""


@dataclass(frozen=True, slots=True)
class DrawnSection:
    """A section as the panel draws it, with its input where it may be reworded."""

    label: str
    text: str
    bound: forms.BoundField | None
