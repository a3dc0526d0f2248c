"""A grid: the same picture over and over, with one thing changed along each side.

What may be changed is a setting of the engine, a field of the template, the seed, or words of the prompt: the first value is looked for
there, and each of the others takes its place.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from studio.backends.base import Parameter
from studio.generation.forms import GenerationForm
from studio.generation.forms.fields import words_for
from studio.generation.forms.wording import FIELD, SECTION, rewordable
from studio.generation.recipes import Made, Recipe
from studio.prompts.fields import Field

MAX_CELLS = 100
WORDS = "words"
"""The axis that changes words of the prompt."""

_NUMBER = r"[+-]?(?:\d+(?:\.\d+)?|\.\d+)"
_RANGE = re.compile(
    rf"(?P<first>{_NUMBER})\s*(?:-|\u2013|\u2026|\.\.|to)\s*(?P<last>{_NUMBER})\s*"
    rf"(?:\(\s*(?P<step>[+-]?\s*(?:\d+(?:\.\d+)?|\.\d+))\s*\)|\[\s*(?P<count>\d+)\s*\])?"
)

Kind = Literal["whole", "number", "choices", "texts", "words"]


class AxisError(ValueError):
    """The sentence says what is wrong with the values of an axis, and what to do."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What can be changed along a side. `choices` are pairs of value and words."""

    name: str
    label: str
    kind: Kind
    group: str
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""

    def values(self, text: str, chosen: Sequence[str]) -> list[str]:
        """What was typed or ticked, each once. Raises `AxisError`."""
        if self.kind == "choices":
            known = dict(self.choices)
            found = [one for one in chosen if one in known]
            return list(dict.fromkeys(found)) or self._missing("Tick at least one choice")
        if self.kind in ("texts", "words"):
            found = listed(text)
            if self.kind == "words" and len(found) == 1:
                raise AxisError("Write the words that are in the prompt first, then at least one other in their place.")
            return found or self._missing("Write at least one value")
        return numbers(text, self.label, whole=self.kind == "whole") or self._missing("Write at least one number")

    def _missing(self, what: str) -> list[str]:
        raise AxisError(f"{what} for {self.label}, or choose nothing for this side.")

    def shown(self, value: str) -> str:
        return dict(self.choices).get(value, value)


