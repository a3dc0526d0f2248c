"""MP3: a comment and a text of our own in an ID3 tag (ID3v2.4.0 structure, 3 and 4; id3v2.3.0, 3.1 and 3.3)."""

from __future__ import annotations

from collections.abc import Iterator

from studio.generation.metadata.texts import Texts

TAG, HEAD = b"ID3", 10
"""What a tag begins with, and the bytes of its header, as of each of its frames."""
LATIN_1, UTF_16, UTF_8 = 0, 1, 3
CODECS = {LATIN_1: "latin-1", UTF_16: "utf-16", UTF_8: "utf-8"}
OURS = "atelier"


def knows(data: bytes) -> bool:
    """A tag, or the eleven set bits that a frame begins with, of Layer III (ISO 11172-3, 2.4.2.3)."""
    return data.startswith(TAG) or (data[:1] == b"\xff" and len(data) > 1 and data[1] & 0xE6 == 0xE2)


def write(data: bytes, texts: Texts) -> bytes:
    if not data.startswith(TAG):
        frames = _frames(4, texts)
        return TAG + bytes([4, 0, 0]) + _synchsafe(len(frames)) + frames + data
    version, flags = data[3], data[5]
    if version not in (3, 4) or flags:  # what is unusual is left as it is
        return data
    frames = _frames(version, texts)
    size = _from_synchsafe(data[6:HEAD]) + len(frames)
    return data[:6] + _synchsafe(size) + frames + data[HEAD:]


def _frames(version: int, texts: Texts) -> bytes:
    """Version 3 knows no UTF-8, and writes the length of a frame as a plain number."""
    encoding = UTF_8 if version == 4 else UTF_16
    end = bytes(1 if version == 4 else 2)

    def text(words: str) -> bytes:
        return words.encode(CODECS[encoding])

    bodies = {
        b"COMM": bytes([encoding]) + b"eng" + text("") + end + text(texts.parameters),
        b"TXXX": bytes([encoding]) + text(OURS) + end + text(texts.atelier),
    }
    length = _synchsafe if version == 4 else lambda size: size.to_bytes(4, "big")
    return b"".join(name + length(len(body)) + b"\0\0" + body for name, body in bodies.items())


def read(data: bytes) -> Texts:
    for name, body in _in_tag(data):
        if name != b"TXXX" or not body or body[0] not in CODECS:
            continue
        try:
            label, _, text = body[1:].decode(CODECS[body[0]]).partition("\0")
        except UnicodeDecodeError:
            continue
        if label == OURS:
            return Texts(atelier=text.lstrip("\ufeff"))
    return Texts()


def _in_tag(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not data.startswith(TAG) or len(data) < HEAD or data[3] not in (3, 4) or data[5]:
        return
    at, end = HEAD, min(len(data), HEAD + _from_synchsafe(data[6:HEAD]))
    while at + HEAD <= end and data[at] != 0:
        length = _from_synchsafe(data[at + 4 : at + 8]) if data[3] == 4 else int.from_bytes(data[at + 4 : at + 8], "big")
        yield data[at : at + 4], data[at + HEAD : min(end, at + HEAD + length)]
        at += HEAD + length


def _synchsafe(number: int) -> bytes:
    """Four times seven bits, so that no byte looks like the beginning of a frame of sound."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _from_synchsafe(data: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=True))
