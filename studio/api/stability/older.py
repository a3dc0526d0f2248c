"""The endpoint that the contract's documents have dropped and that old programs still call: v1's upscale (API.md 1.4).

image-to-video is not among them: it was switched off, and answers 404 there as it does here (API.md 2.12).
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any

from studio.api.stability import contract
from studio.api.stability.contract import Endpoint, Field
from studio.api.stability.v1_rules import LEAST_UPSCALED_SIDE

UPSCALE = "/v1/generation/{engine_id}/image-to-image/upscale"
_PATTERN = re.compile(r"/v1/generation/(?P<engine_id>[^/]+)/image-to-image/upscale")


@cache
def upscale() -> Endpoint:
    """Multipart like image-to-image, with its answers; words, seed, steps and cfg_scale are the latent upscaler's."""
    like = contract.endpoint("POST", "/v1/generation/{engine_id}/image-to-image")
    side: dict[str, Any] = {"type": "integer", "minimum": LEAST_UPSCALED_SIDE, "maximum": 16384}
    form = {
        "image": Field("image", {"type": "string", "format": "binary"}, required=True),
        "width": Field("width", side, required=False),
        "height": Field("height", side, required=False),
        "text_prompts": Field("text_prompts", like.form()["text_prompts"].schema, required=False),
        **{name: like.form()[name] for name in ("seed", "steps", "cfg_scale")},
    }
    return replace(like, path=UPSCALE, forms={"": form})


def match(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """As `contract.match`, this endpoint among them."""
    if method == "POST" and (found := _PATTERN.fullmatch(path)):
        return upscale(), found.groupdict()
    return contract.match(method, path)


def methods_of(path: str) -> list[str]:
    """The methods that an address knows."""
    return [method for method in ("GET", "POST") if match(method, path)]
