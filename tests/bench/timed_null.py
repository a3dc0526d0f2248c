"""The null engine, noting when each step happened."""

from __future__ import annotations

import os
import time
from pathlib import Path

from studio.backends.base import GeneratedMedia, GenerationRequest, IsCanceled, OnProgress, Progress
from studio.backends.null import NullBackend


class TimedNullBackend(NullBackend):
    def generate(self, request: GenerationRequest, *, on_progress: OnProgress, is_canceled: IsCanceled) -> list[GeneratedMedia]:
        lines: list[str] = []

        def noted(progress: Progress) -> None:
            lines.append(f"{progress.step} {time.monotonic()}\n")
            on_progress(progress)

        made = super().generate(request, on_progress=noted, is_canceled=is_canceled)
        Path(os.environ["BENCH_STEPS_FILE"]).write_text("".join(lines))
        return made
