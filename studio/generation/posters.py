"""The pictures that stand for what is none: a card for a 3D model, the wave of a sound. They look the same in both themes."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageOps

from studio.generation.images import decoded
from studio.generation.kinds import POSTER_SIZES

GROUND = ((43, 43, 39), (25, 25, 23))
"""Upper and lower colour of a drawing's ground: the dark surfaces of `tokens.css`."""
INK = ((240, 155, 90), (255, 122, 77))
"""Outer and inner colour of a wave: around the safelight of `tokens.css`."""
HEXAGON = ((0, -1), (0.87, -0.5), (0.87, 0.5), (0, 1), (-0.87, 0.5), (-0.87, -0.5))
"""The outline of a cube that stands on a corner, from its middle."""
BARS = 96
FINER = 2
"""A drawing is made so many times larger than it is kept, for smooth edges."""


def of_model(picture: bytes | None) -> Image.Image:
    """The picture that the model was made from, cut to a square; without one a drawn solid."""
    size = POSTER_SIZES["model"]
    if picture is not None:
        source = decoded(picture)
        side = min(size[0], *source.size)
        return ImageOps.fit(source, (side, side))
    card, pen = _card(size)
    middle, radius = size[0] * FINER / 2, size[0] * FINER * 0.27
    corners = [(middle + radius * x, middle + radius * y) for x, y in HEXAGON]
    for sides, colour in (((5, 0, 1), INK[0]), ((1, 2, 3), INK[1]), ((3, 4, 5), (176, 82, 50))):
        pen.polygon([*(corners[side] for side in sides), (middle, middle)], fill=colour)
    return card.resize(size, Image.Resampling.BOX)


def of_sound(peaks: Sequence[int]) -> Image.Image:
    """The wave of a sound as a row of bars; `peaks` are those of `waves.Sound`."""
    size = POSTER_SIZES["audio"]
    card, pen = _card(size)
    width, height = size[0] * FINER, size[1] * FINER
    margin, step = width * 0.07, width * 0.86 / BARS
    for bar in range(BARS):
        part = peaks[bar * len(peaks) // BARS : max(bar * len(peaks) // BARS + 1, (bar + 1) * len(peaks) // BARS)]
        reach = max(step * 0.3, height * 0.36 * max(part, default=0) / 100)
        left, middle = margin + bar * step, height / 2
        pen.rounded_rectangle(
            (left + step * 0.18, middle - reach, left + step * 0.82, middle + reach), step * 0.32, fill=_between(*INK, bar / (BARS - 1))
        )
    return card.resize(size, Image.Resampling.BOX)


def _card(size: tuple[int, int]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A ground, larger by `FINER`, and a pen for it."""
    large = (size[0] * FINER, size[1] * FINER)
    ground = Image.linear_gradient("L").resize(large)
    card = ImageOps.colorize(ground, *GROUND)
    return card, ImageDraw.Draw(card)


def _between(first: tuple[int, int, int], last: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    near = 1 - abs(2 * share - 1)
    red, green, blue = (round(a + (b - a) * near) for a, b in zip(first, last, strict=True))
    return red, green, blue
