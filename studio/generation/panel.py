"""What the panel on Create starts with: a fresh page, a switch of engine or mode, or a picture to go on from."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
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
from studio.generation.forms.wording import FIELD, SECTION, as_sent
from studio.generation.models import Artifact, InputFile, Job
from studio.generation.templated import Chosen, NotToBeUsed, chosen, lists_of
from studio.prompts import filling

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
    template: Chosen | None = None


def build(user: User, query: Mapping[str, Any], *, team: Team, bound: bool = False, price_only: bool = False) -> Panel | None:
    """Make the panel for a query or a submitted form (`bound`); None when the studio offers no engine at all.

    Where nobody chose an engine it is one that the plan of the `team` has, if there is one. Raises Http404 for the page of a template
    that is not there.
    """
    if "leave" in query and not bound:
        query = _without_template(user, query, team)
    engines = engine_list.available()
    start = _start(user, query)
    template, problem = _template(user, team, start, is_page=not bound and "was" not in query)
    values = template.settings(start.values, is_redraw=bound or "was" in query) if template else start.values
    mode = _mode(str(values.get("mode", "")))
    first = [] if bound else open_to(team, engines)
    engine = engine_list.pick(engines, str(values.get("engine", "")), mode, first=first) or engine_list.pick(engines, "", None)
    if engine is None:
        return None
    if mode is None or not engine.supports(mode):
        mode = engine.modes[0]
    draw = _drawer(user, team, engine, mode, template, engines)
    if bound:
        asked = {**query, **values}
        stand_in = problem or _stand_in(asked, engine, mode, template)
        form = draw({**query, "engine": engine.id, "mode": mode.value}, price_only=price_only, stand_in=stand_in)
        panel = Panel(engines, engine, mode, form, template=template)
    else:
        panel = Panel(engines, engine, mode, draw(), template=template, notes=[problem] if problem else [])
        _begin(panel, start, values)
    panel.source = start.source or _owned(artifact_for, user, panel.form["source"].value())
    slots = [_slot(panel, one.rules) for one in panel.form.inputs]
    panel.slots = [slot for slot in slots if slot.rules.kind != "mask"]
    panel.mask = next((slot for slot in slots if slot.rules.kind == "mask"), None)
    return panel


def _drawer(
    user: User, team: Team, engine: Engine, mode: Mode, template: Chosen | None, engines: list[Engine]
) -> Callable[..., GenerationForm]:
    """What makes a form for all of these: of data, or an empty one."""
    draw: Callable[..., GenerationForm] = partial(GenerationForm, engine=engine, mode=mode, user=user, lists=lists_of(team))
    if template is None:
        return draw
    base = draw()
    _carry_over(base, template.content.parameters, engines, None)
    held = {name: base[name].value() for name in base.settings if not template.may_change(name)}
    held = {name: value for name, value in held.items() if value not in (None, "") or not base.fields[name].required}
    return partial(draw, version=template.version, held=held)


def _begin(panel: Panel, start: _Start, values: Mapping[str, Any]) -> None:
    """Put the values into a form that was drawn empty, and say what became of them."""
    form, engine = panel.form, panel.engine
    length = _length(form, values, start.source)
    shares = {p.name: p.default_for(length) for p in engine.parameters_for(panel.mode) if p.share is not None}
    form.initial.update({name: value for name, value in shares.items() if name not in form.held})
    panel.notes += _carry_over(form, _not_held(panel, values), panel.engines, start.source)
    for name in form.fields:
        if name.startswith((FIELD, SECTION)) and name in values:
            form.initial[name] = values[name]
    wanted = str(values.get("engine", ""))
    if wanted and wanted != engine.id and start.is_made:
        panel.notes.insert(0, f"The engine of that picture is not available for this; {engine.label} is used instead.")
    elif panel.template and panel.template.content.engine not in ("", engine.id) and not panel.template.may_change("engine"):
        panel.notes.insert(0, _made_for(panel.template))
    lost = [name.removeprefix(FIELD) for name in values if name.startswith(FIELD) and name not in form.fields and values[name]]
    if panel.template and lost:
        panel.notes.append(f"This version has no field {', '.join(f'“{name}”' for name in lost)}: what was filled in there is left out.")
    if start.words:
        _keep_words(panel, start.words)
    if start.refused:
        panel.form = _refused(form, start.refused)


def _not_held(panel: Panel, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without the settings that the template does not let anybody change, nor prompts in whose place its fields stand."""
    template, form = panel.template, panel.form
    if template is None:
        return dict(values)
    is_free = {name: name in form.inputs.by_name or name == "source" or template.may_change(name) for name in values}
    return {name: value for name, value in values.items() if is_free[name] and name not in ("prompt", "negative_prompt")}


def _keep_words(panel: Panel, words: tuple[str, str]) -> None:
    """See that the panel gives the very words that something was made with, where it has its seed, too."""
    again = _copy(panel.form)
    again.is_valid()
    if panel.form.initial.get("seed") is None or (again.filled and (again.filled.prompt.text, again.filled.negative.text) == words):
        return
    if panel.template:
        panel.notes.append(
            "The template draws other words with this seed than those of the picture: it was one of several, or a list has changed."
        )
        return
    for name, text in zip(("prompt", "negative_prompt"), words, strict=True):
        if name in panel.form.fields:
            panel.form.initial[name] = filling.as_typed(text)
    panel.notes.append("These are the words that the picture was made with: with this seed, what was typed comes out otherwise now.")


def _made_for(template: Chosen) -> str:
    return (
        f"The template “{template.template}” is made for an engine that this studio does not offer now ({template.content.engine}), "
        "and nothing is made with another. Leave the template, or ask whoever looks after it."
    )


