"""Things that travel.

Every function gets the pen, the centre x, the base y, the height h, the colour c, and `lit` (windows glow after dark).
"""

import math

import numpy as np

from .palette import DARK, WOOD, Colour, shade
from .pen import Point, TintPen, frame


def balloon(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A striped hot air balloon with its basket."""
    r = 0.38 * h
    cy = by - h + r
    p.line([(cx - 0.8 * r, cy + 0.6 * r), (cx - 0.1 * h, by - 0.13 * h)], DARK, 0.8)
    p.line([(cx + 0.8 * r, cy + 0.6 * r), (cx + 0.1 * h, by - 0.13 * h)], DARK, 0.8)
    light = shade(c, 0.62) if min(c) < 200 else (236, 90, 80)
    body = [(cx + r * math.cos(a), cy + r * math.sin(a)) for a in np.linspace(math.pi * 0.85, math.pi * 2.15, 22)]
    p.poly(body + [(cx + 0.13 * h, by - 0.24 * h), (cx - 0.13 * h, by - 0.24 * h)], c)
    for w, col in ((0.62, light), (0.24, c)):
        p.poly(
            [(cx + r * w * math.cos(a), cy + r * math.sin(a)) for a in np.linspace(math.pi, math.pi * 2, 16)]
            + [(cx + 0.13 * w * h, by - 0.24 * h), (cx - 0.13 * w * h, by - 0.24 * h)],
            col,
        )
    p.rect(cx - 0.11 * h, by - 0.15 * h, cx + 0.11 * h, by, WOOD)


def sailboat(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A boat with two sails and its reflection."""
    s = rng.choice([-1, 1])
    f0 = frame(cx, by, h)

    def f(*pts: Point) -> list[Point]:
        return f0(*[(u * s, v) for u, v in pts])

    for k in range(3):  # reflection
        w = (0.4 - 0.1 * k) * h
        p.line([(cx - w, by + (2 + 2.6 * k)), (cx + w, by + (2 + 2.6 * k))], shade(c, 0.15), 0.8)
    p.line(f((0, 0.1), (0, 1.02)), (96, 66, 48), 1.6)
    p.poly(f((0.05, 0.26), (0.05, 1.0), (0.52, 0.26)), c)
    p.poly(f((-0.05, 0.26), (-0.05, 0.84), (-0.4, 0.26)), shade(c, 0.38) if min(c) < 200 else shade(c, -0.12))
    p.poly(f((-0.5, 0.2), (0.56, 0.2), (0.38, 0), (-0.36, 0)), (128, 78, 50))
    p.poly(f((-0.5, 0.2), (0.56, 0.2), (0.53, 0.145), (-0.47, 0.145)), (250, 240, 222), False)


def rocket(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A rocket with fins, a porthole and a flame."""
    f = frame(cx, by, h)
    p.poly(f((-0.1, 0.16), (-0.06, -0.02), (0, -0.12), (0.06, -0.02), (0.1, 0.16)), (255, 150, 40))
    p.poly(f((-0.05, 0.16), (0, -0.02), (0.05, 0.16)), (255, 232, 120), False)
    fin = shade(c, -0.38)
    p.poly(f((-0.17, 0.44), (-0.36, 0.08), (-0.34, 0.02), (-0.13, 0.18)), fin)
    p.poly(f((0.17, 0.44), (0.36, 0.08), (0.34, 0.02), (0.13, 0.18)), fin)
    side = [(0.13, 0.14), (0.19, 0.32), (0.19, 0.52), (0.15, 0.72)]
    p.poly(f(*[(-u, v) for u, v in side], (-0.08, 0.89), (0, 1.0), (0.08, 0.89), *side[::-1]), c)
    p.poly(f((-0.15, 0.72), (-0.08, 0.89), (0, 1.0), (0.08, 0.89), (0.15, 0.72)), (250, 246, 240) if min(c) < 200 else (220, 60, 60))
    x, y = f((0, 0.52))[0]
    r = 0.1 * h
    p.ellipse(x - r, y - r, x + r, y + r, (250, 246, 240) if min(c) < 200 else (120, 120, 140))
    r *= 0.65
    p.ellipse(x - r, y - r, x + r, y + r, (96, 196, 240))


def car(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A car seen from the side, facing left or right."""
    s = rng.choice([-1, 1])
    f0 = frame(cx, by, h)

    def f(*pts: Point) -> list[Point]:
        return f0(*[(u * s, v) for u, v in pts])

    p.poly(f((-0.58, 0.56), (-0.34, 0.98), (0.26, 0.98), (0.5, 0.56)), shade(c, -0.12))
    w = (255, 232, 150) if lit else (190, 226, 246)
    p.poly(f((-0.46, 0.58), (-0.29, 0.9), (-0.06, 0.9), (-0.06, 0.58)), w)
    p.poly(f((0.02, 0.58), (0.02, 0.9), (0.22, 0.9), (0.38, 0.58)), w)
    p.poly(f((-0.92, 0.2), (-0.94, 0.5), (-0.84, 0.6), (0.62, 0.6), (0.9, 0.5), (0.96, 0.36), (0.94, 0.2)), c)
    p.poly(f((-0.93, 0.2), (-0.93, 0.3), (0.94, 0.3), (0.94, 0.2)), shade(c, -0.35), False)
    for u in (-0.52, 0.54):
        x, y = f((u, 0.17))[0]
        for r, col in ((0.2, (46, 44, 54)), (0.1, (214, 214, 220))):
            p.ellipse(x - r * h, y - r * h, x + r * h, y + r * h, col)
    x, y = f((0.88, 0.45))[0]
    p.ellipse(x - 0.07 * h, y - 0.07 * h, x + 0.07 * h, y + 0.07 * h, (255, 240, 150))
