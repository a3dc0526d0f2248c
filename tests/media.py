"""Models and sounds for tests: real files, made on the spot by the code that the stand-in provider uses."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageOps

from tests.stability_server.media import solids, tunes

MP3, WAV, GLB = "audio/mpeg", "audio/wav", "model/gltf-binary"


@lru_cache(maxsize=16)
def model(seed: int = 1, *, rings: int = 6) -> bytes:
    """A textured sphere, coloured by the seed."""
    warm = ((seed * 71) % 156 + 100, (seed * 37) % 200, (seed * 13) % 160)
    texture = ImageOps.colorize(Image.radial_gradient("L").resize((64, 64)), warm, (30, 40, 70))
    return solids.sphere(texture, 64, rings=rings)


@lru_cache(maxsize=16)
def sound(seconds: float = 2, seed: int = 1, mime: str = MP3) -> bytes:
    """A little melody; an MP3 is up to 24 ms shorter than it was asked to be."""
    return tunes.text_to_audio("a melody", seed, seconds, {MP3: "mp3", WAV: "wav"}[mime])
