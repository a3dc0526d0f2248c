"""From what a program sends to a request that may go out: checked by the form of Create, against the record of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from accounts.keys import Caller
from billing.models import Plan
from studio.api.errors import FieldsRefused, NotPossible
from studio.backends.base import Engine, GenerationRequest, Mode
from studio.generation import engines as engine_list
from studio.generation import offers, several, till, usage
from studio.generation.errors import KeyRefusal, PlanLimit
from studio.generation.finals import Way
from studio.generation.forms import GenerationForm
from studio.generation.forms.inputs import noun
from studio.generation.models import Artifact, InputFile
from studio.generation.panel import Panel, Slot
from studio.generation.templated import lists_of
from studio.prompts.filling import Wildcards, as_typed

OWN = {"prompt", "negative_prompt", "width", "height", "num_images", "seed"}
"""Settings that stand beside `settings`, and not in there."""


class WithFiles(Protocol):
    """What of a body names files and things of the library."""

    inputs: dict[str, UUID]
    source: UUID | None


class Asked(WithFiles, Protocol):
    """What of a body is looked at here (`v1.schemas.Ask`)."""

    engine: str
    mode: str
    prompt: str
    negative_prompt: str
    width: int | None
    height: int | None
    num_images: int
    seed: int | None
    settings: dict[str, bool | int | float | str | None]
    alternatives: bool


@dataclass(slots=True)
class Shop:
    """What all items of a request have in common, read once: the engines, the team's lists, and which files are the team's."""

    caller: Caller
    engines: list[Engine] = field(default_factory=list)
    lists: Wildcards = field(default_factory=dict)

    @classmethod
    def open(cls, caller: Caller) -> Shop:
        return cls(caller, engine_list.available(), lists_of(caller.team))

    def engine(self, name: str) -> Engine:
        """Raises FieldsRefused."""
        found = next((one for one in self.engines if one.id == name), None)
        if found is None:
            said = f"This studio has no engine “{name[:80]}”. GET /api/v1/engines lists those it has."
            raise FieldsRefused(said, {"engine": said})
        return found


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that is right. `form` keeps its files, and what it goes on from."""

    engine: Engine
    form: GenerationForm
    request: GenerationRequest

    def keep_inputs(self) -> dict[str, InputFile]:
        return self.form.keep_inputs()

    @property
    def parent(self) -> Artifact | None:
        return self.form.parent

    @property
    def is_exact(self) -> bool:
        """Whether it asks for one certain result: only that can be the same as another (`reuse.same`)."""
        return offers.is_exact(self.form)

    @property
    def remembered(self) -> dict[str, Any]:
        return several.remembered(self.form)


def wish(shop: Shop, asked: Asked) -> Wish:
    """Check all of it. Raises FieldsRefused with a sentence for each setting that is wrong, and Http404 never: what is not the team's is
    said to be not there."""
    caller = shop.caller
    engine, mode = _engine_and_mode(shop, asked)
    wrong: dict[str, str] = {}
    form = GenerationForm(_values(asked, engine, mode, wrong), engine=engine, mode=mode, user=caller.user, lists=shop.lists)
    _check_names(asked, form, wrong)
    check_files(caller, asked, wrong)
    if not wrong and not form.is_valid():
        wrong |= _complaints(form)
    if not wrong and asked.num_images > 1 and form.filling and form.filling.varies:
        wrong["num_images"] = "Results with words of their own are jobs of their own: ask for one at a time, or for a batch."
    if wrong:
        first = next(iter(wrong.values()))
        raise FieldsRefused(first if len(wrong) == 1 else f"{len(wrong)} settings are wrong; “errors” says which.", wrong)
    return Wish(engine, form, form.to_request())


def trial(shop: Shop, found: Wish) -> Way:
    """The cheapest way to see what it will be. Raises NotPossible."""
    drawn = Panel(shop.engines, found.engine, found.request.mode, found.form)
    drawn.slots = [Slot(one.rules, found.form[one.rules.name], one.kept) for one in found.form.inputs]
    way = till.trial(shop.caller.team, found.request, drawn)
    if way is None or not offers.takes(way, found.form):
        raise NotPossible("no_preview", "There is no cheaper way to try this. Ask for it without “preview”.", status=422)
    return way


def closed(caller: Caller, plan: Plan, engine: Engine) -> str:
    """Why this key may not use an engine, by the plan of its team or its own list; empty where it may."""
    try:
        usage.require_engine(plan, engine)
        usage.require_engine_of_key(caller.key, engine)
    except (PlanLimit, KeyRefusal) as error:
        return error.message
    return ""


