"""The errors with names of their own that v1's generation endpoints have, and how large a picture an engine takes (API.md 1.2–1.6)."""

from __future__ import annotations

from studio.api.stability import contract
from studio.api.stability.dialects import Refusal
from studio.api.stability.fields import Reading
from studio.api.stability.messages import Request

PAIRS: list[str] = contract.endpoint("POST", "/v1/generation/{engine_id}/text-to-image").form()["width"].schema["x-sdxl-pairs"]
SDXL = ("stable-diffusion-xl-1024-v1-0", "stable-diffusion-xl-1024-v0-9")
SIDES = {"stable-diffusion-v1-6": (320, 1536), "stable-diffusion-xl-beta-v2-2-2": (128, 896)}
"""Pixels that a side may have."""
ONE_LONG_SIDE = {"stable-diffusion-xl-beta-v2-2-2": 512}
"""Only one side may exceed so many pixels."""
MOST_PIXELS = 1_048_576
LEAST_PIXELS = 262_144
LEAST_PIXELS_768 = 589_824
MOST_UPSCALED = 4_194_304
"""Pixels of what v1's upscalers make."""
LEAST_UPSCALED_SIDE = 512
MAX_INIT_IMAGE = 5 * contract.MIB
"""Bytes (API.md 1.2, a third party's report)."""


def check(request: Request, reading: Reading, engine: str = SDXL[0]) -> None:
    """Raises the `Refusal` of the first rule that is broken."""
    problems = {problem.partition(":")[0]: problem for problem in reading.problems}
    for name in ("init_image", "mask_image", "image"):
        if "jpeg, png or webp" in problems.get(name, ""):
            raise Refusal(400, "invalid_mime_type", problems[name])
    for name in ("height", "width"):
        if name in problems and isinstance(reading.values.get(name), int):
            raise Refusal(400, "invalid_height_or_width", problems[name])
    if reading.problems:
        raise Refusal(400, "bad_request", reading.problems[0])
    if reading.values.get("samples", 1) > 1 and request.accept.startswith("image/"):
        text = "Sample count may only be greater than 1 when the accept header is set to `application/json`"
        raise Refusal(400, "invalid_samples", text)
    if "init_image" in reading.values:
        init_image(reading, engine)
    elif "image" in reading.values:
        upscaled(reading)
    else:
        size(engine, reading.values["width"], reading.values["height"])


def size(engine: str, width: int, height: int) -> None:
    """Whether an engine draws pictures of this size. Of one that the contract does not know (the studio's own) it has no rule: that one
    may be asked for as many pixels as v1 ever answers with, since whatever it draws is answered at the size that was asked for."""
    if engine in SDXL:
        sdxl_size(width, height)
    elif engine in SIDES:
        least, most = SIDES[engine]
        if not all(least <= side <= most for side in (width, height)):
            raise Refusal(400, "invalid_height_or_width", f"Height and width must be between {least} and {most} for {engine}")
        if min(width, height) > ONE_LONG_SIDE.get(engine, most):
            text = f"Only one of height and width may exceed {ONE_LONG_SIDE[engine]} pixels for {engine}"
            raise Refusal(400, "invalid_height_or_width", text)
    elif engine.startswith(("stable-diffusion-", "stable-inpainting-")):
        least = LEAST_PIXELS_768 if "-768-" in engine else LEAST_PIXELS
        if not least <= width * height <= MOST_PIXELS:
            text = f"Incorrect number of pixels specified: {engine} takes {least:,} to {MOST_PIXELS:,}, but we received {width * height:,}"
            raise Refusal(400, "invalid_pixel_count", text)
    elif width * height > MOST_UPSCALED:
        text = f"Incorrect number of pixels specified: {engine} takes {MOST_UPSCALED:,} at most, but we received {width * height:,}"
        raise Refusal(400, "invalid_pixel_count", text)


def sdxl_size(width: int, height: int) -> None:
    if f"{width}x{height}" not in PAIRS:
        text = "for stable-diffusion-xl-1024-v0-9 and stable-diffusion-xl-1024-v1-0 the allowed dimensions are "
        raise Refusal(400, "invalid_sdxl_v1_dimensions", text + f"{', '.join(PAIRS)}, but we received {width}x{height}")


def init_image(reading: Reading, engine: str) -> None:
    """SDXL's list of sizes applies to the picture that it starts from (API.md 1.2); of the older engines no such rule is recorded."""
    image = reading.values["init_image"]
    if len(image.data) > MAX_INIT_IMAGE:
        raise Refusal(400, "invalid_file_size", "init_image: must be at most 5MiB in size")
    if engine in SDXL:
        sdxl_size(*image.size)
    if reading.values.get("mask_source", "INIT_IMAGE_ALPHA") == "INIT_IMAGE_ALPHA":
        return
    if "mask_image" not in reading.values:
        text = "mask_image: is required when mask_source is MASK_IMAGE_WHITE or MASK_IMAGE_BLACK"
        raise Refusal(400, "invalid_mask_image", text)
    if reading.values["mask_image"].size != image.size:
        raise Refusal(400, "invalid_image_dimensions", "The dimensions of the provided `init_image` and `mask_image` do not match")


def upscaled(reading: Reading) -> None:
    """Width or height, else twice the size (API.md 1.4)."""
    width, height = reading.values["image"].size
    asked = [name for name in ("width", "height") if name in reading.given]
    if len(asked) > 1:
        raise Refusal(400, "bad_request", "width: not allowed when 'height' is given")
    factor = 2.0
    for name, side in (("width", width), ("height", height)):
        if name in asked:
            factor = reading.values[name] / side
    if width * factor * height * factor > MOST_UPSCALED:
        text = f"Incorrect number of pixels specified: the output may have {MOST_UPSCALED:,} pixels at most"
        raise Refusal(400, "invalid_pixel_count", text)
