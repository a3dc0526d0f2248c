"""Several requests, one run: a prompt, a negative prompt, a seed and an input picture of its own for every picture.

A picture made in a run of several equals the one made alone but for rounding. Measured with Storybook (eight prompts together against each
alone, 512 × 512): in float32 no value differs by more than 1 level of 255, on any processor tried. In bfloat16 nothing differs on a Zen 5
(text- and image-to-image, DPM++ 2M and Euler a, one and two threads); a Xeon with AMX takes other kernels for a larger batch, which round
otherwise: 0.4 to 0.7 levels on average, 99 of 100 values by 5 at most, the largest 50, at an edge that moved by a pixel.
`tests/backends/test_batches.py` holds both. `GeneratedMedia.info` says what a picture was made with.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from studio.backends.base import Mode, Progress
from studio.backends.diffusers import devices, images
from studio.backends.diffusers.layout import starting_latents
from studio.backends.diffusers.pipelines import Weights, accepted
from studio.backends.diffusers.previews import Previewer
from studio.backends.diffusers.requests import Picture, Settings, runs
from studio.backends.diffusers.steps import Moment, total_steps, watch
from studio.backends.diffusers.upscaler import SCALE
from studio.backends.diffusers.weighting import prompt_arguments
from studio.backends.errors import BackendError, EngineFailed, OutOfMemory
from studio.backends.weights import plain

logger = logging.getLogger(__name__)


class _Stop(Exception):
    """Raised inside a run when every request in it is canceled."""


@dataclass(slots=True)
class Made:
    """One finished picture; `image` None when the model's own filter held it back. `steps` is the number of steps it took."""

    picture: Picture
    image: Any
    steps: int
    run: int


