"""What the panel on Create starts with: a fresh page, a switch of engine or mode, or a picture to go on from."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.http import Http404

from accounts.models import Team, User
from studio.backends.base import Engine, MediaInput, Mode, Parameter
from studio.generation import engines as engine_list
from studio.generation import files, usage
from studio.generation.access import artifact_for, input_for, job_for
from studio.generation.errors import CHANGEABLE
from studio.generation.forms import GenerationForm
from studio.generation.forms.fields import Shape
from studio.generation.forms.inputs import as_id
from studio.generation.models import Artifact, InputFile, Job

USES = dict.fromkeys(("all", "remix", "seed")) | {
    "image": Mode.IMAGE_TO_IMAGE,
    "mask": Mode.INPAINTING,
    "upscale": Mode.UPSCALING,
    "audio": Mode.AUDIO_TO_AUDIO,
}
"""What one may go on with, and the mode that it means where the address names no other."""
_LABELS = {"num_images": "How many", "negative_prompt": "What to leave out", "size": "Shape", "seed": "Seed"}
"""Settings that are no parameter of an engine, as a note calls them."""
SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})", re.ASCII)
_OWN = {"prompt", "negative_prompt", "size", "width", "height", "num_images", "seed", "source"}


@dataclass(frozen=True, slots=True)
class Slot:
    """One input as the panel draws it: its rules, its field, the file in it, and why the engine cannot take that file."""

    rules: MediaInput
    field: forms.BoundField
    file: InputFile | None = None
    source: Artifact | None = None

    @property
    def problem(self) -> str | None:
        """Said at once, before anybody presses Generate; not once more when it was refused for it."""
        if self.file is None or self.field.errors:
            return None
        return self.rules.problem(self.file.mime, width=self.file.width, height=self.file.height, seconds=self.file.seconds)


@dataclass(slots=True)
class Panel:
    """The chosen engine and mode, the form drawn for them, and sentences on what a switch changed."""

    engines: list[Engine]
    engine: Engine
    mode: Mode
    form: GenerationForm
    source: Artifact | None = None
    slots: list[Slot] = field(default_factory=list)
    mask: Slot | None = None
    notes: list[str] = field(default_factory=list)


def build(user: User, query: Mapping[str, Any], *, team: Team | None = None, bound: bool = False, price_only: bool = False) -> Panel | None:
    """Make the panel for a query or a submitted form (`bound`); None when the studio offers no engine at all.

    Where nobody chose an engine it is one that the plan of the `team` has, if there is one.
    """
    engines = engine_list.available()
    start = _start(user, query)
    values = start.values
    mode = _mode(str(values.get("mode", "")))
    open_ones = open_to(team, engines)
    engine = engine_list.pick(engines, str(values.get("engine", "")), mode, first=open_ones) or engine_list.pick(engines, "", None)
    if engine is None:
        return None
    if mode is None or not engine.supports(mode):
        mode = engine.modes[0]
    notes: list[str] = []
    if bound:
        data = {**query, "engine": engine.id, "mode": mode.value}
        form = GenerationForm(data, engine=engine, mode=mode, user=user, price_only=price_only, stand_in=_stand_in(query, engine, mode))
    else:
        form = GenerationForm(engine=engine, mode=mode, user=user)
        length = _length(form, values, start.source)
        form.initial.update({p.name: p.default_for(length) for p in engine.parameters_for(mode) if p.share is not None})
        notes = _carry_over(form, values, engines, start.source)
        wanted = str(values.get("engine", ""))
        if wanted and wanted != engine.id and start.is_made:
            notes.insert(0, f"The engine of that picture is not available for this; {engine.label} is used instead.")
        if start.refused:
            form = _refused(form, start.refused)
    panel = Panel(engines, engine, mode, form, notes=notes)
    panel.source = start.source or _owned(artifact_for, user, form["source"].value())
    slots = [_slot(panel, one.rules) for one in form.inputs]
    panel.slots = [slot for slot in slots if slot.rules.kind != "mask"]
    panel.mask = next((slot for slot in slots if slot.rules.kind == "mask"), None)
    return panel


def open_to(team: Team | None, engines: list[Engine]) -> list[Engine]:
    """The engines that the team's plan has."""
    closed = usage.locks(team, engines) if team else {}
    return [engine for engine in engines if engine.id not in closed]


