"""Things with a face.

Every function gets the pen, the centre x, the base y, the height h, the colour c, and `lit` (windows glow after dark).
"""

import numpy as np

from .palette import DARK, Colour, shade
from .pen import TintPen, frame


def cat(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A sitting cat; its tail is left or right."""
    f = frame(cx, by, h)
    s = rng.choice([-1, 1])
    d, belly = shade(c, -0.22), shade(c, 0.5)
    p.line(
        [
            (cx + s * 0.2 * h, by - 0.06 * h),
            (cx + s * 0.42 * h, by - 0.1 * h),
            (cx + s * 0.48 * h, by - 0.26 * h),
            (cx + s * 0.40 * h, by - 0.42 * h),
        ],
        d,
        0.085 * h,
    )
    p.poly(f((-0.27, 0), (-0.3, 0.14), (-0.22, 0.38), (-0.1, 0.55), (0.1, 0.55), (0.22, 0.38), (0.3, 0.14), (0.27, 0)), c)
    p.ellipse(cx - 0.12 * h, by - 0.42 * h, cx + 0.12 * h, by - 0.04 * h, belly, False)
    for u in (-0.12, 0.12):
        p.ellipse(cx + (u - 0.1) * h, by - 0.1 * h, cx + (u + 0.1) * h, by + 0.02 * h, shade(c, 0.15))
    for u in (-1, 1):
        p.poly(f((u * 0.27, 0.70), (u * 0.26, 1.02), (u * 0.06, 0.88)), c)
        p.poly(f((u * 0.22, 0.78), (u * 0.22, 0.93), (u * 0.12, 0.86)), (246, 160, 170), False)
    p.ellipse(cx - 0.3 * h, by - 0.92 * h, cx + 0.3 * h, by - 0.46 * h, c)
    for u in (-0.13, 0.13):
        x, y = f((u, 0.71))[0]
        p.ellipse(x - 0.07 * h, y - 0.08 * h, x + 0.07 * h, y + 0.08 * h, (40, 34, 44))
        p.ellipse(x - 0.045 * h, y - 0.055 * h, x + 0.01 * h, y, (255, 255, 255), False)
    p.ellipse(cx - 0.09 * h, by - 0.64 * h, cx + 0.09 * h, by - 0.51 * h, belly, False)
    p.poly(f((-0.035, 0.63), (0.035, 0.63), (0, 0.59)), (230, 100, 120), False)
    for u in (-1, 1):
        p.line(f((u * 0.14, 0.575), (u * 0.38, 0.60)), DARK, 0.9)


def dog(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A sitting dog with floppy ears."""
    f = frame(cx, by, h)
    s = rng.choice([-1, 1])
    d, belly = shade(c, -0.38), shade(c, 0.55)
    p.line([(cx + s * 0.2 * h, by - 0.1 * h), (cx + s * 0.4 * h, by - 0.2 * h), (cx + s * 0.44 * h, by - 0.34 * h)], c, 0.1 * h)
    p.poly(f((-0.27, 0), (-0.28, 0.16), (-0.2, 0.5), (0.2, 0.5), (0.28, 0.16), (0.27, 0)), c)
    p.ellipse(cx - 0.13 * h, by - 0.46 * h, cx + 0.13 * h, by - 0.06 * h, belly, False)
    for u in (-0.13, 0.13):
        p.ellipse(cx + (u - 0.11) * h, by - 0.11 * h, cx + (u + 0.11) * h, by + 0.02 * h, shade(c, 0.15))
    p.poly(f((-0.27, 0.56), (-0.29, 0.8), (-0.18, 0.97), (0.18, 0.97), (0.29, 0.8), (0.27, 0.56), (0.14, 0.43), (-0.14, 0.43)), c)
    for u in (-1, 1):  # long floppy ears
        p.poly(f((u * 0.18, 0.97), (u * 0.32, 0.93), (u * 0.43, 0.66), (u * 0.38, 0.48), (u * 0.27, 0.52), (u * 0.24, 0.8)), d)
    p.ellipse(cx - 0.16 * h, by - 0.66 * h, cx + 0.16 * h, by - 0.40 * h, belly)
    for u in (-0.12, 0.12):
        x, y = f((u, 0.76))[0]
        p.ellipse(x - 0.06 * h, y - 0.07 * h, x + 0.06 * h, y + 0.07 * h, (40, 34, 44))
    p.poly(f((-0.05, 0.46), (0.05, 0.46), (0.04, 0.36), (-0.04, 0.36)), (240, 100, 120), False)
    p.ellipse(cx - 0.085 * h, by - 0.66 * h, cx + 0.085 * h, by - 0.55 * h, (40, 34, 44))


def snowman(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A snowman whose hat and scarf carry the colour."""
    f = frame(cx, by, h)
    snow, sh = (248, 250, 255), (206, 218, 240)
    for v, r in ((0.21, 0.27), (0.52, 0.20)):
        y = by - v * h
        p.ellipse(cx - r * h, y - r * h * 0.9, cx + r * h, y + r * h * 0.9, sh)
        p.ellipse(cx - r * h * 0.98, y - r * h * 0.9, cx + r * h * 0.8, y + r * h * 0.74, snow, False)
    for s in (-1, 1):
        p.line(f((s * 0.18, 0.54), (s * 0.4, 0.68)), (104, 70, 48), 1.4)
    y = by - 0.75 * h
    p.ellipse(cx - 0.16 * h, y - 0.15 * h, cx + 0.16 * h, y + 0.15 * h, snow)
    c2 = c if min(c) < 200 else (150, 176, 220)
    p.rect(cx - 0.17 * h, by - 0.66 * h, cx + 0.17 * h, by - 0.59 * h, c2)
    p.poly(f((0.05, 0.62), (0.15, 0.62), (0.17, 0.4), (0.08, 0.4)), c2)
    p.rect(cx - 0.21 * h, by - 0.88 * h, cx + 0.21 * h, by - 0.84 * h, c2)
    p.rect(cx - 0.13 * h, by - 1.03 * h, cx + 0.13 * h, by - 0.87 * h, c2)
    for u in (-0.06, 0.06):
        x, yy = f((u, 0.78))[0]
        p.ellipse(x - 0.03 * h, yy - 0.03 * h, x + 0.03 * h, yy + 0.03 * h, (40, 36, 46), False)
    p.poly(f((0, 0.76), (0, 0.71), (0.15, 0.72)), (244, 130, 40), False)
    for v in (0.5, 0.41):
        x, yy = f((0, v))[0]
        p.ellipse(x - 0.025 * h, yy - 0.025 * h, x + 0.025 * h, yy + 0.025 * h, (40, 36, 46), False)


def robot(p: TintPen, cx: float, by: float, h: float, c: Colour, lit: bool, rng: np.random.Generator) -> None:
    """A box robot with an antenna."""
    f = frame(cx, by, h)
    metal, d = (196, 202, 214), shade(c, -0.3)
    for s in (-1, 1):
        p.rect(cx + (s * 0.14 - 0.07) * h, by - 0.2 * h, cx + (s * 0.14 + 0.07) * h, by, metal)
        p.rect(cx + (s * 0.16 - 0.1) * h, by - 0.06 * h, cx + (s * 0.16 + 0.1) * h, by, d)
        p.line(f((s * 0.26, 0.5), (s * 0.4, 0.4), (s * 0.4, 0.26)), metal, 0.07 * h)
        x, y = f((s * 0.4, 0.24))[0]
        p.ellipse(x - 0.06 * h, y - 0.06 * h, x + 0.06 * h, y + 0.06 * h, d)
    p.rect(cx - 0.27 * h, by - 0.56 * h, cx + 0.27 * h, by - 0.18 * h, c)
    p.rect(cx - 0.15 * h, by - 0.48 * h, cx + 0.15 * h, by - 0.3 * h, shade(c, 0.55) if min(c) < 200 else (120, 190, 230))
    p.line(f((0, 0.86), (0, 0.98)), metal, 1.4)
    x, y = f((0, 0.99))[0]
    p.ellipse(x - 0.05 * h, y - 0.05 * h, x + 0.05 * h, y + 0.05 * h, (255, 90, 80))
    p.rect(cx - 0.25 * h, by - 0.89 * h, cx + 0.25 * h, by - 0.59 * h, c)
    for u in (-0.11, 0.11):
        x, y = f((u, 0.77))[0]
        for r, col in ((0.09, (250, 250, 250)), (0.05, (34, 40, 66))):
            p.ellipse(x - r * h, y - r * h, x + r * h, y + r * h, col)
    p.rect(cx - 0.13 * h, by - 0.67 * h, cx + 0.13 * h, by - 0.625 * h, (50, 46, 62), False)
