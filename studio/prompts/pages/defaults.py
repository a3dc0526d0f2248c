"""The settings that come with a template, drawn from an engine's record as on Create, and which of them people may change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict

from accounts.models import User
from studio.backends.base import Engine, Mode, Quote
from studio.generation.engines import available, modes_of, pick
from studio.generation.forms import GenerationForm, quotable
from studio.prompts.content import ELSEWHERE, Scalar
from studio.prompts.shapes import Problems

PREFIX = "setting"
_PLAIN = {"num_images": "Pictures", "num_inference_steps": "Steps", "guidance_scale": "Guidance", "size": "Shape"}


@dataclass(frozen=True, slots=True)
class Defaults:
    """`wanted` is the engine's id as it is kept; `engine` is None where any will do, or where that one is offered no more: then there is
    no form, and the settings stay as they are (`kept`).
    """

    engines: list[Engine]
    wanted: str
    engine: Engine | None
    mode: Mode
    form: GenerationForm | None = None
    kept: Mapping[str, Scalar] = field(default_factory=dict)
    free: Sequence[str] = ()
    """What people may change so far."""

    @property
    def modes(self) -> list[Mode]:
        return list(dict.fromkeys([*(self.engine.modes if self.engine else modes_of(self.engines)), self.mode]))

    @property
    def changeable(self) -> list[tuple[str, str]]:
        """Name and label of everything that people might be allowed to change."""
        drawn = {name: str(one.label) for name, one in self.form.fields.items()} if self.form else {name: plain(name) for name in self.free}
        return list(({"engine": "Engine", "mode": "Mode"} | drawn).items())

    @property
    def problems(self) -> Problems:
        """Sentences by place; none where nothing was sent yet."""
        return {f"parameters.{name}": str(found[0]) for name, found in (self.form.errors if self.form else {}).items()}

    @property
    def values(self) -> dict[str, Scalar]:
        """The settings as a version keeps them: all of them, so that another default of the engine changes no template."""
        if self.form is None:
            return dict(self.kept)
        data = self.form.cleaned_data if self.form.is_bound and self.form.is_valid() else {}
        return {name: data[name] for name in self.form.fields if data.get(name) not in (None, "")}

    @property
    def quote(self) -> Quote | None:
        """What one press with these settings costs; None without an engine."""
        if self.engine is None or self.form is None:
            return None
        values = {name: self.form[name].value() for name in self.form.fields}
        return self.engine.quote(quotable(_form(self.engine, self.mode, self.form.user, values)))

    @property
    def kept_json(self) -> str:
        return json.dumps(dict(self.kept))

    @property
    def chips(self) -> list[str]:
        """The settings in words, for a page where nobody changes them."""
        if self.form is None:
            return [f"{plain(name)}: {_words(value)}" for name, value in self.kept.items()]
        return [f"{one.label}: {_words(self.form[name].value())}" for name, one in self.form.fields.items() if name in self.kept]


def of_record(user: User, record: Mapping[str, Any]) -> Defaults:
    """Of a version, or of what a form that was not sent to be saved holds: values that the engine does not take are left out."""
    engines, wanted, engine, mode = _chosen(str(record.get("engine", "")), str(record.get("mode", "")))
    kept = record.get("parameters", {})
    form = _form(engine, mode, user, prefix=PREFIX) if engine else None
    if form:
        form.initial.update({name: value for name, value in kept.items() if _fits(form, name, value)})
    return Defaults(engines, wanted, engine, mode, form, kept, record.get("changeable", ()))


def of_post(user: User, record: Mapping[str, Any], post: QueryDict) -> Defaults:
    """Of a form that is to be saved."""
    engines, wanted, engine, mode = _chosen(str(record.get("engine", "")), str(record.get("mode", "")))
    form = _form(engine, mode, user, post.dict(), prefix=PREFIX) if engine else None
    return Defaults(engines, wanted, engine, mode, form, record.get("parameters", {}), record.get("changeable", ()))


def usable() -> str:
    """The id of an engine that makes pictures from words now; empty where there is none."""
    engine = pick(available(), "", Mode.TEXT_TO_IMAGE)
    return engine.id if engine else ""


def plain(name: str) -> str:
    """What a setting is called where no engine says it."""
    return _PLAIN.get(name) or name.replace("_", " ").capitalize()


def typed(post: QueryDict) -> dict[str, str]:
    """The settings of a form by name, as they stand there."""
    return {
        name.removeprefix(f"{PREFIX}-"): str(value) for name, value in post.dict().items() if name.startswith(f"{PREFIX}-") and value != ""
    }


def _chosen(wanted: str, mode: str) -> tuple[list[Engine], str, Engine | None, Mode]:
    engines = available()
    engine = next((one for one in engines if one.id == wanted), None)
    asked = Mode(mode) if mode in list(Mode) else Mode.TEXT_TO_IMAGE
    return engines, wanted, engine, engine.modes[0] if engine and not engine.supports(asked) else asked


def _form(engine: Engine, mode: Mode, user: User, data: Mapping[str, Any] | None = None, *, prefix: str | None = None) -> GenerationForm:
    """The form of Create without what is no setting, and with nothing in it that has to be there."""
    form = GenerationForm(data, engine=engine, mode=mode, user=user, price_only=True, prefix=prefix)
    for name in ELSEWHERE | form.inputs.by_name.keys():
        form.fields.pop(name, None)
    for one in form.fields.values():
        one.required = False
    return form


def _fits(form: GenerationForm, name: str, value: object) -> bool:
    try:
        form.fields[name].clean(value)
    except (KeyError, ValidationError):
        return False
    return True


def _words(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value).replace("x", " × ", 1)
