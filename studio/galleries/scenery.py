"""Pictures of landscapes, drawn by chance, and words for what might be in them: what a seeded library is made of (`seeding`)."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image, ImageDraw

from studio.generation import files
from studio.generation.images import variants_of
from studio.generation.models import Artifact

ADJECTIVES = (
    *("red", "blue", "green", "golden", "misty", "calm", "stormy", "quiet", "tiny", "giant", "ancient", "neon", "pastel", "dark", "bright"),
    *("warm", "cold", "snowy", "rainy", "sunny"),
)
THINGS = (
    *("sailboat", "lighthouse", "mountain", "castle", "windmill", "balloon", "tent", "tree", "bridge", "city", "forest", "river", "house"),
    *("cat", "fox", "whale", "train", "garden", "temple"),
)
TIMES = ("sunset", "sunrise", "night", "noon", "dusk", "dawn", "moonlight", "autumn", "winter", "spring")
STYLES = ("watercolor", "oil", "pencil", "flat", "pixel", "photograph", "ink", "gouache", "vector", "woodcut")
SIZES = ((1024, 1024), (1344, 768), (768, 1344), (1152, 896), (896, 1152), (512, 512), (1536, 640))
OF_EACH = 6
PALETTES = (
    ((246, 196, 150), (222, 110, 92), (250, 226, 150), (92, 62, 92)),
    ((176, 212, 232), (92, 142, 180), (252, 246, 214), (52, 92, 82)),
    ((38, 44, 84), (92, 74, 130), (232, 232, 214), (22, 28, 46)),
    ((226, 232, 236), (158, 178, 192), (252, 238, 206), (86, 102, 116)),
    ((250, 214, 196), (164, 132, 178), (255, 240, 190), (74, 96, 120)),
    ((190, 226, 206), (116, 176, 150), (255, 250, 220), (46, 96, 74)),
)
"""Sky above, sky below, sun, the nearest hill."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One drawing; its files lie in the storage under the id of the first picture that shows it."""

    width: int
    height: int
    data: bytes
    thumbnails: dict[str, bytes]
    thumbhash: str
    sha256: str
    sources: dict[str, str]
    """Filled by the first picture: the paths that the files of the next are links to."""

    @property
    def bytes(self) -> int:
        return len(self.data)


def drawings(random: Random, *, with_files: bool) -> list[Drawn]:
    """Some drawings of each size; without files, only what a row says of them."""
    return [_drawn(random, size, with_files=with_files) for size in SIZES for _ in range(OF_EACH)]


def _drawn(random: Random, size: tuple[int, int], *, with_files: bool) -> Drawn:
    palette, place, hills = random.choice(PALETTES), random.random(), [random.random() for _ in range(9)]
    image = _landscape(size if with_files else (64, 64), palette, place, hills)
    variants = variants_of(image)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    data = buffer.getvalue()
    return Drawn(*size, data, variants.files, variants.thumbhash, hashlib.sha256(data).hexdigest(), {})


def _landscape(size: tuple[int, int], palette: Sequence[tuple[int, int, int]], place: float, hills: Sequence[float]) -> Image.Image:
    width, height = size
    above, below, sun, near = palette
    sky = Image.new("RGB", (1, 64))
    sky.putdata([_mixed(above, below, row / 63) for row in range(64)])
    image = sky.resize(size, Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(image)
    radius = min(size) * (0.07 + 0.06 * hills[0])
    x, y = width * (0.15 + 0.7 * place), height * (0.18 + 0.3 * hills[1])
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=sun)
    for layer in range(3):
        level = height * (0.5 + 0.16 * layer)
        left, middle, right = (level - height * 0.2 * (one - 0.4) for one in hills[layer * 2 + 2 : layer * 2 + 5])
        ridge = [
            (0.0, left),
            (width * (0.2 + 0.5 * hills[layer]), middle),
            (float(width), right),
            (float(width), float(height)),
            (0.0, float(height)),
        ]
        pen.polygon(ridge, fill=_mixed(below, near, (layer + 1) / 3))
    return image


def _mixed(one: tuple[int, int, int], other: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def link_files(artifact: Artifact, drawing: Drawn) -> None:
    """Give a picture its files: the first one of a drawing writes them, others get links where the storage is a folder that allows it."""
    if not drawing.sources or not isinstance(default_storage, FileSystemStorage):
        files.save_artifact(artifact.id, artifact.mime, drawing.data, drawing.thumbnails)
        drawing.sources.update({name: artifact.variant(name) for name in ("original", *drawing.thumbnails)})
        return
    for name, source in drawing.sources.items():
        target = Path(default_storage.path(artifact.variant(name)))
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(default_storage.path(source), target)
        except OSError:  # a file has a limit of links, and some disks have none
            target.write_bytes(drawing.data if name == "original" else drawing.thumbnails[name])
