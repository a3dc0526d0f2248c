"""What a file says about how it was made, in the form that other tools read.

Written: A1111's `parameters` text, our own `atelier` JSON (everything, exactly), and IPTC's digital source type
`trainedAlgorithmicMedia`; each where that kind of file keeps such things, without touching pixels, surfaces or samples. Read: `atelier`,
else `parameters`. Files from outside are hostile input: sizes are bounded and every value goes through the form's own checks afterwards.
"""

from __future__ import annotations

from typing import IO, Any, Protocol

from django.conf import settings
from PIL import Image

from studio.backends.base import GenerationRequest
from studio.generation.errors import UnusableImage
from studio.generation.images import UPLOAD_FORMATS
from studio.generation.metadata import jpeg, models, mp3, png, wav, webp
from studio.generation.metadata.texts import DIGITAL_SOURCE_TYPE, MAX_TEXT, Texts, ours_in_xmp, parameters_text, texts_of

__all__ = ["DIGITAL_SOURCE_TYPE", "MAX_TEXT", "embed", "parameters_text", "read"]


class _Format(Protocol):
    """What a module of a format has."""

    def knows(self, data: bytes) -> bool: ...
    def write(self, data: bytes, texts: Texts) -> bytes: ...


class _Reader(_Format, Protocol):
    def read(self, data: bytes) -> Texts: ...


_READERS: tuple[_Reader, ...] = (models, wav, mp3)
"""Formats that Pillow does not read."""
_FORMATS: tuple[_Format, ...] = (png, jpeg, webp, *_READERS)


def embed(data: bytes, request: GenerationRequest, *, seed: int | None, engine_label: str) -> bytes:
    """Add the records to a file; one of another format, or that has such records already, comes back as it is."""
    for one in _FORMATS:
        if one.knows(data):
            return one.write(data, texts_of(request, seed=seed, engine_label=engine_label))
    return data


def read(file: IO[bytes]) -> dict[str, Any]:
    """The settings in a file, under the names of `GenerationRequest`; values are unchecked.

    Of a model or sound no more is read than an upload may have: the rest of a larger one counts as cut off.
    Raises `UnusableImage` when it is nothing that we read or holds no settings.
    """
    head = file.read(16)
    file.seek(0)
    for one in _READERS:
        if one.knows(head):
            return _settings(one.read(file.read(settings.MAX_UPLOAD_BYTES)), "file")
    try:
        image = Image.open(file, formats=UPLOAD_FORMATS)
        info = dict(image.info)
        comment = image.getexif().get_ifd(jpeg.EXIF_IFD).get(jpeg.USER_COMMENT)
    except Exception as error:  # a decoder raises whatever it stumbles over
        raise UnusableImage("This file is not a picture we can read, so there are no settings in it.") from error
    ours, parameters, xmp = info.get("atelier"), info.get("parameters") or jpeg.user_comment(comment), info.get("xmp")
    if not ours and isinstance(xmp, bytes):
        ours = ours_in_xmp(xmp.decode("utf-8", "replace"))
    return _settings(Texts(*(text if isinstance(text, str) else "" for text in (parameters, ours))), "picture")


def _settings(texts: Texts, noun: str) -> dict[str, Any]:
    if found := texts.settings():
        return found
    more = " You can still use it as the picture to start from." if noun == "picture" else ""
    raise UnusableImage(f"This {noun} holds no settings.{more}")
