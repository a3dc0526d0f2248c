"""JPEG: EXIF's UserComment, where A1111 and its kin write, and XMP, both in APP1 segments."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from studio.generation.metadata.texts import Texts

SOI, APP0, APP1 = b"\xff\xd8", b"\xff\xe0", b"\xff\xe1"
LONGEST = 0xFFFF - 2
"""Bytes in a segment, without its own length."""
EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
EXIF_IFD, USER_COMMENT = 0x8769, 0x9286
LONGEST_COMMENT = 4 * 512 * 1024
"""Bytes of a comment that is looked at: a graph of ComfyUI, which WebP has room for, in UTF-16."""


def knows(data: bytes) -> bool:
    return data.startswith(SOI + b"\xff")


def write(data: bytes, texts: Texts) -> bytes:
    if {"exif", "xmp"} & Image.open(io.BytesIO(data)).info.keys():
        return data
    at = len(SOI)
    while data[at : at + 2] == APP0:  # JFIF wants to be first
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    segments = app1(EXIF_HEAD + exif(texts)) + app1(XMP_HEAD + texts.xmp(whole=True).encode())
    return data[:at] + segments + data[at:]


def app1(body: bytes) -> bytes:
    """A segment; nothing for what is too long for one."""
    return APP1 + (len(body) + 2).to_bytes(2, "big") + body if len(body) <= LONGEST else b""


def exif(texts: Texts) -> bytes:
    """A TIFF structure with the parameters in it."""
    made = Image.Exif()
    made.get_ifd(EXIF_IFD)[USER_COMMENT] = b"UNICODE\0" + texts.parameters.encode("utf-16-be")
    return made.tobytes().removeprefix(EXIF_HEAD)


def user_comment(value: Any) -> str | None:
    """The text of a UserComment, or of another tag that is text: eight bytes may name the character code (EXIF 2.32, 4.6.5)."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if not isinstance(value, bytes) or len(value) > LONGEST_COMMENT:
        return None
    code, body = value[:8], value[8:]
    if code == b"UNICODE\0" and b"\0" in body:
        return body.decode(_order(body), "replace").lstrip("\ufeff").rstrip("\0")
    if code not in (b"UNICODE\0", b"ASCII\0\0\0", bytes(8)):
        body = value  # many name none
    return body.decode("utf-8", "replace").rstrip("\0")


def _order(body: bytes) -> str:
    """The byte order of UTF-16, which EXIF leaves to the file and writers to chance: the letters of English say it."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16-le" if body[0] == 0xFF else "utf-16-be"
    seen = body[:4096]
    return "utf-16-le" if seen[1::2].count(0) > seen[::2].count(0) else "utf-16-be"
