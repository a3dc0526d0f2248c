"""JPEG: EXIF's UserComment, where A1111 and its kin write, and XMP, both in APP1 segments."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from studio.generation.metadata.texts import MAX_TEXT, Texts

SOI, APP0, APP1 = b"\xff\xd8", b"\xff\xe0", b"\xff\xe1"
LONGEST = 0xFFFF - 2
"""Bytes in a segment, without its own length."""
EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
EXIF_IFD, USER_COMMENT = 0x8769, 0x9286


def knows(data: bytes) -> bool:
    return data.startswith(SOI + b"\xff")


def write(data: bytes, texts: Texts) -> bytes:
    if {"exif", "xmp"} & Image.open(io.BytesIO(data)).info.keys():
        return data
    at = len(SOI)
    while data[at : at + 2] == APP0:  # JFIF wants to be first
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    segments = _app1(EXIF_HEAD + exif(texts)) + _app1(XMP_HEAD + texts.xmp(whole=True).encode())
    return data[:at] + segments + data[at:]


def _app1(body: bytes) -> bytes:
    """A segment; nothing for what is too long for one."""
    return APP1 + (len(body) + 2).to_bytes(2, "big") + body if len(body) <= LONGEST else b""


def exif(texts: Texts) -> bytes:
    """A TIFF structure with the parameters in it."""
    made = Image.Exif()
    made.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + texts.parameters.encode("utf-16-be")
    return made.tobytes().removeprefix(EXIF_HEAD)


def user_comment(value: Any) -> str | None:
    """The text of a UserComment: eight bytes name the character code (EXIF 2.32, 4.6.5)."""
    if not isinstance(value, bytes) or len(value) > MAX_TEXT * 2:
        return None
    code, body = value[:8], value[8:]
    try:
        return body.decode("utf-16-be") if code.startswith(b"UNICODE") else body.decode("utf-8")
    except UnicodeDecodeError:
        return None