def fresh_key(form: GenerationForm) -> GenerationForm:
    """An empty form with a new idempotency key, for the next press on Generate."""
    return GenerationForm(engine=form.engine, mode=form.mode, user=form.user, initial={"idempotency_key": secrets.token_urlsafe(24)})


def priced(drawn: Panel) -> Panel:
    """The same panel with a form that can be priced: the values on the page, checked without reading any picture."""
    return replace(drawn, form=_copy(drawn.form))


def _copy(form: GenerationForm) -> GenerationForm:
    values = {name: form[name].value() for name in form.fields}
    return GenerationForm(values, engine=form.engine, mode=form.mode, user=form.user, price_only=True)


def _refused(form: GenerationForm, job: Job) -> GenerationForm:
    """The form of a job that its engine refused, with what it said beside the fields."""
    copy = _copy(form)
    copy.is_valid()
    copy.add_refusal(job.error_fields, job.error_message)
    return copy


def _slot(panel: Panel, rules: MediaInput) -> Slot:
    bound = panel.form[rules.name]
    is_first = panel.form.inputs.first is not None and panel.form.inputs.first.rules is rules
    file = panel.form.inputs.by_name[rules.name].kept or _owned(input_for, panel.form.user, bound.value())
    return Slot(rules, bound, file, panel.source if is_first and file is None else None)


def _stand_in(query: Mapping[str, Any], engine: Engine, mode: Mode) -> str:
    """What to say when the page was drawn for an engine or a mode that is not offered any more; nothing is made with another unasked."""
    if (query.get("engine", engine.id), query.get("mode", mode.value)) == (engine.id, mode.value):
        return ""
    return f"What you had chosen is not offered any more; this is {engine.label} now. Check the settings, then press Generate again."


def _mode(text: str) -> Mode | None:
    return Mode(text) if text in list(Mode) else None


def _owned(find: Any, user: User, value: Any) -> Any:
    try:
        return find(user, found) if (found := as_id(value)) else None
    except Http404:
        return None


# --- where the values come from ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Start:
    """The values to begin with, and where they are from: `refused` is the job whose engine said what was wrong with them."""

    values: Mapping[str, Any]
    source: Artifact | None = None
    is_made: bool = False
    refused: Job | None = None


def _start(user: User, query: Mapping[str, Any]) -> _Start:
    """The values of the query, or of the picture or job that it names."""
    values = {name: query[name] for name in query if query[name] not in (None, "")}
    use = str(values.get("use", ""))
    if "from" in values and use in USES:
        artifact = _owned(artifact_for, user, values["from"])
        if artifact is None:
            raise Http404
        return _from_artifact(artifact, use, values)
    if "job" in values and not values.get("engine"):
        job = _owned(job_for, user, values["job"])
        if job is not None:
            is_refused = use == "settings" and job.status == Job.Status.FAILED and job.error_code in CHANGEABLE
            return _Start(_of_job(job), refused=job if is_refused else None)
    return _Start(values)


def _of_job(job: Job) -> dict[str, Any]:
    """Every setting of a job and every file that it started from and that is still there."""
    is_lost = job.error_code == "input_missing"  # which of the files it is, only the storage knows
    given = {name: file.pk for name, file in job.given.items() if file and not (is_lost and not files.is_there(file.file))}
    return {**_flat(job.request), **given, "engine": job.engine, "mode": job.mode}


