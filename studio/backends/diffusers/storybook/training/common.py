"""What the training scripts share: device, number format, data, clock, log."""

import contextlib
import json
import math
import time
from pathlib import Path

import numpy as np
import torch


def pick_device(name: str = "auto") -> torch.device:
    """The named device, or CUDA when there is one, else the CPU."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def autocast(device: torch.device) -> contextlib.AbstractContextManager:
    """bfloat16 on GPUs and on CPUs with instructions for it (AMX, AVX512-BF16); float32 elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if device.type == "cpu" and cpuinfo.exists() else ""
    if device.type == "cuda" or "avx512_bf16" in flags:
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def load_data(folder: str) -> tuple[np.ndarray, list[dict]]:
    """The drawn pictures, (n, 128, 128, 3) uint8 read from disk as needed, and their scenes."""
    images = np.load(Path(folder, "images.npy"), mmap_mode="r")
    with Path(folder, "scenes.jsonl").open() as f:
        return images, [json.loads(line) for line in f]


def to_tensor(batch: np.ndarray) -> torch.Tensor:
    """(n, h, w, 3) uint8 to (n, 3, h, w) float32 in -1..1, channels last."""
    x = torch.from_numpy(np.array(batch)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x.contiguous(memory_format=torch.channels_last)


class Progress:
    """How much of a run is done, 0..1, by minutes or by steps, whichever comes first; survives resuming."""

    def __init__(self, minutes: float, steps: int, done_seconds: float = 0.0) -> None:
        self.minutes, self.steps, self.start = minutes, steps, time.time() - done_seconds

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier runs included."""
        return time.time() - self.start

    def at(self, step: int) -> float:
        """The share that is done after `step` steps."""
        return min(1.0, max(self.seconds / 60 / self.minutes, step / self.steps))


def cosine_lr(progress: float, step: int, peak: float, warmup: int = 100, floor: float = 0.01) -> float:
    """Learning rate: linear warm-up over `warmup` steps, then half a cosine down to `floor * peak`."""
    return peak * min(1, (step + 1) / warmup) * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def log(path: Path, **row: object) -> None:
    """One line of JSON to the terminal and to the file."""
    line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
    print(line, flush=True)
    with path.open("a") as f:
        f.write(line + "\n")
