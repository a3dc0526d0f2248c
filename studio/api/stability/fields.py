"""Reads the fields of a request against the contract: text becomes numbers, files become pictures and recordings, defaults are filled in.

The wording of most refusals is our own: the documents give none, and API.md 2.3 has recorded `<field>: required`, the quoted list of an
enum and one `not allowed when`. What tests may rely on is the field's name before the colon. Unknown fields are ignored, and an empty text
or file is an absent one (API.md 4, last paragraph).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.api.stability.contract import Field, Form
from studio.api.stability.multipart import Part
from studio.api.stability.uploads import Picture, Recording, Unreadable, picture_problems, recording_problems

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
INTEGER = re.compile(r"[+-]?\d{1,20}")
LEAF = re.compile(r"(\w+)\[(\d{1,9})\]\[(\w+)\]")
"""`text_prompts[0][weight]`: how v1 puts an array into a multipart body."""
UNWRITABLE = re.compile("[\\0\ud800-\udfff]")
"""What is no text that a database keeps: NUL, and halves of a character, which JSON can spell."""
JSON_TYPES: dict[str, type | tuple[type, ...]] = {"string": str, "object": dict, "array": list, "integer": int, "number": (int, float)}


class Problem(Exception):
    """What is wrong with one value, without the field's name."""


@dataclass(slots=True)
class Reading:
    """What a request says. `given` are the names that it named itself; the other values are defaults."""

    values: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def has(self, name: str) -> bool:
        return name in self.given

    def complain(self, name: str, problem: str) -> None:
        self.problems.append(f"{name}: {problem}")


def read_parts(form: Form, parts: list[Part], *, missing: str = "required") -> Reading:
    """Read a multipart form. `missing` is the dialect's word for an absent field."""
    raw: dict[str, Any] = {part.name: part for part in parts if part.data}
    for name, inner in form.items():
        if inner.schema.get("type") == "array" and (items := leaves(name, parts)):
            raw[name] = items
    return read(form, raw, missing=missing)


def leaves(name: str, parts: list[Part]) -> list[dict[str, str]]:
    """`name[i][leaf]` parts as a list in the order of i; a leaf that comes twice counts the last time."""
    found: dict[int, dict[str, str]] = {}
    for part in parts:
        if (leaf := LEAF.fullmatch(part.name)) and leaf[1] == name:
            found.setdefault(int(leaf[2]), {})[leaf[3]] = part.text
    return [found[index] for index in sorted(found)]


def read(form: Form, raw: Mapping[str, Any], *, missing: str = "required") -> Reading:
    """Read raw values (parts, or what JSON holds) field by field, and say everything that is wrong with them."""
    reading = Reading()
    for name, inner in form.items():
        if name not in raw:
            if inner.required:
                reading.complain(name, missing)
            continue
        try:
            reading.values[name] = converted(inner, raw[name])
            reading.given.add(name)
        except Problem as problem:
            reading.complain(name, str(problem))
    model = reading.values.get("model") or form.get("model", Field("", {}, False)).schema.get("default")
    for name, inner in form.items():
        schema = for_model(inner.schema, model)
        if name in reading.given:
            for path, wrong in problems(schema, reading.values[name], missing):
                reading.complain(name + path, wrong)
            if isinstance(reading.values[name], str):
                reading.values[name] = schema.get("x-aliases", {}).get(reading.values[name], reading.values[name])
        elif "default" in schema:
            reading.values[name] = schema["default"]
    return reading


def broken(reading: Reading) -> Iterator[str]:
    """What is wrong with pictures that no rule has anything against, and whose pixels cannot be read. Takes long: it reads them."""
    for name, value in reading.values.items():
        if isinstance(value, Picture) and not any(problem.startswith(f"{name}:") for problem in reading.problems) and not value.is_whole():
            yield f"{name}: is broken or incomplete"


def for_model(schema: Mapping[str, Any], model: str | None) -> Mapping[str, Any]:
    """The schema with the range and default that a field has for one model."""
    narrowed = dict(schema)
    if model in schema.get("x-range-by-model", {}):
        narrowed["minimum"], narrowed["maximum"], narrowed["default"] = schema["x-range-by-model"][model]
    if model in schema.get("x-min-by-model", {}):
        narrowed["minimum"] = schema["x-min-by-model"][model]
    if model in schema.get("x-default-by-model", {}):
        narrowed["default"] = schema["x-default-by-model"][model]
    return narrowed


