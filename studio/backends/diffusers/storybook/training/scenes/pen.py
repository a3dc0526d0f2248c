"""The pen: how one shape is put on the sheet in a style (filled, inked, glowing).  Units are 0..128."""

import colorsys
import math
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

from .palette import CANVAS, GLOW, NEON_BASE, Colour, ints, mix, mul

Point = tuple[float, float]
PAPER = (236, 231, 220)


class Pen:
    """Puts shapes on `img` in the manner of `style`; `canvas` is the number of canvas pixels per unit.

    `quiet` is True while backgrounds are drawn: thinner outlines, paler ink.
    """

    def __init__(self, img: Image.Image, style: str, canvas: int = CANVAS) -> None:
        self.img, self.d, self.style, self.canvas = img, ImageDraw.Draw(img), style, canvas
        self.quiet = False

    def paint(self, c: Colour) -> tuple[int, ...]:
        """The colour of a filled area."""
        if self.style == "neon":
            return ints(mix(NEON_BASE, c, 0.16))
        if self.style == "sketch":
            g = 0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]
            if self.quiet:
                return ints(mix((g, g, g), PAPER, 0.62))
            return ints(mix(mix((g, g, g), c, 0.75), PAPER, 0.28))
        return ints(c)

    def ink(self, c: Colour) -> tuple[int, ...]:
        """The colour of an outline."""
        if self.style == "neon":
            h, s, v = colorsys.rgb_to_hsv(*(max(0, min(255, x)) / 255 for x in c))
            s = min(1, s * 1.25) if s > 0.15 else s
            c = tuple(255 * x for x in colorsys.hsv_to_rgb(h, s, max(v, 0.95)))
            return ints(mix(c, NEON_BASE, 0.45 if self.quiet else 0))
        return (92, 88, 88) if self.quiet else (44, 42, 46)

    def _outline_width(self) -> int:
        """In canvas pixels; the widths were chosen on a canvas of 3 per unit and grow with it."""
        width = (2 if self.quiet else 4) if self.style == "neon" else (1 if self.quiet else 3)
        return round(width * self.canvas / 3)

    def poly(self, pts: Sequence[Point], c: Colour, outline: bool = True) -> None:
        """A filled polygon; in sketch and neon with an outline."""
        pts = [(x * self.canvas, y * self.canvas) for x, y in pts]
        self.d.polygon(pts, fill=self.paint(c))
        if self.style in ("sketch", "neon") and outline:
            self.d.line(pts + pts[:2], fill=self.ink(c), width=self._outline_width(), joint="curve")

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, c: Colour, outline: bool = True) -> None:
        """An ellipse inside the box, as a polygon of 28 corners."""
        n = 28
        cx, cy, rx, ry = (x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2
        turns = [2 * math.pi * i / n for i in range(n)]
        self.poly([(cx + rx * math.cos(a), cy + ry * math.sin(a)) for a in turns], c, outline)

    def rect(self, x0: float, y0: float, x1: float, y1: float, c: Colour, outline: bool = True) -> None:
        """An axis-aligned rectangle."""
        self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], c, outline)

    def line(self, pts: Sequence[Point], c: Colour, w: float = 1.0) -> None:
        """An open line, `w` units wide (at most 1.2 in a sketch, 1.4 in neon)."""
        colour = self.ink(c) if self.style == "neon" else self.paint(c)
        if self.style == "sketch":
            colour = self.ink(c)
            w = min(w, 1.2)
        if self.style == "neon":
            w = min(w, 1.4)
        width = max(1, round(w * self.canvas))
        self.d.line([(x * self.canvas, y * self.canvas) for x, y in pts], fill=colour, width=width, joint="curve")

    def dot(self, x0: float, y0: float, x1: float, y1: float, fill: tuple[int, ...]) -> None:
        """A plain ellipse that no style touches (stars, snow, the bite out of a crescent)."""
        k = self.canvas
        self.d.ellipse([x0 * k, y0 * k, x1 * k, y1 * k], fill=fill)


class TintPen:
    """A pen that passes every colour through the light of the hour; bright lamps stay bright."""

    def __init__(self, pen: Pen, tint: Colour) -> None:
        self.pen, self.tint, self.style = pen, tint, pen.style

    def _lit(self, c: Colour) -> Colour:
        return c if tuple(c) == GLOW else mul(c, self.tint)

    def poly(self, pts: Sequence[Point], c: Colour, outline: bool = True) -> None:
        """As `Pen.poly`."""
        self.pen.poly(pts, self._lit(c), outline)

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, c: Colour, outline: bool = True) -> None:
        """As `Pen.ellipse`."""
        self.pen.ellipse(x0, y0, x1, y1, self._lit(c), outline)

    def rect(self, x0: float, y0: float, x1: float, y1: float, c: Colour, outline: bool = True) -> None:
        """As `Pen.rect`."""
        self.pen.rect(x0, y0, x1, y1, self._lit(c), outline)

    def line(self, pts: Sequence[Point], c: Colour, w: float = 1.0) -> None:
        """As `Pen.line`."""
        self.pen.line(pts, self._lit(c), w)


def frame(cx: float, by: float, h: float) -> Callable[..., list[Point]]:
    """Local coordinates of an object: (0, 0) is the middle of its base, (0, 1) its top; returns a list of points."""

    def place(*pts: Point) -> list[Point]:
        return [(cx + u * h, by - v * h) for u, v in pts]

    return place
