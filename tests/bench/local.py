"""The local runner against the bare diffusers call: what the studio around it costs, and what sharing a batch gains.

The bare call is made in this process, in turns with the studio's worker, on the same cores, with the same weights, dtype, steps and
upscaler, so that only ratios within one run are reported.
"""

from __future__ import annotations

import json
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
PROMPT = "a red sailboat on the sea at sunset, watercolor"
STEPS, GUIDANCE = 20, 4.0
ROUNDS, PEOPLE, EACH = 9, 8, 3
TURNS = 2


def bare_call(dtype_name: str) -> Callable[[int], Any]:
    """`StableDiffusionPipeline` as anybody would call it, and then the upscaler: one 512 px picture per call."""
    devices.prepare()  # the same threads as the worker's: before torch is imported
    import torch
    from diffusers import StableDiffusionPipeline

    dtype = getattr(torch, dtype_name)
    pipe = StableDiffusionPipeline.from_pretrained(FOLDER / "model", torch_dtype=dtype, use_safetensors=True, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    upscaler = Upscaler(FOLDER / "upscaler", device="cpu", dtype=dtype_name)

    def call(seed: int) -> Any:
        generator = torch.Generator().manual_seed(seed)
        small = pipe(PROMPT, num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=generator).images[0]
        return upscaler.picture(small)

    return call


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def run() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
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
    settings = {"engine": "storybook", "num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "prompt": PROMPT}

    def one(person: Person, seed: int) -> None:
        wait_for_jobs(database, {person.generate(seed=seed, **settings)})

    one(people[0], 1)
    [(info,)] = studio.rows("SELECT info FROM generation_artifact LIMIT 1")
    bare = bare_call(json.loads(info)["dtype"])
    bare(1)
    alone, around = [], []
    for seed in range(ROUNDS):
        pair = [(alone, lambda seed=seed: bare(seed)), (around, lambda seed=seed: one(people[0], seed))]
        for times, work in pair if seed % 2 else reversed(pair):
            times.append(timed(work))
    ratio = statistics.median(around) / statistics.median(alone)

    in_turn, together = [], []
    for round_number in range(TURNS):
        in_turn.append(timed(lambda: [bare(seed) for seed in range(PEOPLE * EACH)]))
        together.append(timed(lambda start=round_number * 100: everybody(people, one, start)))
    gain = statistics.median(in_turn) / statistics.median(together)
    batches = studio.rows("SELECT max(json_extract(info, '$.pictures_in_run')) FROM generation_artifact")
    print(f"bare {statistics.median(alone):.3f} s, through the studio {statistics.median(around):.3f} s; largest batch {batches[0][0]}")
    for person in people:
        person.close()
    return [
        row("local picture, submit to done, over the bare diffusers call", ratio, "×", 1.05, ratio <= 1.05),
        row("pictures per minute, 8 people at once, over the bare pipeline one after another (CPU)", gain, "×", 1.5, gain >= 1.5),
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
