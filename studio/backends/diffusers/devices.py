"""Device, dtype, threads and memory: the one place that prepares torch before it is imported."""

from __future__ import annotations

import gc
import os
import platform
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from studio.backends.base import Device
from studio.backends.errors import NotConfigured

LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "numpy")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where weights go: `device` as torch writes it ("cpu", "cuda:0"), `dtype` by torch's name ("bfloat16")."""

    device: str
    dtype: str


@cache
def installed() -> bool:
    """Whether the libraries are there, without importing them."""
    return all(find_spec(name) is not None for name in LIBRARIES)


def prepare() -> None:
    """Set what the libraries read from the environment when they are first imported. Once torch is imported it changes nothing.

    OpenMP's threads spin while they wait for each other. On a machine whose cores are busy with something else (here: the web process
    beside the worker) the spinning eats the cores that the others need. Measured on two busy cores, one picture in float32: 5.5 s (the
    first one 43 s) with threads that spin, 1.5 s with threads that sleep.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")


@cache
def _quiet() -> None:
    """Libraries log parts of prompts (what was cut off, what was over-long), so only their errors may speak."""
    import diffusers
    import transformers

    diffusers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    diffusers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def import_torch(threads: int | None = None) -> Any:
    """Import torch with everything set for it. Raises `NotConfigured` when the libraries are not installed."""
    if "torch" not in sys.modules:
        prepare()
        if not installed():
            raise NotConfigured("The local runner's libraries are not installed.")
    import torch

    _quiet()
    if threads and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return torch


def place(device: str, dtype: str, *, flow: bool = False) -> Placement:
    """Turn the operator's words into a device and dtype of this machine.

    "auto" takes CUDA, then Apple's GPU, then the CPU. On a GPU flow-matching transformers run in bfloat16 (float16 overflows in them),
    the others in float16. A CPU runs in bfloat16 where it has instructions for it, else in float32. Measured with Storybook on a Zen 5
    core (AVX512-BF16): a step of one picture 27 ms against 41 ms, of eight 146 against 297 ms, with pictures that differ by 0.5 of 255
    levels on average and that eyes cannot tell apart. Raises `NotConfigured` for a device that is not there.
    """
    torch = import_torch()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise NotConfigured("This model is set to run on a GPU, and the runner sees none.")
    if device == "mps" and not torch.backends.mps.is_available():
        raise NotConfigured("This model is set to run on an Apple GPU, and the runner sees none.")
    if device.startswith("cuda:") and int(device[5:]) >= torch.cuda.device_count():
        raise NotConfigured(f"This model is set to run on {device}, and the runner sees {torch.cuda.device_count()} GPUs.")
    if dtype == "auto":
        if device == "cpu":
            dtype = "bfloat16" if cpu_has_bfloat16() else "float32"
        else:
            dtype = "bfloat16" if flow and (device == "mps" or torch.cuda.is_bf16_supported()) else "float16"
    return Placement(device, dtype)


@cache
def cpu_has_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware (AMX or AVX512-BF16), as Linux tells it; False where it cannot be told."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        words = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        return False
    return bool(words & {"amx_bf16", "avx512_bf16"})


@cache
def versions() -> dict[str, str]:
    """Versions that a result depends on, without importing anything."""
    found = {}
    for name in ("torch", "diffusers"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def in_use() -> list[Device]:
    """The GPUs on which this process holds memory. No other is asked: that takes some of its memory. Nor is torch imported for it."""
    if "torch" not in sys.modules:
        return []
    cuda = import_torch().cuda
    if not (cuda.is_available() and cuda.is_initialized()):
        return []
    found = []
    for number in range(cuda.device_count()):
        if cuda.memory_reserved(number):
            free, total = cuda.mem_get_info(number)
            found.append(Device(cuda.get_device_name(number), total, free))
    return found


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch, or the system beneath it, said that memory is out; on a CPU it is an ordinary RuntimeError."""
    if isinstance(error, MemoryError):
        return True
    if "torch" in sys.modules and isinstance(error, import_torch().OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("can't allocate memory" in text or "out of memory" in text or "not enough memory" in text)


def free_memory() -> None:
    """Give back what nothing holds any more."""
    gc.collect()
    if "torch" in sys.modules:
        torch = import_torch()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        elif torch.backends.mps.is_available():
            torch.mps.empty_cache()
