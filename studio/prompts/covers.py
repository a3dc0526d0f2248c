"""The picture on a template: one small WebP, whatever was given."""

from __future__ import annotations

import io
from collections.abc import Iterator

from django.conf import settings
from PIL import Image, ImageOps

from studio.ids import uuid7
from studio.prompts.errors import UnusableCover
from studio.prompts.models import PromptTemplate

LONGEST = 512
"""Pixels of a cover's longer side."""
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")


def shrunk(data: bytes) -> bytes:
    """WebP bytes of a picture, upright and without anything else that came along. Raises `UnusableCover`.

    Its size is looked at before any pixel is decoded; of an animation this is the first frame.
    """
    if len(data) > settings.MAX_UPLOAD_BYTES:
        raise UnusableCover(
            f"This file has {len(data) / 2**20:.0f} MB; {settings.MAX_UPLOAD_BYTES // 2**20} MB is the most. Save it smaller."
        )
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (OSError, ValueError, SyntaxError, OverflowError) as error:
        raise UnusableCover("This file is not a picture we can read. Choose a PNG, JPEG, WebP or AVIF file.") from error
    width, height = image.size
    if width * height > settings.MAX_UPLOAD_PIXELS:
        most = settings.MAX_UPLOAD_PIXELS // 1_000_000
        raise UnusableCover(f"This picture has {width:,} × {height:,} pixels; {most} megapixels is the most. Make it smaller first.")
    try:
        image.load()
        small = ImageOps.exif_transpose(image).convert("RGBA" if "A" in image.mode or "transparency" in image.info else "RGB")
        small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS, reducing_gap=2.0)
        buffer = io.BytesIO()
        plain = Image.new(small.mode, small.size)
        plain.paste(small)
        plain.save(buffer, "WEBP", quality=84, method=4)
    except Exception as error:  # a decoder raises whatever it stumbles over
        raise UnusableCover("This picture is damaged: its data ends early or makes no sense. Choose another copy of it.") from error
    return buffer.getvalue()


def fresh_name() -> str:
    """Where a new cover lies in the storage: never where another one did, so that browsers may keep it for good."""
    key = uuid7()
    return f"covers/{key.hex[-2:]}/{key}.webp"


def files() -> Iterator[str]:
    """Names of all covers in the storage (`settings.FILE_OWNERS`)."""
    yield from PromptTemplate.objects.exclude(cover="").order_by().values_list("cover", flat=True).iterator(2000)
