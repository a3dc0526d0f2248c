"""Pictures and masks of a request, brought to what an engine takes."""

from __future__ import annotations

import io

from PIL import Image

from studio.api.stability.asks.sizes import Size
from studio.api.stability.errors import FieldRefused
from studio.backends.base import MediaInput
from studio.generation.errors import UnusableImage
from studio.generation.images import CleanImage, open_upload

Margins = tuple[int, int, int, int]
"""Pixels left, right, above and below."""


def opened(data: bytes, field: str) -> Image.Image:
    """The pixels of an upload: upright, RGB, RGBA or L. Raises `FieldRefused`."""
    try:
        return open_upload(io.BytesIO(data), size=len(data)).pixels
    except UnusableImage as error:
        raise FieldRefused(field, error.message) from None


def cleaned(picture: Image.Image) -> CleanImage:
    """As a file that can be kept."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return CleanImage(buffer.getvalue(), *picture.size)


def in_shape(picture: Image.Image, size: Size) -> Image.Image:
    """Its middle in the shape of `size`, as it is where the shapes are the same but for less than a pixel."""
    width, height = picture.size
    wide, high = min(width, round(height * size[0] / size[1])), min(height, round(width * size[1] / size[0]))
    if width - wide <= 1 and height - high <= 1:
        return picture
    left, top = (width - wide) // 2, (height - high) // 2
    return picture.crop((left, top, left + wide, top + high))


def frame(inner: Size, shape: Size) -> Size:
    """The smallest size of this shape that holds another."""
    width, height = inner
    return max(width, round(height * shape[0] / shape[1])), max(height, round(width * shape[1] / shape[0]))


def in_frame(picture: Image.Image, size: Size) -> Image.Image:
    """All of the picture at `size`: scaled, its edges drawn out to both sides where the shapes differ.

    It is scaled first: of a picture that is much longer than wide the frame would not fit into memory.
    """
    scale = min(size[0] / picture.width, size[1] / picture.height)
    width, height = (min(most, max(1, round(side * scale))) for side, most in zip(picture.size, size, strict=True))
    return in_middle(picture.resize((width, height), Image.Resampling.LANCZOS), size)


def in_middle(picture: Image.Image, size: Size) -> Image.Image:
    """The picture in the middle of a larger one that repeats its outermost pixels."""
    across, down = size[0] - picture.width, size[1] - picture.height
    return drawn_out(picture, (across // 2, across - across // 2, down // 2, down - down // 2))


def drawn_out(picture: Image.Image, margins: Margins) -> Image.Image:
    """The picture with margins that repeat its outermost pixels."""
    left, right, up, down = margins
    width, height = picture.size
    wide = width + left + right
    row = Image.new(picture.mode, (wide, height))
    row.paste(picture, (left, 0))
    for at, margin, edge in ((0, left, 0), (left + width, right, width - 1)):
        if margin:
            row.paste(picture.crop((edge, 0, edge + 1, height)).resize((margin, height)), (at, 0))
    whole = Image.new(picture.mode, (wide, height + up + down))
    whole.paste(row, (0, up))
    for at, margin, edge in ((0, up, 0), (up + height, down, height - 1)):
        if margin:
            whole.paste(row.crop((0, edge, wide, edge + 1)).resize((wide, margin)), (0, at))
    return whole


def within(rules: MediaInput, file: CleanImage) -> CleanImage:
    """The picture at a size that an input takes; as it is where scaling alone cannot bring it there."""
    if rules.size_problem(file.width, file.height) is None:
        return file
    width, height = file.width, file.height
    scale = 1.0
    if rules.max_side:
        scale = min(scale, rules.max_side / max(width, height))
    if rules.max_pixels:
        scale = min(scale, (rules.max_pixels / (width * height)) ** 0.5)
    if rules.min_side:
        scale = max(scale, rules.min_side / min(width, height))
    if rules.min_pixels and scale * scale * width * height < rules.min_pixels:
        scale = (rules.min_pixels / (width * height)) ** 0.5
    enlarges = scale > 1
    size = (max(1, int(width * scale) + enlarges), max(1, int(height * scale) + enlarges))
    if scale == 1 or rules.size_problem(*size):
        return file
    picture = Image.open(io.BytesIO(file.data))
    return cleaned(picture.resize(size, Image.Resampling.LANCZOS))
