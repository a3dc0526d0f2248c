"""The files of a request: sniffed by their first bytes, never by the type that the client wrote beside them (API.md 2.1)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageOps

from studio.generation.errors import UnusableSound
from studio.generation.sounds import clean_sound

FORMATS = ("JPEG", "PNG", "WEBP")


class Unreadable(Exception):
    """The file is not one of the formats that are taken; the message is the problem."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An uploaded picture; `size` is read from its header, the pixels only when they are asked for."""

    data: bytes = field(repr=False)
    size: tuple[int, int]
    format: str

    @classmethod
    def read(cls, data: bytes) -> Picture:
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                return cls(data, image.size, str(image.format).lower())
        except Exception:  # noqa: BLE001 - a decoder raises whatever it stumbles over
            raise Unreadable("must be a jpeg, png or webp image") from None

    def is_whole(self) -> bool:
        try:
            with Image.open(io.BytesIO(self.data), formats=FORMATS) as image:
                image.load()
        except Exception:  # noqa: BLE001 - as above
            return False
        return True

    def image(self) -> Image.Image:
        """The pixels, RGB or RGBA, upright."""
        with Image.open(io.BytesIO(self.data), formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image)
        return upright.convert("RGBA" if upright.has_transparency_data else "RGB")


@dataclass(frozen=True, slots=True)
class Recording:
    """An uploaded WAV or MP3 and how long it plays."""

    data: bytes = field(repr=False)
    seconds: float
    format: str

    @classmethod
    def read(cls, data: bytes) -> Recording:
        try:
            sound = clean_sound(data)
        except UnusableSound:
            raise Unreadable("must be an mp3 or wav file") from None
        return cls(data, sound.seconds, "wav" if sound.mime == "audio/wav" else "mp3")


def picture_problems(rules: Mapping[str, Any], picture: Picture) -> Iterator[str]:
    """What `x-image-rules` have against a picture's size. Whether its pixels can be read, `fields.broken` says."""
    width, height = picture.size
    for name, side in (("width", width), ("height", height)):
        least, most = rules.get(f"min_{name}", rules.get("min_side", 1)), rules.get(f"max_{name}", side)
        if side < least:
            yield f"{name} must be at least {least} pixels, but is {side}"
        if side > most:
            yield f"{name} must be at most {most} pixels, but is {side}"
    pixels = width * height
    if pixels < rules.get("min_pixels", 0):
        yield f"must have at least {rules['min_pixels']} pixels, but has {pixels}"
    if pixels > rules.get("max_pixels", pixels):
        yield f"must have at most {rules['max_pixels']} pixels, but has {pixels}"
    if "aspect_ratio_min" in rules:
        low, high = rules["aspect_ratio_min"], rules["aspect_ratio_max"]
        if not _ratio(low) <= width / height <= _ratio(high):
            yield f"aspect ratio must be between {low} and {high}, but is {width}:{height}"


def _ratio(text: str) -> float:
    across, _, down = text.partition(":")
    return float(across) / float(down)


def recording_problems(rules: Mapping[str, Any], recording: Recording) -> Iterator[str]:
    least, most = rules.get("min_seconds", 0), rules.get("max_seconds", recording.seconds)
    if not least <= recording.seconds <= most:
        yield f"must be between {least} and {most} seconds long, but is {recording.seconds:.2f}"
