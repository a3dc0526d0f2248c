"""The errors with names of their own that v1's generation endpoints have, and how large a picture an engine takes (API.md 1.2–1.6)."""

from __future__ import annotations

from studio.api.stability import contract
from studio.api.stability.dialects import Refusal
from studio.api.stability.fields import Reading
from studio.api.stability.messages import Request

PAIRS: list[str] = contract.endpoint("POST", "/v1/generation/{engine_id}/text-to-image").form()["width"].schema["x-sdxl-pairs"]
MAX_INIT_IMAGE = 5 * contract.MIB
"""Bytes (API.md 1.2, a third party's report)."""


def check(request: Request, reading: Reading) -> None:
    """Raises the `Refusal` of the first rule that is broken."""
    problems = {problem.partition(":")[0]: problem for problem in reading.problems}
    for name in ("init_image", "mask_image"):
        if "jpeg, png or webp" in problems.get(name, ""):
            raise Refusal(400, "invalid_mime_type", problems[name])
    for name in ("height", "width"):
        if name in problems and isinstance(reading.values.get(name), int):
            raise Refusal(400, "invalid_height_or_width", problems[name])
    if reading.problems:
        raise Refusal(400, "bad_request", reading.problems[0])
    if reading.values["samples"] > 1 and request.accept.startswith("image/"):
        text = "Sample count may only be greater than 1 when the accept header is set to `application/json`"
        raise Refusal(400, "invalid_samples", text)
    if "width" in reading.values:
        sdxl_size(reading.values["width"], reading.values["height"])
    else:
        init_image(reading)


def sdxl_size(width: int, height: int) -> None:
    if f"{width}x{height}" not in PAIRS:
        text = "for stable-diffusion-xl-1024-v0-9 and stable-diffusion-xl-1024-v1-0 the allowed dimensions are "
        raise Refusal(400, "invalid_sdxl_v1_dimensions", text + f"{', '.join(PAIRS)}, but we received {width}x{height}")


def init_image(reading: Reading) -> None:
    image = reading.values["init_image"]
    if len(image.data) > MAX_INIT_IMAGE:
        raise Refusal(400, "invalid_file_size", "init_image: must be at most 5MiB in size")
    sdxl_size(*image.size)
    if reading.values.get("mask_source", "INIT_IMAGE_ALPHA") == "INIT_IMAGE_ALPHA":
        return
    if "mask_image" not in reading.values:
        text = "mask_image: is required when mask_source is MASK_IMAGE_WHITE or MASK_IMAGE_BLACK"
        raise Refusal(400, "invalid_mask_image", text)
    if reading.values["mask_image"].size != image.size:
        raise Refusal(400, "invalid_image_dimensions", "The dimensions of the provided `init_image` and `mask_image` do not match")
