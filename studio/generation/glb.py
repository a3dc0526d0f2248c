"""3D models as bytes: binary glTF 2.0 (Khronos, glTF 2.0, section 4.4, "GLB file format")."""

from __future__ import annotations

import json
import struct
from typing import Any

from studio.generation.errors import BrokenResult

MAGIC, VERSION = b"glTF", 2
HEADER = struct.Struct("<4sII")
CHUNK = struct.Struct("<I4s")
JSON, BIN = b"JSON", b"BIN\0"
MOST = 2**32
"""Corners and vertices that a model may have: its indices are no larger."""


def unpack(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON of a model, and all that follows it as it is. Raises `BrokenResult` for what is no whole GLB."""
    try:
        magic, version, length = HEADER.unpack_from(data)
        size, kind = CHUNK.unpack_from(data, HEADER.size)
    except struct.error as error:
        raise BrokenResult("This is no 3D model: its head is missing.") from error
    start, end = HEADER.size + CHUNK.size, HEADER.size + CHUNK.size + size
    if (magic, version, kind) != (MAGIC, VERSION, JSON) or length != len(data) or end > len(data):
        raise BrokenResult("This is no 3D model, or only a part of one.")
    try:
        document = json.loads(data[start:end])
    except (ValueError, RecursionError) as error:
        raise BrokenResult("The description in this 3D model cannot be read.") from error
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise BrokenResult("This 3D model does not say what it is.")
    return document, data[end:]


def pack(document: dict[str, Any], rest: bytes) -> bytes:
    """A GLB from its JSON and the chunks that follow it."""
    words = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    words += b" " * (-len(words) % 4)
    length = HEADER.size + CHUNK.size + len(words) + len(rest)
    return HEADER.pack(MAGIC, VERSION, length) + CHUNK.pack(len(words), JSON) + words + rest


def examine(data: bytes) -> dict[str, int]:
    """How many triangles and vertices the model has. Raises `BrokenResult` when it has no surface, or what it refers to is not in it."""
    document, rest = unpack(data)
    try:
        size, kind = CHUNK.unpack_from(rest) if rest else (0, BIN)
        held = size if kind == BIN and size <= len(rest) - CHUNK.size else 0
        views = document.get("bufferViews", [])
        whole = all(view.get("buffer", 0) == 0 and view.get("byteOffset", 0) + view["byteLength"] <= held for view in views)
        accessors = document.get("accessors", [])
        surfaces = [one for mesh in document.get("meshes", []) for one in mesh["primitives"]]
        vertices = sum(accessors[one["attributes"]["POSITION"]]["count"] for one in surfaces)
        corners = sum(accessors[one.get("indices", one["attributes"]["POSITION"])]["count"] for one in surfaces)
    except (KeyError, IndexError, TypeError, AttributeError, struct.error) as error:
        raise BrokenResult("This 3D model refers to what is not in it.") from error
    if not all(type(count) is int and 0 <= count < MOST for count in (vertices, corners)):
        raise BrokenResult("This 3D model counts what cannot be counted.")
    if not whole or not corners:
        raise BrokenResult("This 3D model has no surface, or only a part of it.")
    return {"triangles": corners // 3, "vertices": vertices}


def needs_others(data: bytes) -> bool:
    """Whether a model refers to files beside it, which nobody would find."""
    document, _ = unpack(data)
    lists = [found for name in ("buffers", "images") if isinstance(found := document.get(name), list)]
    addresses = [one["uri"] for parts in lists for one in parts if isinstance(one, dict) and "uri" in one]
    return any(not (isinstance(address, str) and address.startswith("data:")) for address in addresses)
