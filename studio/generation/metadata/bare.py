"""Files without a word: every chunk that says something about a file is taken out, every one that makes it what it is stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from studio.generation import glb
from studio.generation.metadata import jpeg, png, riff, webp

PNG_KEPT = {
    *(
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"cICP",
        b"mDCV",
        b"cLLI",
        b"sBIT",
        b"bKGD",
        b"pHYs",
    ),
    *(b"acTL", b"fcTL", b"fdAT"),
}
"""The pixels of a PNG and their colours, and nothing that is there to be read (PNG third edition, 11)."""
WEBP_KEPT = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}
WAV_KEPT = {b"fmt ", b"fact", b"data"}
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends the pixels of a scan: neither a stuffed byte nor a restart (ITU T.81, B.1.1.2)."""
SOS, EOI = b"\xff\xda", b"\xff\xd9"
ICC_HEAD, ADOBE = b"ICC_PROFILE\0", b"\xff\xee"
MPF_HEAD = b"MPF\0"


class NotWhole(ValueError):
    """A file that ends early or makes no sense: nothing can be taken out of it."""


def of_png(data: bytes) -> bytes:
    kept, at = [png.SIGNATURE], len(png.SIGNATURE)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        end = at + 12 + length
        if end > len(data):
            raise NotWhole
        if kind in PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise NotWhole


def of_jpeg(data: bytes) -> bytes:
    drawn = (data[start:end] for marker, start, end in segments(data) if _draws(marker, data[start + 4 : start + 20]))
    return b"".join([jpeg.SOI, *drawn, EOI])


def segments(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The segments of a JPEG, each with its marker, where it begins and where it ends; the pixels of a scan belong to its head.

    The last one is the end of the picture: whatever lies behind is no part of it. Raises `NotWhole`.
    """
    at = len(jpeg.SOI)
    while at + 4 <= len(data) and data[at : at + 2] != EOI:
        marker = data[at : at + 2]
        if marker[0] != 0xFF:
            raise NotWhole
        if marker[1] == 0xFF:  # a byte that only fills up
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data) or end < at + 4:
            raise NotWhole
        if marker == SOS:
            found = _NEXT_MARKER.search(data, end)
            end = found.start() if found else len(data)
        yield marker, at, end
        at = end
    yield EOI, at, min(at + 2, len(data))


def _draws(marker: bytes, body: bytes) -> bool:
    """Whether a segment is needed to draw the picture. Of the applications' own: JFIF, the colour profile, Adobe's colour transform."""
    if marker == jpeg.APP0:
        return body.startswith(b"JFIF\0")
    if marker == b"\xff\xe2":
        return body.startswith(ICC_HEAD)
    if marker == ADOBE:
        return body.startswith(b"Adobe")
    return not (marker == EOI or 0xE0 <= marker[1] <= 0xEF or marker[1] == 0xFE)


def of_webp(data: bytes) -> bytes:
    chunks = [(name, body) for name, body in riff.unpack(data) if name in WEBP_KEPT]
    if not chunks:
        raise NotWhole
    if chunks[0][0] == b"VP8X" and (header := chunks[0][1]):
        chunks[0] = (b"VP8X", bytes([header[0] & ~(webp.XMP_FLAG | webp.EXIF_FLAG) & 0xFF]) + header[1:])
    return riff.pack(webp.FORM, chunks)


def of_wav(data: bytes) -> bytes:
    chunks = [(name, body) for name, body in riff.unpack(data) if name in WAV_KEPT]
    if not chunks:
        raise NotWhole
    return riff.pack(b"WAVE", chunks)


def of_model(data: bytes) -> bytes:
    """A GLB with its surfaces alone. Raises `BrokenResult` for what is none, `NotWhole` for one that can be read but not written."""
    document, rest = glb.unpack(data)
    document["asset"] = {name: value for name, value in document["asset"].items() if name in ("version", "minVersion")}
    _silence(document)
    if rest:
        size, kind = glb.CHUNK.unpack_from(rest)
        rest = rest[: glb.CHUNK.size + size] if kind == glb.BIN else b""
    try:
        return glb.pack(document, rest)
    except (ValueError, RecursionError) as error:  # half a surrogate pair, or lists in lists as deep as they could just be read
        raise NotWhole from error


def _silence(document: dict[str, Any]) -> None:
    """Take `extras` and XMP out of every object of a glTF, however deep."""
    waiting: list[Any] = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            one.pop("extras", None)
            one.pop("KHR_xmp_json_ld", None)
            if one.get("extensions") == {}:
                one.pop("extensions")
        elif isinstance(one, list) and "KHR_xmp_json_ld" in one:
            one.remove("KHR_xmp_json_ld")
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
