"""Draw the training set: pictures as one uint8 array, scene attributes as JSON lines."""

import argparse
import json
import multiprocessing as mp
import os
from pathlib import Path

import numpy as np
import scenes


def work(job: tuple[Path, int, int, int]) -> tuple[int, list[dict]]:
    """Draw pictures start..start+count of the array at `path`; returns (start, their scenes)."""
    path, start, count, seed = job
    out = np.lib.format.open_memmap(path, mode="r+")
    rows = []
    for i in range(start, start + count):
        rng = np.random.default_rng([seed, i])  # every picture has its own seed: any part can be redrawn
        scene = scenes.random_scene(rng)
        out[i] = np.asarray(scenes.draw(scene, rng))
        rows.append(scene)
    return start, rows


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--out", default="data")
    ap.add_argument("--n", type=int, default=60000)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--procs", type=int, default=os.cpu_count())
    a = ap.parse_args()
    folder = Path(a.out)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "images.npy"
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(a.n, scenes.SIZE, scenes.SIZE, 3))
    jobs = [(path, i, min(500, a.n - i), a.seed) for i in range(0, a.n, 500)]
    with mp.Pool(a.procs) as pool:
        parts = sorted(pool.imap_unordered(work, jobs), key=lambda part: part[0])
    with (folder / "scenes.jsonl").open("w") as f:
        f.writelines(json.dumps(scene) + "\n" for _, rows in parts for scene in rows)


if __name__ == "__main__":
    main()