def _engine_and_mode(shop: Shop, asked: Asked) -> tuple[Engine, Mode]:
    engine = shop.engine(asked.engine)
    if not asked.mode:
        return engine, engine.modes[0]
    mode = next((one for one in engine.modes if one.value == asked.mode), None)
    if mode is None:
        said = f"{engine.label} has no mode “{asked.mode[:40]}”. It has {', '.join(engine.modes)}."
        raise FieldsRefused(said, {"mode": said})
    return engine, mode


def _values(asked: Asked, engine: Engine, mode: Mode, wrong: dict[str, str]) -> dict[str, Any]:
    """The body as the form would have got it from a page. What Create leaves out of a form that is not ticked, has its default here."""
    texts = {"prompt": asked.prompt, "negative_prompt": asked.negative_prompt}
    values: dict[str, Any] = {name: text if asked.alternatives else as_typed(text) for name, text in texts.items()}
    values |= {parameter.name: parameter.default for parameter in engine.parameters_for(mode) if parameter.kind == "boolean"}
    values |= {name: value for name, value in asked.settings.items() if value is not None}
    values |= {"idempotency_key": "program", "engine": engine.id, "mode": mode.value, "num_images": asked.num_images, "seed": asked.seed}
    values |= {name: str(file) for name, file in asked.inputs.items()}
    if asked.source:
        values["source"] = str(asked.source)
    if (asked.width is None) != (asked.height is None):
        wrong["height" if asked.height is None else "width"] = "Give both width and height, or neither."
    elif asked.width is not None and asked.height is not None:
        values |= {"width": asked.width, "height": asked.height}
        if engine.size and engine.size.choices:
            values["size"] = f"{asked.width}x{asked.height}"
            if problem := engine.size.problem(asked.width, asked.height):
                wrong["width"] = wrong["height"] = problem
    return values


def _check_names(asked: Asked, form: GenerationForm, wrong: dict[str, str]) -> None:
    """A setting that the engine does not have in this mode is refused, and not passed over: it would be paid for all the same."""
    engine, mode = form.engine, form.mode
    here = f"{engine.label} has no such setting in the mode {mode.value}."
    known = {parameter.name for parameter in engine.parameters_for(mode)}
    for name in asked.settings.keys() - known:
        has = f" It has {', '.join(sorted(known))}." if known else ""
        wrong[f"settings.{name[:40]}"] = f"{here}{has}"
    given = {"prompt": asked.prompt, "negative_prompt": asked.negative_prompt, "seed": asked.seed is not None, "width": asked.width}
    for name, value in given.items():
        if value and name not in form.fields and not (name == "width" and "size" in form.fields):
            wrong[name] = here
    if asked.num_images != 1 and "num_images" not in form.fields:
        wrong["num_images"] = f"{engine.label} makes one at a time."
    for name in asked.inputs.keys() - form.inputs.by_name.keys():
        takes = ", ".join(form.inputs.by_name) or "none"
        wrong[f"inputs.{name[:40]}"] = f"{engine.label} has no such input in the mode {mode.value}; its inputs: {takes}."
    for one in form.inputs:
        is_given = one.rules.name in asked.inputs or (asked.source and one is form.inputs.first)
        if one.rules.required and not is_given:
            what = f"a {noun(one.rules)}" + (" (white is what changes)" if one.rules.kind == "mask" else "")
            said = f"This mode needs {what}: upload it at POST /api/v1/inputs, and give its id here."
            wrong[f"inputs.{one.rules.name}"] = said
    if asked.source and form.inputs.first is None:
        wrong["source"] = f"{engine.label} starts from nothing in the mode {mode.value}."


def check_files(caller: Caller, asked: WithFiles, wrong: dict[str, str]) -> None:
    """Files of the caller's team only: the person may be in others, and this key works in one."""
    rows = InputFile.objects.filter(team=caller.team, pk__in=asked.inputs.values())
    ours = set(rows.values_list("pk", flat=True)) if asked.inputs else set()
    for name, file in asked.inputs.items():
        if file not in ours:
            wrong.setdefault(f"inputs.{name[:40]}", "There is no such file. Upload it at POST /api/v1/inputs, and give its id.")
    if asked.source is None:
        return
    if "library:read" not in caller.scopes:
        wrong["source"] = "To start from something in the library, the key needs the scope “library:read”."
    elif not Artifact.objects.visible().filter(team=caller.team, pk=asked.source).exists():
        wrong["source"] = "There is no such thing in the library."


def _complaints(form: GenerationForm) -> dict[str, str]:
    """What the form found, by the names that the body has for things."""
    inputs, own = form.inputs.by_name, {parameter.name for parameter in form.engine.parameters_for(form.mode)}
    found: dict[str, str] = {}
    for name, errors in form.errors.items():
        said = str(errors[0])
        place = "request" if name == "__all__" else "width" if name == "size" else name
        if name in inputs:
            place = f"inputs.{name}"
        elif name in own and name not in OWN:
            place = f"settings.{name}"
        found[place] = said
    return found
