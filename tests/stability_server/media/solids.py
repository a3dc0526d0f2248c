"""A textured sphere as binary glTF 2.0, built by hand (Khronos glTF 2.0 specification, section 4.4, "GLB-stored Buffer")."""

from __future__ import annotations

import io
import json
import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
FLOAT, UNSIGNED_SHORT = 5126, 5123


def sphere(texture: Image.Image, resolution: int, *, rings: int = 24) -> bytes:
    """A GLB of a unit sphere; the picture goes once around it. `rings` bands from pole to pole, twice as many segments."""
    up, around = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.linspace(0, 2 * np.pi, 2 * rings + 1), indexing="ij")
    points = np.stack([np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], axis=-1).reshape(-1, 3).astype("<f4")
    places = np.stack([around / (2 * np.pi), up / np.pi], axis=-1).astype("<f4")
    picture = io.BytesIO()
    ImageOps.fit(texture.convert("RGB"), (resolution, resolution)).save(picture, "JPEG", quality=88)
    corners = np.array(faces(rings), "<u2")
    chunks = [points.tobytes(), points.tobytes(), places.tobytes(), corners.tobytes(), picture.getvalue()]
    return packed(document(points, len(corners), [len(chunk) for chunk in chunks]), chunks)


def faces(rings: int) -> list[int]:
    """Two triangles for each patch, seen from outside."""
    across = 2 * rings + 1
    corners: list[int] = []
    for ring in range(rings):
        for segment in range(2 * rings):
            here, below = ring * across + segment, (ring + 1) * across + segment
            corners += [here, below, here + 1, here + 1, below, below + 1]
    return corners


def document(points: NDArray[np.float32], indices: int, lengths: list[int]) -> dict[str, Any]:
    """The JSON of the GLB, for buffer views of these lengths laid one after the other, each starting at a multiple of four."""
    views, at = [], 0
    for length, target in zip(lengths, (ARRAY_BUFFER, ARRAY_BUFFER, ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, None), strict=True):
        views.append({"buffer": 0, "byteOffset": at, "byteLength": length} | ({"target": target} if target else {}))
        at += padded(length)
    floats = {"componentType": FLOAT, "count": len(points)}
    return {
        "asset": {"version": "2.0", "generator": "stability stand-in"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "sphere"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 0.8}}],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{}],
        "images": [{"bufferView": 4, "mimeType": "image/jpeg"}],
        "accessors": [
            floats | {"bufferView": 0, "type": "VEC3", "min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()},
            floats | {"bufferView": 1, "type": "VEC3"},
            floats | {"bufferView": 2, "type": "VEC2"},
            {"bufferView": 3, "componentType": UNSIGNED_SHORT, "count": indices, "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"byteLength": at}],
    }


def padded(length: int) -> int:
    return (length + 3) // 4 * 4


def packed(content: dict[str, Any], chunks: list[bytes]) -> bytes:
    words = json.dumps(content, separators=(",", ":")).encode()
    words = words.ljust(padded(len(words)), b" ")
    data = b"".join(chunk.ljust(padded(len(chunk)), b"\0") for chunk in chunks)
    total = 12 + 8 + len(words) + 8 + len(data)
    head = struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(words), b"JSON")
    return head + words + struct.pack("<I4s", len(data), b"BIN\0") + data


def rings_within(*, vertices: float = math.inf, triangles: float = math.inf) -> int:
    """The most bands, up to 24, with which a sphere has no more vertices and triangles than this."""
    fitting = [n for n in range(2, 25) if (n + 1) * (2 * n + 1) <= vertices and 4 * n * n <= triangles]
    return max(fitting, default=2)
