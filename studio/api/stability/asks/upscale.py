"""`stable-image/upscale/…` (API.md 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.api.stability.asks import sizes
from studio.api.stability.asks.generate import common
from studio.api.stability.asks.wishes import Wish
from studio.backends.base import Mode

Values = Mapping[str, Any]
MODES = (Mode.UPSCALING,)


def fast(values: Values) -> Wish:
    """Four times each side, as the document's 16 MP allow and as was seen live."""
    image = values["image"]
    width, height = sizes.of(image)
    return Wish(MODES, size=(4 * width, 4 * height), image=image.data, **common(values))


def conservative(values: Values) -> Wish:
    return _redrawn(values, sizes.CONSERVATIVE, 0.35)


def creative(values: Values) -> Wish:
    return _redrawn(values, sizes.CREATIVE, 0.3)


def _redrawn(values: Values, pixels: int, usual: float) -> Wish:
    said, image = common(values), values["image"]
    if "creativity" in values:
        said["settings"] |= {"creativity": float(values["creativity"])}
    return Wish(MODES, size=sizes.in_shape_of(sizes.of(image), pixels), image=image.data, usual={"creativity": usual}, **said)
