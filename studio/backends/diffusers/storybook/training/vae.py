"""Train the autoencoder: 128x128 pictures to 16x16 latents with 16 channels, and back.

Two things make this converge in minutes on a CPU: the linear start (`vae_start.py`), and that the latents are afterwards
rotated and half-whitened inside quant_conv and post_quant_conv, so that the diffusion model sees well-scaled data.
"""

import argparse
from pathlib import Path

import common
import numpy as np
import torch
from diffusers import AutoencoderKL
from vae_start import linear_start

LATENT = 16


def build() -> AutoencoderKL:
    """The autoencoder with fresh weights: 1.73 M parameters, a factor of 8 a side."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        latent_channels=LATENT,
        sample_size=128,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 32, 64, 96),
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=False,
        scaling_factor=1.0,
    )


def distance(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """L1, squared error and the L1 of neighbouring differences."""
    d = y - x
    gradient = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    return d.abs().mean() + 0.5 * gradient + 0.5 * d.square().mean()


@torch.no_grad()
def psnr(vae: AutoencoderKL, x: torch.Tensor, device: torch.device) -> float:
    """Mean PSNR in dB of pictures that went through the autoencoder."""
    with common.autocast(device):
        y = vae.decode(vae.encode(x).latent_dist.mode()).sample
    mse = ((y.float().clamp(-1, 1) - x) / 2).square().mean((1, 2, 3))
    return float((-10 * mse.log10()).mean())


@torch.no_grad()
def fold_normalisation(vae: AutoencoderKL, x: torch.Tensor, power: float = 0.5) -> list[float]:
    """Centre, rotate to principal axes and half-whiten the latents inside the 1x1 quant convs; returns the new stds."""
    z = torch.cat([vae.encode(x[i : i + 64]).latent_dist.mean for i in range(0, len(x), 64)])
    v = z.permute(0, 2, 3, 1).reshape(-1, LATENT).double().cpu()
    mean = v.mean(0)
    lam, axes = torch.linalg.eigh(torch.cov((v - mean).T))
    lam, axes = lam.flip(0), axes.flip(1)
    scale = lam ** ((power - 1) / 2)
    scale = scale / (lam * scale**2).mean().sqrt()
    m = (axes * scale).T  # the new latents are m (z - mean)
    back = torch.linalg.inv(m)
    q, p = vae.quant_conv, vae.post_quant_conv
    w, b = q.weight[:LATENT, :, 0, 0].double().cpu(), q.bias[:LATENT].double().cpu()
    q.weight[:LATENT] = (m @ w).float()[:, :, None, None].to(q.weight)
    q.bias[:LATENT] = (m @ (b - mean)).float().to(q.bias)
    w, b = p.weight[:, :, 0, 0].double().cpu(), p.bias.double().cpu()
    p.weight.copy_((w @ back).float()[:, :, None, None])
    p.bias.copy_((b + w @ mean).float())
    # the log-variance half is not used after training; small, so that a sample is nearly the mean
    q.weight[LATENT:] = 0
    q.bias[LATENT:] = -8.0
    return (lam * scale**2).sqrt().tolist()


class Coder(torch.nn.Module):
    """The autoencoder as it is trained: pictures and noise in, pictures and the KL term out."""

    def __init__(self, vae: AutoencoderKL) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, x: torch.Tensor, eps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Reconstruction (n, 3, h, w) and the mean KL to a unit Gaussian."""
        m, lv = self.vae.quant_conv(self.vae.encoder(x)).float().chunk(2, 1)
        lv = lv.clamp(-12, 4)
        kl = 0.5 * (m.square() + lv.exp() - 1 - lv).mean()
        return self.vae.decoder(self.vae.post_quant_conv(m + eps * (lv / 2).exp())), kl


def sample_batch(images: np.ndarray, count: int, batch: int, crops: bool, rng: np.random.Generator) -> torch.Tensor:
    """Whole pictures, or four times as many 64 px crops; half of the batches are mirrored."""
    if crops:
        idx = rng.integers(0, count, batch * 4)
        oy, ox = rng.integers(0, 9, len(idx)) * 8, rng.integers(0, 9, len(idx)) * 8
        x = np.stack([images[i, y : y + 64, z : z + 64] for i, y, z in zip(idx, oy, ox, strict=True)])
    else:
        x = images[np.sort(rng.integers(0, count, batch))]
    x = common.to_tensor(x)
    return x.flip(3).contiguous(memory_format=torch.channels_last) if rng.random() < 0.5 else x


def train(a: argparse.Namespace) -> None:
    """Train and write the diffusers folder `a.out`."""
    device, rng = common.pick_device(a.device), np.random.default_rng(0)
    images, _ = common.load_data(a.data)
    held = min(512, len(images) // 10)
    hold = common.to_tensor(images[-held:]).to(device)
    vae = build().to(memory_format=torch.channels_last)
    linear_start(vae, common.to_tensor(images[:192]))
    vae.to(device)
    log = Path(a.out, "log.jsonl")
    log.parent.mkdir(parents=True, exist_ok=True)
    common.log(log, parameters=sum(p.numel() for p in vae.parameters()), psnr_start=psnr(vae, hold[:128], device))
    opt = torch.optim.AdamW(vae.parameters(), a.lr, betas=(0.9, 0.98), weight_decay=1e-4, fused=True)
    net = torch.compile(Coder(vae)) if a.compile else Coder(vae)
    clock, step, mean = common.Progress(a.minutes, a.steps), 0, None
    while (done := clock.at(step)) < 1:
        # crops first (more variety per second), whole pictures at the end (right norm statistics)
        x = sample_batch(images, len(images) - held, a.batch, done < 0.7, rng).to(device)
        eps = torch.randn(len(x), LATENT, x.shape[2] // 8, x.shape[3] // 8, device=device)
        for group in opt.param_groups:
            group["lr"] = common.cosine_lr(done, step, a.lr)
        with common.autocast(device):
            y, kl = net(x, eps)
        rec = distance(y.float(), x)
        (rec + a.kl * kl).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        mean = rec.item() if mean is None else 0.98 * mean + 0.02 * rec.item()
        step += 1
        if step % 200 == 0:
            common.log(log, step=step, minutes=clock.seconds / 60, rec=mean, kl=kl.item(), psnr=psnr(vae, hold[:64], device))
    final = psnr(vae, hold, device)
    std = fold_normalisation(vae, common.to_tensor(images[:1024]).to(device))
    common.log(log, step=step, psnr_heldout=final, psnr_after_fold=psnr(vae, hold, device), latent_std=[round(s, 3) for s in std])
    vae.to("cpu").save_pretrained(a.out)


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--data", default="data")
    ap.add_argument("--out", default="vae")
    ap.add_argument("--minutes", type=float, default=14)
    ap.add_argument("--steps", type=int, default=10**9)
    ap.add_argument("--batch", type=int, default=8, help="whole pictures per step (four times as many 64 px crops)")
    ap.add_argument("--lr", type=float, default=1.5e-3)
    ap.add_argument("--kl", type=float, default=1e-4)
    ap.add_argument("--device", default="auto")
    ap.add_argument("--compile", action="store_true")
    a = ap.parse_args()
    torch.manual_seed(0)
    train(a)


if __name__ == "__main__":
    main()
