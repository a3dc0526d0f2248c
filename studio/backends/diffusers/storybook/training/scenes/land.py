"""The land behind and under the main object.  Colours are chosen in daylight, then tinted by the hour."""

import numpy as np

from .palette import SIZE, TINT, Colour, ints, mix, mul, shade, vary
from .pen import Pen, Point

GRASS = {"summer": (104, 180, 74), "spring": (138, 204, 98), "autumn": (206, 146, 62), "winter": (236, 242, 250)}
LEAF = {"summer": (46, 128, 70), "spring": (96, 176, 92), "autumn": (220, 112, 42), "winter": (150, 184, 184)}
BLOSSOM = {
    "spring": [(250, 150, 190), (255, 240, 250)],
    "summer": [(250, 220, 80), (250, 250, 240)],
    "autumn": [(200, 70, 40), (240, 190, 60)],
}


def ridge(rng: np.random.Generator, base: float, amp: float, rough: float = 1.0, n: int = 40) -> list[Point]:
    """A rolling skyline `amp` units high around `base`, from left to right."""
    x = np.linspace(-4, SIZE + 4, n)
    y = np.zeros(n)
    for k in range(1, 4):
        y += rng.uniform(0.4, 1) / k**1.3 * np.sin(x / SIZE * 2 * np.pi * k * rng.uniform(0.4, 0.8) * rough + rng.uniform(0, 7))
    y = y / 1.6
    return list(zip(x, base - amp * y, strict=True))


