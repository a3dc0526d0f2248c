"""The second half of a style: what happens to the whole sheet (paper grain, pixel grid, glow)."""

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from .palette import SIZE


def noise(rng: np.random.Generator, cells: int, size: int = SIZE) -> np.ndarray:
    """Smooth noise, (size, size) float32 around 0, with `cells` random values a side."""
    a = rng.random((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(a, "F").resize((size, size), Image.BICUBIC)) - 0.5


def _pixel(img: Image.Image, size: int) -> Image.Image:
    """Cells of 4 units in 24 colours; the middle third of every cell, so that cells are crisp and not blurred averages."""
    n = SIZE // 4
    small = img.resize((n * 3, n * 3), Image.BOX).resize((n, n), Image.NEAREST)
    return small.quantize(24, method=Image.MEDIANCUT, dither=Image.NONE).convert("RGB").resize((size, size), Image.NEAREST)


def _watercolor(small: Image.Image, rng: np.random.Generator, k: int) -> Image.Image:
    """Pigment pools, dark rims where washes end, a ragged paper border."""
    size = small.width
    a = np.asarray(small, np.float32)
    soft = np.asarray(small.filter(ImageFilter.GaussianBlur(1.6 * k)), np.float32)
    wash = noise(rng, 6, size) * 0.6 + noise(rng, 17, size) * 0.4
    edge = np.abs(a - soft).mean(2, keepdims=True)
    a = a * 0.5 + soft * 0.5
    a = a.mean(2, keepdims=True) + (a - a.mean(2, keepdims=True)) * 1.18
    a = a * (1 + 0.24 * wash[..., None]) - edge * 0.9
    a = a * 0.84 + 255 * 0.16 + 6 * noise(rng, 64, size)[..., None]
    ramp = np.minimum(np.arange(size), np.arange(size)[::-1]) / (4.0 * k)
    v = np.minimum(1, np.minimum(ramp[None], ramp[:, None]) + noise(rng, 20, size) * 0.9 + 0.35)
    a = 252 + (a - 252) * np.clip(v, 0, 1)[..., None]
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))


def _sketch(small: Image.Image, rng: np.random.Generator, k: int) -> Image.Image:
    """Hatching in the shadows and paper grain."""
    size = small.width
    a = np.asarray(small, np.float32)
    yy, xx = np.mgrid[:size, :size] / k
    hatch = (np.sin((xx + yy) * 1.25) > 0.55) * (235 - a.mean(2)).clip(0, 120) * 0.16
    a = a - hatch[..., None] + 5 * noise(rng, 64, size)[..., None]
    return Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))


def finish(img: Image.Image, style: str, rng: np.random.Generator, k: int = 1) -> Image.Image:
    """The finished picture, 128*k pixels a side; radii and frequencies are in units of the scene, so k changes only sharpness."""
    size = SIZE * k
    if style == "pixel":
        return _pixel(img, size)
    small = img.resize((size, size), Image.BOX)
    if style == "neon":
        glow = small.filter(ImageFilter.GaussianBlur(2.6 * k))
        return ImageChops.add(small, glow.point(lambda v: min(255, int(v * 0.85))))
    if style == "watercolor":
        return _watercolor(small, rng, k)
    if style == "sketch":
        return _sketch(small, rng, k)
    return small
