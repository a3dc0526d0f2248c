"""`stable-image/generate/…` (API.md 2.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.api.stability.asks import sizes
from studio.api.stability.asks.prompts import plain, shared
from studio.api.stability.asks.wishes import MIME, Wish
from studio.backends.base import Mode

Values = Mapping[str, Any]


def common(values: Values, **more: Any) -> dict[str, Any]:
    """What nearly every form of v2beta has."""
    return {
        "mime": MIME[values.get("output_format", "png")],
        "prompt": shared(values.get("prompt", "")),
        "negative": plain(values.get("negative_prompt", "")),
        "seed": int(values.get("seed", 0)),
        "settings": {name: values[name] for name in ("aspect_ratio", "style_preset", "output_format") if name in values},
        **more,
    }


def core(values: Values) -> Wish:
    return Wish((Mode.TEXT_TO_IMAGE,), size=sizes.core(values["aspect_ratio"]), **common(values))


def ultra(values: Values) -> Wish:
    """With an image it has the size of `aspect_ratio` all the same, whatever the image's shape."""
    size, said = sizes.BY_RATIO[values["aspect_ratio"]], common(values)
    if "image" not in values:
        return Wish((Mode.TEXT_TO_IMAGE,), size=size, **said)
    said["settings"] |= {"strength": float(values["strength"])}
    return Wish((Mode.IMAGE_TO_IMAGE,), size=size, image=values["image"].data, **said)


def sd3(values: Values) -> Wish:
    said = common(values)
    usual = {"guidance_scale": 1 if str(values.get("model", "")).endswith(("turbo", "flash")) else 4}
    if "cfg_scale" in values:
        said["settings"] |= {"guidance_scale": values["cfg_scale"]}
    if values["mode"] == "text-to-image":
        size = sizes.BY_RATIO[values["aspect_ratio"]]
        return Wish((Mode.TEXT_TO_IMAGE,), size=size, usual=usual, names={"guidance_scale": "cfg_scale"}, **said)
    said["settings"].pop("aspect_ratio", None)
    said["settings"] |= {"strength": float(values["strength"])}
    image = values["image"]
    return Wish(
        (Mode.IMAGE_TO_IMAGE,),
        size=sizes.in_shape_of(sizes.of(image)),
        image=image.data,
        usual=usual,
        names={"guidance_scale": "cfg_scale"},
        **said,
    )
