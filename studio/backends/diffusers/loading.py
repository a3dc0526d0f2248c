"""A folder becomes weights in memory. Whatever is wrong with the folder ends as `ModelUnusable` with a sentence."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from studio.backends.diffusers import devices, hub, previews
from studio.backends.diffusers.config import ModelConfig
from studio.backends.diffusers.folders import Folder, FolderProblem, inspect
from studio.backends.diffusers.pipelines import Weights, size_in_bytes
from studio.backends.diffusers.replay import SMALL, Replayed
from studio.backends.diffusers.upscaler import Upscaler
from studio.backends.errors import BackendError, ModelUnusable, OutOfMemory

logger = logging.getLogger(__name__)


def folder_of(config: ModelConfig, *, endpoint: str | None = None) -> Folder:
    """The model's folder, downloaded when it has to be. Raises `ModelUnusable`, `EngineUnavailable`."""
    if config.mistake:
        raise ModelUnusable(f"This model is not set up right: {config.mistake}")
    try:
        if config.hub_id:
            half = config.dtype in ("float16", "bfloat16")
            return inspect(hub.fetch(config.hub_id, config.revision, endpoint=endpoint, half=half))
        assert config.folder is not None
        return inspect(config.folder)
    except FolderProblem as problem:
        raise ModelUnusable(problem.sentence) from None


def load(config: ModelConfig, folder: Folder, *, cache: Path | None = None, threads: int | None = None) -> Weights:
    """Load a model onto its device. `cache` keeps the preview's matrices.

    Raises `ModelUnusable` for a folder that cannot be loaded, `NotConfigured` for a device that is not there, `OutOfMemory`.
    """
    torch = devices.import_torch(threads)
    placement = devices.place(config.device, config.dtype, flow=folder.family.prediction == "flow")
    try:
        base = _pipeline(folder, getattr(torch, placement.dtype)).to(placement.device)
        upscaler = Upscaler(config.upscaler, device=placement.device, dtype=placement.dtype) if config.upscaler else None
    except BackendError:
        raise
    except Exception as error:
        if devices.is_out_of_memory(error):
            raise OutOfMemory("There is not enough memory to load this model.") from None
        logger.warning("model %s cannot be loaded: %s", config.id, type(error).__name__)
        raise ModelUnusable(_sentence(error)) from error
    base.set_progress_bar_config(disable=True)
    replayed = Replayed(base.unet) if placement.device.startswith("cuda") and _is_small_unet(base) else None
    if hasattr(base.vae, "enable_slicing") and not replayed:
        base.vae.enable_slicing()  # one picture at a time costs no time and bounds the memory of the last step
    if placement.device == "cpu" and base.vae.__class__.__name__ == "AutoencoderKL":
        base.vae.to(memory_format=torch.channels_last)  # a quarter quicker on a CPU
    factor = int(getattr(base, "vae_scale_factor", 8))
    decoder = previews.load_or_fit(base.vae, factor, cache / "previews" if cache else None, folder.fingerprint)
    return Weights(config, folder, placement, base, upscaler=upscaler, decoder=decoder, replayed=replayed)


def _is_small_unet(base: Any) -> bool:
    """Whether Python is what a GPU waits for in this pipeline."""
    return getattr(base, "unet", None) is not None and size_in_bytes(base) <= SMALL


def _pipeline(folder: Folder, dtype: Any) -> Any:
    """Read the weights: safetensors only, no code from the folder, no network."""
    import diffusers

    cls = getattr(diffusers, folder.family.text_to_image)
    return cls.from_pretrained(
        str(folder.path),
        dtype=dtype,
        variant=folder.variant,
        use_safetensors=True,
        local_files_only=True,
        **dict.fromkeys(folder.absent & set(cls._get_signature_keys(cls)[0])),
    )


def _sentence(error: Exception) -> str:
    """Why a model does not load, without paths: the library's own words name files of the machine."""
    kind = type(error).__name__
    if kind == "SafetensorError":
        return "The model's weights are broken: a safetensors file cannot be read."
    if isinstance(error, (ImportError, ModuleNotFoundError)):
        return "The model needs a library that is not installed beside the runner."
    if isinstance(error, (KeyError, TypeError, ValueError, AttributeError, RuntimeError)):
        return f"The model's configuration and weights do not fit together ({kind})."
    if isinstance(error, OSError):
        return "A file of the model is missing or cannot be read."
    return f"The model cannot be loaded ({kind})."
