"""What a request asks to have done, by one name whichever of its addresses was used.

`stable-image/edit/inpaint` is the path without its version; v1's are `v1/text-to-image`, `v1/image-to-image`, `v1/masking` and
`v1/upscale`. The kept v2alpha addresses are the operations that they became (API.md 2.9): its inpaint is inpaint with `mode=mask` and
search-and-replace with `mode=search`.

`values` of an operation is what `fields.read` gives: the contract's own names, defaults filled in, what was not given and has no default
absent. Numbers are int or float, files `uploads.Picture` (`data`, `size`, `format`) or `uploads.Recording` (`data`, `seconds`, `format`),
`text_prompts` a list of `{"text": str, "weight": float?}`. v1 has the engine of its path beside them, as `engine_id`. Of v2alpha's inpaint
`grow_mask` is absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from studio.api.stability.contract import Endpoint

Media = Literal["image", "audio", "model"]

ALIASES = {"/v2alpha/generation/stable-image/upscale": "stable-image/upscale/creative"}
INPAINT = "/v2alpha/generation/stable-image/inpaint"
INPAINT_MODES = {"mask": "stable-image/edit/inpaint", "search": "stable-image/edit/search-and-replace"}


@dataclass(frozen=True, slots=True)
class Operation:
    """`submits` says that the answer is an id, and that the result is fetched later."""

    name: str

    @property
    def media(self) -> Media:
        return "audio" if self.name.startswith("audio/") else "model" if self.name.startswith("3d/") else "image"

    @property
    def submits(self) -> bool:
        asynchronous = ("stable-image/upscale/creative", "stable-image/edit/replace-background-and-relight")
        return self.name in asynchronous or self.name.startswith("audio/stable-audio/")


def operation_of(endpoint: Endpoint, values: Mapping[str, Any]) -> Operation:
    """The operation that a checked request to a POST of the contract is."""
    if endpoint.path.startswith("/v1/"):
        return Operation("v1/" + endpoint.path.rpartition("/")[2])
    if endpoint.path == INPAINT:
        return Operation(INPAINT_MODES[values["mode"]])
    return Operation(ALIASES.get(endpoint.path) or endpoint.path.removeprefix("/v2beta/"))
