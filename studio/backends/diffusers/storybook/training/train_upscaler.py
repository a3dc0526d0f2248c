"""Train a x4 upscaler on the drawn landscapes: what the autoencoder makes of a 128 px drawing to the same drawing at 512 px.

The network is the plain pixel-shuffle kind (Shi et al. 2016, arXiv 1609.05158) in the size of the "compact" models: all work
at low resolution, one shuffle at the end, added to the nearest-neighbour enlargement.  L1 plus image-gradient loss keeps flat
areas flat and edges sharp.
"""

import argparse
import json
from pathlib import Path

import common
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

HELD = 64  # the first pairs are never trained on


class CompactUpscaler(nn.Module):
    """(n, 3, h, w) in 0..1 to (n, 3, 4h, 4w)."""

    def __init__(self, channels: int = 48, layers: int = 8, scale: int = 4) -> None:
        super().__init__()
        self.scale = scale
        body: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1), nn.PReLU(channels)]
        for _ in range(layers):
            body += [nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels)]
        self.body = nn.Sequential(*body, nn.Conv2d(channels, 3 * scale * scale, 3, padding=1))
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The enlargement, not yet clipped."""
        return self.shuffle(self.body(x)) + F.interpolate(x, scale_factor=self.scale, mode="nearest")


def gradient(x: torch.Tensor) -> torch.Tensor:
    """Differences to the neighbours below and to the right, flattened."""
    return torch.cat([(x[..., 1:, :] - x[..., :-1, :]).flatten(1), (x[..., :, 1:] - x[..., :, :-1]).flatten(1)], 1)


def unit(x: np.ndarray, device: torch.device) -> torch.Tensor:
    """(n, h, w, 3) uint8 to (n, 3, h, w) in 0..1."""
    return common.to_tensor(x).add(1).div(2).to(device)


def crops(low: np.ndarray, high: np.ndarray, batch: int, crop: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A batch of matching pieces; half of the batches are mirrored."""
    i = rng.integers(min(HELD, len(low) // 4), len(low), batch)
    y, x = rng.integers(0, 128 - crop + 1, (2, batch))
    lo = np.stack([low[n, v : v + crop, u : u + crop] for n, v, u in zip(i, y, x, strict=True)])
    hi = np.stack([high[n, 4 * v : 4 * (v + crop), 4 * u : 4 * (u + crop)] for n, v, u in zip(i, y, x, strict=True)])
    return (lo[:, :, ::-1], hi[:, :, ::-1]) if rng.random() < 0.5 else (lo, hi)


@torch.no_grad()
def score(net: CompactUpscaler, low: np.ndarray, high: np.ndarray, device: torch.device) -> tuple[float, float]:
    """PSNR in dB of the network and of bicubic enlargement on the held-out pairs."""
    held = min(HELD, len(low) // 4)
    x, want = unit(low[:held], device), unit(high[:held], device)
    with common.autocast(device):
        got = net(x).float().clamp(0, 1)
    plain = F.interpolate(x, scale_factor=4, mode="bicubic").clamp(0, 1)
    mine, base = ((-10 * ((y - want) ** 2).flatten(1).mean(1).log10()).mean().item() for y in (got, plain))
    return mine, base


def train(a: argparse.Namespace) -> None:
    """Train and write `a.out`."""
    device, out = common.pick_device(), Path(a.out)
    out.mkdir(parents=True, exist_ok=True)
    low, high = (np.load(Path(a.data, f"{name}.npy"), mmap_mode="r") for name in ("low", "high"))
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    net = CompactUpscaler().to(device, memory_format=torch.channels_last)
    opt = torch.optim.AdamW(net.parameters(), lr=a.lr, betas=(0.9, 0.99), weight_decay=0)
    average = {k: v.clone() for k, v in net.state_dict().items()}
    clock, step = common.Progress(a.minutes, a.steps), 0
    while (done := clock.at(step)) < 1:
        for group in opt.param_groups:
            group["lr"] = common.cosine_lr(done, step, a.lr, floor=0.0)
        lo, hi = (unit(x, device) for x in crops(low, high, a.batch, a.crop, rng))
        with common.autocast(device):
            got = net(lo)
        loss = F.l1_loss(got.float(), hi) + 0.5 * F.l1_loss(gradient(got.float()), gradient(hi))
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        keep = min(0.999, (1 + step) / (10 + step))
        for k, v in net.state_dict().items():
            average[k].lerp_(v, 1 - keep)
        if step % 200 == 0:
            print(f"step {step} min {clock.seconds / 60:.1f} loss {loss.item():.4f}", flush=True)
    net.load_state_dict(average)
    got, base = score(net, low, high, device)
    print(f"held out: {got:.2f} dB, bicubic {base:.2f} dB, {step} steps")
    save_file({k: v.half().contiguous() for k, v in average.items()}, out / "upscaler.safetensors")
    config = {"architecture": "CompactUpscaler", "channels": 48, "layers": 8, "scale": 4}
    figures = {"psnr": round(got, 2), "bicubic": round(base, 2), "steps": step}
    (out / "config.json").write_text(json.dumps(config | figures, indent=1) + "\n")


def main() -> None:
    """Command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", default="pairs", help="folder with low.npy (n, 128, 128, 3) and high.npy (n, 512, 512, 3), uint8")
    p.add_argument("--out", default="upscaler")
    p.add_argument("--minutes", type=float, default=15)
    p.add_argument("--steps", type=int, default=10**9)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--crop", type=int, default=48)
    p.add_argument("--lr", type=float, default=1e-3)
    train(p.parse_args())


if __name__ == "__main__":
    main()
