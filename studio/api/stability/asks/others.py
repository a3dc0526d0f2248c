"""3D models and sounds (API.md 2.10 and 2.11). They have no size, and nothing is done to what an engine makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.api.stability.asks.prompts import plain
from studio.api.stability.asks.wishes import MIME, Wish
from studio.backends.base import Mode

Values = Mapping[str, Any]
GLB = "model/gltf-binary"
SOUND_NAMES = {"num_inference_steps": "steps", "guidance_scale": "cfg_scale"}


def fast_3d(values: Values) -> Wish:
    return _solid(values, "texture_resolution", "foreground_ratio", "remesh", "vertex_count")


def point_aware_3d(values: Values) -> Wish:
    return _solid(values, "texture_resolution", "foreground_ratio", "remesh", "target_type", "target_count", "guidance_scale")


def _solid(values: Values, *names: str) -> Wish:
    return Wish(
        (Mode.IMAGE_TO_3D,),
        GLB,
        image=values["image"].data,
        seed=int(values.get("seed", 0)),
        settings={name: values[name] for name in names if name in values},
    )


def text_to_audio(values: Values) -> Wish:
    return _sound(Mode.TEXT_TO_AUDIO, values)


def audio_to_audio(values: Values) -> Wish:
    return _sound(Mode.AUDIO_TO_AUDIO, values, "strength")


def audio_inpaint(values: Values) -> Wish:
    return _sound(Mode.AUDIO_INPAINTING, values, "mask_start", "mask_end")


def _sound(mode: Mode, values: Values, *more: str) -> Wish:
    settings = {name: values[name] for name in ("duration", "output_format", *more) if name in values}
    settings |= {ours: values[theirs] for ours, theirs in SOUND_NAMES.items() if theirs in values}
    return Wish(
        (mode,),
        MIME[values["output_format"]],
        prompt=plain(values["prompt"]),
        seed=int(values.get("seed", 0)),
        settings=settings,
        files={"audio": values["audio"].data} if "audio" in values else {},
        names=SOUND_NAMES,
    )