@dataclass(slots=True)
class Batch:
    """Requests of one `Settings`, being made. Callbacks go by place."""

    weights: Weights
    settings: Settings
    on_progress: Callable[[int, Progress], None]
    is_canceled: Callable[[int], bool]
    previews: ThreadPoolExecutor
    canceled: set[int] = field(default_factory=set)
    errors: dict[int, BackendError] = field(default_factory=dict)
    made: list[Made] = field(default_factory=list)
    seconds: float = 0.0
    _runs_of: dict[int, int] = field(default_factory=dict)
    _steps_before: dict[int, int] = field(default_factory=dict)

    def make(self, pictures: Sequence[Picture]) -> None:
        """Make the pictures; what came of each request is in `made`, `errors` and `canceled` afterwards."""
        planned = runs(list(pictures), self.weights.run_limit)
        self._runs_of = {place: sum(any(p.place == place for p in run) for run in planned) for place in {p.place for p in pictures}}
        for run in planned:
            self._make_run([p for p in run if p.place not in self.errors])

    def ask(self, places: set[int]) -> None:
        """Ask once for each request whether it is canceled; end the run when nobody wants it any more."""
        for place in places - self.canceled:
            if self.is_canceled(place):
                self.canceled.add(place)
        if places <= self.canceled:
            raise _Stop

    def _make_run(self, run: list[Picture]) -> None:
        """One run, with a second try in little memory; an error is that of all requests in it."""
        places = {picture.place for picture in run}
        started = time.monotonic()
        try:
            self.ask(places)
            wanted = [picture for picture in run if picture.place not in self.canceled]
            try:
                made = self._denoise(wanted)
            except Exception as error:
                if not devices.is_out_of_memory(error):
                    raise
                made = None
            # Outside the handler: the exception holds the frames, and they hold the tensors that do not fit.
            self.made += made if made is not None else self._once_more(wanted)
            self.seconds += time.monotonic() - started
        except _Stop:
            return
        except BackendError as error:
            self.errors |= dict.fromkeys(places, error)
        except Exception as error:  # noqa: BLE001 - torch and diffusers raise anything; a worker must go on
            log_failure(self.weights.config.id, error)
            self.errors |= dict.fromkeys(places, EngineFailed())

    def _once_more(self, run: list[Picture]) -> list[Made]:
        """After memory ran out: one picture at a time, attention in slices, the autoencoder in tiles. Raises `OutOfMemory`."""
        logger.warning("model %s: out of memory with %d pictures, trying one at a time", self.weights.config.id, len(run))
        self.weights.run_limit = max(1, len(run) // 2)
        devices.free_memory()
        self.weights.save_memory()
        try:
            made: list[Made] = []
            for picture in run:
                if picture.place in self.canceled:
                    continue
                with suppress(_Stop):  # this picture's request is canceled, the others go on
                    made += self._denoise([picture])
            return made
        except Exception as error:
            if devices.is_out_of_memory(error):
                raise OutOfMemory from None
            raise
        finally:
            self.weights.spend_memory()
            devices.free_memory()

    def _denoise(self, run: list[Picture]) -> list[Made]:
        """Run the pipeline on these pictures. Raises `_Stop`, and whatever torch and diffusers raise."""
        torch = devices.import_torch()
        weights, settings = self.weights, self.settings
        pipe = weights.pipe(settings.mode, settings.scheduler)
        places = {picture.place for picture in run}
        first_rows: dict[int, int] = {}
        for row, picture in enumerate(run):
            first_rows.setdefault(picture.place, row)
        width, height = self._model_size()
        previewer = Previewer(
            self.previews, weights.decoder, first_rows, lambda latents: weights.unpack(latents, height=height, width=width)
        )
        steps = 0

        def on_step(moment: Moment) -> None:
            nonlocal steps
            steps = moment.number
            total = total_steps(pipe, moment.scheduler)
            previews = previewer.step(moment, last=steps >= total)
            self._tell(places, steps, total, previews)
            self.ask(places)

        watch(pipe.scheduler, on_start=lambda: self.ask(places), on_step=on_step)
        with torch.inference_mode():
            output = pipe(**self._arguments(pipe, run, torch))
            pictures = [
                images.put_back(image, picture.source) if picture.source and picture.source.mask else image
                for image, picture in zip(self._finish(output.images), run, strict=True)
            ]
        filtered = getattr(output, "nsfw_content_detected", None) or [False] * len(run)
        for place in places:
            self._steps_before[place] = self._steps_before.get(place, 0) + steps
        return [
            Made(picture, None if held else image, steps, len(run))
            for picture, image, held in zip(run, pictures, filtered, strict=True)
            if picture.place not in self.canceled
        ]

    def _tell(self, places: set[int], step: int, total: int, previews: dict[int, bytes]) -> None:
        for place in places - self.canceled:
            before = self._steps_before.get(place, 0)
            whole = max(total * self._runs_of[place], before + total)
            self.on_progress(place, Progress(before + step, whole, previews.get(place)))

    def _model_size(self) -> tuple[int, int]:
        """Width and height in pixels that the model draws; the upscaler makes the rest."""
        scale = SCALE if self.weights.upscaler else 1
        return self.settings.width // scale, self.settings.height // scale

    def _arguments(self, pipe: Any, run: list[Picture], torch: Any) -> dict[str, Any]:
        """The pipeline's arguments. A generator for each picture, on the CPU so that a seed means the same on every device."""
        settings, family = self.settings, self.weights.folder.family
        width, height = self._model_size()
        arguments: dict[str, Any] = {
            **prompt_arguments(pipe, family, [(picture.prompt, picture.negative_prompt) for picture in run]),
            "width": width,
            "height": height,
            "num_inference_steps": settings.num_inference_steps,
            family.guidance: settings.guidance_scale,
            "generator": [torch.Generator("cpu").manual_seed(picture.seed) for picture in run],
            "output_type": "pt",
            "clean_caption": False,
        }
        if settings.mode is Mode.TEXT_TO_IMAGE:
            arguments["latents"] = self._start([plain(picture.prompt) for picture in run], arguments["generator"], (width, height), pipe)
        else:
            sources = [picture.source for picture in run if picture.source]
            # With few steps and little strength diffusers would be left with no step at all.
            arguments["num_inference_steps"] = max(settings.num_inference_steps, int(1 / settings.strength + 0.999))
            arguments["strength"] = settings.strength
            arguments["image"] = [images.fit(source.picture, (width, height)) for source in sources]
            masks = [source.mask for source in sources if source.mask]
            if masks:
                factor = self.weights.factor
                arguments["mask_image"] = [images.mask_for_model(mask, (width, height), factor) for mask in masks]
        return accepted(pipe, arguments)

    def _start(self, prompts: list[str], generators: list[Any], size: tuple[int, int], pipe: Any) -> Any | None:
        """Noise to begin with where a prompt names a side and the model needs help with that; else the pipeline draws its own."""
        positions = self.weights.config.positions
        if positions is None:
            return None
        latent_size = (size[0] // self.weights.factor, size[1] // self.weights.factor)
        return starting_latents(positions, prompts, generators, latent_size, pipe.unet.dtype)

    def _finish(self, pixels: Any) -> list[Any]:
        """Tensors in 0..1 (n, 3, h, w) to Pillow pictures at the size of the result."""
        from PIL import Image

        if self.weights.upscaler:
            pixels = self.weights.upscaler.tensor(pixels)
        levels = pixels.float().mul(255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return [Image.fromarray(array) for array in levels]


def log_failure(model_id: str, error: Exception) -> None:
    """Log where it failed and with what kind of error. Not the error's own words: libraries put inputs into them, prompts too."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("model %s failed with %s\n%s", model_id, type(error).__name__, frames)
