"""Left and right for a model that ignores the words: the run starts from noise that leans to one side.

A small UNet reads the layout off the noise it starts from, and what the words say comes too late. So the mean latent of training scenes
with the object on one side, less the mean of all, is added to the noise (measured on Storybook: a factor of 2 moves the object and
leaves everything else to the words). The means are made by `storybook/training/positions.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

STRENGTH = 2.0

Side = Literal["left", "right"]


def side_of(prompt: str) -> Side | None:
    """Where a prompt wants its object; None when it names no side, or both."""
    words = set(re.findall(r"[a-z]+", prompt.lower()))
    if ("left" in words) == ("right" in words):
        return None
    return "left" if "left" in words else "right"


@lru_cache(maxsize=2)
def _means(path: Path) -> dict[str, Any]:
    """Per side a float tensor (channels, rows, columns) at the model's native latent size."""
    from safetensors.torch import load_file

    return {side: mean.float() for side, mean in load_file(path).items()}


def starting_latents(path: Path, prompts: list[str], generators: list[Any], size: tuple[int, int], dtype: Any) -> Any | None:
    """Noise (n, channels, rows, columns) for a run, drawn as diffusers draws it; None when no prompt names a side.

    `size` is columns and rows of the latents. A picture whose prompt names no side gets exactly the noise that it gets alone.
    """
    import torch
    import torch.nn.functional as functional

    sides = [side_of(prompt) for prompt in prompts]
    if not any(sides):
        return None
    means, (columns, rows) = _means(path), size
    starts = []
    for side, generator in zip(sides, generators, strict=True):
        noise = torch.randn((1, means["left"].shape[0], rows, columns), generator=generator, dtype=dtype)
        if side:
            lean = functional.interpolate(means[side].unsqueeze(0), (rows, columns), mode="bilinear", align_corners=False)
            noise = (noise.float() + STRENGTH * lean).to(dtype)
        starts.append(noise)
    return torch.cat(starts)
