"""WAV: a comment in the INFO list, which players show, and our JSON in a chunk of its own, which they pass over."""

from __future__ import annotations

from studio.generation.metadata import riff
from studio.generation.metadata.texts import Texts

FORM, COMMENT, OURS = b"WAVE", b"ICMT", b"atlr"


def knows(data: bytes) -> bool:
    return riff.form_of(data) == FORM


def write(data: bytes, texts: Texts) -> bytes:
    chunks = riff.unpack(data)
    if not chunks or any(name == OURS for name, _ in chunks):
        return data
    comment = texts.parameters.encode() + b"\0"
    info = b"INFO" + COMMENT + len(comment).to_bytes(4, "little") + comment + bytes(len(comment) % 2)
    return riff.pack(FORM, [*chunks, (b"LIST", info), (OURS, texts.atelier.encode())])


def read(data: bytes) -> Texts:
    for name, body in riff.unpack(data):
        if name == OURS:
            return Texts(atelier=body.decode("utf-8", "replace"))
    return Texts()
