"""What the editor holds while somebody writes: a version as it is kept, or a form as it was typed, whatever is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from accounts.models import User
from studio.backends.base import Mode
from studio.prompts import tidy
from studio.prompts.colouring import COLOURS
from studio.prompts.content import SECTIONS, Content, ContentError, braced
from studio.prompts.errors import Unfit
from studio.prompts.fields import TYPES
from studio.prompts.models import PromptTemplate, PromptTemplateVersion
from studio.prompts.pages import defaults
from studio.prompts.shapes import Problems

_ORDER = {name: place for place, name in enumerate(SECTIONS)}
_KEY = re.compile(r"(section|field)\.([A-Za-z0-9]{1,12})\.([a-z_]{1,20})")
_START = re.compile(r"fields\.\d+\.default")
_CHOICES = ("choice", "multi_choice")


@dataclass(frozen=True, slots=True)
class SectionRow:
    """A section as the editor draws it; `key` names its controls."""

    name: str
    text: str
    locked: bool
    problem: str = ""
    warning: str = ""

    @property
    def label(self) -> str:
        return SECTIONS.get(self.name, self.name.capitalize()[:40])


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as the editor draws it: everything a text, as it was typed. `key` names its controls, `number` is that of its colour."""

    key: str
    number: int
    given: Mapping[str, Any]
    problems: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""

    @property
    def type(self) -> str:
        return self.given.get("type") if self.given.get("type") in TYPES else "text"  # type: ignore[return-value]

    @property
    def choices(self) -> list[str]:
        return [line for line in self.given.get("choices") or [] if line]

    @property
    def choice_lines(self) -> str:
        return "\n".join(self.given.get("choices") or [])

    @property
    def default(self) -> str:
        return _as_text(self.given.get("default"))

    @property
    def kind(self) -> str:
        """What it takes, in words: "choice of 3, required"."""
        words = TYPES[self.type].lower()  # type: ignore[index]
        if self.type in _CHOICES:
            words = f"{'choice' if self.type == 'choice' else 'several'} of {len(self.choices)}"
        return f"{words}, required" if self.given.get("required") else words