def _flat(request: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a request as fields of a form."""
    values: dict[str, Any] = {name: value for name, value in request.items() if value not in (None, "", {})}
    if values.get("width") and values.get("height"):
        values["size"] = f"{values['width']}x{values['height']}"
    values |= values.pop("extra", {})
    return values


def _from_artifact(artifact: Artifact, use: str, values: dict[str, Any]) -> _Start:
    if use == "seed":
        return _Start({**values, "seed": artifact.seed})
    made = _of_job(artifact.job) if artifact.job else _flat(artifact.request)
    if use in ("all", "remix"):
        made |= {"seed": artifact.seed, "num_images": 1}
        if use == "remix":
            made.pop("seed")
        is_start = use == "remix" and not (artifact.job and artifact.job.given)
        return _Start(made, artifact if is_start else None, is_made=True)
    mode = _mode(str(values.get("mode", ""))) or USES[use]
    keep = {"prompt", "negative_prompt", "engine", "size", "width", "height"} & made.keys()
    return _Start({**{name: made[name] for name in keep}, "mode": mode, "source": artifact.pk}, artifact, is_made=True)


# --- what still applies ------------------------------------------------------------------------------------------------


def _carry_over(form: GenerationForm, values: Mapping[str, Any], engines: list[Engine], source: Artifact | None) -> list[str]:
    """Keep every value that the drawn form accepts; say of every other one that somebody chose what became of it.

    `was` in the values is the engine that they were chosen for, `was_audio` the sound: what stands there by itself was not chosen.
    """
    notes = []
    known = {p.name: p for engine in engines for p in engine.parameters}
    length = _length(form, {**values, "audio": values.get("was_audio", values.get("audio"))}, source)
    before = {p.name: (p.default, p.default_for(length)) for e in engines if e.id == values.get("was") for p in e.parameters}
    untouched = {"{}x{}".format(*e.size.default) for e in engines if e.id == values.get("was") and e.size}
    for name, value in _settings(form, values, known):
        if any(_same(default, value) for default in before.get(name, ())):
            continue
        if name not in form.fields and _is_shape(name, known):
            if value in untouched or _shape_field(form) in values:
                continue
            name = _shape_field(form) or name
        if name in form.fields and _is_shape(name, known):
            value = _its_shape(form, str(value))
        bound = form.fields.get(name)
        label = known[name].label if name in known else _LABELS.get(name, name.replace("_", " ").capitalize())
        if bound is None:
            if name in known or name in ("negative_prompt", "seed"):
                notes.append(f"{label} does not apply to {form.engine.label} here.")
            continue
        try:
            bound.clean(value)
        except forms.ValidationError:
            default = form.get_initial_for_field(bound, name)
            instead = "random" if default is None and name == "seed" else _ratio(str(default))
            notes.append(f"{label} {str(value)[:40]} is not possible with {form.engine.label}; it is {instead} now.")
            continue
        form.initial[name] = value
    return notes


def _is_shape(name: str, known: Mapping[str, Parameter]) -> bool:
    return name == "size" or (name in known and known[name].kind == "aspect-ratio")


def _shape_field(form: GenerationForm) -> str | None:
    """Where this form has its shapes: they are sizes to one engine and ratios to another."""
    return "size" if form.size_choices else next((one.name for one in form.shapes), None)


def _its_shape(form: GenerationForm, value: str) -> str:
    """The choice of this form that is `value`, else the one that looks the same, else the ratio, which is none of its choices."""
    choices = form.size_choices or [one for field in form.shapes for one in field.field.shapes]  # type: ignore[attr-defined]
    if any(one.value == value for one in choices):
        return value
    return next((one.value for one in choices if one.label == _ratio(value)), _ratio(value))


def _ratio(shape: str) -> str:
    size = SIZE.fullmatch(shape)
    return Shape.of_size(*map(int, size.groups())).label if size else shape


def _length(form: GenerationForm, values: Mapping[str, Any], source: Artifact | None) -> float | None:
    """How long the sound is that the values name, in seconds; else the one of the library that one goes on from."""
    if not any(given.rules.kind == "audio" for given in form.inputs):
        return None
    file = _owned(input_for, form.user, values.get("audio")) or source or _owned(artifact_for, form.user, values.get("source"))
    return file.seconds if file else None


def _settings(form: GenerationForm, values: Mapping[str, Any], known: Mapping[str, Parameter]) -> Iterator[tuple[str, Any]]:
    """The values that are settings: of the form, or of another engine. Not files that this mode has no place for."""
    for name, value in values.items():
        if (name in _OWN or name in known or name in form.inputs.by_name) and str(value).strip():
            yield name, value


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a setting are one, whatever their types: an address knows text only."""
    if isinstance(one, bool):
        return str(other).lower() in (("true", "on") if one else ("false", ""))
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return str(one) == str(other)