@dataclass(frozen=True, slots=True)
class Side:
    """An axis with its values; one of no axis has one empty value."""

    axis: Axis | None = None
    values: tuple[str, ...] = ("",)

    def to_json(self) -> dict[str, Any]:
        if self.axis is None:
            return {"name": "", "label": "", "values": [""]}
        return {"name": self.axis.name, "label": self.axis.label, "values": [self.axis.shown(value) for value in self.values]}


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells` row by row. `problems` are sentences, each once; with one of them nothing is made."""

    x: Side
    y: Side
    cells: list[Made]
    problems: list[str] = field(default_factory=list)

    @property
    def axes(self) -> dict[str, Any]:
        return {"x": self.x.to_json(), "y": self.y.to_json()}

    @property
    def title(self) -> str:
        labels = [side.axis.label for side in (self.x, self.y) if side.axis]
        return " × ".join(labels)


# --- what can be changed ---------------------------------------------------------------------------------------------


def axes_of(form: GenerationForm) -> list[Axis]:
    """Every axis that the engine and the template have, in the order of the page."""
    found = [_of_field(one) for one in form.content.fields] if form.content else []
    found.append(Axis(WORDS, "Words in the prompt", "words", "Prompt", example="a red door, a blue door, a green door"))

    def may(name: str) -> bool:
        return name in form.fields and not form.fields[name].disabled

    if may("seed"):
        found.append(Axis("seed", "Seed", "whole", "Settings", example="1, 2, 3 or 1-8"))
    if form.size_choices and may("size"):
        sizes = tuple((one.value, f"{one.label}, {one.value.replace('x', ' × ')}") for one in form.size_choices)
        found.append(Axis("size", "Shape", "choices", "Settings", sizes))
    for name in ("width", "height"):
        if may(name):
            found.append(Axis(name, name.capitalize(), "whole", "Settings", example="512, 768, 1024"))
    return found + [_of_parameter(one) for one in form.engine.parameters_for(form.mode) if may(one.name)]


def _of_parameter(one: Parameter) -> Axis:
    if one.kind == "boolean":
        return Axis(one.name, one.label, "choices", "Settings", (("true", "On"), ("false", "Off")))
    if one.choices:
        return Axis(one.name, one.label, "choices", "Settings", tuple((value, words_for(value, one.choices)) for value in one.choices))
    if one.kind == "text":
        return Axis(one.name, one.label, "texts", "Settings", example="one, another")
    low, high = _plain(Decimal(str(one.minimum or 0))), _plain(Decimal(str(one.maximum if one.maximum is not None else 10)))
    return Axis(one.name, one.label, "whole" if one.kind == "integer" else "number", "Settings", example=f"{low}-{high} [4]")


def _of_field(one: Field) -> Axis:
    name = f"{FIELD}{one.name}"
    if one.type in ("choice", "multi_choice"):
        return Axis(name, one.title, "choices", "Fields", tuple((value, value) for value in one.choices))
    if one.type == "yes_no":
        return Axis(name, one.title, "choices", "Fields", (("yes", "Yes"), ("no", "No")))
    if one.type == "number":
        return Axis(name, one.title, "number", "Fields", example="1, 2, 5 or 1-9 (+2)")
    example = "#d4a017, #1f4e79" if one.type == "colour" else "one, another, a third"
    return Axis(name, one.title, "texts", "Fields", example=example)


# --- values as people write them -------------------------------------------------------------------------------------


def listed(text: str) -> list[str]:
    """One a line; on a single line separated by commas, with quotation marks round what has a comma itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        lines = [one.strip() for one in next(csv.reader(lines, skipinitialspace=True), [])]
    found = list(dict.fromkeys(one for one in lines if one))
    if len(found) > MAX_CELLS:
        raise AxisError(f"There are {len(found)} values; a grid has at most {MAX_CELLS} cells. Take some out.")
    return found


def numbers(text: str, label: str, *, whole: bool) -> list[str]:
    """Numbers and ranges: `3, 5, 7`, `3-9` (every whole number), `3-9 (+2)` (in steps), `3-9 [4]` (so many, evenly). Raises `AxisError`."""
    found: dict[str, None] = {}
    for piece in re.split(r"[,;\n]", text):
        written = piece.strip()
        if not written:
            continue
        for number in _numbers(written, label, whole=whole):
            found[_plain(number)] = None
        if len(found) > MAX_CELLS:
            raise AxisError(f"“{label}” has more than {MAX_CELLS} values, which is all that a grid has room for. Take some out.")
    return list(found)


def _numbers(written: str, label: str, *, whole: bool) -> list[Decimal]:
    if len(written) > 60:
        raise AxisError(f"“{written[:30]}…” is no number for {label}. Write them like 3, 5, 7 or 3-9 (+2) or 3-9 [4].")
    if re.fullmatch(_NUMBER, written):
        found = [Decimal(written)]
    elif span := _RANGE.fullmatch(written):
        found = _spread(span, written)
    else:
        raise AxisError(f"“{written}” is no number for {label}. Write them like 3, 5, 7 or 3-9 (+2) or 3-9 [4].")
    if whole and _is_even(written):
        found = [number.to_integral_value() for number in found]
    if whole and any(number != number.to_integral_value() for number in found):
        raise AxisError(f"{label} takes whole numbers; “{written}” has others.")
    return found


def _is_even(written: str) -> bool:
    """Whether it asks for so many numbers, evenly: then whole ones are as near as they can be."""
    return written.endswith("]")


def _spread(span: re.Match[str], written: str) -> list[Decimal]:
    first, last = Decimal(span["first"]), Decimal(span["last"])
    if span["count"]:
        count = int(span["count"])
        if not 2 <= count <= MAX_CELLS:
            raise AxisError(f"In “{written}” the number in brackets says how many values: from 2 to {MAX_CELLS}.")
        return [round(first + (last - first) * place / (count - 1), 6) for place in range(count)]
    step = Decimal(span["step"].replace(" ", "")) if span["step"] else Decimal(1 if last >= first else -1)
    if not step or (last - first) / step < 0:
        raise AxisError(f"“{written}” never gets from {span['first']} to {span['last']} in steps of {_plain(step)}.")
    count = int((last - first) / step) + 1
    if count > MAX_CELLS:
        raise AxisError(f"“{written}” has {count:,} values; a grid has at most {MAX_CELLS} cells. Take larger steps, or write 3-9 [4].")
    return [first + step * place for place in range(count)]


def _plain(number: Decimal) -> str:
    written = format(number, "f")
    written = written.rstrip("0").rstrip(".") if "." in written else written
    return "0" if written in ("-0", "") else written


# --- its cells -------------------------------------------------------------------------------------------------------


def lay_out(recipe: Recipe, x: Side, y: Side, *, seed: int) -> Grid:
    """Every cell, each of one picture, with the same seed unless that is what changes."""
    sides = (x, y)
    if x.axis is None and y.axis is None:
        return Grid(x, y, [], ["Choose what changes along at least one side."])
    if x.axis and y.axis and x.axis.name == y.axis.name != WORDS:
        return Grid(x, y, [], [f"Both sides change {x.axis.label}. Choose something else for one of them."])
    count = len(x.values) * len(y.values)
    if count > MAX_CELLS:
        too_many = f"{len(x.values)} × {len(y.values)} is {count} pictures; a grid has at most {MAX_CELLS}. Take some values out."
        return Grid(x, y, [], [too_many])
    problems = _missing_words(recipe, sides)
    if problems:
        return Grid(x, y, [], problems)
    cells = [_cell(recipe, seed, ((x, across), (y, down))) for down in y.values for across in x.values]
    found: dict[str, None] = {}
    for cell in cells:
        found |= dict.fromkeys(cell.problems.values())
    return Grid(x, y, cells, list(found))


def _cell(recipe: Recipe, seed: int, chosen: Sequence[tuple[Side, str]]) -> Made:
    own: dict[str, Any] = {"num_images": "1", "seed": str(seed)}
    words = [(side.values[0], value) for side, value in chosen if side.axis and side.axis.name == WORDS]
    if words:
        own |= {place: _with(text, words) for place, text in texts_of(recipe).items()}
    own |= {side.axis.name: value for side, value in chosen if side.axis and side.axis.name != WORDS}
    return recipe.make(own)


def texts_of(recipe: Recipe) -> dict[str, str]:
    """The texts in which words may be changed, by the names of their fields in the form: not what a template has locked."""
    if recipe.content is None:
        return {name: str(recipe.values.get(name) or "") for name in ("prompt", "negative_prompt")}
    return {f"{SECTION}{name}": str(recipe.values.get(f"{SECTION}{name}", text)) for name, text in rewordable(recipe.content).items()}


def _missing_words(recipe: Recipe, sides: Sequence[Side]) -> list[str]:
    texts = texts_of(recipe).values()
    told = "The parts of a template that are locked stay as they are." if recipe.content else "Write it there, or name other words."
    return [
        f"“{side.values[0]}” is not in the prompt. {told}"
        for side in sides
        if side.axis and side.axis.name == WORDS and not any(side.values[0] in text for text in texts)
    ]


def _with(text: str, words: Sequence[tuple[str, str]]) -> str:
    for old, new in words:
        text = text.replace(old, new)
    return text


def side_of(axes: Mapping[str, Axis], name: str, text: str, chosen: Sequence[str]) -> Side:
    """The side that somebody filled in; empty for no axis, or for one that is not there (any more). Raises `AxisError`."""
    axis = axes.get(name)
    return Side(axis, tuple(axis.values(text, chosen))) if axis else Side()
