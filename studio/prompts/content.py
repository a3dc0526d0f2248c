"""What a version of a template says: sections, what to leave out, fields, settings. Written once, and never changed afterwards.

`Content.from_json` reads any JSON and refuses what has another shape; `Content.problems` tells what does not make sense. Both give
sentences by place: `fields.2.name`, `sections.0.text`, `negative.text`, `parameters.size`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from studio.backends.modes import Mode
from studio.prompts import tidy
from studio.prompts.fields import NAME, TYPES, Field, Value
from studio.prompts.language import PromptSyntaxError, composed, parse
from studio.prompts.shapes import Problems, Reader

__all__ = [
    "MAX_PROMPT",
    "NEGATIVE",
    "SECTIONS",
    "TYPES",
    "Content",
    "ContentError",
    "Field",
    "Negative",
    "Scalar",
    "Section",
    "Value",
    "composed",
]

Scalar = str | int | float | bool
"""The value of a setting."""

SECTIONS = {
    "prompt": "Prompt",
    "subject": "Subject",
    "composition": "Composition",
    "style": "Style",
    "lighting": "Lighting",
    "constraints": "Constraints",
}
"""The sections that a prompt may have, with their labels."""
NEGATIVE = "negative"
"""Where what to leave out is reworded: it stands beside the names of sections."""
MAX_PROMPT = 10_000
"""Characters of all sections together, as typed; the longest prompt an engine takes."""
MAX_FIELDS = 30
MAX_PARAMETERS = 60
MAX_SETTING = 2000
"""Characters of a setting that is a text."""
ELSEWHERE = frozenset(("prompt", "negative_prompt", "engine", "mode", "idempotency_key", "source", "image", "mask_image"))
"""Fields of the form on Create that are no setting of a template, or have a place of their own in it."""

_BRACES = re.compile(r"\\.|\{([A-Za-z][A-Za-z0-9_]*)\}", re.DOTALL)


class ContentError(ValueError):
    """What was read is no content of a template; `problems` are its sentences by place."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(next(iter(problems.values()), ""))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the prompt. Whoever uses the template may reword it, unless it is `locked`."""

    name: str
    text: str = ""
    locked: bool = False

    @property
    def label(self) -> str:
        return SECTIONS.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Negative:
    """What to leave out."""

    text: str = ""
    locked: bool = False


