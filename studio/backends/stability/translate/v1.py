"""v1: all pictures in one call, as JSON or, with a picture to start from, as a form (`stability/API.md` 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio.backends.base import Engine, GenerationRequest, Mode
from studio.backends.errors import InvalidRequest
from studio.backends.stability.calls import GENERATION_SECONDS, Call, File
from studio.backends.stability.engines.records import Service
from studio.backends.stability.engines.sdxl import AUTOMATIC, SAMPLERS
from studio.backends.stability.engines.settings import NONE
from studio.backends.stability.translate import pictures
from studio.backends.stability.translate.prompts import weighted
from studio.backends.stability.translate.values import Values

NAMES = {
    "text_prompts": "prompt",
    "cfg_scale": "guidance_scale",
    "steps": "num_inference_steps",
    "sampler": "scheduler",
    "samples": "num_images",
    "height": "height",
    "width": "width",
    "init_image": "image",
    "mask_image": "mask_image",
    "mask_source": "mask_image",
    "image_strength": "strength",
    "step_schedule_start": "strength",
}
"""The studio's settings by the provider's names, where they differ or are no parameter of the engine."""


def calls(engine: Engine, service: Service, request: GenerationRequest, values: Values) -> list[Call]:
    """One call. Raises `InvalidRequest`."""
    assert engine.size is not None
    size = request.width or engine.size.default[0], request.height or engine.size.default[1]
    body = _body(request, values)
    common: dict[str, Any] = {"accept": service.accept, "body_limit": service.body_limit, "seconds": GENERATION_SECONDS, "paid": True}
    if request.mode is Mode.TEXT_TO_IMAGE:
        return [Call("POST", service.path, "v1", json={**body, "width": size[0], "height": size[1]}, **common)]
    if request.mode is Mode.INPAINTING:
        body["mask_source"] = _mask_source(request)
    else:
        body |= _strength(values)
    files = tuple(_files(engine, request, size))
    return [Call("POST", service.path, "v1", fields=tuple(_fields(body)), files=files, **common)]


def check(engine: Engine, request: GenerationRequest, values: Values) -> None:
    """Raise what `calls` would, without scaling a picture: a body has no limit here, so how many bytes come out of it does not matter."""
    _body(request, values)
    if request.mode is Mode.INPAINTING:
        _mask_source(request)
    for rules in engine.inputs_for(request.mode):
        if data := request.file(rules.name):
            pictures.size_of(rules, data)


def _body(request: GenerationRequest, values: Values) -> dict[str, Any]:
    prompts = weighted(request.prompt, request.negative_prompt)
    if not any(one.weight > 0 for one in prompts):
        raise InvalidRequest("Write what the picture should show.", fields={"prompt": "Write what the picture should show."})
    body: dict[str, Any] = {
        "text_prompts": [one._asdict() for one in prompts],
        "cfg_scale": values["guidance_scale"],
        "clip_guidance_preset": values["clip_guidance_preset"],
        "samples": request.num_images,
        "seed": request.seed,
        "steps": values["num_inference_steps"],
    }
    if values["scheduler"] != AUTOMATIC:
        body["sampler"] = SAMPLERS[values["scheduler"]]
    if values["style_preset"] != NONE:
        body["style_preset"] = values["style_preset"]
    return body


def _strength(values: Values) -> dict[str, Any]:
    """How much of the picture stays. v1 counts the other way round: 1 is about the init image, and equals 1 − `step_schedule_start`."""
    if values["step_schedule_end"] is None:
        return {"init_image_mode": "IMAGE_STRENGTH", "image_strength": round(1 - values["strength"], 6)}
    return {
        "init_image_mode": "STEP_SCHEDULE",
        "step_schedule_start": values["strength"],
        "step_schedule_end": values["step_schedule_end"],
    }


def _mask_source(request: GenerationRequest) -> str:
    if request.mask_image:
        return "MASK_IMAGE_WHITE"
    if pictures.has_clear_parts(request.image or b""):
        return "INIT_IMAGE_ALPHA"
    problem = "Paint over the part that should change."
    raise InvalidRequest(problem, fields={"mask_image": problem})


def _fields(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Forms have one part per leaf: `text_prompts[0][text]`, `text_prompts[0][weight]`."""
    for name, value in body.items():
        if name == "text_prompts":
            yield from ((f"{name}[{place}][{part}]", str(leaf)) for place, one in enumerate(value) for part, leaf in one.items())
        else:
            yield name, str(value)


def _files(engine: Engine, request: GenerationRequest, size: tuple[int, int]) -> Iterator[File]:
    """The picture at the result's size, which it must have already (`stability/API.md` 4.6), and the mask at the picture's."""
    for rules in engine.inputs_for(request.mode):
        data = request.file(rules.name)
        if data:
            over = pictures.size_of(rules, request.image or data) if rules.kind == "mask" else None
            yield pictures.fitted_file(rules, data, {"image": "init_image"}.get(rules.name, rules.name), size, over=over)
