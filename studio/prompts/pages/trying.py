"""What a template would come to: its fields as people will see them, the prompt for some values and a seed, and what it costs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from accounts.models import Team
from studio.backends.base import MAX_SEED, Quote
from studio.prompts import filling, wildcards
from studio.prompts.colouring import Stretch, numbers, resolved
from studio.prompts.content import Content, Field, Value
from studio.prompts.fields import MAX_LONG_TEXT
from studio.prompts.pages.defaults import Defaults

PREFIX = "value."
GREY = "#808080"
FEW, SHORT = 4, 26
"""So many choices, of so many characters together, stand side by side."""


@dataclass(frozen=True, slots=True)
class Control:
    """A field as a person fills it in. `value` is as typed: a text, or a list of them for several choices; `start` what it starts with."""

    field: Field
    number: int
    value: str | Sequence[str]
    start: str | Sequence[str] = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.field.name}"

    @property
    def shown(self) -> str | Sequence[str]:
        """What its control holds: a browser's picker of colours always has one."""
        return self.value or (GREY if self.field.type == "colour" else "")

    @property
    def untouched(self) -> str:
        """What its control holds until somebody changes it."""
        start = self.start or (GREY if self.field.type == "colour" else "")
        return start if isinstance(start, str) else "\n".join(start)

    @property
    def choices(self) -> list[str]:
        return [*([] if self.field.required else [""]), *self.field.choices] if self.field.type == "choice" else list(self.field.choices)

    @property
    def is_strip(self) -> bool:
        """Whether its choices are so few that they stand side by side."""
        return len(self.choices) <= FEW and sum(map(len, self.choices)) <= SHORT

    @property
    def words(self) -> str:
        """What a colour is called."""
        try:
            return self.field.words(self.field.clean(self.value)) if self.field.type == "colour" and self.value else ""
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Trial:
    """`problems` are sentences about the whole; `stand_ins` the fields that have to be filled in, and are shown by their names so far."""

    seed: int
    controls: Sequence[Control] = ()
    prompt: Sequence[Stretch] = ()
    negative: Sequence[Stretch] = ()
    combinations: int = 1
    varies: bool = False
    problems: Sequence[str] = ()
    stand_ins: Sequence[str] = ()
    quote: Quote | None = None
    is_countless: bool = False


@dataclass(slots=True)
class _Given:
    typed: dict[str, str | list[str]] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    stand_ins: list[str] = field(default_factory=list)


def attempt(
    team: Team, content: Content | None, defaults: Defaults, post: QueryDict | None = None, *, starts: Mapping[str, str] | None = None
) -> Trial:
    """With the values of a form, else with those that the fields start with. None of `content`: nothing is written yet. `starts` says what
    is wrong with what a field starts with, by its name; `content` is without that.
    """
    seed = _seed(post)
    if content is None:
        return Trial(seed, quote=defaults.quote)
    given = _given(content, post, starts or {})
    marks = numbers(content.fields)
    controls = [
        Control(one, marks[one.name], given.typed[one.name], _as_typed(content.defaults[one.name]), given.problems.get(one.name, ""))
        for one in content.fields
    ]
    shown = {"controls": controls, "quote": defaults.quote}
    try:
        found = filling.of_template(content, values=given.values, wildcards=wildcards.lists(team))
        filled = found.at(seed)
    except filling.BadValues as error:
        return Trial(seed, problems=list(dict.fromkeys(error.fields.values())), **shown)  # type: ignore[arg-type]
    return Trial(
        seed,
        prompt=resolved(filled.prompt.parts, content.fields),
        negative=resolved(filled.negative.parts, content.fields),
        combinations=found.combinations,
        is_countless=found.combinations >= filling.COUNTLESS,
        varies=found.varies,
        stand_ins=given.stand_ins,
        **shown,  # type: ignore[arg-type]
    )


def _seed(post: QueryDict | None) -> int:
    text = post.get("try_seed", "") if post is not None and "dice" not in post else ""
    return int(text) if text.isascii() and text.isdigit() and int(text[:12]) <= MAX_SEED else secrets.randbelow(10_000)


def _given(content: Content, post: QueryDict | None, starts: Mapping[str, str]) -> _Given:
    """What was filled in, else what stands there at first. What does not fit is told, and the default taken."""
    given = _Given()
    for one in content.fields:
        start = content.defaults[one.name]
        typed = _typed(one, post) if post is not None else None
        typed = _as_typed(start) if typed is None else typed
        given.typed[one.name] = typed
        try:
            given.values[one.name] = one.clean(typed)
        except ValueError as error:
            given.values[one.name] = _stand_in(one) if one.required else start
            if _is_empty(typed):
                given.stand_ins.append(one.title)
            else:
                given.problems[one.name] = str(error)
        if one.name in starts and _is_empty(typed):
            given.values[one.name] = _stand_in(one)
            given.problems[one.name] = starts[one.name]
    return given


def _typed(one: Field, post: QueryDict) -> str | list[str] | None:
    """What somebody filled in; None for what still stands there as it started, so that another default is seen at once."""
    name, start = f"{PREFIX}{one.name}", post.get(f"start.{one.name}")
    if name not in post and start is None:
        return None
    typed = post.getlist(name) if one.type == "multi_choice" else post.get(name, "")
    text = typed if isinstance(typed, str) else "\n".join(typed)
    return None if start is not None and text.split() == start.split() else typed


def _is_empty(typed: str | Sequence[str]) -> bool:
    return not (typed.strip() if isinstance(typed, str) else typed)


def _as_typed(value: Value) -> str | list[str]:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return list(value)
    return "" if value is None else str(value)


def _stand_in(one: Field) -> Value:
    """Something that the field takes, for a look at the prompt before anybody filled it in."""
    if one.type in ("choice", "multi_choice"):
        return one.choices[0] if one.type == "choice" else (one.choices[0],)
    if one.type == "number":
        return one.minimum if one.minimum is not None else 1
    if one.type == "colour":
        return GREY
    return one.title[: min(one.most, MAX_LONG_TEXT)] if one.is_text else False
