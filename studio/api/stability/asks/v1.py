"""v1 (API.md 1.3 and 1.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.api.stability.asks import sizes
from studio.api.stability.asks.prompts import weighted
from studio.api.stability.asks.wishes import Mask, Wish
from studio.api.stability.errors import FieldRefused
from studio.backends.base import Mode
from studio.backends.stability.engines.sdxl import SAMPLERS

Values = Mapping[str, Any]

SCHEDULERS = {theirs: ours for ours, theirs in SAMPLERS.items()}
NAMES = {
    "prompt": "text_prompts",
    "negative_prompt": "text_prompts[weight]",
    "guidance_scale": "cfg_scale",
    "num_inference_steps": "steps",
    "scheduler": "sampler",
    "num_images": "samples",
    "image": "init_image",
    "strength": "image_strength",
}
USUAL = {"guidance_scale": 7, "num_inference_steps": 30, "clip_guidance_preset": "NONE"}
FACTOR = 2
"""Upscale without a width or a height (API.md 1.4)."""


def text_to_image(values: Values) -> Wish:
    return Wish((Mode.TEXT_TO_IMAGE,), size=(values["width"], values["height"]), **_common(values))


def image_to_image(values: Values) -> Wish:
    """v1 counts how much stays: 1 is about the init image (API.md 1.4)."""
    said, image = _common(values), values["init_image"]
    if values.get("init_image_mode", "IMAGE_STRENGTH") == "IMAGE_STRENGTH":
        strength = 1 - values.get("image_strength", 0.35)
    else:
        strength = values.get("step_schedule_start", 0.65)
        said["names"] = {**NAMES, "strength": "step_schedule_start"}
        if "step_schedule_end" in values:
            said["settings"] |= {"step_schedule_end": float(values["step_schedule_end"])}
    said["settings"] |= {"strength": round(float(strength), 6)}
    return Wish((Mode.IMAGE_TO_IMAGE,), size=sizes.of(image), image=image.data, **said)


def masking(values: Values) -> Wish:
    image, source = values["init_image"], values["mask_source"]
    if source == "INIT_IMAGE_ALPHA":
        mask = Mask(None, "alpha", field_name="init_image")
    elif "mask_image" not in values:
        raise FieldRefused("mask_image", "is required when mask_source is MASK_IMAGE_WHITE or MASK_IMAGE_BLACK")
    else:
        mask = Mask(values["mask_image"].data, "white" if source == "MASK_IMAGE_WHITE" else "black", field_name="mask_image")
    return Wish((Mode.INPAINTING,), size=sizes.of(image), image=image.data, mask=mask, **_common(values))


def upscale(values: Values) -> Wish:
    """By the width or the height that was asked for; words and the rest go to the latent upscaler alone, which is no more."""
    image = values["image"]
    wide, high = sizes.of(image)
    if "width" in values:
        size = values["width"], max(1, round(high * values["width"] / wide))
    elif "height" in values:
        size = max(1, round(wide * values["height"] / high)), values["height"]
    else:
        size = FACTOR * wide, FACTOR * high
    return Wish((Mode.UPSCALING,), size=size, image=image.data, seed=int(values.get("seed", 0)))


def _common(values: Values) -> dict[str, Any]:
    words = weighted(values["text_prompts"])
    if not words.prompt:
        raise FieldRefused("text_prompts", "one of them must have a weight above 0 and say what the picture should show")
    settings: dict[str, Any] = {
        "guidance_scale": values.get("cfg_scale"),
        "num_inference_steps": values.get("steps"),
        "clip_guidance_preset": values.get("clip_guidance_preset"),
        "style_preset": values.get("style_preset"),
        "scheduler": SCHEDULERS[values["sampler"]] if "sampler" in values else None,
    }
    return {
        "prompt": words.prompt,
        "negative": words.negative,
        "seed": int(values.get("seed", 0)),
        "samples": int(values.get("samples", 1)),
        "settings": {name: value for name, value in settings.items() if value is not None},
        "usual": USUAL,
        "names": NAMES,
    }