@dataclass(frozen=True)
class Content:
    """`engine` is empty where any will do. `parameters` are named as on the form of Create; whoever uses the template may change those of
    `changeable` ("engine", "mode", "seed" and names of settings) and no others.
    """

    sections: tuple[Section, ...] = ()
    negative: Negative = Negative()
    fields: tuple[Field, ...] = ()
    engine: str = ""
    mode: str = Mode.TEXT_TO_IMAGE.value
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    changeable: tuple[str, ...] = ()

    # --- as JSON ---------------------------------------------------------------------------------------------------
    @classmethod
    def from_json(cls, data: object) -> Content:
        """Of what `to_json` makes, and of what a form puts together in its shape. Raises `ContentError` for another shape.

        Missing keys are as if they were empty; keys that nobody knows are refused.
        """
        reader = Reader()
        found = cls._read(data, reader)
        if reader.problems:
            raise ContentError(reader.problems)
        return found

    @classmethod
    def checked(cls, data: object) -> Content:
        """`from_json` of something that also makes sense, with the defaults as they are kept. Raises `ContentError`."""
        found = cls.from_json(data)
        if problems := found.problems():
            raise ContentError(problems)
        return found.normal()

    @classmethod
    def _read(cls, data: object, reader: Reader) -> Content:
        given = reader.record(data, "", cls.__dataclass_fields__)
        negative = reader.record(given.get("negative") or {}, "negative", Negative.__dataclass_fields__)
        sections = reader.items(given, "sections", "", most=len(SECTIONS))
        return cls(
            sections=tuple(_section(one, reader, f"sections.{place}") for place, one in enumerate(sections)),
            negative=Negative(reader.text(negative, "text", "negative"), reader.flag(negative, "locked", "negative")),
            fields=tuple(
                Field.read(one, reader, f"fields.{place}") for place, one in enumerate(reader.items(given, "fields", "", most=MAX_FIELDS))
            ),
            engine=reader.line(given, "engine", ""),
            mode=reader.line(given, "mode", "") or Mode.TEXT_TO_IMAGE.value,
            parameters=_parameters(given.get("parameters"), reader),
            changeable=tuple(dict.fromkeys(reader.lines(given, "changeable", "", most=MAX_PARAMETERS))),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "sections": [{"name": one.name, "text": one.text, "locked": one.locked} for one in self.sections],
            "negative": {"text": self.negative.text, "locked": self.negative.locked},
            "fields": [one.to_json() for one in self.fields],
            "engine": self.engine,
            "mode": self.mode,
            "parameters": dict(self.parameters),
            "changeable": list(self.changeable),
        }

    # --- the texts -------------------------------------------------------------------------------------------------
    @property
    def composed(self) -> str:
        """The prompt as typed: the sections in their order, without those that are empty."""
        return composed(one.text for one in self.sections)

    def section(self, name: str) -> Section | None:
        return next((one for one in self.sections if one.name == name), None)

    def reworded(self, texts: Mapping[str, str]) -> Content:
        """The same with other texts of sections, and of `negative`. Raises `ContentError` for what is locked or not there."""
        problems: Problems = {}
        locked = {one.name: one.locked for one in self.sections} | {NEGATIVE: self.negative.locked}
        for name, words in texts.items():
            if name not in locked:
                problems[f"sections.{name}"] = f"The template has no part “{name[:40]}”. Reload the page."
            elif locked[name] and tidy.text(words) != self._text_of(name):
                label = SECTIONS.get(name, "What to leave out")
                problems[f"sections.{name}"] = f"“{label}” is locked in this template, and stays as it is."
        if problems:
            raise ContentError(problems)
        sections = tuple(replace(one, text=tidy.text(texts.get(one.name, one.text))) for one in self.sections)
        negative = replace(self.negative, text=tidy.text(texts.get(NEGATIVE, self.negative.text)))
        return replace(self, sections=sections, negative=negative)

    def _text_of(self, name: str) -> str:
        found = self.section(name)
        return found.text if found else self.negative.text

    @property
    def texts(self) -> dict[str, str]:
        """Place -> text of everything in which a field may stand."""
        return {f"sections.{place}.text": one.text for place, one in enumerate(self.sections)} | {"negative.text": self.negative.text}

    # --- the fields ------------------------------------------------------------------------------------------------
    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {one.name: one for one in self.fields}

    @property
    def defaults(self) -> dict[str, Value]:
        """What each field starts with."""
        return {one.name: one.nothing if one.default is None else one.default for one in self.fields}

    def fill(self, values: Mapping[str, object]) -> tuple[dict[str, Value], Problems]:
        """The cleaned value of every field, and the sentences by field name. A field that is not named has its default; one that is
        named and empty is empty. Names of no field are a problem, too.
        """
        cleaned: dict[str, Value] = {}
        problems: Problems = {name: f"The template has no field “{name[:40]}”." for name in values if name not in self.by_name}
        for one in self.fields:
            try:
                cleaned[one.name] = one.clean(values.get(one.name, one.default))
            except ValueError as error:
                problems[one.name] = str(error)
        return cleaned, problems

    def words(self, cleaned: Mapping[str, Value]) -> dict[str, str]:
        """What cleaned values put into the text, by field name; those that are missing put nothing."""
        return {one.name: one.words(cleaned.get(one.name, one.nothing)) for one in self.fields}

    # --- the settings ----------------------------------------------------------------------------------------------
    def may_change(self, setting: str) -> bool:
        """Whether whoever uses the template may change "engine", "mode", "seed" or a setting by its name."""
        return setting in self.changeable or (setting == "engine" and not self.engine)

    # --- whether it makes sense ------------------------------------------------------------------------------------
    def problems(self) -> Problems:
        """Sentences by place; empty when it can be saved."""
        found = self._section_problems()
        names = Counter(one.name for one in self.fields)
        for place, one in enumerate(self.fields):
            found |= {f"fields.{place}.{name}": problem for name, problem in one.problems().items()}
            if one.name and names[one.name] > 1:
                found.setdefault(f"fields.{place}.name", f"There are two fields “{one.name}”. Give one of them another name.")
        if len(self.engine) > 80:
            found["engine"] = "That is not the name of an engine."
        if self.mode not in list(Mode):
            found["mode"] = f"“{self.mode[:40]}” is not a mode. Take one of: {', '.join(Mode)}."
        return found | self._setting_problems()

    def _section_problems(self) -> Problems:
        found: Problems = {}
        for where, text in self.texts.items():
            try:
                parse(text, fields=self.by_name)
            except PromptSyntaxError as error:
                found[where] = error.message
        names = Counter(one.name for one in self.sections)
        for place, one in enumerate(self.sections):
            if one.name not in SECTIONS:
                found[f"sections.{place}.name"] = f"A section is one of: {', '.join(SECTIONS)}."
            elif names[one.name] > 1:
                found[f"sections.{place}.name"] = f"There are two sections “{one.label}”. Put them into one."
        if not self.composed and self._wants_words:
            found["sections"] = "Write something into at least one section of the prompt."
        elif len(self.composed) > MAX_PROMPT:
            found["sections"] = f"The sections have {len(self.composed):,} characters together; at most {MAX_PROMPT:,} fit. Shorten them."
        if len(self.negative.text) > MAX_PROMPT:
            found["negative.text"] = f"What to leave out has at most {MAX_PROMPT:,} characters; this has {len(self.negative.text):,}."
        return found

    @property
    def _wants_words(self) -> bool:
        return self.mode not in list(Mode) or Mode(self.mode).prompt == "required"

    def _setting_problems(self) -> Problems:
        found: Problems = {}
        for name, value in self.parameters.items():
            if name in ELSEWHERE or not NAME.fullmatch(name) or len(name) > 60:
                found[f"parameters.{name[:60]}"] = f"“{name[:40]}” is not a setting that a template can hold."
            elif isinstance(value, str) and len(value) > MAX_SETTING:
                found[f"parameters.{name}"] = f"A setting has at most {MAX_SETTING:,} characters."
        if len(self.parameters) > MAX_PARAMETERS:
            found["parameters"] = f"A template holds at most {MAX_PARAMETERS} settings."
        allowed = ELSEWHERE - {"engine", "mode"}
        odd = next((name for name in self.changeable if name in allowed or not NAME.fullmatch(name) or len(name) > 60), "")
        if odd:
            found["changeable"] = f"“{odd[:40]}” is not a setting that somebody could change."
        return found

    def warnings(self) -> Problems:
        """What may be meant otherwise, by place; it can be saved all the same."""
        used = {place: braced(text) for place, text in self.texts.items()}
        everywhere = {name for names in used.values() for name in names}
        found = {
            f"fields.{place}.name": f"No section names {{{one.name}}}, so this field does nothing."
            for place, one in enumerate(self.fields)
            if one.name and one.name not in everywhere
        }
        for place, names in used.items():
            if unknown := [f"{{{name}}}" for name in names if name not in self.by_name]:
                what = "is no field and stays" if len(unknown) == 1 else "are no fields and stay"
                found[place] = f"{', '.join(unknown[:5])} {what} in the prompt as written. Add a field, or take it out."
        return found

    def normal(self) -> Content:
        """The same with every default as it is kept: "3" of a number is 3. Call it only on what has no problems."""
        return replace(self, fields=tuple(replace(one, default=_normal(one)) for one in self.fields))


def braced(text: str) -> tuple[str, ...]:
    """The names in single braces that a text has, each once, in their order. What is escaped is no name."""
    return tuple(dict.fromkeys(found[1] for found in _BRACES.finditer(text) if found[1]))


def _normal(one: Field) -> Value:
    return None if one.default in (None, "", ()) else one.clean(one.default)


def _section(data: object, reader: Reader, place: str) -> Section:
    given = reader.record(data, place, Section.__dataclass_fields__)
    return Section(reader.line(given, "name", place), reader.text(given, "text", place), reader.flag(given, "locked", place))


def _parameters(data: object, reader: Reader) -> Mapping[str, Scalar]:
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        reader.tell("parameters", "This has to be an object of JSON: { … }.")
        return {}
    found: dict[str, Scalar] = {}
    for name, value in data.items():
        place = f"parameters.{str(name)[:60]}"
        if isinstance(value, str):
            found[str(name)] = tidy.text(value)
        elif isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            found[str(name)] = value
        elif value is not None:
            reader.tell(place, "A setting is a text, a number, or true or false.")
    return found
