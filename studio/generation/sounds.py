"""Sounds that people upload: MP3 and WAV, read frame by frame, kept without the tags that came along."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from studio.generation.errors import UnusableSound
from studio.generation.metadata import mp3, wav

SILENT = "There is no sound in this file."
DAMAGED = "This sound is damaged: its data ends early or makes no sense. Choose another copy of it."

PCM, EXTENSIBLE = 1, 0xFFFE
"""The two format tags of a WAV whose samples are plain numbers; an extensible header says so further down (its subformat)."""

BIT_RATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    0: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""kbit/s and Hz of Layer III by the numbers in a frame's header, for MPEG-1 (3), MPEG-2 (2) and MPEG-2.5 (0): ISO 11172-3 2.4.2.3,
ISO 13818-3 2.4.2.3."""
TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")
"""What may follow the last frame."""
MOST_TAGS = 20
"""ID3v2 tags before the first frame. A file of nothing else would keep a thread busy, and the Stability API reads it for strangers."""
LONGEST_FRAME = 1441
"""Bytes: 320 kbit/s at 32 kHz, with padding. Less than this at the end of a file is a frame that was cut off, as recorders leave it."""


@dataclass(frozen=True, slots=True)
class CleanSound:
    """A sound that was read from its first sample to its last: MP3 frames or a PCM WAV, and nothing else in the file."""

    data: bytes
    mime: str
    seconds: float
    width: ClassVar[int | None] = None
    height: ClassVar[int | None] = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def looks_like_sound(head: bytes) -> bool:
    """Whether a file that begins so (16 bytes will do) is a sound of any common kind, one that we take or not."""
    return bool(_mime(head)) or head[:4] in (b"OggS", b"fLaC", b"FORM") or head[4:11] in (b"ftypM4A", b"ftypM4B")


def clean_sound(data: bytes) -> CleanSound:
    """Check an uploaded sound and drop its tags. Raises `UnusableSound` with a sentence that says what is wrong and what to do."""
    mime = _mime(data)
    if mime == "audio/wav":
        return _clean_wave(data)
    if mime == "audio/mpeg":
        return _clean_mp3(data)
    raise UnusableSound("This sound cannot be read here. Choose an MP3 or WAV file.")


def _mime(head: bytes) -> str:
    return "audio/wav" if wav.knows(head) else "audio/mpeg" if mp3.knows(head) else ""


# --- MP3 -------------------------------------------------------------------------------------------------------------


def _clean_mp3(data: bytes) -> CleanSound:
    start = end = _after_id3(data)
    seconds = 0.0
    for at, length, duration in _frames(data, start):
        end = at + length
        seconds += duration
    if end == start:
        raise UnusableSound(SILENT)
    rest = data[end:].lstrip(b"\0")
    if len(rest) >= LONGEST_FRAME and not rest.startswith(TAGS):
        raise UnusableSound(DAMAGED)
    return CleanSound(data[start:end], "audio/mpeg", round(seconds, 3))


def _after_id3(data: bytes) -> int:
    """Where the first frame should be: behind the ID3v2 tags and the zeros that pad them (ID3v2.4, 3.1: a size has seven bits a byte)."""
    at = 0
    for _ in range(MOST_TAGS):
        if data[at : at + 3] != b"ID3" or len(data) < at + 10:
            break
        size = 0
        for byte in data[at + 6 : at + 10]:
            size = size << 7 | byte & 0x7F
        at += 10 + size + (10 if data[at + 5] & 0x10 else 0)
    return len(data) - len(data[at:].lstrip(b"\0"))


def _frames(data: bytes, at: int) -> Iterator[tuple[int, int, float]]:
    """The Layer III frames from here on: start and length in bytes, seconds. Ends where something else begins."""
    while at + 4 <= len(data):
        head = int.from_bytes(data[at : at + 4], "big")
        version, layer, rate, speed = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
        if head >> 21 != 0x7FF or version == 1 or layer != 1 or rate in (0, 15) or speed == 3:
            return
        samples, hertz = 1152 if version == 3 else 576, RATES[version][speed]
        length = samples // 8 * BIT_RATES[version][rate] * 1000 // hertz + (head >> 9 & 1)
        if at + length > len(data):
            return
        yield at, length, samples / hertz
        at += length


# --- WAV -------------------------------------------------------------------------------------------------------------


def _clean_wave(data: bytes) -> CleanSound:
    chunks = dict(_chunks(data))
    header, samples = chunks.get(b"fmt ", b""), chunks.get(b"data", b"")
    if len(header) < 16:
        raise UnusableSound(DAMAGED)
    kind, channels = int.from_bytes(header[:2], "little"), int.from_bytes(header[2:4], "little")
    hertz, bits = int.from_bytes(header[4:8], "little"), int.from_bytes(header[14:16], "little")
    if kind == EXTENSIBLE and len(header) >= 26:
        kind = int.from_bytes(header[24:26], "little")
    if kind != PCM or bits not in (8, 16, 24, 32):
        raise UnusableSound("This WAV file holds samples of an unusual kind. Save it as 16-bit PCM, or as MP3.")
    if not (1 <= channels <= 8 and 1_000 <= hertz <= 384_000):
        raise UnusableSound(DAMAGED)
    frame = channels * bits // 8
    count = len(samples) // frame
    if not count:
        raise UnusableSound(SILENT)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as plain:
        plain.setnchannels(channels)
        plain.setsampwidth(bits // 8)
        plain.setframerate(hertz)
        plain.writeframes(samples[: count * frame])
    return CleanSound(buffer.getvalue(), "audio/wav", round(count / hertz, 3))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a RIFF file by name. The last one may say that it has no end, as a pipe writes it; otherwise it must be whole.

    What people give is read as far as it makes sense and refused where it does not; `metadata/riff.py` has it easier, and touches nothing
    but a whole file.
    """
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if len(body) < size < 0xFFFFFF00:
            raise UnusableSound(DAMAGED)
        yield name, body
        at += 8 + size + size % 2
