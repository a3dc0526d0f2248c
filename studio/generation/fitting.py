"""The same wish put to another engine, where that can do it: mode, number and files as they are, the shape near enough, and of the settings
those that it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log, sqrt
from typing import Any

from studio.backends.base import MAX_SEED, Engine, EngineState, GenerationRequest, Parameter, PromptNeed, SizeRules
from studio.generation.models import InputFile

USABLE = (EngineState.READY, EngineState.SLOW)
NEAR = log(1.12)
"""How far width over height may be from what was wanted, as a logarithm."""
LEAST_AREA = 0.25
"""Of the pixels that were asked for; whoever offers it says the size."""
_TAKEN_OVER = ("guidance_scale", "scheduler", "strength")


def fit(request: GenerationRequest, engine: Engine, other: Engine, files: Mapping[str, InputFile]) -> GenerationRequest | None:
    """What to ask of `other` for what was to be asked of `engine`; None where it cannot do that, or not now.

    `files` are those that the request starts from, by the names of their `MediaInput`s. A setting that `other` does not know, or not with
    this value, is left to it.
    """
    mode = request.mode
    if other.state not in USABLE or not other.supports(mode) or request.num_images > other.max_images or not _takes(other, request, files):
        return None
    wanted = ratio_of(request, engine)
    shape = _shape(other, request, wanted)
    if shape is None:
        return None
    return replace(
        request,
        engine=other.id,
        seed=request.seed % ((MAX_SEED if other.max_seed is None else other.max_seed) + 1),
        negative_prompt=request.negative_prompt if other.negative_prompt else "",
        num_inference_steps=_steps(request, engine, other),
        **{name: _kept(other, request, name, getattr(request, name)) for name in _TAKEN_OVER},
        **shape,
    )


def ratio_of(request: GenerationRequest, engine: Engine) -> float | None:
    """Width over height of what is asked for; None where that follows from a file."""
    if request.width and request.height:
        return request.width / request.height
    shapes = next((one for one in engine.parameters_for(request.mode) if one.kind == "aspect-ratio"), None)
    return _ratio(str(request.extra.get(shapes.name) or shapes.default)) if shapes else None


def _ratio(text: str) -> float | None:
    wide, _, high = text.partition(":")
    try:
        return float(wide) / float(high)
    except (ValueError, ZeroDivisionError):
        return None


def _takes(other: Engine, request: GenerationRequest, files: Mapping[str, InputFile]) -> bool:
    """Whether it reads this prompt and these files, and needs no others."""
    need, rules = other.prompt_for(request.mode), {one.name: one for one in other.inputs_for(request.mode)}
    if other.length_of(request.prompt) > other.max_prompt_length or (request.prompt and need is PromptNeed.NONE):
        return False
    if set(files) - set(rules):
        return False
    return not any(
        rules[name].problem(file.mime, width=file.width, height=file.height, seconds=file.seconds) for name, file in files.items()
    )


def _shape(other: Engine, request: GenerationRequest, wanted: float | None) -> dict[str, Any] | None:
    """Width, height and `extra` for the other engine; None where it makes nothing that is near."""
    extra = {p.name: request.extra[p.name] for p in other.parameters_for(request.mode) if _is_value(p, request.extra.get(p.name))}
    shapes = next((one for one in other.parameters_for(request.mode) if one.kind == "aspect-ratio"), None)
    if shapes and wanted:
        nearest = min(shapes.choices, key=lambda choice: abs(log((_ratio(choice) or 1) / wanted)))
        if abs(log((_ratio(nearest) or 1) / wanted)) > NEAR:
            return None
        return {"width": None, "height": None, "extra": {**extra, shapes.name: nearest}}
    if other.size is None:
        return None if wanted else {"width": None, "height": None, "extra": extra}
    size = _size(other.size, wanted, request)
    return {"width": size[0], "height": size[1], "extra": extra} if size else None


def _size(rules: SizeRules, wanted: float | None, request: GenerationRequest) -> tuple[int, int] | None:
    if request.width and request.height and rules.problem(request.width, request.height) is None:
        return request.width, request.height
    if wanted is None:
        return rules.default
    if rules.choices:
        found = min(rules.choices, key=lambda size: abs(log(size[0] / size[1] / wanted)))
    else:
        area = rules.default[0] * rules.default[1]
        found = rules.nearest(round(sqrt(area * wanted))), rules.nearest(round(sqrt(area / wanted)))
    area_wanted = request.width * request.height if request.width and request.height else 0
    is_near = abs(log(found[0] / found[1] / wanted)) <= NEAR and found[0] * found[1] >= LEAST_AREA * area_wanted
    return found if is_near and rules.problem(*found) is None else None


def _steps(request: GenerationRequest, engine: Engine, other: Engine) -> int | None:
    """Steps that somebody chose where the other takes so many; else as many as it is used to."""
    rules = parameter(other, request, "num_inference_steps")
    if rules is None:
        return None
    before = parameter(engine, request, "num_inference_steps")
    chosen = request.num_inference_steps if before and request.num_inference_steps != before.default else None
    return chosen if _is_value(rules, chosen) else rules.default


def _kept(other: Engine, request: GenerationRequest, name: str, value: Any) -> Any:
    rules = parameter(other, request, name)
    if rules is None:
        return None
    return value if _is_value(rules, value) else rules.default


def parameter(engine: Engine, request: GenerationRequest, name: str) -> Parameter | None:
    return next((one for one in engine.parameters_for(request.mode) if one.name == name), None)


def _is_value(rules: Parameter, value: Any) -> bool:
    if value in (None, ""):
        return False
    if rules.choices:
        return value in rules.choices
    if rules.kind in ("integer", "float"):
        least, most = rules.minimum, rules.maximum
        return isinstance(value, int | float) and (least is None or value >= least) and (most is None or value <= most)
    return True
