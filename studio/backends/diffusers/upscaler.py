"""The ×4 upscaler: a small convolutional network, run in tiles so that a big picture needs no more memory than a small one.

All work is done at the small size, followed by one pixel shuffle (Shi et al. 2016, arXiv 1609.05158); the result is added to the
nearest-neighbour enlargement. `storybook/training/` has the script that trained it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends.diffusers.folders import FolderProblem
from studio.backends.errors import ModelUnusable

if TYPE_CHECKING:
    from PIL.Image import Image

SCALE = 4
TILE = 256
"""Side of a tile in pixels of the small picture."""
OVERLAP = 12
"""Pixels around a tile that are computed and thrown away: ten 3 × 3 convolutions see 10 pixels far, so tiles join without a seam."""


def inspect_upscaler(folder: Path) -> dict[str, Any]:
    """Read the upscaler's config.json without torch. Raises `FolderProblem`."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        shape = {key: int(config[key]) for key in ("channels", "layers", "scale")}
    except (OSError, ValueError, KeyError, TypeError):
        raise FolderProblem("The upscaler's config.json is missing or broken.") from None
    if shape["scale"] != SCALE:
        raise FolderProblem(f"The upscaler enlarges ×{shape['scale']}, not ×{SCALE}.")
    if not (folder / "upscaler.safetensors").is_file():
        raise FolderProblem("The upscaler's weights are missing.", missing=True)
    return shape


class Upscaler:
    """The network with its weights on a device. Not for two threads at once."""

    def __init__(self, folder: Path, *, device: str = "cpu", dtype: str = "float32") -> None:
        """Raises `ModelUnusable` when the folder does not hold an upscaler."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            shape = inspect_upscaler(folder)
            state = load_file(folder / "upscaler.safetensors")
            network = _network(shape["channels"], shape["layers"])
            network.load_state_dict(state)
        except FolderProblem as problem:
            raise ModelUnusable(problem.sentence) from None
        except (SafetensorError, RuntimeError, OSError):
            raise ModelUnusable("The upscaler's weights are broken.") from None
        self.device, self.dtype = device, getattr(torch, dtype)
        self.network = network.eval().requires_grad_(False).to(device, self.dtype, memory_format=torch.channels_last)

    def tensor(self, pixels: Any) -> Any:
        """Enlarge a float batch (n, 3, h, w) in 0..1 to (n, 3, 4h, 4w) in 0..1: on a CPU one picture at a time, in its caches."""
        import torch

        results = []
        with torch.inference_mode():
            for one in pixels.split(1 if self.device == "cpu" else len(pixels)):
                small = one.to(self.device, self.dtype, memory_format=torch.channels_last)
                large = self.network(small)
                large += torch.nn.functional.interpolate(small, scale_factor=SCALE, mode="nearest")
                results.append(large.clamp_(0, 1))
        return torch.cat(results)

    def picture(self, picture: Image, *, on_tile: Callable[[int, int], None] = lambda done, total: None) -> Image:
        """Enlarge an RGB or RGBA picture of any size; alpha is enlarged beside it, smoothly.

        `on_tile(done, total)` is called after each tile and may raise to stop.
        """
        import numpy
        import torch
        from PIL import Image as images

        source = numpy.asarray(picture.convert("RGB"))
        height, width = source.shape[:2]
        result = numpy.empty((height * SCALE, width * SCALE, 3), numpy.uint8)
        tiles = list(_tiles(width, height))
        for done, (x, y, w, h) in enumerate(tiles, 1):
            left, top = max(0, x - OVERLAP), max(0, y - OVERLAP)
            patch = source[top : y + h + OVERLAP, left : x + w + OVERLAP].copy()
            small = torch.from_numpy(patch).permute(2, 0, 1).unsqueeze(0).float().div_(255)
            large = self.tensor(small)[0].float().mul_(255).round_().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
            inner = large[(y - top) * SCALE : (y - top + h) * SCALE, (x - left) * SCALE : (x - left + w) * SCALE]
            result[y * SCALE : (y + h) * SCALE, x * SCALE : (x + w) * SCALE] = inner
            on_tile(done, len(tiles))
        enlarged = images.fromarray(result)
        if "A" in picture.getbands() or "transparency" in picture.info:
            alpha = picture.convert("RGBA").getchannel("A").resize(enlarged.size, images.Resampling.BICUBIC)
            enlarged.putalpha(alpha)
        return enlarged


def _tiles(width: int, height: int) -> Iterator[tuple[int, int, int, int]]:
    """x, y, width, height of tiles that cover a picture, in pixels of the small picture."""
    for y in range(0, height, TILE):
        for x in range(0, width, TILE):
            yield x, y, min(TILE, width - x), min(TILE, height - y)


def _network(channels: int, layers: int) -> Any:
    """The layers, named as the training script saves them (`body.0.weight`, …); the enlargement is added by `Upscaler.tensor`."""
    from torch import nn

    body: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
    for _ in range(layers):
        body += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
    body += [nn.Conv2d(channels, 3 * SCALE * SCALE, 3, padding=1)]
    network = nn.Sequential()
    network.add_module("body", nn.Sequential(*body))
    network.add_module("shuffle", nn.PixelShuffle(SCALE))
    return network
