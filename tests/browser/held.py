"""The local runner, held in the middle of a run for as long as a test wants to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from studio.backends.base import GenerationRequest, Outcome, Progress
from studio.backends.diffusers import DiffusersBackend

HOLD = "hold"
"""The file in the data folder: while it is there a run stops after each step that it has told of."""
AGAIN_SECONDS = 1.0


class HeldBackend(DiffusersBackend):
    def generate_batch(
        self, requests: Sequence[GenerationRequest], *, on_progress: Callable[[int, Progress], None], is_canceled: Callable[[int], bool]
    ) -> list[Outcome]:
        file = Path(os.environ["STUDIO_DATA_DIR"]) / HOLD

        def held(place: int, progress: Progress) -> None:
            on_progress(place, progress)
            told = time.monotonic()
            while file.exists():
                time.sleep(0.02)
                if time.monotonic() > told + AGAIN_SECONDS:  # a page whose line was away just then would wait for the next step
                    on_progress(place, progress)
                    told = time.monotonic()

        return super().generate_batch(requests, on_progress=held, is_canceled=is_canceled)
