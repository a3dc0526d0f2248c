"""Input files as an endpoint takes them: known format, allowed size, small enough."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image, ImageOps, UnidentifiedImageError

from studio.backends.base import MediaInput
from studio.backends.errors import InvalidRequest
from studio.backends.stability.calls import File

OVERHEAD = 64 * 1024
"""Bytes of a body kept for everything that is no file: prompts, headers of the parts."""
QUALITY = 95
UNREADABLE = "This cannot be read as a picture."
_BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError)


def picture_file(rules: MediaInput, data: bytes, name: str) -> File:
    """A picture or mask under the provider's `name`. Raises `InvalidRequest`."""
    picture = _opened(rules, data)
    mime = Image.MIME.get(picture.format or "", "")
    if problem := rules.problem(mime, width=picture.width, height=picture.height):
        raise _refusal(rules, problem)
    file = File(name, data, mime)
    return smaller(file, rules.max_bytes) if rules.max_bytes else file


def fitted_file(rules: MediaInput, data: bytes, name: str, size: tuple[int, int], *, over: tuple[int, int] | None = None) -> File:
    """The same, scaled and cropped to `size`. A mask is stretched `over` its picture's size first, so that both are cropped alike."""
    picture = _opened(rules, data)
    if (picture.size, over or picture.size) == (size, size):
        return picture_file(rules, data, name)
    try:
        picture = picture.convert("L") if rules.kind == "mask" else picture
        picture = picture if over in (None, picture.size) else picture.resize(over, Image.Resampling.BILINEAR)
        return picture_file(rules, _encoded(ImageOps.fit(picture, size, Image.Resampling.LANCZOS), "PNG"), name)
    except _BROKEN:
        raise _refusal(rules, UNREADABLE) from None


def size_of(rules: MediaInput, data: bytes) -> tuple[int, int]:
    return _opened(rules, data).size


def within(files: Sequence[File], limit: int | None) -> list[File]:
    """The files, the largest pictures among them packed smaller until a body of `limit` bytes holds all.

    Uploads are kept as PNG, so that a photograph that came as a small JPEG may be too big by now.
    """
    fitted = list(files)
    room = None if limit is None else limit - OVERHEAD
    for file in sorted(files, key=lambda one: len(one.data), reverse=True):
        if room is None or sum(len(one.data) for one in fitted) <= room:
            break
        others = sum(len(one.data) for one in fitted if one.name != file.name)
        fitted = [smaller(one, room - others) if one.name == file.name else one for one in fitted]
    return fitted


def smaller(file: File, limit: int) -> File:
    """The same picture in at most `limit` bytes if that can be had without anybody seeing it; else as it was."""
    if len(file.data) <= limit or not file.mime.startswith("image/"):
        return file
    try:
        picture = Image.open(io.BytesIO(file.data))
        clear = picture.has_transparency_data
        packed = _encoded(picture, "WEBP", quality=QUALITY) if clear else _encoded(picture.convert("RGB"), "JPEG", quality=QUALITY)
    except _BROKEN:
        return file  # the endpoint says what is wrong with it
    return replace(file, data=packed, mime="image/webp" if clear else "image/jpeg") if len(packed) < len(file.data) else file


def has_clear_parts(data: bytes) -> bool:
    """Whether a picture is transparent somewhere."""
    try:
        picture = Image.open(io.BytesIO(data))
        return bool(picture.has_transparency_data and picture.convert("RGBA").getchannel("A").getextrema()[0] < 255)  # type: ignore[operator]
    except _BROKEN:
        return False


def audio_file(rules: MediaInput, data: bytes, name: str) -> File:
    """A sound under the provider's `name`. The length is known of WAV only; of MP3 the provider says what is wrong with it."""
    mime = audio_mime(data)
    if problem := rules.problem(mime):
        raise _refusal(rules, problem)
    if mime == "audio/wav":
        try:
            with wave.open(io.BytesIO(data)) as sound:
                seconds = sound.getnframes() / sound.getframerate()
        except (wave.Error, EOFError, ZeroDivisionError):
            raise _refusal(rules, "This cannot be read as a sound.") from None
        if problem := rules.length_problem(seconds):
            raise _refusal(rules, problem)
    return File(name, data, mime)


def audio_mime(data: bytes) -> str:
    """From the first bytes: RIFF with WAVE, or an ID3 tag, or the eleven set bits that an MPEG frame begins with."""
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return "audio/mpeg"
    return ""


def _opened(rules: MediaInput, data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data))
    except _BROKEN:
        raise _refusal(rules, UNREADABLE) from None


def _encoded(picture: Image.Image, form: str, **how: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **how)
    return buffer.getvalue()


def _refusal(rules: MediaInput, problem: str) -> InvalidRequest:
    return InvalidRequest(f"{rules.label}: {problem}", fields={rules.name: problem})
