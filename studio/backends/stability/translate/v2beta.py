"""v2beta: one form per picture, all values as text (`stability/API.md` 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.backends.base import Engine, GenerationRequest, Mode
from studio.backends.errors import InvalidRequest
from studio.backends.stability.calls import GENERATION_SECONDS, QUICK_SECONDS, Call, File
from studio.backends.stability.engines.records import Service
from studio.backends.stability.engines.settings import NONE
from studio.backends.stability.translate import pictures
from studio.backends.stability.translate.prompts import texts
from studio.backends.stability.translate.values import Values

SENDS_NONE = {"remesh", "target_type"}
"""Settings whose choice "none" is the provider's own word."""


def calls(engine: Engine, service: Service, request: GenerationRequest, values: Values) -> list[Call]:
    """One call per picture. Raises `InvalidRequest`."""
    if problems := _problems(request, values):
        raise InvalidRequest(" ".join(problems.values()), fields=problems)
    files = tuple(pictures.within(list(_files(engine, service, request)), service.body_limit))
    common = tuple(_fields(engine, service, request, values))
    return [
        Call(
            "POST",
            service.path,
            "v2beta",
            accept=service.accept,
            fields=common + ((("seed", str(provider_seed(seed, engine.max_seed))),) if engine.max_seed is not None else ()),
            files=files,
            body_limit=service.body_limit,
            seconds=QUICK_SECONDS if service.results else GENERATION_SECONDS,
            paid=True,
        )
        for seed in request.seeds
    ]


def provider_seed(seed: int, largest: int) -> int:
    """Ours go one further than theirs, and wrap as `GenerationRequest.seeds` does. 0 is random there: the answer tells which it was."""
    return seed % (largest + 1)


def _fields(engine: Engine, service: Service, request: GenerationRequest, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from service.fields
    for name, value in texts(engine, request.prompt, request.negative_prompt).items():
        if value:
            yield service.names.get(name, name), value
    for name, value in values.items():
        if value is None or (value == NONE and name not in SENDS_NONE) or not _has_meaning(service, name, request, values):
            continue
        yield service.names.get(name, name), _text(value)


def _has_meaning(service: Service, name: str, request: GenerationRequest, values: Mapping[str, Any]) -> bool:
    needs = service.only_with.get(name)
    return not needs or any(request.file(other) or values.get(other) not in (None, NONE) for other in needs)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _files(engine: Engine, service: Service, request: GenerationRequest) -> Iterator[File]:
    for rules in engine.inputs_for(request.mode):
        data, name = request.file(rules.name), service.names.get(rules.name, rules.name)
        if data:
            yield pictures.audio_file(rules, data, name) if rules.kind == "audio" else pictures.picture_file(rules, data, name)


def _problems(request: GenerationRequest, values: Mapping[str, Any]) -> dict[str, str]:
    """What no single setting can tell, by the field that mends it."""
    if request.mode in (Mode.INPAINTING, Mode.ERASE) and not request.mask_image and not pictures.has_clear_parts(request.image or b""):
        return {"mask_image": "Paint over the part that should change."}
    if request.mode is Mode.OUTPAINTING and not any(values[side] for side in ("left", "right", "up", "down")):
        return {"left": "Say how many pixels to add, on one side at least."}
    if request.mode is Mode.REPLACE_BACKGROUND and not request.prompt and not request.file("background_reference"):
        return {"prompt": "Describe the new background, or choose a picture of it."}
    if request.mode is Mode.AUDIO_INPAINTING and values["mask_end"] <= values["mask_start"]:
        return {"mask_end": "The part that changes must end after it begins."}
    return {}
