"""Encode every training picture once; the UNet trains on these cached latents."""

import argparse
import time
from pathlib import Path

import common
import numpy as np
import torch
from diffusers import AutoencoderKL


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default="data")
    ap.add_argument("--vae", default="vae")
    ap.add_argument("--device", default="auto")
    ap.add_argument("--batch", type=int, default=64)
    a = ap.parse_args()
    device = common.pick_device(a.device)
    images, _ = common.load_data(a.data)
    vae = AutoencoderKL.from_pretrained(a.vae, dtype=torch.float32).to(device, memory_format=torch.channels_last).eval()
    side, start = images.shape[1] // 8, time.time()
    shape = (len(images), vae.config.latent_channels, side, side)
    out = np.lib.format.open_memmap(Path(a.data, "latents.npy"), mode="w+", dtype=np.float16, shape=shape)
    for i in range(0, len(images), a.batch):
        with torch.inference_mode(), common.autocast(device):
            z = vae.encode(common.to_tensor(images[i : i + a.batch]).to(device)).latent_dist.mode()
        out[i : i + len(z)] = z.float().cpu().numpy()
        if i // a.batch % 100 == 0:
            print(i, f"{(i + len(z)) / (time.time() - start):.0f} pictures/s", flush=True)
    out.flush()
    z = np.asarray(out[:4000], np.float32)
    print("mean", z.mean((0, 2, 3)).round(2), "std", z.std((0, 2, 3)).round(2), "rms", (z**2).mean() ** 0.5)


if __name__ == "__main__":
    main()
