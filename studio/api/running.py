"""A template filled in by a program: from its values to a request that may go out, checked by the form of Create."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from django.http import Http404

from accounts.keys import Caller
from studio.api.asking import OWN, Shop, Wish, WithFiles, check_files
from studio.api.errors import FieldsRefused, NotPossible
from studio.generation import panel
from studio.generation.forms import GenerationForm
from studio.generation.forms.inputs import noun
from studio.generation.forms.wording import FIELD, SECTION
from studio.generation.templated import SHAPES, Chosen
from studio.prompts.access import template_for
from studio.prompts.content import ContentError
from studio.prompts.models import PromptTemplate, PromptTemplateVersion


class Filled(WithFiles, Protocol):
    """What of a body is looked at here (`v1.templates.RunIn`)."""

    version: int | None
    values: dict[str, Any]
    sections: dict[str, str]
    engine: str
    mode: str
    width: int | None
    height: int | None
    num_images: int | None
    seed: int | None
    settings: dict[str, Any]


def template_of(caller: Caller, template_id: UUID) -> PromptTemplate:
    """A template of the team that the key works in, which its person sees. Raises Http404."""
    template = template_for(caller.user, template_id)
    if template.team_id != caller.team.pk:
        raise Http404
    return template


def version_of(template: PromptTemplate, number: int | None = None) -> PromptTemplateVersion | None:
    """The one of this number; for None the published one, else the newest draft."""
    versions = template.versions.select_related("template__team", "template__published", "author")
    if number is not None:
        return versions.filter(number=number).first()
    return versions.filter(pk=template.published_id).first() if template.published_id else versions.newest_first().first()


def filled_in(shop: Shop, template: PromptTemplate, asked: Filled) -> Wish:
    """Check all of it. Raises FieldsRefused, with a sentence for each thing that is wrong by the name that it has in the body."""
    version = version_of(template, asked.version)
    if version is None:
        _refuse({"version": f"The template has no version {asked.version}."})
        raise AssertionError
    chosen = Chosen(version)
    drawn = _drawn(shop, chosen, asked)
    form = drawn.form
    wrong: dict[str, str] = {}
    given = _given(asked, form, wrong)
    _check_settings(chosen, form, given, wrong)
    _check_words(chosen, asked, wrong)
    _check_inputs(asked, form, wrong)
    check_files(shop.caller, asked, wrong)
    if wrong:
        _refuse(wrong)
    # What stands on a freshly drawn page, and over it what the program says.
    data = {name: value for name in form.fields if (value := form[name].value()) is not None}
    data |= {f"{FIELD}{name}": value for name, value in asked.values.items()}
    data |= {f"{SECTION}{name}": text for name, text in asked.sections.items()}
    data |= given | {name: str(file) for name, file in asked.inputs.items()} | ({"source": str(asked.source)} if asked.source else {})
    data |= {"idempotency_key": "program", "engine": drawn.engine.id, "mode": drawn.mode.value}
    sent = GenerationForm(
        data, engine=drawn.engine, mode=drawn.mode, user=shop.caller.user, version=version, held=form.held, lists=form.lists
    )
    if not sent.is_valid():
        _refuse({_place(name, sent): str(errors[0]) for name, errors in sent.errors.items()})
    request = sent.to_request()
    if request.num_images > 1 and sent.filling and sent.filling.varies:
        _refuse({"num_images": "This template draws other words for each result: run it once for each of them."})
    return Wish(drawn.engine, sent, request)


def _refuse(wrong: Mapping[str, str]) -> None:
    """Raises FieldsRefused."""
    first = next(iter(wrong.values()))
    raise FieldsRefused(first if len(wrong) == 1 else f"{len(wrong)} things are wrong; “errors” says which.", wrong)


def _drawn(shop: Shop, chosen: Chosen, asked: Filled) -> panel.Panel:
    """The panel as it starts with the version. Raises FieldsRefused where the engine or the mode cannot be the one that is meant."""
    content = chosen.content
    for name, value, own in (("engine", asked.engine, content.engine), ("mode", asked.mode, content.mode)):
        if value and value != own and not chosen.may_change(name):
            _refuse({name: f"The template holds its {name}: it is made with “{own}”. Leave it out."})
    engine, mode = asked.engine or content.engine, asked.mode or content.mode
    if engine:
        shop.engine(engine)
    drawn = panel.build(shop.caller.user, {"template": str(chosen.version.pk), "engine": engine, "mode": mode}, team=shop.caller.team)
    if drawn is None:
        raise NotPossible("no_engine", "This studio has no engine at the moment.", status=503)
    if drawn.mode.value != mode or (engine and drawn.engine.id != engine):
        said = (
            f"“{engine}” does not do “{mode}”. GET /api/v1/engines says what does."
            if engine
            else f"No engine of this studio does “{mode}”."
        )
        _refuse({"mode" if asked.mode else "engine": said})
    return drawn


def _given(asked: Filled, form: GenerationForm, wrong: dict[str, str]) -> dict[str, Any]:
    """The settings that the body names, as the form calls them."""
    given = {name: value for name, value in asked.settings.items() if value is not None}
    for name in given.keys() & (OWN | {"size"}):
        wrong[f"settings.{name}"] = f"“{name}” stands beside “settings”, not in there." if name != "size" else "Give “width” and “height”."
    given |= {name: value for name in ("num_images", "seed") if (value := getattr(asked, name)) is not None}
    if (asked.width is None) != (asked.height is None):
        wrong["height" if asked.height is None else "width"] = "Give both width and height, or neither."
    elif asked.width is not None:
        sizes = {"size": f"{asked.width}x{asked.height}"} if "size" in form.fields else {"width": asked.width, "height": asked.height}
        given |= sizes
    return given


def _check_settings(chosen: Chosen, form: GenerationForm, given: Mapping[str, Any], wrong: dict[str, str]) -> None:
    """A setting that is not there, or that the template holds, is refused and not passed over: it would be paid for all the same."""
    for name, value in given.items():
        place = name if name in OWN else "width" if name == "size" else f"settings.{name[:40]}"
        if name not in form.settings:
            wrong.setdefault(place, f"{form.engine.label} has no such setting in the mode {form.mode.value}.")
        elif form.fields[name].disabled and str(value) != str(form[name].value()):
            free = ", ".join(one for one in form.settings if not form.fields[one].disabled)
            shape = "shape" if name in SHAPES else "setting"
            wrong.setdefault(
                place, f"The template holds this {shape}. {f'What may be changed: {free}.' if free else 'None may be changed.'}"
            )


def _check_words(chosen: Chosen, asked: Filled, wrong: dict[str, str]) -> None:
    content = chosen.content
    fields = ", ".join(content.by_name) or "none"
    for name in asked.values.keys() - content.by_name.keys():
        wrong[f"values.{name[:40]}"] = f"The template has no field “{name[:40]}”; its fields: {fields}."
    try:
        content.reworded(asked.sections)
    except ContentError as error:
        wrong |= {place: said.replace(" Reload the page.", "") for place, said in error.problems.items()}


def _check_inputs(asked: Filled, form: GenerationForm, wrong: dict[str, str]) -> None:
    takes = ", ".join(form.inputs.by_name) or "none"
    for name in asked.inputs.keys() - form.inputs.by_name.keys():
        wrong[f"inputs.{name[:40]}"] = f"There is no such input; {form.engine.label} takes in this mode: {takes}."
    for one in form.inputs:
        is_given = one.rules.name in asked.inputs or (asked.source and one is form.inputs.first)
        if one.rules.required and not is_given:
            wrong[f"inputs.{one.rules.name}"] = f"It needs a {noun(one.rules)}: upload it at POST /api/v1/inputs, and give its id here."
    if asked.source and form.inputs.first is None:
        wrong["source"] = f"{form.engine.label} starts from nothing in the mode {form.mode.value}."


def _place(name: str, form: GenerationForm) -> str:
    """What the body calls a field of the form."""
    if name.startswith(FIELD):
        return f"values.{name.removeprefix(FIELD)}"
    if name.startswith(SECTION):
        return f"sections.{name.removeprefix(SECTION)}"
    if name in form.inputs.by_name:
        return f"inputs.{name}"
    if name in {parameter.name for parameter in form.engine.parameters_for(form.mode)} - OWN:
        return f"settings.{name}"
    return {"__all__": "request", "size": "width"}.get(name, name)
