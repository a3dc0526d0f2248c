"""`stable-image/control/…` (API.md 2.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.api.stability.asks import sizes
from studio.api.stability.asks.generate import common
from studio.api.stability.asks.prompts import plain
from studio.api.stability.asks.wishes import Wish
from studio.backends.base import Mode

Values = Mapping[str, Any]
TRANSFER = {"style_strength": 1, "composition_fidelity": 0.9, "change_strength": 0.9}


def sketch(values: Values) -> Wish:
    return _guided(Mode.SKETCH, values)


def structure(values: Values) -> Wish:
    return _guided(Mode.STRUCTURE, values)


def _guided(mode: Mode, values: Values) -> Wish:
    said, image = common(values), values["image"]
    said["settings"] |= {"control_strength": float(values["control_strength"])}
    return Wish((mode,), size=sizes.of(image), image=image.data, usual={"control_strength": 0.7}, **said)


def style(values: Values) -> Wish:
    said = common(values)
    said["settings"] |= {"fidelity": float(values["fidelity"])}
    return Wish((Mode.STYLE,), size=sizes.exact(values["aspect_ratio"]), image=values["image"].data, usual={"fidelity": 0.5}, **said)


def style_transfer(values: Values) -> Wish:
    said, image = common(values), values["init_image"]
    said["settings"] |= {name: float(values[name]) for name in TRANSFER if name in values}
    return Wish(
        (Mode.STYLE_TRANSFER,),
        size=sizes.in_shape_of(sizes.of(image)),
        image=image.data,
        files={"style_image": values["style_image"].data},
        usual=TRANSFER,
        names={"image": "init_image"},
        **said | {"prompt": plain(values.get("prompt", ""))},
    )
