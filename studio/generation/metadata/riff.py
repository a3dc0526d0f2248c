"""RIFF, the container of WebP and WAV: four letters, a length, a body, padded to an even length."""

from __future__ import annotations

Chunks = list[tuple[bytes, bytes]]
HEAD = 12
"""Bytes of `RIFF`, the length of all that follows, and the form."""
MOST = 10_000
"""Chunks of a file; of empty ones an upload holds millions, each a hundred times as large in memory."""


def form_of(data: bytes) -> bytes:
    """`WEBP`, `WAVE`, …; empty for what is no RIFF file."""
    return data[8:12] if data.startswith(b"RIFF") else b""


def unpack(data: bytes) -> Chunks:
    """The chunks of a file in their order; none when it is not whole or has more than `MOST`, for such a file is better left as it is.

    A WAV that people give may be without an end, and what is wrong with it is said: `sounds.py` reads it its own way.
    """
    chunks: Chunks = []
    at = HEAD
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > len(data) or len(chunks) == MOST:
            return []
        chunks.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return chunks


def pack(form: bytes, chunks: Chunks) -> bytes:
    body = b"".join(name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2) for name, content in chunks)
    return b"RIFF" + (4 + len(body)).to_bytes(4, "little") + form + body