@dataclass(slots=True)
class Draft:
    """`record` has the shape of `Content.to_json`. `after` is the version that it was written on, 0 for a new template."""

    record: dict[str, Any]
    defaults: defaults.Defaults
    after: int = 0
    note: str = ""
    about: dict[str, str] = field(default_factory=dict)
    problems: Problems = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    """Of the fields, in their order."""

    # --- what it comes to ------------------------------------------------------------------------------------------
    def content(self) -> Content:
        """Raises `Unfit`, with every problem that there is; they are kept beside their places, too."""
        try:
            content = Content.from_json({**self.record, "parameters": self.defaults.values})
            problems = content.problems()
        except ContentError as error:
            problems = error.problems
        problems |= self.defaults.problems
        if problems:
            self.problems = problems
            raise Unfit("Something does not fit yet. It is said beside it; nothing is lost.", problems)
        return content.normal()

    def as_far_as_it_goes(self) -> Content | None:
        """For a look at it while it is being written: without the fields that make no sense yet, and None before anything is written."""
        odd, starts = self._odd_fields(), self._odd_starts()
        sound = [(place, one) for place, one in enumerate(self.record["fields"]) if place not in odd]
        fields = [{**one, "default": None} if place in starts else one for place, one in sound]
        try:
            content = Content.from_json({**self.record, "fields": fields, "parameters": {}})
        except ContentError:
            return None
        return content.normal() if content.sections else None

    @property
    def start_problems(self) -> dict[str, str]:
        """What is wrong with what a field starts with, by its name; it is tried without."""
        return {str(self.record["fields"][place].get("name", "")): said for place, said in self._odd_starts().items()}

    def _odd_starts(self) -> dict[int, str]:
        """The same by place, of fields of which all else makes sense."""
        found = {int(name.split(".")[1]): said for name, said in self._found().items() if _START.fullmatch(name)}
        odd = self._odd_fields()
        return {place: said for place, said in found.items() if place not in odd}

    def _found(self) -> Problems:
        try:
            return Content.from_json(self.record).problems()
        except ContentError as error:
            return error.problems

    def _odd_fields(self) -> set[int]:
        """Places of fields that could not be saved, whatever they start with; of two with one name the second."""
        problems = {name: said for name, said in self._found().items() if not _START.fullmatch(name)}
        names = [one.get("name") for one in self.record["fields"]]
        said = {int(name.split(".")[1]) for name in problems if name.startswith("fields.") and name.split(".")[1].isdigit()}
        return {
            place for place in said if names.index(names[place]) < place or "two fields" not in problems.get(f"fields.{place}.name", "")
        }

    # --- how it is drawn -------------------------------------------------------------------------------------------
    @property
    def sections(self) -> list[SectionRow]:
        """Those with words in them, in their order; of a new template the one text that most people write."""
        rows = [self._section(one["name"], place, one) for place, one in enumerate(self.record["sections"])]
        return rows or [SectionRow("prompt", "", False)]

    @property
    def more_sections(self) -> list[SectionRow]:
        """Those that are still empty."""
        there = {one.name for one in self.sections}
        return [SectionRow(name, "", False) for name in SECTIONS if name not in there]

    def _section(self, name: str, place: int, one: Mapping[str, Any]) -> SectionRow:
        text, locked = str(one.get("text", "")), bool(one.get("locked"))
        problem = self.problems.get(f"sections.{place}.text", "") or self.problems.get(f"sections.{place}.name", "")
        return SectionRow(name, text, locked, problem, self.warnings.get(f"sections.{place}.text", ""))

    @property
    def negative_problem(self) -> str:
        return self.problems.get("negative.text", "")

    @property
    def rows(self) -> list[FieldRow]:
        found = []
        for place, (key, given) in enumerate(zip(self.keys, self.record["fields"], strict=True)):
            start = f"fields.{place}."
            own = {name.removeprefix(start): said for name, said in self.problems.items() if name.startswith(start)}
            found.append(FieldRow(key, place % COLOURS + 1, given, own, self.warnings.get(f"{start}name", "")))
        return found

    @property
    def blank(self) -> FieldRow:
        """What a field starts as."""
        return FieldRow("new", 1, {})

    @property
    def warnings(self) -> Problems:
        try:
            return Content.from_json(self.record).warnings()
        except ContentError:
            return {}

    @property
    def unknown(self) -> list[str]:
        """Names in braces that are no field (yet), in small letters as a field has them."""
        known = {one.get("name") for one in self.record["fields"]}
        texts = [*(one["text"] for one in self.record["sections"]), self.record["negative"]["text"]]
        names = dict.fromkeys(name.lower() for text in texts for name in braced(text))
        return [name for name in names if name not in known][:8]


# --- where it comes from ---------------------------------------------------------------------------------------------
def blank(user: User) -> Draft:
    """A new template, with what most people want: one text, an engine that works now, and its pictures' number and seed free."""
    record = Content(engine=defaults.usable(), changeable=("num_images", "seed")).to_json()
    return Draft(record, defaults.of_record(user, record))


def of_version(user: User, version: PromptTemplateVersion) -> Draft:
    record = json.loads(json.dumps(version.content))  # a copy: what is kept stays as it is
    draft = Draft(record, defaults.of_record(user, record), after=version.number)
    draft.keys = [str(place) for place, _ in enumerate(record["fields"])]
    return draft


def about_of(template: PromptTemplate) -> dict[str, str]:
    return {"name": template.name, "description": template.description, "tags": ", ".join(template.tags)}


