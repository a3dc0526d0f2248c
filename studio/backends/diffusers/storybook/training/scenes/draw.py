"""From a scene's attributes to a picture."""

import numpy as np
from PIL import Image

from . import sky as skies
from .finish import finish
from .land import Land
from .objects import DRAWERS, extent, inside
from .palette import CANVAS, CENTRE_X, COLORS, SIZE, TINT, Colour, mix, vary
from .pen import Pen, TintPen


def _object(p: Pen, scene: dict, land: Land, cx: float, rng: np.random.Generator) -> None:
    """The main object with its contact shadow; on the sea it stands on a little island."""
    obj, style, tint = scene["object"], scene["style"], TINT[scene["time"]]
    p.quiet = False
    h, hw = extent(scene)
    cx = inside(cx, hw)
    colour = vary(COLORS[scene["color"]], rng, 0.06)
    light = mix((1, 1, 1), tint, {"neon": 0, "pixel": 0.15}.get(style, 0.30))
    by = rng.uniform(112, 118)
    if obj == "balloon":
        by = rng.uniform(88, 100)
    elif obj == "rocket":
        by = rng.uniform(92, 104)
    elif obj == "sailboat":
        by = rng.uniform(106, 112)
    elif scene["terrain"] == "sea":
        w = max(hw * 1.25, 30)
        ground: Colour = (150, 178, 96) if obj in ("tree", "flower", "mushroom", "house") else (236, 204, 140)
        p.ellipse(cx - w, by - 7, cx + w, by + 13, land.lit(ground))
    if obj not in ("balloon", "rocket", "sailboat") and style in ("flat", "watercolor", "pixel"):
        below = p.img.getpixel((int(min(max(cx, 1), 126) * p.canvas), int((by + 3) * p.canvas)))
        p.ellipse(cx - hw * 0.95, by - 3, cx + hw * 0.95, by + 4, mix(below, (20, 20, 60), 0.28), False)
    DRAWERS[obj](TintPen(p, light), cx, by, h, colour, scene["time"] in ("night", "aurora"), rng)


def _snowfall(p: Pen, rng: np.random.Generator) -> None:
    flake = (250, 252, 255) if p.style != "neon" else (150, 190, 230)
    for _ in range(34):
        x, y, r = rng.uniform(0, 128), rng.uniform(0, 124), rng.uniform(0.5, 1.1)
        p.dot(x - r, y - r, x + r, y + r, flake)


def _sun_x(scene: dict, cx: float, rng: np.random.Generator) -> float:
    """Where the sun or the moon stands: clear of the main object."""
    has_object = scene["object"] is not None
    x = (cx + rng.choice([-1, 1]) * rng.uniform(36, 52)) if has_object else 64 + rng.uniform(-46, 46)
    if x < 10 or x > 118:
        x = 128 - min(max(cx, 20), 108) if has_object else 64
    return x


def paint(scene: dict, rng: np.random.Generator, canvas: int = CANVAS) -> Image.Image:
    """The sheet before `finish`, 128*canvas pixels a side."""
    style, time = scene["style"], scene["time"]
    dark, tint = time in ("night", "aurora"), TINT[time]
    sky = skies.sky_colours(scene, rng)
    horizon = rng.uniform(66, 78)
    rows = skies.gradient(sky, horizon / SIZE, SIZE * canvas)
    img = Image.fromarray(np.repeat(rows[:, None].astype(np.uint8), SIZE * canvas, 1), "RGB")
    p = Pen(img, style, canvas)
    p.quiet = True
    cx = CENTRE_X[scene["position"]] + rng.uniform(-5, 5)
    sun_x = _sun_x(scene, cx, rng)
    if time == "aurora":
        skies.aurora(p, rng)
    if scene["stars"]:
        skies.stars(p, horizon, rng)
    if scene["orb"]:
        skies.orb(p, scene, sun_x, horizon, sky, rows, rng)
    if scene["clouds"]:
        skies.clouds(p, tint, dark, sky, rng)
    land = Land(p, scene, sky, horizon, rng.uniform(96, 102), rng)
    land.draw()
    land.glitter(sun_x)
    land.blossoms()
    if scene["object"] is not None:
        _object(p, scene, land, cx, rng)
    if scene["season"] == "winter" and style != "sketch" and scene["terrain"] != "desert":
        _snowfall(p, rng)
    return img


def draw(scene: dict, rng: np.random.Generator) -> Image.Image:
    """One finished 128x128 picture; the same scene and generator state give the same picture."""
    return finish(paint(scene, rng), scene["style"], rng)