def converted(inner: Field, raw: Any) -> Any:
    """A part or a JSON value in the type of its field. Raises `Problem`."""
    kind = str(inner.schema.get("type"))
    if isinstance(raw, Part):
        if inner.binary:
            return opened(inner.schema, raw.data)
        return number(kind, raw.text) if kind in ("number", "integer") else raw.text
    if kind == "array" and isinstance(raw, list):
        return [item(inner.schema["items"], one) for one in raw]
    if not is_a(kind, raw):
        raise Problem(f"must be {'an' if kind[0] in 'aio' else 'a'} {kind}")
    return raw


def is_a(kind: str, value: Any) -> bool:
    """Whether a value is of a type of JSON Schema, in which true and false are no numbers."""
    return isinstance(value, JSON_TYPES[kind]) and not isinstance(value, bool)


def item(schema: Mapping[str, Any], raw: Any) -> Any:
    """One element of an array: numbers may come as text, as they do in a multipart body; null is as good as nothing."""
    if not isinstance(raw, dict):
        raise Problem("must be an array of objects")
    raw = {name: one for name, one in raw.items() if one is not None}
    types = {name: inner.get("type") for name, inner in schema["properties"].items()}
    return {name: number(types[name], one) if types.get(name) == "number" and isinstance(one, str) else one for name, one in raw.items()}


def number(kind: str, text: str) -> int | float:
    text = text.strip()
    if kind == "integer":
        if not INTEGER.fullmatch(text):
            raise Problem("must be an integer")
        return int(text)
    if not NUMBER.fullmatch(text):
        raise Problem("must be a number")
    value = float(text)
    return int(value) if value.is_integer() else value


def opened(schema: Mapping[str, Any], data: bytes) -> Picture | Recording:
    try:
        return Recording.read(data) if "x-audio-rules" in schema else Picture.read(data)
    except Unreadable as error:
        raise Problem(str(error)) from None


def problems(schema: Mapping[str, Any], value: Any, missing: str = "required") -> Iterator[tuple[str, str]]:
    """Everything that a schema has against a value: (where inside the value, problem)."""
    if isinstance(value, Picture):
        yield from (("", problem) for problem in picture_problems(schema.get("x-image-rules", {}), value))
    elif isinstance(value, Recording):
        yield from (("", problem) for problem in recording_problems(schema.get("x-audio-rules", {}), value))
    elif isinstance(value, list) and schema.get("type") == "array":
        for place, one in enumerate(value):
            yield from ((f"[{place}]{path}", problem) for path, problem in problems(schema["items"], one, missing))
        if len(value) < schema.get("minItems", 0):
            yield "", f"must contain at least {schema['minItems']} item"
    elif isinstance(value, dict) and schema.get("type") == "object":
        yield from ((f"[{name}]", missing) for name in schema.get("required", ()) if name not in value)
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from ((f"[{name}]{path}", problem) for path, problem in problems(inner, value[name], missing))
    else:
        yield from (("", problem) for problem in scalar_problems(schema, value))


def scalar_problems(schema: Mapping[str, Any], value: Any) -> Iterator[str]:
    kind = str(schema.get("type"))
    if not is_a(kind, value):
        yield f"must be {'an' if kind[0] in 'aio' else 'a'} {kind}"
    elif isinstance(value, str):
        if UNWRITABLE.search(value):
            yield "must be text"
        elif "enum" in schema and value not in schema["enum"] and value not in schema.get("x-aliases", {}):
            yield "must be one of " + " | ".join(f"'{one}'" for one in schema["enum"])
        elif len(value) > schema.get("maxLength", len(value)):
            yield f"must be at most {schema['maxLength']} characters long"
        elif len(value) < schema.get("minLength", 0):
            yield f"must be at least {schema['minLength']} characters long"
    elif value < schema.get("minimum", value):
        yield f"must be greater than or equal to {schema['minimum']}"
    elif value > schema.get("maximum", value):
        yield f"must be less than or equal to {schema['maximum']}"
    elif value % schema.get("multipleOf", 1) and "multipleOf" in schema:
        yield f"must be a multiple of {schema['multipleOf']}"
