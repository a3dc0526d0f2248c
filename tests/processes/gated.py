"""A null engine with a gate: what has seed `GATE_FROM` or a higher one waits there until the test has removed the file `GATE`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from studio.backends.base import GeneratedMedia, GenerationRequest
from studio.backends.errors import RequestCanceled
from studio.backends.null import NullBackend


class GatedBackend(NullBackend):
    def generate(self, request: GenerationRequest, *, on_progress: Any, is_canceled: Any) -> list[GeneratedMedia]:
        gate = Path(str(self.options["GATE"]))
        while request.seeds[0] >= int(self.options["GATE_FROM"]) and gate.exists():
            if is_canceled():
                raise RequestCanceled
            time.sleep(0.05)
        return super().generate(request, on_progress=on_progress, is_canceled=is_canceled)
