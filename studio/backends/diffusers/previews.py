"""Small pictures of a run in progress, made beside it: a linear guess at what the autoencoder would say, a thousand times cheaper.

Each latent and its eight neighbours are mapped to a patch of pixels by one matrix. The matrix is fitted once for an autoencoder, by
least squares on drawn swatches that the autoencoder encodes, and kept in a file; nothing is assumed about channels or scaling. What is
shown is not the noisy latents but what the model takes the finished ones to be (`steps.clean_latents`).
"""

from __future__ import annotations

import contextlib
import io
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from studio.backends.diffusers.steps import Moment, clean_latents

INTERVAL = 0.22
"""Seconds between previews: at most four or five a second."""
WAIT = 0.015
"""Share of a step's time that a run may wait for its preview, so that slow models show this step and not the last one."""
SIDE = 256
"""Longest side of a preview in pixels, unless the latents alone have more."""
QUALITY = 80
_PATCH = 8
_FIT_SECONDS = 4.0
_RIDGE = 1e-3


class LinearDecoder:
    """Latents to pixels by one matrix: (3 · patch², channels, 3, 3) and a bias."""

    def __init__(self, weight: Any, bias: Any, patch: int) -> None:
        self.weight, self.bias, self.patch = weight, bias, patch

    def __call__(self, latents: Any) -> Any:
        """Decode float32 latents (n, channels, h, w) into an RGB picture of the first, at most `SIDE` pixels wide or high."""
        import torch
        from PIL import Image

        functional = torch.nn.functional
        padded = functional.pad(latents[:1], (1, 1, 1, 1), mode="replicate")
        pixels = functional.pixel_shuffle(functional.conv2d(padded, self.weight, self.bias), self.patch)
        shrink = 1
        while max(pixels.shape[-2:]) // shrink > SIDE and shrink < self.patch:
            shrink *= 2
        if shrink > 1:
            pixels = functional.avg_pool2d(pixels, shrink)
        levels = pixels[0].mul(127.5).add(127.5).clamp(0, 255).to(torch.uint8)
        return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())


def fit(vae: Any, factor: int) -> LinearDecoder:
    """Fit a decoder to an autoencoder (`factor` pixels a latent and side).

    Encodes drawn swatches until there are 24 or four seconds are over, and solves for the patch of pixels around each latent.
    """
    import torch

    side = 16 * factor
    patch = min(_PATCH, factor)
    features, targets = [], []
    started = time.monotonic()
    with torch.inference_mode():
        for number in range(24):
            if number >= 8 and time.monotonic() - started > _FIT_SECONDS:
                break
            pixels = swatch(number, side)
            latents = _encode(vae, pixels)
            padded = torch.nn.functional.pad(latents, (1, 1, 1, 1), mode="replicate")
            features.append(torch.nn.functional.unfold(padded, 3)[0].T)
            small = torch.nn.functional.avg_pool2d(pixels, factor // patch) if factor > patch else pixels
            targets.append(torch.nn.functional.pixel_unshuffle(small, patch)[0].flatten(1).T)
        x = torch.cat(features).double()
        x = torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)
        y = torch.cat(targets).double()
        gram = x.T @ x
        gram += torch.eye(len(gram), dtype=x.dtype) * _RIDGE * gram.diagonal().mean()
        solution = torch.linalg.solve(gram, x.T @ y).float()
    channels = latents.shape[1]
    weight = solution[:-1].T.reshape(-1, channels, 3, 3).contiguous()
    return LinearDecoder(weight, solution[-1].contiguous(), patch)


def _encode(vae: Any, pixels: Any) -> Any:
    """Latents as the denoiser sees them: shifted and scaled as the pipelines do it, float32 on the CPU."""
    import torch

    weight = next(vae.parameters())
    encoded = vae.encode(pixels.to(weight.device, weight.dtype))
    latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latent
    latents = latents.float().cpu()
    if getattr(vae.config, "latents_mean", None) is not None and getattr(vae.config, "latents_std", None) is not None:
        mean, std = (torch.tensor(vae.config[name]).view(1, -1, 1, 1) for name in ("latents_mean", "latents_std"))
        return (latents - mean) / std
    return (latents - (getattr(vae.config, "shift_factor", None) or 0.0)) * vae.config.scaling_factor


