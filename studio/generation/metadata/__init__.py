"""What a file says about how it was made, in the form that other tools read.

Written: A1111's `parameters` text, our own `atelier` JSON (everything, exactly), and IPTC's digital source type
`trainedAlgorithmicMedia`; each where that kind of file keeps such things, without touching pixels, surfaces or samples. Read: `atelier`,
else what other tools wrote (`reading`). Files from outside are hostile input: sizes are bounded and every value goes through the form's own
checks afterwards.
"""

from __future__ import annotations

from typing import IO, Any, Protocol

from django.conf import settings

from studio.backends.base import GenerationRequest
from studio.generation.errors import UnusableImage
from studio.generation.metadata import jpeg, models, mp3, png, reading, wav, webp
from studio.generation.metadata.reading.record import MAX_TEXT, Record
from studio.generation.metadata.sources import texts_in
from studio.generation.metadata.texts import DIGITAL_SOURCE_TYPE, Texts, parameters_text, texts_of

__all__ = ["DIGITAL_SOURCE_TYPE", "MAX_TEXT", "Record", "embed", "parameters_text", "read", "record_of"]


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


def record_of(file: IO[bytes]) -> Record:
    """What a file says of how it was made, and which tool wrote it; values are unchecked.

    Of a model or sound no more is read than an upload may have: the rest of a larger one counts as cut off.
    Raises `UnusableImage` when it is nothing that we read or holds no settings.
    """
    head = file.read(16)
    file.seek(0)
    reader = next((one for one in _READERS if one.knows(head)), None)
    if reader is not None:
        found = reader.read(file.read(settings.MAX_UPLOAD_BYTES))
        texts = {"atelier": found.atelier, "parameters": found.parameters}
    else:
        texts = texts_in(file)
    record = reading.read(texts)
    if record is None:
        more = " You can still use it as the picture to start from." if reader is None else ""
        raise UnusableImage(f"This {'picture' if reader is None else 'file'} holds no settings.{more}")
    return record


def read(file: IO[bytes]) -> dict[str, Any]:
    """The settings in a file, under the names of `GenerationRequest`. Raises like `record_of`."""
    return dict(record_of(file).settings)
