"""A little melody from a prompt and a seed, as WAV or MP3. The WAV of an edit holds what was uploaded; an MP3 is always played anew, since
nothing here can decode one."""

from __future__ import annotations

import io
import random
import wave
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.stability_server.media import mp3

Sound = NDArray[np.float32]
RATE = mp3.RATE
PITCHES = (261.63, 293.66, 329.63, 392.00, 440.00, 523.25, 587.33, 659.26)
"""Hz; C major pentatonic from C4, in which any run of notes sounds well."""


@cache
def note(number: int) -> Sound:
    """0.6 s of a plucked string that has died away 50 ms before the end, so that notes can be cut and joined."""
    length = mp3.FRAMES_PER_NOTE * mp3.SAMPLES_PER_FRAME
    time = np.arange(length) / RATE
    tone = sum(np.sin(2 * np.pi * PITCHES[number] * partial * time) / partial**2 for partial in (1, 2, 3))
    swell = np.minimum(time / 0.01, 1) * np.exp(-4 * time) * np.clip((0.55 - time) / 0.1, 0, 1)
    return (0.5 * tone * swell).astype(np.float32)


def melody(prompt: str, seed: int) -> list[int]:
    rng = random.Random(f"{prompt}|{seed}")
    return [rng.randrange(len(PITCHES)) for _ in range(16)]


def played(notes: list[int], seconds: float) -> Sound:
    bar = np.concatenate([note(number) for number in notes])
    return np.resize(bar, max(1, round(seconds * RATE)))


def to_wav(sound: Sound) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return data.getvalue()


def from_wav(data: bytes) -> Sound | None:
    """The first channel at our rate; None for what is not a WAV of 16 bits."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2:
                return None
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")[:: file.getnchannels()].astype(np.float32) / 32768
            places = np.arange(0, len(samples), file.getframerate() / RATE)
    except wave.Error:
        return None
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def text_to_audio(prompt: str, seed: int, seconds: float, output_format: str) -> bytes:
    notes = melody(prompt, seed)
    return mp3.tune(notes, seconds) if output_format == "mp3" else to_wav(played(notes, seconds))


def audio_to_audio(prompt: str, seed: int, seconds: float, output_format: str, upload: bytes, strength: float) -> bytes:
    """As much of the melody as `strength` says, over the rest of what was uploaded (0: unchanged, 1: all new)."""
    old = from_wav(upload)
    if output_format == "mp3" or old is None:
        return text_to_audio(prompt, seed, seconds, output_format)
    new = played(melody(prompt, seed), seconds)
    kept = np.zeros_like(new)
    kept[: len(old)] = old[: len(new)]
    return to_wav(strength * new + (1 - strength) * kept)


def inpaint(prompt: str, seed: int, seconds: float, output_format: str, upload: bytes, start: float, end: float) -> bytes:
    """The upload with the melody between `start` and `end` seconds, and nothing else changed."""
    old = from_wav(upload)
    if output_format == "mp3" or old is None:
        return text_to_audio(prompt, seed, seconds, output_format)
    sound = np.zeros(max(1, round(seconds * RATE)), np.float32)
    sound[: len(old)] = old[: len(sound)]
    masked = slice(round(start * RATE), round(end * RATE))
    sound[masked] = played(melody(prompt, seed), seconds)[masked]
    return to_wav(sound)
