"""A request made complete with the engine's defaults and checked, so that a run starts only with what the model can do."""

from __future__ import annotations

from dataclasses import dataclass

from studio.backends.base import Engine, GenerationRequest, Mode
from studio.backends.diffusers.images import Source, read_source
from studio.backends.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Settings:
    """What all pictures of one run have in common. `width` and `height` are pixels of the result; `strength` is 1 without a picture."""

    mode: Mode
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    scheduler: str
    strength: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a run: number `index` of the request at `place`, from `seed`."""

    place: int
    index: int
    seed: int
    prompt: str
    negative_prompt: str
    source: Source | None


def settings_of(engine: Engine, request: GenerationRequest) -> Settings:
    """Fill in the engine's defaults and check every setting. Raises `InvalidRequest`, saying what to change."""
    if not engine.supports(request.mode):
        raise InvalidRequest(f"{engine.label} does not do “{request.mode.label}”.")
    if not 1 <= request.num_images <= engine.max_images:
        raise InvalidRequest(f"{engine.label} makes 1 to {engine.max_images} pictures at once, not {request.num_images}.")
    assert engine.size is not None
    width = engine.size.default[0] if request.width is None else request.width
    height = engine.size.default[1] if request.height is None else request.height
    if problem := engine.size.problem(width, height):
        raise InvalidRequest(problem)
    steps = _value(engine, request, "num_inference_steps")
    strength = 1.0 if request.mode is Mode.TEXT_TO_IMAGE else _value(engine, request, "strength")
    return Settings(
        mode=request.mode,
        width=width,
        height=height,
        num_inference_steps=int(steps),
        guidance_scale=float(_value(engine, request, "guidance_scale")),
        scheduler=_choice(engine, request),
        strength=float(strength),
    )


def _value(engine: Engine, request: GenerationRequest, name: str) -> float:
    parameter = next(p for p in engine.parameters_for(request.mode) if p.name == name)
    value = getattr(request, name)
    if value is None:
        value = parameter.default
    low, high = parameter.minimum, parameter.maximum
    # Written so that NaN, which compares false with everything, is refused too.
    if low is not None and high is not None and not low <= value <= high:
        raise InvalidRequest(f"{parameter.label} must be from {low:g} to {high:g}, not {value:g}.")
    return float(value)


def _choice(engine: Engine, request: GenerationRequest) -> str:
    parameter = next(p for p in engine.parameters if p.name == "scheduler")
    value = parameter.default if request.scheduler is None else request.scheduler
    if value not in parameter.choices:
        raise InvalidRequest(f"{engine.label} has no sampler of this name. It has: {', '.join(parameter.choices)}.")
    return str(value)


def pictures_of(place: int, request: GenerationRequest, settings: Settings) -> list[Picture]:
    """The request's pictures, with its input decoded once and fitted to the result's size. Raises `InvalidRequest`."""
    source = None
    if settings.mode is not Mode.TEXT_TO_IMAGE:
        masked = settings.mode is Mode.INPAINTING
        source = read_source(request.image, request.mask_image, (settings.width, settings.height), masked=masked)
    return [Picture(place, index, seed, request.prompt, request.negative_prompt, source) for index, seed in enumerate(request.seeds)]


def runs(pictures: list[Picture], limit: int) -> list[list[Picture]]:
    """Cut pictures into runs of at most `limit`, keeping a request's pictures together where they fit."""
    result: list[list[Picture]] = []
    by_place: dict[int, list[Picture]] = {}
    for picture in pictures:
        by_place.setdefault(picture.place, []).append(picture)
    for group in by_place.values():
        for start in range(0, len(group), limit):
            part = group[start : start + limit]
            room = next((run for run in result if len(run) + len(part) <= limit), None)
            if room is None:
                result.append(part)
            else:
                room += part
    return result
