"""What comes from outside to stay: examined like a result, its bytes kept as they are but for what nobody else should know."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from PIL import Image

from studio.generation import glb, metadata
from studio.generation.errors import BrokenResult, UnusableFile, UnusableImage
from studio.generation.images import DAMAGED, Opened, open_upload, variants_of
from studio.generation.metadata import models, mp3, riff
from studio.generation.results import Result, examine
from studio.generation.sounds import clean_sound, looks_like_sound
from studio.generation.stripping import without_place

MEBIBYTE = 2**20
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
"""Pictures that are kept as they came; others become PNG."""
SAVED: Mapping[str, Mapping[str, Any]] = {
    "image/png": {"format": "PNG", "compress_level": 6},
    "image/jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "image/webp": {"format": "WEBP", "lossless": True, "method": 4},
}
"""How a picture that had to be turned is written."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be kept: its bytes, what it is, and what it says of how it was made."""

    data: bytes
    mime: str
    result: Result
    record: metadata.Record | None = None
    info: Mapping[str, Any] = field(default_factory=dict)


def look_at(data: bytes) -> Found:
    """Examine a file that somebody brings to the library. Raises `UnusableFile` with a sentence that says what is wrong and what to do."""
    size, most = len(data), settings.MAX_UPLOAD_BYTES
    if size > most:
        raise UnusableFile(f"This file has {size / MEBIBYTE:.1f} MB; {most // MEBIBYTE} MB is the most. Save it smaller.")
    if not size:
        raise UnusableFile("This file is empty. Choose another one.")
    if models.knows(data):
        return _model(data)
    if looks_like_sound(data[:16]):
        return _sound(data)
    return _picture(data)


def _record(data: bytes) -> metadata.Record | None:
    try:
        return metadata.record_of(io.BytesIO(data))
    except UnusableImage:
        return None


def _model(data: bytes) -> Found:
    try:
        result = examine(data, "model/gltf-binary")
        if glb.needs_others(data):
            raise UnusableFile("This 3D model needs other files beside it. Export it as one GLB with everything in it.")
    except BrokenResult as error:
        raise UnusableFile(f"{error.message} Choose another copy of it.") from error
    return Found(data, "model/gltf-binary", result, _record(data))


def _sound(data: bytes) -> Found:
    clean = clean_sound(data)
    is_whole = data.startswith(mp3.TAG) or clean.data == data or (clean.mime == "audio/wav" and bool(riff.unpack(data)))
    kept = data if is_whole else clean.data
    try:
        result = examine(kept, clean.mime)
    except BrokenResult as error:
        raise UnusableFile(f"{error.message} Choose another copy of it.") from error
    return Found(kept, clean.mime, result, _record(data))


def _picture(data: bytes) -> Found:
    opened = open_upload(io.BytesIO(data), size=len(data))
    mime, kept = _kept(data, opened)
    try:
        result = Result(variants_of(opened.pixels.convert("RGB") if opened.pixels.mode == "L" else opened.pixels), *opened.pixels.size)
    except Exception as error:  # an encoder raises whatever it stumbles over
        raise UnusableImage(DAMAGED) from error
    return Found(kept, mime, result, _record(data))


def _kept(data: bytes, opened: Opened) -> tuple[str, bytes]:
    """Media type and bytes of a picture that is kept: its own, without the place where it was taken, unless it has to be written anew."""
    mime = FORMATS.get(opened.format, "")
    if mime and not opened.is_turned:
        try:
            return mime, without_place(data, mime)
        except BrokenResult:
            pass  # its pixels can be read, its other parts cannot
    mime = mime or "image/png"
    return mime, _written(opened.pixels, mime)


def _written(pixels: Image.Image, mime: str) -> bytes:
    buffer = io.BytesIO()
    plain = pixels.convert("RGB") if mime == "image/jpeg" and pixels.mode not in ("RGB", "L") else pixels
    plain.save(buffer, **SAVED[mime])
    return buffer.getvalue()
