"""What can be asked for: the engines with their modes, settings, sizes, inputs and prices."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from ninja import Router

from accounts.keys import Caller
from billing.models import Plan
from billing.services.plans import plan_of
from studio.api.asking import closed
from studio.api.auth import Key, ProgramRequest
from studio.api.problems import statuses
from studio.api.v1.answers import answer
from studio.api.v1.schemas import EngineOut, Engines
from studio.backends.base import Engine, MediaInput, Mode, Parameter
from studio.generation import engines as engine_list
from studio.generation.facts import decimal

router = Router()


@router.get("/engines", auth=Key(), response={200: Engines, **statuses()})
def list_engines(request: ProgramRequest) -> HttpResponse:
    """Every engine that the studio offers now, and whether this key may use it. Takes no scope."""
    plan = plan_of(request.caller.team)
    return answer({"items": [engine_facts(request.caller, plan, engine) for engine in engine_list.available()]})


@router.get("/engines/{engine_id}", auth=Key(), response={200: EngineOut, **statuses()})
def show_engine(request: ProgramRequest, engine_id: str) -> HttpResponse:
    """One engine with its modes, settings, sizes and prices, as it stands now."""
    engine = next((one for one in engine_list.available() if one.id == engine_id), None)
    if engine is None:
        raise Http404
    return answer(engine_facts(request.caller, plan_of(request.caller.team), engine))


def engine_facts(caller: Caller, plan: Plan, engine: Engine) -> dict[str, Any]:
    refusal = closed(caller, plan, engine)
    return {
        "id": engine.id,
        "object": "engine",
        "label": engine.label,
        "description": engine.description,
        "local": engine.local,
        "state": engine.state.value,
        "state_detail": engine.state_detail,
        "usable": not refusal,
        "refusal": refusal or None,
        "modes": [_mode(engine, mode) for mode in engine.modes],
        "settings": [_setting(one) for one in engine.parameters],
        "sizes": _sizes(engine),
        "max_images": engine.max_images,
        "max_seed": engine.max_seed,
        "max_prompt_length": engine.max_prompt_length,
        "negative_prompt": engine.negative_prompt,
        "price": {
            "per_result": decimal(engine.price.per_image),
            "included_steps": engine.price.included_steps,
            "per_extra_step": decimal(engine.price.per_extra_step),
            "usual": decimal(engine.price.usual),
            "price_list": engine.price.version,
        },
    }


def _mode(engine: Engine, mode: Mode) -> dict[str, Any]:
    return {
        "name": mode.value,
        "label": mode.label,
        "makes": mode.makes,
        "prompt": engine.prompt_for(mode).value,
        "settings": [one.name for one in engine.parameters_for(mode)],
        "inputs": [_input(one) for one in engine.inputs_for(mode)],
    }


_RULES = ("min_side", "max_side", "min_pixels", "max_pixels", "max_ratio", "min_seconds", "max_seconds", "max_bytes")


def _input(one: MediaInput) -> dict[str, Any]:
    rules: dict[str, Any] = {name: getattr(one, name) for name in _RULES if getattr(one, name) is not None}
    return {
        "name": one.name,
        "label": one.label,
        "kind": one.kind,
        "required": one.required,
        "rules": {"formats": list(one.formats), **rules},
    }


def _setting(one: Parameter) -> dict[str, Any]:
    same = ("name", "label", "kind", "default", "minimum", "maximum", "step", "max_length", "required", "help")
    return {name: getattr(one, name) for name in same} | {"choices": list(one.choices)}


def _sizes(engine: Engine) -> dict[str, Any] | None:
    rules = engine.size
    if rules is None:
        return None
    same = {name: getattr(rules, name) for name in ("multiple_of", "minimum", "maximum", "max_pixels")}
    return {"default": list(rules.default), "choices": [list(one) for one in rules.choices], **same}
