"""The sky: its colours, aurora ribbons, stars, sun or moon, clouds."""

import math

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .palette import NEON_BASE, SIZE, SKIES, Colour, ints, mix, mul, vary
from .pen import Pen


def sky_colours(scene: dict, rng: np.random.Generator) -> list[Colour]:
    """Three colours from the top of the sheet to the horizon, in the manner of the style."""
    style, dark = scene["style"], scene["time"] in ("night", "aurora")
    choices = SKIES[scene["time"]]
    sky = [vary(c, rng, 0.06) for c in choices[rng.integers(len(choices))]]
    if style == "neon":
        return [mix(NEON_BASE, c, 0.26) for c in sky]
    if style == "sketch":
        return [mix(mix((sum(c) / 3,) * 3, c, 0.30), (238, 233, 222), 0.62 if dark else 0.76) for c in sky]
    if style == "watercolor":
        return [mix(c, (252, 250, 244), 0.12 if dark else 0.22) for c in sky]
    return sky


def gradient(stops: list[Colour], bottom: float, rows: int) -> np.ndarray:
    """(rows, 3) colours from the first stop at the top to the last at the share `bottom` of the height."""
    ys = np.linspace(0, 1, rows)
    st = np.array(stops, np.float32)
    pos = np.linspace(0.0, bottom, len(st))
    return np.stack([np.interp(ys, pos, st[:, k]) for k in range(3)], 1)


def aurora(p: Pen, rng: np.random.Generator) -> None:
    """Two or three blurred ribbons, added to the sheet."""
    k = p.canvas
    layer = Image.new("RGB", p.img.size)
    d = ImageDraw.Draw(layer)
    for i in range(rng.integers(2, 4)):
        colour = [(50, 240, 150), (90, 230, 200), (170, 90, 230)][i % 3]
        y0, ph, am = rng.uniform(18, 46), rng.uniform(0, 6), rng.uniform(5, 11)
        for x in range(-4, 132, 2):
            y = y0 + am * math.sin(x / 22 + ph) + am * 0.4 * math.sin(x / 9 + ph * 2)
            corners = [(x, y - 20), (x + 2, y - 20), (x + 2, y), (x, y)]
            d.polygon([(u * k, v * k) for u, v in corners], fill=ints(mul(colour, (0.5,) * 3)))
    layer = layer.filter(ImageFilter.GaussianBlur(4 * k))
    if p.style == "sketch":
        layer = layer.point(lambda v: v * 0.45)
    p.img.paste(ImageChops.add(p.img, layer))


def stars(p: Pen, horizon: float, rng: np.random.Generator) -> None:
    """Fourteen to twenty-nine stars above the horizon."""
    for _ in range(rng.integers(14, 30)):
        x, y, r = rng.uniform(2, 126), rng.uniform(2, horizon - 8), rng.choice([0.5, 0.8, 1.2], p=[0.5, 0.35, 0.15])
        p.ellipse(x - r, y - r, x + r, y + r, (255, 250, 220) if p.style != "sketch" else (110, 106, 110), False)
        if p.style == "neon":
            p.dot(x - r, y - r, x + r, y + r, (240, 240, 255))


def orb(p: Pen, scene: dict, x: float, horizon: float, sky: list[Colour], rows: np.ndarray, rng: np.random.Generator) -> None:
    """The sun or the moon at `x`; after dark half of the moons are crescents (a bite of sky colour, from `rows`)."""
    time = scene["time"]
    r = rng.uniform(8, 13)
    y = {
        "day": rng.uniform(18, 28),
        "night": rng.uniform(18, 30),
        "aurora": rng.uniform(16, 24),
        "sunset": horizon - rng.uniform(2, 14),
        "dawn": horizon - rng.uniform(4, 18),
    }[time]
    colour = {
        "day": (255, 226, 96),
        "night": (250, 246, 216),
        "aurora": (240, 246, 226),
        "sunset": (255, 238, 150),
        "dawn": (255, 214, 150),
    }[time]
    if p.style in ("flat", "watercolor") and time != "aurora":
        p.ellipse(x - r * 1.7, y - r * 1.7, x + r * 1.7, y + r * 1.7, mix(colour, sky[1], 0.68), False)
    p.quiet = False
    p.ellipse(x - r, y - r, x + r, y + r, colour)
    if time in ("night", "aurora") and rng.random() < 0.5:
        behind = ints(rows[int(min(y, SIZE - 1) * p.canvas)])
        p.dot(x - r * 0.45, y - r * 1.15, x + r * 1.5, y + r * 0.8, behind)
    p.quiet = True


def clouds(p: Pen, tint: Colour, dark: bool, sky: list[Colour], rng: np.random.Generator) -> None:
    """Two or three clouds of four puffs."""
    for _ in range(rng.integers(2, 4)):
        x, y, w = rng.uniform(5, 123), rng.uniform(10, 44), rng.uniform(9, 15)
        colour = mix((255, 255, 255), mul((255, 250, 250), tint), 0.75 if dark else 0.5)
        if dark:
            colour = mix(colour, sky[1], 0.5)
        outline = p.style in ("sketch", "neon")
        for u, v, r in ((-1, 0, 0.55), (1, 0, 0.5), (-0.3, -0.35, 0.7), (0.45, -0.2, 0.6)):
            p.ellipse(x + (u - r) * w, y + (v - r * 0.75) * w, x + (u + r) * w, y + (v + r * 0.75) * w, colour, outline)
        if p.style != "neon":
            p.rect(x - 1.2 * w, y + 0.02 * w, x + 1.2 * w, y + 0.42 * w, colour, False)
