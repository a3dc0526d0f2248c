"""How large an answer is by the contract (API.md 2.4 to 2.8), and how large what an engine here makes of it.

Where API.md gives two answers, or none: Core at other ratios than 1:1 is the 1 MP table times 1.5. Control style is one megapixel at the
exact ratio (its one recorded size, 1365x768, is that). SD3.5 image-to-image and style-transfer: one megapixel in the picture's own ratio.
Conservative and creative upscale: the area that was seen live, not the "4 megapixels" of the document.
"""

from __future__ import annotations

import io
from math import log, sqrt

from django.conf import settings
from PIL import Image

from studio.api.stability.uploads import Picture
from studio.backends.base import SizeRules
from studio.generation.images import ORIENTATION

Size = tuple[int, int]

MEGAPIXEL = 1024 * 1024
BY_RATIO: dict[str, Size] = {
    "21:9": (1536, 640),
    "16:9": (1344, 768),
    "3:2": (1216, 832),
    "5:4": (1088, 896),
    "1:1": (1024, 1024),
    "4:5": (896, 1088),
    "2:3": (832, 1216),
    "9:16": (768, 1344),
    "9:21": (640, 1536),
}
"""API.md 2.4."""
CONSERVATIVE, CREATIVE = 3112**2, 3152**2
"""Pixels (API.md 2.7)."""
LYING = (5, 6, 7, 8)
"""Values of the EXIF orientation that swap width and height."""
ROOM = 1.6
"""How much larger than its own size a picture may be asked of an engine before it draws things twice: as a factor of the area."""


def of(picture: Picture) -> Size:
    """Width and height of an upload as it is to be looked at: cameras write beside it how to turn it, and it is kept upright.

    To find that, a PNG is decoded. One that is too large for it is refused when its pixels are read (`pictures.opened`).
    """
    if picture.size[0] * picture.size[1] > settings.MAX_UPLOAD_PIXELS:
        return picture.size
    try:
        with Image.open(io.BytesIO(picture.data)) as image:
            turned = image.getexif().get(ORIENTATION, 1) in LYING
    except Exception:  # noqa: BLE001 - whoever reads the pixels says what is wrong with the file
        return picture.size
    width, height = picture.size
    return (height, width) if turned else (width, height)


def core(ratio: str) -> Size:
    width, height = BY_RATIO[ratio]
    return width * 3 // 2, height * 3 // 2


def exact(ratio: str) -> Size:
    """One megapixel at just this ratio."""
    across, down = map(int, ratio.split(":"))
    return int(sqrt(MEGAPIXEL * across / down)), int(sqrt(MEGAPIXEL * down / across))


def in_shape_of(size: Size, pixels: float = MEGAPIXEL, step: int = 8) -> Size:
    """A size of this area in the ratio of another, sides multiples of `step`."""
    width, height = size
    scale = sqrt(pixels / (width * height))
    return max(step, round(width * scale / step) * step), max(step, round(height * scale / step) * step)


def nearest(rules: SizeRules, wanted: Size) -> Size:
    """What an engine makes for a size that was asked for: the same where it can, else one of the nearest shape at the size that it is used
    to, to be resampled."""
    width, height = wanted
    own = rules.default[0] * rules.default[1]
    if rules.problem(width, height) is None and (rules.choices or width * height <= ROOM * own):
        return wanted
    ratio = width / height
    if rules.choices:
        return min(
            rules.choices, key=lambda size: (round(abs(log(size[0] / size[1] / ratio)), 3), abs(log(size[0] * size[1] / (width * height))))
        )
    for share in (1.0, 0.75, 0.5, 0.25):  # rounding to the grid may go over the engine's area
        found = rules.nearest(round(sqrt(share * own * ratio))), rules.nearest(round(sqrt(share * own / ratio)))
        if rules.problem(*found) is None:
            return found
    return rules.default


def nearest_ratio(ratios: tuple[str, ...], wanted: Size) -> str:
    """The aspect ratio closest to a size, for an engine that is told of shapes only."""

    def distance(ratio: str) -> float:
        across, down = map(float, ratio.split(":"))
        return abs(log(across / down * wanted[1] / wanted[0]))

    return min(ratios, key=distance)
