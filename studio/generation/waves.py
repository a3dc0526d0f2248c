"""Sounds as bytes: how long they are, and the peaks from which their waveform is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from studio.generation.errors import BrokenResult

PEAKS = 192
"""How many peaks are kept of a sound, whatever its length."""
RATE, SLICE = 16_000, 160
"""Samples a second, and samples in a slice (10 ms), of what is listened to: enough for a drawing."""
FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True)
class Sound:
    """What is known of a sound: its length, and how high its wave goes in each of at most `PEAKS` equal parts, from 0 to 100.

    100 is the highest part of the sound itself, so that a quiet one can be seen as well.
    """

    seconds: float
    peaks: tuple[int, ...]


def listen(data: bytes) -> Sound:
    """Decode an MP3 or WAV from its first sample to its last, a slice at a time. Raises `BrokenResult` when it cannot be."""
    import miniaudio  # 25 MB: only a process that is given sounds pays for it

    try:
        slices = miniaudio.stream_memory(data, miniaudio.SampleFormat.SIGNED16, nchannels=1, sample_rate=RATE, frames_to_read=SLICE)
        loudest, samples = [], 0
        for piece in slices:
            loudest.append(max(max(piece), -min(piece)))
            samples += len(piece)
    except miniaudio.MiniaudioError as error:
        raise BrokenResult("This sound cannot be decoded.") from error
    if not samples:
        raise BrokenResult("This sound has no samples.")
    return Sound(round(samples / RATE, 3), _peaks(loudest))


def _peaks(loudest: list[int]) -> tuple[int, ...]:
    parts = min(PEAKS, len(loudest))
    bounds = [len(loudest) * part // parts for part in range(parts + 1)]
    # The mean of a part's slices: music reaches its top in every second, and the tops alone would be drawn as a block.
    peaks = [sum(loudest[start:end]) / (end - start) for start, end in pairwise(bounds)]
    top = max(peaks) or FULL_SCALE
    return tuple(round(100 * peak / top) for peak in peaks)
