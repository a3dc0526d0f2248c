"""The pairs that the x4 upscaler learns from: each scene at 128 px and at 512 px, finished twice from one sheet.

The small one is passed through the autoencoder, so that the upscaler learns from pictures like those that the model will give it.
"""

import argparse
from pathlib import Path

import common
import numpy as np
import scenes
import torch
from diffusers import AutoencoderKL

CANVAS = 8  # canvas pixels per unit; the training set itself is drawn at 3
SCALE = 4


def draw_pairs(out: Path, n: int, seed: int) -> np.ndarray:
    """Write low.npy (n, 128, 128, 3) and high.npy (n, 512, 512, 3), uint8; returns the low ones, writable."""
    low = np.lib.format.open_memmap(out / "low.npy", mode="w+", dtype=np.uint8, shape=(n, 128, 128, 3))
    high = np.lib.format.open_memmap(out / "high.npy", mode="w+", dtype=np.uint8, shape=(n, 128 * SCALE, 128 * SCALE, 3))
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        scene = scenes.random_scene(rng)
        sheet = scenes.paint(scene, rng, CANVAS)
        state = rng.bit_generator.state
        low[i] = np.asarray(scenes.finish(sheet, scene["style"], rng))
        rng.bit_generator.state = state  # the same paper, four times as fine
        high[i] = np.asarray(scenes.finish(sheet, scene["style"], rng, SCALE))
    return low


def through_autoencoder(low: np.ndarray, folder: str) -> None:
    """Replace each small picture by what the autoencoder makes of it."""
    device = common.pick_device()
    vae = AutoencoderKL.from_pretrained(folder, dtype=torch.float32).eval().to(device, memory_format=torch.channels_last)
    with torch.inference_mode(), common.autocast(device):
        for i in range(0, len(low), 16):
            x = common.to_tensor(low[i : i + 16]).to(device)
            y = vae.decode(vae.encode(x).latent_dist.mode()).sample.float()
            low[i : i + 16] = y.clamp(-1, 1).add(1).mul(127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out", default="pairs")
    ap.add_argument("--vae", default="vae")
    ap.add_argument("--n", type=int, default=3000)
    ap.add_argument("--seed", type=int, default=7)
    a = ap.parse_args()
    out = Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    through_autoencoder(draw_pairs(out, a.n, a.seed), a.vae)


if __name__ == "__main__":
    main()
