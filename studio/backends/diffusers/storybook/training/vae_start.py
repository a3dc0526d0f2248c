"""A linear start for the autoencoder: before training it computes a patch PCA and its best linear inverse.

Training then begins at a usable reconstruction (about 25 dB) instead of on a plateau.  Every layer is set by least squares
or as an identity; nothing is left to chance.
"""

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import nn

WIDTHS = (12, 32, 40)  # principal components kept after each halving of the encoder


def fit_conv(conv: nn.Conv2d, x: torch.Tensor, y: torch.Tensor, rows: int, ridge: float = 1e-3, take: int = 60000) -> None:
    """Set the first `rows` output channels of a 3x3 conv so that conv(x) is the least-squares estimate of y."""
    stride = conv.stride[0]
    enough = max(1, 4 * take // (y.shape[2] * y.shape[3]))  # unfolding all pictures at full size would take 4 GB
    x, y = x[:enough], y[:enough]
    cols = F.unfold(F.pad(x, (0, 1, 0, 1)) if stride == 2 else x, 3, stride=stride, padding=0 if stride == 2 else 1)
    known = cols.permute(0, 2, 1).reshape(-1, cols.shape[1])
    wanted = y.permute(0, 2, 3, 1).reshape(-1, y.shape[1])
    some = torch.randperm(len(known))[:take]
    known = torch.cat([known[some], torch.ones(len(some), 1)], 1).double()
    gram = known.T @ known
    gram = gram + ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    w = torch.linalg.solve(gram, known.T @ wanted[some].double()).float()
    conv.weight[:rows] = w[:-1].T.reshape(rows, conv.in_channels, 3, 3)
    conv.bias[:rows] = w[-1]


def patches(x: torch.Tensor, k: int) -> torch.Tensor:
    """k x k patches as channels: (n, 3, h, w) to (n, 3kk, h/k, w/k)."""
    return F.pixel_unshuffle(x, k)


def pca(p: torch.Tensor, n: int, power: float = 0.5) -> torch.Tensor:
    """The top n principal components of the channels of p; the std of each becomes std**power, the overall rms 1."""
    v = p.permute(0, 2, 3, 1).reshape(-1, p.shape[1]).double()
    mean = v.mean(0)
    lam, axes = torch.linalg.eigh(torch.cov((v - mean).T))
    lam, axes = lam.flip(0)[:n].clamp_min(1e-8), axes.flip(1)[:, :n]
    scale = lam ** ((power - 1) / 2)
    scale = scale / (lam * scale**2).mean().sqrt()
    m = (axes * scale).float()
    return torch.einsum("nchw,ck->nkhw", p - mean.float()[None, :, None, None], m)


def pass_on(conv: nn.Conv2d, n: int) -> None:
    """The first n channels of a 3x3 conv hand on their input."""
    conv.weight[:n] = 0
    conv.bias[:n] = 0
    for c in range(n):
        conv.weight[c, c, 1, 1] = 1


def make_identities(vae: AutoencoderKL) -> None:
    """Residual branches start at zero, so that every block is the identity on the channels it has."""
    for m in vae.modules():
        if m.__class__.__name__ == "ResnetBlock2D":
            m.conv2.weight.mul_(0)
            m.conv2.bias.zero_()
            if m.conv_shortcut is not None:
                n = m.conv_shortcut.in_channels
                m.conv_shortcut.weight[:n] = torch.eye(m.conv_shortcut.out_channels, n)[:n, :, None, None]
                m.conv_shortcut.bias.zero_()


def pairs(w: torch.Tensor, b: torch.Tensor, group: int, source: tuple[torch.Tensor, torch.Tensor], big: float) -> None:
    """Write rows per norm group: two big constants, then +x and -x for each source row.

    silu(x) - silu(-x) = x, and the constants pin what the group norm divides by, so that a linear map passes both.
    """
    weight, bias = source
    k = 0
    for g in range(0, w.shape[0], group):
        w[g : g + 2] = 0
        b[g], b[g + 1] = big, -big
        for j in range(g + 2, g + group, 2):
            if k < len(weight):
                w[j], b[j] = weight[k], bias[k]
                w[j + 1], b[j + 1] = -weight[k], -bias[k]
                k += 1


def start_encoder(vae: AutoencoderKL, x: torch.Tensor) -> None:
    """Make the encoder say the patch PCA of x, with log-variance -4 (noise of std 0.14)."""
    enc, latent = vae.encoder, vae.config.latent_channels
    pass_on(enc.conv_in, 3)
    h = enc.conv_in(x)
    for i, n in enumerate(WIDTHS):
        block = enc.down_blocks[i]
        h = block.resnets[0](h, None)
        fit_conv(block.downsamplers[0].conv, h, pca(patches(x, 2 ** (i + 1)), n), n)
        h = block.downsamplers[0](h)
    last = enc.down_blocks[3].resnets[0]
    kept, wide = WIDTHS[-1], last.conv_shortcut.in_channels
    w, b = last.conv_shortcut.weight.clone() * 0, torch.zeros(last.conv_shortcut.out_channels)
    pairs(w, b, 12, (torch.eye(wide)[:kept, :, None, None], torch.zeros(kept)), 3.0)
    last.conv_shortcut.weight.copy_(w)
    last.conv_shortcut.bias.copy_(b)
    h = enc.mid_block(last(h, None))
    fit_conv(enc.conv_out, F.silu(enc.conv_norm_out(h)), pca(patches(x, 8), latent), latent)
    enc.conv_out.weight[latent:] = 0
    enc.conv_out.bias[latent:] = -4.0
    for q, n in ((vae.quant_conv, 2 * latent), (vae.post_quant_conv, latent)):
        q.weight.copy_(torch.eye(n)[:, :, None, None])
        q.bias.zero_()


def start_decoder(vae: AutoencoderKL, x: torch.Tensor) -> None:
    """Make the decoder the best linear inverse of the encoder on x."""
    dec = vae.decoder
    z = vae.encode(x).latent_dist.mean
    pass_on(dec.conv_in, vae.config.latent_channels)
    h = dec.mid_block(dec.conv_in(z))
    for i, n in enumerate((30, 12)):
        block = dec.up_blocks[i]
        for r in block.resnets:
            h = r(h, None)
        fit_conv(block.upsamplers[0].conv, F.interpolate(h, scale_factor=2.0), pca(patches(x, 4 if i == 0 else 2), n), n)
        h = block.upsamplers[0](h)
    block = dec.up_blocks[2]
    for r in block.resnets:
        h = r(h, None)
    conv = block.upsamplers[0].conv
    fit_conv(conv, F.interpolate(h, scale_factor=2.0), x, 3)
    w, b = conv.weight.clone(), conv.bias.clone()
    pairs(w, b, 4, (conv.weight[:3].clone(), conv.bias[:3].clone()), 2.0)
    conv.weight.copy_(w)
    conv.bias.copy_(b)
    h = block.upsamplers[0](h)
    for r in dec.up_blocks[3].resnets:
        h = r(h, None)
    fit_conv(dec.conv_out, F.silu(dec.conv_norm_out(h)), x, 3)


@torch.no_grad()
def linear_start(vae: AutoencoderKL, x: torch.Tensor) -> None:
    """Set all weights from some pictures x, (n, 3, 128, 128) in -1..1."""
    make_identities(vae)
    start_encoder(vae, x)
    start_decoder(vae, x)
