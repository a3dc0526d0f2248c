"""The null engine: a drawn test card at once. For tests, benchmarks and showing the pipeline itself; off unless the operator says so.

OPTIONS: `ENABLED`, and what makes it behave like a slower or worse engine: `STEPS`, `STEP_SECONDS`, `FILTERED` (the last n pictures of
each request), `ERROR` (code of the `BackendError` that every request raises).
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw

from studio.backends import errors, weights
from studio.backends.base import (
    MILLICREDITS,
    Backend,
    Engine,
    GeneratedMedia,
    GenerationRequest,
    IsCanceled,
    Mode,
    OnProgress,
    Parameter,
    PriceTable,
    Progress,
    SizeRules,
)

MODES = (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING, Mode.UPSCALING)
SIZES = ((512, 512), (640, 384), (384, 640))
BARS = ("#c0c0c0", "#c0c000", "#00c0c0", "#00c000", "#c000c0", "#c00000", "#0000c0")
"""The seven 75 % colour bars of a television test card (SMPTE EG 1)."""


class NullBackend(Backend):
    def engines(self) -> Sequence[Engine]:
        return (self._engine(),) if self.options.get("ENABLED") else ()

    def _engine(self) -> Engine:
        return Engine(
            id="null",
            label="Null (test card)",
            backend=self.name,
            queue="null",
            modes=MODES,
            price=PriceTable("2026-11", MILLICREDITS),
            description="Returns a drawn test card at once. It shows the pipeline, not a model.",
            parameters=(
                Parameter("num_inference_steps", "Steps", "integer", None, 1, 150, 1),
                Parameter("strength", "Strength", "float", 0.6, 0.0, 1.0, 0.05, modes=frozenset({Mode.IMAGE_TO_IMAGE, Mode.INPAINTING})),
            ),
            size=SizeRules((512, 512), SIZES),
            max_images=8,
            negative_prompt=True,
            local=True,
            examples=("anything at all",),
            seconds_per_image=0.01,
        )

    def generate(self, request: GenerationRequest, *, on_progress: OnProgress, is_canceled: IsCanceled) -> list[GeneratedMedia]:
        self._fail()
        steps, seconds = int(self.options.get("STEPS", 1)), float(self.options.get("STEP_SECONDS", 0))
        for step in range(1, steps + 1):
            if is_canceled():
                raise errors.RequestCanceled
            if seconds:
                time.sleep(seconds)
            on_progress(Progress(step, steps, _preview(request, step, steps) if steps > 1 else None))
        filtered = int(self.options.get("FILTERED", 0))
        return [self._picture(request, place, filtered=place >= request.num_images - filtered) for place in range(request.num_images)]

    def _fail(self) -> None:
        code = self.options.get("ERROR")
        if code:
            kinds = {kind.code: kind for kind in errors.BackendError.__subclasses__()}
            raise kinds[str(code)]()

    def _picture(self, request: GenerationRequest, place: int, *, filtered: bool) -> GeneratedMedia:
        seed = request.seeds[place]
        if filtered:
            return GeneratedMedia(place, seed, filtered=True)
        width, height = request.width or SIZES[0][0], request.height or SIZES[0][1]
        card = _card(width, height, seed, weights.plain(request.prompt)[:40])
        buffer = io.BytesIO()
        card.save(buffer, "PNG", compress_level=1)
        return GeneratedMedia(place, seed, buffer.getvalue(), width=width, height=height, info={"device": "none"})


@lru_cache(maxsize=8)
def _base(width: int, height: int) -> Image.Image:
    """Colour bars over a grey band, as a palette picture: 1 byte a pixel and small as PNG."""
    card = Image.new("RGB", (width, height), "#2b2b27")
    draw = ImageDraw.Draw(card)
    for place, colour in enumerate(BARS):
        draw.rectangle((width * place // 7, 0, width * (place + 1) // 7 - 1, height * 2 // 3), fill=colour)
    return card.quantize(16)


def _card(width: int, height: int, seed: int, words: str) -> Image.Image:
    card = _base(width, height).copy()
    draw = ImageDraw.Draw(card)
    top = height * 2 // 3 + 12
    shown = words.encode("latin-1", "replace").decode("latin-1")  # all that Pillow's own bitmap font draws
    draw.text((12, top), shown, fill=0)
    draw.text((12, top + 18), f"seed {seed}, {width} x {height}", fill=1)
    for bit in range(32):  # the seed once more, as a row of squares: two cards differ even where the words do not
        if seed >> bit & 1:
            draw.rectangle((12 + bit * 10, top + 40, 19 + bit * 10, top + 48), fill=2)
    return card


def _preview(request: GenerationRequest, step: int, steps: int) -> bytes:
    card = _card(160, 160, request.seed, f"step {step} of {steps}").convert("RGB")
    buffer = io.BytesIO()
    card.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()
