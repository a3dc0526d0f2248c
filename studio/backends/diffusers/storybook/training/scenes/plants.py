"""Things that grow.

Every function gets the pen, the centre x, the base y, the height h, the colour c, and `lit` (windows glow after dark).
"""

import math

import numpy as np

from .palette import Colour, shade
from .pen import TintPen, frame


def tree(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A round tree of six clouds of leaves."""
    f = frame(cx, by, h)
    p.poly(f((-0.09, 0), (-0.05, 0.5), (0.05, 0.5), (0.09, 0)), (118, 78, 50))
    p.line(f((0, 0.3), (0.16, 0.5)), (118, 78, 50), 2)
    blobs = [(-0.24, 0.5, 0.2), (0.24, 0.5, 0.2), (0, 0.52, 0.22), (-0.17, 0.7, 0.2), (0.17, 0.7, 0.2), (0, 0.82, 0.19)]
    for u, v, r in blobs:
        x, y = f((u, v))[0]
        p.ellipse(x - r * h, y - r * h, x + r * h, y + r * h, shade(c, -0.16), p.style == "sketch")
    for u, v, r in blobs:
        x, y = f((u - 0.03, v + 0.03))[0]
        r *= 0.8
        p.ellipse(x - r * h, y - r * h, x + r * h, y + r * h, c, p.style == "neon")
    for u, v, r in [(-0.14, 0.78, 0.07), (0.1, 0.86, 0.06), (0.18, 0.6, 0.06)]:
        x, y = f((u, v))[0]
        p.ellipse(x - r * h, y - r * h, x + r * h, y + r * h, shade(c, 0.25), False)


def cactus(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A saguaro with two arms and a blossom."""

    def column(x: float, y0: float, y1: float, w: float, col: Colour) -> None:
        p.poly(
            [(x - w, y0), (x - w, y1)]
            + [(x + w * math.cos(a), y1 + w * math.sin(a)) for a in np.linspace(math.pi, 2 * math.pi, 12)]
            + [(x + w, y0)],
            col,
        )

    d = shade(c, -0.2)
    for s, v, top in ((-1, 0.34, 0.72), (1, 0.46, 0.86)):
        x = cx + s * 0.32 * h
        p.rect(min(cx, x), by - (v + 0.09) * h, max(cx, x), by - (v - 0.08) * h, c, False)
        column(x, by - (v - 0.08) * h, by - top * h, 0.085 * h, c)
    column(cx, by, by - 0.88 * h, 0.13 * h, c)
    for u in (-0.05, 0.05):
        p.line([(cx + u * h, by - 0.03 * h), (cx + u * h, by - 0.88 * h)], d, 0.8)
    x, y = cx, by - 1.0 * h
    p.ellipse(x - 0.08 * h, y - 0.05 * h, x + 0.08 * h, y + 0.07 * h, (244, 96, 150))


def flower(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """One blossom with six to eight petals on a stem."""
    f = frame(cx, by, h)
    g = (66, 150, 70)
    p.line(f((0, 0), (0.01, 0.5)), g, 0.06 * h)
    for u in (-1, 1):
        p.poly(f((0, 0.06), (u * 0.16, 0.24), (u * 0.34, 0.3), (u * 0.26, 0.12)), g)
    x, y = f((0, 0.66))[0]
    n, a0 = rng.choice([6, 7, 8]), rng.uniform(0, 1)
    for ring, (r, pr, col) in enumerate([(0.21, 0.135, shade(c, -0.1)), (0.19, 0.12, c)]):
        for k in range(n):
            a = a0 + 2 * math.pi * (k) / n
            px, py = x + r * h * math.cos(a), y + r * h * math.sin(a)
            if ring == 0 or p.style != "neon":
                p.ellipse(px - pr * h, py - pr * h, px + pr * h, py + pr * h, col, ring == 0)
    mid = (250, 196, 40) if c[2] > 110 or c[1] < 120 else (134, 76, 40)
    p.ellipse(x - 0.12 * h, y - 0.12 * h, x + 0.12 * h, y + 0.12 * h, mid)


def mushroom(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A toadstool with spots."""
    f = frame(cx, by, h)
    p.poly(f((-0.16, 0.02), (-0.11, 0.5), (0.11, 0.5), (0.16, 0.02), (0, -0.02)), (246, 232, 206))
    p.poly(f((-0.40, 0.48), (0.40, 0.48), (0.2, 0.4), (-0.2, 0.4)), (228, 206, 176))
    p.poly([(cx + 0.52 * h * math.cos(a), by - 0.48 * h + 0.52 * h * math.sin(a)) for a in np.linspace(math.pi, 2 * math.pi, 22)], c)
    spot = (252, 248, 240) if min(c) < 200 else (214, 80, 74)
    for u, v, r in ((-0.26, 0.66, 0.075), (0.02, 0.82, 0.085), (0.27, 0.64, 0.08), (0, 0.6, 0.06), (-0.39, 0.54, 0.04), (0.41, 0.53, 0.04)):
        x, y = f((u, v))[0]
        p.ellipse(x - r * h, y - r * h, x + r * h, y + r * h, spot, p.style == "sketch")