def _template(user: User, team: Team, start: _Start, *, is_page: bool) -> tuple[Chosen | None, str]:
    """The template that the values name, or why it cannot be used. Raises Http404 for a page of one that is not there."""
    wanted = start.values.get("template")
    if not wanted:
        return None, start.problem
    try:
        return chosen(user, team, str(wanted), str(start.values.get("version", ""))), ""
    except NotToBeUsed as problem:
        if problem.is_gone and is_page and not start.is_made:
            raise Http404 from problem
        return None, f"{problem} {'These are the words that it gave.' if start.is_made else 'Pick another, or write a prompt.'}"


def _without_template(user: User, query: Mapping[str, Any], team: Team) -> Mapping[str, Any]:
    """The same values without the template: its words as they come out, and the settings that it held."""
    others = {name: value for name, value in query.items() if name not in ("template", "version", "leave")}
    drawn = build(user, {**query, "was": ""}, team=team, bound=True, price_only=True)
    if drawn is None or drawn.template is None:
        return others
    filled = drawn.form.as_far_as_it_goes()
    settings = {name: drawn.form[name].value() for name in drawn.form.settings}
    words = {"prompt": filling.as_typed(filled.prompt.text), "negative_prompt": filling.as_typed(filled.negative.text)} if filled else {}
    return {**others, **{name: value for name, value in settings.items() if value is not None}, **words, "was": drawn.engine.id}


def open_to(team: Team | None, engines: list[Engine]) -> list[Engine]:
    """The engines that the team's plan has."""
    closed = usage.locks(team, engines) if team else {}
    return [engine for engine in engines if engine.id not in closed]


def engines_for(team: Team, panel: Panel) -> list[Engine]:
    """The engines by which it may be made, or tried first: those of the team's plan, but for a template that holds its engine."""
    is_held = panel.template is not None and not panel.template.may_change("engine")
    return [panel.engine] if is_held else open_to(team, panel.engines)


def fresh_key(form: GenerationForm) -> GenerationForm:
    """An empty form with a new idempotency key, for the next press on Generate."""
    return GenerationForm(engine=form.engine, mode=form.mode, user=form.user, initial={"idempotency_key": secrets.token_urlsafe(24)})


def priced(drawn: Panel) -> Panel:
    """The same panel with a form that can be priced: the values on the page, checked without reading any picture."""
    return replace(drawn, form=_copy(drawn.form))


def _copy(form: GenerationForm) -> GenerationForm:
    # Not by way of `form[name]`, which keeps the value that it has now for as long as the form lives.
    values = {name: form[name].value() if form.is_bound else form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    same: Any = {
        "engine": form.engine,
        "mode": form.mode,
        "user": form.user,
        "version": form.version,
        "held": form.held,
        "lists": form.lists,
    }
    return GenerationForm(values, price_only=True, **same)


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


def _stand_in(query: Mapping[str, Any], engine: Engine, mode: Mode, template: Chosen | None) -> str:
    """What to say when the page was drawn for an engine or a mode that is not offered any more; nothing is made with another unasked."""
    if (query.get("engine", engine.id), query.get("mode", mode.value)) == (engine.id, mode.value):
        return ""
    if template and query.get("engine") == template.content.engine and not template.may_change("engine"):
        return _made_for(template)
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
    """The values to begin with, and where they are from: `refused` is the job whose engine said what was wrong with them.

    `words` are the prompts of the request where other ones were typed; `problem` says why those are not among the values.
    """

    values: Mapping[str, Any]
    source: Artifact | None = None
    is_made: bool = False
    refused: Job | None = None
    words: tuple[str, str] | None = None
    problem: str = ""


def _start(user: User, query: Mapping[str, Any]) -> _Start:
    """The values of the query, or of the picture or job that it names."""
    values = {name: query[name] for name in query if query[name] not in (None, "") or name.startswith((FIELD, SECTION))}
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
            words, problem = _words_of(job), _gone(job)
            return _Start(_of_job(job), is_made=True, refused=job if is_refused else None, words=words, problem=problem)
    return _Start(values)


def _of_job(job: Job) -> dict[str, Any]:
    """Every setting of a job and every file that it started from and that is still there."""
    is_lost = job.error_code == "input_missing"  # which of the files it is, only the storage knows
    given = {name: file.pk for name, file in job.given.items() if file and not (is_lost and not files.is_there(file.file))}
    return {**_flat(job.request), **given, **_typed(job), "engine": job.engine, "mode": job.mode}


def _typed(job: Job) -> dict[str, Any]:
    """The prompts of a job as somebody typed them. With a template both that and its words, for whoever may not use it (any more)."""
    if job.template_values is None and job.written:
        return {name: text for name, text in job.written.items() if text}
    words = {name: filling.as_typed(job.request[name]) for name in ("prompt", "negative_prompt") if job.request.get(name)}
    if job.template_values is None:
        return {}
    return words | ({"template": str(job.template_version_id), **as_sent(job.template_values)} if job.template_version_id else {})


def _words_of(job: Job) -> tuple[str, str] | None:
    """The prompts of the request, where other ones were typed."""
    if job.template_values is None and not job.written:
        return None
    return job.request.get("prompt") or "", job.request.get("negative_prompt") or ""


def _gone(job: Job) -> str:
    if job.template_values is None or job.template_version_id:
        return ""
    return "The template that this was made with is gone. These are the words that it gave."


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
        job = artifact.job
        words, problem = (_words_of(job), _gone(job)) if job else (None, "")
        return _Start(made, artifact if is_start else None, is_made=True, words=words, problem=problem)
    if artifact.job and artifact.job.written:  # the words of this very picture: what comes of it has no seed yet
        for name in ("prompt", "negative_prompt"):
            made[name] = filling.as_typed(artifact.job.request.get(name) or "")
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