def swatch(number: int, side: int) -> Any:
    """A drawn picture to fit on, always the same for a number: a gradient, shapes and lines over it, a little grain; (1, 3, side, side)."""
    import random

    import torch
    from PIL import Image, ImageDraw

    dice = random.Random(number)  # noqa: S311 - drawings, not secrets

    def colour() -> tuple[int, int, int]:
        return dice.randrange(256), dice.randrange(256), dice.randrange(256)

    top, bottom = Image.new("RGB", (side, side), colour()), Image.new("RGB", (side, side), colour())
    ramp = Image.linear_gradient("L").resize((side, side)).rotate(dice.choice((0, 90, 180, 270)))
    picture = Image.composite(top, bottom, ramp)
    draw = ImageDraw.Draw(picture)
    for _ in range(dice.randrange(4, 14)):
        x, y = dice.randrange(side), dice.randrange(side)
        w, h = dice.randrange(4, side // 2), dice.randrange(4, side // 2)
        kind = dice.randrange(4)
        if kind == 0:
            draw.ellipse((x, y, x + w, y + h), fill=colour())
        elif kind == 1:
            draw.rectangle((x, y, x + w, y + h), fill=colour())
        elif kind == 2:
            draw.polygon([(x, y), (x + w, y + dice.randrange(h)), (x - dice.randrange(w), y + h)], fill=colour())
        else:
            draw.line((x, y, x + w, y - h), fill=colour(), width=dice.randrange(1, 5))
    grain = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(number)) * dice.choice((0.0, 0.02, 0.08))
    levels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).view(side, side, 3).permute(2, 0, 1).unsqueeze(0)
    return (levels.float() / 127.5 - 1 + grain).clamp(-1, 1)


def load_or_fit(vae: Any, factor: int, cache: Path | None, fingerprint: str) -> LinearDecoder | None:
    """A decoder from the cache folder, or a new one, kept there. None for an autoencoder without plain latents, which cannot be fitted."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    file = cache / f"{fingerprint}.safetensors" if cache else None
    if file and file.is_file():
        try:
            kept = load_file(file)
            return LinearDecoder(kept["weight"], kept["bias"], int(kept["patch"]))
        except (SafetensorError, KeyError, ValueError, OSError):
            file.unlink(missing_ok=True)
    try:
        decoder = fit(vae, factor)
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return None
    if file:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({"weight": decoder.weight, "bias": decoder.bias, "patch": torch.tensor(decoder.patch)}, file)
        except (OSError, SafetensorError):
            pass  # a full disk costs a second at the next start, not a picture
    return decoder


class Previewer:
    """Makes previews of one run in a thread of its own, never more than one at a time.

    A request of several pictures is shown by its first one. `rows` maps the request's place to that picture's row in the batch.
    """

    def __init__(self, pool: ThreadPoolExecutor, decoder: LinearDecoder | None, rows: dict[int, int], unpack: Any) -> None:
        self._pool, self._decoder, self._rows, self._unpack = pool, decoder, rows, unpack
        self._future: Future[dict[int, bytes]] | None = None
        self._last_offer = 0.0
        self._last_step = time.monotonic()

    def step(self, moment: Moment, *, last: bool) -> dict[int, bytes]:
        """Take this step for a preview when one is due; return the previews that have become ready, by place.

        Not at the last step: the picture itself is next.
        """
        now = time.monotonic()
        took, self._last_step = now - self._last_step, now
        if self._decoder is None or last:
            return {}
        ready: dict[int, bytes] = {}
        if self._future is not None and self._future.done():
            ready, self._future = self._future.result(), None
        if self._future is None and now - self._last_offer >= INTERVAL:
            self._last_offer = now
            rows = list(self._rows.values())
            output, sample = moment.output[rows].detach(), moment.sample[rows].detach()
            self._future = self._pool.submit(self._make, moment, output, sample)
            with contextlib.suppress(TimeoutError):
                ready, self._future = self._future.result(timeout=WAIT * took), None
        return ready

    def _make(self, moment: Moment, output: Any, sample: Any) -> dict[int, bytes]:
        """Previews by place, from copies of the run's tensors; in the preview thread, on one core."""
        import torch

        assert self._decoder is not None
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)
        with torch.inference_mode():
            latents = clean_latents(moment.scheduler, output.float().cpu(), float(moment.timestep), sample.float().cpu())
            latents = self._unpack(latents)
            return {place: _jpeg(self._decoder(latents[row : row + 1])) for row, place in enumerate(self._rows)}


def _jpeg(picture: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