class Land:
    """Draws one terrain: `Land(...).draw()`.  `horizon` and `ground` are heights in units from the top."""

    def __init__(self, p: Pen, scene: dict, sky: list[Colour], horizon: float, ground: float, rng: np.random.Generator) -> None:
        self.p, self.scene, self.rng = p, scene, rng
        self.haze, self.horizon, self.ground = sky[2], horizon, ground
        self.tint = TINT[scene["time"]]
        self.grass, self.leaf = GRASS[scene["season"]], LEAF[scene["season"]]
        self.on_water = scene["object"] == "sailboat"

    def lit(self, c: Colour, far: float = 0.0) -> Colour:
        """A colour in the light of the hour; `far` is the share of haze."""
        return mix(mul(vary(c, self.rng, 0.06), self.tint), self.haze, far)

    def fill(self, pts: list[Point], c: Colour) -> None:
        """Everything below the line."""
        self.p.poly([*pts, (SIZE + 6, SIZE + 6), (-6, SIZE + 6)], c)

    def draw(self) -> None:
        """The terrain, then water and small flowers where they belong."""
        terrain = self.scene["terrain"]
        if terrain != "sea":
            getattr(self, terrain)()
        if terrain == "sea" or self.on_water:
            self.water(self.horizon + 2 if terrain == "sea" else self.ground - 12)

    def pines(self, y: float, c: Colour, size: float, n: int) -> None:
        """A row of `n` pine trees standing around height `y`; snow on top in winter."""
        p, rng = self.p, self.rng
        for x in np.sort(rng.uniform(-2, 130, n)):
            hh = size * rng.uniform(0.75, 1.25)
            yy = y + rng.uniform(-2, 3)
            for k in range(3):
                w, base = hh * (0.34 - 0.075 * k), yy - hh * 0.28 * k
                p.poly([(x - w, base), (x + w, base), (x, yy - hh * (0.28 * k + 0.5))], c, k == 2 or p.style == "sketch")
            if self.scene["season"] == "winter":
                snow = self.lit((250, 252, 255))
                p.poly([(x - hh * 0.1, yy - hh * 0.86), (x + hh * 0.1, yy - hh * 0.86), (x, yy - hh * 1.06)], snow, False)

    def blossoms(self) -> None:
        """Small flowers (spring, summer) or leaves (autumn) on the near ground."""
        season, rng = self.scene["season"], self.rng
        if self.on_water or self.scene["terrain"] not in ("hills", "forest", "mountains") or season == "winter" or self.p.style == "sketch":
            return
        for _ in range(16):
            x, y = rng.uniform(2, 126), rng.uniform(self.ground + 4, 126)
            self.p.ellipse(x - 1, y - 1, x + 1, y + 1, self.lit(BLOSSOM[season][rng.integers(2)]), False)

    def hills(self) -> None:
        """Three rolling ridges."""
        self.fill(ridge(self.rng, self.horizon + 2, 7), self.lit(mix(self.grass, (90, 150, 160), 0.4), 0.4))
        self.fill(ridge(self.rng, self.horizon + 12, 7), self.lit(shade(self.grass, -0.14), 0.12))
        self.fill(ridge(self.rng, self.ground, 4, 0.7), self.lit(self.grass))

    def mountains(self) -> None:
        """Two rows of snow-capped peaks, a wood, a meadow."""
        rng = self.rng
        for k, (b, far, n) in enumerate(((self.horizon - 4, 0.5, 3), (self.horizon + 6, 0.15, 3))):
            for x in np.linspace(8, 120, n) + rng.uniform(-14, 14, n):
                self._peak(x, b, rng.uniform(30, 46) - 8 * k, rng.uniform(28, 40), far)
        self.fill(ridge(rng, self.horizon + 14, 3), self.lit(shade(self.leaf, -0.05), 0.12))
        self.pines(self.horizon + 18, self.lit(self.leaf), 13, 7)
        self.fill(ridge(rng, self.ground, 3, 0.7), self.lit(self.grass))

    def _peak(self, x: float, base: float, height: float, w: float, far: float) -> None:
        p, top = self.p, base - height
        rock = self.lit((112, 122, 156), far)
        p.poly([(x - w, base + 14), (x, top), (x + w, base + 14)], rock)
        p.poly([(x, top), (x + w, base + 14), (x + w * 0.2, base + 14), (x + w * 0.1, base - height * 0.4)], shade(rock, -0.2), False)
        q = 0.3 if self.scene["season"] != "winter" else 0.5
        half, y = w * q * (height / (height + 14)), top + height * q
        zigzag = [(x + w * q * 0.25, top + height * q * 0.75), (x, top + height * q * 1.15), (x - w * q * 0.3, top + height * q * 0.7)]
        p.poly([(x, top), (x + half, y), *zigzag, (x - half, y)], self.lit((250, 252, 255), far * 0.6), False)

    def forest(self) -> None:
        """Two rows of pines, the far one in the haze."""
        self.fill(ridge(self.rng, self.horizon - 4, 3), self.lit(mix(self.leaf, (120, 170, 170), 0.3), 0.45))
        self.pines(self.horizon + 2, self.lit(mix(self.leaf, (100, 160, 160), 0.25), 0.35), 26, 13)
        self.fill(ridge(self.rng, self.horizon + 6, 2), self.lit(shade(self.leaf, -0.05), 0.1))
        self.pines(self.horizon + 16, self.lit(shade(self.leaf, -0.1)), 36, 11)
        self.fill(ridge(self.rng, self.ground - 3, 3, 0.7), self.lit(shade(self.grass, -0.08)))

    def desert(self) -> None:
        """Three dunes."""
        sand = (240, 192, 112)
        self.fill(ridge(self.rng, self.horizon + 4, 8, 0.7), self.lit(mix(sand, (226, 140, 96), 0.5), 0.25))
        self.fill(ridge(self.rng, self.horizon + 16, 7, 0.6), self.lit(shade(sand, -0.08), 0.05))
        self.fill(ridge(self.rng, self.ground, 4, 0.7), self.lit(shade(sand, 0.1)))

    def city(self) -> None:
        """A skyline of two rows, and a street."""
        for k, (far, top) in enumerate(((0.45, 46), (0.1, 34))):
            x = -4.0
            while x < 130:
                x += self._tower(x, k, far, top) + self.rng.uniform(-1, 2)
        self.fill(ridge(self.rng, self.horizon + 20, 1), self.lit(shade(self.grass, -0.1)))
        if not self.on_water:
            street = (150, 148, 160) if self.scene["season"] != "winter" else (222, 228, 240)
            self.fill([(-4, self.ground), (132, self.ground)], self.lit(street))
            self.p.rect(-4, self.ground, 132, self.ground + 2, self.lit((226, 222, 214)), False)

    def _tower(self, x: float, row: int, far: float, top: float) -> float:
        """One building from x to the right, with windows in the near row; returns its width."""
        p, rng, k = self.p, self.rng, self.p.canvas
        w, height = rng.uniform(10, 18), rng.uniform(0.35, 1) * top
        wall = shade(self.lit([(126, 134, 170), (150, 120, 150), (110, 140, 170)][rng.integers(3)], far), -0.25 * row)
        y0 = self.horizon + 10 - height
        p.rect(x, y0, x + w, self.horizon + 26, wall)
        if row == 1:
            lamp = (255, 226, 120) if self.scene["time"] in ("night", "aurora", "sunset") else shade(wall, 0.5)
            fill = p.paint(lamp) if p.style != "neon" else ints(mul(lamp, (0.8,) * 3))
            for wx in np.arange(x + 2, x + w - 2.4, 3.6):
                for wy in np.arange(y0 + 3, self.horizon + 14, 5):
                    if rng.random() < 0.62:
                        p.d.rectangle([wx * k, wy * k, (wx + 1.7) * k, (wy + 2.4) * k], fill=fill)
        return w

    def water(self, y0: float) -> None:
        """Water from y0 down, with glints; now and then a far coast."""
        p, rng = self.p, self.rng
        top, bottom = self.lit((86, 178, 220), 0.25), self.lit((24, 96, 168))
        if p.style in ("sketch", "neon"):
            p.rect(-4, y0, 132, 132, top)
        else:
            for k in range(12):
                p.rect(-4, y0 + (132 - y0) * k / 12, 132, 132, mix(top, bottom, k / 11), False)
        if self.scene["terrain"] == "sea" and rng.random() < 0.35:
            p.poly([*ridge(rng, y0 - 3, 4), (132, y0), (-4, y0)], self.lit((96, 130, 150), 0.4))
        for _ in range(22):
            y = y0 + (128 - y0) * rng.random() ** 0.7
            x, w = rng.uniform(0, 128), rng.uniform(3, 9) * (0.5 + (y - y0) / 60)
            p.line([(x - w, y), (x + w, y)], mix(top, (255, 255, 255), 0.45), 0.7)
        self.glint_colour = mix((255, 236, 170), top, 0.25)
        self.water_line = y0

    def glitter(self, x: float) -> None:
        """The path of light under a low sun or the moon at `x`, on the sea."""
        if not (self.scene["orb"] and self.scene["terrain"] == "sea" and self.scene["time"] in ("sunset", "dawn", "night")):
            return
        for k in range(7):
            y, w = self.water_line + 2 + 4.2 * k, self.rng.uniform(3, 9)
            self.p.line([(x - w, y), (x + w, y)], self.glint_colour, 1.3)
