"""Where objects stand: the mean latent of scenes with the object on the left (right), less the mean of all, as `positions.safetensors`.

    python positions.py --data data --out ../positions.safetensors

Needs what make_data.py and encode.py wrote: `scenes.jsonl` and `latents.npy` (n, 16, 16, 16).
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

SIDES = ("left", "center", "right")


def means(latents: np.ndarray, scenes: list[dict], take: int) -> dict[str, np.ndarray]:
    """Per side the mean of the latents (16, 16, 16) of up to `take` scenes that have an object there."""
    found = {}
    for side in SIDES:
        places = [i for i, scene in enumerate(scenes) if scene["object"] and scene["position"] == side][:take]
        found[side] = np.mean([latents[i].astype(np.float32) for i in places], 0)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("data"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("../positions.safetensors"))
    parser.add_argument("--take", type=int, default=2500, help="scenes per side")
    options = parser.parse_args()
    scenes = [json.loads(line) for line in (options.data / "scenes.jsonl").open()]
    by_side = means(np.load(options.data / "latents.npy", mmap_mode="r"), scenes, options.take)
    middle = sum(by_side.values()) / len(SIDES)
    save_file({side: torch.from_numpy(by_side[side] - middle).half().contiguous() for side in ("left", "right")}, options.out)


if __name__ == "__main__":
    main()
