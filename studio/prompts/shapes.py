"""Reading JSON of which nothing is known: whatever has another shape than it should is a sentence at its place, and goes on as empty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from studio.prompts import tidy

Kind = Literal["text", "long_text", "choice", "multi_choice", "number", "colour", "yes_no"]
Number = int | float
Problems = dict[str, str]
"""Sentences by the place that they are about, like `fields.2.name`; the empty place is the whole."""


class Reader:
    """Collects `problems` on the way; the first of a place stays."""

    def __init__(self) -> None:
        self.problems: Problems = {}

    def tell(self, place: str, problem: str) -> None:
        self.problems.setdefault(place, problem)

    def record(self, data: object, place: str, known: Iterable[str]) -> Mapping[str, Any]:
        """An object with nothing in it but what is known."""
        if not isinstance(data, Mapping):
            self.tell(place, "This has to be an object of JSON: { … }.")
            return {}
        expected = set(known)
        for name in data:
            if name not in expected:
                self.tell(place, f"“{str(name)[:40]}” is not known here. Take it out, or write it right.")
        return data

    def items(self, data: Mapping[str, Any], name: str, place: str, *, most: int) -> list[Any]:
        where = join(place, name)
        value = data.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.tell(where, "This has to be a list: [ … ].")
            return []
        if len(value) > most:
            self.tell(where, f"There are {len(value):,} here; at most {most} are possible.")
        return list(value[:most])

    def text(self, data: Mapping[str, Any], name: str, place: str) -> str:
        value = data.get(name)
        if value is None or isinstance(value, str):
            return tidy.text(value or "")
        self.tell(join(place, name), "This has to be a text.")
        return ""

    def line(self, data: Mapping[str, Any], name: str, place: str) -> str:
        return tidy.line(self.text(data, name, place))

    def lines(self, data: Mapping[str, Any], name: str, place: str, *, most: int) -> tuple[str, ...]:
        found = self.items(data, name, place, most=most)
        if not all(isinstance(one, str) for one in found):
            self.tell(join(place, name), "This has to be a list of texts.")
        return tuple(tidy.line(one) for one in found if isinstance(one, str))

    def kind(self, data: Mapping[str, Any], place: str, known: Iterable[Kind]) -> Kind:
        value = data.get("type", "text")
        if value in known:
            return cast("Kind", value)
        self.tell(join(place, "type"), f"A field is one of: {', '.join(known)}.")
        return "text"

    def flag(self, data: Mapping[str, Any], name: str, place: str) -> bool:
        value = data.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.tell(join(place, name), "This has to be true or false.")
        return False

    def number(self, data: Mapping[str, Any], name: str, place: str) -> Number | None:
        """A number, or as a form gives it: a text with a number, or with nothing."""
        value = data.get(name)
        if isinstance(value, str):
            try:
                value = float(value) if value.strip() else None
            except ValueError:
                value = math.nan
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or (isinstance(value, float) and not math.isfinite(value)):
            self.tell(join(place, name), "This has to be a number, written like 3 or 0.5.")
            return None
        return int(value) if value == int(value) else value

    def whole(self, data: Mapping[str, Any], name: str, place: str) -> int | None:
        value = self.number(data, name, place)
        if value is None or isinstance(value, int):
            return value
        self.tell(join(place, name), "This has to be a whole number.")
        return None


def join(place: str, name: str | int) -> str:
    return f"{place}.{name}" if place else str(name)
