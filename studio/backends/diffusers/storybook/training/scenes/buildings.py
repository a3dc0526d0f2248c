"""Houses, tents, towers and mills.

Every function gets the pen, the centre x, the base y, the height h, the colour c, and `lit` (windows glow after dark).
"""

import math

import numpy as np

from .palette import DARK, GLOW, STONE, WOOD, Colour, mix, shade
from .pen import TintPen, frame


def house(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A house with a chimney, two windows and a door."""
    f = frame(cx, by, h)
    roof = shade(c, -0.42)
    x0, y0 = f((0.20, 1.0))[0]
    p.rect(x0, y0, x0 + 0.13 * h, by - 0.55 * h, shade(c, -0.3))
    p.rect(cx - 0.46 * h, by - 0.56 * h, cx + 0.46 * h, by, c)
    p.poly(f((-0.58, 0.54), (0, 1.02), (0.58, 0.54)), roof)
    p.rect(cx - 0.1 * h, by - 0.34 * h, cx + 0.1 * h, by, shade(WOOD, -0.1))
    w = GLOW if lit else (196, 228, 246)
    for s in (-1, 1):
        x = cx + s * 0.29 * h
        p.rect(x - 0.09 * h, by - 0.40 * h, x + 0.09 * h, by - 0.2 * h, w)
    p.ellipse(cx - 0.08 * h, by - 0.76 * h, cx + 0.08 * h, by - 0.6 * h, w)


def tent(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A tent with its flap open."""
    f = frame(cx, by, h)
    p.line(f((-0.08, 1.08), (0.08, 0.9)), WOOD, 1.2)
    p.line(f((0.08, 1.08), (-0.08, 0.9)), WOOD, 1.2)
    p.poly(f((-0.78, 0), (0, 1), (0.78, 0)), c)
    p.poly(f((0.34, 0), (0, 1), (0.78, 0)), shade(c, -0.25))
    p.poly(f((-0.24, 0), (0, 0.68), (0.24, 0)), GLOW if lit else shade(c, -0.62))
    p.poly(f((-0.24, 0), (0, 0.68), (-0.02, 0)), shade(c, 0.35))


def lighthouse(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A banded tower with a lamp; beams after dark."""
    f = frame(cx, by, h)
    if lit:
        x, y = f((0, 0.83))[0]
        beam = shade(GLOW, 0.3)
        for s in (-1, 1):
            p.poly([(x, y), (x + s * 60, y - 13), (x + s * 60, y + 7)], mix(beam, (60, 70, 130), 0.55), False)
    p.ellipse(cx - 0.34 * h, by - 0.08 * h, cx + 0.34 * h, by + 0.06 * h, (120, 108, 108))

    def wid(v: float) -> float:
        return 0.19 - 0.08 * v / 0.72

    bands = 5
    for i in range(bands):
        v0, v1 = 0.72 * i / bands, 0.72 * (i + 1) / bands
        col = c if i % 2 == 0 else ((248, 246, 240) if min(c) < 200 else (206, 70, 64))
        p.poly(f((-wid(v0), v0), (-wid(v1), v1), (wid(v1), v1), (wid(v0), v0)), col)
    p.rect(cx - 0.16 * h, by - 0.76 * h, cx + 0.16 * h, by - 0.72 * h, DARK)
    p.rect(cx - 0.085 * h, by - 0.89 * h, cx + 0.085 * h, by - 0.76 * h, GLOW)
    p.poly(f((-0.13, 0.88), (0, 1.02), (0.13, 0.88)), shade(c, -0.2) if min(c) < 200 else (206, 70, 64))


def windmill(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A mill with four sails at any angle."""
    f = frame(cx, by, h)
    p.poly(f((-0.26, 0), (-0.15, 0.6), (0.15, 0.6), (0.26, 0)), c)
    p.poly(f((-0.18, 0.58), (0, 0.78), (0.18, 0.58)), shade(c, -0.4))
    p.rect(cx - 0.07 * h, by - 0.2 * h, cx + 0.07 * h, by, shade(WOOD, -0.25))
    x, y = f((0, 0.38))[0]
    p.rect(x - 0.05 * h, y - 0.05 * h, x + 0.05 * h, y + 0.05 * h, GLOW if lit else (196, 228, 246))
    hx, hy = f((0, 0.62))[0]
    a0 = rng.uniform(0.35, 1.2)
    for k in range(4):
        a = a0 + k * math.pi / 2
        ux, uy = math.cos(a), math.sin(a)
        length, w = 0.46 * h, 0.075 * h
        p.poly(
            [
                (hx + ux * length * 0.2 + uy * w * 0.2, hy + uy * length * 0.2 - ux * w * 0.2),
                (hx + ux * length * 0.2 - uy * w * 1.5, hy + uy * length * 0.2 + ux * w * 1.5),
                (hx + ux * length - uy * w * 1.5, hy + uy * length + ux * w * 1.5),
                (hx + ux * length, hy + uy * length),
            ],
            (250, 242, 224),
        )
        p.line([(hx, hy), (hx + ux * length, hy + uy * length)], (110, 76, 52), 1.3)
    p.ellipse(hx - 0.035 * h, hy - 0.035 * h, hx + 0.035 * h, hy + 0.035 * h, (110, 76, 52))


def castle(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """Three towers, a wall and a gate."""
    f = frame(cx, by, h)
    wall = mix(STONE, c, 0.30)
    w = GLOW if lit else shade(wall, -0.6)

    def tower(u: float, wd: float, top: float, roof: float) -> None:
        p.rect(cx + (u - wd) * h, by - top * h, cx + (u + wd) * h, by, wall)
        p.poly(f((u - wd * 1.35, top - 0.01), (u, top + roof), (u + wd * 1.35, top - 0.01)), c)
        x, y = f((u, top - 0.13))[0]
        p.rect(x - 0.035 * h, y - 0.05 * h, x + 0.035 * h, y + 0.05 * h, w)

    tower(0, 0.15, 0.68, 0.3)
    p.rect(cx - 0.42 * h, by - 0.42 * h, cx + 0.42 * h, by, shade(wall, 0.12))
    for i in range(5):
        x = cx + (-0.36 + 0.18 * i) * h
        p.rect(x - 0.05 * h, by - 0.48 * h, x + 0.05 * h, by - 0.41 * h, shade(wall, 0.12), p.style != "neon")
    tower(-0.46, 0.12, 0.58, 0.27)
    tower(0.46, 0.12, 0.58, 0.27)
    p.poly(
        [(cx - 0.11 * h, by), (cx - 0.11 * h, by - 0.16 * h)]
        + [(cx + 0.11 * h * math.cos(a), by - 0.16 * h + 0.11 * h * math.sin(a)) for a in np.linspace(math.pi, 2 * math.pi, 10)]
        + [(cx + 0.11 * h, by)],
        shade(WOOD, -0.35),
    )
