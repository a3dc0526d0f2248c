"""MP3 without an encoder: frames of committed notes, put one after the other.

`notes.mp3` holds eight notes of 25 frames each (48 kHz, mono, 32 kbit/s, made without a bit reservoir), so that any run of whole notes is
itself a valid MP3. How it was made: `python -m tests.stability_server.media.notes`, see README.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import cycle
from pathlib import Path

FRAMES_PER_NOTE = 25
SAMPLES_PER_FRAME = 1152
RATE = 48_000

BIT_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
LOW_BIT_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""kbit/s and Hz of Layer III by the header's numbers: MPEG-1 (3), MPEG-2 (2), MPEG-2.5 (0); ISO 11172-3 2.4.2.3, ISO 13818-3 2.4.2.3."""


def frames(data: bytes) -> Iterator[tuple[int, int, float]]:
    """The Layer III frames of a file: (start, length in bytes, seconds). Ends where something else begins."""
    at = _after_id3(data)
    while at + 4 <= len(data):
        head = int.from_bytes(data[at : at + 4], "big")
        version, layer, rate, speed = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
        if head >> 21 != 0x7FF or version == 1 or layer != 1 or rate in (0, 15) or speed == 3:
            return
        samples, table = (1152, BIT_RATES) if version == 3 else (576, LOW_BIT_RATES)
        hertz = RATES[version][speed]
        length = samples // 8 * table[rate] * 1000 // hertz + (head >> 9 & 1)
        if at + length > len(data):
            return
        yield at, length, samples / hertz
        at += length


def _after_id3(data: bytes) -> int:
    if not data.startswith(b"ID3") or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 127
    return size + 10


def duration(data: bytes) -> float:
    """Seconds of an MP3; 0 when it is none."""
    return round(sum(seconds for _, _, seconds in frames(data)), 3)


@cache
def _notes() -> tuple[tuple[bytes, ...], ...]:
    data = (Path(__file__).parent / "notes.mp3").read_bytes()
    pieces = [data[at : at + length] for at, length, _ in frames(data)]
    return tuple(tuple(pieces[start : start + FRAMES_PER_NOTE]) for start in range(0, len(pieces) - FRAMES_PER_NOTE + 1, FRAMES_PER_NOTE))


def tune(melody: Sequence[int], seconds: float) -> bytes:
    """Play notes (0–7) over and over; at most `seconds`, at least all but a frame (24 ms) of them."""
    wanted = max(1, int(round(seconds * RATE, 6) // SAMPLES_PER_FRAME))
    played: list[bytes] = []
    for note in cycle(melody):
        played += _notes()[note]
        if len(played) >= wanted:
            return b"".join(played[:wanted])
    raise ValueError("a melody has no notes")
