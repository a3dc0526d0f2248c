"""GLB: `asset.extras`, which is there for what is one's own (glTF 2.0, 3.10)."""

from __future__ import annotations

from studio.generation import glb
from studio.generation.errors import BrokenResult
from studio.generation.metadata.texts import DIGITAL_SOURCE_TYPE, Texts


def knows(data: bytes) -> bool:
    return data.startswith(glb.MAGIC)


def write(data: bytes, texts: Texts) -> bytes:
    document, rest = glb.unpack(data)
    extras = document["asset"].get("extras")
    ours = {"parameters": texts.parameters, "atelier": texts.atelier, "DigitalSourceType": DIGITAL_SOURCE_TYPE}
    document["asset"]["extras"] = {**(extras if isinstance(extras, dict) else {}), **ours}
    return glb.pack(document, rest)


def read(data: bytes) -> Texts:
    try:
        extras = glb.unpack(data)[0]["asset"].get("extras")
    except BrokenResult:
        return Texts()
    found = extras if isinstance(extras, dict) else {}
    return Texts(*(text if isinstance(text := found.get(name), str) else "" for name in ("parameters", "atelier")))