def of_post(user: User, post: QueryDict, *, saves: bool) -> Draft:
    """A form as it was typed; unless it `saves`, settings that do not fit its engine are left out."""
    fields = list(_grouped(post, "field"))
    record: dict[str, Any] = {
        "sections": [_section(one) for _, one in _grouped(post, "section")],
        "negative": {"text": post.get("negative.text", ""), "locked": "negative.locked" in post},
        "fields": [_field(one) for _, one in fields],
        "engine": post.get("engine", ""),
        "mode": post.get("mode", "") or Mode.TEXT_TO_IMAGE.value,
        "parameters": _kept(post),
        "changeable": post.getlist("changeable"),
    }
    written = [one for one in record["sections"] if one["text"].strip()]
    record["sections"] = sorted(written, key=lambda one: _ORDER.get(one["name"], len(_ORDER)))
    if saves:
        drawn = defaults.of_post(user, record, post)
    else:
        drawn = defaults.of_record(user, record | {"parameters": record["parameters"] | defaults.typed(post)})
    after = post.get("after", "")
    draft = Draft(record, drawn, int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0, post.get("note", ""))
    draft.about = {name: post.get(name, "") for name in ("name", "description", "tags")}
    draft.keys = [key for key, _ in fields]
    record["mode"] = drawn.mode.value
    return draft


def tags_in(text: str) -> list[str]:
    return re.split(r"[,\n]", text)


def _grouped(post: QueryDict, kind: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The controls of each section or field, in the order in which they stand on the page."""
    groups: dict[str, dict[str, str]] = {}
    for name in post:
        if (found := _KEY.fullmatch(name)) and found[1] == kind:
            groups.setdefault(found[2], {})[found[3]] = post.get(name, "")
    yield from groups.items()


def _section(given: Mapping[str, str]) -> dict[str, Any]:
    return {"name": given.get("name", ""), "text": given.get("text", ""), "locked": "locked" in given}


def _field(given: Mapping[str, str]) -> dict[str, Any]:
    """As JSON has it. Only what the type has is taken: the rest may be left from another one."""
    kind = given.get("type", "text")
    plain = {name: given.get(name, "").strip() for name in ("name", "label", "help")}
    found: dict[str, Any] = {**plain, "type": kind, "required": "required" in given, "default": given.get("default", "").strip() or None}
    if kind in _CHOICES:
        found["choices"] = [tidy.line(line) for line in given.get("choices", "").splitlines() if line.strip()]
    elif kind == "number":
        found |= {name: given.get(name, "") for name in ("minimum", "maximum", "step")}
    elif kind == "yes_no":
        found |= {name: given.get(name, "") for name in ("yes", "no")}
    elif kind in ("text", "long_text"):
        found["max_length"] = given.get("max_length", "")
    return found


def _kept(post: QueryDict) -> dict[str, Any]:
    """The settings of an engine that the page could not draw, as they came along."""
    if "drop" in post:
        return {}
    try:
        found = json.loads(post.get("kept", "") or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        joiner = "; " if any("," in str(one) for one in value) else ", "
        return joiner.join(map(str, value))
    return "" if value is None else str(value)


# --- changes of the form that need no script -------------------------------------------------------------------------
def change(draft: Draft, what: str) -> None:
    """What a button of the editor does to the form: `field:add`, `field:add:NAME`, `field:up:KEY`, `field:down:KEY`, `field:remove:KEY`.
    Anything else changes nothing.
    """
    noun, _, rest = what.partition(":")
    verb, _, aim = rest.partition(":")
    if noun == "field" and verb == "add":
        name = aim if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", aim) else ""
        draft.record["fields"].append({"name": name, "type": "text"})
        for one in (*draft.record["sections"], draft.record["negative"]) if name else ():
            one["text"] = re.sub(rf"(?<!\\)\{{{name}\}}", f"{{{name}}}", one["text"], flags=re.IGNORECASE)
        draft.keys.append(next(str(n) for n in range(len(draft.keys), 10_000) if str(n) not in draft.keys))
    elif noun == "field" and aim in draft.keys:
        _move(draft, draft.keys.index(aim), verb)


def _move(draft: Draft, place: int, verb: str) -> None:
    for rows in (draft.keys, draft.record["fields"]):
        one = rows.pop(place)  # type: ignore[attr-defined]
        if verb != "remove":
            rows.insert(max(0, place + {"up": -1, "down": 1}.get(verb, 0)), one)  # type: ignore[attr-defined]
