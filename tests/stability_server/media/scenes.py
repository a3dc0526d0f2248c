"""A landscape from a prompt and a seed: sky, sun or moon, ridges, water when the words ask for it, and the prompt as a caption."""

from __future__ import annotations

import colorsys
import math
import random
import re
import textwrap
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

Size = tuple[int, int]
Colour = tuple[int, int, int]

HUES = {"red": 0.0, "orange": 0.07, "gold": 0.12, "golden": 0.12, "yellow": 0.14, "green": 0.35, "teal": 0.5, "blue": 0.6} | {
    "purple": 0.76,
    "violet": 0.76,
    "pink": 0.92,
}
NIGHT = {"night", "moon", "moonlight", "midnight", "stars", "starry", "space", "dark", "galaxy"}
WATER = {"sea", "ocean", "lake", "river", "water", "beach", "harbour", "harbor", "boat", "sailboat", "ship", "island", "lighthouse"}
STYLES = {"line-art", "pixel-art", "analog-film", "low-poly"}
"""Style presets that change the drawing itself; the others only stand in the caption."""


def colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def between(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def words_of(prompt: str) -> list[str]:
    return re.findall(r"[a-z]+", prompt.lower())


def hue_of(prompt: str, rng: random.Random) -> float:
    """The first colour that a prompt names; any, when it names none."""
    return next((HUES[word] for word in words_of(prompt) if word in HUES), rng.random())


def scene(prompt: str, seed: int, size: Size, *, style: str | None = None, caption: bool = True) -> Image.Image:
    """Draw a prompt. The same prompt, seed, size and style give the same picture."""
    words, rng = set(words_of(prompt)), random.Random(f"{prompt}|{seed}")
    hue = hue_of(prompt, rng)
    picture = styled(landscape(size, rng, hue, night=bool(words & NIGHT), water=bool(words & WATER)), style)
    return captioned(picture, prompt, f"seed {seed}" + (f" · {style}" if style else "")) if caption else picture


def landscape(size: Size, rng: random.Random, hue: float, *, night: bool, water: bool) -> Image.Image:
    width, height = size
    top = colour(hue + 0.08, 0.75, 0.2 if night else 0.75)
    horizon = colour(hue, 0.35, 0.42 if night else 0.98)
    picture = ImageOps.colorize(Image.linear_gradient("L").resize((1, height)), top, horizon).resize(size)
    draw = ImageDraw.Draw(picture)
    if night:
        for _ in range(80):
            x, y, r = rng.randrange(width), rng.randrange(max(1, height // 2)), rng.choice((0, 0, 1))
            draw.ellipse((x - r, y - r, x + r, y + r), fill=(255, 255, 240))
    shine(draw, size, rng, horizon, night=night)
    ground = colour(hue + rng.uniform(0.3, 0.6), 0.55, 0.14 if night else 0.3)
    ridges = rng.choice((3, 4, 5))
    for number in range(ridges):
        share = (number + 1) / ridges
        draw.polygon(ridge(size, rng, 0.46 + 0.34 * share, 0.1 - 0.04 * share), fill=between(horizon, ground, 0.25 + 0.75 * share))
    if water:
        ripple(draw, size, rng, between(top, horizon, 0.35), horizon)
    return picture


def shine(draw: ImageDraw.ImageDraw, size: Size, rng: random.Random, horizon: Colour, *, night: bool) -> None:
    """A sun or a moon with a halo."""
    width, height = size
    x, y, r = rng.uniform(0.2, 0.8) * width, rng.uniform(0.18, 0.4) * height, min(size) * rng.uniform(0.06, 0.1)
    light = (244, 244, 226) if night else (255, 246, 214)
    for step in range(8, -1, -1):
        reach = r * (1 + step * 0.09)
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=between(light, horizon, step / 9))


def ridge(size: Size, rng: random.Random, level: float, swing: float) -> list[tuple[float, float]]:
    """The outline of one chain of hills, closed along the bottom."""
    width, height = size
    waves = [(rng.uniform(0.6, 5), rng.uniform(0, math.tau), rng.uniform(0.3, 1)) for _ in range(4)]
    points = []
    for x in range(0, width + 8, 8):
        y = sum(weight * math.sin(x / width * math.tau * pace + start) for pace, start, weight in waves)
        points.append((x, (level + swing * y / 2) * height))
    return [*points, (width + 8, height), (0, height)]


def ripple(draw: ImageDraw.ImageDraw, size: Size, rng: random.Random, water: Colour, light: Colour) -> None:
    width, height = size
    shore = round(height * 0.74)
    draw.rectangle((0, shore, width, height), fill=water)
    for _ in range(60):
        y = rng.randrange(shore, height + 1)
        x, long = rng.randrange(width), width * rng.uniform(0.02, 0.12)
        draw.line((x, y, x + long, y), fill=between(water, light, rng.uniform(0.2, 0.7)))


def styled(picture: Image.Image, style: str | None) -> Image.Image:
    match style:
        case "line-art":
            lines = ImageOps.invert(picture.convert("L").filter(ImageFilter.FIND_EDGES))
            return ImageOps.autocontrast(lines, cutoff=1).convert("RGB")
        case "pixel-art":
            small = (max(1, picture.width // 16), max(1, picture.height // 16))
            return picture.resize(small).resize(picture.size, Image.Resampling.NEAREST)
        case "analog-film":
            return ImageOps.colorize(picture.convert("L"), (40, 24, 16), (255, 240, 214))
        case "low-poly":
            return picture.quantize(12).convert("RGB")
    return picture


@lru_cache(maxsize=64)
def font(points: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, points))


def captioned(picture: Image.Image, text: str, small: str) -> Image.Image:
    """Write a text along the lower edge, at most two lines of it, and a smaller line below."""
    points = max(8, min(picture.size) // 26)
    lines = textwrap.wrap(text or "no prompt", max(8, int(picture.width / (points * 0.56))))
    if len(lines) > 2:
        lines = [lines[0], lines[1][:-1] + "…"]
    high = round(points * (1.3 * len(lines) + 1.9))
    band = picture.crop((0, picture.height - high, picture.width, picture.height))
    picture.paste(Image.blend(band, Image.new("RGB", band.size, (12, 12, 16)), 0.62), (0, picture.height - high))
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        draw.text((points, picture.height - high + points * (0.4 + 1.3 * number)), line, (250, 250, 248), font=font(points))
    draw.text((points, picture.height - points * 1.15), small, (190, 190, 196), font=font(round(points * 0.7)))
    return picture
