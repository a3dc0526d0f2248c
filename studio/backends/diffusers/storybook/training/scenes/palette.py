"""The words and colours of a scene, and arithmetic on colours (RGB triples, 0..255, floats allowed)."""

import colorsys

import numpy as np

Colour = tuple[float, ...]

SIZE = 128  # pixels of a finished training picture; also the units in which scenes are measured
CANVAS = 3  # canvas pixels per unit: drawn large, then scaled down, so that edges are crisp and anti-aliased

STYLES = ["flat", "watercolor", "pixel", "sketch", "neon"]
TIMES = ["day", "night", "sunset", "dawn", "aurora"]
TERRAINS = ["hills", "mountains", "sea", "forest", "desert", "city"]
SEASONS = ["summer", "spring", "autumn", "winter"]
OBJECTS = [
    *("house", "balloon", "tent", "tree", "sailboat", "lighthouse", "cactus", "windmill", "castle"),
    *("rocket", "cat", "dog", "car", "flower", "mushroom", "snowman", "robot"),
]
POSITIONS = ["left", "center", "right"]
CENTRE_X = {"left": 33, "center": 64, "right": 95}  # where the main object stands, before a jitter of 5
COLORS: dict[str, Colour] = {
    "red": (222, 48, 44),
    "orange": (246, 136, 30),
    "yellow": (250, 208, 48),
    "green": (62, 168, 74),
    "blue": (44, 110, 222),
    "purple": (138, 70, 190),
    "pink": (246, 124, 172),
    "white": (246, 244, 238),
}
# What an object looks like when nobody names a colour.
NATURAL = {
    "tree": "green",
    "cactus": "green",
    "cat": "orange",
    "mushroom": "red",
    "snowman": "red",
    "dog": "orange",
    "rocket": "red",
    "lighthouse": "red",
}
SKIES: dict[str, list[list[Colour]]] = {
    "day": [
        [(58, 150, 232), (128, 200, 246), (216, 240, 252)],
        [(86, 184, 240), (156, 216, 248), (236, 246, 240)],
        [(40, 128, 216), (108, 190, 240), (196, 232, 250)],
    ],
    "night": [
        [(10, 14, 48), (24, 34, 92), (58, 66, 140)],
        [(14, 12, 44), (38, 30, 90), (84, 62, 136)],
        [(6, 18, 46), (16, 44, 92), (42, 84, 138)],
    ],
    "sunset": [
        [(84, 52, 138), (226, 92, 112), (255, 190, 92)],
        [(120, 52, 120), (244, 110, 82), (255, 206, 110)],
        [(58, 60, 140), (214, 100, 140), (255, 164, 96)],
    ],
    "dawn": [
        [(150, 176, 226), (246, 194, 210), (255, 234, 202)],
        [(176, 168, 224), (250, 202, 206), (255, 238, 218)],
        [(138, 196, 222), (226, 208, 226), (255, 222, 206)],
    ],
    "aurora": [[(6, 12, 38), (14, 36, 72), (26, 72, 96)], [(10, 8, 40), (22, 28, 76), (34, 62, 104)]],
}
# What the light of the hour does to every colour (factors for R, G and B).
TINT: dict[str, Colour] = {
    "day": (1, 1, 1),
    "night": (0.40, 0.44, 0.72),
    "sunset": (0.98, 0.70, 0.66),
    "dawn": (1.0, 0.90, 0.93),
    "aurora": (0.36, 0.52, 0.66),
}
GLOW: Colour = (255, 222, 110)
WOOD: Colour = (146, 96, 58)
STONE: Colour = (206, 200, 196)
DARK: Colour = (60, 50, 70)
NEON_BASE: Colour = (10, 6, 30)


def mix(a: Colour, b: Colour, t: float) -> Colour:
    """The colour a share `t` of the way from `a` to `b`."""
    return tuple(x + (y - x) * t for x, y in zip(a, b, strict=True))


def mul(a: Colour, b: Colour) -> Colour:
    """Channel by channel product: `b` holds factors."""
    return tuple(x * y for x, y in zip(a, b, strict=True))


def ints(c: Colour) -> tuple[int, ...]:
    """Clipped to what Pillow takes."""
    return tuple(int(max(0, min(255, x))) for x in c)


def shade(c: Colour, k: float) -> Colour:
    """Darker for k < 0, lighter for k > 0, by a share |k|."""
    return mix(c, (20, 14, 44), -k) if k < 0 else mix(c, (255, 255, 255), k)


def vary(c: Colour, rng: np.random.Generator, amount: float = 0.05) -> Colour:
    """A neighbour of `c` in HSV, so that no two scenes use exactly the same paint."""
    h, s, v = colorsys.rgb_to_hsv(*(x / 255 for x in c))
    h = (h + rng.uniform(-0.3, 0.3) * amount) % 1
    s = min(1, max(0, s * (1 + rng.uniform(-1, 1) * amount)))
    v = min(1, max(0, v * (1 + rng.uniform(-1, 1) * amount)))
    return tuple(255 * x for x in colorsys.hsv_to_rgb(h, s, v))
