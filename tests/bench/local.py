"""The local runner against the bare diffusers call: what the studio around it costs, and what sharing a batch gains.

The bare call is made in this process, in turns with the studio's worker, on the same device, with the same weights, dtype, steps and
upscaler, so that only ratios within one run are reported. The device is the one that the worker takes by itself: a GPU where torch sees
one (CUDA_VISIBLE_DEVICES= hides it). Rows measured on a GPU name it.

    BENCH_MODEL=/models/sd15 make bench ARGS=local      a model folder of one's own in place of Storybook, at its own size
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from studio.backends.diffusers import devices
from studio.backends.diffusers.upscaler import Upscaler
from tests.bench.people import Person, wait_for_jobs
from tests.browser.running import RunningStudio

FOLDER = Path("studio/backends/diffusers/storybook")
OWN_MODEL = os.environ.get("BENCH_MODEL", "")
PROMPT = "a red sailboat on the sea at sunset, watercolor"
STEPS, GUIDANCE = 20, 4.0
ROUNDS, PEOPLE, EACH = 9, 8, 3
TURNS = 2
MORE_ON_A_GPU = 2
"""Times as many rounds and turns where each is short."""


def bare_call(device: str, dtype_name: str) -> Callable[[int], Any]:
    """`DiffusionPipeline` as anybody would call it, and then Storybook's upscaler: one picture per call, in memory."""
    devices.prepare()  # the same threads as the worker's: before torch is imported
    import torch
    from diffusers import DiffusionPipeline

    folder, dtype = Path(OWN_MODEL) if OWN_MODEL else FOLDER / "model", getattr(torch, dtype_name)
    pipe = DiffusionPipeline.from_pretrained(folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True).to(device)
    pipe.set_progress_bar_config(disable=True)
    upscaler = None if OWN_MODEL else Upscaler(FOLDER / "upscaler", device=device, dtype=dtype_name)

    def call(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        picture = pipe(PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generator).images[0]
        return upscaler.picture(picture) if upscaler else picture

    return call


def where(device: str) -> str:
    """What to add to a row's name: a GPU, and a model of one's own."""
    import torch

    card = torch.cuda.get_device_name(device) if device.startswith("cuda") else "" if device == "cpu" else device
    words = ", ".join(word for word in (Path(OWN_MODEL).name, card) if word)
    return f" ({words})" if words else ""


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        if OWN_MODEL:
            entry = f'[[model]]\nid = "own"\nlabel = "Own"\npath = {json.dumps(OWN_MODEL)}\nprice = 1\nbatch_limit = {PEOPLE}\n'
            Path(folder, "models.toml").write_text(entry)
        studio = RunningStudio(Path(folder), STUDIO_SIGNUP="open", STUDIO_WELCOME_CREDITS="500", STUDIO_LOG_LEVEL="INFO")
        studio.start()
        try:
            studio.wait_for(r"^local.*worker_ready")
            return measured(studio)
        finally:
            studio.stop()


def measured(studio: RunningStudio) -> list[dict[str, Any]]:
    database = studio.data_dir / "studio.sqlite3"
    people = [Person(studio.url, f"Person{number}") for number in range(PEOPLE)]
    engine = "own" if OWN_MODEL else "storybook"
    settings = {"engine": engine, "num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "prompt": PROMPT}

    def one(person: Person, seed: int) -> None:
        wait_for_jobs(database, {person.generate(seed=seed, **settings)})

    one(people[0], 1)
    [(info,)] = studio.rows("SELECT info FROM generation_artifact LIMIT 1")
    device = json.loads(info)["device"]
    more = 1 if device == "cpu" else MORE_ON_A_GPU
    bare = bare_call(device, json.loads(info)["dtype"])
    bare(1)
    alone, around = [], []
    for seed in range(ROUNDS * more):
        pair = [(alone, lambda seed=seed: bare(seed)), (around, lambda seed=seed: one(people[0], seed))]
        for times, work in pair if seed % 2 else reversed(pair):
            times.append(timed(work))
    ratio = statistics.median(around) / statistics.median(alone)

    in_turn, together = [], []
    for round_number in range(TURNS * more):
        in_turn.append(timed(lambda: [bare(seed) for seed in range(PEOPLE * EACH)]))
        together.append(timed(lambda start=round_number * 100: everybody(people, one, start)))
    gain = statistics.median(in_turn) / statistics.median(together)
    batches = studio.rows("SELECT max(json_extract(info, '$.pictures_in_run')) FROM generation_artifact")
    print(f"bare {statistics.median(alone):.3f} s, through the studio {statistics.median(around):.3f} s; largest batch {batches[0][0]}")
    for person in people:
        person.close()
    here, wanted = where(device), 1.5 if device == "cpu" else 3.0
    many = f"pictures per minute, 8 people at once, over the bare pipeline one after another{here or ' (CPU)'}"
    return [
        row(f"local picture, submit to done, over the bare diffusers call{here}", ratio, "×", 1.05, ratio <= 1.05),
        row(many, gain, "×", wanted, gain >= wanted),
    ]


def everybody(people: list[Person], one: Callable[[Person, int], None], start: int) -> None:
    """Each person makes some pictures, the next as soon as the last is there."""

    def sit(person: Person, place: int) -> None:
        for turn in range(EACH):
            one(person, start + place * EACH + turn)

    with ThreadPoolExecutor(len(people)) as pool:
        for future in [pool.submit(sit, person, place) for place, person in enumerate(people)]:
            future.result()


def row(name: str, value: float, unit: str, target: float, met: bool) -> dict[str, Any]:
    return {"name": name, "value": round(value, 3), "unit": unit, "target": target, "met": met}
