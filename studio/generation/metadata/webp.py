"""WebP: EXIF and XMP chunks, which want the extended header (RFC 9649, 2.7)."""

from __future__ import annotations

import io

from PIL import Image

from studio.generation.metadata import jpeg, riff
from studio.generation.metadata.texts import Texts

FORM = b"WEBP"
XMP_FLAG, EXIF_FLAG, ALPHA_FLAG = 0x04, 0x08, 0x10


def knows(data: bytes) -> bool:
    return riff.form_of(data) == FORM


def write(data: bytes, texts: Texts) -> bytes:
    chunks = riff.unpack(data)
    names = {name for name, _ in chunks}
    if not chunks or names & {b"EXIF", b"XMP "}:
        return data
    header = chunks.pop(0)[1] if chunks[0][0] == b"VP8X" else _header(data, *chunks[0])
    flags = header[0] | EXIF_FLAG | XMP_FLAG
    added = [(b"EXIF", jpeg.exif(texts)), (b"XMP ", texts.xmp(whole=True).encode())]
    return riff.pack(FORM, [(b"VP8X", bytes([flags]) + header[1:]), *chunks, *added])


def with_exif(data: bytes, exif: bytes) -> bytes:
    """A file that has none, with it."""
    chunks = riff.unpack(data)
    header = chunks.pop(0)[1] if chunks[0][0] == b"VP8X" else _header(data, *chunks[0])
    return riff.pack(FORM, [(b"VP8X", bytes([header[0] | EXIF_FLAG]) + header[1:]), *chunks, (b"EXIF", exif)])


def _header(data: bytes, name: bytes, bitstream: bytes) -> bytes:
    """The extended header of a simple file: flags, three bytes reserved, width and height less one."""
    width, height = Image.open(io.BytesIO(data)).size
    has_alpha = name == b"VP8L" and bool(bitstream[4] & 0x10)  # RFC 9649, 3.4: a bit behind the signature and two times 14 bits
    return bytes([ALPHA_FLAG * has_alpha, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
