"""A backend that does what a test says, step by step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from studio.backends.base import Backend, Engine, GeneratedMedia, GenerationRequest, Mode, Outcome, PriceTable, Progress, SizeRules
from studio.backends.errors import RequestCanceled
from tests.generation.pictures import picture

STEPS = 5
PATIENCE = 90


class Script:
    """What the backend of the present test does. `at(step)` is called before each step, `end(requests)` may answer instead of pictures."""

    def __init__(self) -> None:
        self.calls: list[list[GenerationRequest]] = []
        self.steps: list[int] = []
        self.entered = threading.Event()
        self.hold_at: int | None = None
        self.go = threading.Event()
        self.end: Callable[[Sequence[GenerationRequest]], list[Outcome]] | None = None
        self.warm: Callable[[], None] = lambda: None
        self.local = True

    def at(self, step: int) -> None:
        self.steps.append(step)
        if step == self.hold_at:
            self.entered.set()
            assert self.go.wait(PATIENCE)


script = Script()


class ScriptedBackend(Backend):
    def engines(self) -> Sequence[Engine]:
        size = SizeRules((64, 64), ((64, 64),))
        modes = (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE)
        return (
            Engine(
                "scripted",
                "Scripted",
                self.name,
                "scripted",
                modes,
                PriceTable("1", 1000),
                size=size,
                max_images=4,
                batch_limit=4,
                local=script.local,
            ),
        )

    def warm_up(self) -> None:
        script.warm()

    def generate(self, request: GenerationRequest, **callbacks: Any) -> list[GeneratedMedia]:
        raise AssertionError("the worker hands over batches")

    def generate_batch(self, requests: Sequence[GenerationRequest], *, on_progress: Any, is_canceled: Any) -> list[Outcome]:
        script.calls.append(list(requests))
        stopped: set[int] = set()
        for step in range(1, STEPS + 1):
            stopped |= {place for place in range(len(requests)) if is_canceled(place)}
            if len(stopped) == len(requests):
                break
            script.at(step)
            for place in set(range(len(requests))) - stopped:
                on_progress(place, Progress(step, STEPS, picture((8, 8), format="JPEG") if step % 2 else None))
        if script.end:
            return script.end(requests)
        return [RequestCanceled() if place in stopped else pictures(request) for place, request in enumerate(requests)]


def pictures(request: GenerationRequest) -> list[GeneratedMedia]:
    return [GeneratedMedia(i, seed, picture((64, 64), (i * 40, 90, 90)), width=64, height=64) for i, seed in enumerate(request.seeds)]
