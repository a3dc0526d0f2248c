"""PNG: text chunks behind the header (W3C, PNG third edition, 11.3.3)."""

from __future__ import annotations

import struct
import zlib

from studio.generation.metadata.texts import Texts

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def knows(data: bytes) -> bool:
    return data.startswith(SIGNATURE)


def write(data: bytes, texts: Texts) -> bytes:
    chunks = {"parameters": texts.parameters, "atelier": texts.atelier, "XML:com.adobe.xmp": texts.xmp()}
    header_end = len(SIGNATURE) + 25  # IHDR is always first and 25 bytes long (11.2.1)
    return data[:header_end] + b"".join(_chunk(keyword, text) for keyword, text in chunks.items()) + data[header_end:]


def _chunk(keyword: str, text: str) -> bytes:
    """tEXt where Latin-1 will do, as A1111 writes it and every reader knows; else iTXt."""
    if keyword == "parameters" and text.isascii():
        kind, body = b"tEXt", keyword.encode() + b"\0" + text.encode("ascii")
    else:
        kind, body = b"iTXt", keyword.encode() + b"\0\0\0\0\0" + text.encode("utf-8")
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
