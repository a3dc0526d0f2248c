"""One set of weights, three modes: the pipelines share every component but the scheduler, which holds the state of a run."""

from __future__ import annotations

import copy
import inspect
import threading
from typing import Any

from studio.backends.base import Mode
from studio.backends.diffusers import schedulers
from studio.backends.diffusers.config import ModelConfig
from studio.backends.diffusers.devices import Placement
from studio.backends.diffusers.families import Family
from studio.backends.diffusers.folders import Folder
from studio.backends.diffusers.previews import LinearDecoder
from studio.backends.diffusers.replay import Replayed
from studio.backends.diffusers.upscaler import Upscaler


class Weights:
    """A model in memory. Hold `lock` while using it: a pipeline is not re-entrant (diffusers issues 3672, 7851).

    `run_limit` is the number of pictures that fit in one run; it shrinks when memory has run out once.
    """

    def __init__(
        self,
        config: ModelConfig,
        folder: Folder,
        placement: Placement,
        base: Any,
        *,
        upscaler: Upscaler | None = None,
        decoder: LinearDecoder | None = None,
        replayed: Replayed | None = None,
    ) -> None:
        self.config, self.folder, self.placement = config, folder, placement
        self.base, self.upscaler, self.decoder, self.replayed = base, upscaler, decoder, replayed
        self.lock = threading.RLock()
        self.run_limit = config.batch_limit
        self.own_scheduler = base.scheduler
        self.factor = int(getattr(base, "vae_scale_factor", 8))
        self._pipes: dict[Mode, Any] = {Mode.TEXT_TO_IMAGE: base}

    @property
    def size_in_bytes(self) -> int:
        return size_in_bytes(self.base)

    def pipe(self, mode: Mode, scheduler: str) -> Any:
        """The pipeline of a mode with a new scheduler of the given name."""
        if mode not in self._pipes:
            self._pipes[mode] = _derive(self.base, mode, self.folder.family)
        pipe = self._pipes[mode]
        pipe.scheduler = schedulers.build(scheduler, self.folder.family.prediction, self.own_scheduler)
        return pipe

    def unpack(self, latents: Any, *, height: int, width: int) -> Any:
        """Latents as (n, channels, h, w): some transformers keep them as a row of patches, some with a frame axis."""
        if latents.ndim == 3:
            latents = self.base._unpack_latents(latents, height, width, self.factor)
        return latents.squeeze(2) if latents.ndim == 5 else latents

    def release(self) -> None:
        """Forget every component, so that their memory is free even while somebody still holds this object."""
        self._pipes.clear()
        self.base = self.upscaler = self.decoder = self.replayed = self.own_scheduler = None

    def save_memory(self) -> None:
        """Trade time for memory: attention in slices, the autoencoder in tiles, nothing recorded."""
        if self.replayed:
            self.replayed.pause()
        self.base.enable_attention_slicing()
        if hasattr(self.base.vae, "enable_tiling"):
            self.base.vae.enable_tiling()

    def spend_memory(self) -> None:
        """Undo `save_memory`."""
        if self.replayed:
            self.replayed.go_on()
        self.base.disable_attention_slicing()
        if hasattr(self.base.vae, "disable_tiling"):
            self.base.vae.disable_tiling()


def size_in_bytes(base: Any) -> int:
    """Bytes of a pipeline's weights."""
    modules = [part for part in base.components.values() if hasattr(part, "parameters")]
    return sum(p.numel() * p.element_size() for module in modules for p in module.parameters())


def _derive(base: Any, mode: Mode, family: Family) -> Any:
    """A pipeline of another mode from the same components.

    Built by hand: `from_pipe` of a pipeline converts the shared weights to float32, and diffusers' AutoPipeline imports every pipeline
    there is (seconds, and 100 MB).
    """
    import diffusers

    name = family.image_to_image if mode is Mode.IMAGE_TO_IMAGE else family.inpainting
    assert name is not None
    cls = getattr(diffusers, name)
    parts = {**base.components, **(_inpainting_parts(base) if mode is Mode.INPAINTING else {})}
    expected, optional = cls._get_signature_keys(cls)
    arguments = {key: parts.get(key) for key in expected}
    arguments |= {key: base.config[key] for key in optional if key in base.config}
    derived = cls(**arguments)
    derived.set_progress_bar_config(disable=True)
    return derived


def _inpainting_parts(base: Any) -> dict[str, Any]:
    """A UNet that reports 4 input channels.

    Diffusers' inpainting takes 4 to mean "nothing is concatenated to the latents" and refuses any other number but 9. A UNet whose
    latents have, say, 16 channels is as plain; a shallow copy with the same weights says 4 in its configuration.
    """
    unet = base.components.get("unet")
    if unet is None or unet.config.in_channels == 4:
        return {}
    plain = copy.copy(unet)
    plain.register_to_config(in_channels=4)
    return {"unet": plain}


def accepted(pipe: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that the pipeline's call takes."""
    names = inspect.signature(type(pipe).__call__).parameters
    return {name: value for name, value in arguments.items() if name in names}
