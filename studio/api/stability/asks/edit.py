"""`stable-image/edit/…` (API.md 2.6). What is answered has the size of the picture, and outpaint's that of its margins beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.api.stability.asks import sizes
from studio.api.stability.asks.generate import common
from studio.api.stability.asks.prompts import plain
from studio.api.stability.asks.wishes import Mask, Wish
from studio.backends.base import Mode

Values = Mapping[str, Any]
NAMES = {"mask_image": "mask"}
SIDES = ("left", "right", "up", "down")


def erase(values: Values) -> Wish:
    image = values["image"]
    return Wish((Mode.ERASE, Mode.INPAINTING), size=sizes.of(image), image=image.data, mask=_mask(values), names=NAMES, **common(values))


def inpaint(values: Values) -> Wish:
    image = values["image"]
    return Wish((Mode.INPAINTING,), size=sizes.of(image), image=image.data, mask=_mask(values), names=NAMES, **common(values))


def outpaint(values: Values) -> Wish:
    """Its prompt has a rule of its own, which documents no weights."""
    said, image = common(values), values["image"]
    width, height = sizes.of(image)
    left, right, up, down = margins = tuple(int(values[side]) for side in SIDES)
    said["settings"] |= dict(zip(SIDES, margins, strict=True)) | {"creativity": float(values["creativity"])}
    return Wish(
        (Mode.OUTPAINTING, Mode.INPAINTING),
        size=(width + left + right, height + up + down),
        image=image.data,
        usual={"creativity": 0.5},
        **said | {"prompt": plain(values.get("prompt", ""))},
    )


def search_and_replace(values: Values) -> Wish:
    return _searched(Mode.SEARCH_AND_REPLACE, "search_prompt", values)


def search_and_recolor(values: Values) -> Wish:
    return _searched(Mode.SEARCH_AND_RECOLOR, "select_prompt", values)


def _searched(mode: Mode, looked_for: str, values: Values) -> Wish:
    said, image = common(values), values["image"]
    said["settings"] |= {looked_for: plain(values[looked_for])}
    if "grow_mask" in values:
        said["settings"] |= {"grow_mask": int(values["grow_mask"])}
    return Wish((mode,), size=sizes.of(image), image=image.data, usual={"grow_mask": 3}, **said)


def remove_background(values: Values) -> Wish:
    image = values["image"]
    return Wish((Mode.REMOVE_BACKGROUND,), size=sizes.of(image), image=image.data, **common(values))


RELIGHT = (
    "preserve_original_subject",
    "original_background_depth",
    "keep_original_background",
    "light_source_direction",
    "light_source_strength",
)
RELIGHT_USUAL = {
    "preserve_original_subject": 0.6,
    "original_background_depth": 0.5,
    "keep_original_background": False,
    "light_source_strength": 0.3,
}


def replace_background(values: Values) -> Wish:
    said, image = common(values), values["subject_image"]
    said["settings"] |= {name: values[name] for name in RELIGHT if name in values}
    said["settings"]["keep_original_background"] = values.get("keep_original_background", "false") == "true"
    if "foreground_prompt" in values:
        said["settings"] |= {"foreground_prompt": plain(values["foreground_prompt"])}
    return Wish(
        (Mode.REPLACE_BACKGROUND,),
        size=sizes.of(image),
        image=image.data,
        files={name: values[name].data for name in ("background_reference", "light_reference") if name in values},
        usual=RELIGHT_USUAL,
        names={"image": "subject_image", "prompt": "background_prompt"},
        **said | {"prompt": plain(values.get("background_prompt", ""))},
    )


def _mask(values: Values) -> Mask:
    """An explicit mask wins over the picture's transparency. The inpaint of v2alpha has no `grow_mask`."""
    grow = int(values.get("grow_mask", 0))
    return Mask(values["mask"].data, grow=grow) if "mask" in values else Mask(None, "alpha", grow=grow)
