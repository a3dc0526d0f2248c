"""Pictures on their way in and out: decode, fit to the asked size, masks, put back what must not change, encode."""

from __future__ import annotations

import io
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageFilter, ImageOps, UnidentifiedImageError

from studio.backends.errors import InvalidRequest

MAX_INPUT_PIXELS = 64_000_000
"""More is refused before it is decoded (192 MB as RGB); the studio's own limit at upload is lower."""
_GRAY = range(16, 240)


@dataclass(frozen=True, slots=True)
class Source:
    """An input picture and its mask, both fitted to the size of the result (RGB, and L with white for what changes)."""

    picture: Image.Image
    mask: Image.Image | None = None


def read_picture(data: bytes | None, *, what: str = "picture") -> Image.Image:
    """Decode an uploaded file. Raises `InvalidRequest` when it is missing, too big, or not a picture."""
    if not data:
        raise InvalidRequest(f"This needs a {what}.")
    try:
        picture = Image.open(io.BytesIO(data))
        if picture.width * picture.height > MAX_INPUT_PIXELS:
            raise InvalidRequest(f"The {what} is too big: {picture.width} × {picture.height} pixels.")
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise InvalidRequest(f"The {what} cannot be read as an image.") from None
    return picture


def on_white(picture: Image.Image) -> Image.Image:
    """RGB; where the picture is transparent, white shows, as on paper."""
    if "A" in picture.getbands() or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        paper = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(paper, layered).convert("RGB")
    return picture.convert("RGB")


def fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fill `size` with the middle of the picture: scaled, and cropped evenly where the shapes differ. Untouched when it fits already."""
    return picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def read_source(image: bytes | None, mask: bytes | None, size: tuple[int, int], *, masked: bool) -> Source:
    """Decode and fit the input of image-to-image, or with `masked` of inpainting. Raises `InvalidRequest`.

    A mask of another size than the picture is stretched over it first, so that the crop is the same for both.
    """
    picture = on_white(read_picture(image))
    if not masked:
        return Source(fit(picture, size))
    painted = on_black(read_picture(mask, what="mask"))
    if painted.size != picture.size:
        painted = painted.resize(picture.size, Image.Resampling.BILINEAR)
    painted = painted if painted.size == size else ImageOps.fit(painted, size, Image.Resampling.BILINEAR)
    if not any(painted.histogram()[128:]):
        raise InvalidRequest("The mask is empty: paint over what should change.")
    return Source(fit(picture, size), painted)


def on_black(mask: Image.Image) -> Image.Image:
    """L; where the mask file is transparent, nothing is painted."""
    if "A" in mask.getbands() or "transparency" in mask.info:
        layered = mask.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "black"), layered).convert("L")
    return mask.convert("L")


def mask_for_model(mask: Image.Image, size: tuple[int, int], cell: int) -> Image.Image:
    """The mask at the model's size, where every cell (a latent, `cell` pixels wide) that the mask touches is white.

    Diffusers takes one pixel of each cell, which would lose strokes thinner than a cell.
    """
    import numpy

    columns, rows = size[0] // cell, size[1] // cell
    pixels = numpy.asarray(mask) >= 8
    height, width = pixels.shape
    touched = numpy.zeros((rows, columns), numpy.uint8)
    ys, xs = pixels.nonzero()
    touched[ys * rows // height, xs * columns // width] = 255
    return Image.fromarray(touched).resize(size, Image.Resampling.NEAREST)


def put_back(result: Image.Image, source: Source) -> Image.Image:
    """Put the input back where the mask is black, exactly; the edge is feathered inside the mask only."""
    assert source.mask is not None
    return Image.composite(result, source.picture, feather(source.mask))


def feather(mask: Image.Image) -> Image.Image:
    """Soften a hard mask inwards, over a hundredth of its shorter side. Black stays black; strokes too thin for it stay as they are.

    A mask with a soft edge of its own (more than 1 % grey) is taken as it is.
    """
    counts = mask.histogram()
    if sum(counts[level] for level in _GRAY) > mask.width * mask.height / 100:
        return mask
    radius = max(1, min(mask.size) // 100)
    window = 2 * radius + 1
    wide = mask.filter(ImageFilter.MinFilter(window)).filter(ImageFilter.MaxFilter(window))
    ramp = mask.filter(ImageFilter.GaussianBlur(radius / 2)).point([max(0, 2 * level - 255) for level in range(256)])
    return ImageChops.darker(mask, Image.composite(ramp, mask, wide))


def encode(picture: Image.Image) -> bytes:
    """A PNG, compressed quickly: 512 × 512 in 10 ms and 180 kB (at the default level 34 ms and 140 kB)."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def encode_all(pictures: list[Image.Image]) -> list[bytes]:
    """PNGs of several pictures, beside each other: Pillow lets go of the interpreter while it compresses."""
    if len(pictures) < 2:
        return [encode(picture) for picture in pictures]
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1, len(pictures))) as pool:
        return list(pool.map(encode, pictures))
