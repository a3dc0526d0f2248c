"""Files for those who shall not see how they were made, and what may stay in those that come from outside."""

from __future__ import annotations

import re
from collections.abc import Callable

from PIL import Image

from studio.generation.errors import BrokenResult, UnusableSound
from studio.generation.metadata import bare, jpeg, png, riff, webp
from studio.generation.metadata.sources import BROKEN, exif_of
from studio.generation.sounds import clean_sound

GPS_IFD = 0x8825
XMP_IN_PNG = b"XML:com.adobe.xmp\0"
_PLACE_IN_XMP = re.compile(rb"exif:GPS|GPSLatitude|GPSLongitude")
_TOLD = {0x0131: "Software", 0x010E: "ImageDescription"}


def _mp3(data: bytes) -> bytes:
    return clean_sound(data).data


_BARE: dict[str, Callable[[bytes], bytes]] = {
    "image/png": bare.of_png,
    "image/jpeg": bare.of_jpeg,
    "image/webp": bare.of_webp,
    "model/gltf-binary": bare.of_model,
    "audio/wav": bare.of_wav,
    "audio/mpeg": _mp3,
}


def strip(data: bytes, mime: str) -> bytes:
    """The same file without a word in it: no settings, no EXIF, XMP, comments, tags; pixels, samples, surfaces, colours untouched.

    Raises `BrokenResult` for a file out of which nothing can be taken.
    """
    try:
        return _BARE[mime](data)
    except (bare.NotWhole, UnusableSound) as error:
        raise BrokenResult("Nothing can be taken out of this file.") from error


def without_place(data: bytes, mime: str) -> bytes:
    """A picture as it is or, when it says where it was taken or has anything hidden behind its end, with its settings alone.

    Raises `BrokenResult` like `strip`.
    """
    if mime == "image/png":
        return _png_without_place(data)
    if mime not in ("image/jpeg", "image/webp"):
        return data
    stripped = strip(data, mime)
    exif, others = (_in_jpeg if mime == "image/jpeg" else _in_webp)(data)
    if not (others or any(_names_place(block) for block in exif)):
        return data
    kept = next((told for block in exif if (told := _telling(block))), b"")
    if not kept:
        return stripped
    if mime == "image/jpeg":
        return stripped[:2] + jpeg.app1(jpeg.EXIF_HEAD + kept) + stripped[2:]
    return webp.with_exif(stripped, kept)


def _in_jpeg(data: bytes) -> tuple[list[bytes], bool]:
    """The EXIF blocks of a JPEG, and whether it names a place elsewhere, or holds a second picture or anything else behind its end."""
    exif, hides, ends = [], False, 0
    for marker, start, ends in bare.segments(data):
        body = data[start + 4 : ends] if marker != bare.SOS else b""
        if marker == jpeg.APP1 and body.startswith(jpeg.EXIF_HEAD):
            exif.append(body[len(jpeg.EXIF_HEAD) :])
        elif marker == jpeg.APP1:
            hides = hides or bool(_PLACE_IN_XMP.search(body))
        hides = hides or body.startswith(bare.MPF_HEAD)
    return exif, hides or bool(data[ends:].strip(b"\0"))


def _in_webp(data: bytes) -> tuple[list[bytes], bool]:
    chunks = riff.unpack(data)
    ends = riff.HEAD + sum(8 + len(body) + len(body) % 2 for _, body in chunks)
    hides = len(data) > ends or any(name == b"XMP " and _PLACE_IN_XMP.search(body) for name, body in chunks)
    return [body.removeprefix(jpeg.EXIF_HEAD) for name, body in chunks if name == b"EXIF"], hides


def _png_without_place(data: bytes) -> bytes:
    """Chunk by chunk: EXIF and raw profiles that name a place, XMP that does or is packed, and what lies behind the end are left out."""
    kept, at = [png.SIGNATURE], len(png.SIGNATURE)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        if not _png_chunk_names_place(kind, body):
            kept.append(data[at : at + 12 + length])
        at += 12 + length
        if kind == b"IEND":
            return b"".join(kept)
    raise BrokenResult("This picture ends early.")


def _png_chunk_names_place(kind: bytes, body: bytes) -> bool:
    if kind == b"eXIf":
        return _names_place(body)
    if kind not in (b"tEXt", b"zTXt", b"iTXt"):
        return False
    # ImageMagick hides EXIF, IPTC and XMP in texts of this name, as digits.
    if body.startswith(XMP_IN_PNG):
        is_packed = kind != b"iTXt" or body[len(XMP_IN_PNG) : len(XMP_IN_PNG) + 1] != b"\0"
        return is_packed or bool(_PLACE_IN_XMP.search(body))
    return body.startswith(b"Raw profile type")


def _names_place(exif: bytes) -> bool:
    """Whether EXIF says where a picture was taken; what cannot be read might."""
    try:
        return bool(exif_of(exif).get_ifd(GPS_IFD))
    except BROKEN:
        return True


def _telling(exif: bytes) -> bytes:
    """EXIF with the settings of another one alone."""
    try:
        given = exif_of(exif)
        comment = given.get_ifd(jpeg.EXIF_IFD).get(jpeg.USER_COMMENT) or given.get(jpeg.USER_COMMENT)
        told = {tag: given[tag] for tag in _TOLD if isinstance(given.get(tag), str)}
    except BROKEN:
        return b""
    if not isinstance(comment, bytes) or not comment.strip(b"\0 "):
        return b""
    made = Image.Exif()
    for tag, text in told.items():
        made[tag] = text
    made.get_ifd(jpeg.EXIF_IFD)[jpeg.USER_COMMENT] = comment
    return made.tobytes().removeprefix(jpeg.EXIF_HEAD)
