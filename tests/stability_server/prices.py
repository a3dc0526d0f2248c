"""What each call costs, in credits: the table of API.md 3, typed from there. A test compares it with `x-credits` of the OpenAPI document.

v1's rule is "0.9 up to 30 steps, else 0.9·steps/30" for each picture. The v2alpha aliases have no price of their own: that of what they
stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

CREDITS_OF: dict[str, Decimal] = {
    path: Decimal(credits)
    for path, credits in {
        "/v2beta/stable-image/generate/ultra": "8",
        "/v2beta/stable-image/generate/core": "3",
        "/v2beta/stable-image/edit/erase": "5",
        "/v2beta/stable-image/edit/inpaint": "5",
        "/v2beta/stable-image/edit/outpaint": "4",
        "/v2beta/stable-image/edit/search-and-replace": "5",
        "/v2beta/stable-image/edit/search-and-recolor": "5",
        "/v2beta/stable-image/edit/remove-background": "5",
        "/v2beta/stable-image/edit/replace-background-and-relight": "8",
        "/v2beta/stable-image/upscale/fast": "2",
        "/v2beta/stable-image/upscale/conservative": "40",
        "/v2beta/stable-image/upscale/creative": "60",
        "/v2beta/stable-image/control/sketch": "5",
        "/v2beta/stable-image/control/structure": "5",
        "/v2beta/stable-image/control/style": "5",
        "/v2beta/stable-image/control/style-transfer": "8",
        "/v2beta/3d/stable-fast-3d": "10",
        "/v2beta/3d/stable-point-aware-3d": "4",
        "/v2beta/audio/stable-audio-2/inpaint": "20",
        "/v2beta/audio/stable-audio/text-to-audio": "26",
        "/v2beta/audio/stable-audio/audio-to-audio": "26",
        "/v2beta/audio/stable-audio/inpaint": "26",
        "/v2alpha/generation/stable-image/upscale": "60",
        "/v2alpha/generation/stable-image/inpaint": "5",
    }.items()
}
SD3 = {"sd3.5-large": Decimal("6.5"), "sd3.5-large-turbo": Decimal(4), "sd3.5-medium": Decimal("3.5"), "sd3.5-flash": Decimal("2.5")}
SDXL_STEP, SDXL_STEPS = Decimal("0.03"), 30
SDXL = SDXL_STEP * SDXL_STEPS


def price(path: str, values: Mapping[str, Any]) -> Decimal:
    """Credits for one call of an endpoint (its path as the documents write it) with these values."""
    if path.startswith("/v1/generation/"):
        return values["samples"] * SDXL_STEP * max(SDXL_STEPS, values["steps"])
    if path.endswith("/generate/sd3"):
        return SD3[values["model"]]
    if path.startswith("/v2beta/audio/stable-audio-2/") and path not in CREDITS_OF:
        return 17 + Decimal("0.06") * values["steps"] if values["model"] == "stable-audio-2" else Decimal(20)
    return CREDITS_OF[path]
